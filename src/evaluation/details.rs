//! Everything about the predictions of some rows beyond their headline: all metrics with intervals, curves, calibration, coverage.
//!
//! It is computed from the predictions that a run keeps and stored nowhere.

use serde::{Serialize, Serializer};

use crate::evaluation::interval::{RESAMPLES, bootstrap_several};
use crate::evaluation::{
    Calibration, ClassProbabilities, ClassificationMetrics, ConfusionMatrix, CoveragePoint, FEWEST_ROWS, Prediction,
    RankingCurves, Reliability, Tested, coverage_curve,
};
use crate::project::label_ranks;
use crate::words::{counted, score};

/// A metric over all rows, in the order they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OverallMetric {
    /// Share of right predictions, which is also the micro average of precision, recall and F1.
    Accuracy,
    /// Mean F1 of the labels.
    MacroF1,
    /// Mean F1 of the labels, weighted by their rows.
    WeightedF1,
    /// Mean recall of the labels.
    BalancedAccuracy,
    /// Correlation of labels and predictions.
    MatthewsCorrelation,
    /// Agreement beyond chance.
    CohensKappa,
    /// Agreement beyond chance, in which a mistake counts by its squared distance. Ordered labels only.
    QuadraticKappa,
    /// Mean distance of prediction and label in steps of the scale. Ordered labels only.
    MeanAbsoluteError,
    /// Mean area under the ROC curves of the labels.
    MacroRocAuc,
    /// Mean average precision of the labels.
    MacroAveragePrecision,
    /// Mean cross-entropy in nats.
    LogLoss,
    /// Mean squared error of the probabilities, summed over the labels.
    BrierScore,
    /// Mean distance of probabilities from the share of right predictions.
    CalibrationError,
}

impl OverallMetric {
    /// Its name as a heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Accuracy => "Accuracy",
            Self::MacroF1 => "Macro-F1",
            Self::WeightedF1 => "Weighted F1",
            Self::BalancedAccuracy => "Balanced accuracy",
            Self::MatthewsCorrelation => "Matthews correlation",
            Self::CohensKappa => "Cohen's kappa",
            Self::QuadraticKappa => "Quadratic kappa",
            Self::MeanAbsoluteError => "Mean absolute error",
            Self::MacroRocAuc => "Macro ROC AUC",
            Self::MacroAveragePrecision => "Macro average precision",
            Self::LogLoss => "Log loss",
            Self::BrierScore => "Brier score",
            Self::CalibrationError => "Calibration error",
        }
    }
}

/// A metric over all rows with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct OverallScore {
    /// Which one.
    #[serde(skip)]
    pub metric: OverallMetric,
    /// Its value.
    pub value: f64,
    /// 95% interval by bootstrap over the rows; `None` with fewer than [`FEWEST_ROWS`] rows, and for areas and the calibration
    /// error, which need all rows in order.
    pub interval_95: Option<[f64; 2]>,
}

/// The 95% intervals of a label's metrics, by bootstrap over the rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassIntervals {
    /// The label.
    pub label: String,
    /// Of the precision.
    pub precision: [f64; 2],
    /// Of the recall.
    pub recall: [f64; 2],
    /// Of the F1.
    pub f1: [f64; 2],
}

/// Everything about the predictions of some rows beyond their headline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassificationDetails {
    /// The metrics over all rows, in the order they are shown. In JSON, an object with the metrics' names.
    #[serde(serialize_with = "by_name")]
    pub overall: Vec<OverallScore>,
    /// The intervals of each label's metrics; empty with fewer than [`FEWEST_ROWS`] rows.
    pub class_intervals: Vec<ClassIntervals>,
    /// ROC and precision-recall curves of each label against the rest.
    pub curves: Vec<RankingCurves>,
    /// Probabilities against shares of right predictions.
    pub reliability: Reliability,
    /// The temperature fitted on the validation rows, and its effect; `None` if these are the validation rows, or if none can be fitted,
    /// see [`fit_temperature`](crate::evaluation::fit_temperature).
    pub calibration: Option<Calibration>,
    /// Coverage against accuracy.
    pub coverage: Vec<CoveragePoint>,
}

