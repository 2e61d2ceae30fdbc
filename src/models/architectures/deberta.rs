//! `DeBERTa` of versions 2 and 3 (He et al., 2006.03654 and 2111.09543): BERT whose attention also multiplies queries and keys
//! with embeddings of distances. Names are those of `transformers`' `DebertaV2Model`.

use crate::models::architecture::{Architecture, ClassifierNames, EncoderNames, MaskedLmNames, Network, RelativeNames};
use crate::ops::Activation;

pub(in crate::models) static DEBERTA: Architecture = Architecture {
    types: &[("deberta-v2", "DebertaV2")],
    keys: &[("cls_dropout", "classifier_dropout")],
    prefix: "deberta.",
    parts: &["embeddings.", "encoder."],
    language_class: "ForMaskedLM",
    defaults: r#"{"layer_norm_eps": 1e-7, "type_vocab_size": 0}"#,
    // A convolution is part of the largest networks of version 2.
    only: r#"{"conv_kernel_size": 0, "pooler_dropout": 0, "pooler_hidden_act": "gelu", "legacy": true}"#,
    network: Network::Encoder {
        names: EncoderNames {
            relative: Some(RelativeNames::Products {
                table: "deberta.encoder.rel_embeddings",
                norm: "deberta.encoder.LayerNorm",
                key: "attention.self.pos_key_proj",
                query: "attention.self.pos_query_proj",
            }),
            layers: "deberta.encoder.layer",
            query: "attention.self.query_proj",
            key: "attention.self.key_proj",
            value: "attention.self.value_proj",
            ..EncoderNames::of_bert("deberta.embeddings")
        },
        classifier: ClassifierNames {
            dense: "pooler.dense",
            activation: Activation::Gelu,
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
    // Version 3 was trained with other heads, and saved with positions that it does not use.
    heads: &[
        "pooler.",
        "classifier.",
        "cls.",
        "lm_predictions.",
        "mask_predictions.",
        "deberta.embeddings.position_embeddings.",
    ],
};
