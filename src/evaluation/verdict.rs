//! The verdict on a trained model: whether it is useful, why, and what would most likely help.

use crate::evaluation::{Baseline, BaselineName, ClassificationMetrics, FEWEST_ROWS, Interval, Metrics};
use crate::project::are_imbalanced;
use crate::words::{count, percent, perplexity};

/// Share of the rows with the same prediction from which a model is said to give one answer.
const ONE_ANSWER: f64 = 0.99;
/// A run of fewer epochs than this may be too short.
const FEW_EPOCHS: u32 = 3;

/// Whether a model is useful.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is better than each baseline by more than chance.
    Good,
    /// The rows are too few to tell, or a simpler method is about as good.
    Unclear,
    /// It gives one answer for everything, or is not shown to have learnt anything.
    NotUseful,
}

/// What would most likely make a model better.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Let every label count equally in the loss.
    BalanceLabels,
    /// Train to the end, which a person did not wait for.
    TrainToTheEnd,
    /// Train for this many epochs.
    TrainLonger(u32),
    /// Label more rows of this label.
    LabelMore(String),
    /// Start from another pre-trained model, or train it with other settings.
    AnotherModel,
    /// Set more rows aside for testing, or label more rows.
    MoreTestRows,
}

/// A verdict with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, as a sentence without a full stop.
    pub says: String,
    /// What would most likely help; `None` if the metrics do not tell.
    pub next: Option<NextStep>,
}

/// What a model is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Its metrics.
    pub metrics: &'a Metrics,
    /// 95% interval of its main metric.
    pub interval: Option<Interval>,
    /// The baselines on the same rows.
    pub baselines: &'a [Baseline],
    /// Whether labels were weighted in the loss.
    pub is_balanced: bool,
    /// Epochs it was to be trained for; `None` for an instant model, which has none.
    pub epochs: Option<u32>,
    /// The steps done and the steps planned of a run that a person stopped.
    pub stopped: Option<[u64; 2]>,
}

impl Verdict {
    /// Its name on screen.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Good => "Good",
            Self::Unclear => "Unclear",
            Self::NotUseful => "Not useful",
        }
    }
}

impl NextStep {
    /// What to do, as a sentence without a full stop.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::BalanceLabels => "Balance the labels and train again".to_owned(),
            Self::TrainToTheEnd => "Train again to the end".to_owned(),
            Self::TrainLonger(epochs) => format!("Train {epochs} epochs"),
            Self::LabelMore(label) => format!("Label more “{label}” rows"),
            Self::AnotherModel => "Choose another model or preset".to_owned(),
            Self::MoreTestRows => "Label more rows, or choose a larger test set".to_owned(),
        }
    }
}

