//! Choosing the best evaluation, and stopping after several without improvement.

use serde::{Deserialize, Serialize};

use crate::evaluation::Metrics;
use crate::project::{EarlyStopping, MetricName};

/// Watches the evaluations of a run.
///
/// Any improvement makes an evaluation the best. Patience is counted from the last evaluation that improved on the
/// previous reference by more than `min_delta`, as in Keras' `EarlyStopping`, so that many small improvements add up.
///
/// Of two evaluations with exactly the same score, the one with the lower loss is better, and an improvement: a model that still
/// gives every row the same answer scores the same for a while, although it learns.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BestWatch {
    metric: MetricName,
    stopping: Option<EarlyStopping>,
    best: Option<Score>,
    counted_from: Option<Score>,
    without_improvement: u32,
}

/// The metric, higher is better, and the loss.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Score {
    value: f64,
    loss: f64,
}

impl Score {
    /// Whether it is better than another by more than `least`. Written so that NaN is never better.
    fn is_better(self, than: Self, least: f64) -> bool {
        let equal = !self.value.is_nan() && self.value.to_bits() == than.value.to_bits();
        self.value > than.value + least || than.value.is_nan() && !self.value.is_nan() || equal && self.loss < than.loss
    }
}

/// What an evaluation means for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// It is better than all before.
    pub is_best: bool,
    /// Patience has run out.
    pub stop: bool,
}

impl BestWatch {
    /// Creates a watch for a run. A patience of 0 counts as 1.
    #[must_use]
    pub fn new(metric: MetricName, stopping: Option<EarlyStopping>) -> Self {
        Self { metric, stopping, best: None, counted_from: None, without_improvement: 0 }
    }

    /// Records an evaluation. A metric that the task does not have counts as NaN, which is never better.
    pub fn observe(&mut self, metrics: &Metrics) -> Verdict {
        let value = metrics.get(self.metric).unwrap_or(f64::NAN);
        let value = if self.metric.higher_is_better() { value } else { -value };
        let score = Score { value, loss: metrics.loss() };
        // The first evaluation is the best so far in any case.
        let is_best = self.best.is_none_or(|best| score.is_better(best, 0.0));
        if is_best {
            self.best = Some(score);
        }
        let min_delta = self.stopping.as_ref().map_or(0.0, |stopping| stopping.min_delta);
        if self.counted_from.is_none_or(|from| score.is_better(from, min_delta)) {
            self.counted_from = Some(score);
            self.without_improvement = 0;
        } else {
            self.without_improvement += 1;
        }
        let patience = self.stopping.as_ref().map(|stopping| stopping.patience.max(1));
        Verdict { is_best, stop: patience.is_some_and(|patience| self.without_improvement >= patience) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::{ClassificationMetrics, LanguageModelMetrics, PrecisionRecall, WordCounts};

    /// Scores in, one mark an evaluation out: `*` best, `!` stop, `.` neither.
    fn marks(metric: MetricName, stopping: Option<(u32, f64)>, scores: &[f64]) -> String {
        let stopping = stopping.map(|(patience, min_delta)| EarlyStopping { patience, min_delta });
        let mut watch = BestWatch::new(metric, stopping);
        let mark = |verdict: Verdict| match (verdict.is_best, verdict.stop) {
            (true, false) => "*",
            (true, true) => "*!",
            (false, true) => "!",
            (false, false) => ".",
        };
        scores
            .iter()
            .map(|&score| {
                let f1 = PrecisionRecall { f1: score, ..PrecisionRecall::default() };
                let metrics = ClassificationMetrics {
                    accuracy: score,
                    loss: score,
                    macro_average: f1,
                    ..ClassificationMetrics::default()
                };
                mark(watch.observe(&Metrics::Classification(metrics)))
            })
            .collect()
    }

    #[test]
    fn the_best_evaluation_and_the_stop_follow_the_scores() {
        use MetricName::{Accuracy, Loss, MacroF1};
        type Case<'a> = (MetricName, Option<(u32, f64)>, &'a [f64], &'a str);
        let nan = f64::NAN;
        let cases: &[Case<'_>] = &[
            (MacroF1, None, &[0.1, 0.1, 0.1, 0.05], "*..."),
            (MacroF1, Some((2, 0.0)), &[0.1, 0.2, 0.15, 0.2, 0.3], "**.!*"),
            (Accuracy, Some((1, 0.0)), &[0.5, 0.5], "*!"),
            (Accuracy, Some((0, 0.0)), &[0.5, 0.6, 0.5], "**!"),
            (Loss, Some((2, 0.0)), &[0.9, 0.5, 0.6, 0.4, 0.5, 0.5], "**.*.!"),
            // Small steps do not count alone but add up.
            (MacroF1, Some((2, 0.05)), &[0.5, 0.53, 0.56, 0.57, 0.58], "*****!"),
            (MacroF1, Some((2, 0.05)), &[0.5, 0.52, 0.54], "***!"),
            (Loss, Some((2, 0.0)), &[nan, 0.5, nan, nan], "**.!"),
            (Loss, None, &[nan, nan], "*."),
        ];
        for (metric, stopping, scores, expected) in cases {
            assert_eq!(marks(*metric, *stopping, scores), *expected, "{scores:?}");
        }
    }

    #[test]
    fn the_loss_decides_between_equal_scores() {
        let at = |accuracy, loss| {
            Metrics::Classification(ClassificationMetrics { accuracy, loss, ..ClassificationMetrics::default() })
        };
        let mut watch = BestWatch::new(MetricName::Accuracy, Some(EarlyStopping { patience: 2, min_delta: 0.01 }));
        // As a model that always gives the most frequent label does for some epochs.
        let learning =
            [(0.6, 1.0), (0.6, 0.9), (0.6, 0.8), (0.7, 0.9)].map(|(score, loss)| watch.observe(&at(score, loss)));
        assert!(learning.iter().all(|verdict| verdict.is_best && !verdict.stop), "{learning:?}");
        let worse = [(0.7, 0.9), (0.7, 1.0)].map(|(score, loss)| watch.observe(&at(score, loss)));
        assert!(worse.iter().all(|verdict| !verdict.is_best) && worse[1].stop, "{worse:?}");
    }

    #[test]
    fn a_language_model_is_best_where_perplexity_is_lowest() {
        let at = |nats| {
            let overall = WordCounts { tokens: 10, nats, words: 8, correct: 4 };
            Metrics::LanguageModelling(LanguageModelMetrics {
                documents: 1,
                overall,
                ..LanguageModelMetrics::default()
            })
        };
        let mut watch = BestWatch::new(MetricName::Perplexity, None);
        let best: Vec<bool> = [30.0, 20.0, 25.0, 19.0].map(|nats| watch.observe(&at(nats)).is_best).into();
        assert_eq!(best, [true, true, false, true]);
        let mut watch = BestWatch::new(MetricName::MacroF1, None);
        let best: Vec<bool> = [30.0, 20.0].map(|nats| watch.observe(&at(nats)).is_best).into();
        assert_eq!(best, [true, false], "a metric that the task does not have never improves");
    }
}
