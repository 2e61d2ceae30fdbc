//! Multinomial logistic regression on sparse rows, as in scikit-learn's `LogisticRegression(class_weight="balanced")`.

use rayon::prelude::*;

use crate::evaluation::minimise::{Limits, minimise};
use crate::evaluation::tfidf::SparseRows;

/// The strength of the L2 penalty is 1 / C, as in scikit-learn.
const C: f64 = 1.0;

/// A fitted model.
#[derive(Debug)]
pub(super) struct LogisticRegression {
    /// `[features + 1][classes]`; the last row is the intercept.
    weights: Vec<f64>,
    classes: usize,
}

impl LogisticRegression {
    /// Fits with L-BFGS. `labels` are class ids below `classes`; each class should have at least one row. `go_on` is
    /// called with the iteration; if it returns false, the result is `None`.
    pub fn fit(
        rows: &SparseRows,
        labels: &[u32],
        classes: usize,
        limits: &Limits,
        go_on: impl FnMut(usize) -> bool,
    ) -> Option<Self> {
        let objective = Objective::new(rows, labels, classes);
        let start = vec![0.0; (rows.features + 1) * classes];
        let weights = minimise(start, limits, |point, gradient| objective.at(point, gradient), go_on)?;
        Some(Self { weights, classes })
    }

    /// Probabilities of each class, `[rows * classes]`, row by row.
    pub fn probabilities(&self, rows: &SparseRows) -> Vec<f64> {
        let mut all = vec![0.0; rows.len() * self.classes];
        all.par_chunks_mut(self.classes).enumerate().for_each(|(row, out)| {
            scores(rows, row, &self.weights, out);
            softmax(out);
        });
        all
    }
}

/// The weighted mean cross-entropy plus the penalty. The gradient is computed feature by feature over the transposed
/// rows, so that threads share no sums and the result does not depend on their number.
struct Objective<'a> {
    rows: &'a SparseRows,
    columns: SparseRows,
    labels: &'a [u32],
    classes: usize,
    /// Weight of each class's rows: rows / (classes * rows of the class).
    weights: Vec<f64>,
    /// Sum of all rows' weights.
    total: f64,
}

impl<'a> Objective<'a> {
    fn new(rows: &'a SparseRows, labels: &'a [u32], classes: usize) -> Self {
        let mut counts = vec![0.0_f64; classes];
        for &label in labels {
            counts[label as usize] += 1.0;
        }
        let weights: Vec<f64> =
            counts.iter().map(|count| labels.len() as f64 / (classes as f64 * count.max(1.0))).collect();
        let total = labels.iter().map(|&label| weights[label as usize]).sum();
        Self { rows, columns: rows.transposed(), labels, classes, weights, total }
    }

    fn at(&self, point: &[f64], gradient: &mut [f64]) -> f64 {
        let classes = self.classes;
        let mut residuals = vec![0.0; self.rows.len() * classes];
        let losses = residuals.par_chunks_mut(classes).zip(self.labels).enumerate().map(|(row, (out, &label))| {
            let (label, weight) = (label as usize, self.weights[label as usize] / self.total);
            scores(self.rows, row, point, out);
            softmax(out);
            let loss = -out[label].ln();
            out[label] -= 1.0;
            for entry in out {
                *entry *= weight;
            }
            weight * loss
        });
        // Collected first, because a parallel sum would add in a different order each time.
        let loss: f64 = losses.collect::<Vec<f64>>().iter().sum();
        let penalty = 1.0 / (C * self.total);
        let (features, intercept) = gradient.split_at_mut(self.rows.features * classes);
        features.par_chunks_mut(classes).enumerate().for_each(|(feature, out)| {
            let weights = &point[feature * classes..(feature + 1) * classes];
            out.iter_mut().zip(weights).for_each(|(out, weight)| *out = penalty * weight);
            for (row, value) in self.columns.row(feature) {
                let residual = &residuals[row * classes..(row + 1) * classes];
                out.iter_mut().zip(residual).for_each(|(out, residual)| *out += value * residual);
            }
        });
        intercept.fill(0.0);
        for residual in residuals.chunks(classes) {
            intercept.iter_mut().zip(residual).for_each(|(out, residual)| *out += residual);
        }
        let squares: f64 = point[..self.rows.features * classes].iter().map(|weight| weight * weight).sum();
        loss + 0.5 * penalty * squares
    }
}

/// Writes the scores of one row, `[classes]`.
fn scores(rows: &SparseRows, row: usize, weights: &[f64], out: &mut [f64]) {
    let classes = out.len();
    out.copy_from_slice(&weights[rows.features * classes..]);
    for (feature, value) in rows.row(row) {
        let weights = &weights[feature * classes..(feature + 1) * classes];
        out.iter_mut().zip(weights).for_each(|(out, weight)| *out += value * weight);
    }
}

/// Scores -> probabilities, kept above 0 so that their logarithm is finite.
fn softmax(scores: &mut [f64]) {
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for score in scores.iter_mut() {
        *score = (*score - highest).exp();
    }
    let sum: f64 = scores.iter().sum();
    for score in scores {
        *score = (*score / sum).max(f64::MIN_POSITIVE);
    }
}
