//! The learning curve: how the score grows with the rows that a model learned from, and what more rows would give.

use crate::evaluation::interval::{RESAMPLES, bootstrap_several};
use crate::evaluation::{FEWEST_ROWS, Metrics, Prediction};
use crate::project::MetricName;
use crate::words::{count, score, signed_score};

/// Seed of the bootstrap.
const SEED: u64 = 1;

/// The forecast is drawn from so many of the largest parts: a power law holds less well where a model has learned little.
const FITTED: usize = 3;

/// Below this error, or loss in nats, there is nothing left to learn that could be measured.
const LEAST: f64 = 1e-3;

/// A run that learned from a part of the training rows.
#[derive(Clone, Copy, Debug)]
pub struct PartRun<'a> {
    /// Rows that it was trained on.
    pub rows: usize,
    /// Its metrics on the rows that all parts are measured on.
    pub metrics: &'a Metrics,
    /// Its predictions of these rows, in the same order; empty of a task without them.
    pub predictions: &'a [Prediction],
}

/// The score of a model by the number of rows that it learned from.
#[derive(Clone, Debug, PartialEq)]
pub struct LearningCurve {
    /// The main metric of the task: macro-F1, or perplexity.
    pub metric: MetricName,
    /// The parts, from the smallest.
    pub points: Vec<CurvePoint>,
    /// What twice as many rows would give; `None` until three parts were trained, and if there is nothing left to learn.
    pub forecast: Option<Forecast>,
}

/// The score of one part.
#[derive(Clone, Debug, PartialEq)]
pub struct CurvePoint {
    /// Rows trained on; the mean over the draws.
    pub rows: usize,
    /// The score of each draw.
    pub scores: Vec<f64>,
    /// The mean of these scores.
    pub mean: f64,
    /// 95% interval of the mean, by bootstrap over the tested rows and the draws; `None` where rows have no predictions, or are few.
    pub interval: Option<(f64, f64)>,
}

/// What twice as many rows would give if the curve goes on as it is.
///
/// The error, or the loss of a language model, follows a power law of the number of rows (Hestness et al. 2017, "Deep learning
/// scaling is predictable, empirically"): a straight line through the logarithms, fitted to the three largest parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// Twice the rows of the largest part.
    pub rows: usize,
    /// The score with so many rows.
    pub score: f64,
    /// The change of the score; of macro-F1 a gain is above 0, of perplexity below.
    pub change: f64,
    /// 95% interval of the change, by bootstrap; `None` where points have none.
    pub interval: Option<(f64, f64)>,
}

/// A row's true class and the predicted one of each run of each part.
struct Answers {
    classes: usize,
    truth: Vec<u32>,
    /// `[parts][draws][rows]`.
    predicted: Vec<Vec<Vec<u32>>>,
}

