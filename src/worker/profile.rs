//! The job that profiles the rows: the words of each label, dates, languages, missing values.

use std::sync::Arc;

use rayon::prelude::*;

use crate::data::{self, DataError, FileLanguages, LanguageSample, RowView, Terms, Timeline, timelines, top_terms};
use crate::progress::Watch;
use crate::worker::{Context, Job, JobError, RowSource};

/// The most texts whose words are counted; more would not change which words come first.
const TEXTS: usize = 200_000;
/// Number of terms for each label.
const TERMS: usize = 15;

/// Profiles the rows.
#[derive(Clone, Debug)]
pub struct ProfileRows {
    /// The rows.
    pub source: RowSource,
}

impl Job for ProfileRows {
    type Answer = Arc<Profile>;
    const TITLE: &'static str = "Profiling the rows";

    fn run(self, context: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        let languages = context.languages(&self.source.prepared)?;
        Ok(Arc::new(context.watched(|watch| Profile::of(&self.source.rows(), &languages, watch))?))
    }
}

/// How many values a column has, over all files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnFill {
    /// Its name.
    pub name: String,
    /// Number of rows in the files that have it.
    pub rows: usize,
    /// Number of rows whose cell is empty or only white space.
    pub missing: usize,
}

/// A profile of the rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// The characteristic words of each label.
    pub terms: Terms,
    /// Each column of the main file.
    pub columns: Vec<ColumnFill>,
    /// Rows over time, for each column of dates.
    pub timelines: Vec<Timeline>,
    /// Languages of each file.
    pub languages: Vec<FileLanguages>,
}

impl Profile {
    /// Examines all rows, or a sample of very many if that is enough.
    pub(super) fn of(rows: &RowView, languages: &LanguageSample, watch: &mut Watch) -> Result<Self, DataError> {
        let columns = rows.imported.main.table.names.par_iter().map(|name| fill(rows, name)).collect();
        let terms = top_terms(rows.prepared, TEXTS, TERMS, watch)?;
        Ok(Self { terms, columns, timelines: timelines(rows, watch)?, languages: languages.of_files(rows.prepared) })
    }
}

fn fill(rows: &RowView, name: &str) -> ColumnFill {
    let mut fill = ColumnFill { name: name.to_owned(), rows: 0, missing: 0 };
    for data::ImportedFile { table, .. } in rows.imported.files() {
        let Some(column) = table.column_index(name) else { continue };
        fill.rows += table.len();
        fill.missing += (0..table.len()).filter(|&row| table.cell(column, row).trim().is_empty()).count();
    }
    fill
}
