//! Whether one run is better than another, by the rows that both were tested on.

use std::collections::HashMap;

use crate::evaluation::{ClassificationMetrics, Interval, Prediction, macro_f1_difference};
use crate::project::RowId;
use crate::words::{count, counted, of_hundred, score, signed_score};

/// Seed of the paired bootstrap.
const SEED: u64 = 1;

/// A run's predictions as they are compared with those of another.
#[derive(Clone, Copy, Debug)]
pub struct Tested<'a> {
    /// Label names in class-id order.
    pub labels: &'a [String],
    /// Predictions of the test rows, or of the validation rows of a run without a test set.
    pub predictions: &'a [Prediction],
}

/// How a run compares with an earlier one.
///
/// Rows are paired by their text, so that a file with more rows or rows in another order can be compared. Both runs are scored by
/// the labels that the newer one was tested with: a corrected label changes the truth, not a prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct RunDifference {
    /// The earlier run's number.
    pub earlier: u64,
    /// Rows that both runs were tested on.
    pub rows: usize,
    /// Rows that only this run was tested on.
    pub only_this: usize,
    /// Rows that only the earlier run was tested on.
    pub only_earlier: usize,
    /// Rows of both whose label was corrected in between.
    pub corrected: usize,
    /// Whether the earlier run gave rows of both labels that this run does not have.
    pub has_other_labels: bool,
    /// Share of the rows of both that each run predicts correctly: this one, the earlier one.
    pub accuracy: [f64; 2],
    /// Macro-F1 on the rows of both: of this one, of the earlier one.
    pub macro_f1: [f64; 2],
    /// Macro-F1 as each run reports it: on all its test rows, with the labels they had then.
    pub reported_macro_f1: [f64; 2],
    /// Mean F1 of the labels that have fewer rows than the mean of all; `None` if no label has.
    pub rarer_f1: Option<[f64; 2]>,
    /// 95% interval of the difference in macro-F1; `None` if too few rows are in both.
    pub interval: Option<Interval>,
    /// Rows that only this run predicts correctly.
    pub fixed: Vec<RowId>,
    /// Rows that only the earlier run predicts correctly.
    pub broken: Vec<RowId>,
}

impl RunDifference {
    /// Compares the newer run `this` with run number `number`, whose predictions are `earlier`. `None` if this is not text
    /// classification.
    #[must_use]
    pub fn new(this: Tested<'_>, number: u64, earlier: Tested<'_>) -> Option<Self> {
        let pairs = paired(this.predictions, earlier.predictions);
        // Labels that only the earlier run has share one extra class id, so they always count as wrong.
        let unknown = this.labels.len() as u32;
        let own_class = |class: u32| -> u32 {
            let name = earlier.labels.get(class as usize);
            let own = name.and_then(|name| this.labels.iter().position(|label| label == name));
            own.map_or(unknown, |class| class as u32)
        };
        let (mut truth, mut first, mut second) = (Vec::new(), Vec::new(), Vec::new());
        let (mut corrected, mut fixed, mut broken) = (0, Vec::new(), Vec::new());
        for (new, old) in &pairs {
            let label = new.label()?;
            let (now, before) = (new.predicted()?, own_class(old.predicted()?));
            corrected += usize::from(old.label().is_some_and(|old| own_class(old) != label));
            match (now == label, before == label) {
                (true, false) => fixed.push(new.id),
                (false, true) => broken.push(new.id),
                _ => {}
            }
            truth.push(label);
            first.push(now);
            second.push(before);
        }
        if this.predictions.iter().any(|prediction| prediction.label().is_none()) {
            return None;
        }
        let mut labels = this.labels.to_vec();
        let has_other_labels = second.contains(&unknown);
        if has_other_labels {
            labels.push("a label of the earlier run".to_owned());
        }
        let metrics =
            [&first, &second].map(|predicted| ClassificationMetrics::compute(&labels, &truth, predicted, 0.0));
        Some(Self {
            earlier: number,
            rows: pairs.len(),
            only_this: this.predictions.len() - pairs.len(),
            only_earlier: earlier.predictions.len() - pairs.len(),
            corrected,
            has_other_labels,
            accuracy: [metrics[0].accuracy, metrics[1].accuracy],
            macro_f1: [metrics[0].macro_average.f1, metrics[1].macro_average.f1],
            reported_macro_f1: [this, earlier].map(reported_macro_f1),
            rarer_f1: rarer_f1(&metrics),
            interval: macro_f1_difference(labels.len(), &truth, [&first, &second], SEED),
            fixed,
            broken,
        })
    }

    /// Whether both runs were tested on the same rows with the same labels.
    #[must_use]
    pub fn has_same_test_rows(&self) -> bool {
        self.only_this + self.only_earlier + self.corrected == 0
    }

