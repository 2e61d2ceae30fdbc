//! Keys of `config.json` of networks whose attention knows how far apart tokens are.

use serde::{Deserialize, Serialize};

/// Keys of `config.json` that only networks with relative positions have, with their Hugging Face names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RelativeConfig {
    /// Whether distances take part in attention at all.
    pub relative_attention: bool,
    /// The distances that are told apart, on each side; below 1: as many as there are positions.
    pub max_relative_positions: Option<i64>,
    /// Kinds of distances on each side, where far distances share some; below 1: each distance has its own.
    pub position_buckets: Option<i64>,
    /// How the embeddings of distances are normalised: `layer_norm` or `none`.
    pub norm_rel_ebd: Option<String>,
    /// Whether the layers that make queries and keys of tokens make those of distances too.
    pub share_att_key: bool,
    /// Which products with distances there are: `c2p`, those of queries, and `p2c`, those of keys.
    pub pos_att_type: Option<OneOrMore>,
    /// Whether tokens have embeddings of their positions too.
    pub position_biased_input: Option<bool>,
    /// Width of the hidden states that a classifier reads.
    pub pooler_hidden_size: Option<usize>,
    /// Columns of an attention head.
    pub attention_head_size: Option<usize>,
}

/// Several names, in a list or in a text between vertical bars.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    /// Between vertical bars.
    Text(String),
    /// In a list.
    List(Vec<String>),
}

impl OneOrMore {
    /// Each of them.
    pub(super) fn names(&self) -> Vec<String> {
        match self {
            Self::Text(text) => text.to_lowercase().split('|').map(|name| name.trim().to_owned()).collect(),
            Self::List(names) => names.clone(),
        }
    }
}
