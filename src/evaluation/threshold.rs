//! What a confidence threshold would have done to rows with known labels.

use crate::evaluation::Prediction;

/// How a confidence threshold divides scored rows, and how good the predictions above it are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThresholdScore {
    /// Number of rows with a known label.
    pub rows: usize,
    /// Number of them at or above the threshold.
    pub decided: usize,
    /// Number of decided rows with the right label.
    pub right: usize,
}

impl ThresholdScore {
    /// Scores a threshold on predictions for rows with known labels.
    #[must_use]
    pub fn of(predictions: &[Prediction], threshold: f32) -> Self {
        let mut score = Self::default();
        for prediction in predictions.iter().filter(|prediction| prediction.label().is_some()) {
            score.rows += 1;
            if prediction.confidence() >= threshold {
                score.decided += 1;
                score.right += usize::from(!prediction.is_wrong());
            }
        }
        score
    }

    /// Share of the decided rows with the right label; `None` without decided rows.
    #[must_use]
    pub fn accuracy(self) -> Option<f64> {
        (self.decided > 0).then(|| self.right as f64 / self.decided as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Target;
    use crate::evaluation::{Answer, ClassAnswer};

    #[test]
    fn rows_below_the_threshold_and_rows_without_a_label_do_not_count() {
        let row = |label: Option<u32>, first: f32| Prediction {
            id: "main:1".parse().unwrap(),
            key: None,
            text: String::new(),
            target: label.map_or(Target::None, Target::Class),
            answer: Answer::Class(ClassAnswer { predicted: 0, probabilities: vec![first, 1.0 - first] }),
        };
        let rows = [row(Some(0), 0.9), row(Some(1), 0.8), row(Some(0), 0.6), row(None, 0.99)];
        assert_eq!(ThresholdScore::of(&rows, 0.8), ThresholdScore { rows: 3, decided: 2, right: 1 });
        assert_eq!(ThresholdScore::of(&rows, 0.85).accuracy(), Some(1.0));
        assert_eq!(ThresholdScore::of(&rows, 0.95).accuracy(), None);
    }
}
