//! The settings that the prepared rows depend on, defined in one place.

use std::collections::{BTreeMap, BTreeSet};

use crate::project::{CleaningSettings, DatasetSettings, Edits, LabelSettings, Project, SplitSettings, TaskKind};

/// The part of a project that its prepared rows depend on. If it is equal and the files are the same, so are the
/// prepared rows.
#[derive(Debug, PartialEq)]
pub struct PreparedFrom<'a> {
    task: TaskKind,
    dataset: DatasetSettings,
    labels: LabelSettings,
    cleaning: &'a CleaningSettings,
    split: SplitSettings,
    edits: &'a Edits,
}

impl Project {
    /// The settings that the prepared rows depend on: not the name, the model, the hyperparameters, label colours,
    /// ignored columns or ignored leaks.
    #[must_use]
    pub fn prepared_from(&self) -> PreparedFrom<'_> {
        PreparedFrom {
            task: self.task.kind(),
            dataset: self.dataset.as_prepared(),
            labels: LabelSettings { colours: BTreeMap::new(), ..self.labels().clone() },
            cleaning: &self.cleaning,
            split: self.split.without_ignored_leaks(),
            edits: &self.edits,
        }
    }
}

impl SplitSettings {
    /// Only the settings that decide which split each row is in.
    #[must_use]
    pub fn without_ignored_leaks(&self) -> Self {
        Self { ignored_leaks: BTreeSet::new(), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{ColumnRole, ModelChoice, Pattern, RowEdit, SplitMethod};

    #[test]
    fn only_settings_that_preparing_depends_on_change_it() {
        type Change = fn(&mut Project);
        let ignored: [Change; 7] = [
            |project| project.name = "another".to_owned(),
            |project| project.model = ModelChoice::Folder("model".into()),
            |project| project.training.max_length = 7,
            |project| project.classification_mut().unwrap().label_smoothing = 0.1,
            |project| _ = project.labels_mut().unwrap().colours.insert("good".to_owned(), [1, 2, 3]),
            |project| project.dataset.set_role("notes", Some(ColumnRole::Ignored)),
            |project| _ = project.split.ignored_leaks.insert("near".to_owned()),
        ];
        let looked_at: [Change; 8] = [
            |project| project.task = crate::project::Task::new(TaskKind::LanguageModelling),
            |project| project.dataset.main = Some("rows.csv".into()),
            |project| project.dataset.set_role("title", Some(ColumnRole::Joined)),
            |project| project.labels_mut().unwrap().order.push("good".to_owned()),
            |project| project.cleaning.patterns.push(Pattern::default()),
            |project| project.split.method = SplitMethod::Time,
            |project| project.split.seed += 1,
            |project| _ = project.edits.rows.insert("main:1".parse().unwrap(), RowEdit::relabelled("good")),
        ];
        let before = Project::default();
        let after = |change: Change| {
            let mut project = before.clone();
            change(&mut project);
            assert_ne!(project, before);
            project
        };
        for (place, change) in ignored.into_iter().enumerate() {
            assert_eq!(after(change).prepared_from(), before.prepared_from(), "change {place}");
        }
        for (place, change) in looked_at.into_iter().enumerate() {
            assert_ne!(after(change).prepared_from(), before.prepared_from(), "change {place}");
        }
    }
}
