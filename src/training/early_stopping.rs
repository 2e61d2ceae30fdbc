//! Choosing the best evaluation, and stopping after several without improvement.

use crate::evaluation::Metrics;
use crate::project::{EarlyStopping, MetricName};

/// Watches the evaluations of a run.
///
/// Any improvement makes an evaluation the best. Patience is counted from the last evaluation that improved on the
/// previous reference by more than `min_delta`, as in Keras' `EarlyStopping`, so that many small improvements add up.
#[derive(Clone, Debug)]
pub struct BestWatch {
    metric: MetricName,
    stopping: Option<EarlyStopping>,
    best: Option<f64>,
    counted_from: Option<f64>,
    without_improvement: u32,
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
        let score = if self.metric.higher_is_better() { value } else { -value };
        // Written so that NaN is never better; the first evaluation is the best so far in any case.
        let is_best = self.best.is_none_or(|best| score > best || best.is_nan() && !score.is_nan());
        if is_best {
            self.best = Some(score);
        }
        let min_delta = self.stopping.as_ref().map_or(0.0, |stopping| stopping.min_delta);
        if self.counted_from.is_none_or(|from| score > from + min_delta || from.is_nan()) {
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
    use crate::evaluation::{ClassificationMetrics, LanguageModelMetrics, MaskedCounts, PrecisionRecall};

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
    fn a_language_model_is_best_where_perplexity_is_lowest() {
        let at = |nats| {
            let overall = MaskedCounts { tokens: 10, nats, words: 8, correct: 4 };
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
