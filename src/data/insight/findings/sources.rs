//! The inputs of the checks.

use crate::data::{Example, Imported, Language, LanguageSample, Likeness, Prepared, Remedy, RowColumns, TokenLengths};
use crate::project::{Project, RowId, SourceFile};

/// Rows between two checks of the cancel switch.
pub(super) const ROWS_PER_LOOK: usize = 16_384;

/// Which checks to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checks {
    /// All of them.
    #[default]
    All,
    /// Only those that need neither the split nor near-duplicates, which take longest to find.
    Rows,
    /// The others.
    Split,
}

/// The inputs of the checks.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// Which checks to run.
    pub checks: Checks,
    /// The settings.
    pub project: &'a Project,
    /// The files as read.
    pub imported: &'a Imported,
    /// The rows that will be used.
    pub prepared: &'a Prepared,
    /// Their near-duplicates.
    pub likeness: &'a Likeness,
    /// How long they are.
    pub lengths: &'a TokenLengths,
    /// Their languages.
    pub languages: &'a LanguageSample,
    /// The language that the chosen model was trained on, if that is known and only one.
    pub model_language: Option<Language>,
}

impl<'a> Sources<'a> {
    /// The text and label columns of a file.
    pub(super) fn columns(&self, which: SourceFile) -> Option<RowColumns<'a>> {
        RowColumns::of(&self.imported.file(which)?.table, &self.project.dataset)
    }

    /// Excludes these rows.
    pub(super) fn exclude(&self, rows: &[RowId]) -> Remedy {
        Remedy::exclude_rows(self.imported, &self.project.dataset, rows)
    }

    /// Rows with these labels.
    pub(super) fn rows_of(&self, labels: &[usize]) -> Vec<RowId> {
        let mut is_one = vec![false; self.prepared.labels.len()];
        for &label in labels {
            is_one[label] = true;
        }
        let has_one = |example: &&Example| example.class().is_some_and(|class| is_one[class as usize]);
        self.prepared.examples.iter().filter(has_one).map(|example| example.id).collect()
    }

    /// The used rows of the main file.
    pub(super) fn main(&self) -> impl Iterator<Item = &'a Example> {
        self.prepared.examples.iter().filter(|example| example.id.file == SourceFile::Main)
    }
}
