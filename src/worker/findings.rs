//! The job that finds problems of prepared rows.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use crate::data::{
    self, Checks, DataError, Finding, Imported, Language, LanguageSample, Likeness, Prepared, Sources, TextsKey,
    TokenLengths,
};
use crate::fetch;
use crate::models::ModelConfig;
use crate::project::{ModelChoice, Project};

use crate::worker::cache::CachedLanguages;
use crate::worker::tokens::MOST_COUNTED;
use crate::worker::{Context, Job, JobError};

impl Context<'_> {
    /// The languages of these rows. They are guessed once, so that everything that reports them agrees.
    pub(super) fn languages(&mut self, prepared: &Arc<Prepared>) -> Result<Arc<LanguageSample>, JobError> {
        let CachedLanguages(cached) = &self.cache.languages;
        let is_of = |of: &Weak<Prepared>| of.upgrade().is_some_and(|of| Arc::ptr_eq(&of, prepared));
        if let Some((_, languages)) = cached.as_ref().filter(|(of, _)| is_of(of)) {
            return Ok(Arc::clone(languages));
        }
        let found = self.watched(|watch| LanguageSample::of(prepared, LanguageSample::MOST, watch))?;
        let found = Arc::new(found);
        self.cache.languages.0 = Some((Arc::downgrade(prepared), Arc::clone(&found)));
        Ok(found)
    }
}

/// Finds problems of prepared rows. The most serious finding comes first.
#[derive(Clone, Debug)]
pub struct FindProblems {
    /// Which checks to run.
    pub checks: Checks,
    /// Settings.
    pub project: Project,
    /// The project's folder.
    pub folder: PathBuf,
    /// The files as read.
    pub imported: Arc<Imported>,
    /// The rows.
    pub prepared: Arc<Prepared>,
    /// Their near-duplicates.
    pub likeness: Arc<Likeness>,
}

impl Job for FindProblems {
    type Answer = Arc<Vec<Finding>>;
    const TITLE: &'static str = "Checking the data";

    fn run(self, context: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        let Self { checks, project, folder, imported, prepared, likeness } = self;
        let (lengths, languages) = if checks.read_texts() {
            (lengths(context, &project, &folder, &prepared)?, context.languages(&prepared)?)
        } else {
            Default::default()
        };
        let sources = Sources {
            checks,
            project: &project,
            imported: &imported,
            prepared: &prepared,
            likeness: &likeness,
            lengths: &lengths,
            languages: &languages,
            model_language: model_language(&project.model),
        };
        Ok(Arc::new(context.watched(|watch| data::find(&sources, watch))?))
    }
}

/// The language of a model's training texts, if the catalogue knows that it is one.
fn model_language(model: &ModelChoice) -> Option<Language> {
    Language::of_code(fetch::entry_of(model).ok()??.language.as_deref()?)
}

/// Lengths counted with the model's own tokenizer if it is on this machine, otherwise estimated. A model that cannot be
/// read is reported where it is chosen.
fn lengths(
    context: &mut Context<'_>,
    project: &Project,
    folder: &Path,
    prepared: &Prepared,
) -> Result<Arc<TokenLengths>, JobError> {
    let estimate = || Arc::new(TokenLengths::estimate(prepared));
    let Some(model) = context.locate(&project.model, folder).ok().flatten() else { return Ok(estimate()) };
    let key = TextsKey::of(&prepared.examples);
    if let Some(lengths) = context.cache.lengths.of(&key, &model) {
        return Ok(lengths);
    }
    let (Ok(tokenizer), Ok(config)) = (context.tokenizer(&model), ModelConfig::read(&model)) else {
        return Ok(estimate());
    };
    let limits = (config.max_positions(), MOST_COUNTED);
    match context.watched(|watch| TokenLengths::count(prepared, &tokenizer, limits, watch)) {
        Ok(lengths) => {
            let lengths = Arc::new(lengths);
            context.cache.lengths.0 = Some((key, model, Arc::clone(&lengths)));
            Ok(lengths)
        }
        Err(DataError::Cancelled) => Err(JobError::Cancelled),
        // If the tokenizer fails on a text, training will report it.
        Err(_) => Ok(estimate()),
    }
}
