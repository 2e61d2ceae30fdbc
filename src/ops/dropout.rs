//! Dropout with a seeded mask: whether an element is dropped depends only on its position, on every device and thread.

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use crate::ops::array::Array;
use crate::ops::kernels::{ROWS, simd_kernel};
use crate::ops::tape::{Flow, Node, Op, Tape, Value};
use crate::random::{mask_bits, mask_row_key};

/// Which elements are dropped, and the factor of the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    key: u64,
    /// An element is dropped when its 32 random bits are below this.
    threshold: u32,
    scale: f32,
}

impl Dropout {
    /// Keeps everything.
    pub const OFF: Self = Self { key: 0, threshold: 0, scale: 1.0 };

    /// Drops each element with `probability` (held to 0..=1) and multiplies the others by `1 / (1 - probability)`.
    ///
    /// `key` names the mask; make it with [`crate::random::mask_key`].
    #[must_use]
    pub fn new(probability: f64, key: u64) -> Self {
        let probability = probability.clamp(0.0, 1.0);
        let scale = if probability < 1.0 { (1.0 / (1.0 - probability)) as f32 } else { 0.0 };
        Self { key, threshold: (probability * (1_u64 << 32) as f64) as u32, scale }
    }

    /// Whether nothing is dropped.
    #[must_use]
    pub fn is_off(self) -> bool {
        self.threshold == 0
    }

    /// The mask of one row.
    #[inline]
    pub(super) fn row(self, row: usize) -> RowMask {
        RowMask { key: mask_row_key(self.key, row as u64), threshold: self.threshold, scale: self.scale }
    }

    /// The factors of `rows` rows as a tensor `[rows, width]` like `like`, for the composed operations; `mask_row` names the
    /// row of the mask that each has.
    pub(super) fn factors(
        self,
        (rows, width): (usize, usize),
        mask_row: impl Fn(usize) -> usize + Sync,
        like: &Tensor,
    ) -> Result<Tensor> {
        // Bytes: another device gets them in a quarter of the time of floats.
        let mut kept = vec![0; rows * width];
        kept.par_chunks_mut(ROWS * width.max(1)).enumerate().for_each(|(chunk, kept)| {
            for (row, kept) in kept.chunks_exact_mut(width.max(1)).enumerate() {
                mark_kept(kept, self.row(mask_row(chunk * ROWS + row)));
            }
        });
        let kept = Tensor::from_vec(kept, (rows, width), like.device())?.to_dtype(like.dtype())?;
        kept * f64::from(self.scale)
    }
}

/// The mask of one row of a tensor.
#[derive(Clone, Copy)]
pub(super) struct RowMask {
    key: u64,
    threshold: u32,
    scale: f32,
}

impl RowMask {
    /// 0 for a dropped element, the scale for a kept one.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "must be compiled inside each variant of a kernel")]
    pub(super) fn factor(self, column: usize) -> f32 {
        if self.keeps(column) { self.scale } else { 0.0 }
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as its caller")]
    fn keeps(self, column: usize) -> bool {
        mask_bits(self.key, column as u32) >= self.threshold
    }
}

/// Values saved for the backward pass.
#[derive(Debug)]
pub(super) struct Record {
    from: Option<Node>,
    dropout: Dropout,
}

impl Tape<'_> {
    /// Drops elements of `x`; rows of the mask are rows of `x`.
    ///
    /// # Errors
    /// If a tensor operation fails.
    pub fn dropout(&mut self, x: &Value, dropout: Dropout) -> Result<Value> {
        if dropout.is_off() {
            return Ok(x.clone());
        }
        if !self.uses_kernels() {
            return Ok(Value::Composed(reference(x.composed()?, dropout)?));
        }
        let x = x.host()?;
        let mut out = x.array.clone();
        drop_elements(&mut out, dropout);
        let record = self.records(&[x.node], &[]).then_some(Record { from: x.node, dropout });
        Ok(self.made(out, record.map(Op::Dropout)))
    }
}

impl Record {
    // d/dx (x . factor) = factor
    pub(super) fn backward(self, mut gradient: Array, flow: &mut Flow<'_>) {
        drop_elements(&mut gradient, self.dropout);
        flow.add(self.from, gradient);
    }
}

pub(super) fn reference(x: &Tensor, dropout: Dropout) -> Result<Tensor> {
    if dropout.is_off() {
        return Ok(x.clone());
    }
    x * dropout.factors(x.dims2()?, |row| row, x)?
}

/// Drops elements in place.
pub(super) fn drop_elements(x: &mut Array, dropout: Dropout) {
    if dropout.is_off() {
        return;
    }
    let width = x.width();
    let chunks = x.values_mut().par_chunks_mut(ROWS * width.max(1)).enumerate();
    chunks.for_each(|(chunk, x)| drop_rows(x, width, chunk * ROWS, dropout));
}

simd_kernel! {
    fn drop_rows(x: &mut [f32], width: usize, first_row: usize, dropout: Dropout) {
        for (row, x) in x.chunks_exact_mut(width.max(1)).enumerate() {
            let mask = dropout.row(first_row + row);
            for (column, x) in x.iter_mut().enumerate() {
                *x *= mask.factor(column);
            }
        }
    }
}

simd_kernel! {
    /// 1 for an element of a row that is kept, 0 for one that is dropped.
    fn mark_kept(kept: &mut [u8], mask: RowMask) {
        for (column, kept) in kept.iter_mut().enumerate() {
            *kept = u8::from(mask.keeps(column));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Backend;
    use crate::ops::testing::{agree, normal};

    fn dropped(x: Array, dropout: Dropout) -> Vec<f32> {
        let mut tape = Tape::inference(Backend::default());
        let (x, _) = tape.leaf(x);
        tape.dropout(&x, dropout).unwrap().to_rows().unwrap().concat()
    }

    #[test]
    fn agrees_with_the_reference() {
        for shape in [vec![1, 1], vec![7, 5], vec![130, 33]] {
            let mask = Dropout::new(0.3, 5);
            agree(&[normal(shape, 1)], &[], |tape, x, _| tape.dropout(&x[0], mask), |x| reference(&x[0], mask));
        }
    }

    #[test]
    fn drops_the_requested_share_and_keeps_the_mean() {
        let out = dropped(Array::from_values(1000, 100, &vec![1.0; 100_000]), Dropout::new(0.1, 3));
        let dropped = out.iter().filter(|&&value| value == 0.0).count();
        assert!(dropped.abs_diff(10_000) < 400, "{dropped}");
        let mean = out.iter().map(|&value| f64::from(value)).sum::<f64>() / 1e5;
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
    }

    #[test]
    fn probabilities_of_0_and_1_are_exact() {
        let x = Array::from_values(2, 2, &[1.0, -2.0, 3.0, -4.0]);
        assert!(dropped(x, Dropout::new(1.0, 3)).iter().all(|&value| value.abs() < f32::MIN_POSITIVE));
        assert!(Dropout::new(0.0, 3).is_off() && Dropout::OFF.is_off());
    }

    #[test]
    fn the_mask_does_not_depend_on_threads() {
        let run = || dropped(Array::from_values(1000, 65, &vec![1.0; 65_000]), Dropout::new(0.5, 9));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        assert_eq!(run(), pool.install(run));
    }
}
