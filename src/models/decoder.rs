//! Decoders: GPT-2 (Radford et al., 2019) and Llama (Touvron et al., 2302.13971) and their like, and encoders that are built
//! like them. Each layer adds attention to the tokens before, or around, and then a feed-forward part, to the hidden states,
//! each of the normalised ones. Over packed sequences.

use std::ops::Range;
use std::sync::Arc;

use candle_core::Result;

use crate::data::Batch;
use crate::models::ModelError;
use crate::models::adapter::Part;
use crate::models::architecture::{AttentionNames, Biases, DecoderNames, FeedForwardNames, HeadNormNames, Norms};
use crate::models::config::ModelConfig;
use crate::models::layers::{Form, Linear, load_norm_as};
use crate::models::mode::Pass;
use crate::models::scope::Scope;
use crate::models::weights::{Fill, Weights};
use crate::ops::{
    Activation, AttentionInput, AttentionShape, Dropout, HeadNorm, LayerNormWeights, Lookup, RmsNormWeights, Rotary,
    Value, Weight,
};

/// Dropout sites per layer: attention probabilities, attention output, feed-forward output.
const SITES_OF_A_LAYER: u64 = 3;

/// A decoder without a head.
#[derive(Clone, Debug)]
pub(super) struct Decoder {
    words: Weight,
    positions: Option<Weight>,
    embeddings_norm: Option<Norm>,
    layers: Vec<Layer>,
    last_norm: Norm,
    scopes: Vec<Scope>,
    /// The number of each layer's scope.
    scope_of_layer: Vec<usize>,
    heads: usize,
    key_heads: usize,
}

/// Where the tokens of a batch are in their texts, and what they see in layers of one scope.
struct Places {
    positions: Arc<[u32]>,
    rotary: Option<Rotary>,
    shape: AttentionShape,
}

impl Decoder {
    /// `freeze` is told the number of each layer before it is loaded, and that of none for what follows the last.
    pub(super) fn load(
        weights: &mut Weights,
        config: &ModelConfig,
        names: &DecoderNames,
        freeze: impl Fn(&mut Weights, usize),
    ) -> std::result::Result<Self, ModelError> {
        let (hidden, heads) = (config.hidden_size, config.num_attention_heads);
        let mut table =
            |name: &str, rows: usize| weights.parameter(&format!("{name}.weight"), &[rows, hidden], Fill::Required);
        let words = table(names.words, config.vocab_size)?;
        let positions = names.positions.map(|name| table(name, config.max_position_embeddings)).transpose()?;
        let embeddings_norm = names.embeddings_norm.map(|name| Norm::load(weights, name, config, names)).transpose()?;
        let layers = (0..config.num_hidden_layers).map(|layer| {
            freeze(weights, layer);
            Layer::load(weights, config, names, layer)
        });
        let layers = layers.collect::<std::result::Result<_, _>>()?;
        let last_norm = Norm::load(weights, names.last_norm, config, names)?;
        let (scopes, scope_of_layer) = config.scopes(names);
        Ok(Self {
            words,
            positions,
            embeddings_norm,
            layers,
            last_norm,
            scopes,
            scope_of_layer,
            heads,
            key_heads: config.decoder.key_heads(heads),
        })
    }

    pub(super) fn word_embeddings(&self) -> &Weight {
        &self.words
    }

    /// What the layers of each scope need to know about a batch.
    fn places(&self, batch: &Batch) -> Vec<Arc<Places>> {
        let ends: Arc<[u32]> = batch.cu_seqlens.as_slice().into();
        let positions = positions(batch);
        let longest = positions.iter().max().map_or(0, |&last| last as usize + 1);
        let of_scope = |scope: &Scope| {
            let texts = batch.cu_seqlens.windows(2).map(|ends| ends[1] - ends[0]);
            let seen = texts.flat_map(|length| (0..length).map(move |place| scope.seen(place, length))).collect();
            let rotary = self.positions.is_none().then(|| Rotary::new(&scope.frequencies, longest));
            let all = AttentionShape::all(self.heads, Arc::clone(&ends), Arc::clone(&ends));
            let shape = AttentionShape { key_heads: self.key_heads, seen: Some(seen), ..all };
            Arc::new(Places { positions: Arc::clone(&positions), rotary, shape })
        };
        self.scopes.iter().map(of_scope).collect()
    }

    pub(super) fn embed(&self, batch: &Batch, pass: &mut Pass<'_>) -> Result<Value> {
        let words = Lookup { table: &self.words, rows: batch.input_ids.as_slice().into(), what: "token id" };
        let of_positions = |table| Lookup { table, rows: positions(batch), what: "position" };
        let lookups: Vec<Lookup<'_>> =
            [Some(words), self.positions.as_ref().map(of_positions)].into_iter().flatten().collect();
        let sum = pass.tape.embedding(&lookups)?;
        let sum = if let Some(norm) = &self.embeddings_norm { norm.forward(&sum, pass)? } else { sum };
        let dropout = pass.embedding_dropout();
        pass.tape.dropout(&sum, dropout)
    }

