//! A linear probe: multinomial logistic regression on the embeddings of a frozen network, solved exactly. The loss is that of
//! scikit-learn's `LogisticRegression`: `Σ w (-log p) + |W|² / 2C`, the bias free.

use rayon::prelude::*;

use crate::evaluation::minimise::{Limits, minimise};
use crate::project::PROBE_STRENGTHS;

/// scikit-learn's `tol`, and the `max_iter` people use.
const LIMITS: Limits = Limits { tolerance: 1e-4, iterations: 1_000 };
/// Rows that a thread sums up at a time. Fixed, so that the result does not depend on the number of threads.
const CHUNK: usize = 256;
/// Numbers that are multiplied side by side.
const LANES: usize = 8;

/// Embeddings and the class of each row.
pub struct LinearProbe<'a> {
    /// `[rows * width]`.
    embeddings: &'a [f32],
    width: usize,
    labels: &'a [u32],
    /// How much a row of each class counts.
    weights: Vec<f64>,
    /// What all rows count together.
    total: f64,
    /// Root of the mean square of all numbers: strengths count in it, so that they mean the same for every network.
    scale: f64,
}

/// A fitted probe.
#[derive(Clone, Debug)]
pub struct FittedProbe {
    /// `[classes * width]`, class by class.
    pub weights: Vec<f32>,
    /// `[classes]`.
    pub bias: Vec<f32>,
    /// The weighted mean of the cross-entropy on the rows it was fitted on, in nats.
    pub loss: f64,
    /// Where a fit of another strength can begin.
    point: Vec<f64>,
}

impl FittedProbe {
    /// The logarithm of the probability of each class, for one embedding `[width]`.
    #[must_use]
    pub fn log_probabilities(&self, embedding: &[f32]) -> Vec<f64> {
        let scored = self.weights.chunks_exact(embedding.len().max(1)).zip(&self.bias);
        let mut scores: Vec<f64> = scored.map(|(weights, bias)| f64::from(dot(embedding, weights) + bias)).collect();
        let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum = highest + scores.iter().map(|score| (score - highest).exp()).sum::<f64>().ln();
        for score in &mut scores {
            *score -= sum;
        }
        scores
    }
}

impl<'a> LinearProbe<'a> {
    /// For rows of `embeddings` `[rows * width]` and their `labels` `[rows]`, which are below the number of `class_weights`.
    #[must_use]
    pub fn new(embeddings: &'a [f32], width: usize, labels: &'a [u32], class_weights: Vec<f64>) -> Self {
        let total = labels.iter().filter_map(|&label| class_weights.get(label as usize)).sum::<f64>();
        let squares: Vec<f64> = embeddings
            .par_chunks(CHUNK * width.max(1))
            .map(|values| values.iter().map(|&value| f64::from(value).powi(2)).sum())
            .collect();
        let scale = (squares.iter().sum::<f64>() / embeddings.len().max(1) as f64).sqrt().max(f64::MIN_POSITIVE);
        Self { embeddings, width, labels, weights: class_weights, total, scale }
    }

    /// Fits with the inverse strength `c` of the penalty, from where `start` ended. `go_on` is called with each iteration; if it
    /// returns false, the result is `None`.
    pub fn fit(&self, c: f64, start: Option<&FittedProbe>, go_on: impl FnMut(usize) -> bool) -> Option<FittedProbe> {
        let (classes, width) = (self.weights.len(), self.width);
        let start = start.map_or_else(|| vec![0.0; classes * (width + 1)], |fitted| fitted.point.clone());
        let penalty = 1.0 / (c * self.total.max(1.0));
        let objective = |point: &[f64], gradient: &mut [f64]| self.at(point, penalty, gradient).0;
        let point = minimise(start, &LIMITS, objective, go_on)?;
        let (_, loss) = self.at(&point, penalty, &mut vec![0.0; point.len()]);
        let (weights, bias) = point.split_at(classes * width);
        Some(FittedProbe {
            // The point is for embeddings of scale 1.
            weights: weights.iter().map(|weight| (weight / self.scale) as f32).collect(),
            bias: bias.iter().map(|&bias| bias as f32).collect(),
            loss,
            point,
        })
    }

    /// Fits with each strength of the penalty in turn. `go_on` is called with each iteration; if it returns false, the result is
    /// `None`.
    pub fn fit_all(&self, mut go_on: impl FnMut(usize) -> bool) -> Option<Vec<FittedProbe>> {
        let mut fits: Vec<FittedProbe> = Vec::with_capacity(PROBE_STRENGTHS.len());
        for strength in PROBE_STRENGTHS {
            let next = self.fit(strength, fits.last(), &mut go_on)?;
            fits.push(next);
        }
        Some(fits)
    }

