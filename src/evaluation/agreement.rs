//! Metrics that follow from a confusion matrix. They are computed when they are shown and stored nowhere, so that runs of earlier
//! versions have them too.

use crate::evaluation::{ConfusionMatrix, PrecisionRecall};

impl ConfusionMatrix {
    /// Precision, recall and F1 over all rows, whatever their label (scikit-learn's `average="micro"`). With one label per row, all
    /// three equal the accuracy.
    #[must_use]
    pub fn micro_average(&self) -> PrecisionRecall {
        let rows = self.total();
        PrecisionRecall::from_counts(self.correct(), rows, rows)
    }

    /// Mean recall of the labels that have rows, as scikit-learn's `balanced_accuracy_score`; 0 without rows.
    #[must_use]
    pub fn balanced_accuracy(&self) -> f64 {
        let (mut sum, mut present) = (0.0, 0.0);
        for (class, row) in self.counts.iter().enumerate() {
            let rows: u64 = row.iter().sum();
            if rows > 0 {
                sum += row[class] as f64 / rows as f64;
                present += 1.0;
            }
        }
        if present > 0.0 { sum / present } else { 0.0 }
    }

    /// Matthews correlation coefficient, -1 to 1, for any number of labels (Gorodkin 2004), as scikit-learn's
    /// `matthews_corrcoef`; 0 if all rows have one label, or all predictions are the same.
    #[must_use]
    pub fn matthews_correlation(&self) -> f64 {
        let (actual, predicted) = self.totals();
        let rows = self.total() as f64;
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let of_truth = rows * rows - product(&actual, &actual);
        let of_predictions = rows * rows - product(&predicted, &predicted);
        let both = rows * self.correct() as f64 - product(&actual, &predicted);
        if of_truth * of_predictions > 0.0 { both / (of_truth * of_predictions).sqrt() } else { 0.0 }
    }

    /// Cohen's kappa (1960): agreement beyond what the frequencies of the labels and predictions give by chance, at most 1. `None`
    /// if all rows have one label and it is always predicted, or without rows: there, scikit-learn's `cohen_kappa_score` is NaN.
    #[must_use]
    pub fn cohens_kappa(&self) -> Option<f64> {
        self.kappa(|truth, predicted| if truth == predicted { 0.0 } else { 1.0 })
    }

    /// Cohen's kappa in which a mistake counts by the square of its distance, as scikit-learn's `weights="quadratic"`. `ranks` is
    /// the place of each label in their order, see [`crate::project::label_ranks`].
    #[must_use]
    pub fn quadratic_kappa(&self, ranks: &[usize]) -> Option<f64> {
        self.kappa(|truth, predicted| distance(ranks, truth, predicted).powi(2))
    }

    /// How many places predictions are off on average, as scikit-learn's `mean_absolute_error` of the `ranks` of labels and
    /// predictions; 0 without rows.
    #[must_use]
    pub fn mean_absolute_error(&self, ranks: &[usize]) -> f64 {
        self.weighted(|truth, predicted| distance(ranks, truth, predicted)) / self.total().max(1) as f64
    }

    /// Rows predicted correctly.
    fn correct(&self) -> u64 {
        self.counts.iter().enumerate().map(|(class, row)| row[class]).sum()
    }

    /// Rows of each label, and predictions of each label.
    fn totals(&self) -> (Vec<f64>, Vec<f64>) {
        let actual = self.counts.iter().map(|row| row.iter().sum::<u64>() as f64).collect();
        let predicted =
            (0..self.counts.len()).map(|class| self.counts.iter().map(|row| row[class]).sum::<u64>() as f64);
        (actual, predicted.collect())
    }

    /// Sum of the rows of all cells, each times the weight of (true, predicted).
    fn weighted(&self, weight: impl Fn(usize, usize) -> f64) -> f64 {
        let row = |(truth, row): (usize, &Vec<u64>)| -> f64 {
            row.iter().enumerate().map(|(predicted, &rows)| weight(truth, predicted) * rows as f64).sum()
        };
        self.counts.iter().enumerate().map(row).sum()
    }

