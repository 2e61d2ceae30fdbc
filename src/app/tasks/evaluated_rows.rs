//! The rows that Evaluate shows.

use std::path::PathBuf;
use std::sync::Arc;

use crate::app::slot::Slot;
use crate::evaluation::{ClassificationDetails, Metrics, Prediction, Slices};
use crate::storage::RunComparison;

/// A comparison of slices that is offered.
#[derive(Clone, Copy, Debug)]
pub struct OfferedSlices<'a> {
    /// What became of it; `None` until it is asked for.
    pub slot: Option<&'a Slot<Arc<Slices>, PathBuf>>,
    /// Whether no other job is running, so that it can be asked for.
    pub can_start: bool,
}

/// The rows that Evaluate shows.
#[derive(Clone, Debug)]
pub struct EvaluatedRows<'a> {
    /// Their metrics.
    pub metrics: &'a Metrics,
    /// All other metrics, their intervals and curves; `None` unless the task is text classification.
    pub details: Option<&'a ClassificationDetails>,
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
    /// The comparison of their slices, if one is offered for these rows.
    pub slices: Option<OfferedSlices<'a>>,
    /// Whether the rows are the project's own, so that Review has them.
    pub can_be_reviewed: bool,
}
