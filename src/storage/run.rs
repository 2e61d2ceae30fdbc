//! The files of a run as plain data.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::data::Pooling;
use crate::evaluation::{Baseline, BaselineName, Evidence, Interval, Judgement, Metrics};
use crate::project::{ClassWeights, ClassificationSettings, PoolingChoice, Project, TrainedLayers, Trial};

/// Version of the run files written by this build.
pub const RUN_SCHEMA_VERSION: u32 = 2;

/// The metrics of one optimizer step: a line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepMetrics {
    /// 1-based optimizer step.
    pub step: u64,
    /// Epochs so far, fractional.
    pub epoch: f64,
    /// Mean training loss of the step's rows.
    pub loss: f64,
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// Global L2 norm of the gradient before clipping.
    pub grad_norm: f64,
    /// Training tokens of the step.
    pub tokens: u64,
    /// Seconds of training so far, without evaluation and pauses.
    pub train_seconds: f64,
    /// Memory of the process in bytes, measured every second; 0 if unknown.
    #[serde(default)]
    pub memory: u64,
}

/// One evaluation on the validation set: a line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationPoint {
    /// Optimizer steps done.
    pub step: u64,
    /// Epochs so far, fractional.
    pub epoch: f64,
    /// The metrics on the validation set.
    pub metrics: Metrics,
    /// Whether it is the best so far by the chosen metric.
    pub is_best: bool,
}

/// Everything that is needed to repeat a run: `settings.ron`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSettings {
    /// Version of this file.
    pub schema_version: u32,
    /// The project as it was when the run began, edits included. Paths are absolute here; in the file, those inside the
    /// project's folder are relative to it.
    pub project: Project,
    /// Final label names in class-id order.
    pub labels: Vec<String>,
    /// See `Prepared::data_hash`.
    pub data_hash: String,
    /// See `Prepared::split_hash`.
    pub split_hash: String,
    /// Rows on each side: train, validation, test.
    pub rows: [usize; 3],
    /// SHA-256 of the pre-trained weights file.
    pub model_sha256: String,
    /// Version of Hone.
    pub hone_version: String,
    /// Device and precision that were used, for example "CPU, f32"; empty in runs of early versions.
    #[serde(default)]
    pub device: String,
    /// How a classifier of texts' embeddings pools them; `None` of other models and in runs of early versions. See
    /// [`Self::embedding_pooling`].
    #[serde(default)]
    pub pooling: Option<Pooling>,
    /// The run's place in a study; `None` of a run of the project itself.
    #[serde(default)]
    pub trial: Option<Trial>,
    /// The trial that it was before it became a run of the project; `None` if it was none, and in runs of early versions.
    #[serde(default)]
    pub kept_from: Option<KeptFrom>,
}

/// The trial that a run of the project was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFrom {
    /// Id of the study.
    pub study: String,
    /// Number of the trial.
    pub trial: u32,
}

impl RunSettings {
    /// How the run's model pools texts if it is a classifier of their embeddings, which `sentence-transformers` loads.
    #[must_use]
    pub fn embedding_pooling(&self) -> Option<Pooling> {
        let task = self.project.classification()?;
        // Runs of early versions always took the mean.
        let is_instant = self.project.training.trained_layers == TrainedLayers::Instant;
        self.pooling.or((is_instant || task.pooling == PoolingChoice::Mean).then_some(Pooling::Mean))
    }
}

/// The state of a run: `status.ron`.
#[allow(clippy::large_enum_variant, reason = "a few at a time, read from a file")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RunStatus {
    /// In progress, or the process crashed.
    Running,
    /// Ended; the best checkpoint is in `best/`.
    Finished(RunSummary),
    /// Ended with an error.
    Failed(String),
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopReason {
    /// All epochs were completed.
    Completed,
    /// The metric stopped improving.
    EarlyStopping,
    /// Other trials of the same search did better after as many epochs.
    FellBehind,
    /// A person stopped it.
    Stopped,
    /// The loss or the gradient was no longer a number.
    Diverged,
    /// An error or a crash ended it early. Never written to a file, see `RunOutcome::CutOff`.
    CutOff,
}

/// The outcome of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Run id: its folder's name below `runs/`.
    pub run: String,
    /// Seconds since 1970 when it began.
    pub started_at: u64,
    /// Optimizer steps done.
    pub steps: u64,
    /// Epochs, fractional.
    pub epochs: f64,
    /// Seconds of training, without evaluation and pauses.
    pub train_seconds: f64,
    /// Training tokens divided by `train_seconds`.
    pub tokens_per_second: f64,
    /// Largest resident memory of the process, bytes.
    pub peak_memory: u64,
    /// Device and precision, for example "CPU, f32"; empty in runs of early versions.
    #[serde(default)]
    pub device: String,
    /// Why it ended.
    pub stop_reason: StopReason,
    /// Step of the best evaluation.
    pub best_step: u64,
    /// Validation metrics of the best checkpoint.
    pub validation: Metrics,
    /// Test metrics of the best checkpoint; `None` if there are no test rows.
    pub test: Option<Metrics>,
}

/// What a finished run is compared with: `figures.ron`. On test rows, or on validation rows if there are none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)] // so that a file of version 1 is recognised
pub struct RunComparison {
    /// 95% interval of the run's main metric; `None` with too few rows for one.
    pub interval: Option<Interval>,
    /// Baselines on the same rows, in the order they are shown.
    pub baselines: Vec<Baseline>,
}

/// What a person says about a run. It has no effect on the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunNotes {
    /// Its name, on one line; empty if it has none.
    pub name: String,
    /// A note of any number of lines.
    pub note: String,
    /// Whether it is starred.
    pub star: bool,
    /// Its tags, each on one line.
    pub tags: BTreeSet<String>,
}

impl RunNotes {
    /// Whether nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl RunSummary {
    /// The metrics to report: on test rows, or on validation rows if there are none.
    #[must_use]
    pub fn measured(&self) -> &Metrics {
        self.test.as_ref().unwrap_or(&self.validation)
    }

    /// Whether the model is useful.
    #[must_use]
    pub fn judge(&self, project: &Project, comparison: &RunComparison) -> Judgement {
        let is_unweighted = |settings: &ClassificationSettings| settings.class_weights == ClassWeights::None;
        let evidence = Evidence {
            metrics: self.measured(),
            interval: comparison.interval,
            baselines: &comparison.baselines,
            is_balanced: !project.classification().is_some_and(is_unweighted),
            epochs: project.training.epochs_trained(),
            stopped: self.stopped(project.training.epochs_trained().unwrap_or(1)),
        };
        evidence.judge()
    }

    /// The steps done and the steps planned for `epochs` epochs, if a person stopped the run before its last step.
    fn stopped(&self, epochs: u32) -> Option<[u64; 2]> {
        let planned = (self.steps as f64 / self.epochs * f64::from(epochs)).round() as u64;
        (self.stop_reason == StopReason::Stopped && planned > self.steps).then_some([self.steps, planned])
    }
}

impl RunComparison {
    /// The metrics of a baseline, if it was measured.
    #[must_use]
    pub fn baseline(&self, name: BaselineName) -> Option<&Metrics> {
        self.baselines.iter().find(|baseline| baseline.name == name).map(|baseline| &baseline.metrics)
    }
}
