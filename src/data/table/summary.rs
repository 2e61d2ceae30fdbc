//! Summarises the columns of a table over all rows.

use std::collections::HashSet;
use std::hash::BuildHasher;

use arrow_array::{Array, StringViewArray};
use arrow_data::MAX_INLINE_VIEW_LEN;
use foldhash::fast::RandomState as FastState;
use foldhash::quality::FixedState;
use rayon::prelude::*;

use crate::data::Table;

/// Rows counted at a time by one core.
const ROWS: usize = 16_384;
/// Number of recent hashes remembered, to skip repeats: in a column with few values nearly all are repeats.
const REMEMBERED: usize = 1024;
/// Parts that hashes are divided into, so that the different ones of a part fit into a core's cache.
const PARTS: usize = 16;

/// Summary of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ColumnSummary {
    /// Rows whose cell is more than white space.
    pub filled: u64,
    /// Different values among those. Values are distinguished by hashes of 64 bits, of which two in a million rows are
    /// the same by chance once in 40 million files.
    pub distinct: u64,
    /// The first row whose cell is more than white space.
    pub first_filled: Option<usize>,
}

/// Summarises every column, on all cores.
#[must_use]
pub fn summarise_columns(table: &Table) -> Vec<ColumnSummary> {
    table.columns.par_iter().map(summarise).collect()
}

fn summarise(column: &StringViewArray) -> ColumnSummary {
    let starts: Vec<usize> = (0..column.len()).step_by(ROWS).collect();
    let chunks: Vec<(ColumnSummary, [Vec<u64>; PARTS])> =
        starts.into_par_iter().map(|start| hashes(column, start)).collect();
    let distinct = |part: usize| {
        let hashes = || chunks.iter().map(|(_, parts)| parts[part].as_slice());
        let mut seen: HashSet<u64, FastState> =
            HashSet::with_capacity_and_hasher(hashes().map(<[u64]>::len).sum(), FastState::default());
        hashes().for_each(|hashes| seen.extend(hashes));
        seen.len() as u64
    };
    ColumnSummary {
        filled: chunks.iter().map(|(summary, _)| summary.filled).sum(),
        distinct: (0..PARTS).into_par_iter().map(distinct).sum(),
        first_filled: chunks.iter().find_map(|(summary, _)| summary.first_filled),
    }
}

/// The summary of some rows of a column, and the hashes of its values, each different one at least once.
fn hashes(column: &StringViewArray, start: usize) -> (ColumnSummary, [Vec<u64>; PARTS]) {
    let (hasher, mut summary) = (FixedState::default(), ColumnSummary::default());
    let (mut hashes, mut remembered) = ([const { Vec::new() }; PARTS], vec![0; REMEMBERED]);
    let end = column.len().min(start + ROWS);
    for (row, &view) in (start..end).zip(&column.views()[start..end]) {
        if !is_filled(column, row, view) {
            continue;
        }
        summary.filled += 1;
        summary.first_filled.get_or_insert(row);
        // A short value is stored in its view with its length, so equal values have equal views.
        let is_short = view as u32 <= MAX_INLINE_VIEW_LEN;
        let hash = if is_short { hasher.hash_one(view) } else { hasher.hash_one(column.value(row)) };
        let slot = &mut remembered[hash as usize % REMEMBERED];
        if *slot != hash {
            *slot = hash;
            hashes[(hash >> 32) as usize % PARTS].push(hash);
        }
    }
    (summary, hashes)
}

/// Whether a row's value is more than white space. Usually its first byte decides, which is in its view.
fn is_filled(column: &StringViewArray, row: usize, view: u128) -> bool {
    let first = (view >> 32) as u8;
    column.is_valid(row) && view as u32 > 0 && (first.is_ascii_graphic() || !column.value(row).trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::SourceFile;

    #[test]
    fn every_row_is_counted() {
        let rows = 3 * ROWS + 17;
        let numbers = (0..rows).map(|row| Some(format!("value {row}")));
        let some = (0..rows).map(|row| match row % 4 {
            0 => None,
            1 => Some(" \u{A0}"),
            2 => Some("b"),
            _ => Some("c"),
        });
        let columns = vec![numbers.collect(), some.collect(), StringViewArray::new_null(rows)];
        let names = ["a", "b", "c"].map(str::to_owned).to_vec();
        let table = Table { file: SourceFile::Main, names, columns, records: (1..=rows as u64).collect() };
        let half = (0..rows).filter(|row| row % 4 >= 2).count() as u64;
        let summary = |filled, distinct, first_filled| ColumnSummary { filled, distinct, first_filled };
        let counted = summarise_columns(&table);
        assert_eq!(counted[0], summary(rows as u64, rows as u64, Some(0)));
        assert_eq!(counted[2], summary(0, 0, None));
        assert_eq!(counted[1], summary(half, 2, Some(2)));
    }
}