impl ClassificationDetails {
    /// The details of predictions, with a temperature fitted on those of the `validation` rows. `seed` draws the rows of the
    /// bootstrap: with that of the run's interval of macro-F1, that interval is the same. `None` if no row has both a known label and
    /// probabilities of all labels, as in other tasks.
    #[must_use]
    pub fn of(rows: Tested<'_>, validation: Option<&[Prediction]>, seed: u64) -> Option<Self> {
        let labels = rows.labels;
        let probabilities = ClassProbabilities::of(rows.predictions, labels.len());
        if probabilities.is_empty() {
            return None;
        }
        let sample = Sample::new(labels, &probabilities);
        let (intervals, class_intervals) = sample.intervals(seed);
        let curves = RankingCurves::of_each(labels, &probabilities);
        let reliability = Reliability::of(&probabilities);
        let values = sample.figures(&mut (0..probabilities.len()));
        let known = values.into_iter().zip(intervals);
        let mut overall: Vec<OverallScore> = known
            .filter_map(|((metric, value), interval_95)| Some(OverallScore { metric, value: value?, interval_95 }))
            .collect();
        let alone = [
            (OverallMetric::MacroRocAuc, RankingCurves::mean(&curves, |curves| curves.roc_auc)),
            (OverallMetric::MacroAveragePrecision, RankingCurves::mean(&curves, |curves| curves.average_precision)),
            (OverallMetric::CalibrationError, Some(reliability.expected_error())),
        ];
        let alone = alone
            .into_iter()
            .filter_map(|(metric, value)| Some(OverallScore { metric, value: value?, interval_95: None }));
        overall.extend(alone);
        overall.sort_by_key(|score| score.metric);
        let calibration = validation
            .and_then(|validation| Calibration::of(&probabilities, &ClassProbabilities::of(validation, labels.len())));
        let coverage = coverage_curve(&probabilities);
        Some(Self { overall, class_intervals, curves, reliability, calibration, coverage })
    }

    /// A metric over all rows; `None` if it has no value on these rows.
    #[must_use]
    pub fn score(&self, metric: OverallMetric) -> Option<f64> {
        self.overall.iter().find(|score| score.metric == metric).map(|score| score.value)
    }
}

/// A temperature this near to 1 changes nothing that matters.
const HARDLY: f64 = 0.05;

impl ClassificationDetails {
    /// Whether the probabilities can be taken at their word, and what a temperature would change, in sentences.
    #[must_use]
    pub fn calibration_in_words(&self) -> String {
        let error = self.score(OverallMetric::CalibrationError).unwrap_or_default();
        let off = format!("Probabilities are off by {} points on average.", points(error));
        let Some(calibration) = &self.calibration else { return off };
        let temperature = calibration.temperature;
        let rows = counted(calibration.fitted_on, "validation row", "validation rows");
        if (temperature - 1.0).abs() < HARDLY {
            return format!(
                "{off} On the {rows}, a temperature of {temperature:.2} fits best: they hardly need correcting."
            );
        }
        let sure = if temperature > 1.0 { "too sure of itself" } else { "not sure enough" };
        let [before, after] = [self.score(OverallMetric::LogLoss).unwrap_or_default(), calibration.log_loss].map(score);
        let loss = if before == after {
            format!("their log loss would stay at {after}")
        } else {
            format!("their log loss would be {after} instead of {before}")
        };
        format!(
            "{off} On the {rows}, the model was {sure}: a temperature of {temperature:.2} fits best. With it, these rows would be \
             off by {} points, and {loss}.",
            points(calibration.calibration_error),
        )
    }
}

/// Hundredths of a share, with one decimal.
fn points(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

fn by_name<S: Serializer>(overall: &[OverallScore], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(overall.iter().map(|score| (score.metric, score)))
}

/// What the metrics of drawn rows are computed from.
struct Sample<'a> {
    labels: &'a [String],
    /// The place of each label on their scale, if they have one.
    ranks: Option<Vec<usize>>,
    /// The true and predicted class of each row.
    cells: Vec<(usize, usize)>,
    losses: Vec<f64>,
    errors: Vec<f64>,
}

