//! What is told of the rows beyond their number: the words of each label, dates, languages, missing values.

use std::sync::Arc;

use rayon::prelude::*;

use crate::data::{self, DataError, FileLanguages, LanguageSample, RowView, Terms, Timeline, timelines, top_terms};
use crate::progress::Watch;
use crate::worker::{Context, Job, JobError, RowSource};

/// Most texts whose words are counted; more would not change which words come first.
const TEXTS: usize = 200_000;
/// Terms of each label.
const TERMS: usize = 15;

/// Tells more of the rows.
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

/// How full a column is, over all files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnFill {
    /// Its name.
    pub name: String,
    /// Rows of the files that have it.
    pub rows: usize,
    /// Rows without a value in it, white space aside.
    pub missing: usize,
}

/// What is told of the rows beyond their number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// The words that set each label apart.
    pub terms: Terms,
    /// Each column of the main file.
    pub columns: Vec<ColumnFill>,
    /// Rows over time, for each column of dates.
    pub timelines: Vec<Timeline>,
    /// Languages of each file.
    pub languages: Vec<FileLanguages>,
}

impl Profile {
    /// Walks all rows, and of very many a sample where that says as much.
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
