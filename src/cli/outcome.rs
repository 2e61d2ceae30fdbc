//! Results as JSON, for scripts.

use std::io::Write;

use serde::Serialize;

use crate::cli::CliError;
use crate::evaluation::{
    BaselineName, ClassMetrics, ConfusionMatrix, Metrics, NextStep, RunDifference, TermCounts, WordCounts,
};
use crate::project::Objective;
use crate::storage::{RunSummary, StopReason};
use crate::worker::RunResults;

/// Prints one JSON object.
pub(super) fn print_json(out: &mut dyn Write, value: &impl Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| CliError::Failed(error.to_string()))?;
    Ok(writeln!(out, "{text}")?)
}

/// The metrics of one evaluation. Scripts rely on these names.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Scores<'a> {
    Classification(ClassScores<'a>),
    LanguageModelling(LanguageScores<'a>),
}

#[derive(Serialize)]
pub(super) struct ClassScores<'a> {
    rows: u64,
    accuracy: f64,
    macro_f1: f64,
    weighted_f1: f64,
    /// Equal to the accuracy, as are micro precision and recall: every row has one label.
    micro_f1: f64,
    macro_precision: f64,
    macro_recall: f64,
    weighted_precision: f64,
    weighted_recall: f64,
    balanced_accuracy: f64,
    matthews_correlation: f64,
    /// `None` if all rows have one label, which is always predicted.
    cohens_kappa: Option<f64>,
    loss: f64,
    per_class: &'a [ClassMetrics],
    confusion: &'a ConfusionMatrix,
}

#[derive(Serialize)]
pub(super) struct LanguageScores<'a> {
    documents: u64,
    #[serde(flatten)]
    overall: WordScores,
    /// Over the domain's own terms only; `None` if none was predicted.
    terms: Option<WordScores>,
    /// Each of the terms that was predicted, the most telling first.
    by_term: Vec<TermScores<'a>>,
}

/// How well one of the domain's own terms was predicted.
#[derive(Serialize)]
struct TermScores<'a> {
    term: &'a str,
    /// Sum of the cross-entropies of its tokens.
    nats: f64,
    correct_words: u64,
    #[serde(flatten)]
    scores: WordScores,
}

