//! What is kept of a run.

use serde::{Deserialize, Serialize};

use crate::evaluation::ClassificationMetrics;
use crate::project::Project;

/// Version of the run files written by this build.
pub const RUN_SCHEMA_VERSION: u32 = 1;

/// One optimizer step's figures: a line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepMetrics {
    /// 1-based optimizer step.
    pub step: u64,
    /// Passes over the training rows so far, fractional.
    pub epoch: f64,
    /// Mean training loss of the step's rows.
    pub loss: f64,
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// Global L2 norm of the gradient before clipping.
    pub grad_norm: f64,
    /// Real tokens learnt from in the step.
    pub tokens: u64,
    /// Seconds of training so far, evaluation and pauses not counted.
    pub train_seconds: f64,
}

/// One evaluation on validation: a line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationPoint {
    /// Optimizer steps done.
    pub step: u64,
    /// Passes over the training rows so far, fractional.
    pub epoch: f64,
    /// The figures on validation.
    pub metrics: ClassificationMetrics,
    /// Whether it is the best so far by the chosen metric.
    pub is_best: bool,
}

/// Everything needed to repeat a run: `settings.ron`.
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
    /// Device and arithmetic that the settings led to, for example "CPU, f32"; empty where it was not written down.
    #[serde(default)]
    pub device: String,
}

/// How a run stands: `status.ron`.
#[allow(clippy::large_enum_variant, reason = "a few at a time, read from a file")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RunStatus {
    /// Under way, or the process ended without a word.
    Running,
    /// Ended; the best checkpoint is in `best/`.
    Finished(RunSummary),
    /// Ended by an error.
    Failed(String),
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopReason {
    /// Every epoch was done.
    Completed,
    /// The metric did not improve any more.
    EarlyStopping,
    /// A person stopped it.
    Stopped,
    /// An error or the end of the process cut it off; never written, see `RunOutcome::CutOff`.
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
    /// Passes over the training rows, fractional.
    pub epochs: f64,
    /// Seconds of training, evaluation and pauses not counted.
    pub train_seconds: f64,
    /// Real tokens learnt from, divided by `train_seconds`.
    pub tokens_per_second: f64,
    /// Largest resident memory of the process, bytes.
    pub peak_memory: u64,
    /// Device and arithmetic, for example "CPU, f32"; empty where it was not written down.
    #[serde(default)]
    pub device: String,
    /// Why it ended.
    pub stop_reason: StopReason,
    /// Step of the best evaluation.
    pub best_step: u64,
    /// Figures on validation of the best checkpoint.
    pub validation: ClassificationMetrics,
    /// Figures on test of the best checkpoint; `None` when there are no test rows.
    pub test: Option<ClassificationMetrics>,
}

/// What stands beside a finished run's figures: `figures.ron`. On test rows, or on validation where there are none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunFigures {
    /// 95% interval of macro-F1, by bootstrap.
    pub macro_f1_interval: (f64, f64),
    /// Always answering the most frequent training label.
    pub majority_baseline: ClassificationMetrics,
    /// TF-IDF with logistic regression, fitted on the same training rows; `None` when it was not measured.
    #[serde(default)]
    pub tfidf_baseline: Option<ClassificationMetrics>,
}
