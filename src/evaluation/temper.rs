//! Probabilities at another temperature (Guo et al. 2017, "On Calibration of Modern Neural Networks").

/// The least probability whose logarithm counts: smaller ones were rounded to 0 when they were saved in single precision.
pub(super) const LEAST: f64 = f32::MIN_POSITIVE as f64;

/// Divides the logits behind the probabilities of a row by `temperature`.
pub(super) fn temper(row: &mut [f64], temperature: f64) {
    // Logits are logarithms of probabilities, but for a constant that does not matter.
    let highest = row.iter().copied().fold(0.0, f64::max).max(LEAST).ln();
    for probability in row.iter_mut() {
        *probability = ((probability.max(LEAST).ln() - highest) / temperature).exp();
    }
    let sum: f64 = row.iter().sum();
    for probability in row.iter_mut() {
        *probability /= sum;
    }
}
