//! What simple methods reach on the same rows.

use super::ClassificationMetrics;

/// Always answering the most frequent training label (the first of equals).
///
/// `train` and `truth` are class ids; the loss is that of answering with the training labels' shares, one row added
/// to each so that a label never seen has a finite loss.
#[must_use]
pub fn majority_baseline(labels: &[String], train: &[u32], truth: &[u32]) -> ClassificationMetrics {
    let mut rows = vec![1.0_f64; labels.len()];
    for &label in train {
        if let Some(rows) = rows.get_mut(label as usize) {
            *rows += 1.0;
        }
    }
    let total: f64 = rows.iter().sum();
    let most = (0..rows.len()).rev().max_by(|&a, &b| rows[a].total_cmp(&rows[b])).unwrap_or(0);
    let losses = truth.iter().filter_map(|&label| rows.get(label as usize)).map(|rows| (total / rows).ln());
    let loss = losses.sum::<f64>() / truth.len().max(1) as f64;
    ClassificationMetrics::compute(labels, truth, &vec![most as u32; truth.len()], loss)
}
