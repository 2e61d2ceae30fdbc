//! Differentiable tensor operations: each file holds one op, its plain reference, its fast CPU kernel.
//!
//! Every op is a function over candle tensors. On 32-bit floats in main memory it runs a kernel of ours, forward and
//! backward, in parallel in the current rayon pool; elsewhere the reference, composed of candle's differentiable
//! operations, runs in its place and gives the same numbers within rounding. Results never depend on the number of
//! threads: sums are split at fixed places and added in a fixed order.

mod adamw;
mod host;
mod kernels;

pub use adamw::{AdamW, AdamWState, adamw_step, squared_norm};
