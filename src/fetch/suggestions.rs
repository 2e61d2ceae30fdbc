//! Models of the Hugging Face Hub that Hone suggests. Their files are not known: choosing one looks it up, and pins it, as for a
//! model that a search found.

use serde::Deserialize;

use crate::fetch::hub_name::HubName;

/// A model that Hone suggests, with the facts that are known without asking the Hub.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuggestedModel {
    /// Short name used in the terminal.
    pub id: String,
    /// Display name.
    pub name: String,
    /// `owner/name` on the Hub.
    pub repo: String,
    /// What it is good for, in a word.
    pub group: ModelGroup,
    /// `model_type` of its `config.json`.
    pub architecture: String,
    /// Parameters of the network without a head, computed from its shape; `None` if that is not known.
    #[serde(default)]
    pub parameters: Option<u64>,
    /// SPDX name of the licence of the weights.
    pub licence: String,
    /// The languages of its training texts.
    pub languages: Languages,
    /// Most tokens it reads of a text.
    pub longest: u64,
    /// One sentence: who should choose it.
    pub description: String,
}

/// Languages of a model's training texts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub enum Languages {
    /// One, by its ISO 639-3 code.
    Only(String),
    /// Several: this many, by the authors' count.
    Several(u32),
}

/// What models are good for: the groups in which they are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
pub enum ModelGroup {
    /// For a first model, and for machines without a GPU.
    #[default]
    SmallAndFast,
    /// Slower, and usually more accurate.
    Larger,
    /// For other languages than English.
    OtherLanguages,
    /// For texts of more than 512 tokens.
    LongTexts,
    /// Decoders, as GPT is one.
    Gpt,
}

impl ModelGroup {
    /// All groups, in display order.
    pub const ALL: [Self; 5] = [Self::SmallAndFast, Self::Larger, Self::OtherLanguages, Self::LongTexts, Self::Gpt];

    /// Its name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::SmallAndFast => "Small and fast",
            Self::Larger => "Larger",
            Self::OtherLanguages => "Other languages",
            Self::LongTexts => "Long texts",
            Self::Gpt => "GPT",
        }
    }

    /// Whom it is for, in a sentence.
    #[must_use]
    pub fn purpose(self) -> &'static str {
        match self {
            Self::SmallAndFast => "Start here: quick to train, also without a GPU",
            Self::Larger => "Usually more accurate, and several times slower",
            Self::OtherLanguages => "For texts that are not in English, or in several languages",
            Self::LongTexts => {
                "Read up to 8,192 tokens of a text (about 6,100 words). BERT and most others read 512 (about 380)"
            }
            Self::Gpt => {
                "Models that write text, such as GPT-2 and Llama. They can classify too, but need more time and memory than BERT"
            }
        }
    }
}

