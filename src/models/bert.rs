//! BERT (Devlin et al., 1810.04805): embeddings, encoder, pooler, over packed texts.
//!
//! Tensor names are those of `transformers`' `BertModel`. Texts of one part, so every token type is 0.

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};

use super::ModelError;
use super::config::{Activation, ModelConfig};
use super::mode::Pass;
use super::weights::{Fill, Weights};
use crate::data::PackedBatch;
use crate::ops::{self, AttentionShape, LayerNormWeights, TokenRows};

/// Dropout sites a layer: attention probabilities, attention output, feed-forward output.
const SITES_OF_A_LAYER: u64 = 3;

/// A matrix and a bias.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    pub(super) fn load(
        weights: &mut Weights<'_>,
        name: &str,
        sizes: (usize, usize),
        fill: Fill,
    ) -> std::result::Result<Self, ModelError> {
        let (inputs, outputs) = sizes;
        let bias = if fill == Fill::Required { Fill::Required } else { Fill::Zeros };
        Ok(Self {
            weight: weights.parameter(&format!("{name}.weight"), &[outputs, inputs], fill)?,
            bias: weights.parameter(&format!("{name}.bias"), &[outputs], bias)?,
        })
    }

    pub(super) fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        ops::linear(x, &pass.weight(&self.weight), Some(&pass.weight(&self.bias)))
    }
}

/// The network without a head.
#[derive(Clone, Debug)]
pub(super) struct Bert {
    embeddings: Embeddings,
    layers: Vec<Layer>,
    pooler: Linear,
    max_positions: usize,
}

impl Bert {
    pub(super) fn load(weights: &mut Weights<'_>, config: &ModelConfig) -> std::result::Result<Self, ModelError> {
        let embeddings = Embeddings::load(weights, config)?;
        let layers = (0..config.num_hidden_layers).map(|layer| Layer::load(weights, config, layer));
        let layers = layers.collect::<std::result::Result<_, _>>()?;
        // Sentence embedding models are often saved without their pooler.
        let fill = Fill::Normal(config.initializer_range);
        let pooler = Linear::load(weights, "bert.pooler.dense", (config.hidden_size, config.hidden_size), fill)?;
        Ok(Self { embeddings, layers, pooler, max_positions: config.max_position_embeddings })
    }

    /// The pooled first token of each text, `[texts, hidden]`.
    pub(super) fn forward(&self, batch: &PackedBatch, pass: &Pass) -> Result<Tensor> {
        self.check(batch)?;
        let texts: Arc<[u32]> = batch.cu_seqlens.as_slice().into();
        let mut hidden = self.embeddings.forward(batch, pass)?;
        for (index, layer) in self.layers.iter().enumerate() {
            let queries = if index + 1 == self.layers.len() { Queries::FirstTokens } else { Queries::All };
            hidden = layer.forward(&hidden, &texts, queries, index, pass)?;
        }
        self.pooler.forward(&hidden, pass)?.tanh()
    }

    fn check(&self, batch: &PackedBatch) -> Result<()> {
        if batch.is_empty() {
            bail!("the batch holds no text");
        }
        for (text, ends) in batch.cu_seqlens.windows(2).enumerate() {
            let length = ends[1].saturating_sub(ends[0]) as usize;
            if length == 0 {
                bail!("text {text} of the batch has no tokens");
            }
            if length > self.max_positions {
                bail!(
                    "text {text} of the batch has {length} tokens, and the model reads at most {}",
                    self.max_positions
                );
            }
        }
        Ok(())
    }
}

/// Whose hidden states a layer computes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Queries {
    /// Every token's.
    All,
    /// The first token's of each text. The pooler of the last layer looks at no other, so the rest need not be computed;
    /// the result and every gradient are the same.
    FirstTokens,
}

#[derive(Clone, Debug)]
struct Embeddings {
    words: Tensor,
    positions: Tensor,
    types: Tensor,
    norm: LayerNormWeights,
}

impl Embeddings {
    fn load(weights: &mut Weights<'_>, config: &ModelConfig) -> std::result::Result<Self, ModelError> {
        let mut table = |name: &str, rows: usize| {
            let name = format!("bert.embeddings.{name}_embeddings.weight");
            weights.parameter(&name, &[rows, config.hidden_size], Fill::Required)
        };
        Ok(Self {
            words: table("word", config.vocab_size)?,
            positions: table("position", config.max_position_embeddings)?,
            types: table("token_type", config.type_vocab_size)?,
            norm: load_norm(weights, "bert.embeddings.LayerNorm", config)?,
        })
    }

