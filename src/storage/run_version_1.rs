//! Reads run files of version 1, whose only task was text classification, into the current types.

use serde::Deserialize;

use crate::evaluation::{Baseline, BaselineName, ClassificationMetrics, FEWEST_ROWS, Interval, Metrics};
use crate::project::MetricName;
use crate::storage::run::{EvaluationPoint, RunComparison, RunStatus, RunSummary, StopReason};

/// `status.ron`.
#[allow(clippy::large_enum_variant, reason = "a few at a time, read from a file")]
#[derive(Deserialize)]
pub(super) enum RunStatus1 {
    Running,
    Finished(RunSummary1),
    Failed(String),
}

/// The outcome of a run.
#[derive(Deserialize)]
pub(super) struct RunSummary1 {
    run: String,
    started_at: u64,
    steps: u64,
    epochs: f64,
    train_seconds: f64,
    tokens_per_second: f64,
    peak_memory: u64,
    #[serde(default)]
    device: String,
    stop_reason: StopReason,
    best_step: u64,
    validation: ClassificationMetrics,
    test: Option<ClassificationMetrics>,
}

/// `figures.ron`.
#[derive(Deserialize)]
pub(super) struct RunFigures1 {
    macro_f1_interval: (f64, f64),
    majority_baseline: ClassificationMetrics,
    #[serde(default)]
    tfidf_baseline: Option<ClassificationMetrics>,
}

/// An evaluation in `metrics.jsonl`.
#[derive(Deserialize)]
pub(super) struct EvaluationPoint1 {
    step: u64,
    epoch: f64,
    metrics: ClassificationMetrics,
    is_best: bool,
}

impl From<RunStatus1> for RunStatus {
    fn from(status: RunStatus1) -> Self {
        match status {
            RunStatus1::Running => Self::Running,
            RunStatus1::Finished(summary) => Self::Finished(summary.into()),
            RunStatus1::Failed(why) => Self::Failed(why),
        }
    }
}

impl From<RunSummary1> for RunSummary {
    fn from(summary: RunSummary1) -> Self {
        Self {
            run: summary.run,
            started_at: summary.started_at,
            steps: summary.steps,
            epochs: summary.epochs,
            train_seconds: summary.train_seconds,
            tokens_per_second: summary.tokens_per_second,
            peak_memory: summary.peak_memory,
            device: summary.device,
            stop_reason: summary.stop_reason,
            best_step: summary.best_step,
            validation: Metrics::Classification(summary.validation),
            test: summary.test.map(Metrics::Classification),
        }
    }
}

impl From<RunFigures1> for RunComparison {
    fn from(figures: RunFigures1) -> Self {
        let (low, high) = figures.macro_f1_interval;
        let interval = Interval { metric: MetricName::MacroF1, low, high };
        let enough_rows = figures.majority_baseline.rows >= FEWEST_ROWS;
        let named = |name, metrics| Baseline::alone(name, Metrics::Classification(metrics));
        let majority = named(BaselineName::MajorityClass, figures.majority_baseline);
        let tfidf = figures.tfidf_baseline.map(|metrics| named(BaselineName::TfIdf, metrics));
        Self { interval: enough_rows.then_some(interval), baselines: std::iter::once(majority).chain(tfidf).collect() }
    }
}

impl From<EvaluationPoint1> for EvaluationPoint {
    fn from(point: EvaluationPoint1) -> Self {
        let EvaluationPoint1 { step, epoch, metrics, is_best } = point;
        Self { step, epoch, metrics: Metrics::Classification(metrics), is_best }
    }
}