impl Evidence<'_> {
    /// Judges a model.
    #[must_use]
    pub fn judge(self) -> Judgement {
        let judgement = match self.metrics {
            Metrics::Classification(metrics) => self.judge_classifier(metrics),
            Metrics::LanguageModelling(metrics) => self.judge_language_model(metrics.overall.perplexity()),
        };
        // What a run that did not end does not know yet is no reason to change its data or settings.
        let Some([done, planned]) = self.stopped else { return judgement };
        let says = format!("{}. You stopped after {} of {} steps", judgement.says, count(done), count(planned));
        Judgement { says, next: Some(NextStep::TrainToTheEnd), ..judgement }
    }

    fn judge_classifier(self, metrics: &ClassificationMetrics) -> Judgement {
        let judgement = |verdict, says, next| Judgement { verdict, says, next };
        if metrics.rows < FEWEST_ROWS {
            let says = format!("{} rows are too few to tell; {FEWEST_ROWS} or more are needed", count(metrics.rows));
            return judgement(Verdict::Unclear, says, Some(NextStep::MoreTestRows));
        }
        if let Some((label, share)) = one_answer(metrics) {
            let rows = if share < 1.0 { format!("{} of the rows", percent(share)) } else { "every row".to_owned() };
            return judgement(Verdict::NotUseful, format!("It predicts “{label}” for {rows}"), self.help(metrics));
        }
        if !agrees_beyond_chance(metrics) {
            let says = "Its predictions are no better than chance".to_owned();
            return judgement(Verdict::NotUseful, says, self.help(metrics));
        }
        let usual = most_frequent(metrics);
        match self.better_than(BaselineName::MajorityClass, metrics) {
            Some(Comparison::Better) | None => {}
            Some(_) => {
                let says = format!("It does not clearly beat always predicting “{usual}”");
                return judgement(Verdict::NotUseful, says, self.help(metrics));
            }
        }
        let help = || self.first_help(metrics).or_else(|| more_of_weakest(metrics)).or(Some(NextStep::AnotherModel));
        // The simpler methods, the fastest one first.
        let simpler = [(BaselineName::TfIdf, "TF-IDF"), (BaselineName::Instant, "instant")];
        let mut beaten = Vec::new();
        for (name, called) in simpler {
            match self.better_than(name, metrics) {
                Some(Comparison::Better) => beaten.push(called),
                None => {}
                Some(Comparison::Alike) => {
                    let says =
                        format!("It beats guessing, but not the {called} baseline: their scores are too close to call");
                    return judgement(Verdict::Unclear, says, help());
                }
                Some(Comparison::Worse) => {
                    let says = format!("It beats guessing, but the {called} baseline is better");
                    return judgement(Verdict::Unclear, says, help());
                }
            }
        }
        let says = match beaten.as_slice() {
            [] => format!("It is better than always predicting “{usual}”"),
            [one] => format!("It is better than the {one} baseline, and than always predicting “{usual}”"),
            several => {
                let several = several.join(" and ");
                format!("It is better than the {several} baselines, and than always predicting “{usual}”")
            }
        };
        judgement(Verdict::Good, says, more_of_weakest(metrics))
    }

    fn judge_language_model(self, after: f64) -> Judgement {
        let before = self.baselines.iter().find(|baseline| baseline.name == BaselineName::Untrained);
        let before = before.and_then(|baseline| baseline.metrics.language_modelling());
        let Some(before) = before.map(|metrics| metrics.overall.perplexity()) else {
            let says = "It was not compared with the model before training".to_owned();
            return Judgement { verdict: Verdict::Unclear, says, next: None };
        };
        let figures = format!("perplexity {} before, {} after", perplexity(before), perplexity(after));
        let (verdict, says) = match self.interval {
            None => (Verdict::Unclear, format!("There are too few documents to tell: {figures}")),
            Some(interval) if interval.high < before => {
                (Verdict::Good, format!("It predicts words of your texts better than before: {figures}"))
            }
            Some(interval) if interval.low > before => {
                (Verdict::NotUseful, format!("It predicts words of your texts worse than before: {figures}"))
            }
            Some(_) => {
                (Verdict::Unclear, format!("It predicts words of your texts about as well as before: {figures}"))
            }
        };
        let next = (verdict != Verdict::Good && self.has_few_epochs()).then_some(NextStep::TrainLonger(FEW_EPOCHS));
        Judgement { verdict, says, next }
    }

    /// How the model compares with a baseline; `None` if that was not measured. Runs of earlier versions have no interval of the
    /// difference: there, the model's own interval decides, which is wider.
    fn better_than(self, name: BaselineName, metrics: &ClassificationMetrics) -> Option<Comparison> {
        let baseline = self.baselines.iter().find(|baseline| baseline.name == name)?;
        let other = baseline.metrics.classification()?.macro_average.f1;
        let (low, high) = match (baseline.difference, self.interval) {
            (Some(difference), _) => (difference.low, difference.high),
            (None, Some(interval)) => (interval.low - other, interval.high - other),
            (None, None) => (metrics.macro_average.f1 - other, metrics.macro_average.f1 - other),
        };
        Some(if low > 0.0 {
            Comparison::Better
        } else if high < 0.0 {
            Comparison::Worse
        } else {
            Comparison::Alike
        })
    }

    /// What helps a model that has learnt nothing.
    fn help(self, metrics: &ClassificationMetrics) -> Option<NextStep> {
        self.first_help(metrics).or(Some(NextStep::AnotherModel))
    }

    /// What helps a model that has learnt too little, if the settings leave something to try.
    fn first_help(self, metrics: &ClassificationMetrics) -> Option<NextStep> {
        if !self.is_balanced && are_imbalanced(metrics.per_class.iter().map(|class| class.support as usize)) {
            return Some(NextStep::BalanceLabels);
        }
        self.has_few_epochs().then_some(NextStep::TrainLonger(FEW_EPOCHS))
    }

    fn has_few_epochs(self) -> bool {
        self.epochs.is_some_and(|epochs| epochs < FEW_EPOCHS)
    }
}

