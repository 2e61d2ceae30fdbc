//! The labels of the files as read, with their rows.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{DataError, Imported, RowColumns};
use crate::progress::Control;
use crate::project::{DatasetSettings, StarScale};

/// Rows counted between two looks at the cancel switch.
const ROWS_PER_LOOK: usize = 65_536;

/// The labels as they stand in the files, before renames and cleaning.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelCounts {
    /// Each label, white space at its ends aside, with its rows. Rows without a label are not counted.
    pub rows: BTreeMap<String, u64>,
    /// The ratings that the labels are, where all of them are such.
    pub stars: Option<StarScale>,
    /// Every label is a number.
    pub are_numbers: bool,
}

/// Counts the labels of all files.
///
/// # Errors
/// [`DataError::Cancelled`].
pub fn count_labels(
    imported: &Imported,
    settings: &DatasetSettings,
    control: &Control,
) -> Result<LabelCounts, DataError> {
    let mut found: BTreeMap<&str, u64> = BTreeMap::new();
    for table in imported.files().map(|file| &file.table) {
        let Some(columns) = RowColumns::of_labels(table, settings) else { continue };
        let parts: Vec<usize> = (0..table.len()).step_by(ROWS_PER_LOOK).collect();
        let count = |from: &usize| {
            let mut found: BTreeMap<&str, u64> = BTreeMap::new();
            if control.is_cancelled() {
                return found;
            }
            for row in *from..(from + ROWS_PER_LOOK).min(table.len()) {
                let label = columns.label(row).text().trim();
                if !label.is_empty() {
                    *found.entry(label).or_default() += 1;
                }
            }
            found
        };
        let of_parts: Vec<BTreeMap<&str, u64>> = parts.par_iter().map(count).collect();
        for (label, rows) in of_parts.into_iter().flatten() {
            *found.entry(label).or_default() += rows;
        }
    }
    if control.is_cancelled() {
        return Err(DataError::Cancelled);
    }
    Ok(LabelCounts {
        stars: StarScale::of(found.keys().copied()),
        are_numbers: !found.is_empty() && found.keys().all(|label| label.parse::<f64>().is_ok()),
        rows: found.into_iter().map(|(label, rows)| (label.to_owned(), rows)).collect(),
    })
}
