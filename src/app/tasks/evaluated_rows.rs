//! The rows that Evaluate shows.

use crate::evaluation::{Metrics, Prediction};
use crate::storage::RunComparison;

/// The rows that Evaluate shows.
#[derive(Clone, Debug)]
pub struct EvaluatedRows<'a> {
    /// Their metrics.
    pub metrics: &'a Metrics,
    /// The model's predictions.
    pub predictions: &'a [Prediction],
    /// Label names in class-id order.
    pub labels: &'a [String],
    /// Interval and baselines, if they were measured on these rows.
    pub comparison: Option<&'a RunComparison>,
    /// Description of the rows, for example "test rows the model has never seen".
    pub rows: String,
    /// Run id.
    pub run: &'a str,
    /// Whether the rows are the project's own, so that Review has them.
    pub can_be_reviewed: bool,
}
