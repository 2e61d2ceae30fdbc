//! How good a classifier is, in sentences: its score beside those of the baselines.

use crate::evaluation::{Baseline, BaselineName, ClassificationMetrics, Interval};
use crate::words::{count, percent_fine, score};

/// Beyond this width, an interval says little.
const WIDE: f64 = 0.1;

/// The metrics behind the headline, all on the same rows.
#[derive(Clone, Copy)]
pub struct Headline<'a> {
    /// The model's metrics.
    pub metrics: &'a ClassificationMetrics,
    /// 95% interval of macro-F1, if computed for these rows.
    pub interval: Option<(f64, f64)>,
    /// The majority baseline, which always predicts the most frequent training label, if evaluated on these rows.
    pub baseline: Option<&'a ClassificationMetrics>,
    /// The TF-IDF baseline with logistic regression, if evaluated on these rows.
    pub tfidf: Option<&'a ClassificationMetrics>,
    /// 95% interval of this model's macro-F1 less that of TF-IDF, if computed.
    pub above_tfidf: Option<(f64, f64)>,
    /// The instant baseline, a logistic regression on the network before training, if evaluated on these rows.
    pub instant: Option<&'a ClassificationMetrics>,
    /// 95% interval of this model's macro-F1 less that of the instant baseline, if computed.
    pub above_instant: Option<(f64, f64)>,
    /// Description of the rows, such as "test rows the model has never seen".
    pub rows: &'a str,
}

impl<'a> Headline<'a> {
    /// The headline of metrics beside those `baselines` that were measured on the same rows.
    #[must_use]
    pub fn of(
        metrics: &'a ClassificationMetrics,
        interval: Option<Interval>,
        baselines: &'a [Baseline],
        rows: &'a str,
    ) -> Self {
        let found = |name| baselines.iter().find(|baseline| baseline.name == name);
        let metrics_of = |name| found(name).and_then(|baseline| baseline.metrics.classification());
        let ends = |interval: Interval| (interval.low, interval.high);
        let above = |name| found(name).and_then(|baseline| baseline.difference).map(ends);
        Self {
            metrics,
            interval: interval.map(ends),
            baseline: metrics_of(BaselineName::MajorityClass),
            tfidf: metrics_of(BaselineName::TfIdf),
            above_tfidf: above(BaselineName::TfIdf),
            instant: metrics_of(BaselineName::Instant),
            above_instant: above(BaselineName::Instant),
            rows,
        }
    }

    /// Explains the metrics in sentences.
    #[must_use]
    pub fn sentences(self) -> Vec<String> {
        let metrics = self.metrics;
        let mut out = vec![format!(
            "On {} {}, {} of the predictions are correct.",
            count(metrics.rows),
            self.rows,
            percent_fine(metrics.accuracy),
        )];
        out.extend(self.baseline.map(|baseline| {
            format!(
                "Always predicting “{}” would be correct {} of the time, with a macro-F1 of {}.",
                most_predicted(baseline),
                percent_fine(baseline.accuracy),
                score(baseline.macro_average.f1)
            )
        }));
        let methods = [
            (self.tfidf, self.above_tfidf, "TF-IDF with logistic regression"),
            (self.instant, self.above_instant, "The instant baseline (this model before training)"),
        ];
        out.extend(methods.into_iter().filter_map(|(metrics, above, name)| Some(beside(metrics?, above, name))));
        out.extend(weakest(metrics));
        if self.interval.is_some_and(|(low, high)| high - low > WIDE) {
            out.push("The interval is wide because there are few rows. A larger test set would narrow it.".to_owned());
        }
        out
    }
}

/// The score of a simpler method, and how far the model is above it.
fn beside(metrics: &ClassificationMetrics, above: Option<(f64, f64)>, method: &str) -> String {
    let reaches = format!("{method} reaches a macro-F1 of {}", score(metrics.macro_average.f1));
    match above {
        Some((low, high)) => format!("{reaches}. {} (95% interval).", ahead(low, high)),
        None => format!("{reaches}."),
    }
}

