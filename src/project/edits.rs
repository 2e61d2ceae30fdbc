//! A person's corrections, laid over the data file, which is never changed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::project::RowId;

/// Corrections by row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Edits {
    /// One entry for each corrected row.
    pub rows: BTreeMap<RowId, RowEdit>,
}

/// What a person decided about one row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RowEdit {
    /// Hash of the row's original text and label (see `data::content_hash`), so that the edit is not
    /// applied to another row when the file was changed behind our back.
    pub content_hash: String,
    /// The label it should have; `None` leaves the file's label.
    pub label: Option<String>,
    /// Leave the row out of training and evaluation.
    pub excluded: bool,
    /// Looked at and found right: it leaves the review queue.
    pub kept: bool,
}

impl Edits {
    /// Lets corrections follow their rows, each from one place to another.
    pub fn follow(&mut self, moved: &[(RowId, RowId)]) {
        let taken: Vec<_> = moved.iter().map(|(from, to)| (*to, self.rows.remove(from))).collect();
        self.rows.extend(taken.into_iter().filter_map(|(to, edit)| Some((to, edit?))));
    }

    /// Number of rows whose label or membership was changed (rows merely kept do not count).
    #[must_use]
    pub fn corrections(&self) -> usize {
        self.rows.values().filter(|edit| edit.excluded || edit.label.is_some()).count()
    }
}
