//! BERT (Devlin et al., 1810.04805): embeddings, encoder, pooler, over packed texts.
//!
//! Tensor names are those of `transformers`' `BertModel`. Texts of one part, so every token type is 0.

use std::sync::Arc;

use candle_core::{Result, bail};

use crate::data::PackedBatch;
use crate::models::ModelError;
use crate::models::config::{Activation, ModelConfig};
use crate::models::mode::{DropoutRates, Mode, Pass};
use crate::models::weights::{Fill, Weights};
use crate::ops::{
    self, Array, AttentionInput, AttentionShape, Backend, LayerNormWeights, LinearWeights, TokenRows, Value, Weight,
};
use crate::project::TrainedLayers;

/// Dropout sites a layer: attention probabilities, attention output, feed-forward output.
const SITES_OF_A_LAYER: u64 = 3;

/// A matrix and a bias of that name; `sizes` are inputs and outputs.
pub(super) fn load_linear(
    weights: &mut Weights<'_>,
    name: &str,
    sizes: (usize, usize),
    fill: Fill,
) -> std::result::Result<LinearWeights, ModelError> {
    let (inputs, outputs) = sizes;
    let bias = if fill == Fill::Required { Fill::Required } else { Fill::Zeros };
    let weight = weights.parameter(&format!("{name}.weight"), &[outputs, inputs], fill)?;
    Ok((weight, Some(weights.parameter(&format!("{name}.bias"), &[outputs], bias)?)))
}

/// The network without a head.
#[derive(Clone, Debug)]
pub(super) struct Bert {
    embeddings: Embeddings,
    layers: Vec<Layer>,
    pooler: LinearWeights,
    max_positions: usize,
    /// How many layers from the bottom stay as they are, and the embeddings with them; `None` when all is trained.
    frozen: Option<usize>,
}

impl Bert {
    pub(super) fn load(
        weights: &mut Weights<'_>,
        config: &ModelConfig,
        trained: TrainedLayers,
    ) -> std::result::Result<Self, ModelError> {
        let frozen = trained.frozen(config.num_hidden_layers);
        weights.freeze(frozen.is_some());
        let embeddings = Embeddings::load(weights, config)?;
        let layers = (0..config.num_hidden_layers).map(|layer| {
            weights.freeze(frozen.is_some_and(|frozen| layer < frozen));
            Layer::load(weights, config, layer)
        });
        let layers = layers.collect::<std::result::Result<_, _>>()?;
        weights.freeze(false);
        // Sentence embedding models are often saved without their pooler.
        let fill = Fill::Normal(config.initializer_range);
        let pooler = load_linear(weights, "bert.pooler.dense", (config.hidden_size, config.hidden_size), fill)?;
        Ok(Self { embeddings, layers, pooler, max_positions: config.max_position_embeddings, frozen })
    }

    /// The pooled first token of each text, `[texts, hidden]`. `features` are [`Bert::features`] of the same batch, where
    /// they are known already.
    pub(super) fn forward(&self, batch: &PackedBatch, features: Option<Array>, pass: &mut Pass<'_>) -> Result<Value> {
        self.check(batch)?;
        let frozen = self.frozen.unwrap_or(0);
        let hidden = match features {
            Some(features) => pass.tape.constant(features, &self.pooler.0)?,
            None => self.lower(batch, pass)?,
        };
        let hidden = self.run(self.layers.get(frozen..).unwrap_or_default(), frozen, hidden, batch, pass)?;
        pass.tape.linear(&hidden, &[&self.pooler], Some(ops::Activation::Tanh))
    }

