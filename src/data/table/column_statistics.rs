//! What the values of a column are like.

use foldhash::HashSet;

use crate::data::Table;

/// Rows examined.
const SAMPLE: usize = 20_000;
/// Values whose words are counted, which takes longer than everything else.
const READ: usize = 2_000;
/// A label column has at most this many different values.
const MOST_LABELS: usize = 200;

/// What the values of a column are like.
pub(in crate::data) struct ColumnStatistics {
    /// Rows examined.
    pub rows: usize,
    /// Values that are not empty.
    pub filled: usize,
    /// Different ones of them.
    pub distinct: usize,
    pub mean_chars: f64,
    pub mean_words: f64,
    /// All of them are numbers.
    pub numeric: bool,
}

impl ColumnStatistics {
    pub fn of(table: &Table, column: usize) -> Self {
        let rows = table.len().min(SAMPLE);
        let mut seen = HashSet::default();
        let (mut filled, mut chars, mut words, mut numeric) = (0, 0, 0, true);
        for value in (0..rows).map(|row| table.cell(column, row).trim()).filter(|value| !value.is_empty()) {
            filled += 1;
            chars += value.chars().count();
            if filled <= READ {
                words += value.split_whitespace().count();
            }
            numeric &= value.parse::<f64>().is_ok();
            seen.insert(value);
        }
        let mean = |sum: usize| sum as f64 / filled.max(1) as f64;
        let mean_words = words as f64 / filled.clamp(1, READ) as f64;
        Self { rows, filled, distinct: seen.len(), mean_chars: mean(chars), mean_words, numeric }
    }

    /// Whether the values are not numbers, and mostly not empty.
    pub fn is_textual(&self) -> bool {
        !self.numeric && self.filled * 2 >= self.rows
    }

    /// Whether a few values occur again and again. Unique texts must not count as such, even in a small file.
    pub fn is_categorical(&self) -> bool {
        self.distinct >= 1
            && self.distinct <= MOST_LABELS
            && self.filled * 10 >= self.rows * 9
            && (self.distinct * 2 <= self.filled || self.mean_chars <= 12.0)
            && self.mean_chars <= 60.0
    }
}

pub(in crate::data) fn normal(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-', '.'], "_")
}
