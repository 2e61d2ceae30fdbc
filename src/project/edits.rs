//! A person's corrections. They are applied on top of the data file, which never changes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::project::RowId;

/// All corrections, by row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Edits {
    /// One entry for each corrected row.
    pub rows: BTreeMap<RowId, RowEdit>,
}

/// What a person decided about one row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RowEdit {
    /// Hash of the row's original text and label (see `data::content_hash`), so that the edit is not applied to another
    /// row after the file has changed.
    pub content_hash: String,
    /// The corrected target; `None` keeps the one in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<EditedTarget>,
    /// Whether the row is excluded from training and evaluation.
    pub excluded: bool,
    /// Whether a person has confirmed the row, which removes it from the review queue.
    pub kept: bool,
}

/// A corrected target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EditedTarget {
    /// A class, by its name.
    Class(String),
}

impl RowEdit {
    /// An edit that gives a row another label.
    #[must_use]
    pub fn relabelled(label: impl Into<String>) -> Self {
        Self { target: Some(EditedTarget::Class(label.into())), ..Self::default() }
    }

    /// The corrected label, if the row was relabelled.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        match self.target.as_ref()? {
            EditedTarget::Class(label) => Some(label),
        }
    }
}

impl Edits {
    /// Moves corrections to the new ids of their rows. Each pair is (old id, new id).
    pub fn follow(&mut self, moved: &[(RowId, RowId)]) {
        let taken: Vec<_> = moved.iter().map(|(from, to)| (*to, self.rows.remove(from))).collect();
        self.rows.extend(taken.into_iter().filter_map(|(to, edit)| Some((to, edit?))));
    }

    /// The rows whose target or exclusion differs from that in earlier corrections.
    #[must_use]
    pub fn corrected_since(&self, before: &Self) -> BTreeSet<RowId> {
        if self == before {
            return BTreeSet::new();
        }
        let effect = |edits: &Self, id: &RowId| {
            edits.rows.get(id).map(|edit| (edit.target.clone(), edit.excluded)).unwrap_or_default()
        };
        let ids = before.rows.keys().chain(self.rows.keys());
        ids.filter(|id| effect(before, id) != effect(self, id)).copied().collect()
    }

    /// Number of rows that were relabelled or excluded (rows merely confirmed do not count).
    #[must_use]
    pub fn corrections(&self) -> usize {
        self.rows.values().filter(|edit| edit.excluded || edit.target.is_some()).count()
    }
}
