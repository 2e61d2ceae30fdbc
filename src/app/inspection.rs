//! What was asked about the rows, and what came of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data::{Imported, LabelCounts, Prepared, RowNumber, RowQuery, TokenHistogram};
use crate::progress::Progress;
use crate::project::DatasetSettings;
use crate::worker::{Profile, RowSource};

/// A search through prepared rows.
#[derive(Clone, Debug)]
pub struct RowQuestion {
    /// The rows.
    pub prepared: Arc<Prepared>,
    /// What is asked of them.
    pub query: RowQuery,
}

impl PartialEq for RowQuestion {
    fn eq(&self, other: &Self) -> bool {
        // Prepared rows never change: the same rows are the same allocation.
        Arc::ptr_eq(&self.prepared, &other.prepared) && self.query == other.query
    }
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct FoundRows {
    /// What was asked.
    pub question: RowQuestion,
    /// The rows, in the order asked for.
    pub rows: Vec<RowNumber>,
}

/// The labels as they stand in the files, or the counting of them.
#[derive(Clone, Debug)]
pub struct LabelCount {
    /// The files.
    pub imported: Arc<Imported>,
    /// The columns the labels stand in.
    pub columns: Vec<String>,
    /// What was counted; `None` while it is.
    pub counts: Option<Arc<LabelCounts>>,
}

/// The texts' lengths in tokens of a model, or the counting of them.
#[derive(Clone, Debug)]
pub struct TokenCount {
    /// The model's folder.
    pub model: PathBuf,
    /// How far counting is; `None` when it is over.
    pub progress: Option<Progress>,
    /// What was counted.
    pub lengths: Option<Arc<TokenHistogram>>,
    /// Why it was not.
    pub error: Option<String>,
}

impl TokenCount {
    /// Counting begins.
    #[must_use]
    pub fn begun(model: PathBuf) -> Self {
        Self { model, progress: Some(Progress::default()), lengths: None, error: None }
    }
}

/// The tokens of one text, or the counting of them.
#[derive(Clone, Debug)]
pub struct TextTokens {
    /// The text, cleaned.
    pub text: String,
    /// The model's folder.
    pub model: PathBuf,
    /// How many, or why they were not counted; `None` while they are.
    pub counted: Option<Result<usize, String>>,
}

/// Everything asked about the rows of the open project, and answered.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// Labels of the files as read.
    pub labels: Option<LabelCount>,
    /// The rows; there whenever the data is prepared.
    pub source: Option<RowSource>,
    /// The rows that were searched for last.
    pub found: Option<FoundRows>,
    /// The last pattern that could not be used, and why.
    pub bad_pattern: Option<(RowQuestion, String)>,
    /// A column and its most frequent values with their rows; empty while they are counted.
    pub values: Option<(String, Vec<(String, usize)>)>,
    /// More about the rows, once it is known.
    pub profile: Option<Arc<Profile>>,
    /// Lengths in tokens.
    pub tokens: Option<TokenCount>,
    /// Tokens of the text asked about last.
    pub text_tokens: Option<TextTokens>,
}

impl Inspection {
    /// Nothing is known of the rows any more. What stands in the files stays as it is.
    #[must_use]
    pub fn of_new_rows(&self) -> Self {
        Self { labels: self.labels.clone(), ..Self::default() }
    }

    /// Labels of these files in the columns chosen, or the counting of them.
    #[must_use]
    pub fn labels_of(&self, imported: &Arc<Imported>, dataset: &DatasetSettings) -> Option<&LabelCount> {
        let is_asked = |count: &&LabelCount| {
            let same_columns = dataset.label_columns().eq(count.columns.iter().map(String::as_str));
            same_columns && Arc::ptr_eq(&count.imported, imported)
        };
        self.labels.as_ref().filter(is_asked)
    }

    /// Lengths in tokens of this model, or the counting of them.
    #[must_use]
    pub fn tokens_of(&self, model: &Path) -> Option<&TokenCount> {
        self.tokens.as_ref().filter(|tokens| tokens.model == model)
    }

    /// Tokens of this text for this model, or the counting of them; `None` where they were not asked for.
    #[must_use]
    pub fn text_tokens_of(&self, text: &str, model: &Path) -> Option<&TextTokens> {
        self.text_tokens.as_ref().filter(|asked| asked.text == text && asked.model == model)
    }
}
