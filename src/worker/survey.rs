//! Counts over all prepared rows, made once on the worker so that the window need not go through the rows in every
//! frame.

use std::collections::BTreeMap;

use crate::data::{DropReason, LengthBin, Prepared, length_histogram, word_counts};
use crate::project::RowId;

/// Bars of the length histogram.
pub(super) const BINS: usize = 40;

/// Counts and lists of prepared rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Number of rows of each label (outer: label, inner: train, validation, test).
    pub counts: Vec<[usize; 3]>,
    /// Number of rows on each side: train, validation, test.
    pub sides: [usize; 3],
    /// Histogram of the number of words in the cleaned texts.
    pub lengths: Vec<LengthBin>,
    /// Number of words of each example, in order.
    pub words: Vec<u32>,
    /// Rows whose text also has another label, group by group.
    pub conflicting: Vec<RowId>,
    /// Number of used rows whose label a person changed.
    pub relabelled: usize,
    dropped: BTreeMap<DropReason, Vec<RowId>>,
}

impl Survey {
    /// Counts over all rows.
    #[must_use]
    pub fn of(prepared: &Prepared) -> Self {
        let mut dropped: BTreeMap<DropReason, Vec<RowId>> = BTreeMap::new();
        for (id, reason) in &prepared.dropped {
            dropped.entry(*reason).or_default().push(*id);
        }
        let words = word_counts(prepared);
        Self {
            sides: prepared.sides(),
            counts: prepared.counts(),
            lengths: length_histogram(&words, BINS),
            words,
            relabelled: prepared.examples.iter().filter(|example| example.relabelled).count(),
            conflicting: prepared.conflicts.iter().flatten().copied().collect(),
            dropped,
        }
    }

    /// Every reason for which rows are dropped, with these rows.
    pub fn left_out(&self) -> impl Iterator<Item = (DropReason, &[RowId])> {
        self.dropped.iter().map(|(reason, rows)| (*reason, rows.as_slice()))
    }

    /// The rows dropped for a reason.
    #[must_use]
    pub fn dropped(&self, reason: DropReason) -> &[RowId] {
        self.dropped.get(&reason).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{BeforeSplit, Example, Side, SplitOrigin, Target};
    use crate::project::SourceFile;

    fn id(record: u64) -> RowId {
        RowId { file: SourceFile::Main, record }
    }

    #[test]
    fn every_row_is_counted_where_it_belongs() {
        let example = |record, label, side| Example {
            id: id(record),
            row: record as usize,
            text: "some words here".to_owned(),
            target: Target::Class(label),
            side,
            relabelled: false,
        };
        let prepared = Prepared {
            labels: vec!["a".to_owned(), "b".to_owned()],
            examples: vec![example(1, 0, Side::Train), example(2, 1, Side::Train), example(3, 1, Side::Test)],
            keys: Vec::new(),
            dropped: vec![
                (id(4), DropReason::Duplicate),
                (id(5), DropReason::Excluded),
                (id(6), DropReason::Duplicate),
            ],
            stale_edits: Vec::new(),
            moved_edits: Vec::new(),
            conflicts: vec![vec![id(1), id(2)], vec![id(3)]],
            cleaning: Vec::new(),
            blockers: Vec::new(),
            warnings: Vec::new(),
            near: None,
            log_warnings: Vec::new(),
            pattern_faults: Vec::new(),
            before_split: BeforeSplit::default(),
            data_hash: String::new(),
            split_hash: String::new(),
            origin: SplitOrigin::default(),
        };
        let survey = Survey::of(&prepared);
        assert_eq!(survey.counts, [[1, 0, 0], [1, 0, 1]]);
        assert_eq!(survey.sides, [2, 0, 1]);
        assert_eq!(survey.relabelled, 0);
        assert_eq!(survey.words, [3, 3, 3]);
        assert_eq!(survey.lengths, [LengthBin { from: 3, to: 4, texts: 3 }]);
        assert_eq!(survey.conflicting, [id(1), id(2), id(3)]);
        assert_eq!(survey.dropped(DropReason::Duplicate), [id(4), id(6)]);
        assert!(survey.dropped(DropReason::EmptyText).is_empty());
        let left_out: Vec<(DropReason, usize)> = survey.left_out().map(|(reason, rows)| (reason, rows.len())).collect();
        assert_eq!(left_out, [(DropReason::Excluded, 1), (DropReason::Duplicate, 2)]);
    }
}
