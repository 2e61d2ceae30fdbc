//! ELECTRA (Clark et al., 2003.10555): BERT whose embeddings may be narrower than its layers, with other heads.

use crate::models::architecture::{Architecture, ClassifierNames, EncoderNames, MaskedLmNames, Network};
use crate::ops::Activation;

pub(in crate::models) static ELECTRA: Architecture = Architecture {
    types: &[("electra", "Electra")],
    keys: &[],
    prefix: "electra.",
    parts: &["embeddings.", "embeddings_project.", "encoder."],
    language_class: "ForMaskedLM",
    defaults: "{}",
    only: "{}",
    network: Network::Encoder {
        names: EncoderNames {
            layers: "electra.encoder.layer",
            projection: Some("electra.embeddings_project"),
            ..EncoderNames::of_bert("electra.embeddings")
        },
        classifier: ClassifierNames {
            dense: "classifier.dense",
            activation: Activation::Gelu,
            norm: None,
            has_biases: true,
            drops_input: true,
            scores: "classifier.out_proj",
        },
        masked_lm: MaskedLmNames {
            dense: "generator_predictions.dense",
            activation: Some(Activation::Gelu),
            norm: "generator_predictions.LayerNorm",
            has_biases: true,
            decoder: "generator_lm_head",
            bias: "generator_lm_head.bias",
        },
    },
    heads: &["classifier.", "discriminator_predictions.", "generator_predictions.", "generator_lm_head."],
};
