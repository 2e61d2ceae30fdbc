//! `DistilBERT` (Sanh et al., 1910.01108): BERT with half the layers, without token types and without a pooler.

use crate::models::architecture::{Architecture, ClassifierNames, EncoderNames, FirstPosition, MaskedLmNames, Network};
use crate::ops::Activation;

pub(in crate::models) static DISTILBERT: Architecture = Architecture {
    types: &[("distilbert", "DistilBert")],
    keys: &[
        ("dim", "hidden_size"),
        ("n_layers", "num_hidden_layers"),
        ("n_heads", "num_attention_heads"),
        ("hidden_dim", "intermediate_size"),
        ("activation", "hidden_act"),
        ("dropout", "hidden_dropout_prob"),
        ("attention_dropout", "attention_probs_dropout_prob"),
        ("seq_classif_dropout", "classifier_dropout"),
    ],
    prefix: "distilbert.",
    parts: &["embeddings.", "transformer."],
    language_class: "ForMaskedLM",
    defaults: "{}",
    only: "{}",
    network: Network::Encoder {
        names: EncoderNames {
            embeddings: "distilbert.embeddings",
            has_types: false,
            first_position: FirstPosition::Zero,
            projection: None,
            relative: None,
            layers: "distilbert.transformer.layer",
            query: "attention.q_lin",
            key: "attention.k_lin",
            value: "attention.v_lin",
            attention_output: "attention.out_lin",
            attention_norm: "sa_layer_norm",
            intermediate: "ffn.lin1",
            output: "ffn.lin2",
            output_norm: "output_layer_norm",
        },
        classifier: ClassifierNames {
            dense: "pre_classifier",
            activation: Activation::Relu,
            norm: None,
            has_biases: true,
            drops_input: false,
            scores: "classifier",
        },
        masked_lm: MaskedLmNames {
            dense: "vocab_transform",
            activation: None,
            norm: "vocab_layer_norm",
            has_biases: true,
            decoder: "vocab_projector",
            bias: "vocab_projector.bias",
        },
    },
    heads: &[
        "pre_classifier.",
        "classifier.",
        "vocab_transform.",
        "vocab_layer_norm.",
        "vocab_projector.",
        "qa_outputs.",
    ],
};
