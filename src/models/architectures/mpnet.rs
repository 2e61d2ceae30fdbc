//! `MPNet` (Song et al., 2004.09297): BERT without token types, whose attention also adds a number for each distance. Positions
//! begin after the padding token's, and heads are those of `RoBERTa`.

use crate::models::architecture::{
    Architecture, ClassifierNames, EncoderNames, FirstPosition, MaskedLmNames, Network, RelativeNames,
};
use crate::ops::Activation;

pub(in crate::models) static MPNET: Architecture = Architecture {
    types: &[("mpnet", "MPNet")],
    keys: &[],
    prefix: "mpnet.",
    parts: &["embeddings.", "encoder.", "pooler."],
    language_class: "ForMaskedLM",
    defaults: "{}",
    // `transformers` has these numbers in its code, whatever the file says.
    only: r#"{"pad_token_id": 1, "relative_attention_num_buckets": 32}"#,
    network: Network::Encoder {
        names: EncoderNames {
            has_types: false,
            first_position: FirstPosition::AfterPadding,
            relative: Some(RelativeNames::Bias("mpnet.encoder.relative_attention_bias")),
            layers: "mpnet.encoder.layer",
            query: "attention.attn.q",
            key: "attention.attn.k",
            value: "attention.attn.v",
            attention_output: "attention.attn.o",
            attention_norm: "attention.LayerNorm",
            ..EncoderNames::of_bert("mpnet.embeddings")
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
    heads: &["mpnet.pooler.", "classifier.", "lm_head."],
};