/// How a model's score compares with another on the same rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Better,
    /// The interval of the difference holds zero.
    Alike,
    Worse,
}

/// The label that nearly every row gets, and its share.
fn one_answer(metrics: &ClassificationMetrics) -> Option<(&str, f64)> {
    let matrix = &metrics.confusion;
    let guesses = |class: usize| matrix.counts.iter().filter_map(|row| row.get(class)).sum::<u64>();
    let all: u64 = matrix.counts.iter().flatten().sum();
    let (label, most) =
        matrix.labels.iter().enumerate().map(|(class, label)| (label, guesses(class))).max_by_key(|&(_, rows)| rows)?;
    let share = most as f64 / all.max(1) as f64;
    // Test rows of a single label deserve a single answer.
    let is_one = share >= ONE_ANSWER && metrics.per_class.iter().filter(|class| class.support > 0).count() > 1;
    let truth = metrics.per_class.iter().find(|class| class.label == *label).map_or(0, |class| class.support);
    (is_one && (truth as f64) < ONE_ANSWER * all as f64).then_some((label, share))
}

/// Whether Cohen's kappa is above 0 by more than chance, at 2.5%, by its standard error where answers and labels are independent
/// (Fleiss, Cohen and Everitt 1969). Macro-F1 alone does not tell: guessing all labels beats giving one of them.
fn agrees_beyond_chance(metrics: &ClassificationMetrics) -> bool {
    let counts = &metrics.confusion.counts;
    let rows = counts.iter().flatten().sum::<u64>() as f64;
    let share = |count: u64| count as f64 / rows;
    let of_truth = |class: usize| share(counts[class].iter().sum());
    let of_answers = |class: usize| share(counts.iter().map(|row| row[class]).sum());
    let shares: Vec<(f64, f64)> = (0..counts.len()).map(|class| (of_truth(class), of_answers(class))).collect();
    let observed: f64 = (0..counts.len()).map(|class| share(counts[class][class])).sum();
    let expected: f64 = shares.iter().map(|(truth, answers)| truth * answers).sum();
    let spread: f64 = shares.iter().map(|(truth, answers)| truth * answers * (truth + answers)).sum();
    let error = ((expected + expected * expected - spread).max(0.0) / rows).sqrt();
    expected >= 1.0 || observed - expected > 1.96 * error
}

/// The label of most of the measured rows.
fn most_frequent(metrics: &ClassificationMetrics) -> &str {
    metrics.per_class.iter().rev().max_by_key(|class| class.support).map_or("?", |class| &class.label)
}

