//! Accuracy, precision, recall and F1, from a confusion matrix.

use serde::{Deserialize, Serialize};

/// How far a label's F1 may be below the mean before it is called weak.
const WEAK: f64 = 0.03;

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
    /// Share of the predictions that are correct.
    pub precision: f64,
    /// Share of the label's rows that were predicted as it.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
}

/// The metrics of one label.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassMetrics {
    /// Label name.
    pub label: String,
    /// Share of the rows predicted as this label that have it.
    pub precision: f64,
    /// Share of this label's rows that were predicted as it.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// Rows of this label.
    pub support: u64,
}

/// The metrics of text classification on some rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassificationMetrics {
    /// Rows evaluated.
    pub rows: u64,
    /// Share of correct predictions.
    pub accuracy: f64,
    /// Mean cross-entropy in nats, unweighted and unsmoothed.
    pub loss: f64,
    /// Unweighted mean over the labels that have rows or predictions.
    pub macro_average: PrecisionRecall,
    /// Mean over the labels, weighted by their rows.
    pub weighted_average: PrecisionRecall,
    /// The metrics of each label.
    pub per_class: Vec<ClassMetrics>,
    /// Counts of (true, predicted).
    pub confusion: ConfusionMatrix,
}

impl ConfusionMatrix {
    /// Counts the pairs of (true, predicted) class ids. Pairs with an id that has no label are ignored.
    #[must_use]
    pub fn compute(labels: &[String], truth: &[u32], predicted: &[u32]) -> Self {
        let mut counts = vec![vec![0; labels.len()]; labels.len()];
        for (&truth, &predicted) in truth.iter().zip(predicted) {
            if let Some(count) = counts.get_mut(truth as usize).and_then(|row| row.get_mut(predicted as usize)) {
                *count += 1;
            }
        }
        Self { labels: labels.to_vec(), counts }
    }

    /// Rows counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }
}

impl PrecisionRecall {
    /// From `correct` of `predicted` predictions of a label that `actual` rows have.
    #[must_use]
    pub fn from_counts(correct: u64, predicted: u64, actual: u64) -> Self {
        let share = |whole: u64| if whole == 0 { 0.0 } else { correct as f64 / whole as f64 };
        let f1 = if predicted + actual == 0 { 0.0 } else { 2.0 * correct as f64 / (predicted + actual) as f64 };
        Self { precision: share(predicted), recall: share(actual), f1 }
    }
}

impl ClassificationMetrics {
    /// The label with the lowest F1 among those with rows, if it is clearly below the mean.
    #[must_use]
    pub fn weakest(&self) -> Option<&ClassMetrics> {
        let present = self.per_class.iter().filter(|class| class.support > 0);
        let lowest = present.min_by(|a, b| a.f1.total_cmp(&b.f1))?;
        (lowest.f1 < self.macro_average.f1 - WEAK).then_some(lowest)
    }

    /// All metrics of predictions, equal to scikit-learn's `classification_report` with `zero_division=0`.
    ///
    /// `truth` and `predicted` are class ids of the same rows; `loss` is the mean cross-entropy in nats. The macro
    /// average is over the labels that occur in `truth` or `predicted`, as in scikit-learn without a `labels` argument.
    /// Other labels are in [`Self::per_class`] with zeros.
    #[must_use]
    pub fn compute(labels: &[String], truth: &[u32], predicted: &[u32], loss: f64) -> Self {
        Self::of(ConfusionMatrix::compute(labels, truth, predicted), loss)
    }

    /// As [`Self::compute`], from the counts of (true, predicted).
    #[must_use]
    pub fn of(confusion: ConfusionMatrix, loss: f64) -> Self {
        let rows = confusion.total();
        let mut metrics = Self { rows, loss, ..Self::default() };
        let (mut correct, mut present) = (0, 0_u64);
        for (class, label) in confusion.labels.iter().enumerate() {
            let hits = confusion.counts[class][class];
            let actual: u64 = confusion.counts[class].iter().sum();
            let guessed: u64 = confusion.counts.iter().map(|row| row[class]).sum();
            let PrecisionRecall { precision, recall, f1 } = PrecisionRecall::from_counts(hits, guessed, actual);
            metrics.per_class.push(ClassMetrics { label: label.clone(), precision, recall, f1, support: actual });
            correct += hits;
            present += u64::from(actual + guessed > 0);
        }
        metrics.accuracy = correct as f64 / rows.max(1) as f64;
        metrics.macro_average = average(&metrics.per_class, present, |_| 1.0);
        metrics.weighted_average = average(&metrics.per_class, rows, |class| class.support as f64);
        metrics.confusion = confusion;
        metrics
    }
}

/// Sum of the classes' metrics times `weight`, over `total`. Absent classes have zeros and add nothing.
fn average(classes: &[ClassMetrics], total: u64, weight: impl Fn(&ClassMetrics) -> f64) -> PrecisionRecall {
    let mean = |metric: fn(&ClassMetrics) -> f64| {
        classes.iter().map(|class| weight(class) * metric(class)).sum::<f64>() / total.max(1) as f64
    };
    PrecisionRecall {
        precision: mean(|class| class.precision),
        recall: mean(|class| class.recall),
        f1: mean(|class| class.f1),
    }
}
