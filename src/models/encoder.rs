//! The encoder of BERT (Devlin et al., 1810.04805) and its successors: embeddings, then layers of attention and two linear
//! layers, each normalised after its residual connection. Over packed sequences.

use std::sync::Arc;

use candle_core::{Result, bail};

use crate::data::Batch;
use crate::models::ModelError;
use crate::models::architecture::EncoderNames;
use crate::models::config::{HiddenActivation, ModelConfig};
use crate::models::layers::{Linear, load_norm};
use crate::models::mode::{DropoutRates, Mode, Pass};
use crate::models::weights::{Fill, Weights};
use crate::ops::{Array, AttentionInput, AttentionShape, Backend, Dropout, LayerNormWeights, Lookup, Value, Weight};
use crate::project::TrainedLayers;

/// Dropout sites per layer: attention probabilities, attention output, feed-forward output.
const SITES_OF_A_LAYER: u64 = 3;

/// An encoder without a head.
#[derive(Clone, Debug)]
pub(super) struct Encoder {
    embeddings: Embeddings,
    layers: Vec<Layer>,
    max_positions: usize,
    /// How many layers from the bottom are frozen, along with the embeddings; `None` if everything is trained.
    frozen: Option<usize>,
}

impl Encoder {
    pub(super) fn load(
        weights: &mut Weights,
        config: &ModelConfig,
        trained: TrainedLayers,
    ) -> std::result::Result<Self, ModelError> {
        let frozen = trained.frozen(config.num_hidden_layers);
        weights.freeze(frozen.is_some());
        let names = &config.architecture().encoder;
        let embeddings = Embeddings::load(weights, config, names)?;
        let layers = (0..config.num_hidden_layers).map(|layer| {
            weights.freeze(frozen.is_some_and(|frozen| layer < frozen));
            Layer::load(weights, config, names, layer)
        });
        let layers = layers.collect::<std::result::Result<_, _>>()?;
        weights.freeze(false);
        Ok(Self { embeddings, layers, max_positions: config.max_positions(), frozen })
    }

    /// See [`crate::models::backbone::Backbone::hidden_states`].
    pub(super) fn hidden_states(&self, batch: &Batch, features: Option<Array>, pass: &mut Pass<'_>) -> Result<Value> {
        self.check(batch)?;
        let frozen = self.frozen.unwrap_or(0);
        let hidden = match features {
            Some(features) => pass.tape.constant(features, self.word_embeddings())?,
            None => self.lower(batch, pass)?,
        };
        self.run(self.layers.get(frozen..).unwrap_or_default(), frozen, hidden, batch, pass)
    }

    /// See [`crate::models::backbone::Backbone::features`].
    pub(super) fn features(&self, batch: &Batch, backend: Backend, stop: &dyn Fn() -> bool) -> Result<Option<Array>> {
        if self.frozen.is_none() {
            return Ok(None);
        }
        self.check(batch)?;
        let mut pass = Pass::new(backend, Mode::Inference, DropoutRates::default(), stop);
        let hidden = self.lower(batch, &mut pass)?;
        hidden.to_array().map(Some)
    }

    pub(super) fn word_embeddings(&self) -> &Weight {
        &self.embeddings.words
    }

    /// The embeddings and the frozen layers.
    fn lower(&self, batch: &Batch, pass: &mut Pass<'_>) -> Result<Value> {
        let Some(frozen) = self.frozen else { return self.embeddings.forward(batch, pass) };
        // Dropout regularises weights that are trained; below them it would only add noise.
        let rates = pass.rates;
        pass.rates = DropoutRates { hidden: 0.0, attention: 0.0, ..rates };
        let hidden = self.embeddings.forward(batch, pass)?;
        let hidden = self.run(&self.layers[..frozen], 0, hidden, batch, pass);
        pass.rates = rates;
        hidden
    }