    fn forward(&self, batch: &PackedBatch, pass: &Pass) -> Result<Tensor> {
        let rows = TokenRows {
            words: batch.input_ids.as_slice().into(),
            positions: batch.cu_seqlens.windows(2).flat_map(|ends| 0..ends[1] - ends[0]).collect(),
            types: std::iter::repeat_n(0, batch.total_tokens()).collect(),
        };
        let words = pass.weight(&self.words);
        let sum = ops::embedding(&words, &pass.weight(&self.positions), &pass.weight(&self.types), &rows)?;
        let normal = ops::layer_norm(&sum, None, &pass.norm(&self.norm), ops::Dropout::OFF)?;
        ops::dropout(&normal, pass.hidden_dropout(0))
    }
}

#[derive(Clone, Debug)]
struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    attention_output: Linear,
    attention_norm: LayerNormWeights,
    intermediate: Linear,
    output: Linear,
    output_norm: LayerNormWeights,
    heads: usize,
    activation: Activation,
}

impl Layer {
    fn load(weights: &mut Weights<'_>, config: &ModelConfig, index: usize) -> std::result::Result<Self, ModelError> {
        let name = |part: &str| format!("bert.encoder.layer.{index}.{part}");
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let mut linear = |part: &str, sizes| Linear::load(weights, &name(part), sizes, Fill::Required);
        let query = linear("attention.self.query", (hidden, hidden))?;
        let key = linear("attention.self.key", (hidden, hidden))?;
        let value = linear("attention.self.value", (hidden, hidden))?;
        let attention_output = linear("attention.output.dense", (hidden, hidden))?;
        let intermediate = linear("intermediate.dense", (hidden, inner))?;
        let output = linear("output.dense", (inner, hidden))?;
        Ok(Self {
            query,
            key,
            value,
            attention_output,
            attention_norm: load_norm(weights, &name("attention.output.LayerNorm"), config)?,
            intermediate,
            output,
            output_norm: load_norm(weights, &name("output.LayerNorm"), config)?,
            heads: config.num_attention_heads,
            activation: config.hidden_act,
        })
    }

    fn forward(
        &self,
        hidden: &Tensor,
        texts: &Arc<[u32]>,
        queries: Queries,
        index: usize,
        pass: &Pass,
    ) -> Result<Tensor> {
        let site = 1 + index as u64 * SITES_OF_A_LAYER;
        let (asking, cuts) = match queries {
            Queries::All => (hidden.clone(), texts.clone()),
            Queries::FirstTokens => (first_tokens(hidden, texts)?, (0..texts.len() as u32).collect()),
        };
        let shape = AttentionShape { heads: self.heads, queries: cuts, keys: texts.clone() };
        let (query, key) = (self.query.forward(&asking, pass)?, self.key.forward(hidden, pass)?);
        let value = self.value.forward(hidden, pass)?;
        let mixed = ops::attention(&query, &key, &value, &shape, pass.attention_dropout(site))?;
        let mixed = self.attention_output.forward(&mixed, pass)?;
        let attended =
            ops::layer_norm(&mixed, Some(&asking), &pass.norm(&self.attention_norm), pass.hidden_dropout(site + 1))?;
        let inner = self.activate(&self.intermediate.forward(&attended, pass)?)?;
        let outer = self.output.forward(&inner, pass)?;
        ops::layer_norm(&outer, Some(&attended), &pass.norm(&self.output_norm), pass.hidden_dropout(site + 2))
    }

    fn activate(&self, x: &Tensor) -> Result<Tensor> {
        match self.activation {
            Activation::Gelu => ops::gelu(x),
            Activation::GeluNew => x.gelu(),
            Activation::Relu => x.relu(),
        }
    }
}

fn first_tokens(hidden: &Tensor, texts: &[u32]) -> Result<Tensor> {
    let first = texts.split_last().map_or(texts, |(_, firsts)| firsts);
    hidden.index_select(&Tensor::new(first, hidden.device())?, 0)
}

fn load_norm(
    weights: &mut Weights<'_>,
    name: &str,
    config: &ModelConfig,
) -> std::result::Result<LayerNormWeights, ModelError> {
    Ok(LayerNormWeights {
        weight: weights.parameter(&format!("{name}.weight"), &[config.hidden_size], Fill::Required)?,
        bias: weights.parameter(&format!("{name}.bias"), &[config.hidden_size], Fill::Required)?,
        epsilon: config.layer_norm_eps,
    })
}
