//! Differentiable tensor operations: each file holds one op, its plain reference, its fast CPU kernel.
//!
//! Every op is a function over candle tensors. On 32-bit floats in main memory it runs a kernel of ours, forward and
//! backward, in parallel in the current rayon pool; elsewhere the reference, composed of candle's differentiable
//! operations, runs in its place and gives the same numbers within rounding. Results never depend on the number of
//! threads: sums are split at fixed places and added in a fixed order.

mod adamw;
mod attention;
mod cross_entropy;
mod dropout;
mod embedding;
mod gelu;
mod host;
mod kernels;
mod layer_norm;
mod linear;
#[cfg(test)]
mod testing;

pub use adamw::{AdamW, AdamWState, MomentPair, adamw_step, squared_norm};
pub use attention::{AttentionShape, attention};
pub use cross_entropy::{CrossEntropy, cross_entropy};
pub use dropout::{Dropout, dropout};
pub use embedding::{TokenRows, embedding};
pub use gelu::gelu;
pub use kernels::keep_candle_on_one_thread;
pub use layer_norm::{LayerNormWeights, layer_norm};
pub use linear::linear;