/// More rows of the label that the model knows least, if it is clearly worse than the mean.
fn more_of_weakest(metrics: &ClassificationMetrics) -> Option<NextStep> {
    metrics.weakest().map(|class| NextStep::LabelMore(class.label.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::{macro_f1_difference, macro_f1_interval, majority_baseline};

    const LABELS: [&str; 3] = ["bad", "fine", "good"];

    fn labels() -> Vec<String> {
        LABELS.map(str::to_owned).to_vec()
    }

    /// Judges predictions next to the majority baseline, and next to other predictions in the place of TF-IDF.
    fn judged(truth: &[u32], predicted: &[u32], tfidf: Option<&[u32]>, epochs: u32) -> Judgement {
        let metrics = |predicted: &[u32]| ClassificationMetrics::compute(&labels(), truth, predicted, 0.5);
        let baseline = |name, guesses: &[u32]| Baseline {
            name,
            metrics: Metrics::Classification(metrics(guesses)),
            difference: macro_f1_difference(3, truth, [predicted, guesses], 1),
        };
        let majority = majority_baseline(&labels(), truth, truth);
        let mut baselines = vec![baseline(BaselineName::MajorityClass, &majority.predicted)];
        baselines.extend(tfidf.map(|tfidf| baseline(BaselineName::TfIdf, tfidf)));
        let interval = macro_f1_interval(3, truth, predicted, 1);
        let metrics = Metrics::Classification(metrics(predicted));
        Evidence {
            metrics: &metrics,
            interval,
            baselines: &baselines,
            is_balanced: false,
            epochs: Some(epochs),
            stopped: None,
        }
        .judge()
    }

    /// 300 rows, of which 5% are bad and 10% are fine.
    fn unequal() -> Vec<u32> {
        (0..300)
            .map(|row| {
                if row % 20 == 0 {
                    0
                } else if row % 20 < 3 {
                    1
                } else {
                    2
                }
            })
            .collect()
    }

    fn equal() -> Vec<u32> {
        (0..300).map(|row| row % 3).collect()
    }

    /// Every n-th prediction is another label.
    fn wrong_each(truth: &[u32], every: usize) -> Vec<u32> {
        truth.iter().enumerate().map(|(row, &class)| if row % every == 0 { (class + 1) % 3 } else { class }).collect()
    }

    #[test]
    fn a_model_that_gives_one_answer_is_not_useful() {
        let judgement = judged(&unequal(), &[2; 300], None, 1);
        let expected = Judgement {
            verdict: Verdict::NotUseful,
            says: "It predicts “good” for every row".to_owned(),
            next: Some(NextStep::BalanceLabels),
        };
        assert_eq!(judgement, expected);
        let mut nearly = vec![0; 300];
        nearly[7] = 1;
        let judgement = judged(&equal(), &nearly, None, 1);
        assert_eq!(judgement.says, "It predicts “bad” for >99% of the rows");
        assert_eq!(judgement.next, Some(NextStep::TrainLonger(3)));
        assert_eq!(
            judged(&equal(), &nearly, None, 3).next,
            Some(NextStep::AnotherModel),
            "nothing simpler is left to try"
        );
    }

    #[test]
    fn a_model_is_good_if_it_beats_every_baseline_by_more_than_chance() {
        let truth = equal();
        let good = judged(&truth, &wrong_each(&truth, 20), Some(&wrong_each(&truth, 5)), 3);
        assert_eq!(good.verdict, Verdict::Good);
        assert_eq!(good.says, "It is better than the TF-IDF baseline, and than always predicting “bad”");
        let alike = judged(&truth, &wrong_each(&truth, 10), Some(&wrong_each(&truth, 9)), 1);
        assert_eq!(alike.verdict, Verdict::Unclear);
        assert!(alike.says.contains("too close to call"), "{}", alike.says);
        assert_eq!(alike.next, Some(NextStep::TrainLonger(3)));
        let worse = judged(&truth, &wrong_each(&truth, 3), Some(&wrong_each(&truth, 20)), 3);
        assert_eq!(worse.verdict, Verdict::Unclear);
        assert!(worse.says.ends_with("but the TF-IDF baseline is better"), "{}", worse.says);
    }

    #[test]
    fn a_model_that_guesses_has_learnt_nothing() {
        let truth = equal();
        let guesses: Vec<u32> = (0..300_u32).map(|row| (row / 3) % 3).collect();
        let judgement = judged(&truth, &guesses, None, 3);
        assert_eq!(judgement.says, "Its predictions are no better than chance");
        assert_eq!(judgement.verdict, Verdict::NotUseful);
        let truth = unequal();
        let slightly: Vec<u32> =
            truth.iter().enumerate().map(|(row, &class)| if row == 0 { 0 } else { class.max(2) }).collect();
        let judgement = judged(&truth, &slightly, None, 3);
        assert_eq!(judgement.verdict, Verdict::NotUseful, "{judgement:?}");
    }

    #[test]
    fn few_rows_do_not_tell() {
        let judgement = judged(&equal()[..15], &equal()[..15], None, 3);
        assert_eq!((judgement.verdict, judgement.next), (Verdict::Unclear, Some(NextStep::MoreTestRows)));
        assert_eq!(judgement.says, "15 rows are too few to tell; 20 or more are needed");
    }

    #[test]
    fn rows_of_one_label_deserve_one_answer() {
        let judgement = judged(&[2; 100], &[2; 100], None, 3);
        assert!(!judgement.says.contains("It predicts"), "{}", judgement.says);
    }
}
