//! Training or inference, and the differences between them.

use candle_core::Result;

use crate::ops::{Backend, Dropout, Tape, Value};
use crate::random::mask_key;

/// Where the dropout sites of adapters begin: after those of any number of layers.
const FIRST_ADAPTER: u64 = 1 << 32;

/// The purpose of a forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Forward only: no dropout, and nothing is stored for a backward pass.
    Inference,
    /// With dropout masks drawn from `seed` and `step`; the result can be differentiated. Every pass of a run needs a
    /// different `step`.
    Training {
        /// The run's seed.
        seed: u64,
        /// Number of the pass in the run.
        step: u64,
    },
}

/// Dropout probabilities of a network, each in 0..1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct DropoutRates {
    pub embedding: f64,
    pub hidden: f64,
    pub attention: f64,
    pub classifier: f64,
}

/// The state of a forward pass: its tape and its dropout.
pub(super) struct Pass<'a> {
    pub tape: Tape<'a>,
    pub mode: Mode,
    pub rates: DropoutRates,
    /// Whether the activations of layers are computed again in the backward pass.
    pub recompute: bool,
}

impl<'a> Pass<'a> {
    /// A pass that ends with an error soon after `stop` returns true. It keeps all activations.
    pub(super) fn new(backend: Backend, mode: Mode, rates: DropoutRates, stop: &'a dyn Fn() -> bool) -> Self {
        let tape = match mode {
            Mode::Inference => Tape::inference(backend),
            Mode::Training { .. } => Tape::training(backend),
        };
        Self { tape: tape.stopping_when(stop), mode, rates, recompute: false }
    }

    /// The output of a layer for `x`. If activations are recomputed, only `x` is kept.
    pub(super) fn layer(
        &mut self,
        x: &Value,
        layer: impl Fn(&Value, &mut Pass<'_>) -> Result<Value> + Send + Sync + 'static,
    ) -> Result<Value> {
        if !self.recompute {
            return layer(x, self);
        }
        let (mode, rates) = (self.mode, self.rates);
        self.tape.recomputed(x, Box::new(move |tape, x| in_pass(tape, mode, rates, |pass| layer(x, pass))))
    }

    pub(super) fn hidden_dropout(&self, site: u64) -> Dropout {
        self.dropout(self.rates.hidden, site)
    }

    pub(super) fn embedding_dropout(&self) -> Dropout {
        self.dropout(self.rates.embedding, 0)
    }

    pub(super) fn attention_dropout(&self, site: u64) -> Dropout {
        self.dropout(self.rates.attention, site)
    }

    pub(super) fn classifier_dropout(&self) -> Dropout {
        self.dropout(self.rates.classifier, u64::MAX)
    }

    /// Of heads that drop out their input too.
    pub(super) fn classifier_input_dropout(&self) -> Dropout {
        self.dropout(self.rates.classifier, u64::MAX - 1)
    }

    /// Of the input of an adapter; `site` tells adapters apart.
    pub(super) fn adapter_dropout(&self, rate: f64, site: u64) -> Dropout {
        self.dropout(rate, FIRST_ADAPTER + site)
    }

    /// Of a layer's embeddings of distances.
    pub(super) fn distance_dropout(&self, layer: u64) -> Dropout {
        self.dropout(self.rates.hidden, u64::MAX - 2 - layer)
    }

    fn dropout(&self, rate: f64, site: u64) -> Dropout {
        match self.mode {
            Mode::Inference => Dropout::OFF,
            Mode::Training { seed, step } => Dropout::new(rate, mask_key(seed, step, site)),
        }
    }
}

/// What `work` makes in a pass with this tape, and the tape.
fn in_pass<'t>(
    tape: Tape<'t>,
    mode: Mode,
    rates: DropoutRates,
    work: impl FnOnce(&mut Pass<'t>) -> Result<Value>,
) -> Result<(Tape<'t>, Value)> {
    let mut pass = Pass { tape, mode, rates, recompute: false };
    let value = work(&mut pass)?;
    Ok((pass.tape, value))
}
