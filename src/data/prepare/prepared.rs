//! Rows ready for training: edited, cleaned, labelled and split.

use std::sync::Arc;

use crate::data::prepare::split::drawn::SplitOrigin;
use crate::data::{DropReason, Example, NearGroups, PatternError, Side};
use crate::project::RowId;

/// A part of the cleaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CleaningPart {
    /// Field name of a switch in `CleaningSettings`.
    Switch(&'static str),
    /// Place in `CleaningSettings::patterns`.
    Pattern(usize),
}

/// The effect of a part of the cleaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CleaningEffect {
    /// The switch or pattern.
    pub part: CleaningPart,
    /// Rows it changes, or would change if it were on.
    pub rows: usize,
    /// Up to 20 rows it changes, as (row, before, after). A switch is applied alone to the raw text, a pattern to the
    /// text when its turn comes.
    pub samples: Vec<(RowId, String, String)>,
}

/// Blockers and warnings that do not depend on the split.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BeforeSplit {
    pub(in crate::data) blockers: Vec<String>,
    pub(in crate::data) warnings: Vec<String>,
}

/// The data of a project, ready for training. Immutable; shared by `Arc`.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Final label names; the index is the class id. Empty if rows have no classes.
    pub labels: Vec<String>,
    /// All usable rows in file order: main, validation, test.
    pub examples: Vec<Example>,
    /// The id of each example; empty if no id column is chosen.
    pub keys: Vec<Option<String>>,
    /// Dropped rows, with the reason.
    pub dropped: Vec<(RowId, DropReason)>,
    /// Edits whose row was not found or no longer has the same content; they were not applied.
    pub stale_edits: Vec<RowId>,
    /// Corrections whose rows have moved because the file changed, from where to where. They were applied.
    pub moved_edits: Vec<(RowId, RowId)>,
    /// Groups of rows with the same text and different labels.
    pub conflicts: Vec<Vec<RowId>>,
    /// Effect of each cleaning switch, then of each pattern that can be used.
    pub cleaning: Vec<CleaningEffect>,
    /// What makes training impossible, with what to do about it. Empty when ready.
    pub blockers: Vec<String>,
    /// What a person should know but need not act on.
    pub warnings: Vec<String>,
    /// Near-duplicates, as indices into `examples`; present if the split keeps them together.
    pub near: Option<Arc<NearGroups>>,
    /// Warnings about labels and rows for a run's log. [`crate::data::find`] reports the same with the rows and
    /// remedies.
    pub log_warnings: Vec<String>,
    /// Errors of patterns, on or off.
    pub pattern_faults: Vec<PatternError>,
    /// Blockers and warnings from before the split, for splitting again.
    pub before_split: BeforeSplit,
    /// SHA-256 over the (id, cleaned text, label) of every example.
    pub data_hash: String,
    /// SHA-256 over the (id, side) of every example.
    pub split_hash: String,
    /// How the split compares with that of the last run.
    pub origin: SplitOrigin,
}

impl Prepared {
    /// The name of an example's label; empty if rows have no classes.
    #[must_use]
    pub fn label_of(&self, example: &Example) -> &str {
        let label = example.class().and_then(|class| self.labels.get(class as usize));
        label.map_or("", String::as_str)
    }

    /// How many strata there are, see [`Target::stratum`](crate::data::Target::stratum).
    #[must_use]
    pub fn strata(&self) -> usize {
        self.labels.len().max(1)
    }

    /// The examples of one side, in file order.
    pub fn side(&self, side: Side) -> impl Iterator<Item = &Example> {
        self.examples.iter().filter(move |example| example.side == side)
    }

    /// The texts of the examples of one side, in file order.
    #[must_use]
    pub fn texts(&self, side: Side) -> Vec<&str> {
        self.side(side).map(|example| example.text.as_str()).collect()
    }

    /// The ids of the examples of one side, in file order; empty if no id column is chosen.
    #[must_use]
    pub fn side_keys(&self, side: Side) -> Vec<Option<&str>> {
        let with_keys = self.examples.iter().zip(&self.keys).filter(|(example, _)| example.side == side);
        with_keys.map(|(_, key)| key.as_deref()).collect()
    }

    /// Number of rows on each side: train, validation, test.
    #[must_use]
    pub fn sides(&self) -> [usize; 3] {
        let mut sides = [0; 3];
        for example in &self.examples {
            sides[example.side as usize] += 1;
        }
        sides
    }

    /// Number of rows of each label (outer: label, inner: train, validation, test).
    #[must_use]
    pub fn counts(&self) -> Vec<[usize; 3]> {
        let mut counts = vec![[0; 3]; self.labels.len()];
        for example in &self.examples {
            if let Some(class) = example.class() {
                counts[class as usize][example.side as usize] += 1;
            }
        }
        counts
    }
}
