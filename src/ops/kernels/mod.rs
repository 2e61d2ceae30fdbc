//! What the fast ops are built from. The only place with `unsafe` code.

#[cfg(all(feature = "accelerate", target_os = "macos"))]
mod accelerate;
mod awake;
pub mod bf16;
pub mod lanes;
#[cfg(test)]
pub mod levels;
pub mod math;
pub mod matmul;
mod simd;
mod threads;
mod trim;

pub use awake::keep_awake;
pub use matmul::{MatrixPrecision, operations};
pub(crate) use simd::simd_kernel;
pub use simd::{SimdLevel, simd_level};
pub use threads::keep_candle_on_one_thread;
pub use trim::trim_memory;

/// Elements a task works on in element-wise kernels: 64 KiB of `f32`, well inside a core's second-level cache.
pub const CHUNK: usize = 16 * 1024;

/// Rows summed into one partial result by kernels that add up over rows. Fixed, so that the order of additions, and with
/// it every bit of the result, does not depend on the number of threads.
pub const ROWS: usize = 64;
