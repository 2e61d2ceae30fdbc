//! What a confidence threshold would have done to rows with known labels.

use serde::Serialize;

use crate::evaluation::ranking::thinned;
use crate::evaluation::{ClassProbabilities, Prediction};

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
        Self::at_temperature(predictions, threshold, None)
    }

    /// The same for probabilities at a temperature; `None` leaves them as they are.
    #[must_use]
    pub fn at_temperature(predictions: &[Prediction], threshold: f32, temperature: Option<f64>) -> Self {
        let confidence = |prediction: &Prediction| match (prediction.answer.class(), temperature) {
            (Some(class), Some(temperature)) => class.at_temperature(temperature).confidence(),
            _ => prediction.confidence(),
        };
        let mut score = Self::default();
        for prediction in predictions.iter().filter(|prediction| prediction.label().is_some()) {
            score.rows += 1;
            if confidence(prediction) >= threshold {
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

/// What is left undecided at a threshold, and how good the rest is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CoveragePoint {
    /// Rows whose most probable label has a lower probability are left undecided.
    pub threshold: f64,
    /// Share of the rows that are decided.
    pub coverage: f64,
    /// Share of the decided rows with the right label.
    pub accuracy: f64,
}

/// Coverage against accuracy, from the highest threshold that decides a row down to the one that decides all. Without rows, it is
/// empty.
#[must_use]
pub fn coverage_curve(rows: &ClassProbabilities) -> Vec<CoveragePoint> {
    let mut sorted: Vec<(f64, bool)> = rows.top().map(|(_, confidence, is_right)| (confidence, is_right)).collect();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut decided, mut right) = (0, 0);
    let mut points = Vec::new();
    for tied in sorted.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        decided += tied.len();
        right += tied.iter().filter(|(_, is_right)| *is_right).count();
        points.push(CoveragePoint {
            threshold: tied[0].0,
            coverage: decided as f64 / sorted.len() as f64,
            accuracy: right as f64 / decided as f64,
        });
    }
    thinned(points)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Target;
    use crate::evaluation::probabilities::of_rows;
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
        // At this temperature, 0.9 becomes 0.75, 0.8 becomes 2/3, and 0.6 becomes 0.55.
        let flat = |threshold| ThresholdScore::at_temperature(&rows, threshold, Some(2.0));
        assert_eq!((flat(0.7).decided, flat(0.6).decided, flat(0.8).decided), (1, 2, 0));
    }

    #[test]
    fn the_coverage_curve_decides_more_rows_with_every_point() {
        let (sure, unsure) = ([0.9, 0.1], [0.4, 0.6]);
        let rows = of_rows(&[(0, &sure), (0, &unsure), (1, &unsure), (0, &sure)]);
        let [first, last] = coverage_curve(&rows)[..] else { panic!("two probabilities") };
        assert_eq!(first, CoveragePoint { threshold: 0.9, coverage: 0.5, accuracy: 1.0 });
        assert_eq!(last, CoveragePoint { threshold: 0.6, coverage: 1.0, accuracy: 0.75 });
        assert!(coverage_curve(&of_rows(&[])).is_empty());
    }
}
