//! Sorts rows.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;

use rayon::prelude::*;

use crate::data::{RowNumber, RowView};
use crate::progress::Control;
use crate::project::SourceFile;

/// Bytes of a text that are compared before the text itself is read: texts are scattered over memory.
const PREFIX: usize = 32;
/// Bytes compared at a time when two texts begin alike.
const STRIDE: usize = 16;

/// An order of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sort {
    /// What to sort by.
    pub by: SortBy,
    /// The largest first.
    pub descending: bool,
}

/// What rows are sorted by. Equal rows stay in file order; those without a value come last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SortBy {
    /// Their order in the files.
    #[default]
    File,
    /// Number of words in the text.
    Length,
    /// The label, in the order of the label set.
    Label,
    /// The text, without regard to the case of Latin letters.
    Text,
    /// A column: by value if all cells are numbers, otherwise as for texts.
    Column(String),
}

/// Sorts rows that are in file order, or group by group.
pub(super) fn sorted(rows: &RowView, mut found: Vec<RowNumber>, sort: &Sort, control: &Control) -> Vec<RowNumber> {
    if control.is_cancelled() {
        return found;
    }
    let descending = sort.descending;
    match &sort.by {
        SortBy::File => {
            if descending {
                found.reverse();
            }
            found
        }
        SortBy::Length => by_key(found, descending, |place| Some(rows.words(place))),
        SortBy::Label => {
            let ids: HashMap<&str, u32> = rows.prepared.labels.iter().map(String::as_str).zip(0..).collect();
            by_key(found, descending, |place| match rows.example(place) {
                Some(example) => example.class(),
                None => ids.get(rows.label(place)).copied(),
            })
        }
        SortBy::Text => by_text(found, descending, |place| rows.text(place)),
        SortBy::Column(name) => {
            let columns = SourceFile::ALL.map(|file| rows.imported.file(file)?.table.column_index(name));
            let cell = |place| rows.cell(place, &columns).unwrap_or_default().trim();
            // A cell that is neither empty nor a number means that the column does not contain numbers.
            let numbers = found.par_iter().map(|&place| match cell(place) {
                "" => Some((None, place)),
                filled => number(filled).map(|value| (Some(Number(value)), place)),
            });
            match numbers.collect::<Option<Vec<_>>>() {
                Some(numbers) => ordered(numbers, descending, |a, b| a.0.cmp(&b.0)),
                None => by_text(found, descending, |place| Cow::Borrowed(cell(place))),
            }
        }
    }
}

/// A number that is not NaN, so that it has an order.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
struct Number(f64);

impl Eq for Number {}

#[allow(clippy::derive_ord_xor_partial_ord, reason = "only finite numbers are made")]
impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

fn number(cell: &str) -> Option<f64> {
    cell.parse::<f64>().ok().filter(|value| value.is_finite())
}

fn by_key<K: Ord + Copy + Send + Sync>(
    found: Vec<RowNumber>,
    descending: bool,
    key: impl Fn(RowNumber) -> Option<K> + Sync,
) -> Vec<RowNumber> {
    let keyed = found.into_par_iter().map(|place| (key(place), place)).collect();
    ordered(keyed, descending, |a, b| a.0.cmp(&b.0))
}

fn by_text<'a>(
    found: Vec<RowNumber>,
    descending: bool,
    text: impl Fn(RowNumber) -> Cow<'a, str> + Sync,
) -> Vec<RowNumber> {
    let key = |place| Some(text(place)).filter(|text| !text.is_empty()).map(|text| prefix(&text));
    let keyed = found.into_par_iter().map(|place| (key(place), place)).collect();
    ordered(keyed, descending, |a, b| a.0.cmp(&b.0).then_with(|| compare_rest(&text(a.1), &text(b.1))))
}

/// The first bytes of a text in lower case, as numbers with the same order.
fn prefix(text: &str) -> [u64; PREFIX / 8] {
    let mut bytes = [0; PREFIX];
    for (to, from) in bytes.iter_mut().zip(text.bytes()) {
        *to = from.to_ascii_lowercase();
    }
    std::array::from_fn(|word| u64::from_be_bytes(std::array::from_fn(|byte| bytes[word * 8 + byte])))
}

/// Compares two texts after their first bytes.
fn compare_rest(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (&a.as_bytes()[PREFIX.min(a.len())..], &b.as_bytes()[PREFIX.min(b.len())..]);
    while let (Some((left, after_left)), Some((right, after_right))) =
        (a.split_first_chunk::<STRIDE>(), b.split_first_chunk::<STRIDE>())
        && left == right
    {
        (a, b) = (after_left, after_right);
    }
    a.iter().map(u8::to_ascii_lowercase).cmp(b.iter().map(u8::to_ascii_lowercase))
}

/// Sorts stably, also when descending.
fn ordered<K: Copy + Send + Sync>(
    mut keyed: Vec<(Option<K>, RowNumber)>,
    descending: bool,
    compare: impl Fn((K, RowNumber), (K, RowNumber)) -> Ordering + Sync,
) -> Vec<RowNumber> {
    keyed.par_sort_by(|a, b| match (a.0, b.0) {
        (Some(left), Some(right)) => {
            let order = compare((left, a.1), (right, b.1));
            if descending { order.reverse() } else { order }
        }
        // Rows without a value come last in both directions.
        (left, right) => right.is_some().cmp(&left.is_some()),
    });
    keyed.into_par_iter().map(|(_, place)| place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rows_stay_in_order_and_missing_values_come_last() {
        let words = ["b", "", "A", "a", "B", "ab"];
        let order = |descending| by_text((0..6).collect(), descending, |place| words[place as usize].into());
        assert_eq!(order(false), [2, 3, 5, 0, 4, 1]);
        assert_eq!(order(true), [0, 4, 5, 2, 3, 1]);
        let long = format!("{}b", "x".repeat(PREFIX));
        let longer = format!("{}A", "x".repeat(PREFIX));
        let texts = [long.as_str(), longer.as_str()];
        assert_eq!(by_text(vec![0, 1], false, |place| texts[place as usize].into()), [1, 0]);
        let numbers = [Some(Number(10.0)), None, Some(Number(9.0))];
        assert_eq!(by_key(vec![0, 1, 2], false, |place| numbers[place as usize]), [2, 0, 1]);
        assert_eq!(by_key(vec![0, 1, 2], true, |place| numbers[place as usize]), [0, 2, 1]);
    }
}
