//! How fast this machine multiplies matrices: the limit that a training step is compared with.

use std::time::Instant;

use candle_core::{Device, Result, Tensor};

use crate::ops::Backend;
use crate::ops::array::Array;
use crate::ops::kernels::matmul::{MatrixPrecision, Onto, Operand, Threads, matmul};

/// Products timed. The fastest counts: the others were slowed down by something else.
const TRIES: usize = 6;

/// Seconds that a product must take to be measured well.
const LONG: f64 = 0.05;

/// Columns of the product and numbers summed for each: a small BERT's feed-forward layer.
const COLUMNS: usize = 1536;
const INNER: usize = 384;

/// Rows of the smallest and the largest product.
const ROWS: (usize, usize) = (64, 2048);

/// Floating-point operations a second of a large matrix product on the current rayon pool.
///
/// The product is `2048 x 384` times `384 x 1536`, that of a small BERT's feed-forward layer on 2,048 tokens; on slow
/// machines it has fewer rows. bf16 operands are packed beforehand; the product of 32-bit floats packs its own within
/// the time.
///
/// # Errors
/// When a product fails on another device than the processor.
pub fn matrix_speed(backend: Backend, device: &Device) -> Result<f64> {
    let filled = |rows: usize, width: usize| {
        Array::written(rows, width, |out| out.iter_mut().enumerate().for_each(|(at, out)| *out = (at % 7) as f32 - 3.0))
    };
    let right = filled(COLUMNS, INNER);
    speed_of(|rows| {
        let left = filled(rows, INNER);
        match backend {
            Backend::Kernels(precision) => Ok(time_kernels(&left, &right, precision)),
            Backend::Composed => time_composed(&left, &right, device),
        }
    })
}

/// Operations a second, from the seconds of products with more and more rows.
fn speed_of(mut seconds: impl FnMut(usize) -> Result<f64>) -> Result<f64> {
    let (mut rows, most) = ROWS;
    loop {
        let fastest = seconds(rows)?;
        if rows >= most || fastest > LONG {
            return Ok(2.0 * (rows * COLUMNS * INNER) as f64 / fastest.max(1e-9));
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

    /// The speed found on a machine with this many operations per second, and the numbers of rows that were tried.
    fn found(operations_a_second: f64) -> (f64, Vec<usize>) {
        let mut tried = Vec::new();
        let speed = speed_of(|rows| {
            tried.push(rows);
            Ok(2.0 * (rows * COLUMNS * INNER) as f64 / operations_a_second)
        });
        (speed.unwrap(), tried)
    }

    #[test]
    fn the_product_grows_until_it_takes_long_enough() {
        for (speed, rows) in [(1e12, &[64, 128, 256, 512, 1024, 2048][..]), (4e9, &[64, 128, 256]), (1e6, &[64])] {
            let (found, tried) = found(speed);
            assert!((found - speed).abs() < 1e-6 * speed, "{found} {speed}");
            assert_eq!(tried, rows);
        }
    }

    #[test]
    fn every_backend_does_the_product() {
        for backend in [Backend::default(), Backend::Kernels(MatrixPrecision::Bf16), Backend::Composed] {
            let before = crate::ops::matrix_operations();
            assert!(matrix_speed(backend, &Device::Cpu).unwrap() > 0.0, "{backend:?}");
            let counted = crate::ops::matrix_operations() - before;
            let smallest = (TRIES * 2 * ROWS.0 * COLUMNS * INNER) as u64;
            assert!(backend == Backend::Composed || counted >= smallest, "{backend:?}: {counted}");
        }
    }
}