    /// Some layers, one after the other.
    pub(super) fn run(
        &self,
        layers: Range<usize>,
        mut hidden: Value,
        batch: &Batch,
        pass: &mut Pass<'_>,
    ) -> Result<Value> {
        let places = self.places(batch);
        for index in layers {
            let layer = &self.layers[index];
            let site = 1 + index as u64 * SITES_OF_A_LAYER;
            let places = &places[self.scope_of_layer[index]];
            if index + 1 == self.layers.len() {
                return self.last_layer(&hidden, batch, places, site, pass);
            }
            let (layer, places) = (layer.clone(), Arc::clone(places));
            hidden = pass.layer(&hidden, move |hidden, pass| {
                let mixed = layer.attend(hidden, &places, site, pass)?;
                layer.finish(&mixed, hidden, site, pass)
            })?;
        }
        Ok(hidden)
    }

    /// The last layer goes on with only the tokens that are read, and normalises them.
    fn last_layer(
        &self,
        hidden: &Value,
        batch: &Batch,
        places: &Places,
        site: u64,
        pass: &mut Pass<'_>,
    ) -> Result<Value> {
        let layer = &self.layers[self.layers.len() - 1];
        let mixed = layer.attend(hidden, places, site, pass)?;
        let (mixed, hidden) = (pass.tape.rows(&mixed, &batch.reads)?, pass.tape.rows(hidden, &batch.reads)?);
        let hidden = layer.finish(&mixed, &hidden, site, pass)?;
        self.last_norm.forward(&hidden, pass)
    }
}

/// The position of each token in its text, from 0.
fn positions(batch: &Batch) -> Arc<[u32]> {
    batch.cu_seqlens.windows(2).flat_map(|ends| 0..ends[1] - ends[0]).collect()
}

#[derive(Clone, Debug)]
enum Norm {
    Layer(LayerNormWeights),
    Rms(RmsNormWeights),
}

impl Norm {
    fn load(
        weights: &mut Weights,
        name: &str,
        config: &ModelConfig,
        names: &DecoderNames,
    ) -> std::result::Result<Self, ModelError> {
        let (width, epsilon) = (config.hidden_size, config.layer_norm_eps);
        let has_bias = match names.norms {
            Norms::WithBias => true,
            Norms::WithoutBias => false,
            Norms::RootMeanSquare => {
                let weight = weights.parameter(&format!("{name}.weight"), &[width], Fill::Required)?;
                return Ok(Self::Rms(RmsNormWeights { weight, epsilon }));
            }
        };
        let form = Form { fill: Fill::Required, has_bias, is_transposed: false };
        load_norm_as(weights, name, width, config, form).map(Self::Layer)
    }

    fn forward(&self, x: &Value, pass: &mut Pass<'_>) -> Result<Value> {
        match self {
            Self::Layer(weights) => pass.tape.layer_norm(x, None, weights, Dropout::OFF),
            Self::Rms(weights) => pass.tape.rms_norm(x, weights),
        }
    }
}

#[derive(Clone, Debug)]
struct Layer {
    attention_norm: Option<Norm>,
    /// Queries, keys and values: of one layer, or of three.
    attention: Vec<Linear>,
    /// Of the heads of the queries and of the keys.
    head_norms: Vec<HeadNorm>,
    attention_output: Linear,
    feed_forward_norm: Norm,
    feed_forward: FeedForward,
    output: Linear,
    activation: Activation,
}

#[derive(Clone, Debug)]
enum FeedForward {
    Plain(Linear),
    Gated { gate: Linear, up: Linear },
    JointGated(Linear),
}

/// The normalisations of a layer's heads, where it has some. `name` gives the whole name of a part.
fn head_norms(
    weights: &mut Weights,
    config: &ModelConfig,
    names: &DecoderNames,
    name: &impl Fn(&str) -> String,
) -> std::result::Result<Vec<HeadNorm>, ModelError> {
    let Some(HeadNormNames { query, key }) = names.head_norms else { return Ok(Vec::new()) };
    let heads = config.num_attention_heads;
    let (width, keys) = (config.decoder.head_width(config.hidden_size, heads), config.decoder.key_heads(heads));
    let parts = [(query, 0..heads), (key, heads..heads + keys)].map(|(part, heads)| {
        let weight = weights.parameter(&format!("{}.weight", name(part)), &[width], Fill::Required)?;
        Ok(HeadNorm { heads, weights: RmsNormWeights { weight, epsilon: config.layer_norm_eps } })
    });
    parts.into_iter().collect()
}

