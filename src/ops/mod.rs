//! Differentiable tensor operations: each file holds one op with its reference and its fast CPU kernel.
//!
//! A `Tape` runs the ops of a forward pass and goes back over them. On the CPU each op runs Hone's kernels, forward
//! and backward, in parallel in the current rayon pool; elsewhere its reference, composed of candle's differentiable
//! operations, runs in its place and gives the same numbers within rounding. Results never depend on the number of
//! threads: sums are split at fixed places and added in a fixed order.

mod activation;
mod adamw;
mod add;
mod array;
mod attention;
mod attention_reference;
mod cross_entropy;
mod dropout;
mod embedding;
mod gate;
mod gradients;
mod head_norm;
mod host;
mod kernels;
mod layer_norm;
mod linear;
mod linear_cross_entropy;
mod low_rank;
mod mean;
mod message;
mod pool;
mod recompute;
mod regroup;
mod relative;
mod rms_norm;
mod rotary;
mod rows;
mod sequence;
mod sequence_terms;
mod speed;
mod tape;
#[cfg(test)]
mod testing;

pub use activation::Activation;
pub use adamw::{AdamW, AdamWState, MomentPair, adamw_step};
pub use array::Array;
pub use attention::{AttentionInput, AttentionShape};
pub use cross_entropy::{CrossEntropy, Loss, cross_entropy, log_sum_of_exponentials};
pub use dropout::Dropout;
pub use embedding::Lookup;
pub use gradients::{Gradient, Gradients, RowGradient};
pub use head_norm::HeadNorm;
pub use kernels::{
    MatrixPrecision, keep_awake, keep_candle_on_one_thread, operations as matrix_operations, trim_memory,
};
pub use layer_norm::LayerNormWeights;
pub use linear::LinearWeights;
pub use linear_cross_entropy::rows_at_once;
pub use low_rank::LowRank;
pub use message::message;
pub use pool::release_memory;
pub use relative::{Distances, Relative, RelativeTerms};
pub use rms_norm::RmsNormWeights;
pub use rotary::Rotary;
pub use speed::matrix_speed;
pub use tape::{Backend, HostValue, Tape, Value, Weight};
