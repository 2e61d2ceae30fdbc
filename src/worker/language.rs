//! Jobs for language modelling: finding the terms of a domain, filling the blanks of a text, and continuing one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data::{DomainTerms, project_terms};
use crate::predictor::{Continuation, Guess, Predictor, PredictorError, Sampling};
use crate::project::{ModelChoice, TaskKind};
use crate::storage::ModelFolderInfo;
use crate::worker::{Context, Job, JobError, RowSource};

/// The most terms and new words listed.
const LISTED: usize = 200;
/// Number of words suggested for each blank.
const GUESSES: usize = 5;

/// Finds the terms of the project's texts, and words that should be added to the model's vocabulary.
#[derive(Clone, Debug)]
pub struct FindTerms {
    /// The rows.
    pub rows: RowSource,
    /// The pre-trained model's folder, for its tokenizer.
    pub model: PathBuf,
}

impl Job for FindTerms {
    type Answer = Arc<DomainTerms>;
    const TITLE: &'static str = "Finding domain terms";

    fn run(self, context: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        let tokenizer = context.tokenizer(&self.model)?;
        let RowSource { project, imported, prepared, .. } = &self.rows;
        let group = project.dataset.group_column();
        let found = context.watched(|watch| project_terms((imported, prepared), group, &tokenizer, LISTED, watch))?;
        Ok(Arc::new(found))
    }
}

/// Fills the blanks of a text with a model as it was before training, and as it is after.
#[derive(Clone, Debug)]
pub struct FillBlanks {
    /// The pre-trained model, and the project's folder.
    pub before: (ModelChoice, PathBuf),
    /// The trained model's folder.
    pub after: PathBuf,
    /// The text.
    pub text: String,
}

/// The likeliest words for each blank of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FilledBlanks {
    /// The text with its blanks.
    pub text: String,
    /// Words of the model before training, `[blanks][words]`; `None` if it is not on this machine, or has no language
    /// model head.
    pub before: Option<Vec<Vec<Guess>>>,
    /// Words of the model after training, `[blanks][words]`.
    pub after: Vec<Vec<Guess>>,
}

impl Job for FillBlanks {
    type Answer = FilledBlanks;
    const TITLE: &'static str = "Filling the blanks";

    fn run(self, context: &mut Context<'_>) -> Result<FilledBlanks, JobError> {
        let Self { before: (choice, folder), after, text } = self;
        let trained = context.model(&after)?;
        let after = trained.fill_blanks(&text, GUESSES)?;
        let before = match context.locate(&choice, &folder).ok().flatten() {
            Some(folder) => context.untrained(&folder, trained.info())?,
            None => None,
        };
        let before = before.map(|model| model.fill_blanks(&text, GUESSES)).transpose()?;
        Ok(FilledBlanks { text, before, after })
    }
}

/// Continues a text with a model as it was before training, and as it is after.
#[derive(Clone, Debug)]
pub struct ContinueText {
    /// The pre-trained model, and the project's folder, if known.
    pub before: Option<(ModelChoice, PathBuf)>,
    /// The trained model's folder.
    pub after: PathBuf,
    /// The text.
    pub text: String,
    /// How tokens are chosen.
    pub sampling: Sampling,
}

/// A text and what follows it.
#[derive(Clone, Debug, PartialEq)]
pub struct ContinuedText {
    /// The text.
    pub text: String,
    /// How tokens were chosen.
    pub sampling: Sampling,
    /// By the model before training; `None` if it is not on this machine.
    pub before: Option<Continuation>,
    /// By the model after training.
    pub after: Continuation,
}

impl Job for ContinueText {
    type Answer = ContinuedText;
    const TITLE: &'static str = "Continuing the text";

    fn run(self, context: &mut Context<'_>) -> Result<ContinuedText, JobError> {
        let Self { before, after, text, sampling } = self;
        let trained = context.model(&after)?;
        let after = context.watched(|watch| trained.continue_text(&text, sampling, watch))?;
        let folder = before.and_then(|(choice, folder)| context.locate(&choice, &folder).ok().flatten());
        let before = match folder {
            Some(folder) => context.untrained(&folder, trained.info())?,
            None => None,
        };
        let continued = |model: Arc<Predictor>| context.watched(|watch| model.continue_text(&text, sampling, watch));
        let before = before.map(continued).transpose()?;
        Ok(ContinuedText { text, sampling, before, after })
    }
}

impl Context<'_> {
    /// Loads the model in `folder`, set up as the trained one; `None` if it has no language model head.
    fn untrained(&mut self, folder: &Path, trained: &ModelFolderInfo) -> Result<Option<Arc<Predictor>>, JobError> {
        if let Some((_, model)) = self.cache.untrained.0.as_ref().filter(|(cached, _)| cached == folder) {
            return Ok(model.clone());
        }
        let info = ModelFolderInfo { task: TaskKind::LanguageModelling, ..trained.clone() };
        let model = match Predictor::load_with(folder, info) {
            Err(PredictorError::NoHead { .. }) => None,
            model => Some(Arc::new(model?)),
        };
        self.cache.untrained.0 = Some((folder.to_owned(), model.clone()));
        Ok(model)
    }
}
