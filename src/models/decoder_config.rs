//! Keys of `config.json` that only decoders have.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most columns of an attention head.
const MOST_HEAD_WIDTH: usize = 1 << 16;

/// Keys of `config.json` that only decoders have, with their Hugging Face names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DecoderConfig {
    /// Attention heads of the keys and values; `None`: as many as of the queries.
    pub num_key_value_heads: Option<usize>,
    /// Columns of an attention head; `None`: the hidden states' divided by the heads.
    pub head_dim: Option<usize>,
    /// Base of the angles of rotary positions.
    pub rope_theta: Option<f64>,
    /// How angles of rotary positions are computed, as newer files have it.
    pub rope_parameters: Option<Rope>,
    /// How angles of rotary positions are computed, as older files have it.
    pub rope_scaling: Option<Rope>,
    /// Whether the linear layers of attention have biases.
    pub attention_bias: bool,
    /// Whether the linear layers of the feed-forward part have biases.
    pub mlp_bias: bool,
    /// The most tokens before it, and itself, that a token sees; `None`: all.
    pub sliding_window: Option<usize>,
    /// Whether that counts, where a file says so: Qwen2's have a number there that is not used.
    pub use_sliding_window: Option<bool>,
    /// Dropout of the embeddings; `None`: as of the hidden states.
    pub embedding_dropout: Option<f64>,
    /// Of networks with local layers.
    #[serde(flatten)]
    pub local: LocalLayers,
}

/// Keys of `config.json` that only networks with local layers have, with their Hugging Face names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LocalLayers {
    /// The tokens that one of a local layer sees, itself not counted: half before it and half after it.
    pub local_attention: Option<usize>,
    /// One layer in so many is global, and the first is.
    pub global_attn_every_n_layers: Option<usize>,
    /// Kind of each layer, as newer files have it.
    pub layer_types: Option<Vec<String>>,
    /// Base of the angles of global layers, as older files have it.
    pub global_rope_theta: Option<f64>,
    /// Base of the angles of local layers, as older files have it.
    pub local_rope_theta: Option<f64>,
}

/// How the angles of rotary positions are computed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rope {
    /// Kind of scaling: `default`, `linear` or `llama3`.
    pub rope_type: Option<String>,
    /// The same under its older name. Some files have both.
    #[serde(rename = "type")]
    pub older_type: Option<String>,
    /// Base of the angles.
    pub rope_theta: Option<f64>,
    /// How many times longer texts are than those of the first training.
    pub factor: Option<f64>,
    /// Of `llama3`: waves longer than the first training's texts divided by this are scaled.
    pub low_freq_factor: Option<f64>,
    /// Of `llama3`: waves shorter than the first training's texts divided by this stay.
    pub high_freq_factor: Option<f64>,
    /// Of `llama3`: positions in the first training.
    pub original_max_position_embeddings: Option<f64>,
    /// Of layers whose tokens see the whole text, if their angles differ.
    pub full_attention: Option<Box<Rope>>,
    /// Of layers whose tokens see their neighbours, if their angles differ.
    pub sliding_attention: Option<Box<Rope>>,
}

impl DecoderConfig {
    /// Columns of an attention head.
    pub(super) fn head_width(&self, hidden: usize, heads: usize) -> usize {
        self.head_dim.unwrap_or(hidden / heads.max(1))
    }

    /// Heads of the keys and values.
    pub(super) fn key_heads(&self, heads: usize) -> usize {
        self.num_key_value_heads.unwrap_or(heads)
    }

    /// How angles are computed in all layers that say nothing else.
    pub(super) fn rope(&self) -> Rope {
        let rope = self.rope_parameters.clone().or_else(|| self.rope_scaling.clone()).unwrap_or_default();
        Rope { rope_theta: rope.rope_theta.or(self.rope_theta), ..rope }
    }

    /// Refuses sizes that make no sense and scalings that Hone does not compute.
    pub(super) fn check(&self, hidden: usize, heads: usize) -> Result<(), String> {
        let (width, key_heads) = (self.head_width(hidden, heads), self.key_heads(heads));
        if width == 0 || width > MOST_HEAD_WIDTH || !width.is_multiple_of(2) {
            return Err(format!("head_dim {width} is not an even number up to {MOST_HEAD_WIDTH}"));
        }
        if key_heads == 0 || !heads.is_multiple_of(key_heads) {
            return Err(format!("num_attention_heads {heads} is not divisible by num_key_value_heads {key_heads}"));
        }
        if self.sliding_window == Some(0) {
            return Err("sliding_window is 0".to_owned());
        }
        if self.embedding_dropout.is_some_and(|dropout| !(0.0..1.0).contains(&dropout)) {
            return Err("a dropout probability is not between 0 and 1".to_owned());
        }
        self.rope().check()
    }
}

impl Rope {
    fn kind(&self) -> Option<&str> {
        self.rope_type.as_deref().or(self.older_type.as_deref())
    }

