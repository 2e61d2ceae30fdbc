//! A row on its way from the file to an example.

use std::borrow::Cow;

use crate::data::DropReason;
use crate::project::RowId;

/// One row while it is prepared.
pub(super) struct Row<'a> {
    pub id: RowId,
    /// Row index in its file's `Table`.
    pub index: usize,
    pub raw: Cow<'a, str>,
    /// Final label name.
    pub label: &'a str,
    pub relabelled: bool,
    /// Whether a person has corrected this very row.
    pub edited: bool,
    pub text: String,
    /// Bit `i` is set if `STEPS[i]` alone changes the raw text.
    pub changed_by: u16,
    /// Places of the patterns that change the text when their turn comes, or would if they were on.
    pub patterns: Vec<u16>,
    /// Place of the first pattern that is on and would make the text too long.
    pub outgrown: Option<u16>,
    pub dropped: Option<DropReason>,
}