/// By how much a model is ahead of another one, or behind it, as a sentence without a full stop: the ends of an interval in the
/// order of their size, without signs.
fn ahead(low: f64, high: f64) -> String {
    if low >= 0.0 {
        format!("This model is ahead by {} to {}", score(low), score(high))
    } else if high <= 0.0 {
        format!("This model is behind by {} to {}", score(-high), score(-low))
    } else {
        format!("That is too close to call: this model is between {} behind and {} ahead", score(-low), score(high))
    }
}

/// The label that the majority baseline predicts.
fn most_predicted(baseline: &ClassificationMetrics) -> &str {
    let matrix = &baseline.confusion;
    let predicted = |class: usize| matrix.counts.iter().filter_map(|row| row.get(class)).sum::<u64>();
    let best = (0..matrix.labels.len()).max_by_key(|&class| predicted(class));
    best.map_or("?", |class| &matrix.labels[class])
}

/// Names the weakest label, if one is clearly worse than the others.
fn weakest(metrics: &ClassificationMetrics) -> Option<String> {
    metrics.weakest().map(|lowest| {
        if lowest.recall == 0.0 && lowest.precision == 0.0 {
            return format!("The weakest label is “{}”: the model found none of its rows.", lowest.label);
        }
        format!(
            "The weakest label is “{}”: recall {}, precision {}.",
            lowest.label,
            percent_fine(lowest.recall),
            percent_fine(lowest.precision)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::{Metrics, majority_baseline};
    use crate::project::MetricName;

    fn sentences(interval: Option<(f64, f64)>, above: (f64, f64)) -> String {
        let labels = ["bad", "good"].map(str::to_owned);
        let truth: Vec<u32> = (0..60).map(|row| row % 2).collect();
        let predicted: Vec<u32> = (0..60).map(|row| if row < 50 { row % 2 } else { 0 }).collect();
        let metrics = ClassificationMetrics::compute(&labels, &truth, &predicted, 0.5);
        let interval_of = |(low, high)| Interval { metric: MetricName::MacroF1, low, high };
        let majority = majority_baseline(&labels, &truth, &truth).metrics;
        let baseline =
            |name, difference| Baseline { name, metrics: Metrics::Classification(majority.clone()), difference };
        let baselines = [
            baseline(BaselineName::MajorityClass, None),
            baseline(BaselineName::TfIdf, Some(interval_of(above))),
            baseline(BaselineName::Instant, None),
        ];
        let rows = "test rows the model has never seen";
        Headline::of(&metrics, interval.map(interval_of), &baselines, rows).sentences().join(" ")
    }

    #[test]
    fn the_headline_puts_the_baselines_beside_the_model() {
        let text = sentences(Some((0.1, 0.3)), (0.2, 0.4));
        for part in [
            "On 60 test rows the model has never seen, 91.7% of the predictions are correct.",
            "Always predicting “bad” would be correct 50.0% of the time, with a macro-F1 of 0.333.",
            "TF-IDF with logistic regression reaches a macro-F1 of 0.333. This model is ahead by 0.200 to 0.400 (95% interval).",
            "The instant baseline (this model before training) reaches a macro-F1 of 0.333.",
            "The interval is wide",
        ] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        assert!(!sentences(Some((0.1, 0.15)), (0.2, 0.4)).contains("The interval is wide"));
    }

    #[test]
    fn a_model_that_is_behind_is_not_said_to_be_ahead() {
        let behind = sentences(None, (-0.491, -0.296));
        assert!(behind.contains("This model is behind by 0.296 to 0.491 (95% interval)."), "{behind}");
        let unclear = sentences(None, (-0.0213, 0.1));
        let says = "That is too close to call: this model is between 0.021 behind and 0.100 ahead (95% interval).";
        assert!(unclear.contains(says), "{unclear}");
        for text in [behind, unclear] {
            assert!(!text.contains('−') && !text.contains('+') && !text.contains("ahead by"), "{text}");
        }
    }
}