    /// The angle from one position to the next of each pair of columns, `[width / 2]`.
    pub(super) fn frequencies(&self, width: usize) -> Vec<f32> {
        let base = self.rope_theta.unwrap_or(10_000.0);
        let plain = (0..width / 2).map(|pair| 1.0 / base.powf(2.0 * pair as f64 / width as f64));
        plain.map(|frequency| self.scaled(frequency) as f32).collect()
    }

    /// Refuses scalings that Hone does not compute, and numbers that make no sense.
    pub(super) fn check(&self) -> Result<(), String> {
        let numbers = match self.kind() {
            None | Some("default") => vec![],
            Some("linear") => vec![("factor", self.factor)],
            Some("llama3") => vec![
                ("factor", self.factor),
                ("low_freq_factor", self.low_freq_factor),
                ("high_freq_factor", self.high_freq_factor),
                ("original_max_position_embeddings", self.original_max_position_embeddings),
            ],
            Some(other) => return Err(format!("rope_type \"{other}\" is not supported")),
        };
        let theta = [("rope_theta", Some(self.rope_theta.unwrap_or(10_000.0)))];
        let is_wrong = |value: &Option<f64>| value.is_none_or(|value| !(value.is_finite() && value > 0.0));
        match numbers.iter().chain(&theta).find(|(_, value)| is_wrong(value)) {
            Some((name, _)) => Err(format!("{name} of the rotary positions is not a positive number")),
            None => Ok(()),
        }
    }

    /// The frequency for longer texts. Source: `modeling_rope_utils.py` of `transformers`.
    fn scaled(&self, frequency: f64) -> f64 {
        let factor = self.factor.unwrap_or(1.0);
        let numbers = (self.low_freq_factor, self.high_freq_factor, self.original_max_position_embeddings);
        match (self.kind(), numbers) {
            (Some("linear"), _) => frequency / factor,
            (Some("llama3"), (Some(low), Some(high), Some(first))) => {
                let wave = 2.0 * std::f64::consts::PI / frequency;
                if wave < first / high {
                    return frequency;
                }
                if wave > first / low {
                    return frequency / factor;
                }
                let share = (first / wave - low) / (high - low);
                (1.0 - share) * frequency / factor + share * frequency
            }
            _ => frequency,
        }
    }
}

/// Refuses values under which a decoder computes something that Hone does not support.
pub(super) fn refuse_unsupported(config: &Value) -> Result<(), String> {
    let is = |key: &str, value: bool| config.get(key).and_then(Value::as_bool) == Some(value);
    let usual = [
        ("scale_attn_weights", true),
        ("scale_attn_by_inverse_layer_idx", false),
        ("reorder_and_upcast_attn", false),
        ("use_sliding_window", false),
    ];
    if let Some((key, usual)) = usual.into_iter().find(|(key, usual)| is(key, !usual)) {
        return Err(format!("{key} {} is not supported", !usual));
    }
    let types = config.get("layer_types").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    match types.iter().find(|kind| kind.as_str() != Some("full_attention")) {
        Some(kind) => Err(format!("layer_types {kind} is not supported")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> DecoderConfig {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_is_not_computed_is_refused_by_name() {
        let cases = [
            (r#"{"rope_scaling": {"type": "yarn", "factor": 4.0}}"#, "rope_type \"yarn\""),
            (r#"{"rope_scaling": {"rope_type": "linear"}}"#, "factor of the rotary"),
            (r#"{"rope_scaling": {"type": "linear", "rope_type": "linear", "factor": 0.0}}"#, "factor of the rotary"),
            (r#"{"rope_parameters": {"rope_type": "llama3", "factor": 8.0}}"#, "low_freq_factor"),
            (r#"{"rope_parameters": {"rope_theta": 0.0}}"#, "rope_theta"),
            (r#"{"num_key_value_heads": 3}"#, "num_attention_heads 4 is not divisible by num_key_value_heads 3"),
            (r#"{"head_dim": 5}"#, "head_dim 5"),
            (r#"{"sliding_window": 0}"#, "sliding_window is 0"),
            (r#"{"embedding_dropout": 1.0}"#, "dropout"),
        ];
        for (json, part) in cases {
            let error = of(json).check(16, 4).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        of("{}").check(16, 4).unwrap();
        let refused = |json: &str| refuse_unsupported(&serde_json::from_str(json).unwrap()).unwrap_err();
        assert!(refused(r#"{"use_sliding_window": true}"#).contains("use_sliding_window true"));
        assert!(refused(r#"{"scale_attn_weights": false}"#).contains("scale_attn_weights false"));
        assert!(refused(r#"{"layer_types": ["full_attention", "sliding_attention"]}"#).contains("sliding_attention"));
    }

    #[test]
    fn a_linear_scaling_divides_the_frequencies() {
        let [plain, scaled] =
            ["{}", r#"{"rope_scaling": {"type": "linear", "factor": 2.0}}"#].map(|json| of(json).rope().frequencies(8));
        assert_eq!(scaled, plain.iter().map(|frequency| frequency / 2.0).collect::<Vec<_>>());
    }
}
