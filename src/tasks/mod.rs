//! The tasks a model can be trained for: one file per task, behind one trait, so that training does not depend on the
//! task.
//!
//! A task decides which head the model has, how tokenised texts become samples, and how samples become batches: which
//! tokens the head reads, and the targets there. To add a task, write its file and add it to
//! [`definition`](crate::tasks::definition).

mod class_weights;
mod masked_words;
mod next_tokens;
mod samples;
mod terms;
mod text_classification;

use std::sync::Arc;

use crate::data::{Batch, DataError, Example, Pooling, Prepared, Side, TextTokenizer, TokenKinds};
use crate::evaluation::{Answer, Baseline, Guesses, Interval, LabelledTexts, ScoredWord, Scorer};
use crate::models::{HeadSpec, ModelConfig};
use crate::ops::CrossEntropy;
use crate::progress::Watch;
use crate::project::{Objective, OutOfRange, PoolingChoice, Project, Task, TrainedLayers};
use crate::tasks::masked_words::MaskedWords;
use crate::tasks::next_tokens::NextTokens;
use crate::tasks::terms::Terms;
use crate::tasks::text_classification::TextClassification;

pub use crate::tasks::samples::Samples;
pub use crate::tasks::terms::SCORED_TERMS;

/// A trained model's answers for rows whose labels are known.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    /// The rows.
    pub rows: LabelledTexts<'a>,
    /// The model's answer for each; empty if no model answered yet.
    pub answers: &'a [Answer],
    /// What an instant model guesses for each, if one was fitted.
    pub instant: Option<&'a Guesses>,
    /// Seed of the resamples of intervals.
    pub seed: u64,
}

/// What training needs to know about a task.
pub trait TaskDefinition: Send + Sync {
    /// The head of the model.
    fn head(&self) -> HeadSpec;

    /// Whether texts are truncated to max length when they are tokenised. If not, [`Self::samples`] has to split them.
    fn truncates(&self) -> bool {
        true
    }

    /// The samples of one split.
    ///
    /// # Errors
    /// If the examples cannot be split into sequences of [`Encoded::max_length`].
    fn samples(&self, encoded: Encoded<'_>) -> Result<Samples, DataError>;

    /// Packs the samples at `rows` into a batch. The same draw always makes the same batch.
    fn batch(&self, samples: &Samples, rows: &[usize], draw: Draw) -> Batch;

    /// How losses are weighted and summed over the tokens that are read. `train` are the training samples.
    ///
    /// # Errors
    /// If a setting of the loss does not fit the data.
    fn loss(&self, train: &Samples) -> Result<CrossEntropy, OutOfRange>;

    /// Whether [`Self::batch`] depends on the draw. If so, nothing computed from a batch is kept for the next epoch.
    fn redraws(&self) -> bool {
        false
    }

    /// A scorer for `rows` rows.
    fn scorer(&self, rows: usize) -> Scorer;

    /// The rows and words that the reads of a batch belong to. By default, a sample is a row and no words are predicted.
    fn reads(&self, _samples: &Samples, batch: &Batch) -> Reads {
        let ends = batch.cu_wanted();
        let of_sequence = |(ends, &row): (&[u32], &usize)| std::iter::repeat_n(row, (ends[1] - ends[0]) as usize);
        Reads { rows: ends.windows(2).zip(&batch.rows).flat_map(of_sequence).collect(), words: Vec::new() }
    }

    /// The 95% interval of the task's main metric; `None` with too few rows, or if the task has none.
    fn interval(&self, _measured: Measured<'_>) -> Option<Interval> {
        None
    }

    /// The scores of simple methods on the measured rows, compared with the model's, in display order.
    fn baselines(&self, _train: LabelledTexts<'_>, _measured: Measured<'_>, _watch: &mut Watch<'_>) -> Vec<Baseline> {
        Vec::new()
    }

    /// Whether an instant model is used as a baseline: rows have classes.
    fn is_compared_with_instant(&self) -> bool {
        false
    }

    /// Whether the model before training is used as a baseline.
    fn is_compared_with_untrained(&self) -> bool {
        false
    }

    /// Share of the tokens that the head reads, 0..=1, to estimate memory. Close to 0 if it reads one token per text.
    fn share_read(&self) -> f64 {
        0.0
    }
}

/// The rows and words that the reads of a batch belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// The data row of each read, `[reads]`.
    pub rows: Vec<usize>,
    /// The word of each read, `[reads]`; empty unless the task predicts words.
    pub words: Vec<ScoredWord>,
}

