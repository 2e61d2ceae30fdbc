//! The encoder of BERT (Devlin et al., 1810.04805) and its successors: embeddings, then layers of attention and two linear
//! layers, each normalised after its residual connection. Over packed sequences.

use std::ops::Range;
use std::sync::Arc;

use candle_core::Result;

use crate::data::Batch;
use crate::models::ModelError;
use crate::models::adapter::Part;
use crate::models::architecture::EncoderNames;
use crate::models::config::{HiddenActivation, ModelConfig};
use crate::models::layers::{Form, Linear, load_norm};
use crate::models::mode::Pass;
use crate::models::relative_positions::{LayerPositions, Prepared, RelativePositions};
use crate::models::weights::{Fill, Weights};
use crate::ops::{AttentionInput, AttentionShape, Dropout, LayerNormWeights, Lookup, Relative, Value, Weight};

/// Dropout sites per layer: attention probabilities, attention output, feed-forward output.
const SITES_OF_A_LAYER: u64 = 3;

/// An encoder without a head.
#[derive(Clone, Debug)]
pub(super) struct Encoder {
    embeddings: Embeddings,
    relative: Option<RelativePositions>,
    layers: Vec<Layer>,
}

impl Encoder {
    /// `freeze` is told the number of each layer before it is loaded.
    pub(super) fn load(
        weights: &mut Weights,
        config: &ModelConfig,
        names: &EncoderNames,
        freeze: impl Fn(&mut Weights, usize),
    ) -> std::result::Result<Self, ModelError> {
        let embeddings = Embeddings::load(weights, config, names)?;
        let relative = names.relative.map(|names| RelativePositions::load(weights, config, &names)).transpose()?;
        let layers = (0..config.num_hidden_layers).map(|layer| {
            freeze(weights, layer);
            Layer::load(weights, config, names, layer)
        });
        Ok(Self { embeddings, relative, layers: layers.collect::<std::result::Result<_, _>>()? })
    }

    pub(super) fn word_embeddings(&self) -> &Weight {
        &self.embeddings.words
    }

    pub(super) fn embed(&self, batch: &Batch, pass: &mut Pass<'_>) -> Result<Value> {
        self.embeddings.forward(batch, pass)
    }

    /// Some layers, one after the other. The last one of all computes only what the batch reads.
    pub(super) fn run(
        &self,
        layers: Range<usize>,
        mut hidden: Value,
        batch: &Batch,
        pass: &mut Pass<'_>,
    ) -> Result<Value> {
        let ends: Arc<[u32]> = batch.cu_seqlens.as_slice().into();
        let relative = self.relative.as_ref().map(|relative| relative.prepare(batch, pass)).transpose()?;
        for index in layers {
            let layer = &self.layers[index];
            if index + 1 == self.layers.len() {
                return layer.forward(&hidden, &ends, (&Queries::read(batch), relative.as_ref()), index, pass);
            }
            if relative.is_some() {
                // What distances add belongs to the tape of the whole pass, so that a layer cannot be run on another one.
                hidden = layer.forward(&hidden, &ends, (&Queries::All, relative.as_ref()), index, pass)?;
                continue;
            }
            let (layer, ends) = (layer.clone(), Arc::clone(&ends));
            hidden = pass
                .layer(&hidden, move |hidden, pass| layer.forward(hidden, &ends, (&Queries::All, None), index, pass))?;
        }
        Ok(hidden)
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
    positions: Option<Weight>,
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
        let mut table_unless_empty = |name: &str, rows: usize| (rows > 0).then(|| table(name, rows)).transpose();
        let positions = table_unless_empty("position", config.position_rows())?;
        let types = table_unless_empty("token_type", config.type_rows())?;
        let norm = load_norm(weights, &format!("{}.LayerNorm", names.embeddings), width, config, Fill::Required)?;
        let projection = names.projection.filter(|_| width != hidden);
        let projection = projection.map(|name| Linear::load(weights, name, (width, hidden), Fill::Required));
        let first_position = config.first_position() as u32;
        Ok(Self { words, positions, types, norm, projection: projection.transpose()?, first_position })
    }

    fn forward(&self, batch: &Batch, pass: &mut Pass<'_>) -> Result<Value> {
        let first = self.first_position;
        let positions = batch.cu_seqlens.windows(2).flat_map(|ends| first..first + (ends[1] - ends[0]));
        let mut lookups =
            vec![Lookup { table: &self.words, rows: batch.input_ids.as_slice().into(), what: "token id" }];
        if let Some(table) = &self.positions {
            lookups.push(Lookup { table, rows: positions.collect(), what: "position" });
        }
        if let Some(types) = &self.types {
            let rows = match batch.token_types.as_slice() {
                [] => std::iter::repeat_n(0, batch.total_tokens()).collect(),
                types => types.into(),
            };
            lookups.push(Lookup { table: types, rows, what: "token type" });
        }
        let sum = pass.tape.embedding(&lookups)?;
        let normal = pass.tape.layer_norm(&sum, None, &self.norm, Dropout::OFF)?;
        let dropout = pass.embedding_dropout();
        let dropped = pass.tape.dropout(&normal, dropout)?;
        match &self.projection {
            Some(projection) => projection.forward(pass, &dropped, None),
            None => Ok(dropped),
        }
    }
}