impl<'a> Sample<'a> {
    fn new(labels: &'a [String], rows: &ClassProbabilities) -> Self {
        let truth = rows.rows().map(|(truth, _)| truth);
        Self {
            labels,
            ranks: label_ranks(labels),
            cells: truth.zip(rows.top().map(|(predicted, ..)| predicted)).collect(),
            losses: rows.row_losses().collect(),
            errors: rows.row_errors().collect(),
        }
    }

    /// The metrics of the drawn rows, and their means of log loss and Brier score.
    fn drawn(&self, rows: &mut dyn Iterator<Item = usize>) -> (ClassificationMetrics, [f64; 2]) {
        let mut counts = vec![vec![0; self.labels.len()]; self.labels.len()];
        let (mut loss, mut error, mut drawn) = (0.0, 0.0, 0.0);
        for row in rows {
            let (truth, predicted) = self.cells[row];
            counts[truth][predicted] += 1;
            loss += self.losses[row];
            error += self.errors[row];
            drawn += 1.0;
        }
        let confusion = ConfusionMatrix { labels: self.labels.to_vec(), counts };
        (ClassificationMetrics::of(confusion, loss / drawn), [loss / drawn, error / drawn])
    }

    /// The metrics that have an interval, of the drawn rows.
    fn figures(&self, rows: &mut dyn Iterator<Item = usize>) -> Vec<(OverallMetric, Option<f64>)> {
        let (metrics, means) = self.drawn(rows);
        self.figures_of(&metrics, means)
    }

    fn figures_of(
        &self,
        metrics: &ClassificationMetrics,
        [log_loss, brier_score]: [f64; 2],
    ) -> Vec<(OverallMetric, Option<f64>)> {
        let (confusion, ranks) = (&metrics.confusion, self.ranks.as_deref());
        vec![
            (OverallMetric::Accuracy, Some(metrics.accuracy)),
            (OverallMetric::MacroF1, Some(metrics.macro_average.f1)),
            (OverallMetric::WeightedF1, Some(metrics.weighted_average.f1)),
            (OverallMetric::BalancedAccuracy, Some(confusion.balanced_accuracy())),
            (OverallMetric::MatthewsCorrelation, Some(confusion.matthews_correlation())),
            (OverallMetric::CohensKappa, confusion.cohens_kappa()),
            (OverallMetric::QuadraticKappa, ranks.and_then(|ranks| confusion.quadratic_kappa(ranks))),
            (OverallMetric::MeanAbsoluteError, ranks.map(|ranks| confusion.mean_absolute_error(ranks))),
            (OverallMetric::LogLoss, Some(log_loss)),
            (OverallMetric::BrierScore, Some(brier_score)),
        ]
    }

