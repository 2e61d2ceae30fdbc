//! Low-rank adapters of linear layers (LoRA, Hu et al., 2106.09685): while the layer's own weights are frozen, `B A x` is trained
//! and added to its output.

use candle_core::Result;

use crate::models::ModelError;
use crate::models::adapter_files::{DOWN, UP};
use crate::models::mode::Pass;
use crate::models::weights::{Fill, Weights};
use crate::ops::{LinearWeights, LowRank, Value, Weight};
use crate::project::LoraMatrices;

/// The role of a matrix in its layer. [`LoraMatrices`] selects by role which matrices get an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Queries, or queries, keys and values together.
    Query,
    Key,
    Value,
    /// The output of attention.
    AttentionOutput,
    FeedForward,
}

impl Part {
    pub fn is_among(self, matrices: LoraMatrices) -> bool {
        match matrices {
            LoraMatrices::QueryValue => matches!(self, Self::Query | Self::Value),
            LoraMatrices::Attention => self != Self::FeedForward,
            LoraMatrices::All => true,
        }
    }
}

/// The adapter of one linear layer.
#[derive(Clone, Debug)]
pub(super) struct Adapter {
    /// `A`, `[rank, in]`.
    down: LinearWeights,
    /// `B`, `[out, rank]`.
    up: Weight,
    scale: f32,
    dropout: f64,
    /// Tells its dropout apart from that of other layers.
    site: u64,
}

impl Adapter {
    /// A new adapter of the layer with this name, if the network is trained with adapters and this part has one. As in `peft`,
    /// `A` starts uniformly distributed and `B` with zeros, so that nothing changes at first. `sizes` are (inputs, outputs).
    pub fn new(
        weights: &mut Weights,
        part: Part,
        name: &str,
        (inputs, outputs): (usize, usize),
    ) -> std::result::Result<Option<Self>, ModelError> {
        let Some(lora) = weights.lora().filter(|lora| part.is_among(lora.matrices)) else { return Ok(None) };
        let rank = lora.rank as usize;
        let bound = 1.0 / (inputs as f64).sqrt();
        let down = weights.adapter(&format!("{name}.{DOWN}.weight"), &[rank, inputs], Fill::Uniform(bound))?;
        let up = weights.adapter(&format!("{name}.{UP}.weight"), &[outputs, rank], Fill::Zeros)?;
        Ok(Some(Self {
            site: weights.count(),
            down: LinearWeights { weight: down, bias: None },
            up,
            scale: (lora.alpha / f64::from(lora.rank)) as f32,
            dropout: lora.dropout,
        }))
    }
}

/// `y` with what adapters add for the input `x`, each from its layer's first column in `y` on.
pub(super) fn apply(adapters: &[(&Adapter, usize)], pass: &mut Pass<'_>, x: &Value, y: Value) -> Result<Value> {
    let Some((first, _)) = adapters.first() else { return Ok(y) };
    let dropout = pass.adapter_dropout(first.dropout, first.site);
    let x = pass.tape.dropout(x, dropout)?;
    let downs: Vec<&LinearWeights> = adapters.iter().map(|(adapter, _)| &adapter.down).collect();
    let low = pass.tape.linear(&x, &downs, None)?;
    let update =
        |&(adapter, column): &(&Adapter, usize)| LowRank { up: adapter.up.clone(), column, scale: adapter.scale };
    pass.tape.low_rank(y, &low, adapters.iter().map(update).collect())
}
