//! Jobs that answer questions about the rows.

use std::sync::Arc;

use crate::data::{self, DataError, Imported, LabelCounts, Prepared, RowNumber, RowQuery};
use crate::project::DatasetSettings;
use crate::worker::{Context, Job, JobError, RowSource};

/// The most values of a column that are offered.
const VALUES: usize = 50;

/// Counts the labels as they are in the files.
#[derive(Clone, Debug)]
pub struct CountLabels {
    /// The settings with the label columns.
    pub dataset: Box<DatasetSettings>,
    /// The files as read.
    pub imported: Arc<Imported>,
}

impl Job for CountLabels {
    type Answer = Arc<LabelCounts>;
    const TITLE: &'static str = "Counting the labels";

    fn run(self, context: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        Ok(Arc::new(data::count_labels(&self.imported, &self.dataset, context.control)?))
    }
}

/// Finds rows and sorts them.
#[derive(Clone, Debug)]
pub struct FindRows {
    /// The rows.
    pub source: RowSource,
    /// The query.
    pub query: RowQuery,
}

/// A search in prepared rows.
#[derive(Clone, Debug)]
pub struct RowQuestion {
    /// The rows.
    pub prepared: Arc<Prepared>,
    /// The query.
    pub query: RowQuery,
}

impl PartialEq for RowQuestion {
    fn eq(&self, other: &Self) -> bool {
        // Prepared rows never change, so equal rows are the same allocation.
        Arc::ptr_eq(&self.prepared, &other.prepared) && self.query == other.query
    }
}

/// The result of a search.
#[derive(Clone, Debug)]
pub struct FoundRows {
    /// The search.
    pub question: RowQuestion,
    /// The rows, in the order asked for.
    pub rows: Vec<RowNumber>,
}

impl Job for FindRows {
    type Answer = FoundRows;
    const TITLE: &'static str = "Searching the rows";

    fn run(self, context: &mut Context<'_>) -> Result<FoundRows, JobError> {
        let Self { source, query } = self;
        match data::find_rows(&source.rows(), &query, context.control) {
            Ok(rows) => Ok(FoundRows { question: RowQuestion { prepared: source.prepared, query }, rows }),
            // The error of a bad regular expression is shown where it is typed.
            Err(DataError::BadPattern(why)) => Err(JobError::Failed(why)),
            Err(error) => Err(error.into()),
        }
    }
}

/// Counts the values of a column. The answer is the most frequent ones with their numbers of rows.
#[derive(Clone, Debug)]
pub struct CountValues {
    /// The rows.
    pub source: RowSource,
    /// The column's name.
    pub column: String,
}

impl Job for CountValues {
    type Answer = Vec<(String, usize)>;
    const TITLE: &'static str = "Counting the values";

    fn run(self, _: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        Ok(data::frequent_values(&self.source.rows(), &self.column, VALUES))
    }
}
