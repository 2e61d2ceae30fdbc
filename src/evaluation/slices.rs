//! Where a model does worse: the accuracy of parts of the rows against that of all other rows.
//!
//! The difference has the interval of Newcombe (1998, method 10), which holds for few rows and for shares near 0 and 1. Whoever looks
//! at many slices finds one by chance, so the intervals are as wide as Holm's method (1979) asks for: with a probability of 95%, none of
//! the slices that are called worse is one by chance alone.

use serde::Serialize;

use crate::evaluation::{ClassProbabilities, ClassificationMetrics, FEWEST_ROWS, Prediction, Tested};

/// How probable it may be that any slice is called worse or better by chance.
const CHANCE: f64 = 0.05;
/// The largest normal quantile that is told apart from those above: no data has a probability below.
const FARTHEST: f64 = 38.0;

/// Some of the rows, and how good the model is on them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Slice {
    /// What sets the rows apart, for example "Text length", or the name of a column.
    pub by: String,
    /// What they have in common, for example "1 to 12 words", or a value of the column.
    pub name: String,
    /// Places of the rows among the predictions.
    #[serde(serialize_with = "as_number")]
    pub rows: Vec<usize>,
    /// Share of right predictions.
    pub accuracy: f64,
    /// Share of right predictions of all other rows.
    pub accuracy_elsewhere: f64,
    /// Mean F1 of the labels that occur.
    pub macro_f1: f64,
    /// Mean cross-entropy in nats.
    pub log_loss: f64,
    /// Interval of the accuracy less that of all other rows, corrected for the number of slices.
    pub difference: [f64; 2],
    /// Whether the model does worse here by more than chance: the interval lies below 0.
    pub is_worse: bool,
}

/// The slices that have enough rows to be compared.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Slices {
    /// Those in which the model does worse by more than chance first, then the others; each from the lowest accuracy up.
    pub slices: Vec<Slice>,
    /// Number of slices with too few rows to be compared.
    pub too_small: usize,
}

#[allow(clippy::ptr_arg, reason = "serde passes what the field is")]
fn as_number<S: serde::Serializer>(rows: &Vec<usize>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(rows.len() as u64)
}

impl Slices {
    /// Compares slices, given as (what sets them apart, what they have in common, places among the predictions). A slice is compared
    /// if it and the rest have [`FEWEST_ROWS`] rows each. Rows without a known label count nowhere.
    #[must_use]
    pub fn of(rows: Tested<'_>, groups: impl IntoIterator<Item = (String, String, Vec<usize>)>) -> Self {
        let is_known = |place: &usize| rows.predictions.get(*place).is_some_and(|row| row.label().is_some());
        let of_all = Right::of(rows.predictions.iter());
        let mut found = Self::default();
        let mut compared = Vec::new();
        for (by, name, mut places) in groups {
            places.retain(is_known);
            let here = Right::of(places.iter().map(|&place| &rows.predictions[place]));
            let elsewhere = Right { right: of_all.right - here.right, rows: of_all.rows - here.rows };
            if here.rows.min(elsewhere.rows) < FEWEST_ROWS as f64 {
                found.too_small += 1;
                continue;
            }
            compared.push((farthest(here, elsewhere), here, elsewhere, by, name, places));
        }
        // The clearest first: each is compared at the level that those before it leave.
        compared.sort_by(|a, b| b.0.total_cmp(&a.0));
        let many = compared.len();
        let mut last_level = None;
        for (place, (clear, here, elsewhere, by, name, places)) in compared.into_iter().enumerate() {
            // From the first one that may be chance on, all others may be.
            let level = last_level.unwrap_or_else(|| quantile(CHANCE / 2.0 / (many - place) as f64));
            if clear <= level {
                last_level = Some(level);
            }
            let difference = newcombe(here, elsewhere, level);
            let (macro_f1, log_loss) = metrics(rows, &places);
            found.slices.push(Slice {
                by,
                name,
                rows: places,
                accuracy: here.share(),
                accuracy_elsewhere: elsewhere.share(),
                macro_f1,
                log_loss,
                difference,
                is_worse: difference[1] < 0.0,
            });
        }
        found.slices.sort_by(|a, b| b.is_worse.cmp(&a.is_worse).then(a.accuracy.total_cmp(&b.accuracy)));
        found
    }

    /// Those in which the model does worse by more than chance, the worst first.
    pub fn worse(&self) -> impl Iterator<Item = &Slice> {
        self.slices.iter().filter(|slice| slice.is_worse)
    }
}

/// Macro-F1 and log loss of some rows.
fn metrics(rows: Tested<'_>, places: &[usize]) -> (f64, f64) {
    let these: Vec<Prediction> = places.iter().map(|&place| rows.predictions[place].clone()).collect();
    let (truth, predicted): (Vec<u32>, Vec<u32>) =
        these.iter().filter_map(|row| Some((row.label()?, row.predicted()?))).unzip();
    let macro_f1 = ClassificationMetrics::compute(rows.labels, &truth, &predicted, 0.0).macro_average.f1;
    (macro_f1, ClassProbabilities::of(&these, rows.labels.len()).log_loss())
}

/// How many rows are right.
#[derive(Clone, Copy)]
struct Right {
    right: f64,
    rows: f64,
}

impl Right {
    fn of<'a>(rows: impl Iterator<Item = &'a Prediction>) -> Self {
        let mut counted = Self { right: 0.0, rows: 0.0 };
        for row in rows.filter(|row| row.label().is_some()) {
            counted.rows += 1.0;
            counted.right += f64::from(u8::from(!row.is_wrong()));
        }
        counted
    }

    fn share(self) -> f64 {
        self.right / self.rows
    }

    /// Wilson's interval of the share (1927), `z` standard errors to either side.
    fn wilson(self, z: f64) -> [f64; 2] {
        let (share, rows) = (self.share(), self.rows);
        let middle = share + z * z / (2.0 * rows);
        let half = z * (share * (1.0 - share) / rows + z * z / (4.0 * rows * rows)).sqrt();
        [-1.0, 1.0].map(|side| (middle + side * half) / (1.0 + z * z / rows))
    }
}