    /// One less the weighted mistakes over those that chance would give.
    fn kappa(&self, weight: impl Fn(usize, usize) -> f64) -> Option<f64> {
        let (actual, predicted) = self.totals();
        let (mut by_chance, rows) = (0.0, self.total() as f64);
        for (truth, of_truth) in actual.iter().enumerate() {
            for (guess, of_guess) in predicted.iter().enumerate() {
                by_chance += weight(truth, guess) * of_truth * of_guess;
            }
        }
        (by_chance > 0.0).then(|| 1.0 - self.weighted(weight) * rows / by_chance)
    }
}

fn distance(ranks: &[usize], truth: usize, predicted: usize) -> f64 {
    ranks[truth].abs_diff(ranks[predicted]) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(counts: &[&[u64]]) -> ConfusionMatrix {
        let labels = (0..counts.len()).map(|class| class.to_string()).collect();
        ConfusionMatrix { labels, counts: counts.iter().map(|row| row.to_vec()).collect() }
    }

    #[test]
    fn agreement_equals_scikit_learn() {
        // balanced_accuracy_score, matthews_corrcoef, cohen_kappa_score, cohen_kappa_score(weights="quadratic"),
        // mean_absolute_error of scikit-learn 1.9.1.
        let cases: [(ConfusionMatrix, [f64; 5]); 2] = [
            (
                matrix(&[&[8, 2, 0], &[1, 5, 3], &[0, 1, 4]]),
                [
                    0.718_518_518_518_518_7,
                    0.561_241_674_636_014_8,
                    0.556_728_232_189_973_6,
                    0.767_955_801_104_972_3,
                    0.291_666_666_666_666_7,
                ],
            ),
            (
                matrix(&[&[50, 0], &[9, 1]]),
                [0.55, 0.291_111_254_869_791, 0.156_250_000_000_000_1, 0.156_250_000_000_000_1, 0.15],
            ),
        ];
        for (matrix, expected) in cases {
            let ranks: Vec<usize> = (0..matrix.labels.len()).collect();
            let ours = [
                matrix.balanced_accuracy(),
                matrix.matthews_correlation(),
                matrix.cohens_kappa().unwrap(),
                matrix.quadratic_kappa(&ranks).unwrap(),
                matrix.mean_absolute_error(&ranks),
            ];
            for (ours, theirs) in ours.into_iter().zip(expected) {
                assert!((ours - theirs).abs() < 1e-12, "{ours} {theirs}");
            }
        }
    }

    #[test]
    fn the_micro_average_is_the_accuracy() {
        let micro = matrix(&[&[8, 2, 0], &[1, 5, 3], &[0, 1, 4]]).micro_average();
        let share = 17.0 / 24.0;
        assert_eq!(micro, PrecisionRecall { precision: share, recall: share, f1: share });
    }

    #[test]
    fn ranks_turn_the_order_of_labels() {
        // Classes in the order 2, 1, 3: taking 2 for 3 is off by one, taking 1 for 3 by two.
        let matrix = matrix(&[&[0, 0, 1], &[0, 0, 1], &[0, 0, 0]]);
        assert!((matrix.mean_absolute_error(&[1, 0, 2]) - 1.5).abs() < 1e-12);
    }

    #[test]
    fn without_rows_or_with_a_single_label_nothing_is_divided_by_zero() {
        for matrix in [matrix(&[]), matrix(&[&[0, 0], &[0, 0]]), matrix(&[&[7, 0], &[0, 0]])] {
            assert_eq!((matrix.matthews_correlation(), matrix.cohens_kappa()), (0.0, None));
            assert!((0.0..=1.0).contains(&matrix.balanced_accuracy()));
            assert!(matrix.mean_absolute_error(&[0, 1]).abs() < 1e-12);
        }
    }
}