    /// The objective and the loss without the penalty; writes the gradient of the objective. `point` has the weights class by
    /// class, then the biases.
    fn at(&self, point: &[f64], penalty: f64, gradient: &mut [f64]) -> (f64, f64) {
        let (classes, width) = (self.weights.len(), self.width);
        let weights: Vec<f32> = point[..classes * width].iter().map(|weight| (weight / self.scale) as f32).collect();
        let bias = &point[classes * width..];
        // Collected first, because a parallel sum would add in a different order each time.
        let parts: Vec<(f64, Vec<f32>, Vec<f64>)> = self
            .embeddings
            .par_chunks(CHUNK * width.max(1))
            .zip(self.labels.par_chunks(CHUNK))
            .map(|(rows, labels)| self.part(rows, labels, &weights, bias))
            .collect();
        gradient.fill(0.0);
        let (of_weights, of_bias) = gradient.split_at_mut(classes * width);
        let mut loss = 0.0;
        for (part, weights, bias) in parts {
            loss += part;
            of_weights.iter_mut().zip(weights).for_each(|(sum, value)| *sum += f64::from(value) / self.scale);
            of_bias.iter_mut().zip(bias).for_each(|(sum, value)| *sum += value);
        }
        let weights = &point[..classes * width];
        of_weights.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += penalty * weight);
        let squares: f64 = weights.iter().map(|weight| weight * weight).sum();
        (loss + 0.5 * penalty * squares, loss)
    }

    /// The loss of some rows, and its gradients of the weights and the biases.
    fn part(&self, rows: &[f32], labels: &[u32], weights: &[f32], bias: &[f64]) -> (f64, Vec<f32>, Vec<f64>) {
        let (classes, width) = (self.weights.len(), self.width);
        let (mut loss, mut of_weights, mut of_bias) = (0.0, vec![0.0_f32; classes * width], vec![0.0; classes]);
        let mut scores = vec![0.0; classes];
        for (row, &label) in rows.chunks_exact(width.max(1)).zip(labels) {
            for ((score, weights), bias) in scores.iter_mut().zip(weights.chunks_exact(width.max(1))).zip(bias) {
                *score = f64::from(dot(row, weights)) + bias;
            }
            let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = scores.iter().map(|score| (score - highest).exp()).sum();
            let count = self.weights[label as usize] / self.total;
            loss += count * (highest + sum.ln() - scores[label as usize]);
            for (class, score) in scores.iter().enumerate() {
                let wanted = f64::from(u8::from(class == label as usize));
                let residual = count * ((score - highest).exp() / sum - wanted);
                of_bias[class] += residual;
                let residual = residual as f32;
                let out = &mut of_weights[class * width..(class + 1) * width];
                out.iter_mut().zip(row).for_each(|(out, value)| *out += residual * value);
            }
        }
        (loss, of_weights, of_bias)
    }
}

fn dot(one: &[f32], other: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (ones, others) = (one.chunks_exact(LANES), other.chunks_exact(LANES));
    let rest: f32 = ones.remainder().iter().zip(others.remainder()).map(|(one, other)| one * other).sum();
    for (one, other) in ones.zip(others) {
        for lane in 0..LANES {
            sums[lane] += one[lane] * other[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Rng;

    /// 400 rows of 3 classes around different places, of unequal numbers.
    fn rows() -> (Vec<f32>, Vec<u32>) {
        let mut rng = Rng::new(5);
        let (mut embeddings, mut labels) = (Vec::new(), Vec::new());
        for row in 0..400_u32 {
            let label = [0, 0, 1, 2, 0][row as usize % 5];
            labels.push(label);
            embeddings.extend((0..11).map(|at| (0.05 * (rng.normal() + f64::from(label * at) / 6.0)) as f32));
        }
        (embeddings, labels)
    }

    #[test]
    fn the_solution_is_that_of_the_solver_of_sparse_rows() {
        use crate::evaluation::logistic::LogisticRegression;
        use crate::evaluation::tfidf::SparseRows;
        let (embeddings, labels) = rows();
        // Its strength is 1, and its classes are balanced.
        let counts = [240.0, 80.0, 80.0];
        let probe = LinearProbe::new(&embeddings, 11, &labels, counts.map(|count| 400.0 / (3.0 * count)).to_vec());
        let fitted = probe.fit(probe.scale.powi(2), None, |_| true).unwrap();
        let sparse = SparseRows::from_dense(&embeddings, 11);
        let tight = Limits { tolerance: 1e-8, iterations: 1_000 };
        let expected = LogisticRegression::fit(&sparse, &labels, 3, &tight, |_| true).unwrap().probabilities(&sparse);
        for (row, expected) in embeddings.chunks(11).zip(expected.chunks(3)) {
            let found = fitted.log_probabilities(row);
            for (found, expected) in found.iter().zip(expected) {
                assert!((found.exp() - expected).abs() < 2e-3, "{found:?} {expected}");
            }
        }
    }

    #[test]
    fn a_weaker_penalty_fits_more_closely_and_a_stop_is_none() {
        let (embeddings, labels) = rows();
        let probe = LinearProbe::new(&embeddings, 11, &labels, vec![1.0; 3]);
        let strong = probe.fit(0.01, None, |_| true).unwrap();
        let weak = probe.fit(10.0, Some(&strong), |_| true).unwrap();
        assert!(weak.loss < strong.loss, "{} {}", weak.loss, strong.loss);
        let again = probe.fit(0.01, None, |_| true).unwrap();
        assert_eq!(strong.weights, again.weights);
        assert!(probe.fit(1.0, None, |_| false).is_none());
    }
}
