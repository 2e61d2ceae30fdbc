//! How fast this machine multiplies matrices: what a training step is held against.

use std::time::Instant;

use candle_core::{Device, Result, Tensor};

use crate::ops::Backend;
use crate::ops::array::Array;
use crate::ops::kernels::matmul::{MatrixPrecision, Onto, Operand, Threads, matmul};

/// Products timed; the fastest counts, since anything slower was disturbed.
const TRIES: usize = 6;

/// Seconds: a product that takes so long is large enough to be measured.
const LONG: f64 = 0.05;

/// Floating-point operations a second of a large matrix product on the current rayon pool.
///
/// The product is `2048 x 384` times `384 x 1536`: that of a small BERT's feed-forward layer on 2,048 tokens; of fewer
/// tokens where that takes long. bf16 operands are
/// packed beforehand; the product of 32-bit floats packs its own within the time.
///
/// # Errors
/// When a product fails on another device than the processor.
pub fn matrix_speed(backend: Backend, device: &Device) -> Result<f64> {
    const MOST_ROWS: usize = 2048;
    let (mut rows, columns, inner) = (64, 1536, 384);
    let filled = |rows: usize, width: usize| {
        Array::written(rows, width, |out| out.iter_mut().enumerate().for_each(|(at, out)| *out = (at % 7) as f32 - 3.0))
    };
    let right = filled(columns, inner);
    loop {
        let left = filled(rows, inner);
        let fastest = match backend {
            Backend::Kernels(precision) => time_kernels(&left, &right, precision),
            Backend::Composed => time_composed(&left, &right, device)?,
        };
        if rows == MOST_ROWS || fastest > LONG {
            return Ok(2.0 * (rows * columns * inner) as f64 / fastest.max(1e-9));
        }
        rows *= 2;
    }
}

/// Seconds of the fastest product.
fn time_composed(left: &Array, right: &Array, device: &Device) -> Result<f64> {
    let tensor = |array: &Array| Tensor::from_slice(array.values(), (array.rows(), array.width()), device);
    let (left, right) = (tensor(left)?, tensor(right)?.t()?);
    let mut fastest = f64::INFINITY;
    for _ in 0..TRIES {
        device.synchronize()?;
        let begun = Instant::now();
        left.matmul(&right)?;
        device.synchronize()?;
        fastest = fastest.min(begun.elapsed().as_secs_f64());
    }
    Ok(fastest)
}

/// Seconds of the fastest product.
fn time_kernels(left: &Array, right: &Array, precision: MatrixPrecision) -> f64 {
    let (rows, columns) = (left.rows(), right.rows());
    let left = Operand::left(left.matrix(), precision);
    let right = Operand::right(right.matrix().transposed(), precision);
    let mut out = Array::zeros(rows, columns);
    let mut fastest = f64::INFINITY;
    for _ in 0..TRIES {
        let begun = Instant::now();
        matmul(out.values_mut(), columns, &left, &right, Onto::Zeros, Threads::Pool);
        fastest = fastest.min(begun.elapsed().as_secs_f64());
    }
    fastest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_multiplies_millions_and_not_quadrillions_a_second() {
        for backend in [Backend::default(), Backend::Kernels(MatrixPrecision::Bf16), Backend::Composed] {
            assert!((1e6..1e15).contains(&matrix_speed(backend, &Device::Cpu).unwrap()), "{backend:?}");
        }
    }
}
