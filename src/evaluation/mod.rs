//! Evaluation of models: metrics, confusion matrix, intervals, baselines.

mod agreement;
mod baseline;
mod calibration;
mod classification;
mod details;
mod headline;
mod interval;
mod language;
mod language_difference;
mod learning_curve;
mod linear_probe;
mod logistic;
mod metrics;
mod minimise;
mod prediction;
mod probabilities;
mod ranking;
mod run_difference;
mod scoring;
mod slices;
mod spread;
mod temper;
mod tfidf;
mod threshold;
mod verdict;

pub use baseline::{
    Guesses, LabelledTexts, ModelPredictions, classification_baselines, majority_baseline, tfidf_baseline,
};
pub use calibration::{Calibration, Reliability, ReliabilityBin, fit_temperature};
pub use classification::{ClassMetrics, ClassificationMetrics, ConfusionMatrix, PrecisionRecall};
pub use details::{ClassIntervals, ClassificationDetails, OverallMetric, OverallScore};
pub use headline::Headline;
pub use interval::{
    FEWEST_ROWS, bootstrap_macro_f1, macro_f1_difference, macro_f1_interval, perplexity_difference, perplexity_interval,
};
pub use language::{LanguageModelMetrics, TermCounts, WordCounts, WordsAnswer};
pub use language_difference::LanguageDifference;
pub use learning_curve::{CurvePoint, Forecast, LearningCurve, PartRun};
pub use linear_probe::{FittedProbe, LinearProbe};
pub use metrics::{Baseline, BaselineName, Interval, Metrics};
pub use prediction::{Answer, ClassAnswer, Prediction};
pub use probabilities::ClassProbabilities;
pub use ranking::RankingCurves;
pub use run_difference::{RunDifference, Tested};
pub use scoring::{BatchLogits, ClassScorer, Scored, ScoredWord, Scorer, WordScorer, argmax};
pub use slices::{Slice, Slices};
pub use spread::{Spread, Trials};
pub use threshold::{CoveragePoint, ThresholdScore, coverage_curve};
pub use verdict::{Evidence, Judgement, NextStep, Verdict};