impl SuggestedModel {
    /// Its name on the Hub; `None` if the catalogue is damaged, which a test rules out.
    #[must_use]
    pub fn hub_name(&self) -> Option<HubName> {
        HubName::parse(&self.repo).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::*;
    use crate::data::Language;
    use crate::fetch::Catalogue;
    use crate::models::{ModelConfig, can_train};

    /// The shapes of the networks, as their `config.json` has them.
    fn shape(id: &str) -> Value {
        let encoder = |vocabulary: u64, hidden: u64, layers: u64, positions: u64, types: u64| {
            json!({"vocab_size": vocabulary, "hidden_size": hidden, "num_hidden_layers": layers,
                "num_attention_heads": hidden / if hidden == 384 { 32 } else { 64 }, "intermediate_size": 4 * hidden,
                "max_position_embeddings": positions, "type_vocab_size": types, "hidden_act": "gelu",
                "layer_norm_eps": 1e-12, "pad_token_id": 1})
        };
        let modern = |hidden: u64, layers: u64, inner: u64| {
            json!({"vocab_size": 50368, "hidden_size": hidden, "num_hidden_layers": layers,
                "num_attention_heads": hidden / 64, "intermediate_size": inner, "max_position_embeddings": 8192,
                "attention_bias": false, "mlp_bias": false, "norm_bias": false, "norm_eps": 1e-5,
                "global_attn_every_n_layers": 3, "global_rope_theta": 160_000.0, "local_attention": 128,
                "local_rope_theta": 10000.0, "hidden_activation": "gelu", "pad_token_id": 50283})
        };
        match id {
            "distilbert-base-uncased" => json!({"vocab_size": 30522, "dim": 768, "n_layers": 6, "n_heads": 12,
                "hidden_dim": 3072, "max_position_embeddings": 512, "activation": "gelu"}),
            "legal-bert-small" => encoder(30522, 512, 6, 512, 2),
            "roberta-base" => encoder(50265, 768, 12, 514, 1),
            "all-mpnet-base-v2" => {
                let mut shape = encoder(30527, 768, 12, 514, 1);
                shape["relative_attention_num_buckets"] = json!(32);
                shape
            }
            "multilingual-e5-small" => encoder(250_037, 384, 12, 512, 2),
            "xlm-roberta-base" => encoder(250_002, 768, 12, 514, 1),
            "bert-base-german-cased" => encoder(30000, 768, 12, 512, 2),
            "camembert-base" => encoder(32005, 768, 12, 514, 1),
            "modernbert-base" => modern(768, 22, 1152),
            "modernbert-large" => modern(1024, 28, 2624),
            "gpt2" => json!({"vocab_size": 50257, "n_embd": 768, "n_layer": 12, "n_head": 12, "n_positions": 1024,
                "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5}),
            "smollm2-135m" => json!({"vocab_size": 49152, "hidden_size": 576, "num_hidden_layers": 30,
                "num_attention_heads": 9, "num_key_value_heads": 3, "intermediate_size": 1536, "hidden_act": "silu",
                "max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "rope_theta": 100_000.0,
                "tie_word_embeddings": true}),
            "qwen3-0.6b" => json!({"vocab_size": 151_936, "hidden_size": 1024, "num_hidden_layers": 28,
                "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 3072,
                "hidden_act": "silu", "max_position_embeddings": 32768, "rms_norm_eps": 1e-6,
                "rope_theta": 1_000_000.0, "tie_word_embeddings": true}),
            other => panic!("the shape of {other} is not known: leave its parameters out"),
        }
    }

    #[test]
    fn parameters_and_longest_texts_follow_from_the_shapes_of_the_networks() {
        let known = |model: &&SuggestedModel| model.parameters.is_some();
        let models: Vec<&SuggestedModel> = Catalogue::bundled().unwrap().suggested().iter().filter(known).collect();
        let computed = models.iter().map(|model| {
            let mut shape = shape(&model.id);
            shape["model_type"] = json!(model.architecture);
            let config = ModelConfig::from_json(shape, Path::new(&model.id)).unwrap();
            (model.id.as_str(), config.parameters_without_head(), config.max_positions() as u64)
        });
        let stated =
            models.iter().map(|model| (model.id.as_str(), model.parameters.unwrap_or_default(), model.longest));
        assert_eq!(stated.collect::<Vec<_>>(), computed.collect::<Vec<_>>());
    }

    #[test]
    fn every_suggested_model_can_be_looked_up_and_trained() {
        let catalogue = Catalogue::bundled().unwrap();
        for model in catalogue.suggested() {
            let name = model.hub_name().unwrap();
            assert!(name.has_owner() && name.repo() == model.repo, "{}", model.repo);
            assert!(can_train(&model.architecture), "{}", model.id);
            if let Languages::Only(code) = &model.languages {
                assert!(Language::of_code(code).is_some(), "{code}");
            }
            assert!(model.description.ends_with('.') && model.description.len() < 120, "{}", model.description);
        }
        let of = |group| catalogue.offers(group).count();
        assert!(ModelGroup::ALL.into_iter().all(|group| (2..=4).contains(&of(group))), "a group is not a wall");
        assert_eq!(ModelGroup::ALL.into_iter().map(of).sum::<usize>(), 16);
        assert_eq!(catalogue.offers(ModelGroup::SmallAndFast).next().unwrap().id(), "minilm-l6");
    }
}