#[derive(Clone, Debug)]
struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    positions: Option<LayerPositions>,
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
        let mut linear = |part, of: &str, sizes| Linear::load_part(weights, part, &name(of), sizes, Form::REQUIRED);
        let query = linear(Part::Query, names.query, (hidden, hidden))?;
        let key = linear(Part::Key, names.key, (hidden, hidden))?;
        let value = linear(Part::Value, names.value, (hidden, hidden))?;
        let positions = names.relative.map(|names| LayerPositions::load(weights, config, &names, name)).transpose()?;
        let mut linear = |part, of: &str, sizes| Linear::load_part(weights, part, &name(of), sizes, Form::REQUIRED);
        let attention_output = linear(Part::AttentionOutput, names.attention_output, (hidden, hidden))?;
        let intermediate = linear(Part::FeedForward, names.intermediate, (hidden, inner))?;
        let output = linear(Part::FeedForward, names.output, (inner, hidden))?;
        let mut norm = |part: &str| load_norm(weights, &name(part), hidden, config, Fill::Required);
        Ok(Self {
            query,
            key,
            value,
            positions,
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
        (queries, relative): (&Queries, Option<&Prepared>),
        index: usize,
        pass: &mut Pass<'_>,
    ) -> Result<Value> {
        let site = 1 + index as u64 * SITES_OF_A_LAYER;
        pass.tape.look()?;
        let dropout = pass.attention_dropout(site);
        let terms = self.positions.as_ref().zip(relative).map(|(positions, relative)| {
            let terms = positions.terms(relative, index, [&self.key, &self.query], pass)?;
            Ok::<_, candle_core::Error>((terms, relative))
        });
        let terms = terms.transpose()?;
        let from_read = matches!(queries, Queries::Read { .. });
        let relative = terms.as_ref().map(|(terms, prepared)| terms.relative(prepared, from_read));
        let (asking, mixed) = match queries {
            Queries::All => (hidden.clone(), self.attend(hidden, ends, (relative, dropout), pass)?),
            Queries::Read { tokens, ends: of_queries } => {
                let asking = pass.tape.rows(hidden, tokens)?;
                let shape = AttentionShape::all(self.heads, Arc::clone(of_queries), Arc::clone(ends));
                let mixed = self.attend_from(&asking, hidden, &shape, (relative, dropout), pass)?;
                (asking, mixed)
            }
        };
        pass.tape.look()?;
        let (attention_dropout, output_dropout) = (pass.hidden_dropout(site + 1), pass.hidden_dropout(site + 2));
        let mixed = self.attention_output.forward(pass, &mixed, None)?;
        let attended = pass.tape.layer_norm(&mixed, Some(&asking), &self.attention_norm, attention_dropout)?;
        let inner = self.intermediate.forward(pass, &attended, Some(self.activation.into()))?;
        let outer = self.output.forward(pass, &inner, None)?;
        pass.tape.layer_norm(&outer, Some(&attended), &self.output_norm, output_dropout)
    }

    /// Attention from every token.
    fn attend(
        &self,
        hidden: &Value,
        ends: &Arc<[u32]>,
        (relative, dropout): (Option<Relative<'_>>, Dropout),
        pass: &mut Pass<'_>,
    ) -> Result<Value> {
        let shape = AttentionShape::all(self.heads, Arc::clone(ends), Arc::clone(ends));
        let joint = Linear::forward_joint(&[&self.query, &self.key, &self.value], pass, hidden)?;
        pass.tape.relative_attention(AttentionInput::Joint(&joint), &shape, relative, dropout)
    }

    /// Attention from some tokens, whose hidden states are `asking`.
    fn attend_from(
        &self,
        asking: &Value,
        hidden: &Value,
        shape: &AttentionShape,
        (relative, dropout): (Option<Relative<'_>>, Dropout),
        pass: &mut Pass<'_>,
    ) -> Result<Value> {
        let queries = &self.query.forward(pass, asking, None)?;
        let keys_values = &Linear::forward_joint(&[&self.key, &self.value], pass, hidden)?;
        pass.tape.relative_attention(AttentionInput::Split { queries, keys_values }, shape, relative, dropout)
    }
}
