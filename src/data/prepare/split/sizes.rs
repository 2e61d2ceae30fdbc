//! The sizes of the sides.

use crate::data::Imported;
use crate::project::{Project, Size};

/// The sizes that the main file's rows are split into. A side with a separate file gets none of them.
pub(in crate::data) struct SplitSizes {
    validation: Size,
    test: Size,
}

impl SplitSizes {
    pub(in crate::data) fn of(project: &Project, imported: &Imported) -> Self {
        let own = |size, has_file| if has_file { Size::NONE } else { size };
        Self {
            validation: own(project.split.validation, imported.validation.is_some()),
            test: own(project.split.test, imported.test.is_some()),
        }
    }

    /// The shares of train, validation and test among this many rows; `None` if they are impossible or leave nothing
    /// for training.
    pub(in crate::data) fn shares(&self, rows: usize) -> Option<[f64; 3]> {
        let [validation, test] = [self.validation, self.test].map(|size| size.share_of(rows));
        let train = 1.0 - validation - test;
        let fine = (0.0..1.0).contains(&validation) && (0.0..1.0).contains(&test) && train > 1e-9;
        fine.then_some([train, validation, test])
    }

    /// The sizes that are given as numbers of rows.
    pub(in crate::data) fn totals(&self) -> [Option<usize>; 3] {
        let total = |size| if let Size::Rows(rows) = size { Some(rows as usize) } else { None };
        [None, total(self.validation), total(self.test)]
    }
}