    /// Runs some layers; `first` is the index of the first one in the network.
    fn run(
        &self,
        layers: &[Layer],
        first: usize,
        mut hidden: Value,
        batch: &Batch,
        pass: &mut Pass<'_>,
    ) -> Result<Value> {
        let ends: Arc<[u32]> = batch.cu_seqlens.as_slice().into();
        for (index, layer) in layers.iter().enumerate() {
            let index = first + index;
            let queries = if index + 1 == self.layers.len() { Queries::read(batch) } else { Queries::All };
            hidden = layer.forward(&hidden, &ends, &queries, index, pass)?;
        }
        Ok(hidden)
    }

    fn check(&self, batch: &Batch) -> Result<()> {
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
        let tokens = batch.total_tokens();
        if batch.reads.is_empty() {
            bail!("the batch reads no token");
        }
        if !batch.reads.is_sorted() || batch.reads.last().is_some_and(|&last| last as usize >= tokens) {
            bail!("the tokens that the batch reads are not in order, or not among its {tokens} tokens");
        }
        Ok(())
    }
}

/// The tokens whose hidden states a layer computes.
enum Queries {
    /// All tokens.
    All,
    /// The tokens that the head reads. The others are not used after the last layer, so they are not computed there;
    /// the result and every gradient stay the same.
    Read {
        /// Positions among all tokens.
        tokens: Arc<[u32]>,
        /// Cumulative number of such tokens over the sequences.
        ends: Arc<[u32]>,
    },
}

impl Queries {
    fn read(batch: &Batch) -> Self {
        Self::Read { tokens: batch.reads.as_slice().into(), ends: batch.cu_reads().into() }
    }
}

#[derive(Clone, Debug)]
struct Embeddings {
    words: Weight,
    positions: Weight,
    types: Option<Weight>,
    norm: LayerNormWeights,
    projection: Option<Linear>,
    first_position: u32,
}

impl Embeddings {
    fn load(
        weights: &mut Weights,
        config: &ModelConfig,
        names: &EncoderNames,
    ) -> std::result::Result<Self, ModelError> {
        let (width, hidden) = (config.embedding_width(), config.hidden_size);
        let mut table = |name: &str, rows: usize| {
            let name = format!("{}.{name}_embeddings.weight", names.embeddings);
            weights.parameter(&name, &[rows, width], Fill::Required)
        };
        let words = table("word", config.vocab_size)?;
        let positions = table("position", config.max_position_embeddings)?;
        let types = if names.has_types { Some(table("token_type", config.type_vocab_size)?) } else { None };
        let norm = load_norm(weights, &format!("{}.LayerNorm", names.embeddings), width, config, Fill::Required)?;
        let projection = names.projection.filter(|_| width != hidden);
        let projection = projection.map(|name| Linear::load(weights, name, (width, hidden), Fill::Required));
        let first_position = config.first_position() as u32;
        Ok(Self { words, positions, types, norm, projection: projection.transpose()?, first_position })
    }

