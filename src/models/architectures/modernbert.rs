//! `ModernBERT` (Warner et al., 2412.13663): an encoder built like a decoder. Layers normalise before their parts, positions
//! turn queries and keys, and most layers see only near tokens. Names are those of `transformers`' `ModernBertModel`.

use crate::models::architecture::{
    Architecture, AttentionNames, Biases, ClassifierNames, DecoderNames, FeedForwardNames, MaskedLmNames, Network,
    Norms, Sees,
};
use crate::ops::Activation;

pub(in crate::models) static MODERNBERT: Architecture = Architecture {
    types: &[("modernbert", "ModernBert")],
    keys: &[
        ("hidden_activation", "hidden_act"),
        ("norm_eps", "layer_norm_eps"),
        // Dropped before the output layer there, after it here.
        ("mlp_dropout", "hidden_dropout_prob"),
        ("attention_dropout", "attention_probs_dropout_prob"),
    ],
    prefix: "model.",
    parts: &["embeddings.", "layers.", "final_norm."],
    language_class: "ForMaskedLM",
    defaults: r#"{"layer_norm_eps": 1e-5, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
        "embedding_dropout": 0.0, "classifier_dropout": 0.0}"#,
    only: r#"{"norm_bias": false, "classifier_bias": false, "classifier_activation": "gelu", "decoder_bias": true}"#,
    network: Network::PreNormEncoder {
        names: DecoderNames {
            words: "model.embeddings.tok_embeddings",
            positions: None,
            embeddings_norm: Some("model.embeddings.norm"),
            layers: "model.layers",
            sees: Sees::Whole,
            attention_norm: "attn_norm",
            first_has_attention_norm: false,
            attention: AttentionNames::Joint("attn.Wqkv"),
            head_norms: None,
            attention_output: "attn.Wo",
            feed_forward_norm: "mlp_norm",
            feed_forward: FeedForwardNames::JointGated("mlp.Wi"),
            feed_forward_output: "mlp.Wo",
            last_norm: "model.final_norm",
            norms: Norms::WithoutBias,
            biases: Biases::AsConfigured,
            transposed: false,
        },
        classifier: ClassifierNames {
            dense: "head.dense",
            activation: Activation::Gelu,
            norm: Some("head.norm"),
            has_biases: false,
            drops_input: false,
            scores: "classifier",
        },
        masked_lm: MaskedLmNames {
            dense: "head.dense",
            activation: Some(Activation::Gelu),
            norm: "head.norm",
            has_biases: false,
            decoder: "decoder",
            bias: "decoder.bias",
        },
    },
    heads: &["head.", "classifier.", "decoder."],
};
