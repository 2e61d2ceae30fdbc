//! Evaluation of models: metrics, confusion matrix, intervals, baselines.

mod baseline;
mod classification;
mod interval;
mod language;
mod language_difference;
mod linear_probe;
mod logistic;
mod metrics;
mod minimise;
mod prediction;
mod run_difference;
mod scoring;
mod tfidf;
mod threshold;
mod verdict;

pub use baseline::{
    Guesses, LabelledTexts, ModelPredictions, classification_baselines, majority_baseline, tfidf_baseline,
};
pub use classification::{ClassMetrics, ClassificationMetrics, ConfusionMatrix, PrecisionRecall};
pub use interval::{
    FEWEST_ROWS, bootstrap_macro_f1, macro_f1_difference, macro_f1_interval, perplexity_difference, perplexity_interval,
};
pub use language::{LanguageModelMetrics, TermCounts, WordCounts, WordsAnswer};
pub use language_difference::LanguageDifference;
pub use linear_probe::{FittedProbe, LinearProbe};
pub use metrics::{Baseline, BaselineName, Interval, Metrics};
pub use prediction::{Answer, ClassAnswer, Prediction};
pub use run_difference::{RunDifference, Tested};
pub use scoring::{BatchLogits, ClassScorer, Scored, ScoredWord, Scorer, WordScorer, argmax};
pub use threshold::ThresholdScore;
pub use verdict::{Evidence, Judgement, NextStep, Verdict};
