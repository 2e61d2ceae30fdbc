//! GPT-2 (Radford et al., 2019). Names are those of `transformers`' `GPT2Model`.

use crate::models::architecture::{
    Architecture, AttentionNames, Biases, DecoderNames, FeedForwardNames, Network, Norms, Sees,
};

pub(in crate::models) static GPT2: Architecture = Architecture {
    types: &[("gpt2", "GPT2")],
    keys: &[
        ("n_embd", "hidden_size"),
        ("n_layer", "num_hidden_layers"),
        ("n_head", "num_attention_heads"),
        ("n_inner", "intermediate_size"),
        ("n_positions", "max_position_embeddings"),
        ("activation_function", "hidden_act"),
        ("resid_pdrop", "hidden_dropout_prob"),
        ("attn_pdrop", "attention_probs_dropout_prob"),
        ("embd_pdrop", "embedding_dropout"),
        ("layer_norm_epsilon", "layer_norm_eps"),
    ],
    prefix: "transformer.",
    parts: &["wte.", "wpe.", "h.", "ln_f."],
    language_class: "LMHeadModel",
    defaults: r#"{"hidden_act": "gelu_new", "layer_norm_eps": 1e-5}"#,
    only: "{}",
    network: Network::Decoder(DecoderNames {
        words: "transformer.wte",
        positions: Some("transformer.wpe"),
        embeddings_norm: None,
        layers: "transformer.h",
        sees: Sees::Before,
        attention_norm: "ln_1",
        first_has_attention_norm: true,
        attention: AttentionNames::Joint("attn.c_attn"),
        head_norms: None,
        attention_output: "attn.c_proj",
        feed_forward_norm: "ln_2",
        feed_forward: FeedForwardNames::Plain("mlp.c_fc"),
        feed_forward_output: "mlp.c_proj",
        last_norm: "transformer.ln_f",
        norms: Norms::WithBias,
        biases: Biases::All,
        transposed: true,
    }),
    heads: &["score.", "lm_head.", "multiple_choice_head."],
};