impl Layer {
    fn load(
        weights: &mut Weights,
        config: &ModelConfig,
        names: &DecoderNames,
        index: usize,
    ) -> std::result::Result<Self, ModelError> {
        let name = |part: &str| format!("{}.{index}.{part}", names.layers);
        let (hidden, inner, heads) = (config.hidden_size, config.intermediate_size, config.num_attention_heads);
        let width = config.decoder.head_width(hidden, heads);
        let (of_queries, of_keys) = (heads * width, config.decoder.key_heads(heads) * width);
        let has_bias = |is_configured: bool, is_attention: bool| match names.biases {
            Biases::All => true,
            Biases::Attention => is_attention,
            Biases::AsConfigured => is_configured,
        };
        let (of_attention, of_output, of_feed_forward) = (
            has_bias(config.decoder.attention_bias, true),
            has_bias(config.decoder.attention_bias, false),
            has_bias(config.decoder.mlp_bias, false),
        );
        let linear = |weights: &mut Weights, part: Part, of: &str, sizes, has_bias| {
            let form = Form { has_bias, is_transposed: names.transposed, ..Form::REQUIRED };
            Linear::load_part(weights, part, &name(of), sizes, form)
        };
        let has_attention_norm = index > 0 || names.first_has_attention_norm;
        let attention_norm =
            has_attention_norm.then(|| Norm::load(weights, &name(names.attention_norm), config, names));
        let attention_norm = attention_norm.transpose()?;
        let attention = match names.attention {
            AttentionNames::Joint(name) => vec![(Part::Query, name, of_queries + 2 * of_keys)],
            AttentionNames::Each { query, key, value } => {
                vec![(Part::Query, query, of_queries), (Part::Key, key, of_keys), (Part::Value, value, of_keys)]
            }
        };
        let attention = attention
            .into_iter()
            .map(|(part, name, outputs)| linear(weights, part, name, (hidden, outputs), of_attention));
        let attention = attention.collect::<std::result::Result<_, _>>()?;
        let head_norms = head_norms(weights, config, names, &name)?;
        let attention_output =
            linear(weights, Part::AttentionOutput, names.attention_output, (of_queries, hidden), of_output)?;
        let feed_forward_norm = Norm::load(weights, &name(names.feed_forward_norm), config, names)?;
        let mut inner_layer =
            |name: &str, width| linear(weights, Part::FeedForward, name, (hidden, width), of_feed_forward);
        let feed_forward = match names.feed_forward {
            FeedForwardNames::Plain(part) => FeedForward::Plain(inner_layer(part, inner)?),
            FeedForwardNames::Gated { gate, up } => {
                FeedForward::Gated { gate: inner_layer(gate, inner)?, up: inner_layer(up, inner)? }
            }
            FeedForwardNames::JointGated(part) => FeedForward::JointGated(inner_layer(part, 2 * inner)?),
        };
        let output = linear(weights, Part::FeedForward, names.feed_forward_output, (inner, hidden), of_feed_forward)?;
        let activation = config.hidden_act.into();
        Ok(Self {
            attention_norm,
            attention,
            head_norms,
            attention_output,
            feed_forward_norm,
            feed_forward,
            output,
            activation,
        })
    }

    /// What each token gathers from those that it sees, before the output layer of attention.
    fn attend(&self, hidden: &Value, places: &Places, site: u64, pass: &mut Pass<'_>) -> Result<Value> {
        pass.tape.look()?;
        let normal = match &self.attention_norm {
            Some(norm) => &norm.forward(hidden, pass)?,
            None => hidden,
        };
        let layers: Vec<&Linear> = self.attention.iter().collect();
        let mut joint = Linear::forward_joint(&layers, pass, normal)?;
        if !self.head_norms.is_empty() {
            joint = pass.tape.head_norm(&joint, &self.head_norms)?;
        }
        if let Some(rotary) = &places.rotary {
            let turned = places.shape.heads + places.shape.key_heads;
            joint = pass.tape.rotary(&joint, turned, &places.positions, rotary)?;
        }
        let dropout = pass.attention_dropout(site);
        pass.tape.attention(AttentionInput::Joint(&joint), &places.shape, dropout)
    }

    /// The rest of the layer, from what attention gathered and the hidden states that it is added to.
    fn finish(&self, mixed: &Value, hidden: &Value, site: u64, pass: &mut Pass<'_>) -> Result<Value> {
        pass.tape.look()?;
        let (attention_dropout, output_dropout) = (pass.hidden_dropout(site + 1), pass.hidden_dropout(site + 2));
        let mixed = self.attention_output.forward(pass, mixed, None)?;
        let attended = pass.tape.add(&mixed, hidden, attention_dropout)?;
        let normal = self.feed_forward_norm.forward(&attended, pass)?;
        let inner = match &self.feed_forward {
            FeedForward::Plain(layer) => layer.forward(pass, &normal, Some(self.activation))?,
            FeedForward::Gated { gate, up } => {
                let both = Linear::forward_joint(&[gate, up], pass, &normal)?;
                pass.tape.gate(&both, self.activation)?
            }
            FeedForward::JointGated(layer) => {
                let both = layer.forward(pass, &normal, None)?;
                pass.tape.gate(&both, self.activation)?
            }
        };
        let outer = self.output.forward(pass, &inner, None)?;
        pass.tape.add(&outer, &attended, output_dropout)
    }
}
