//! Whether probabilities can be taken at their word, and one number that makes them more so.

use serde::Serialize;

use crate::evaluation::{ClassProbabilities, FEWEST_ROWS};

/// Bins of equal width between 0 and 1.
const BINS: usize = 15;
/// The sharpest and the flattest temperature that is looked for.
const TEMPERATURES: [f64; 2] = [0.05, 20.0];
/// Halvings of the range in which the best temperature is: more than a double has bits.
const HALVINGS: usize = 60;

/// The rows whose most probable label has a probability within a bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// Number of rows.
    pub rows: usize,
    /// Mean probability of the predicted label; 0 without rows.
    pub confidence: f64,
    /// Share of right predictions; 0 without rows.
    pub accuracy: f64,
}

/// How probabilities compare with the shares of right predictions.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Reliability {
    /// Bins from low to high probability, and last the rows with a probability of exactly 1.
    pub bins: Vec<ReliabilityBin>,
}

impl Reliability {
    /// Counts the rows by the probability of their most probable label.
    #[must_use]
    pub fn of(rows: &ClassProbabilities) -> Self {
        let mut bins = vec![ReliabilityBin::default(); BINS + 1];
        for (_, confidence, is_right) in rows.top() {
            let bin = &mut bins[((confidence * BINS as f64).floor() as usize).min(BINS)];
            bin.rows += 1;
            bin.confidence += confidence;
            bin.accuracy += f64::from(u8::from(is_right));
        }
        for bin in bins.iter_mut().filter(|bin| bin.rows > 0) {
            bin.confidence /= bin.rows as f64;
            bin.accuracy /= bin.rows as f64;
        }
        Self { bins }
    }

    /// The expected calibration error (Guo et al. 2017): the mean distance between probability and share of right predictions, over
    /// the rows. Equal to torchmetrics' `multiclass_calibration_error` with 15 bins and `norm="l1"`; 0 without rows.
    #[must_use]
    pub fn expected_error(&self) -> f64 {
        let rows: usize = self.bins.iter().map(|bin| bin.rows).sum();
        let distance = |bin: &ReliabilityBin| bin.rows as f64 * (bin.confidence - bin.accuracy).abs();
        self.bins.iter().map(distance).sum::<f64>() / rows.max(1) as f64
    }
}

/// The temperature by which logits are divided, fitted on validation rows, and what it does to other rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Above 1, the model is too sure of itself; below 1, not sure enough.
    pub temperature: f64,
    /// Number of validation rows it was fitted on.
    pub fitted_on: usize,
    /// Log loss of the other rows at this temperature.
    pub log_loss: f64,
    /// Brier score of the other rows at this temperature.
    pub brier_score: f64,
    /// Their expected calibration error at this temperature.
    pub calibration_error: f64,
    /// Their reliability at this temperature.
    pub reliability: Reliability,
}

impl Calibration {
    /// Fits a temperature on `validation`, and measures it on `rows`. `None` if none can be fitted, see [`fit_temperature`].
    #[must_use]
    pub fn of(rows: &ClassProbabilities, validation: &ClassProbabilities) -> Option<Self> {
        let temperature = fit_temperature(validation)?;
        let calibrated = rows.at_temperature(temperature);
        let reliability = Reliability::of(&calibrated);
        Some(Self {
            temperature,
            fitted_on: validation.len(),
            log_loss: calibrated.log_loss(),
            brier_score: calibrated.brier_score(),
            calibration_error: reliability.expected_error(),
            reliability,
        })
    }
}