impl LearningCurve {
    /// The curve of some parts, each with one run per draw, from the smallest; `None` without any.
    #[must_use]
    pub fn of(parts: &[Vec<PartRun<'_>>]) -> Option<Self> {
        let parts: Vec<&Vec<PartRun<'_>>> = parts.iter().filter(|runs| !runs.is_empty()).collect();
        let metric = parts.first()?[0].metrics.figures().first()?.0;
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let mut points: Vec<CurvePoint> = Vec::new();
        for runs in &parts {
            let scores: Vec<f64> = runs.iter().filter_map(|run| run.metrics.get(metric)).collect();
            let rows = mean(&runs.iter().map(|run| run.rows as f64).collect::<Vec<_>>()).round() as usize;
            points.push(CurvePoint { rows, mean: mean(&scores), scores, interval: None });
        }
        let rows: Vec<f64> = points.iter().map(|point| point.rows as f64).collect();
        let means: Vec<f64> = points.iter().map(|point| point.mean).collect();
        let change = gain(metric, &rows, &means);
        let mut intervals = Answers::of(&parts).map_or_else(Vec::new, |answers| answers.intervals(&rows));
        let of_change = change.is_some().then(|| intervals.pop()).flatten().filter(|(low, high)| low <= high);
        for (point, interval) in points.iter_mut().zip(intervals) {
            point.interval = Some(interval);
        }
        let last = points.last()?;
        let forecast = change.map(|change| Forecast {
            rows: 2 * last.rows,
            score: last.mean + change,
            change,
            interval: of_change,
        });
        Some(Self { metric, points, forecast })
    }
}

impl LearningCurve {
    /// Whether more labelled rows would help, and about how much, in a sentence; empty until three parts were trained.
    #[must_use]
    pub fn says(&self) -> String {
        let name = self.metric.in_a_sentence();
        let Some(forecast) = &self.forecast else {
            let is_known = self.points.len() >= FITTED;
            return if is_known {
                "There is too little left to learn to measure it.".to_owned()
            } else {
                String::new()
            };
        };
        let twice = format!("twice as many ({})", count(forecast.rows));
        let raises = if forecast.change > 0.0 { "raise" } else { "lower" };
        let about = format!(
            "{twice} would {raises} {name} by about {}, to {}",
            score(forecast.change.abs()),
            score(forecast.score)
        );
        let Some((low, high)) = forecast.interval else {
            return format!("If the curve goes on as it is, {about}.");
        };
        let between = format!("{} to {}", signed_score(low), signed_score(high));
        match forecast.helps(self.metric) {
            Some(true) => format!(
                "More labelled rows would help: if the curve goes on as it is, {about} (95% interval of the change {between})."
            ),
            Some(false) => format!(
                "More rows like these would not help: if the curve goes on as it is, {about} (95% interval of the change {between})."
            ),
            None => format!(
                "It cannot be told whether more labelled rows would help: {twice} would change {name} by {between} (95% interval). \
                 More draws, or more rows to test on, say it more exactly."
            ),
        }
    }
}

impl Forecast {
    /// Whether more rows would help; `None` if that cannot be told.
    #[must_use]
    pub fn helps(&self, metric: MetricName) -> Option<bool> {
        let (low, high) = self.interval?;
        let sign = if metric.higher_is_better() { 1.0 } else { -1.0 };
        match (low * sign > 0.0, high * sign > 0.0) {
            (true, true) => Some(true),
            (false, false) => Some(false),
            _ => None,
        }
    }
}

impl Answers {
    /// Of the runs of a classification that were all measured on the same rows, if these are enough.
    fn of(parts: &[&Vec<PartRun<'_>>]) -> Option<Self> {
        let Metrics::Classification(metrics) = parts.first()?[0].metrics else { return None };
        let classes = metrics.per_class.len();
        let column =
            |run: &PartRun<'_>| -> Option<Vec<u32>> { run.predictions.iter().map(Prediction::predicted).collect() };
        let first = parts[0][0].predictions;
        let truth: Vec<u32> = first.iter().map(Prediction::label).collect::<Option<_>>()?;
        let is_same = |run: &PartRun<'_>| {
            let same = |(a, b): (&Prediction, &Prediction)| a.id == b.id;
            run.predictions.len() == first.len() && run.predictions.iter().zip(first).all(same)
        };
        let all_same = parts.iter().all(|runs| runs.iter().all(is_same));
        let predicted: Vec<Vec<Vec<u32>>> =
            parts.iter().map(|runs| runs.iter().map(column).collect()).collect::<Option<_>>()?;
        let known = |class: &u32| (*class as usize) < classes;
        let all_known = truth.iter().all(known) && predicted.iter().flatten().flatten().all(known);
        (all_same && all_known && truth.len() as u64 >= FEWEST_ROWS).then_some(Self { classes, truth, predicted })
    }

    /// 95% intervals of the macro-F1 of each part, and of the gain from twice the `rows` of the largest. Each resample draws the same
    /// rows for all parts, and for each part one of its draws per draw.
    fn intervals(&self, rows: &[f64]) -> Vec<(f64, f64)> {
        bootstrap_several(self.truth.len(), RESAMPLES, SEED, |drawn| {
            let sample: Vec<usize> = drawn.collect();
            // The rows that were drawn say which draws are taken: there is no other chance in a resample.
            let mut chosen = sample.iter().copied();
            let means: Vec<f64> = self
                .predicted
                .iter()
                .map(|draws| {
                    let score = |_| {
                        let draw = chosen.next().unwrap_or_default() % draws.len();
                        self.macro_f1(&sample, &draws[draw])
                    };
                    (0..draws.len()).map(score).sum::<f64>() / draws.len() as f64
                })
                .collect();
            let gain = gain(MetricName::MacroF1, rows, &means).unwrap_or(0.0);
            means.into_iter().chain([gain]).collect::<Vec<f64>>()
        })
    }