    /// Whether this run is better, worse, or neither by more than chance. `None` if too few rows are in both.
    #[must_use]
    pub fn is_better(&self) -> Option<std::cmp::Ordering> {
        use std::cmp::Ordering;
        self.interval.map(|interval| match interval {
            _ if interval.low > 0.0 => Ordering::Greater,
            _ if interval.high < 0.0 => Ordering::Less,
            _ => Ordering::Equal,
        })
    }

    /// The p-value of `McNemar`'s exact test (1947): how probable it is that so many more rows are fixed than broken, or the other way
    /// round, if both runs are equally good. 1 if none is.
    #[must_use]
    pub fn chance(&self) -> f64 {
        sign_test(self.fixed.len(), self.broken.len())
    }

    /// Whether one of the runs is better by macro-F1, while the other has more rows right.
    #[must_use]
    pub fn is_mixed(&self) -> bool {
        use std::cmp::Ordering;
        let by_rows = self.fixed.len().cmp(&self.broken.len());
        by_rows != Ordering::Equal && self.is_better() == Some(by_rows.reverse())
    }

    /// Whether this run is better, in sentences.
    #[must_use]
    pub fn says(&self) -> String {
        if self.rows == 0 {
            return format!("It cannot be compared with run {}: they were tested on different rows.", self.earlier);
        }
        let verdict = self.verdict();
        // Where rows and macro-F1 disagree, a row or two may matter.
        let exactly =
            |share: f64| format!("{} of {}", count((share * self.rows as f64).round() as u64), count(self.rows));
        let [now, before] = self.accuracy.map(|share| if self.is_mixed() { exactly(share) } else { of_hundred(share) });
        let on = self.compared_rows();
        let mut said = vec![format!("{verdict}: {now} right, {before} before, {on}.")];
        if let Some(interval) = self.interval {
            let which = if self.is_mixed() { "Macro-F1, which counts every label equally, is" } else { "Macro-F1" };
            said.push(format!(
                "{which} {}{}, {} before{}; the difference is {} to {} (95% interval).",
                score(self.macro_f1[0]),
                self.as_reported(0),
                score(self.macro_f1[1]),
                self.as_reported(1),
                signed_score(interval.low),
                signed_score(interval.high)
            ));
        }
        if self.fixed.len() + self.broken.len() > 0 {
            said.push(format!(
                "{} fixed, {} broken.",
                counted(self.fixed.len(), "row", "rows"),
                count(self.broken.len())
            ));
        }
        said.join(" ")
    }

    /// Which run is better, in a few words.
    fn verdict(&self) -> String {
        use std::cmp::Ordering;
        let earlier = format!("run {}", self.earlier);
        let is_better = self.is_better();
        let has_sign = |[now, before]: &[f64; 2]| now.partial_cmp(before) == is_better;
        let at = if self.rarer_f1.as_ref().is_some_and(has_sign) {
            "at the rarer labels"
        } else {
            "on average over the labels"
        };
        match is_better {
            Some(Ordering::Greater) if self.is_mixed() => format!("Better {at}, but fewer rows right than {earlier}"),
            Some(Ordering::Less) if self.is_mixed() => format!("More rows right than {earlier}, but worse {at}"),
            Some(Ordering::Greater) => format!("Better than {earlier}"),
            Some(Ordering::Less) => format!("Worse than {earlier}"),
            Some(Ordering::Equal) => format!("About as good as {earlier}"),
            None => format!("Too few rows to tell whether it is better than {earlier}"),
        }
    }

    /// The macro-F1 that the list of runs shows, where it is another than that of this comparison. `run` is 0 for this run, 1 for
    /// the earlier one.
    fn as_reported(&self, run: usize) -> String {
        let reported = score(self.reported_macro_f1[run]);
        let has_other_labels = run == 1 && (self.corrected > 0 || self.has_other_labels);
        let has_other_rows = [self.only_this, self.only_earlier][run] > 0;
        if reported == score(self.macro_f1[run]) || !(has_other_labels || has_other_rows) {
            return String::new();
        }
        let with = match (has_other_labels, has_other_rows) {
            (true, false) => "with the labels of that time",
            (true, true) => "on all its test rows, with the labels of that time",
            (false, _) => "on all its test rows",
        };
        format!(" ({reported} {with})")
    }

    /// The rows that are compared, and what sets the runs' rows apart.
    fn compared_rows(&self) -> String {
        let rows = counted(self.rows, "test row", "test rows");
        let mut said = vec![if self.only_this + self.only_earlier == 0 {
            format!("on the same {rows}")
        } else {
            format!(
                "on the {rows} that both have (not the same test set: {} only in this run, {} only in the other)",
                count(self.only_this),
                count(self.only_earlier)
            )
        }];
        if self.corrected > 0 {
            said.push(format!("{} with a corrected label, which counts for both", count(self.corrected)));
        }
        if self.has_other_labels {
            said.push("by the labels of this run, which the other does not have all of".to_owned());
        }
        said.join(", ")
    }
}