/// The temperature with the lowest log loss (Guo et al. 2017), between 0.05 and 20. `None` with fewer than [`FEWEST_ROWS`] rows, and
/// where every row is right: the loss falls without end then as the temperature falls, and every prediction would become certain.
///
/// The loss is convex in the inverse of the temperature, so its slope has one zero, which halving the range finds however far it is
/// from the start.
#[must_use]
pub fn fit_temperature(rows: &ClassProbabilities) -> Option<f64> {
    if (rows.len() as u64) < FEWEST_ROWS || rows.top().all(|(.., is_right)| is_right) {
        return None;
    }
    let [mut low, mut high] = [1.0 / TEMPERATURES[1], 1.0 / TEMPERATURES[0]];
    for _ in 0..HALVINGS {
        // The geometric mean: sharp and flat temperatures are found equally well.
        let middle = (low * high).sqrt();
        if slope(rows, 1.0 / middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(1.0 / (low * high).sqrt())
}

/// The slope of the log loss along the inverse of the temperature: the mean logit less that of the true class, summed over the rows.
fn slope(rows: &ClassProbabilities, temperature: f64) -> f64 {
    let scaled = rows.at_temperature(temperature);
    // Logits at any temperature lie on the same line, so those at this one have the same sign of slope.
    let of_row = |(truth, probabilities): (usize, &[f64])| {
        let logit = |probability: f64| probability.max(f64::MIN_POSITIVE).ln();
        let mean: f64 = probabilities.iter().map(|&probability| probability * logit(probability)).sum();
        mean - logit(probabilities[truth])
    };
    scaled.rows().map(of_row).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::probabilities::of_rows;

    /// Rows that are right as often as `right` says, predicted with the probability `said`.
    fn rows(said: f64, right: f64) -> ClassProbabilities {
        let probabilities = [said, 1.0 - said];
        let rows: Vec<(usize, &[f64])> =
            (0..100).map(|row| (usize::from(f64::from(row) >= right * 100.0), &probabilities[..])).collect();
        of_rows(&rows)
    }

    #[test]
    fn the_calibration_error_is_the_distance_of_probabilities_from_what_is_right() {
        let reliability = Reliability::of(&rows(0.95, 0.7));
        assert!((reliability.expected_error() - 0.25).abs() < 1e-12);
        assert_eq!(reliability.bins.iter().filter(|bin| bin.rows > 0).count(), 1);
        assert!(Reliability::of(&of_rows(&[])).expected_error().abs() < 1e-12);
        let sure = Reliability::of(&of_rows(&[(0, &[1.0, 0.0]), (0, &[0.97, 0.03])]));
        assert_eq!((sure.bins[14].rows, sure.bins[15].rows), (1, 1), "as in torchmetrics");
    }

    #[test]
    fn the_temperature_makes_an_overconfident_model_as_sure_as_it_is_right() {
        // A single probability is fitted exactly: the logit of 0.7 is that of 0.95 over the temperature.
        let logit = |share: f64| (share / (1.0 - share)).ln();
        let found = Calibration::of(&rows(0.95, 0.7), &rows(0.95, 0.7)).unwrap();
        assert!((found.temperature - logit(0.95) / logit(0.7)).abs() < 1e-9, "{found:?}");
        assert!(found.calibration_error < 1e-9 && found.log_loss < rows(0.95, 0.7).log_loss());
        let shy = Calibration::of(&rows(0.6, 0.9), &rows(0.6, 0.9)).unwrap();
        assert!((shy.temperature - logit(0.6) / logit(0.9)).abs() < 1e-9, "{shy:?}");
    }

    #[test]
    fn a_model_without_mistakes_gets_no_temperature_nor_do_few_rows() {
        assert_eq!(fit_temperature(&rows(0.9, 1.0)), None);
        let sharpest = fit_temperature(&rows(0.5001, 0.99)).unwrap();
        assert!((sharpest - TEMPERATURES[0]).abs() < 1e-9, "{sharpest}");
        let flattest = fit_temperature(&rows(0.9, 0.1)).unwrap();
        assert!((flattest - TEMPERATURES[1]).abs() < 1e-6, "{flattest}");
        assert_eq!(fit_temperature(&of_rows(&[(1, &[0.9, 0.1][..]); 19])), None);
    }
}
