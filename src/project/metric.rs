//! The metrics a task is scored with.

use serde::{Deserialize, Serialize};

/// A metric. It chooses the best checkpoint of a run, and tables and charts show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MetricName {
    /// Unweighted mean of the F1 of each label, 0..1.
    MacroF1,
    /// Share of correct predictions, 0..1.
    Accuracy,
    /// Mean cross-entropy, in nats.
    Loss,
    /// `e` to the power of the mean cross-entropy of a predicted token, 1 or more.
    Perplexity,
    /// Share of the masked words, or of all words for a model that predicts the next token, predicted exactly, 0..1.
    MaskedAccuracy,
}

impl MetricName {
    /// All metrics.
    pub const ALL: [Self; 5] = [Self::MacroF1, Self::Accuracy, Self::Loss, Self::Perplexity, Self::MaskedAccuracy];

    /// Its name as a heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::MacroF1 => "Macro-F1",
            Self::Accuracy => "Accuracy",
            Self::Loss => "Loss",
            Self::Perplexity => "Perplexity",
            Self::MaskedAccuracy => "Word accuracy",
        }
    }

    /// Its name within a sentence.
    #[must_use]
    pub fn in_a_sentence(self) -> &'static str {
        match self {
            Self::MacroF1 => "macro-F1",
            Self::Accuracy => "accuracy",
            Self::Loss => "loss",
            Self::Perplexity => "perplexity",
            Self::MaskedAccuracy => "word accuracy",
        }
    }

    /// What it measures, in a sentence.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        match self {
            Self::MacroF1 => "The mean F1 of all labels, so that rare labels count as much as frequent ones",
            Self::Accuracy => "The share of correct predictions",
            Self::Loss => "How much probability the model gives to wrong answers; lower is better",
            Self::Perplexity => "How many tokens the model hesitates between, on average; lower is better",
            Self::MaskedAccuracy => "The share of hidden or next words that the model predicts exactly",
        }
    }

    /// Whether a higher value is better.
    #[must_use]
    pub fn higher_is_better(self) -> bool {
        match self {
            Self::MacroF1 | Self::Accuracy | Self::MaskedAccuracy => true,
            Self::Loss | Self::Perplexity => false,
        }
    }

    /// Whether a value is better than another.
    #[must_use]
    pub fn is_better(self, value: f64, than: f64) -> bool {
        if self.higher_is_better() { value > than } else { value < than }
    }

    /// Whether it is a share, shown as a percentage or on an axis from 0 to 1.
    #[must_use]
    pub fn is_share(self) -> bool {
        match self {
            Self::MacroF1 | Self::Accuracy | Self::MaskedAccuracy => true,
            Self::Loss | Self::Perplexity => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_keep_the_names_that_project_files_use() {
        for (metric, written) in
            MetricName::ALL.into_iter().zip(["MacroF1", "Accuracy", "Loss", "Perplexity", "MaskedAccuracy"])
        {
            assert_eq!(ron::to_string(&metric).unwrap(), written);
            assert_eq!(ron::from_str::<MetricName>(written).unwrap(), metric);
            assert_eq!(metric.title().to_lowercase(), metric.in_a_sentence().to_lowercase());
        }
    }

    #[test]
    fn lower_is_better_for_loss_and_perplexity_only() {
        let lower: Vec<MetricName> = MetricName::ALL.into_iter().filter(|metric| !metric.higher_is_better()).collect();
        assert_eq!(lower, [MetricName::Loss, MetricName::Perplexity]);
        assert!(lower.iter().all(|metric| metric.explanation().ends_with("lower is better")));
    }
}
