//! Llama (Touvron et al., 2302.13971; `SmolLM2` is one too), and Mistral (2310.06825), Qwen2 (2407.10671) and Qwen3
//! (2505.09388), which differ from it in how far tokens see, in which layers have biases, and in whether heads are normalised.
//! Names are those of `transformers`.

use crate::models::architecture::{
    Architecture, AttentionNames, Biases, DecoderNames, FeedForwardNames, HeadNormNames, Network, Norms, Sees,
};

pub(in crate::models) static LLAMA: Architecture =
    of(&[("llama", "Llama"), ("mistral", "Mistral")], LIKE_LLAMA, &NAMES);

pub(in crate::models) static QWEN2: Architecture =
    of(&[("qwen2", "Qwen2")], LIKE_LLAMA, &DecoderNames { biases: Biases::Attention, ..NAMES });

pub(in crate::models) static QWEN3: Architecture = of(
    &[("qwen3", "Qwen3")],
    r#"{"hidden_act": "silu", "layer_norm_eps": 1e-6, "tie_word_embeddings": false, "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0, "head_dim": 128}"#,
    &DecoderNames { head_norms: Some(HeadNormNames { query: "self_attn.q_norm", key: "self_attn.k_norm" }), ..NAMES },
);

const LIKE_LLAMA: &str = r#"{"hidden_act": "silu", "layer_norm_eps": 1e-6, "tie_word_embeddings": false,
    "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}"#;

const NAMES: DecoderNames = DecoderNames {
    words: "model.embed_tokens",
    positions: None,
    embeddings_norm: None,
    layers: "model.layers",
    sees: Sees::Before,
    attention_norm: "input_layernorm",
    first_has_attention_norm: true,
    attention: AttentionNames::Each { query: "self_attn.q_proj", key: "self_attn.k_proj", value: "self_attn.v_proj" },
    head_norms: None,
    attention_output: "self_attn.o_proj",
    feed_forward_norm: "post_attention_layernorm",
    feed_forward: FeedForwardNames::Gated { gate: "mlp.gate_proj", up: "mlp.up_proj" },
    feed_forward_output: "mlp.down_proj",
    last_norm: "model.norm",
    norms: Norms::RootMeanSquare,
    biases: Biases::AsConfigured,
    transposed: false,
};

const fn of(
    types: &'static [(&'static str, &'static str)],
    defaults: &'static str,
    names: &DecoderNames,
) -> Architecture {
    Architecture {
        types,
        keys: &[("rms_norm_eps", "layer_norm_eps"), ("attention_dropout", "attention_probs_dropout_prob")],
        prefix: "model.",
        parts: &["embed_tokens.", "layers.", "norm."],
        language_class: "ForCausalLM",
        defaults,
        only: "{}",
        network: Network::Decoder(*names),
        heads: &["score.", "lm_head.", "qa_outputs."],
    }
}
