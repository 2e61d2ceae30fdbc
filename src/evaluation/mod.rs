//! How good a model is: metrics, confusion matrix, intervals, baselines.

mod baseline;
mod interval;
mod metrics;
mod prediction;

pub use baseline::majority_baseline;
pub use interval::bootstrap_macro_f1;
pub use metrics::{ClassMetrics, ClassificationMetrics, ConfusionMatrix, PrecisionRecall};
pub use prediction::Prediction;
