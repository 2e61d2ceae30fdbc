//! Networks without a head: embeddings, then layers, of which the lower ones may be frozen.

use std::ops::Range;

use candle_core::{Result, bail};

use crate::data::Batch;
use crate::models::ModelError;
use crate::models::architecture;
use crate::models::config::ModelConfig;
use crate::models::decoder::Decoder;
use crate::models::encoder::Encoder;
use crate::models::mode::{DropoutRates, Mode, Pass};
use crate::models::weights::Weights;
use crate::ops::{Array, Backend, Value, Weight};
use crate::project::TrainedLayers;

/// A network that turns tokens into hidden states.
#[derive(Clone, Debug)]
pub(super) struct Backbone {
    network: Network,
    layers: usize,
    max_positions: usize,
    /// How many layers from the bottom no gradient reaches, along with the embeddings; `None` if everything is trained.
    frozen: Option<usize>,
}

#[derive(Clone, Debug)]
enum Network {
    Encoder(Box<Encoder>),
    Decoder(Box<Decoder>),
}

impl Backbone {
    /// Builds the network that `config` describes. Parameters below the trained layers are frozen, and all if adapters are
    /// trained.
    pub fn load(
        weights: &mut Weights,
        config: &ModelConfig,
        trained: TrainedLayers,
    ) -> std::result::Result<Self, ModelError> {
        let layers = config.num_hidden_layers;
        let frozen = trained.frozen(layers);
        weights.freeze(frozen.is_some());
        let adapted = weights.lora().is_some();
        let freeze = |weights: &mut Weights, layer: usize| {
            weights.freeze(adapted || frozen.is_some_and(|frozen| layer < frozen));
        };
        let network = match &config.architecture().network {
            architecture::Network::Encoder { names, .. } => {
                Network::Encoder(Box::new(Encoder::load(weights, config, names, freeze)?))
            }
            architecture::Network::PreNormEncoder { names, .. } | architecture::Network::Decoder(names) => {
                Network::Decoder(Box::new(Decoder::load(weights, config, names, freeze)?))
            }
        };
        weights.freeze(false);
        Ok(Self { network, layers, max_positions: config.max_positions(), frozen })
    }

    /// Hidden states of the tokens that the batch reads, `[reads, hidden]`, or their means, `[sequences, hidden]`. `features` are the [`Self::features`] of
    /// the same batch, if already known.
    pub fn hidden_states(&self, batch: &Batch, features: Option<Array>, pass: &mut Pass<'_>) -> Result<Value> {
        self.check(batch)?;
        let hidden = match features {
            Some(features) => pass.tape.constant(features, self.word_embeddings())?,
            None => self.lower(batch, pass)?,
        };
        let frozen = self.frozen.unwrap_or(0);
        if frozen == self.layers {
            return Ok(hidden);
        }
        let hidden = self.run(frozen..self.layers, hidden, batch, pass)?;
        averaged(hidden, batch, pass)
    }

    /// Output of the frozen layers for a batch, without dropout: `[tokens, hidden]` or, when every layer is frozen, what
    /// [`Self::hidden_states`] gives. `None` if everything is trained.
    pub fn features(&self, batch: &Batch, backend: Backend, stop: &dyn Fn() -> bool) -> Result<Option<Array>> {
        if self.frozen.is_none() {
            return Ok(None);
        }
        self.check(batch)?;
        let mut pass = Pass::new(backend, Mode::Inference, DropoutRates::default(), stop);
        let hidden = self.lower(batch, &mut pass)?;
        hidden.to_array().map(Some)
    }

    /// The table of word embeddings, `[vocabulary, width of the embeddings]`.
    pub fn word_embeddings(&self) -> &Weight {
        match &self.network {
            Network::Encoder(encoder) => encoder.word_embeddings(),
            Network::Decoder(decoder) => decoder.word_embeddings(),
        }
    }

    /// The embeddings and the frozen layers.
    fn lower(&self, batch: &Batch, pass: &mut Pass<'_>) -> Result<Value> {
        let Some(frozen) = self.frozen else { return self.embed(batch, pass) };
        // Dropout regularises weights that are trained; below them it would only add noise.
        let rates = pass.rates;
        pass.rates = DropoutRates { classifier: rates.classifier, ..DropoutRates::default() };
        let hidden = self.embed(batch, pass)?;
        let hidden = self.run(0..frozen, hidden, batch, pass);
        pass.rates = rates;
        if frozen == self.layers { averaged(hidden?, batch, pass) } else { hidden }
    }

    fn embed(&self, batch: &Batch, pass: &mut Pass<'_>) -> Result<Value> {
        match &self.network {
            Network::Encoder(encoder) => encoder.embed(batch, pass),
            Network::Decoder(decoder) => decoder.embed(batch, pass),
        }
    }

    /// Runs some layers.
    fn run(&self, layers: Range<usize>, hidden: Value, batch: &Batch, pass: &mut Pass<'_>) -> Result<Value> {
        match &self.network {
            Network::Encoder(encoder) => encoder.run(layers, hidden, batch, pass),
            Network::Decoder(decoder) => decoder.run(layers, hidden, batch, pass),
        }
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

/// The mean of what each sequence reads, if the batch wants that.
fn averaged(hidden: Value, batch: &Batch, pass: &mut Pass<'_>) -> Result<Value> {
    if batch.averages { pass.tape.mean_rows(&hidden, &batch.cu_reads().into()) } else { Ok(hidden) }
}
