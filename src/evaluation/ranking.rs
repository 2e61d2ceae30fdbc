//! ROC and precision-recall curves: how well the probability of a label puts its rows before all others.

use serde::Serialize;

use crate::evaluation::ClassProbabilities;

/// Most points of a curve that are kept to be drawn. Areas are taken over all of them.
const MOST_POINTS: usize = 500;

/// The curves of one label against all others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RankingCurves {
    /// The label.
    pub label: String,
    /// Area under the ROC curve: how probable it is that a row of the label gets a higher probability than another row. `None` if no
    /// row has the label, or all have.
    pub roc_auc: Option<f64>,
    /// Mean precision over the rows of the label, from the highest probability down; `None` if no row has the label.
    pub average_precision: Option<f64>,
    /// (false positive rate, true positive rate) from the highest threshold down.
    pub roc: Vec<[f64; 2]>,
    /// (recall, precision) from the highest threshold down.
    pub precision_recall: Vec<[f64; 2]>,
}

impl RankingCurves {
    /// The curves of each label, equal to scikit-learn's `roc_curve`, `roc_auc_score`, `precision_recall_curve` and
    /// `average_precision_score` of one label against the rest.
    #[must_use]
    pub fn of_each(labels: &[String], rows: &ClassProbabilities) -> Vec<Self> {
        labels.iter().enumerate().map(|(class, label)| Self::of(label, class, rows)).collect()
    }

    fn of(label: &str, class: usize, rows: &ClassProbabilities) -> Self {
        let mut scores: Vec<(f64, bool)> =
            rows.rows().map(|(truth, probabilities)| (probabilities[class], truth == class)).collect();
        scores.sort_by(|a, b| b.0.total_cmp(&a.0));
        let positives = scores.iter().filter(|(_, is_positive)| *is_positive).count() as f64;
        let negatives = scores.len() as f64 - positives;
        let (mut area, mut precision_sum) = (0.0, 0.0);
        let (mut roc, mut precision_recall) = (vec![[0.0, 0.0]], Vec::new());
        let (mut found, mut wrong) = (0.0, 0.0);
        // Rows with the same probability are taken together: no threshold is between them.
        for tied in scores.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
            let more = tied.iter().filter(|(_, is_positive)| *is_positive).count() as f64;
            let others = tied.len() as f64 - more;
            area += others * (found + more / 2.0);
            (found, wrong) = (found + more, wrong + others);
            let precision = found / (found + wrong);
            precision_sum += more * precision;
            roc.push([share(wrong, negatives), share(found, positives)]);
            precision_recall.push([share(found, positives), precision]);
        }
        let has_both = positives > 0.0 && negatives > 0.0;
        Self {
            label: label.to_owned(),
            roc_auc: has_both.then(|| area / (positives * negatives)),
            average_precision: (positives > 0.0).then(|| precision_sum / positives),
            roc: thinned(corners(&roc)),
            precision_recall: thinned(precision_recall),
        }
    }

    /// The mean of a figure over the labels that have it; `None` if none has.
    #[must_use]
    pub fn mean(curves: &[Self], figure: impl Fn(&Self) -> Option<f64>) -> Option<f64> {
        let known: Vec<f64> = curves.iter().filter_map(figure).collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// The points at which a line of horizontal and vertical parts turns, with its ends.
fn corners(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let is_corner = |place: usize| {
        let (Some(before), Some(after)) =
            (place.checked_sub(1).and_then(|before| points.get(before)), points.get(place + 1))
        else {
            return true;
        };
        (0..2).all(|axis| before[axis].total_cmp(&after[axis]).is_ne())
    };
    (0..points.len()).filter(|&place| is_corner(place)).map(|place| points[place]).collect()
}

/// At most [`MOST_POINTS`] of the points, evenly spread, with both ends.
pub(super) fn thinned<P: Copy>(points: Vec<P>) -> Vec<P> {
    if points.len() <= MOST_POINTS {
        return points;
    }
    let last = points.len() - 1;
    (0..MOST_POINTS).map(|place| points[place * last / (MOST_POINTS - 1)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::probabilities::of_rows;

    fn curves(rows: &[(usize, f64)]) -> RankingCurves {
        let pairs: Vec<[f64; 2]> = rows.iter().map(|(_, probability)| [1.0 - probability, *probability]).collect();
        let rows: Vec<(usize, &[f64])> =
            rows.iter().zip(&pairs).map(|((truth, _), pair)| (*truth, &pair[..])).collect();
        RankingCurves::of("yes", 1, &of_rows(&rows))
    }

    #[test]
    fn the_example_of_scikit_learn_has_its_areas() {
        // The example in the documentation of roc_auc_score and average_precision_score.
        let example = curves(&[(0, 0.1), (0, 0.4), (1, 0.35), (1, 0.8)]);
        assert_eq!(example.roc_auc, Some(0.75));
        assert!((example.average_precision.unwrap() - 0.833_333_333_333_333_3).abs() < 1e-12);
        assert_eq!(example.roc, [[0.0, 0.0], [0.0, 0.5], [0.5, 0.5], [0.5, 1.0], [1.0, 1.0]]);
        assert_eq!(example.precision_recall[..1], [[0.5, 1.0]]);
    }

    #[test]
    fn rows_with_equal_probabilities_have_no_order() {
        let tied = curves(&[(0, 0.5), (1, 0.5), (0, 0.5), (1, 0.5)]);
        assert_eq!((tied.roc_auc, tied.average_precision), (Some(0.5), Some(0.5)));
    }

    #[test]
    fn a_label_without_rows_has_no_areas() {
        let none = curves(&[(0, 0.2), (0, 0.7)]);
        assert_eq!((none.roc_auc, none.average_precision), (None, None));
        assert_eq!(curves(&[(1, 0.2)]).roc_auc, None);
        assert_eq!(RankingCurves::mean(&[none], |curves| curves.roc_auc), None);
    }

    #[test]
    fn a_long_curve_is_thinned_and_keeps_its_ends() {
        let points = thinned((0..10_001).collect());
        assert_eq!((points.len(), points[0], points[499]), (500, 0, 10_000));
        assert_eq!(thinned(vec![3, 4]), [3, 4]);
    }
}