/// Tokenised examples of one split.
pub struct Encoded<'a> {
    /// The split.
    pub side: Side,
    /// The examples.
    pub examples: &'a [&'a Example],
    /// Token ids of each example, including special tokens.
    pub ids: Vec<Vec<u32>>,
    /// Most tokens of a sequence.
    pub max_length: usize,
}

/// How a model reads texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reader {
    /// How it pools a text to classify it.
    pub pooling: Pooling,
    /// Whether what a classifier's head reads is the text's embedding.
    pub reads_embeddings: bool,
    /// What it predicts as a language model.
    pub objective: Objective,
}

/// Identifies the random choices in a batch, such as which words are masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// Training in this epoch, 0-based. Each epoch makes different choices.
    Epoch(u32),
    /// Evaluation: always the same choices, so that scores can be compared.
    Evaluation,
}

/// The task of a trained classifier, to predict and score texts with it.
#[must_use]
pub fn classifier(labels: &[String], pooling: Pooling) -> Box<dyn TaskDefinition> {
    Box::new(TextClassification::trained(labels, pooling))
}

/// The task of an adapted model that learns this objective, to score texts with it as the run of `project` did. The domain's
/// terms are those of `training_texts`.
///
/// # Errors
/// As [`definition`].
pub fn language_model(
    project: &Project,
    training_texts: &[&str],
    (tokenizer, objective): (&TextTokenizer, Objective),
    watch: &mut Watch<'_>,
) -> Result<Box<dyn TaskDefinition>, DataError> {
    let kinds = TokenKinds::of(tokenizer);
    let terms = Terms::find(training_texts, tokenizer, &kinds, watch)?;
    Ok(match objective {
        Objective::MaskedWords => {
            let settings = project.language_modelling().cloned().unwrap_or_default();
            Box::new(MaskedWords::new(&settings, project.training.seed, Arc::new(kinds), terms)?)
        }
        Objective::NextTokens => Box::new(NextTokens::new(kinds, terms)),
    })
}

impl Reader {
    /// How a project's model reads texts. `config` is that of the model that training starts from, or of a trained one.
    #[must_use]
    pub fn of(project: &Project, config: &ModelConfig) -> Self {
        let trained = project.training.trained_layers;
        let embedding = project.classification().and_then(|task| match (trained, task.pooling) {
            (TrainedLayers::Instant, _) => Some(config.embedding_pooling()),
            (_, PoolingChoice::Auto) => config.classified_pooling(trained),
            (_, PoolingChoice::Token) => None,
            (_, PoolingChoice::Mean) => Some(Pooling::Mean),
        });
        Self {
            pooling: embedding.unwrap_or(config.pooling()),
            reads_embeddings: embedding.is_some(),
            objective: config.objective(),
        }
    }
}

/// The task of a project. This is the one list of tasks. `tokenizer` is that of the model that training starts from, and
/// `reader` how that reads a text.
///
/// # Errors
/// If the tokenizer does not fit the task, and [`DataError::Cancelled`].
pub fn definition(
    project: &Project,
    prepared: &Prepared,
    tokenizer: &TextTokenizer,
    reader: Reader,
    watch: &mut Watch<'_>,
) -> Result<Box<dyn TaskDefinition>, DataError> {
    Ok(match &project.task {
        Task::TextClassification(_) => Box::new(TextClassification::new(project, prepared, reader)),
        Task::LanguageModelling(_) => {
            language_model(project, &prepared.texts(Side::Train), (tokenizer, reader.objective), watch)?
        }
    })
}
