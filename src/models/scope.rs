//! How far the tokens of each layer of a decoder see, and the angles of their positions. In `ModernBERT` (Warner et al.,
//! 2412.13663) tokens of most layers see only their neighbours, and those layers have angles of their own.

use crate::models::architecture::{DecoderNames, Sees};
use crate::models::config::ModelConfig;
use crate::models::decoder_config::Rope;

/// The name that `config.json` has for layers whose tokens see the whole text.
const GLOBAL: &str = "full_attention";
/// The name that `config.json` has for layers whose tokens see their neighbours.
const LOCAL: &str = "sliding_attention";

/// What the tokens of some layers see.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    /// The angle from one position to the next of each pair of columns; empty if positions turn nothing.
    pub frequencies: Vec<f32>,
    reach: Reach,
}

#[derive(Clone, Copy, Debug)]
enum Reach {
    /// So many tokens up to itself.
    Before(u32),
    /// So many tokens before it and after it.
    Around(u32),
}

impl Scope {
    /// The tokens that the one at `position` of a text sees: the first, and the one after the last.
    pub fn seen(&self, position: u32, length: u32) -> (u32, u32) {
        match self.reach {
            Reach::Before(most) => ((position + 1).saturating_sub(most), position + 1),
            Reach::Around(reach) => (position.saturating_sub(reach), position.saturating_add(reach + 1).min(length)),
        }
    }
}

impl ModelConfig {
    /// The scopes of a decoder, and which of them each layer has.
    pub(super) fn scopes(&self, names: &DecoderNames) -> (Vec<Scope>, Vec<usize>) {
        let width = self.decoder.head_width(self.hidden_size, self.num_attention_heads);
        let layers = self.num_hidden_layers;
        match names.sees {
            Sees::Before => {
                let frequencies =
                    if names.positions.is_none() { self.decoder.rope().frequencies(width) } else { Vec::new() };
                let window = self.decoder.sliding_window.filter(|_| self.decoder.use_sliding_window != Some(false));
                let most = window.map_or(u32::MAX, narrowed);
                (vec![Scope { frequencies, reach: Reach::Before(most) }], vec![0; layers])
            }
            Sees::Whole => {
                let [global, local] = self.ropes().map(|rope| rope.frequencies(width));
                let global = Scope { frequencies: global, reach: Reach::Around(u32::MAX - 1) };
                let local = Scope { frequencies: local, reach: Reach::Around(narrowed(self.local_attention() / 2)) };
                (vec![global, local], (0..layers).map(|layer| usize::from(self.is_local(layer))).collect())
            }
        }
    }

    /// The angles of global and of local layers.
    fn ropes(&self) -> [Rope; 2] {
        let keys = &self.decoder.local;
        let both = self.decoder.rope();
        let of = |own: &Option<Box<Rope>>, base: Option<f64>, usual: f64| {
            let rope = own.as_deref().unwrap_or(&both).clone();
            Rope { rope_theta: rope.rope_theta.or(base).or(Some(usual)), ..rope }
        };
        // What `transformers` assumes. Source: `configuration_modernbert.py`.
        [
            of(&both.full_attention, keys.global_rope_theta, 160_000.0),
            of(&both.sliding_attention, keys.local_rope_theta, 10_000.0),
        ]
    }

    fn local_attention(&self) -> usize {
        self.decoder.local.local_attention.unwrap_or(128)
    }

    fn is_local(&self, layer: usize) -> bool {
        match &self.decoder.local.layer_types {
            Some(kinds) => kinds.get(layer).is_some_and(|kind| kind == LOCAL),
            None => !layer.is_multiple_of(self.decoder.local.global_attn_every_n_layers.unwrap_or(3).max(1)),
        }
    }

    /// Refuses kinds of layers that Hone does not know, and what makes no sense.
    pub(super) fn check_scopes(&self) -> Result<(), String> {
        let keys = &self.decoder.local;
        if let Some(kinds) = &keys.layer_types {
            if let Some(kind) = kinds.iter().find(|kind| ![GLOBAL, LOCAL].contains(&kind.as_str())) {
                return Err(format!("layer_types \"{kind}\" is not supported"));
            }
            if kinds.len() != self.num_hidden_layers {
                let (kinds, layers) = (kinds.len(), self.num_hidden_layers);
                return Err(format!("layer_types has {kinds} entries for {layers} layers"));
            }
        }
        if keys.global_attn_every_n_layers == Some(0) {
            return Err("global_attn_every_n_layers is 0".to_owned());
        }
        self.ropes().iter().try_for_each(Rope::check)
    }
}

/// A number of tokens, at most as many as a text can have.
fn narrowed(tokens: usize) -> u32 {
    u32::try_from(tokens).unwrap_or(u32::MAX - 1).min(u32::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::architectures;

    fn config(extra: &str) -> ModelConfig {
        let json = format!(
            r#"{{"model_type": "modernbert", "vocab_size": 9, "hidden_size": 8, "num_hidden_layers": 4,
            "num_attention_heads": 2, "intermediate_size": 4, "max_position_embeddings": 16 {extra}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    fn names() -> &'static DecoderNames {
        architectures::of("modernbert").unwrap().decoder().unwrap()
    }

    #[test]
    fn one_layer_in_three_sees_the_whole_text_and_the_others_their_neighbours() {
        let (scopes, of_layers) = config(r#", "local_attention": 4"#).scopes(names());
        assert_eq!(of_layers, [0, 1, 1, 0]);
        assert_eq!([scopes[0].seen(5, 9), scopes[1].seen(5, 9)], [(0, 9), (3, 8)]);
        assert_eq!([scopes[1].seen(0, 9), scopes[1].seen(8, 9)], [(0, 3), (6, 9)]);
        let every_second = config(r#", "global_attn_every_n_layers": 2"#).scopes(names()).1;
        assert_eq!(every_second, [0, 1, 0, 1]);
    }

    #[test]
    fn older_and_newer_names_of_the_angles_mean_the_same() {
        let frequencies = |extra: &str| {
            let (scopes, _) = config(extra).scopes(names());
            [scopes[0].frequencies.clone(), scopes[1].frequencies.clone()]
        };
        let older = frequencies(r#", "global_rope_theta": 400.0, "local_rope_theta": 16.0"#);
        let newer = frequencies(
            r#", "rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 400.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 16.0}}"#,
        );
        assert_eq!(older, newer);
        assert_eq!(older, [vec![1.0, 1.0 / 20.0], vec![1.0, 0.25]]);
        assert_eq!(frequencies(""), [vec![1.0, 1.0 / 400.0], vec![1.0, 0.01]]);
    }

    #[test]
    fn layers_that_are_not_known_are_refused_by_name() {
        let cases = [
            (r#", "layer_types": ["full_attention", "chunked_attention"]"#, "layer_types \"chunked_attention\""),
            (r#", "layer_types": ["full_attention"]"#, "layer_types has 1 entries for 4 layers"),
            (r#", "global_attn_every_n_layers": 0"#, "global_attn_every_n_layers is 0"),
            (r#", "rope_parameters": {"sliding_attention": {"rope_type": "yarn"}}"#, "rope_type \"yarn\""),
        ];
        for (extra, part) in cases {
            let error = config(extra).check_scopes().unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        config("").check_scopes().unwrap();
    }
}
