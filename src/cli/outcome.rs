//! Results as JSON, for scripts.

use std::io::Write;

use serde::Serialize;

use crate::cli::CliError;
use crate::evaluation::{ClassMetrics, ClassificationMetrics, ConfusionMatrix};
use crate::storage::{RunListing, RunOutcome, RunSummary, StopReason};
use crate::worker::RunResults;

/// Prints one JSON object.
pub(super) fn print_json(out: &mut dyn Write, value: &impl Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| CliError::Failed(error.to_string()))?;
    Ok(writeln!(out, "{text}")?)
}

/// The metrics of one evaluation. Scripts rely on these names.
#[derive(Serialize)]
pub(super) struct Figures<'a> {
    rows: u64,
    accuracy: f64,
    macro_f1: f64,
    weighted_f1: f64,
    macro_precision: f64,
    macro_recall: f64,
    loss: f64,
    per_class: &'a [ClassMetrics],
    confusion: &'a ConfusionMatrix,
}

impl<'a> From<&'a ClassificationMetrics> for Figures<'a> {
    fn from(metrics: &'a ClassificationMetrics) -> Self {
        Self {
            rows: metrics.rows,
            accuracy: metrics.accuracy,
            macro_f1: metrics.macro_average.f1,
            weighted_f1: metrics.weighted_average.f1,
            macro_precision: metrics.macro_average.precision,
            macro_recall: metrics.macro_average.recall,
            loss: metrics.loss,
            per_class: &metrics.per_class,
            confusion: &metrics.confusion,
        }
    }
}

/// Output of `hone train --json`.
#[derive(Serialize)]
pub(super) struct TrainOutcome<'a> {
    run: &'a str,
    folder: String,
    #[serde(flatten)]
    ending: Ending<'a>,
    labels: &'a [String],
    rows: Rows,
    /// `None` if there are too few rows.
    macro_f1_interval_95: Option<[f64; 2]>,
    majority_baseline: Figures<'a>,
    tfidf_baseline: Option<Figures<'a>>,
}

/// A run's summary, with the same names in every command.
#[derive(Serialize)]
struct Ending<'a> {
    steps: u64,
    epochs: f64,
    train_seconds: f64,
    tokens_per_second: f64,
    /// Device and number format; `None` if it was not recorded.
    device: Option<&'a str>,
    /// `None` if it was not measured because the run was interrupted.
    peak_memory_mb: Option<f64>,
    best_step: u64,
    stop_reason: StopReason,
    validation: Figures<'a>,
    test: Option<Figures<'a>>,
}

impl<'a> From<&'a RunSummary> for Ending<'a> {
    fn from(summary: &'a RunSummary) -> Self {
        Self {
            steps: summary.steps,
            epochs: summary.epochs,
            train_seconds: summary.train_seconds,
            tokens_per_second: summary.tokens_per_second,
            device: (!summary.device.is_empty()).then_some(summary.device.as_str()),
            peak_memory_mb: (summary.peak_memory > 0).then_some(summary.peak_memory as f64 / 1e6),
            best_step: summary.best_step,
            stop_reason: summary.stop_reason,
            validation: Figures::from(&summary.validation),
            test: summary.test.as_ref().map(Figures::from),
        }
    }
}

/// A run as `hone runs --json` prints it.
#[derive(Serialize)]
pub(super) struct RunEntry<'a> {
    run: String,
    folder: String,
    /// "finished", "training" or "cut off".
    status: &'static str,
    /// Why it was interrupted.
    error: Option<&'a str>,
    /// Its summary, if it has a model.
    #[serde(flatten)]
    ending: Option<Ending<'a>>,
}

impl<'a> RunEntry<'a> {
    /// Collects the output for a run.
    pub(super) fn new(listing: &RunListing, outcome: &'a RunOutcome) -> Self {
        let (status, error) = match outcome {
            RunOutcome::Finished(_) => ("finished", None),
            RunOutcome::UnderWay => ("training", None),
            RunOutcome::CutOff { why, .. } => ("cut off", Some(why.as_str())),
        };
        let (run, folder) = (listing.folder.id(), listing.folder.path().display().to_string());
        Self { run, folder, status, error, ending: outcome.summary().map(Ending::from) }
    }
}

/// Rows in each split.
#[derive(Serialize)]
struct Rows {
    train: usize,
    validation: usize,
    test: usize,
}

impl<'a> TrainOutcome<'a> {
    /// Collects the output for a run.
    pub(super) fn new(results: &'a RunResults) -> Self {
        let [train, validation, test] = results.settings.rows;
        Self {
            run: &results.summary.run,
            folder: results.folder.display().to_string(),
            ending: Ending::from(&results.summary),
            labels: &results.settings.labels,
            rows: Rows { train, validation, test },
            macro_f1_interval_95: results.interval().map(Into::into),
            majority_baseline: Figures::from(&results.majority_baseline),
            tfidf_baseline: results.tfidf_baseline.as_ref().map(Figures::from),
        }
    }
}
