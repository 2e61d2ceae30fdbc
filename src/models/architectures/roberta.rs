//! `RoBERTa` (Liu et al., 1907.11692), and XLM-RoBERTa (1911.02116) and `CamemBERT` (1911.03894), which are the same network
//! with other words. It is BERT whose positions begin after the padding token's, with other heads.

use crate::models::architecture::{Architecture, ClassifierNames, EncoderNames, FirstPosition, MaskedLmNames, Network};
use crate::ops::Activation;

pub(in crate::models) static ROBERTA: Architecture = Architecture {
    types: &[("roberta", "Roberta"), ("xlm-roberta", "XLMRoberta"), ("camembert", "Camembert")],
    keys: &[],
    prefix: "roberta.",
    parts: &["embeddings.", "encoder.", "pooler."],
    language_class: "ForMaskedLM",
    defaults: "{}",
    only: "{}",
    network: Network::Encoder {
        names: EncoderNames {
            layers: "roberta.encoder.layer",
            first_position: FirstPosition::AfterPadding,
            ..EncoderNames::of_bert("roberta.embeddings")
        },
        classifier: ClassifierNames {
            dense: "classifier.dense",
            activation: Activation::Tanh,
            norm: None,
            has_biases: true,
            drops_input: true,
            scores: "classifier.out_proj",
        },
        masked_lm: MaskedLmNames {
            dense: "lm_head.dense",
            activation: Some(Activation::Gelu),
            norm: "lm_head.layer_norm",
            has_biases: true,
            decoder: "lm_head.decoder",
            bias: "lm_head.bias",
        },
    },
    heads: &["roberta.pooler.", "classifier.", "lm_head."],
};