/// Macro-F1 on all rows of a run, with the labels they had then.
fn reported_macro_f1(run: Tested<'_>) -> f64 {
    let of = |class: fn(&Prediction) -> Option<u32>| run.predictions.iter().filter_map(class).collect::<Vec<_>>();
    let (truth, predicted) = (of(Prediction::label), of(Prediction::predicted));
    ClassificationMetrics::compute(run.labels, &truth, &predicted, 0.0).macro_average.f1
}

/// Mean F1 of the labels with fewer rows than the mean, by both runs.
fn rarer_f1(metrics: &[ClassificationMetrics; 2]) -> Option<[f64; 2]> {
    let supports: Vec<u64> = metrics[0].per_class.iter().map(|class| class.support).collect();
    let labels = supports.iter().filter(|&&support| support > 0).count() as u64;
    let is_rarer = |support: u64| support > 0 && support * labels < supports.iter().sum::<u64>();
    let rarer = supports.iter().filter(|&&support| is_rarer(support)).count();
    let mean = |metrics: &ClassificationMetrics| {
        let of_rarer = metrics.per_class.iter().filter(|class| is_rarer(class.support)).map(|class| class.f1);
        of_rarer.sum::<f64>() / rarer as f64
    };
    (rarer > 0).then(|| [mean(&metrics[0]), mean(&metrics[1])])
}

/// The rows of both, by text. Rows with the same text are paired in order.
pub(super) fn paired<'a>(this: &'a [Prediction], earlier: &'a [Prediction]) -> Vec<(&'a Prediction, &'a Prediction)> {
    let mut by_text: HashMap<String, Vec<&Prediction>> = HashMap::new();
    for prediction in earlier.iter().rev() {
        by_text.entry(letters(&prediction.text)).or_default().push(prediction);
    }
    let pair = |new: &'a Prediction| Some((new, by_text.get_mut(&letters(&new.text))?.pop()?));
    this.iter().filter_map(pair).collect()
}

