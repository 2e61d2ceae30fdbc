//! The probabilities of rows with a known label, and how good they are.

use crate::evaluation::temper::{LEAST, temper};
use crate::evaluation::{Prediction, argmax};

/// Probabilities of every class, and the true class, of each row.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassProbabilities {
    classes: usize,
    /// True class ids, `[rows]`.
    truth: Vec<usize>,
    /// `[rows * classes]`, row by row.
    probabilities: Vec<f64>,
}

impl ClassProbabilities {
    /// Those of the predictions with a known label. Predictions of another task, or for another number of classes, are left out.
    #[must_use]
    pub fn of(predictions: &[Prediction], classes: usize) -> Self {
        let (mut truth, mut probabilities) = (Vec::new(), Vec::new());
        for prediction in predictions {
            let of_row = prediction.probabilities();
            let label = prediction.label().map(|label| label as usize).filter(|&label| label < classes);
            if let Some(label) = label.filter(|_| of_row.len() == classes) {
                truth.push(label);
                probabilities.extend(of_row.iter().map(|&probability| f64::from(probability)));
            }
        }
        Self { classes, truth, probabilities }
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.truth.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.truth.is_empty()
    }

    /// Number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The true class of each row and its probabilities, `[classes]`.
    pub fn rows(&self) -> impl Iterator<Item = (usize, &[f64])> {
        self.truth.iter().copied().zip(self.probabilities.chunks(self.classes.max(1)))
    }

    /// The class with the highest probability of each row and that probability, and whether it is the true class.
    pub fn top(&self) -> impl Iterator<Item = (usize, f64, bool)> {
        self.rows().map(|(truth, probabilities)| {
            let predicted = argmax(probabilities) as usize;
            (predicted, probabilities[predicted], predicted == truth)
        })
    }

    /// The same rows with every logit divided by `temperature`: above 1, the model is less sure of itself, and its predicted labels
    /// stay the same.
    #[must_use]
    pub fn at_temperature(&self, temperature: f64) -> Self {
        let mut probabilities = self.probabilities.clone();
        for row in probabilities.chunks_mut(self.classes.max(1)) {
            temper(row, temperature);
        }
        Self { classes: self.classes, truth: self.truth.clone(), probabilities }
    }

    /// The cross-entropy of each row in nats.
    pub fn row_losses(&self) -> impl Iterator<Item = f64> {
        self.rows().map(|(truth, probabilities)| -probabilities[truth].max(LEAST).ln())
    }

    /// The squared error of each row, summed over the classes: 0 if the model is sure and right, 2 if it is sure and wrong.
    pub fn row_errors(&self) -> impl Iterator<Item = f64> {
        let error = |(truth, probabilities): (usize, &[f64])| -> f64 {
            let of_class = |(class, probability): (usize, &f64)| {
                let wanted = if class == truth { 1.0 } else { 0.0 };
                (probability - wanted) * (probability - wanted)
            };
            probabilities.iter().enumerate().map(of_class).sum()
        };
        self.rows().map(error)
    }

    /// Mean cross-entropy in nats, as scikit-learn's `log_loss`; 0 without rows.
    #[must_use]
    pub fn log_loss(&self) -> f64 {
        self.row_losses().sum::<f64>() / self.len().max(1) as f64
    }

    /// Mean over the rows of the squared error summed over the classes (Brier 1950), 0 to 2, as scikit-learn's
    /// `brier_score_loss(scale_by_half=False)`; 0 without rows.
    #[must_use]
    pub fn brier_score(&self) -> f64 {
        self.row_errors().sum::<f64>() / self.len().max(1) as f64
    }
}

/// Rows made for a test, from (true class, probabilities).
#[cfg(test)]
pub(super) fn of_rows(rows: &[(usize, &[f64])]) -> ClassProbabilities {
    let probabilities = rows.iter().flat_map(|(_, probabilities)| probabilities.iter().copied()).collect();
    let classes = rows.first().map_or(0, |(_, probabilities)| probabilities.len());
    ClassProbabilities { classes, truth: rows.iter().map(|(truth, _)| *truth).collect(), probabilities }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brier_score_and_log_loss_are_means_over_the_rows() {
        let rows = of_rows(&[(0, &[0.7, 0.2, 0.1]), (2, &[0.5, 0.3, 0.2])]);
        let errors: Vec<f64> = rows.row_errors().collect();
        assert!((errors[0] - (0.09 + 0.04 + 0.01)).abs() < 1e-12 && (errors[1] - (0.25 + 0.09 + 0.64)).abs() < 1e-12);
        assert!((rows.brier_score() - 0.56).abs() < 1e-12);
        assert!((rows.log_loss() + f64::midpoint(0.7_f64.ln(), 0.2_f64.ln())).abs() < 1e-12);
    }

    #[test]
    fn a_temperature_moves_probabilities_and_keeps_their_order() {
        let rows = of_rows(&[(0, &[0.7, 0.2, 0.1]), (0, &[1.0, 0.0, 0.0])]);
        let same = rows.at_temperature(1.0);
        assert!(same.probabilities.iter().zip(&rows.probabilities).all(|(a, b)| (a - b).abs() < 1e-12), "{same:?}");
        let cooler = rows.at_temperature(2.0);
        let sum = 0.7_f64.sqrt() + 0.2_f64.sqrt() + 0.1_f64.sqrt();
        assert!((cooler.probabilities[0] - 0.7_f64.sqrt() / sum).abs() < 1e-12, "{cooler:?}");
        assert!(cooler.probabilities[4] > 0.0, "a probability rounded to 0 is only very small");
        assert!(rows.top().map(|row| row.0).eq(cooler.top().map(|row| row.0)));
    }

    #[test]
    fn a_row_that_is_certainly_wrong_has_a_finite_loss() {
        assert!(of_rows(&[(1, &[1.0, 0.0])]).log_loss().is_finite());
        let none = of_rows(&[]);
        assert_eq!((none.log_loss(), none.brier_score(), none.at_temperature(2.0).len()), (0.0, 0.0, 0));
    }
}
