//! What becomes of the classification head of a model that was fine-tuned before.

use crate::models::config::ModelConfig;
use crate::models::save::SavedHead;
use crate::project::TaskKind;
use crate::words::{count, counted, listed_up_to, plural, shortened};

/// Labels that are named.
const SHOWN: usize = 5;
/// Longest name of a label, in characters.
const LONGEST: usize = 24;

/// The labels that a model was fine-tuned for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierLabels(Vec<String>);

impl ModelConfig {
    /// The labels that the model's classification head was trained for; `None` if it has no such head, or does not name them.
    #[must_use]
    pub fn earlier_labels(&self) -> Option<EarlierLabels> {
        let is_classifier = self.saved_head() == SavedHead::Of(TaskKind::TextClassification);
        Some(self.label_names()).filter(|labels| is_classifier && !labels.is_empty()).map(EarlierLabels)
    }
}

impl EarlierLabels {
    /// Whether a head for `labels` can continue with the trained one: it has the same labels in the same order.
    #[must_use]
    pub fn are(&self, labels: &[String]) -> bool {
        self.0 == labels
    }

    /// What becomes of the head if the model is trained for `labels`, in a sentence without a full stop, which calls it
    /// `model`. `is_other` is whether the head of the training is of another kind anyway.
    #[must_use]
    pub fn says(&self, model: &str, labels: &[String], is_other: bool) -> String {
        let are_same = self.are(labels);
        let number = |which: &str| format!("{which}{}", counted(self.0.len(), "label", "labels"));
        if are_same && !is_other {
            return format!("Already fine-tuned for {}: training continues from there", number("the same "));
        }
        let sorted = |labels: &[String]| {
            let mut labels = labels.to_vec();
            labels.sort_unstable();
            labels
        };
        let which = if are_same {
            number("the same ")
        } else if sorted(labels) == sorted(&self.0) {
            "the same labels in another order".to_owned()
        } else {
            format!("{} other {}", count(self.0.len()), plural(self.0.len(), "label", "labels"))
        };
        let names = self.0.iter().map(|label| shortened(label, LONGEST)).collect::<Vec<_>>();
        let named = listed_up_to(SHOWN, &names);
        format!(
            "{model} was fine-tuned for {which} ({named}): it keeps what it knows of language, and learns your labels from scratch"
        )
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;

    fn earlier(class: &str, labels: &[&str]) -> Option<EarlierLabels> {
        let names: serde_json::Map<String, serde_json::Value> =
            labels.iter().enumerate().map(|(id, label)| (id.to_string(), json!(label))).collect();
        let json = json!({"model_type": "bert", "architectures": [class], "vocab_size": 30, "hidden_size": 8,
            "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "max_position_embeddings": 16,
            "id2label": names});
        ModelConfig::from_json(json, Path::new("config.json")).unwrap().earlier_labels()
    }

    #[test]
    fn a_trained_head_is_kept_for_the_same_labels_only() {
        let classifier = "BertForSequenceClassification";
        let moods = ["negative", "neutral", "positive"];
        let trained = earlier(classifier, &moods).unwrap();
        let of = |labels: &[&str]| labels.iter().map(|&label| label.to_owned()).collect::<Vec<String>>();
        assert_eq!(
            trained.says("It", &of(&moods), false),
            "Already fine-tuned for the same 3 labels: training continues from there"
        );
        assert_eq!(
            trained.says("It", &of(&["bad", "good"]), false),
            "It was fine-tuned for 3 other labels (negative, neutral, positive): it keeps what it knows of language, and learns \
             your labels from scratch"
        );
        assert!(
            trained
                .says("It", &of(&["positive", "neutral", "negative"]), false)
                .contains("labels in another order (neg")
        );
        assert!(trained.says("It", &of(&moods), true).starts_with("It was fine-tuned for the same 3 labels (negative"));
        let many: Vec<String> = (0..90).map(|id| format!("label {id}")).collect();
        let many = earlier(classifier, &many.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        assert!(many.says("It", &[], false).len() < 200, "{}", many.says("It", &[], false));
        assert_eq!(earlier("BertModel", &moods), None);
        assert_eq!(earlier("BertForMaskedLM", &moods), None);
        assert_eq!(earlier(classifier, &[]), None);
    }
}
