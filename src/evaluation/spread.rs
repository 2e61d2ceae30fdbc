//! How much a metric varies from trial to trial: over the folds of a cross-validation, or over seeds.

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::project::MetricName;

/// A metric over the trials of a study.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// The metric.
    pub metric: MetricName,
    /// Its value in each trial, `[trials]`.
    pub values: Vec<f64>,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, with n - 1 in the denominator; 0 of one trial.
    pub sd: f64,
    /// 95% interval of the mean; `None` of one trial.
    pub interval: Option<(f64, f64)>,
}

/// How trials depend on each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trials {
    /// Folds of the same rows. Their models share most training rows, so the values are alike, and their variance says less than that of
    /// independent ones would. The variance of the mean is therefore corrected as Nadeau and Bengio (2003) propose: (1/k + tested /
    /// trained) times the variance of the k values.
    Folds {
        /// Rows tested over rows trained on, of one fold.
        tested_over_trained: f64,
    },
    /// Independent repetitions.
    Repeated,
}

impl Spread {
    /// Of the values of some trials; `None` without any. The interval is Student's, with as many degrees of freedom as there are
    /// trials, less one.
    #[must_use]
    pub fn of(metric: MetricName, values: Vec<f64>, trials: Trials) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let number = values.len() as f64;
        let mean = values.iter().sum::<f64>() / number;
        if values.len() == 1 {
            return Some(Self { metric, values, mean, sd: 0.0, interval: None });
        }
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (number - 1.0);
        let extra = match trials {
            Trials::Folds { tested_over_trained } => tested_over_trained,
            Trials::Repeated => 0.0,
        };
        let error = ((1.0 / number + extra) * variance).sqrt();
        let student = StudentsT::new(0.0, 1.0, number - 1.0).ok()?;
        let half = student.inverse_cdf(0.975) * error;
        // No metric is below 0, and a share is not above 1.
        let most = if metric.is_share() { 1.0 } else { f64::INFINITY };
        let interval = Some(((mean - half).max(0.0), (mean + half).min(most)));
        Some(Self { metric, values, mean, sd: variance.sqrt(), interval })
    }

    /// By how much two runs of one setting differ by chance alone, at most, in 95 of 100 pairs: 1.96 sqrt(2) standard deviations.
    #[must_use]
    pub fn luck(&self) -> f64 {
        1.96 * std::f64::consts::SQRT_2 * self.sd
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_students_and_corrected_for_folds() {
        // Checked with scipy.stats.t.interval(0.95, 4, mean, sem): sd 0.0158114, sem 0.0070711, t 2.7764451.
        let values = vec![0.80, 0.82, 0.78, 0.81, 0.79];
        let spread = Spread::of(MetricName::MacroF1, values.clone(), Trials::Repeated).unwrap();
        assert!((spread.mean - 0.80).abs() < 1e-12 && (spread.sd - 0.015_811_388).abs() < 1e-8);
        let (low, high) = spread.interval.unwrap();
        assert!((low - 0.780_367_6).abs() < 1e-6 && (high - 0.819_632_4).abs() < 1e-6, "{low} {high}");
        let folds = Trials::Folds { tested_over_trained: 0.25 };
        let (low, high) = Spread::of(MetricName::MacroF1, values, folds).unwrap().interval.unwrap();
        let half = 2.776_445_1 * (0.45_f64).sqrt() * 0.015_811_388;
        assert!((low - (0.8 - half)).abs() < 1e-6 && (high - (0.8 + half)).abs() < 1e-6, "{low} {high}");
    }

    #[test]
    fn one_trial_has_no_interval_and_none_has_nothing() {
        let one = Spread::of(MetricName::Accuracy, vec![0.5], Trials::Repeated).unwrap();
        assert_eq!((one.mean, one.sd, one.interval, one.luck()), (0.5, 0.0, None, 0.0));
        assert_eq!(Spread::of(MetricName::Accuracy, Vec::new(), Trials::Repeated), None);
    }
}
