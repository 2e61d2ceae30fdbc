//! Jobs that count tokens.

use std::path::PathBuf;
use std::sync::Arc;

use crate::data::{Prepared, TokenHistogram};
use crate::worker::{Context, Job, JobError, survey};

/// The most texts whose tokens are counted: about ten seconds of work on two cores.
pub(super) const MOST_COUNTED: usize = 200_000;

/// Counts the tokens of the texts.
#[derive(Clone, Debug)]
pub struct CountTokens {
    /// The rows.
    pub prepared: Arc<Prepared>,
    /// The model's folder.
    pub model: PathBuf,
}

impl Job for CountTokens {
    type Answer = Arc<TokenHistogram>;
    const TITLE: &'static str = "Counting tokens";

    fn run(self, context: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        let tokenizer = context.tokenizer(&self.model)?;
        let most = (MOST_COUNTED, survey::BINS);
        Ok(Arc::new(context.watched(|watch| TokenHistogram::count(&self.prepared, &tokenizer, most, watch))?))
    }
}

/// Counts the tokens of one text before truncation, special tokens included.
#[derive(Clone, Debug)]
pub struct CountTextTokens {
    /// The text, cleaned.
    pub text: String,
    /// The model's folder.
    pub model: PathBuf,
}

impl Job for CountTextTokens {
    type Answer = usize;
    const TITLE: &'static str = "Counting tokens";

    fn run(self, context: &mut Context<'_>) -> Result<usize, JobError> {
        Ok(context.tokenizer(&self.model)?.token_count(&self.text)?)
    }
}
