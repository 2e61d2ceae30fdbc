//! What the values of a column are like.

use foldhash::HashSet;

use crate::data::Table;
use crate::data::table::label_list::listed_labels;

/// Rows examined.
const SAMPLE: usize = 20_000;
/// Values whose words are counted, which takes longer than everything else.
const READ: usize = 2_000;
/// With at least this many values, a column of labels has one twice.
const MANY: usize = 20;
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
    /// Some of them are JSON objects or lists of objects.
    pub structured: bool,
}

impl ColumnStatistics {
    pub fn of(table: &Table, column: usize) -> Self {
        let rows = table.len().min(SAMPLE);
        let mut seen = HashSet::default();
        let (mut filled, mut chars, mut words, mut numeric, mut structured) = (0, 0, 0, true, false);
        for value in (0..rows).map(|row| table.cell(column, row).trim()).filter(|value| !value.is_empty()) {
            filled += 1;
            chars += value.chars().count();
            if filled <= READ {
                words += words_of(value);
            }
            numeric &= value.parse::<f64>().is_ok();
            structured |= value.starts_with("[{") || (value.starts_with('{') && listed_labels(value).is_none());
            seen.insert(value);
        }
        let mean = |sum: usize| sum as f64 / filled.max(1) as f64;
        let mean_words = words as f64 / filled.clamp(1, READ) as f64;
        Self { rows, filled, distinct: seen.len(), mean_chars: mean(chars), mean_words, numeric, structured }
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

    /// Whether the values can be labels: not the same in each row, and not a different one in each.
    pub fn can_be_labels(&self) -> bool {
        let are_unique = self.filled >= MANY && self.distinct == self.filled;
        let is_constant = self.distinct == 1 && self.filled > 1;
        self.is_categorical() && !is_constant && !are_unique && !self.structured
    }
}

/// Number of words. In scripts without spaces between words, every two letters count as one.
fn words_of(value: &str) -> usize {
    let unspaced = if value.is_ascii() { 0 } else { value.chars().filter(|&letter| is_unspaced(letter)).count() };
    value.split_whitespace().count() + unspaced / 2
}

/// Whether a letter belongs to Chinese, Japanese, Thai, Lao, Burmese or Khmer.
fn is_unspaced(letter: char) -> bool {
    matches!(letter, '\u{E00}'..='\u{EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}')
        || matches!(letter, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}')
        || matches!(letter, '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

pub(in crate::data) fn normal(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-', '.'], "_")
}
