//! Which distances between tokens a network tells apart, by its configuration.

use crate::models::architecture::RelativeNames;
use crate::models::config::ModelConfig;
use crate::models::relative_config::OneOrMore;

/// Most rows of a table of distances.
const MOST_DISTANCES: i64 = 1 << 20;

/// How distances are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Rows of the table for each side.
    pub rows: i64,
    /// Where far distances share a row: the largest distance.
    pub farthest: Option<i64>,
}

impl ModelConfig {
    /// Whether there are products of queries, and of keys, with distances.
    pub(super) fn products_with_distances(&self) -> [bool; 2] {
        let names = self.relative.pos_att_type.as_ref().map(OneOrMore::names).unwrap_or_default();
        ["c2p", "p2c"].map(|name| names.iter().any(|found| found == name))
    }

    /// How distances are told apart, where queries and keys are multiplied with them.
    pub(super) fn span(&self) -> Span {
        let keys = &self.relative;
        let farthest = keys.max_relative_positions.filter(|&most| most > 0);
        let farthest = farthest.unwrap_or_else(|| i64::try_from(self.max_position_embeddings).unwrap_or(i64::MAX));
        match keys.position_buckets.filter(|&buckets| buckets > 0) {
            Some(buckets) => Span { rows: buckets, farthest: Some(farthest) },
            None => Span { rows: farthest, farthest: None },
        }
    }

    /// Whether the embeddings of distances are normalised.
    pub(super) fn normalises_distances(&self) -> bool {
        self.relative.norm_rel_ebd.as_deref() == Some("layer_norm")
    }

    /// Whether tokens have embeddings of their positions, in an encoder.
    pub(super) fn embeds_positions(&self) -> bool {
        self.relative.position_biased_input.unwrap_or(true)
    }

    /// Refuses what Hone does not compute, and sizes that make no sense.
    pub(super) fn check_distances(&self) -> Result<(), String> {
        let (keys, hidden) = (&self.relative, self.hidden_size);
        let names = self.architecture().encoder();
        if !matches!(names.and_then(|names| names.relative), Some(RelativeNames::Products { .. })) {
            return Ok(());
        }
        if !keys.relative_attention {
            return Err("relative_attention false is not supported".to_owned());
        }
        let products = keys.pos_att_type.as_ref().map(OneOrMore::names).unwrap_or_default();
        if let Some(other) = products.iter().find(|name| !["c2p", "p2c"].contains(&name.as_str())) {
            return Err(format!("pos_att_type \"{other}\" is not supported"));
        }
        if products.is_empty() {
            return Err("pos_att_type is missing, so attention would ignore distances".to_owned());
        }
        if let Some(other) = keys.norm_rel_ebd.as_deref().filter(|norm| !["layer_norm", "none"].contains(norm)) {
            return Err(format!("norm_rel_ebd \"{other}\" is not supported"));
        }
        let sizes = [
            ("pooler_hidden_size", keys.pooler_hidden_size, hidden),
            ("attention_head_size", keys.attention_head_size, hidden / self.num_attention_heads.max(1)),
            ("embedding_size", self.embedding_size, hidden),
        ];
        if let Some((key, Some(size), usual)) =
            sizes.iter().find(|(_, size, usual)| size.is_some_and(|size| size != *usual))
        {
            return Err(format!("{key} {size} is not supported, only {usual}"));
        }
        let Span { rows, farthest } = self.span();
        if rows > MOST_DISTANCES || farthest.is_some_and(|farthest| farthest > MOST_DISTANCES) {
            return Err(format!("Hone reads models with up to {MOST_DISTANCES} distances"));
        }
        match farthest {
            // Distances up to half of the rows have their own, and the others share the rest.
            Some(farthest) if rows < 4 || farthest <= rows / 2 + 1 => {
                Err(format!("position_buckets {rows} do not fit max_relative_positions {farthest}"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V3: &str = r#""relative_attention": true, "position_buckets": 8, "max_relative_positions": -1,
        "pos_att_type": "p2c|c2p", "norm_rel_ebd": "layer_norm", "share_att_key": true"#;

    fn config(extra: &str) -> ModelConfig {
        let json = format!(
            r#"{{"model_type": "deberta-v2", "vocab_size": 9, "hidden_size": 8, "num_hidden_layers": 1, "type_vocab_size": 0,
            "num_attention_heads": 2, "intermediate_size": 4, "max_position_embeddings": 16, {extra}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn the_values_of_common_files_are_understood() {
        let config_v3 = config(V3);
        config_v3.check_distances().unwrap();
        assert_eq!(config_v3.products_with_distances(), [true, true]);
        assert_eq!(config_v3.span(), Span { rows: 8, farthest: Some(16) });
        let plain = config(r#""relative_attention": true, "pos_att_type": ["c2p"], "max_relative_positions": 5"#);
        assert_eq!(plain.products_with_distances(), [true, false]);
        assert_eq!(plain.span(), Span { rows: 5, farthest: None });
    }

    #[test]
    fn what_is_not_computed_is_refused_by_name() {
        let cases = [
            ("true, \"position_buckets\"", "false, \"position_buckets\"", "relative_attention false"),
            ("p2c|c2p", "p2c|p2p", "pos_att_type \"p2p\""),
            ("\"p2c|c2p\"", "[]", "pos_att_type is missing"),
            ("layer_norm", "batch_norm", "norm_rel_ebd \"batch_norm\""),
            ("\"share_att_key\"", "\"pooler_hidden_size\": 4, \"share_att_key\"", "pooler_hidden_size 4"),
            ("\"share_att_key\"", "\"attention_head_size\": 5, \"share_att_key\"", "attention_head_size 5"),
            ("\"share_att_key\"", "\"embedding_size\": 5, \"share_att_key\"", "embedding_size 5"),
            ("-1", "5", "position_buckets 8 do not fit max_relative_positions 5"),
            ("-1", "9999999999", "up to 1048576 distances"),
        ];
        for (from, to, part) in cases {
            let error = config(&V3.replace(from, to)).check_distances().unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
