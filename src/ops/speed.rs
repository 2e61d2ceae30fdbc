//! How fast this machine multiplies matrices: what a training step is held against.

use std::time::Instant;

use super::array::Array;
use super::kernels::matmul::{Threads, matmul};

/// Products timed; the fastest counts, since anything slower was disturbed.
const TRIES: usize = 12;

/// Floating-point operations a second of a large matrix product on the current rayon pool.
///
/// The product is `2048 x 384` times `384 x 1536`: that of a small BERT's feed-forward layer on 2,048 tokens.
#[must_use]
pub fn matrix_speed() -> f64 {
    const SHAPE: (usize, usize, usize) = (2048, 1536, 384);
    let (rows, columns, inner) = SHAPE;
    let filled = |rows: usize, width: usize| {
        Array::written(rows, width, |out| out.iter_mut().enumerate().for_each(|(at, out)| *out = (at % 7) as f32 - 3.0))
    };
    let (left, right) = (filled(rows, inner), filled(columns, inner));
    let mut out = Array::zeros(rows, columns);
    let mut fastest = f64::INFINITY;
    for _ in 0..TRIES {
        let begun = Instant::now();
        matmul(out.values_mut(), columns, left.matrix(), right.matrix().transposed(), false, Threads::Pool);
        fastest = fastest.min(begun.elapsed().as_secs_f64());
    }
    2.0 * (rows * columns * inner) as f64 / fastest.max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_multiplies_millions_and_not_quadrillions_a_second() {
        assert!((1e6..1e15).contains(&matrix_speed()));
    }
}
