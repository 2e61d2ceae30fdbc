//! Dropout from a seeded mask: every element is kept or dropped by its place alone, whoever computes it.

use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::host::{gradient, is_fast, operand, output, rows_and_width, values};
use super::kernels::{ROWS, simd_kernel};
use crate::random::{mask_bits, mask_row_key};

/// Which elements are dropped, and what the others are multiplied with.
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

    /// Drops each element with `probability` (held to 0..=1) and multiplies the others with `1 / (1 - probability)`.
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

    /// The factors of all elements as a tensor `[rows, width]`, for the references.
    pub(super) fn factors(self, rows: usize, width: usize, dtype: DType, device: &Device) -> Result<Tensor> {
        let factors = (0..rows).flat_map(|row| {
            let mask = self.row(row);
            (0..width).map(move |column| mask.factor(column))
        });
        Tensor::from_iter(factors, device)?.reshape((rows, width))?.to_dtype(dtype)
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
        if mask_bits(self.key, column as u32) < self.threshold { 0.0 } else { self.scale }
    }
}

/// Drops elements of `x`, of any shape; rows of the mask run along the last dimension.
///
/// # Errors
/// When a tensor operation fails.
pub fn dropout(x: &Tensor, dropout: Dropout) -> Result<Tensor> {
    if dropout.is_off() {
        return Ok(x.clone());
    }
    if is_fast(&[x]) { x.contiguous()?.apply_op1(Fast(dropout)) } else { reference(x, dropout) }
}

pub(super) fn reference(x: &Tensor, dropout: Dropout) -> Result<Tensor> {
    if dropout.is_off() {
        return Ok(x.clone());
    }
    let (rows, width) = rows_and_width(x.shape());
    x * dropout.factors(rows, width, x.dtype(), x.device())?.reshape(x.shape())?
}

struct Fast(Dropout);

impl CustomOp1 for Fast {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, width) = rows_and_width(layout.shape());
        Ok(output(dropped(operand(x, layout)?, width, self.0), layout.shape()))
    }

    // d/dx (x . factor) = factor
    fn bwd(&self, x: &Tensor, _result: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let grad = grad.contiguous()?;
        let (_, width) = rows_and_width(x.shape());
        gradient(dropped(&values(&grad)?, width, self.0), x).map(Some)
    }
}

/// `x` with elements dropped, rows of `width`.
pub(super) fn dropped(x: &[f32], width: usize, dropout: Dropout) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    let chunk = ROWS * width.max(1);
    out.par_chunks_mut(chunk)
        .zip(x.par_chunks(chunk))
        .enumerate()
        .for_each(|(index, (out, x))| drop_rows(x, out, width, index * ROWS, dropout));
    out
}

simd_kernel! {
    fn drop_rows(x: &[f32], out: &mut [f32], width: usize, first_row: usize, dropout: Dropout) {
        for (row, (out, x)) in out.chunks_exact_mut(width).zip(x.chunks_exact(width)).enumerate() {
            let mask = dropout.row(first_row + row);
            for (column, (out, &x)) in out.iter_mut().zip(x).enumerate() {
                *out = x * mask.factor(column);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{agree, normal};

    #[test]
    fn agrees_with_the_reference() {
        for shape in [vec![1], vec![7, 5], vec![130, 33], vec![3, 4, 17]] {
            let mask = Dropout::new(0.3, 5);
            agree(&[normal(shape, 1)], |x| dropout(&x[0], mask), |x| reference(&x[0], mask));
        }
    }

    #[test]
    fn drops_the_asked_share_and_keeps_the_mean() {
        let ones = Tensor::ones((1000, 100), DType::F32, &Device::Cpu).unwrap();
        let out = dropout(&ones, Dropout::new(0.1, 3)).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let dropped = out.iter().filter(|&&value| value == 0.0).count();
        assert!(dropped.abs_diff(10_000) < 400, "{dropped}");
        let mean = out.iter().map(|&value| f64::from(value)).sum::<f64>() / 1e5;
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
    }

    #[test]
    fn ends_of_the_range() {
        let x = normal(vec![4, 4], 1);
        let all = dropout(&x, Dropout::new(1.0, 3)).unwrap().abs().unwrap().max_all().unwrap();
        assert_eq!(all.to_scalar::<f32>().unwrap().to_bits(), 0.0_f32.to_bits());
        assert!(Dropout::new(0.0, 3).is_off() && Dropout::OFF.is_off());
    }

    #[test]
    fn the_mask_does_not_depend_on_threads() {
        let x = normal(vec![1000, 65], 1);
        let run = || dropout(&x, Dropout::new(0.5, 9)).unwrap().to_vec2::<f32>().unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        assert_eq!(run(), pool.install(run));
    }
}
