//! Prepared rows with their sides of the split.

use crate::data::{Imported, Prepared, Remedy, Side};
use crate::project::{ColumnRole, Project, RowId, SourceFile, SplitMethod};
use crate::words::{count, joined, plural};

/// Prepared rows with their sides of the split: what the checks look at.
#[derive(Clone, Copy)]
pub(super) struct SplitRows<'a> {
    pub project: &'a Project,
    pub imported: &'a Imported,
    pub prepared: &'a Prepared,
}

impl SplitRows<'_> {
    pub fn side(&self, place: usize) -> Side {
        self.prepared.examples[place].side
    }

    pub fn id(&self, place: usize) -> RowId {
        self.prepared.examples[place].id
    }

    /// How messages name the row.
    pub fn name(&self, place: usize) -> String {
        self.imported.row_name(self.id(place))
    }

    pub fn ids(&self, places: &[usize]) -> Vec<RowId> {
        places.iter().map(|&place| self.id(place)).collect()
    }

    pub fn exclude(&self, rows: &[RowId]) -> Remedy {
        Remedy::exclude_rows(self.imported, &self.project.dataset, rows)
    }

    /// Whether a row comes from the main file, so that another split can move it.
    pub fn is_divided(&self, place: usize) -> bool {
        self.id(place).file == SourceFile::Main
    }

    pub fn is_random(&self) -> bool {
        self.project.split.method == SplitMethod::Random
    }

    /// Counts validation and test rows: "12 of 80 validation rows and 1 of 160 test rows".
    pub fn counted(&self, places: &[usize]) -> String {
        let of_side = |(side, word): (Side, &str)| {
            let found = places.iter().filter(|&&place| self.side(place) == side).count();
            let all = self.prepared.side(side).count();
            let rows = plural(all, "row", "rows");
            (found > 0).then(|| format!("{} of {} {word} {rows}", count(found), count(all)))
        };
        let sides = [(Side::Validation, "validation"), (Side::Test, "test")];
        joined(&sides.into_iter().filter_map(of_side).collect::<Vec<_>>())
    }

    /// Whether a column is the text, the label or the split itself.
    pub fn is_special(&self, name: &str) -> bool {
        let dataset = &self.project.dataset;
        [ColumnRole::Text, ColumnRole::Label, ColumnRole::Split].into_iter().any(|role| dataset.has_role(name, role))
    }
}