    fn forward(&self, batch: &Batch, pass: &mut Pass<'_>) -> Result<Value> {
        let first = self.first_position;
        let positions = batch.cu_seqlens.windows(2).flat_map(|ends| first..first + (ends[1] - ends[0]));
        let mut lookups = vec![
            Lookup { table: &self.words, rows: batch.input_ids.as_slice().into(), what: "token id" },
            Lookup { table: &self.positions, rows: positions.collect(), what: "position" },
        ];
        if let Some(types) = &self.types {
            let rows = match batch.token_types.as_slice() {
                [] => std::iter::repeat_n(0, batch.total_tokens()).collect(),
                types => types.into(),
            };
            lookups.push(Lookup { table: types, rows, what: "token type" });
        }
        let sum = pass.tape.embedding(&lookups)?;
        let normal = pass.tape.layer_norm(&sum, None, &self.norm, Dropout::OFF)?;
        let dropout = pass.hidden_dropout(0);
        let dropped = pass.tape.dropout(&normal, dropout)?;
        match &self.projection {
            Some(projection) => projection.forward(&mut pass.tape, &dropped, None),
            None => Ok(dropped),
        }
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
    activation: HiddenActivation,
}

impl Layer {
    fn load(
        weights: &mut Weights,
        config: &ModelConfig,
        names: &EncoderNames,
        index: usize,
    ) -> std::result::Result<Self, ModelError> {
        let name = |part: &str| format!("{}.{index}.{part}", names.layers);
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let mut linear = |part: &str, sizes| Linear::load(weights, &name(part), sizes, Fill::Required);
        let query = linear(names.query, (hidden, hidden))?;
        let key = linear(names.key, (hidden, hidden))?;
        let value = linear(names.value, (hidden, hidden))?;
        let attention_output = linear(names.attention_output, (hidden, hidden))?;
        let intermediate = linear(names.intermediate, (hidden, inner))?;
        let output = linear(names.output, (inner, hidden))?;
        let mut norm = |part: &str| load_norm(weights, &name(part), hidden, config, Fill::Required);
        Ok(Self {
            query,
            key,
            value,
            attention_output,
            attention_norm: norm(names.attention_norm)?,
            intermediate,
            output,
            output_norm: norm(names.output_norm)?,
            heads: config.num_attention_heads,
            activation: config.hidden_act,
        })
    }

    /// `ends` are the cumulative lengths of the sequences.
    fn forward(
        &self,
        hidden: &Value,
        ends: &Arc<[u32]>,
        queries: &Queries,
        index: usize,
        pass: &mut Pass<'_>,
    ) -> Result<Value> {
        let site = 1 + index as u64 * SITES_OF_A_LAYER;
        pass.tape.look()?;
        let dropout = pass.attention_dropout(site);
        let (asking, mixed) = match queries {
            Queries::All => (hidden.clone(), self.attend(hidden, ends, dropout, pass)?),
            Queries::Read { tokens, ends: of_queries } => {
                let asking = pass.tape.rows(hidden, tokens)?;
                let shape =
                    AttentionShape { heads: self.heads, queries: Arc::clone(of_queries), keys: Arc::clone(ends) };
                let mixed = self.attend_from(&asking, hidden, &shape, dropout, pass)?;
                (asking, mixed)
            }
        };
        pass.tape.look()?;
        let (attention_dropout, output_dropout) = (pass.hidden_dropout(site + 1), pass.hidden_dropout(site + 2));
        let tape = &mut pass.tape;
        let mixed = self.attention_output.forward(tape, &mixed, None)?;
        let attended = tape.layer_norm(&mixed, Some(&asking), &self.attention_norm, attention_dropout)?;
        let inner = self.intermediate.forward(tape, &attended, Some(self.activation.into()))?;
        let outer = self.output.forward(tape, &inner, None)?;
        tape.layer_norm(&outer, Some(&attended), &self.output_norm, output_dropout)
    }

    /// Attention from every token.
    fn attend(&self, hidden: &Value, ends: &Arc<[u32]>, dropout: Dropout, pass: &mut Pass<'_>) -> Result<Value> {
        let shape = AttentionShape { heads: self.heads, queries: Arc::clone(ends), keys: Arc::clone(ends) };
        let joint = Linear::forward_joint(&[&self.query, &self.key, &self.value], &mut pass.tape, hidden)?;
        pass.tape.attention(AttentionInput::Joint(&joint), &shape, dropout)
    }

    /// Attention from some tokens, whose hidden states are `asking`.
    fn attend_from(
        &self,
        asking: &Value,
        hidden: &Value,
        shape: &AttentionShape,
        dropout: Dropout,
        pass: &mut Pass<'_>,
    ) -> Result<Value> {
        let queries = &self.query.forward(&mut pass.tape, asking, None)?;
        let keys_values = &Linear::forward_joint(&[&self.key, &self.value], &mut pass.tape, hidden)?;
        pass.tape.attention(AttentionInput::Split { queries, keys_values }, shape, dropout)
    }
}
