//! What a person does with runs, as a step asks for it.

use std::path::PathBuf;

use crate::project::RowId;
use crate::storage::{RunFolder, RunNotes};
use crate::worker::RunChange;

/// Something that a person does with runs.
#[derive(Clone, Debug, PartialEq)]
pub enum RunsCommand {
    /// Say something about a run.
    Say(RunFolder, NoteChange),
    /// Move runs to the bin and back, or free their disk space.
    Change(RunChange),
    /// Ask the process that trains a run to stop it and keep its best checkpoint.
    Stop(RunFolder),
    /// Compare runs with the first of them; the answer comes in `Answers::compared`.
    Compare(Vec<PathBuf>),
    /// Show the results of a run in Evaluate.
    Show(PathBuf),
    /// Show these rows of a run in Review.
    Review(PathBuf, Vec<RowId>),
}

/// A change of what is said about a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoteChange {
    /// Its name.
    Name(String),
    /// Its note.
    Note(String),
    /// Whether it is starred.
    Star(bool),
    /// A new tag.
    Tag(String),
    /// A tag that it no longer has.
    Untag(String),
}

impl NoteChange {
    /// Makes the change.
    pub fn make(self, notes: &mut RunNotes) {
        match self {
            Self::Name(name) => notes.name = name,
            Self::Note(note) => notes.note = note,
            Self::Star(star) => notes.star = star,
            Self::Tag(tag) => {
                notes.tags.insert(tag);
            }
            Self::Untag(tag) => {
                notes.tags.remove(&tag);
            }
        }
    }
}
