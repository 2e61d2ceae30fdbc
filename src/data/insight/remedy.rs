//! Remedies for findings: changes of the project, which can be undone like any other.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::data::{Imported, RowColumns};
use crate::project::{ClassWeights, ColumnRole, DatasetSettings, Pattern, Project, RowEdit, RowId, SplitMethod};
use crate::words::counted;

/// A change of a project that resolves a finding, or ignores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Exclude these rows, each with the hash of its content (see [`crate::data::content_hash`]).
    ExcludeRows(Vec<(RowId, String)>),
    /// Turn on the cleaning switch with this field name.
    TurnOn(&'static str),
    /// Remove this text wherever it is found, with a pattern.
    RemoveText(String),
    /// Merge labels: from, into.
    MergeLabels(Vec<(String, String)>),
    /// Exclude all rows with these labels.
    ExcludeLabels(Vec<String>),
    /// Give rare labels as much weight as frequent ones.
    BalanceLabels,
    /// Read this many tokens of each text.
    SetMaxLength(usize),
    /// Split at random, with near-duplicates on the same side.
    KeepNearTogether,
    /// Split at random, with rows that share a value of this column on the same side.
    SplitByGroup(String),
    /// Split by time.
    SplitByTime,
    /// Stop prepending this column to the text.
    StopPrepending(String),
    /// Ignore the finding with this key.
    Ignore(String),
    /// Report the finding with this key again.
    StopIgnoring(String),
}

/// Written as its title, and its settings for `--set`.
impl Serialize for Remedy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut remedy = serializer.serialize_struct("Remedy", 2)?;
        remedy.serialize_field("title", &self.title())?;
        remedy.serialize_field("settings", &self.settings())?;
        remedy.end()
    }
}

impl Remedy {
    /// The remedy that excludes these rows, with the present hash of each. Rows that are not in the files are ignored.
    #[must_use]
    pub fn exclude_rows(imported: &Imported, dataset: &DatasetSettings, rows: &[RowId]) -> Self {
        let columns = |id: &RowId| RowColumns::of(&imported.file(id.file)?.table, dataset);
        let mut of_file = None;
        let hashed = rows.iter().filter_map(|id| {
            if of_file.as_ref().is_none_or(|(file, _)| *file != id.file) {
                of_file = Some((id.file, columns(id)));
            }
            let (_, columns) = of_file.as_ref()?;
            let row = imported.file(id.file)?.table.records.binary_search(&id.record).ok()?;
            Some((*id, columns.as_ref()?.hash(row)))
        });
        Self::ExcludeRows(hashed.collect())
    }

    /// The text of its button.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::ExcludeRows(rows) => format!("Exclude {}", counted(rows.len(), "row", "rows")),
            Self::TurnOn(field) => switch_title(field).to_owned(),
            Self::RemoveText(_) => "Remove it from all texts".to_owned(),
            Self::MergeLabels(pairs) => match pairs.as_slice() {
                [(from, into)] => format!("Merge '{from}' into '{into}'"),
                pairs => format!("Merge {}", counted(pairs.len(), "spelling", "spellings")),
            },
            Self::ExcludeLabels(labels) => match labels.as_slice() {
                [label] => format!("Exclude '{label}'"),
                labels => format!("Exclude {}", counted(labels.len(), "label", "labels")),
            },
            Self::BalanceLabels => "Balance class weights".to_owned(),
            Self::SetMaxLength(tokens) => format!("Set max length to {tokens}"),
            Self::KeepNearTogether => "Keep near-duplicates together".to_owned(),
            Self::SplitByGroup(column) => format!("Keep rows with the same '{column}' together"),
            Self::SplitByTime => "Split by time".to_owned(),
            Self::StopPrepending(column) => format!("Stop prepending '{column}'"),
            Self::Ignore(_) => "Ignore".to_owned(),
            Self::StopIgnoring(_) => "Stop ignoring".to_owned(),
        }
    }

    /// The change as settings for `--set`; empty if it is about single rows, labels or findings.
    #[must_use]
    pub fn settings(&self) -> Vec<String> {
        match self {
            Self::TurnOn(field) => vec![format!("cleaning.{field}=true")],
            Self::BalanceLabels => vec!["task.class_weights=balanced".to_owned()],
            Self::SetMaxLength(tokens) => vec![format!("training.max_length={tokens}")],
            Self::KeepNearTogether => {
                vec!["split.method=random".to_owned(), "split.keep_near_together=true".to_owned()]
            }
            Self::SplitByGroup(column) => {
                vec!["split.method=random".to_owned(), format!("dataset.group_column={column}")]
            }
            Self::SplitByTime => vec!["split.method=time".to_owned()],
            Self::ExcludeRows(_)
            | Self::RemoveText(_)
            | Self::MergeLabels(_)
            | Self::ExcludeLabels(_)
            | Self::StopPrepending(_)
            | Self::Ignore(_)
            | Self::StopIgnoring(_) => Vec::new(),
        }
    }

    /// Changes the project. Applying a remedy twice changes nothing more.
    pub fn apply(&self, project: &mut Project) {
        match self {
            Self::ExcludeRows(rows) => rows.iter().for_each(|(id, hash)| exclude(project, *id, hash)),
            Self::TurnOn(field) => {
                if let Some(switch) = project.cleaning.switch_mut(field) {
                    *switch = true;
                }
            }
            Self::RemoveText(text) => {
                let pattern = Pattern { find: text.clone(), match_case: true, ..Pattern::default() };
                if !project.cleaning.patterns.contains(&pattern) {
                    project.cleaning.patterns.push(pattern);
                }
            }
            Self::MergeLabels(pairs) => {
                if let Some(labels) = project.labels_mut() {
                    for (from, into) in pairs {
                        labels.merge(from, into);
                    }
                }
            }
            Self::ExcludeLabels(excluded) => {
                if let Some(labels) = project.labels_mut() {
                    labels.excluded.extend(excluded.iter().cloned());
                }
            }
            Self::BalanceLabels => {
                if let Some(settings) = project.classification_mut() {
                    settings.class_weights = ClassWeights::Balanced;
                }
            }
            Self::SetMaxLength(tokens) => project.training.max_length = *tokens,
            Self::KeepNearTogether => {
                project.split.method = SplitMethod::Random;
                project.split.keep_near_together = true;
            }
            Self::SplitByGroup(column) => {
                project.split.method = SplitMethod::Random;
                project.dataset.choose(column, ColumnRole::Group);
            }
            Self::SplitByTime => project.split.method = SplitMethod::Time,
            Self::StopPrepending(column) => project.dataset.set_role(column, None),
            Self::Ignore(key) => _ = project.split.ignored_leaks.insert(key.clone()),
            Self::StopIgnoring(key) => _ = project.split.ignored_leaks.remove(key),
        }
    }
}

