//! Llama (Touvron et al., 2302.13971; `SmolLM2` is one too), and Mistral (2310.06825) and Qwen2 (2407.10671), which differ from
//! it in how far tokens see and in which layers have biases. Names are those of `transformers`.

use crate::models::architecture::{Architecture, AttentionNames, Biases, DecoderNames, FeedForwardNames, Network};

pub(in crate::models) static LLAMA: Architecture =
    of(&[("llama", "Llama"), ("mistral", "Mistral")], Biases::AsConfigured);

pub(in crate::models) static QWEN2: Architecture = of(&[("qwen2", "Qwen2")], Biases::Attention);

const fn of(types: &'static [(&'static str, &'static str)], biases: Biases) -> Architecture {
    Architecture {
        types,
        keys: &[("rms_norm_eps", "layer_norm_eps"), ("attention_dropout", "attention_probs_dropout_prob")],
        prefix: "model.",
        parts: &["embed_tokens.", "layers.", "norm."],
        language_class: "ForCausalLM",
        defaults: r#"{"hidden_act": "silu", "layer_norm_eps": 1e-6, "tie_word_embeddings": false, "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0}"#,
        network: Network::Decoder(DecoderNames {
            words: "model.embed_tokens",
            positions: None,
            layers: "model.layers",
            attention_norm: "input_layernorm",
            attention: AttentionNames::Each {
                query: "self_attn.q_proj",
                key: "self_attn.k_proj",
                value: "self_attn.v_proj",
            },
            attention_output: "self_attn.o_proj",
            feed_forward_norm: "post_attention_layernorm",
            feed_forward: FeedForwardNames::Gated { gate: "mlp.gate_proj", up: "mlp.up_proj" },
            feed_forward_output: "mlp.down_proj",
            last_norm: "model.norm",
            centres: false,
            biases,
            transposed: false,
        }),
        heads: &["score.", "lm_head.", "qa_outputs."],
    }
}
