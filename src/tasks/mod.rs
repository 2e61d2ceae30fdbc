//! What a model is trained to do: one file a task behind one trait, so that training does not know the task.
//!
//! A task decides which head the model has, how tokenised texts become samples, and how samples become batches: which
//! tokens the head reads and what is wanted there. To add a task, write its file and add it to [`definition`](crate::tasks::definition).

mod class_weights;
mod language_modelling;
mod samples;
mod text_classification;

use crate::data::{Batch, DataError, Example, Prepared, Side, TextTokenizer};
use crate::evaluation::{Answer, Baseline, Interval, LabelledTexts, MaskedWord, Scorer};
use crate::models::HeadSpec;
use crate::ops::CrossEntropy;
use crate::progress::Watch;
use crate::project::{OutOfRange, Project, Task};
use crate::tasks::language_modelling::LanguageModelling;
use crate::tasks::text_classification::TextClassification;

pub use crate::tasks::language_modelling::SCORED_TERMS;
pub use crate::tasks::samples::Samples;

/// What training must know about a task.
pub trait TaskDefinition: Send + Sync {
    /// The head of the model.
    fn head(&self) -> HeadSpec;

    /// Whether texts are truncated to max length when they are tokenised. If not, [`Self::samples`] has to split them.
    fn truncates(&self) -> bool {
        true
    }

    /// Samples of one side of the split.
    ///
    /// # Errors
    /// When the examples cannot be split into sequences of [`Encoded::max_length`].
    fn samples(&self, encoded: Encoded<'_>) -> Result<Samples, DataError>;

    /// Packs the samples at `rows` into a batch. The same draw always makes the same batch.
    fn batch(&self, samples: &Samples, rows: &[usize], draw: Draw) -> Batch;

    /// How the losses of the reads are weighted and summed. `train` are the training samples.
    ///
    /// # Errors
    /// When a setting of the loss does not fit the data.
    fn loss(&self, train: &Samples) -> Result<CrossEntropy, OutOfRange>;

    /// Whether [`Self::batch`] depends on the draw. If so, nothing computed from a batch is kept for the next epoch.
    fn redraws(&self) -> bool {
        false
    }

    /// A scorer of this many rows.
    fn scorer(&self, rows: usize) -> Scorer;

    /// Where the reads of a batch that [`Self::batch`] made belong. By default a sample is a row, and no words are masked.
    fn reads(&self, _samples: &Samples, batch: &Batch) -> Reads {
        let cu_reads = batch.cu_reads();
        let of_sequence = |(ends, &row): (&[u32], &usize)| std::iter::repeat_n(row, (ends[1] - ends[0]) as usize);
        Reads { rows: cu_reads.windows(2).zip(&batch.rows).flat_map(of_sequence).collect(), words: Vec::new() }
    }

    /// The 95% interval of the task's main metric; `None` with too few rows, or if the task has none.
    fn interval(&self, _measured: LabelledTexts<'_>, _answers: &[Answer], _seed: u64) -> Option<Interval> {
        None
    }

    /// What simple methods score on the measured rows, in the order they are shown.
    fn baselines(
        &self,
        _train: LabelledTexts<'_>,
        _measured: LabelledTexts<'_>,
        _watch: &mut Watch<'_>,
    ) -> Vec<Baseline> {
        Vec::new()
    }

    /// Whether the scores of the model before training are a baseline.
    fn is_compared_with_untrained(&self) -> bool {
        false
    }

    /// Share of the tokens that the head reads, 0..=1: for the estimate of memory. Close to 0 when it reads one token a
    /// text.
    fn share_read(&self) -> f64 {
        0.0
    }
}

/// Where the reads of a batch belong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// The row of the data each read belongs to, `[reads]`.
    pub rows: Vec<usize>,
    /// The masked word each read belongs to, `[reads]`; empty unless the task masks words.
    pub words: Vec<MaskedWord>,
}

/// Tokenised examples of one side of the split.
pub struct Encoded<'a> {
    /// Which side.
    pub side: Side,
    /// The examples.
    pub examples: &'a [&'a Example],
    /// Token ids of each example, special tokens included.
    pub ids: Vec<Vec<u32>>,
    /// Most tokens of a sequence.
    pub max_length: usize,
}

/// Names the random choices in a batch, such as which words are masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// For training in this epoch, 0-based: each epoch makes other choices.
    Epoch(u32),
    /// For evaluation: always the same choices, so that scores can be compared.
    Evaluation,
}

/// The task of a trained classifier, to answer and score texts with it.
#[must_use]
pub fn classifier(labels: &[String]) -> Box<dyn TaskDefinition> {
    Box::new(TextClassification::trained(labels))
}

/// The task of an adapted model, to score texts with it as the run of `project` did. The domain's terms are those of
/// `training_texts`.
///
/// # Errors
/// As [`definition`].
pub fn language_model(
    project: &Project,
    training_texts: &[&str],
    tokenizer: &TextTokenizer,
    watch: &mut Watch<'_>,
) -> Result<Box<dyn TaskDefinition>, DataError> {
    let settings = project.language_modelling().cloned().unwrap_or_default();
    Ok(Box::new(LanguageModelling::new(&settings, project.training.seed, tokenizer, training_texts, watch)?))
}

/// The task of a project: the one list of tasks. `tokenizer` is that of the model that training starts from.
///
/// # Errors
/// If the tokenizer does not fit the task, and [`DataError::Cancelled`].
pub fn definition(
    project: &Project,
    prepared: &Prepared,
    tokenizer: &TextTokenizer,
    watch: &mut Watch<'_>,
) -> Result<Box<dyn TaskDefinition>, DataError> {
    Ok(match &project.task {
        Task::TextClassification(_) => Box::new(TextClassification::new(project, prepared)),
        Task::LanguageModelling(_) => language_model(project, &prepared.texts(Side::Train), tokenizer, watch)?,
    })
}