    fn macro_f1(&self, sample: &[usize], predicted: &[u32]) -> f64 {
        let mut counts = vec![0; self.classes * self.classes];
        for &row in sample {
            counts[self.truth[row] as usize * self.classes + predicted[row] as usize] += 1;
        }
        crate::evaluation::interval::macro_f1(self.classes, &counts)
    }
}

/// The change of a score from twice as many rows as the last part has; `None` with fewer than three parts, or nothing left to learn.
fn gain(metric: MetricName, rows: &[f64], scores: &[f64]) -> Option<f64> {
    if rows.len() < FITTED {
        return None;
    }
    let last = rows.len() - FITTED..;
    let is_share = metric.is_share();
    let loss = |score: &f64| if is_share { 1.0 - score } else { score.ln() };
    let losses: Vec<f64> = scores[last.clone()].iter().map(loss).collect();
    if losses.iter().any(|loss| !loss.is_finite() || *loss < LEAST) {
        return None;
    }
    let (slope, at) = line(&rows[last].iter().map(|rows| rows.ln()).collect::<Vec<_>>(), &losses);
    let more = rows[rows.len() - 1].ln() + std::f64::consts::LN_2;
    let [now, then] = [at + slope * (more - std::f64::consts::LN_2), at + slope * more].map(f64::exp);
    Some(if is_share { now - then } else { then.exp() - now.exp() })
}

/// The slope and the value at 0 of the straight line through the logarithms of `y`, by least squares.
fn line(x: &[f64], y: &[f64]) -> (f64, f64) {
    let number = x.len() as f64;
    let logs: Vec<f64> = y.iter().map(|y| y.ln()).collect();
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / number, logs.iter().sum::<f64>() / number);
    let (mut both, mut own) = (0.0, 0.0);
    for (x, y) in x.iter().zip(&logs) {
        both += (x - mean_x) * (y - mean_y);
        own += (x - mean_x).powi(2);
    }
    let slope = if own > 0.0 { both / own } else { 0.0 };
    (slope, mean_y - slope * mean_x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Target;
    use crate::evaluation::{Answer, ClassAnswer, ClassificationMetrics, LanguageModelMetrics, WordCounts};
    use crate::project::{RowId, SourceFile};

    /// Predictions of 400 rows of two classes, every `n`th wrong.
    fn predictions(every: usize) -> Vec<Prediction> {
        let row = |row: usize| {
            let label = (row % 2) as u32;
            let right = if (row / 2).is_multiple_of(every) { 1 - label } else { label };
            let probabilities = vec![if right == 0 { 0.9 } else { 0.1 }, if right == 1 { 0.9 } else { 0.1 }];
            let id = RowId { file: SourceFile::Main, record: row as u64 };
            let answer = Answer::Class(ClassAnswer { predicted: right, probabilities });
            Prediction { id, key: None, text: String::new(), target: Target::Class(label), answer }
        };
        (0..400).map(row).collect()
    }

    fn metrics(predictions: &[Prediction]) -> Metrics {
        let labels = ["a".to_owned(), "b".to_owned()];
        let truth: Vec<u32> = predictions.iter().filter_map(Prediction::label).collect();
        let predicted: Vec<u32> = predictions.iter().filter_map(Prediction::predicted).collect();
        Metrics::Classification(ClassificationMetrics::compute(&labels, &truth, &predicted, 0.5))
    }

    #[test]
    fn an_error_that_halves_with_each_doubling_halves_again() {
        let all: Vec<Vec<Prediction>> = [4, 8, 16].map(predictions).to_vec();
        let scored: Vec<Metrics> = all.iter().map(|predictions| metrics(predictions)).collect();
        let run = |part: usize| PartRun { rows: 100 << part, metrics: &scored[part], predictions: &all[part] };
        let curve = LearningCurve::of(&[vec![run(0)], vec![run(1)], vec![run(2)]]).unwrap();
        assert_eq!(curve.metric, MetricName::MacroF1);
        let f1: Vec<f64> = curve.points.iter().map(|point| point.mean).collect();
        for (found, right) in f1.iter().zip([0.75, 0.875, 0.935]) {
            assert!((found - right).abs() < 0.005, "{f1:?}");
        }
        let forecast = curve.forecast.unwrap();
        assert_eq!(forecast.rows, 800);
        assert!((forecast.change - 0.032).abs() < 0.002, "half of the error of about 0.065: {forecast:?}");
        assert!((forecast.score - f1[2] - forecast.change).abs() < 1e-12);
        let (low, high) = forecast.interval.unwrap();
        assert!(low > 0.01 && low < forecast.change && high > forecast.change && high < 0.06, "{forecast:?}");
        assert_eq!(forecast.helps(MetricName::MacroF1), Some(true));
        for point in &curve.points {
            let (low, high) = point.interval.unwrap();
            assert!(low < point.mean && point.mean < high && high - low < 0.1, "{point:?}");
        }
    }

    #[test]
    fn a_flat_curve_promises_nothing() {
        let all: Vec<Vec<Prediction>> = [8, 8, 8].map(predictions).to_vec();
        let scored: Vec<Metrics> = all.iter().map(|predictions| metrics(predictions)).collect();
        let run = |part: usize| PartRun { rows: 100 << part, metrics: &scored[part], predictions: &all[part] };
        let forecast = LearningCurve::of(&[vec![run(0)], vec![run(1)], vec![run(2)]]).unwrap().forecast.unwrap();
        assert!(forecast.change.abs() < 1e-9 && forecast.helps(MetricName::MacroF1) != Some(true), "{forecast:?}");
        let two = LearningCurve::of(&[vec![run(0)], vec![run(1)]]).unwrap();
        assert_eq!((two.points.len(), two.forecast), (2, None));
        assert_eq!(LearningCurve::of(&[]), None);
    }

    #[test]
    fn nothing_is_left_to_learn_of_rows_that_are_all_right() {
        let all: Vec<Vec<Prediction>> = [4, 8, 1_000].map(predictions).to_vec();
        let mut scored: Vec<Metrics> = all.iter().map(|predictions| metrics(predictions)).collect();
        let truth: Vec<u32> = all[2].iter().filter_map(Prediction::label).collect();
        scored[2] = Metrics::Classification(ClassificationMetrics::compute(
            &["a".to_owned(), "b".to_owned()],
            &truth,
            &truth,
            0.0,
        ));
        let run = |part: usize| PartRun { rows: 100 << part, metrics: &scored[part], predictions: &all[part] };
        assert_eq!(LearningCurve::of(&[vec![run(0)], vec![run(1)], vec![run(2)]]).unwrap().forecast, None);
    }

    #[test]
    fn draws_widen_the_interval() {
        let all: Vec<Vec<Prediction>> = [4, 8, 16, 3, 7, 11].map(predictions).to_vec();
        let scored: Vec<Metrics> = all.iter().map(|predictions| metrics(predictions)).collect();
        let run = |place: usize, rows: usize| PartRun { rows, metrics: &scored[place], predictions: &all[place] };
        let curve = LearningCurve::of(&[
            vec![run(0, 100), run(3, 102)],
            vec![run(1, 200), run(4, 200)],
            vec![run(2, 400), run(5, 400)],
        ])
        .unwrap();
        assert_eq!(curve.points[0].rows, 101);
        assert_eq!(curve.points[2].scores.len(), 2);
        let width = |(low, high): (f64, f64)| high - low;
        let one = LearningCurve::of(&[vec![run(0, 100)], vec![run(1, 200)], vec![run(2, 400)]]).unwrap();
        let [two, one] = [curve, one].map(|curve| width(curve.points[2].interval.unwrap()));
        assert!(two > 0.9 * one, "{two} {one}");
    }

    #[test]
    fn a_language_model_has_a_curve_of_perplexity_without_an_interval() {
        let scored: Vec<Metrics> = [4.0_f64, 3.6, 3.24]
            .map(|nats| {
                let overall = WordCounts { tokens: 10, nats: nats * 10.0, words: 8, correct: 2 };
                Metrics::LanguageModelling(LanguageModelMetrics { overall, ..LanguageModelMetrics::default() })
            })
            .to_vec();
        let run = |part: usize| PartRun { rows: 100 << part, metrics: &scored[part], predictions: &[] };
        let curve = LearningCurve::of(&[vec![run(0)], vec![run(1)], vec![run(2)]]).unwrap();
        let forecast = curve.forecast.unwrap();
        assert_eq!((curve.metric, forecast.interval), (MetricName::Perplexity, None));
        let right = (3.24_f64 * 0.9).exp();
        assert!((forecast.score - right).abs() < 1e-6 && forecast.change < 0.0, "{forecast:?} {right}");
        assert_eq!(forecast.helps(MetricName::Perplexity), None);
    }
}