fn exclude(project: &mut Project, id: RowId, content_hash: &str) {
    let edit = project.edits.rows.entry(id).or_default();
    // An edit of another row that was in this place before does not apply to this row.
    if edit.content_hash != content_hash {
        *edit = RowEdit { content_hash: content_hash.to_owned(), ..RowEdit::default() };
    }
    edit.excluded = true;
}

fn switch_title(field: &str) -> &'static str {
    match field {
        "mask_emails" => "Mask e-mail addresses",
        "mask_phones" => "Mask phone numbers",
        "mask_accounts" => "Mask card and account numbers",
        "mask_handles" => "Mask @names",
        "drop_duplicates" => "Drop duplicates",
        "drop_conflicts" => "Drop conflicts",
        _ => "Turn on the cleaning step",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applying_a_remedy_twice_changes_nothing_more() {
        let remedies = [
            Remedy::ExcludeRows(vec![("main:3".parse().unwrap(), "hash".to_owned())]),
            Remedy::TurnOn("mask_emails"),
            Remedy::RemoveText("Sent from here".to_owned()),
            Remedy::MergeLabels(vec![("Bad".to_owned(), "bad".to_owned())]),
            Remedy::ExcludeLabels(vec!["rare".to_owned()]),
            Remedy::BalanceLabels,
            Remedy::SetMaxLength(200),
            Remedy::SplitByTime,
            Remedy::SplitByGroup("customer".to_owned()),
            Remedy::Ignore("time".to_owned()),
        ];
        for remedy in remedies {
            let mut once = Project::default();
            remedy.apply(&mut once);
            assert_ne!(once, Project::default(), "{remedy:?}");
            let mut twice = once.clone();
            remedy.apply(&mut twice);
            assert_eq!(once, twice, "{remedy:?}");
            assert!(!remedy.title().is_empty());
        }
    }

    #[test]
    fn an_excluded_row_keeps_its_correction() {
        let id = "main:3".parse().unwrap();
        let mut project = Project::default();
        project.edits.rows.insert(id, RowEdit { content_hash: "hash".to_owned(), ..RowEdit::relabelled("good") });
        Remedy::ExcludeRows(vec![(id, "hash".to_owned())]).apply(&mut project);
        let edit = &project.edits.rows[&id];
        assert_eq!((edit.label(), edit.excluded, edit.content_hash.as_str()), (Some("good"), true, "hash"));

        // The correction of a row that was in this place before does not come back.
        Remedy::ExcludeRows(vec![(id, "another".to_owned())]).apply(&mut project);
        let edit = &project.edits.rows[&id];
        assert_eq!((edit.label(), edit.excluded, edit.content_hash.as_str()), (None, true, "another"));
    }
}
