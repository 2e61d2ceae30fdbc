//! What differs between two states of a project, in words.

use crate::project::{DatasetSettings, Project, Task};
use crate::words::counted;

impl Project {
    /// The parts that differ from `before`, in the order of the steps: "columns", "split", "3 row corrections".
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Vec<String> {
        let files = |dataset: &DatasetSettings| {
            (dataset.main.clone(), dataset.more.clone(), dataset.validation.clone(), dataset.test.clone())
        };
        let (new, old) = (&self.dataset, &before.dataset);
        let same_files = files(new) == files(old);
        let parts = [
            (self.name != before.name, "name"),
            (!same_files, "data files"),
            (new.columns != old.columns, "columns"),
            (same_files && new.columns == old.columns && new != old, "how the files are read"),
            (self.labels() != before.labels(), "labels"),
            (rest_of(&self.task) != rest_of(&before.task), "task settings"),
            (self.cleaning != before.cleaning, "cleaning"),
            (self.split != before.split, "split"),
            (self.model != before.model, "model"),
            (self.training != before.training, "training settings"),
        ];
        let rows = self.changed_rows(before);
        let rows = (rows > 0).then(|| counted(rows, "row correction", "row corrections"));
        let named = parts.into_iter().filter(|(differs, _)| *differs).map(|(_, name)| name.to_owned());
        named.chain(rows).collect()
    }

    /// Number of rows whose correction differs.
    fn changed_rows(&self, before: &Self) -> usize {
        let (new, old) = (&self.edits.rows, &before.edits.rows);
        let changed = new.iter().filter(|(id, edit)| old.get(id) != Some(edit)).count();
        changed + old.keys().filter(|id| !new.contains_key(id)).count()
    }
}

/// The task's settings without its labels, which are named apart.
fn rest_of(task: &Task) -> Task {
    let mut task = task.clone();
    if let Task::TextClassification(settings) = &mut task {
        settings.labels = crate::project::LabelSettings::default();
    }
    task
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{ColumnRole, RowEdit, RowId, SourceFile};

    #[test]
    fn every_changed_part_is_named_once() {
        let before = Project::default();
        assert_eq!(before.changes_since(&before), [""; 0]);
        let mut after = before.clone();
        after.dataset.delimiter = Some(';');
        assert_eq!(after.changes_since(&before), ["how the files are read"]);
        after.dataset.main = Some("a.csv".into());
        after.dataset.set_role("text", Some(ColumnRole::Text));
        if let Some(labels) = after.labels_mut() {
            labels.order = vec!["good".to_owned()];
        }
        after.training.epochs += 1;
        for record in 1..=2 {
            let id = RowId { file: SourceFile::Main, record };
            after.edits.rows.insert(id, RowEdit::relabelled("good"));
        }
        let parts = ["data files", "columns", "labels", "training settings", "2 row corrections"];
        assert_eq!(after.changes_since(&before), parts);
        assert_eq!(before.changes_since(&after), parts);
    }
}
