//! How good a model is: metrics, confusion matrix, intervals, baselines.

mod metrics;
mod prediction;

pub use metrics::{ClassMetrics, ClassificationMetrics, ConfusionMatrix, PrecisionRecall};
pub use prediction::Prediction;
