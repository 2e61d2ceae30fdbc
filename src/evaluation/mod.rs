//! How good a model is: metrics, confusion matrix, intervals, baselines.

mod baseline;
mod interval;
mod logistic;
mod minimise;
mod metrics;
mod prediction;
mod tfidf;

pub use baseline::{LabelledTexts, majority_baseline, tfidf_baseline};
pub use interval::{FEWEST_ROWS, bootstrap_macro_f1};
pub use metrics::{ClassMetrics, ClassificationMetrics, ConfusionMatrix, PrecisionRecall};
pub use prediction::Prediction;