/// The letters and digits of a text, which most cleaning leaves.
fn letters(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The two-sided binomial test of two counts that are equally probable, as `scipy.stats.binomtest`.
fn sign_test(one: usize, other: usize) -> f64 {
    let (fewer, all) = (one.min(other), one + other);
    // In logarithms: with many rows, the first terms are too small for a number.
    let mut term = -(all as f64) * std::f64::consts::LN_2;
    let mut tail = 0.0;
    for count in 0..=fewer {
        tail += term.exp();
        term += ((all - count) as f64 / (count + 1) as f64).ln();
    }
    (2.0 * tail).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_test_equals_scipy() {
        let cases = [
            (63, 41, 0.038_957_933_401_311_76),
            (41, 63, 0.038_957_933_401_311_76),
            (5, 0, 0.0625),
            (3, 3, 1.0),
            (0, 0, 1.0),
            (1_200, 1_000, 2.181_702_640_791_419_4e-5),
        ];
        for (one, other, expected) in cases {
            assert!((sign_test(one, other) - expected).abs() < 1e-9, "{one} {other}: {}", sign_test(one, other));
        }
    }
    use crate::data::Target;
    use crate::evaluation::{Answer, ClassAnswer};
    use crate::project::SourceFile;

    fn labels(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    /// Predictions of rows `from..`, given as (label, predicted).
    fn predictions(from: usize, rows: &[(u32, u32)]) -> Vec<Prediction> {
        let prediction = |(row, &(label, predicted)): (usize, &(u32, u32))| Prediction {
            id: RowId { file: SourceFile::Main, record: (from + row) as u64 },
            key: None,
            text: format!("Text, number {}!", from + row),
            target: Target::Class(label),
            answer: Answer::Class(ClassAnswer { predicted, probabilities: vec![0.5, 0.5] }),
        };
        rows.iter().enumerate().map(prediction).collect()
    }

    /// So many rows of two labels, of which one in `every` is predicted wrongly.
    fn rows(rows: u32, every: u32) -> Vec<(u32, u32)> {
        (0..rows).map(|row| (row % 2, if row % every == 0 { 1 - row % 2 } else { row % 2 })).collect()
    }

    fn compared(this: &[Prediction], earlier: &[Prediction]) -> RunDifference {
        let names = labels(&["bad", "good"]);
        let tested = |predictions| Tested { labels: &names, predictions };
        RunDifference::new(tested(this), 4, tested(earlier)).unwrap()
    }

    #[test]
    fn a_run_that_corrects_many_rows_is_better_and_says_so() {
        let difference = compared(&predictions(0, &rows(200, 20)), &predictions(0, &rows(200, 4)));
        assert!(difference.has_same_test_rows());
        assert_eq!((difference.fixed.len(), difference.broken.len()), (40, 0));
        let said = difference.says();
        assert!(
            said.starts_with("Better than run 4: 95 of 100 right, 75 of 100 before, on the same 200 test rows."),
            "{said}"
        );
        assert!(said.ends_with("40 rows fixed, 0 broken."), "{said}");
        let other_way = compared(&predictions(0, &rows(200, 4)), &predictions(0, &rows(200, 20)));
        assert!(other_way.says().starts_with("Worse than run 4: "), "{}", other_way.says());
    }

    #[test]
    fn a_run_that_is_better_at_rare_labels_but_has_fewer_rows_right_is_not_just_called_better() {
        // Of 200 rows, 20 have the rare label 0. The earlier run never predicts it.
        let of = |predicted: fn(u32) -> u32| -> Vec<Prediction> {
            let rows: Vec<(u32, u32)> = (0..200).map(|row| (u32::from(row >= 20), predicted(row))).collect();
            predictions(0, &rows)
        };
        let (usual, rare) = (of(|_| 1), of(|row| u32::from(row >= 45)));
        let difference = compared(&rare, &usual);
        assert!(difference.is_mixed() && difference.broken.len() > difference.fixed.len(), "{difference:?}");
        let said = difference.says();
        let start =
            "Better at the rarer labels, but fewer rows right than run 4: 175 of 200 right, 180 of 200 before, on the";
        assert!(said.starts_with(start), "{said}");
        assert!(said.contains("Macro-F1, which counts every label equally, is "), "{said}");
        let said = compared(&usual, &rare).says();
        let start =
            "More rows right than run 4, but worse at the rarer labels: 180 of 200 right, 175 of 200 before, on the";
        assert!(said.starts_with(start), "{said}");
    }

    #[test]
    fn a_small_difference_is_chance_and_few_rows_do_not_tell() {
        let difference = compared(&predictions(0, &rows(200, 20)), &predictions(0, &rows(200, 19)));
        assert!(difference.says().starts_with("About as good as run 4: "), "{}", difference.says());
        let few = compared(&predictions(0, &rows(10, 9)), &predictions(0, &rows(10, 3)));
        assert!(few.says().starts_with("Too few rows to tell whether it is better than run 4: "), "{}", few.says());
    }

    #[test]
    fn other_test_rows_and_corrected_labels_are_said() {
        let mut corrected = rows(200, 20);
        corrected[1] = (0, 1);
        let difference = compared(&predictions(0, &corrected), &predictions(30, &rows(200, 20)));
        assert_eq!((difference.rows, difference.only_this, difference.only_earlier), (170, 30, 30));
        assert!(!difference.has_same_test_rows());
        let said = difference.says();
        assert!(
            said.contains("on the 170 test rows that both have (not the same test set: 30 only in this run"),
            "{said}"
        );
        let difference = compared(&predictions(0, &corrected), &predictions(0, &rows(200, 20)));
        assert_eq!((difference.corrected, difference.broken.len()), (1, 0));
        assert!(difference.says().contains("1 with a corrected label, which counts for both"), "{}", difference.says());
        assert!(difference.says().contains("before (0.950 with the labels of that time); "), "{}", difference.says());
        let apart = compared(&predictions(0, &rows(50, 9)), &predictions(50, &rows(50, 9)));
        assert_eq!(apart.says(), "It cannot be compared with run 4: they were tested on different rows.");
    }

    #[test]
    fn labels_are_compared_by_name_and_rows_by_text() {
        let this = predictions(0, &rows(100, 10));
        let mut earlier = predictions(0, &rows(100, 10));
        earlier.reverse();
        for prediction in &mut earlier {
            prediction.text = prediction.text.to_uppercase();
            prediction.target = Target::Class(1 - prediction.label().unwrap());
            let predicted = 1 - prediction.predicted().unwrap();
            prediction.answer = Answer::Class(ClassAnswer { predicted, probabilities: vec![0.5, 0.5] });
        }
        let (own, other) = (labels(&["bad", "good"]), labels(&["good", "bad"]));
        let difference = RunDifference::new(
            Tested { labels: &own, predictions: &this },
            1,
            Tested { labels: &other, predictions: &earlier },
        );
        let difference = difference.unwrap();
        assert!(difference.has_same_test_rows() && difference.fixed.is_empty() && difference.broken.is_empty());
        // A label that was renamed or merged since is never right.
        let other = labels(&["fine", "bad"]);
        let renamed = RunDifference::new(
            Tested { labels: &own, predictions: &this },
            1,
            Tested { labels: &other, predictions: &earlier },
        );
        let renamed = renamed.unwrap();
        assert!(renamed.accuracy[1] < 0.6 && renamed.says().contains("by the labels of this run"), "{renamed:?}");
    }
}