impl<'a> TermScores<'a> {
    fn new(objective: Objective, TermCounts { term, counts }: &'a TermCounts) -> Self {
        let scores = WordScores::new(objective, counts);
        Self { term, nats: counts.nats, correct_words: counts.correct, scores }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum WordScores {
    Masked { masked_tokens: u64, masked_words: u64, perplexity: f64, loss: f64, masked_accuracy: f64 },
    Next { tokens: u64, words: u64, perplexity: f64, loss: f64, word_accuracy: f64 },
}

impl WordScores {
    fn new(objective: Objective, counts: &WordCounts) -> Self {
        let &WordCounts { tokens, words, .. } = counts;
        let (perplexity, loss, accuracy) = (counts.perplexity(), counts.loss(), counts.accuracy());
        match objective {
            Objective::MaskedWords => {
                Self::Masked { masked_tokens: tokens, masked_words: words, perplexity, loss, masked_accuracy: accuracy }
            }
            Objective::NextTokens => Self::Next { tokens, words, perplexity, loss, word_accuracy: accuracy },
        }
    }
}

impl<'a> From<&'a Metrics> for Scores<'a> {
    fn from(metrics: &'a Metrics) -> Self {
        match metrics {
            Metrics::Classification(metrics) => Self::Classification(ClassScores {
                rows: metrics.rows,
                accuracy: metrics.accuracy,
                macro_f1: metrics.macro_average.f1,
                weighted_f1: metrics.weighted_average.f1,
                micro_f1: metrics.confusion.micro_average().f1,
                macro_precision: metrics.macro_average.precision,
                macro_recall: metrics.macro_average.recall,
                weighted_precision: metrics.weighted_average.precision,
                weighted_recall: metrics.weighted_average.recall,
                balanced_accuracy: metrics.confusion.balanced_accuracy(),
                matthews_correlation: metrics.confusion.matthews_correlation(),
                cohens_kappa: metrics.confusion.cohens_kappa(),
                loss: metrics.loss,
                per_class: &metrics.per_class,
                confusion: &metrics.confusion,
            }),
            Metrics::LanguageModelling(metrics) => Self::LanguageModelling(LanguageScores {
                documents: metrics.documents,
                overall: WordScores::new(metrics.objective, &metrics.overall),
                terms: (metrics.terms.words > 0).then(|| WordScores::new(metrics.objective, &metrics.terms)),
                by_term: metrics.masked_terms().map(|term| TermScores::new(metrics.objective, term)).collect(),
            }),
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
    rows: RowsBySide,
    #[serde(flatten)]
    comparison: Comparison<'a>,
    /// "good", "unclear" or "not useful".
    verdict: String,
    /// Why, in a sentence.
    reason: String,
    /// What would most likely help.
    next_step: Option<String>,
    /// How it compares with the finished run before it.
    compared_with_the_run_before: Option<Difference>,
}

/// A paired comparison of two runs, see [`RunDifference`].
#[derive(Serialize)]
struct Difference {
    /// Number of the run before.
    run: u64,
    /// Rows that both were tested on.
    rows: usize,
    same_test_rows: bool,
    /// Macro-F1 of this run less that of the run before; `None` if too few rows are in both.
    macro_f1_difference_95: Option<[f64; 2]>,
    fixed: usize,
    broken: usize,
}

impl From<&RunDifference> for Difference {
    fn from(difference: &RunDifference) -> Self {
        Self {
            run: difference.earlier,
            rows: difference.rows,
            same_test_rows: difference.has_same_test_rows(),
            macro_f1_difference_95: difference.interval.map(|interval| [interval.low, interval.high]),
            fixed: difference.fixed.len(),
            broken: difference.broken.len(),
        }
    }
}

/// What the run's metrics are compared with, by task.
#[derive(Serialize)]
#[serde(untagged)]
#[allow(clippy::large_enum_variant, reason = "there is one, which is printed and dropped")]
enum Comparison<'a> {
    Classification {
        /// `None` if there are too few rows.
        macro_f1_interval_95: Option<[f64; 2]>,
        majority_baseline: Option<Scores<'a>>,
        tfidf_baseline: Option<Scores<'a>>,
        /// `None` if the run is an instant model itself, or was evaluated later.
        #[serde(skip_serializing_if = "Option::is_none")]
        instant_baseline: Option<Scores<'a>>,
    },
    LanguageModelling {
        /// `None` if there are too few documents.
        perplexity_interval_95: Option<[f64; 2]>,
        /// The same rows before training.
        before: Option<Scores<'a>>,
    },
}

impl<'a> From<&'a RunResults> for Comparison<'a> {
    fn from(results: &'a RunResults) -> Self {
        let baseline = |name| results.comparison.baseline(name).map(Scores::from);
        let interval = results.interval().map(|interval| [interval.low, interval.high]);
        match results.measured() {
            Metrics::Classification(_) => Self::Classification {
                macro_f1_interval_95: interval,
                majority_baseline: baseline(BaselineName::MajorityClass),
                tfidf_baseline: baseline(BaselineName::TfIdf),
                instant_baseline: baseline(BaselineName::Instant),
            },
            Metrics::LanguageModelling(_) => {
                Self::LanguageModelling { perplexity_interval_95: interval, before: baseline(BaselineName::Untrained) }
            }
        }
    }
}

/// A run's summary, with the same names in every command.
#[derive(Serialize)]
pub(super) struct Ending<'a> {
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
    validation: Scores<'a>,
    test: Option<Scores<'a>>,
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
            validation: Scores::from(&summary.validation),
            test: summary.test.as_ref().map(Scores::from),
        }
    }
}

/// Rows in each split.
#[derive(Serialize)]
struct RowsBySide {
    train: usize,
    validation: usize,
    test: usize,
}

impl<'a> TrainOutcome<'a> {
    /// Collects the output for a run.
    pub(super) fn new(results: &'a RunResults) -> Self {
        let [train, validation, test] = results.settings.rows;
        let judgement = results.judge();
        Self {
            run: &results.summary.run,
            folder: results.folder.display().to_string(),
            ending: Ending::from(&results.summary),
            labels: &results.settings.labels,
            rows: RowsBySide { train, validation, test },
            comparison: Comparison::from(results),
            verdict: judgement.verdict.title().to_lowercase(),
            next_step: judgement.next.as_ref().map(NextStep::title),
            reason: judgement.says,
            compared_with_the_run_before: results.difference.as_ref().map(Difference::from),
        }
    }
}
