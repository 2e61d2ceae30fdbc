//! What can be done about a finding: a change of the project, which can be undone as any other.

use serde::{Serialize, Serializer};

use crate::project::{ClassWeights, LabelSettings, Pattern, Project, RowEdit, RowId};

/// What can be done at once. Written as its title.
#[derive(Clone, Debug, PartialEq)]
pub struct Remedy {
    /// What it does, as on a button.
    pub title: String,
    /// The change.
    pub change: Change,
}

/// A change of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Leave these rows out: each with the hash of its content (see [`crate::data::content_hash`]).
    LeaveOut(Vec<(RowId, String)>),
    /// Turn a cleaning switch on: its field name.
    TurnOn(&'static str),
    /// Remove these words from every text, by a pattern.
    RemoveWords(String),
    /// Merge labels: from, into.
    MergeLabels(Vec<(String, String)>),
    /// Leave all rows of these labels out.
    LeaveOutLabels(Vec<String>),
    /// Weigh rare labels as much as frequent ones.
    BalanceLabels,
    /// Read so many tokens of a text.
    ReadTokens(usize),
}

impl Serialize for Remedy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.title)
    }
}

impl Remedy {
    pub(super) fn new(title: impl Into<String>, change: Change) -> Self {
        Self { title: title.into(), change }
    }
}

impl Change {
    /// Makes the change. What is changed already stays as it is.
    pub fn apply(&self, project: &mut Project) {
        match self {
            Self::LeaveOut(rows) => {
                for (id, content_hash) in rows {
                    let edit = project.edits.rows.entry(*id).or_default();
                    // What was decided about another row that stood here is not of this one.
                    if edit.content_hash != *content_hash {
                        *edit = RowEdit { content_hash: content_hash.clone(), ..RowEdit::default() };
                    }
                    edit.excluded = true;
                }
            }
            Self::TurnOn(field) => {
                if let Some(switch) = project.cleaning.switch_mut(field) {
                    *switch = true;
                }
            }
            Self::RemoveWords(words) => {
                let pattern = Pattern { find: words.clone(), match_case: true, ..Pattern::default() };
                if !project.cleaning.patterns.contains(&pattern) {
                    project.cleaning.patterns.push(pattern);
                }
            }
            Self::MergeLabels(pairs) => {
                if let Some(labels) = project.labels_mut() {
                    for (from, into) in pairs {
                        merge(labels, from, into);
                    }
                }
            }
            Self::LeaveOutLabels(left_out) => {
                if let Some(labels) = project.labels_mut() {
                    labels.excluded.extend(left_out.iter().cloned());
                }
            }
            Self::BalanceLabels => {
                if let Some(settings) = project.classification_mut() {
                    settings.class_weights = ClassWeights::Balanced;
                }
            }
            Self::ReadTokens(tokens) => project.training.max_length = *tokens,
        }
    }

    /// The change as a setting of the terminal (`--set`), where it is one.
    #[must_use]
    pub fn setting(&self) -> Option<String> {
        match self {
            Self::TurnOn(field) => Some(format!("cleaning.{field}=true")),
            Self::BalanceLabels => Some("task.class_weights=balanced".to_owned()),
            Self::ReadTokens(tokens) => Some(format!("training.max_length={tokens}")),
            _ => None,
        }
    }
}

/// Makes one label another. Corrections of rows name a label as it was called when they were made, so earlier names go on
/// leading to it.
fn merge(labels: &mut LabelSettings, from: &str, into: &str) {
    for name in labels.mapping.values_mut().filter(|name| *name == from) {
        into.clone_into(name);
    }
    // Where `from` is a label of the file with a name of its own, that one stays.
    labels.mapping.entry(from.to_owned()).or_insert_with(|| into.to_owned());
    labels.mapping.retain(|source, name| source != name);
    let taken = labels.order.iter().any(|name| name == into);
    labels.order.retain(|name| !(taken && name == from));
    for name in labels.order.iter_mut().filter(|name| *name == from) {
        into.clone_into(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_made_twice_is_made_once() {
        let changes = [
            Change::LeaveOut(vec![("main:3".parse().unwrap(), "hash".to_owned())]),
            Change::TurnOn("mask_emails"),
            Change::RemoveWords("Sent from here".to_owned()),
            Change::MergeLabels(vec![("Bad".to_owned(), "bad".to_owned())]),
            Change::LeaveOutLabels(vec!["rare".to_owned()]),
            Change::BalanceLabels,
            Change::ReadTokens(200),
        ];
        for change in changes {
            let mut once = Project::default();
            change.apply(&mut once);
            assert_ne!(once, Project::default(), "{change:?}");
            let mut twice = once.clone();
            change.apply(&mut twice);
            assert_eq!(once, twice, "{change:?}");
        }
    }

    #[test]
    fn merged_labels_keep_their_place_and_what_led_to_them() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let mut labels = LabelSettings { order: names(&["Bad", "bad", "good"]), ..LabelSettings::default() };
        labels.mapping = [("1".to_owned(), "Bad".to_owned())].into();
        merge(&mut labels, "Bad", "bad");
        assert_eq!(labels.order, names(&["bad", "good"]));
        assert_eq!((labels.resolve("1"), labels.resolve("Bad"), labels.resolve("bad")), ("bad", "bad", "bad"));
    }

    #[test]
    fn a_row_keeps_its_correction_when_it_is_left_out() {
        let id = "main:3".parse().unwrap();
        let mut project = Project::default();
        project.edits.rows.insert(id, RowEdit { content_hash: "hash".to_owned(), ..RowEdit::relabelled("good") });
        Change::LeaveOut(vec![(id, "hash".to_owned())]).apply(&mut project);
        let edit = &project.edits.rows[&id];
        assert_eq!((edit.label(), edit.excluded, edit.content_hash.as_str()), (Some("good"), true, "hash"));

        // One of a row that stood here before is not revived.
        Change::LeaveOut(vec![(id, "another".to_owned())]).apply(&mut project);
        let edit = &project.edits.rows[&id];
        assert_eq!((edit.label(), edit.excluded, edit.content_hash.as_str()), (None, true, "another"));
    }
}
