//! Accuracy, precision, recall and F1, from a confusion matrix.

use serde::{Deserialize, Serialize};

/// Counts of (true label, predicted label): `counts[true][predicted]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfusionMatrix {
    /// Label names, in class-id order.
    pub labels: Vec<String>,
    /// `[labels][labels]` counts; the row is the true label.
    pub counts: Vec<Vec<u64>>,
}

/// Precision, recall and F1; 0 where undefined, as scikit-learn's `zero_division=0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecall {
    /// Right among those predicted.
    pub precision: f64,
    /// Right among those that are.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
}

/// One label's figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassMetrics {
    /// Label name.
    pub label: String,
    /// Right among those predicted as this label.
    pub precision: f64,
    /// Right among the rows of this label.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// Rows of this label.
    pub support: u64,
}

/// The figures of one evaluation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassificationMetrics {
    /// Rows evaluated.
    pub rows: u64,
    /// Share of right answers.
    pub accuracy: f64,
    /// Mean cross-entropy in nats, unweighted and unsmoothed.
    pub loss: f64,
    /// Unweighted mean over the labels that have rows or predictions.
    pub macro_average: PrecisionRecall,
    /// Mean over the labels, weighted by their rows.
    pub weighted_average: PrecisionRecall,
    /// Each label's figures.
    pub per_class: Vec<ClassMetrics>,
    /// Counts of (true, predicted).
    pub confusion: ConfusionMatrix,
}
