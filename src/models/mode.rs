//! Training or inference, and what differs between them.

use candle_core::Tensor;

use crate::ops::{Dropout, LayerNormWeights};
use crate::random::mask_key;

/// What a forward pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Answers only: no dropout, and nothing is kept for a backward pass.
    Inference,
    /// Dropout with masks that `seed` and `step` name; the result can be differentiated. Give every batch of a run
    /// another `step`.
    Training {
        /// The run's seed.
        seed: u64,
        /// Number of the batch in the run.
        step: u64,
    },
}

/// Dropout probabilities of a network, each in 0..1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct DropoutRates {
    pub hidden: f64,
    pub attention: f64,
    pub classifier: f64,
}

/// A mode as the layers see it.
pub(super) struct Pass {
    pub mode: Mode,
    pub rates: DropoutRates,
}

impl Pass {
    /// The weight itself in training; without its link to the gradient in inference, so that no graph is built.
    pub(super) fn weight(&self, weight: &Tensor) -> Tensor {
        match self.mode {
            Mode::Inference => weight.detach(),
            Mode::Training { .. } => weight.clone(),
        }
    }

    pub(super) fn norm(&self, norm: &LayerNormWeights) -> LayerNormWeights {
        let (weight, bias) = (self.weight(&norm.weight), self.weight(&norm.bias));
        LayerNormWeights { weight, bias, epsilon: norm.epsilon }
    }

    pub(super) fn hidden_dropout(&self, site: u64) -> Dropout {
        self.dropout(self.rates.hidden, site)
    }

    pub(super) fn attention_dropout(&self, site: u64) -> Dropout {
        self.dropout(self.rates.attention, site)
    }

    pub(super) fn classifier_dropout(&self) -> Dropout {
        self.dropout(self.rates.classifier, u64::MAX)
    }

    fn dropout(&self, rate: f64, site: u64) -> Dropout {
        match self.mode {
            Mode::Inference => Dropout::OFF,
            Mode::Training { seed, step } => Dropout::new(rate, mask_key(seed, step, site)),
        }
    }
}
