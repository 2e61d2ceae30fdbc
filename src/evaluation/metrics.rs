//! The metrics of an evaluation, for any task.

use serde::{Deserialize, Serialize};

use crate::evaluation::{ClassificationMetrics, LanguageModelMetrics};
use crate::project::{MetricName, TaskKind};

/// The metrics of one evaluation.
#[allow(clippy::large_enum_variant, reason = "a few at a time")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Metrics {
    /// Text classification.
    Classification(ClassificationMetrics),
    /// Language modelling.
    LanguageModelling(LanguageModelMetrics),
}

impl Metrics {
    /// The headline metrics, in display order.
    #[must_use]
    pub fn figures(&self) -> Vec<(MetricName, f64)> {
        match self {
            Self::Classification(metrics) => vec![
                (MetricName::MacroF1, metrics.macro_average.f1),
                (MetricName::Accuracy, metrics.accuracy),
                (MetricName::Loss, metrics.loss),
            ],
            Self::LanguageModelling(metrics) => vec![
                (MetricName::Perplexity, metrics.overall.perplexity()),
                (MetricName::MaskedAccuracy, metrics.overall.accuracy()),
                (MetricName::Loss, metrics.overall.loss()),
            ],
        }
    }

    /// One metric; `None` if the task doesn't have it.
    #[must_use]
    pub fn get(&self, name: MetricName) -> Option<f64> {
        self.figures().into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Mean cross-entropy in nats: of a row in classification, of a masked token in language modelling.
    #[must_use]
    pub fn loss(&self) -> f64 {
        match self {
            Self::Classification(metrics) => metrics.loss,
            Self::LanguageModelling(metrics) => metrics.overall.loss(),
        }
    }

    /// Rows evaluated; 0 if the run lost its metrics in a crash.
    #[must_use]
    pub fn rows(&self) -> u64 {
        match self {
            Self::Classification(metrics) => metrics.rows,
            Self::LanguageModelling(metrics) => metrics.documents,
        }
    }

    /// The metrics of no rows, for a run that lost its metrics in a crash.
    #[must_use]
    pub fn empty(task: TaskKind) -> Self {
        match task {
            TaskKind::TextClassification => Self::Classification(ClassificationMetrics::default()),
            TaskKind::LanguageModelling => Self::LanguageModelling(LanguageModelMetrics::default()),
        }
    }

    /// Perplexity and accuracy of words, if the task is language modelling.
    #[must_use]
    pub fn language_modelling(&self) -> Option<&LanguageModelMetrics> {
        match self {
            Self::Classification(_) => None,
            Self::LanguageModelling(metrics) => Some(metrics),
        }
    }

    /// Precision, recall and confusion matrix, if the task is text classification.
    #[must_use]
    pub fn classification(&self) -> Option<&ClassificationMetrics> {
        match self {
            Self::Classification(metrics) => Some(metrics),
            Self::LanguageModelling(_) => None,
        }
    }
}

/// The 95% interval of a metric, by bootstrap over the rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The metric.
    pub metric: MetricName,
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The kinds of baselines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BaselineName {
    /// Always predicting the most frequent training label.
    MajorityClass,
    /// TF-IDF with logistic regression, fitted on the same training rows.
    TfIdf,
    /// Logistic regression on the embeddings of the network before training, fitted on the same training rows or some of them.
    Instant,
    /// The pre-trained model before training.
    Untrained,
}

impl BaselineName {
    /// Its name on screen.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::MajorityClass => "Majority baseline (always the most frequent label)",
            Self::TfIdf => "TF-IDF baseline (with logistic regression)",
            Self::Instant => {
                "Instant baseline (the model before training, with logistic regression on at most 4,000 rows)"
            }
            Self::Untrained => "Before training",
        }
    }
}

/// A baseline and its scores on the same rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Which one.
    pub name: BaselineName,
    /// Its metrics.
    pub metrics: Metrics,
    /// 95% interval of the run's main metric less this baseline's, both on the same rows drawn again together; `None` with too
    /// few rows, and in runs of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Interval>,
}

impl Baseline {
    /// A baseline that the run was not compared with row by row.
    #[must_use]
    pub fn alone(name: BaselineName, metrics: Metrics) -> Self {
        Self { name, metrics, difference: None }
    }
}
