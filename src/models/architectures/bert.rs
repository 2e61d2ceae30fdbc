//! BERT (Devlin et al., 1810.04805). Names are those of `transformers`' `BertModel`.

use crate::models::architecture::{Architecture, ClassifierNames, EncoderNames, MaskedLmNames, Network};
use crate::ops::Activation;

pub(in crate::models) static BERT: Architecture = Architecture {
    types: &[("bert", "Bert")],
    keys: &[],
    prefix: "bert.",
    parts: &["embeddings.", "encoder.", "pooler."],
    language_class: "ForMaskedLM",
    defaults: "{}",
    only: "{}",
    network: Network::Encoder {
        names: EncoderNames { layers: "bert.encoder.layer", ..EncoderNames::of_bert("bert.embeddings") },
        classifier: ClassifierNames {
            dense: "bert.pooler.dense",
            activation: Activation::Tanh,
            norm: None,
            has_biases: true,
            drops_input: false,
            scores: "classifier",
        },
        masked_lm: MaskedLmNames {
            dense: "cls.predictions.transform.dense",
            activation: None,
            norm: "cls.predictions.transform.LayerNorm",
            has_biases: true,
            decoder: "cls.predictions.decoder",
            bias: "cls.predictions.bias",
        },
    },
    heads: &["bert.pooler.", "classifier.", "cls."],
};