    /// The interval of each of [`Self::figures`], and those of each label; none with too few rows.
    fn intervals(&self, seed: u64) -> (Vec<Option<[f64; 2]>>, Vec<ClassIntervals>) {
        let of_all = self.figures(&mut (0..self.cells.len())).len();
        if (self.cells.len() as u64) < FEWEST_ROWS {
            return (vec![None; of_all], Vec::new());
        }
        let all = bootstrap_several(self.cells.len(), RESAMPLES, seed, |rows| {
            let (metrics, means) = self.drawn(rows);
            // Kappa is undefined where all drawn rows have one label: there is no agreement beyond chance.
            let overall = self.figures_of(&metrics, means).into_iter().map(|(_, value)| value.unwrap_or_default());
            let by_class = metrics.per_class.iter().flat_map(|class| [class.precision, class.recall, class.f1]);
            overall.chain(by_class).collect::<Vec<f64>>()
        });
        let pair = |&(low, high): &(f64, f64)| [low, high];
        let of_class = |(label, ends): (&String, &[(f64, f64)])| ClassIntervals {
            label: label.clone(),
            precision: pair(&ends[0]),
            recall: pair(&ends[1]),
            f1: pair(&ends[2]),
        };
        let (overall, by_class) = all.split_at(of_all);
        let overall = overall.iter().map(|ends| Some(pair(ends))).collect();
        (overall, self.labels.iter().zip(by_class.chunks(3)).map(of_class).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Target;
    use crate::evaluation::{Answer, ClassAnswer, macro_f1_interval};

    /// Rows of three labels, one in `every` of them predicted wrongly, each with its predicted label at `said`.
    fn predictions(rows: usize, every: usize, said: f32) -> Vec<Prediction> {
        let prediction = |row: usize| {
            let truth = row % 3;
            let predicted = if row.is_multiple_of(every) { (truth + 1) % 3 } else { truth };
            let of = |class: usize| if class == predicted { said } else { (1.0 - said) / 2.0 };
            Prediction {
                id: format!("main:{}", row + 1).parse().unwrap(),
                key: None,
                text: format!("row {row}"),
                target: Target::Class(truth as u32),
                answer: Answer::Class(ClassAnswer {
                    predicted: predicted as u32,
                    probabilities: (0..3).map(of).collect(),
                }),
            }
        };
        (0..rows).map(prediction).collect()
    }

    fn details(rows: usize, labels: [&str; 3], validation: Option<&[Prediction]>) -> ClassificationDetails {
        let labels = labels.map(str::to_owned);
        let predictions = predictions(rows, 5, 0.9);
        ClassificationDetails::of(Tested { labels: &labels, predictions: &predictions }, validation, 42).unwrap()
    }

    #[test]
    fn the_interval_of_macro_f1_is_that_of_the_headline() {
        let details = details(300, ["a", "b", "c"], None);
        let rows = predictions(300, 5, 0.9);
        let truth: Vec<u32> = rows.iter().filter_map(Prediction::label).collect();
        let predicted: Vec<u32> = rows.iter().filter_map(Prediction::predicted).collect();
        let headline = macro_f1_interval(3, &truth, &predicted, 42).unwrap();
        let score = details.overall.iter().find(|score| score.metric == OverallMetric::MacroF1).unwrap();
        assert_eq!(score.interval_95, Some([headline.low, headline.high]));
        for score in &details.overall {
            let Some([low, high]) = score.interval_95 else { continue };
            assert!(low <= score.value && score.value <= high && low < high, "{score:?}");
        }
        let class = &details.class_intervals[1];
        assert!(class.recall[0] < 0.8 && class.recall[1] > 0.8 && class.precision[1] - class.precision[0] < 0.2);
    }

    #[test]
    fn only_ordered_labels_have_a_distance() {
        let ordered = details(60, ["negative", "neutral", "positive"], None);
        // Mistakes take negative for neutral, neutral for positive and positive for negative, which is two steps.
        assert!((ordered.score(OverallMetric::MeanAbsoluteError).unwrap() - 0.2 * 4.0 / 3.0).abs() < 1e-9);
        assert!(ordered.score(OverallMetric::QuadraticKappa).is_some());
        let without = details(60, ["cat", "dog", "bird"], None);
        assert_eq!(without.score(OverallMetric::MeanAbsoluteError), None);
        assert!(without.score(OverallMetric::CohensKappa).is_some());
    }

    #[test]
    fn few_rows_have_metrics_without_intervals_and_no_temperature() {
        let few = details(19, ["a", "b", "c"], Some(&predictions(19, 3, 0.9)));
        assert!(few.class_intervals.is_empty() && few.calibration.is_none());
        assert!(few.overall.iter().all(|score| score.interval_95.is_none()) && few.overall.len() > 8);
        let labels: Vec<String> = Vec::new();
        assert_eq!(ClassificationDetails::of(Tested { labels: &labels, predictions: &[] }, None, 1), None);
    }

    #[test]
    fn the_temperature_comes_from_the_validation_rows_and_is_measured_on_the_others() {
        let details = details(300, ["a", "b", "c"], Some(&predictions(90, 3, 0.9)));
        let calibration = details.calibration.unwrap();
        assert_eq!(calibration.fitted_on, 90);
        // 9 of 10 is said where 2 of 3 are right.
        assert!(calibration.temperature > 1.5, "{}", calibration.temperature);
        // The others are right in 4 of 5, so said and right are as far apart as before, on the other side.
        assert!((calibration.calibration_error - (0.8 - 2.0 / 3.0)).abs() < 1e-3, "{calibration:?}");
    }
}
