//! Networks without a head, one file for each way of computing.

use candle_core::Result;

use crate::data::Batch;
use crate::models::ModelError;
use crate::models::config::ModelConfig;
use crate::models::encoder::Encoder;
use crate::models::mode::Pass;
use crate::models::weights::Weights;
use crate::ops::{Array, Backend, Value, Weight};
use crate::project::TrainedLayers;

/// A network that turns tokens into hidden states.
#[derive(Clone, Debug)]
pub(super) enum Backbone {
    Encoder(Encoder),
}

impl Backbone {
    /// Builds the network that `config` describes. Parameters below the trained layers are frozen.
    pub fn load(
        weights: &mut Weights,
        config: &ModelConfig,
        trained: TrainedLayers,
    ) -> std::result::Result<Self, ModelError> {
        Encoder::load(weights, config, trained).map(Self::Encoder)
    }

    /// Hidden states of the tokens that the batch reads, `[reads, hidden]`. `features` are the [`Self::features`] of
    /// the same batch, if already known.
    pub fn hidden_states(&self, batch: &Batch, features: Option<Array>, pass: &mut Pass<'_>) -> Result<Value> {
        match self {
            Self::Encoder(encoder) => encoder.hidden_states(batch, features, pass),
        }
    }

    /// Output of the frozen layers for a batch, without dropout: `[tokens, hidden]`, or `[reads, hidden]` when every
    /// layer is frozen. `None` if everything is trained.
    pub fn features(&self, batch: &Batch, backend: Backend, stop: &dyn Fn() -> bool) -> Result<Option<Array>> {
        match self {
            Self::Encoder(encoder) => encoder.features(batch, backend, stop),
        }
    }

    /// The table of word embeddings, `[vocabulary, width of the embeddings]`.
    pub fn word_embeddings(&self) -> &Weight {
        match self {
            Self::Encoder(encoder) => encoder.word_embeddings(),
        }
    }
}