/// The interval of one share less another.
fn newcombe(first: Right, second: Right, z: f64) -> [f64; 2] {
    let difference = first.share() - second.share();
    let ([low, high], [other_low, other_high]) = (first.wilson(z), second.wilson(z));
    let below = (first.share() - low).hypot(other_high - second.share());
    let above = (high - first.share()).hypot(second.share() - other_low);
    [difference - below, difference + above]
}

/// How many standard errors wide the interval of the difference can be without holding 0.
fn farthest(first: Right, second: Right) -> f64 {
    let holds_zero = |z: f64| {
        let [low, high] = newcombe(first, second, z);
        low <= 0.0 && high >= 0.0
    };
    let (mut low, mut high) = (0.0, FARTHEST);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if holds_zero(middle) { high = middle } else { low = middle }
    }
    low
}

/// The point above which a standard normal number lies with a probability of `tail`.
fn quantile(tail: f64) -> f64 {
    let (mut low, mut high) = (0.0, FARTHEST);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if 0.5 * libm::erfc(middle / std::f64::consts::SQRT_2) > tail { low = middle } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Target;
    use crate::evaluation::{Answer, ClassAnswer};

    #[test]
    fn the_interval_of_a_difference_is_that_of_the_paper() {
        // Newcombe 1998, table II, method 10: 56 of 70 less 48 of 80, and 10 of 10 less 0 of 20.
        let of = |right: f64, rows: f64| Right { right, rows };
        let cases = [
            (of(56.0, 70.0), of(48.0, 80.0), [0.0524, 0.3339]),
            (of(9.0, 10.0), of(3.0, 10.0), [0.1705, 0.8090]),
            (of(10.0, 10.0), of(0.0, 20.0), [0.6791, 1.0]),
        ];
        for (first, second, expected) in cases {
            let ours = newcombe(first, second, quantile(0.025));
            for (ours, theirs) in ours.into_iter().zip(expected) {
                assert!((ours - theirs).abs() < 1e-4, "{ours} {theirs}");
            }
        }
    }

    #[test]
    fn quantiles_are_those_of_the_normal_distribution() {
        // scipy.stats.norm.isf
        for (tail, expected) in
            [(0.025, 1.959_963_984_540_054), (0.0005, 3.290_526_731_491_897), (1e-12, 7.034_483_825_301_132)]
        {
            assert!((quantile(tail) - expected).abs() < 1e-9, "{tail} {}", quantile(tail));
        }
    }

    /// Rows of two labels; `wrong` says which are predicted wrongly.
    fn predictions(rows: usize, wrong: impl Fn(usize) -> bool) -> Vec<Prediction> {
        let prediction = |row: usize| {
            let (truth, is_wrong) = (row % 2, wrong(row));
            let predicted = if is_wrong { 1 - truth } else { truth };
            let mut probabilities = vec![0.2, 0.2];
            probabilities[predicted] = 0.8;
            Prediction {
                id: format!("main:{}", row + 1).parse().unwrap(),
                key: None,
                text: String::new(),
                target: Target::Class(truth as u32),
                answer: Answer::Class(ClassAnswer { predicted: predicted as u32, probabilities }),
            }
        };
        (0..rows).map(prediction).collect()
    }

    fn slices(predictions: &[Prediction], groups: Vec<(&str, Vec<usize>)>) -> Slices {
        let labels = ["no", "yes"].map(str::to_owned);
        let groups = groups.into_iter().map(|(name, rows)| ("airline".to_owned(), name.to_owned(), rows));
        Slices::of(Tested { labels: &labels, predictions }, groups)
    }

    #[test]
    fn a_slice_with_many_mistakes_is_worse_and_comes_first() {
        // Half of the first 40 rows are wrong, and one in ten of the others.
        let rows = predictions(400, |row| if row < 40 { row % 4 < 2 } else { row % 10 == 0 });
        let found =
            slices(&rows, vec![("late", (100..200).collect()), ("early", (0..40).collect()), ("few", vec![1; 3])]);
        assert_eq!(found.too_small, 1);
        let early = &found.slices[0];
        assert_eq!((early.name.as_str(), early.is_worse, found.worse().count()), ("early", true, 1));
        assert!((early.accuracy - 0.5).abs() < 1e-12 && (early.accuracy_elsewhere - 0.9).abs() < 1e-12);
        assert!(early.difference[0] < -0.4 && early.difference[1] > -0.4 && early.difference[1] < 0.0);
        assert!(early.macro_f1 < 0.6 && early.log_loss > found.slices[1].log_loss);
        assert!(!found.slices[1].is_worse);
    }

    #[test]
    fn of_many_slices_without_a_difference_none_is_called_worse() {
        // 90 slices of 30 rows whose accuracy differs by chance only; without a correction, some would be called worse.
        let mut state = 1_u64;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % 10 < 2
        };
        let wrong: Vec<bool> = (0..2_700).map(|_| draw()).collect();
        let rows = predictions(2_700, |row| wrong[row]);
        let groups = || (0..90).map(|group| ("x", (group * 30..(group + 1) * 30).collect::<Vec<usize>>()));
        let found = slices(&rows, groups().collect());
        assert_eq!((found.slices.len(), found.worse().count()), (90, 0));
        let alone = groups().filter(|group| slices(&rows, vec![group.clone()]).worse().count() > 0).count();
        assert!(alone > 0, "a single look would have found some");
    }
}