    /// What the layers that stay as they are make of a batch, without dropout: `[tokens, hidden]`, or `[texts, hidden]`
    /// of the first tokens when every layer does. `None` when all is trained.
    pub(super) fn features(
        &self,
        batch: &PackedBatch,
        backend: Backend,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Array>> {
        if self.frozen.is_none() {
            return Ok(None);
        }
        self.check(batch)?;
        let mut pass = Pass::new(backend, Mode::Inference, DropoutRates::default(), stop);
        let hidden = self.lower(batch, &mut pass)?;
        hidden.to_array().map(Some)
    }

    /// Embeddings and the layers that stay as they are.
    fn lower(&self, batch: &PackedBatch, pass: &mut Pass<'_>) -> Result<Value> {
        let Some(frozen) = self.frozen else { return self.embeddings.forward(batch, pass) };
        // Nothing is learnt there, so noise would only harm.
        let rates = pass.rates;
        pass.rates = DropoutRates { hidden: 0.0, attention: 0.0, ..rates };
        let hidden = self.embeddings.forward(batch, pass)?;
        let hidden = self.run(&self.layers[..frozen], 0, hidden, batch, pass);
        pass.rates = rates;
        hidden
    }

    /// Some layers, the first of which is the `first`-th of all.
    fn run(
        &self,
        layers: &[Layer],
        first: usize,
        mut hidden: Value,
        batch: &PackedBatch,
        pass: &mut Pass<'_>,
    ) -> Result<Value> {
        let texts: Arc<[u32]> = batch.cu_seqlens.as_slice().into();
        for (index, layer) in layers.iter().enumerate() {
            let index = first + index;
            let queries = if index + 1 == self.layers.len() { Queries::FirstTokens } else { Queries::All };
            hidden = layer.forward(&hidden, &texts, queries, index, pass)?;
        }
        Ok(hidden)
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
    words: Weight,
    positions: Weight,
    types: Weight,
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

    fn forward(&self, batch: &PackedBatch, pass: &mut Pass<'_>) -> Result<Value> {
        let rows = TokenRows {
            words: batch.input_ids.as_slice().into(),
            positions: batch.cu_seqlens.windows(2).flat_map(|ends| 0..ends[1] - ends[0]).collect(),
            types: std::iter::repeat_n(0, batch.total_tokens()).collect(),
        };
        let sum = pass.tape.embedding(&self.words, &self.positions, &self.types, &rows)?;
        let normal = pass.tape.layer_norm(&sum, None, &self.norm, ops::Dropout::OFF)?;
        let dropout = pass.hidden_dropout(0);
        pass.tape.dropout(&normal, dropout)
    }
}

#[derive(Clone, Debug)]
struct Layer {
    query: LinearWeights,
    key: LinearWeights,
    value: LinearWeights,
    attention_output: LinearWeights,
    attention_norm: LayerNormWeights,
    intermediate: LinearWeights,
    output: LinearWeights,
    output_norm: LayerNormWeights,
    heads: usize,
    activation: Activation,
}

impl Layer {
    fn load(weights: &mut Weights<'_>, config: &ModelConfig, index: usize) -> std::result::Result<Self, ModelError> {
        let name = |part: &str| format!("bert.encoder.layer.{index}.{part}");
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let mut linear = |part: &str, sizes| load_linear(weights, &name(part), sizes, Fill::Required);
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
        hidden: &Value,
        texts: &Arc<[u32]>,
        queries: Queries,
        index: usize,
        pass: &mut Pass<'_>,
    ) -> Result<Value> {
        let site = 1 + index as u64 * SITES_OF_A_LAYER;
        pass.tape.look()?;
        let (asking, mixed) = match queries {
            Queries::All => (hidden.clone(), self.attend(hidden, texts, site, pass)?),
            Queries::FirstTokens => self.attend_first(hidden, texts, site, pass)?,
        };
        pass.tape.look()?;
        let (attention_dropout, output_dropout) = (pass.hidden_dropout(site + 1), pass.hidden_dropout(site + 2));
        let tape = &mut pass.tape;
        let mixed = tape.linear(&mixed, &[&self.attention_output], None)?;
        let attended = tape.layer_norm(&mixed, Some(&asking), &self.attention_norm, attention_dropout)?;
        let inner = tape.linear(&attended, &[&self.intermediate], Some(self.activation()))?;
        let outer = tape.linear(&inner, &[&self.output], None)?;
        tape.layer_norm(&outer, Some(&attended), &self.output_norm, output_dropout)
    }

    /// Every token asks.
    fn attend(&self, hidden: &Value, texts: &Arc<[u32]>, site: u64, pass: &mut Pass<'_>) -> Result<Value> {
        let shape = AttentionShape { heads: self.heads, queries: Arc::clone(texts), keys: Arc::clone(texts) };
        let dropout = pass.attention_dropout(site);
        let joint = pass.tape.linear(hidden, &[&self.query, &self.key, &self.value], None)?;
        pass.tape.attention(AttentionInput::Joint(&joint), &shape, dropout)
    }

    /// The first token of each text asks. Gives those tokens too.
    fn attend_first(
        &self,
        hidden: &Value,
        texts: &Arc<[u32]>,
        site: u64,
        pass: &mut Pass<'_>,
    ) -> Result<(Value, Value)> {
        let dropout = pass.attention_dropout(site);
        let firsts = texts.split_last().map_or(&[][..], |(_, firsts)| firsts);
        let asking = pass.tape.rows(hidden, firsts)?;
        let queries = (0..texts.len() as u32).collect();
        let shape = AttentionShape { heads: self.heads, queries, keys: Arc::clone(texts) };
        let queries = &pass.tape.linear(&asking, &[&self.query], None)?;
        let keys_values = &pass.tape.linear(hidden, &[&self.key, &self.value], None)?;
        let mixed = pass.tape.attention(AttentionInput::Split { queries, keys_values }, &shape, dropout)?;
        Ok((asking, mixed))
    }

    fn activation(&self) -> ops::Activation {
        match self.activation {
            Activation::Gelu => ops::Activation::Gelu,
            Activation::GeluNew => ops::Activation::GeluTanh,
            Activation::Relu => ops::Activation::Relu,
        }
    }
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
