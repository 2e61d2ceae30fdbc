//! Counts the rows of each label in the files.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::data::{DataError, Imported, RowColumns};
use crate::progress::Control;
use crate::project::{DatasetSettings, StarScale};

/// Rows counted between two checks of the cancel switch.
const ROWS_PER_LOOK: usize = 65_536;

/// The labels as they are in the files, before renames and cleaning.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelCounts {
    /// Number of rows of each label, trimmed. Rows without a label are not counted.
    pub rows: BTreeMap<String, u64>,
    /// The rating scale, if all labels are ratings.
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
    control.look()?;
    Ok(LabelCounts {
        stars: StarScale::of(found.keys().copied()),
        are_numbers: !found.is_empty() && found.keys().all(|label| label.parse::<f64>().is_ok()),
        rows: found.into_iter().map(|(label, rows)| (label.to_owned(), rows)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Watch;
    use crate::project::{ColumnRole, Project};

    #[test]
    fn labels_of_all_files_are_counted_as_written() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, rows: &str| std::fs::write(folder.path().join(name), rows).unwrap();
        write("main.csv", "text,stars\na day,4\na night, 4 \na week,\na year,1.5\n");
        write("test.csv", "text,stars\nanother day,5\nanother night,4\n");
        let (control, mut report) = (Control::default(), |_| {});
        let mut project = Project::default();
        project.dataset.main = Some("main.csv".into());
        project.dataset.test = Some("test.csv".into());
        project.dataset.set_role("stars", Some(ColumnRole::Label));
        let mut watch = Watch { control: &control, report: &mut report };
        let imported = crate::data::import(&project, folder.path(), &mut watch).unwrap();
        let counts = count_labels(&imported, &project.dataset, &control).unwrap();
        let rows = [("1.5", 1), ("4", 3), ("5", 1)].map(|(label, rows)| (label.to_owned(), rows));
        assert_eq!(counts.rows, rows.into());
        assert!(counts.are_numbers && counts.stars.is_some_and(|scale| scale.top == 5));
        project.dataset.set_role("text", Some(ColumnRole::Label));
        let counts = count_labels(&imported, &project.dataset, &control).unwrap();
        assert!(counts.rows.len() == 6 && !counts.are_numbers && counts.stars.is_none());
        control.cancel();
        assert!(matches!(count_labels(&imported, &project.dataset, &control), Err(DataError::Cancelled)));
    }
}
