//! The split as it was drawn for a project's first run: later runs keep every row where it was.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::data::prepare::split::row_keys::RowKeys;
use crate::data::{Example, Imported, Side};
use crate::project::{ColumnRole, Project, SplitMethod, SplitSettings};

/// The side of each row of the main file, written down when a model was first trained on them.
///
/// Rows are found again by their id or their text, so relabelling, excluding, appending or reordering rows moves no
/// other row.
#[derive(Clone, Debug, PartialEq)]
pub struct DrawnSplit {
    /// The settings that the split was drawn with. With others it says nothing.
    pub from: DrawnFrom,
    /// The rows, in no particular order.
    pub rows: Vec<DrawnRow>,
}

/// The side of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrawnRow {
    /// What identifies the row.
    pub keys: RowKeys,
    /// Its side.
    pub side: Side,
}

/// The settings that decide how rows are split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DrawnFrom {
    split: SplitSettings,
    /// The column that the method uses: of groups, of dates, or of the names of sides.
    column: Option<String>,
    /// Whether there are separate validation and test files.
    separate: [bool; 2],
}

/// How the present rows were split, compared with the last run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SplitOrigin {
    /// No model has been trained on this project's rows.
    #[default]
    First,
    /// As for the last run. `joined` rows are new.
    Kept {
        /// Number of rows that were not in the last run's split.
        joined: usize,
    },
    /// Other settings, or other rows, than for the last run.
    DrawnAgain,
}

impl DrawnFrom {
    pub(in crate::data) fn of(project: &Project, imported: &Imported) -> Self {
        let role = match project.split.method {
            SplitMethod::Random => ColumnRole::Group,
            SplitMethod::Time => ColumnRole::Time,
            SplitMethod::Column => ColumnRole::Split,
        };
        Self {
            split: project.split.without_ignored_leaks(),
            column: project.dataset.column_of(role).map(str::to_owned),
            separate: [imported.validation.is_some(), imported.test.is_some()],
        }
    }
}

impl DrawnSplit {
    /// The split of prepared rows, to be written down. `before` is the one written down last: rows that are not there
    /// at the moment, such as excluded ones, keep their places in it.
    #[must_use]
    pub fn of(project: &Project, imported: &Imported, examples: &[Example], before: Option<&Self>) -> Self {
        let from = DrawnFrom::of(project, imported);
        let keys = RowKeys::of(project, imported, examples);
        let present = keys.into_iter().zip(examples);
        let mut rows: Vec<DrawnRow> = present.map(|(keys, example)| DrawnRow { keys, side: example.side }).collect();
        if let Some(before) = before.filter(|before| before.from == from) {
            let places = Places::of(&rows);
            let absent = before.rows.iter().filter(|row| places.side_of(row.keys).is_none());
            rows.extend(absent);
        }
        Self { from, rows }
    }

    /// The side that each row had; `None` for new rows.
    pub(super) fn sides_of(&self, keys: &[RowKeys]) -> Vec<Option<Side>> {
        let places = Places::of(&self.rows);
        keys.iter().map(|&keys| places.side_of(keys)).collect()
    }
}

/// Finds rows by their ids and their texts.
struct Places {
    by_id: HashMap<u64, Side>,
    by_content: HashMap<u64, Side>,
}

impl Places {
    fn of(rows: &[DrawnRow]) -> Self {
        let by_id = rows.iter().filter_map(|row| Some((row.keys.id?, row.side))).collect();
        let by_content = rows.iter().map(|row| (row.keys.content, row.side)).collect();
        Self { by_id, by_content }
    }

    fn side_of(&self, keys: RowKeys) -> Option<Side> {
        let by_id = keys.id.and_then(|id| self.by_id.get(&id));
        by_id.or_else(|| self.by_content.get(&keys.content)).copied()
    }
}
