//! Operands as the tiles read them.

use rayon::prelude::*;

use super::super::matmul::Matrix;
use super::super::simd_kernel;
use crate::ops::pool::Buffer;

/// Pairs that are turned around at a time: 4 KiB of the source for 8 lanes, so that what is written stays near too.
const PAIRS_AT_ONCE: usize = 64;

/// An operand of a product, in bf16: panels of `width` lanes (rows of the left operand, columns of the right one), and in
/// a panel, pair after pair of the inner index, the pair's two numbers for each lane. Lanes and numbers that are not
/// there are zeros.
#[derive(Debug)]
pub struct Panels {
    /// Pairs of `bf16`, the earlier number in the lower half; kept in the bits of floats, whose buffers are used again.
    bits: Buffer,
    lanes: usize,
    inner: usize,
    width: usize,
}

impl Panels {
    /// Packs a matrix `[inner, lanes]`.
    pub(super) fn new(matrix: Matrix<'_>, width: usize) -> Self {
        let (inner, lanes) = (matrix.rows(), matrix.columns());
        let of_panel = inner.div_ceil(2) * width;
        let mut bits = Buffer::take(of_panel * lanes.div_ceil(width));
        if of_panel > 0 {
            bits.par_chunks_exact_mut(of_panel).enumerate().for_each(|(panel, out)| {
                let first = panel * width;
                let source = Source {
                    values: matrix.values().get(first * matrix.column_stride()..).unwrap_or_default(),
                    lanes: (lanes - first).min(width),
                    inner,
                    lane_stride: matrix.column_stride(),
                    inner_stride: matrix.row_stride(),
                };
                pack_panel(as_bits(out), width, source);
            });
        }
        Self { bits, lanes, inner, width }
    }

    /// Rows of a left operand, columns of a right one.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// The size that is summed over.
    #[must_use]
    pub fn inner(&self) -> usize {
        self.inner
    }

    /// Lanes of a panel.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn pairs(&self) -> usize {
        self.inner.div_ceil(2)
    }

    /// Panels.
    pub(super) fn count(&self) -> usize {
        self.lanes.div_ceil(self.width)
    }

    /// Some pairs of a panel, `[pairs][width]`.
    pub(super) fn block(&self, panel: usize, pairs: std::ops::Range<usize>) -> &[u32] {
        let of_panel = self.pairs() * self.width;
        let panel = &self.bits[panel * of_panel..(panel + 1) * of_panel];
        let block = &panel[pairs.start * self.width..pairs.end * self.width];
        // SAFETY: an `f32` and an `u32` have the same size and alignment, and every bit pattern is one of an `u32`.
        unsafe { std::slice::from_raw_parts(block.as_ptr().cast(), block.len()) }
    }
}

fn as_bits(values: &mut [f32]) -> &mut [u32] {
    // SAFETY: as in `Panels::block`; every bit pattern is one of an `f32` too.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), values.len()) }
}

/// The numbers of one panel.
#[derive(Clone, Copy)]
struct Source<'a> {
    values: &'a [f32],
    lanes: usize,
    inner: usize,
    lane_stride: usize,
    inner_stride: usize,
}

impl<'a> Source<'a> {
    /// `count` numbers that are neighbours.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "must be compiled inside each variant of a kernel")]
    fn run(&self, start: usize, count: usize) -> &'a [f32] {
        &self.values[start..start + count]
    }
}

/// The nearest `bf16`, the even one of two, in the lower half; what is no number stays none.
#[inline(always)]
#[allow(clippy::inline_always, reason = "must be compiled inside each variant of a kernel")]
fn round(value: f32) -> u32 {
    let bits = value.to_bits();
    let nearest = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
    let is_nan = bits & 0x7fff_ffff > 0x7f80_0000;
    if is_nan { bits >> 16 | 0x40 } else { nearest }
}

simd_kernel! {
    fn pack_panel(out: &mut [u32], width: usize, source: Source<'_>) {
        if source.lanes < width {
            out.fill(0);
        }
        if source.lane_stride == 1 {
            pack_side_by_side(out, width, source);
        } else {
            pack_end_to_end(out, width, source);
        }
    }
}

/// Lanes are neighbours in the source.
#[inline(always)]
#[allow(clippy::inline_always, reason = "must be compiled inside each variant of a kernel")]
fn pack_side_by_side(out: &mut [u32], width: usize, source: Source<'_>) {
    for (pair, out) in out.chunks_exact_mut(width).enumerate() {
        let low = source.run(2 * pair * source.inner_stride, source.lanes);
        if 2 * pair + 1 < source.inner {
            let high = source.run((2 * pair + 1) * source.inner_stride, source.lanes);
            for ((out, &low), &high) in out.iter_mut().zip(low).zip(high) {
                *out = round(low) | round(high) << 16;
            }
        } else {
            for (out, &low) in out.iter_mut().zip(low) {
                *out = round(low);
            }
        }
    }
}

/// The numbers of a lane are neighbours in the source.
#[inline(always)]
#[allow(clippy::inline_always, reason = "must be compiled inside each variant of a kernel")]
fn pack_end_to_end(out: &mut [u32], width: usize, source: Source<'_>) {
    let mut pairs = [0_u32; PAIRS_AT_ONCE];
    for (block, out) in out.chunks_mut(PAIRS_AT_ONCE * width).enumerate() {
        let first = 2 * block * PAIRS_AT_ONCE;
        let count = (source.inner - first).min(2 * PAIRS_AT_ONCE);
        for lane in 0..source.lanes {
            let (whole, rest) = source.run(lane * source.lane_stride + first, count).as_chunks::<2>();
            for (pair, &[low, high]) in pairs.iter_mut().zip(whole) {
                *pair = round(low) | round(high) << 16;
            }
            if let &[last] = rest {
                pairs[whole.len()] = round(last);
            }
            for (out, &pair) in out.chunks_exact_mut(width).zip(&pairs) {
                out[lane] = pair;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_to_the_nearest_and_keeps_what_is_no_number() {
        let of = |value: f32| f32::from_bits(round(value) << 16);
        for (value, expected) in [
            (1.0, 1.0),
            (-0.0, -0.0),
            (1.0 + 1.0 / 256.0, 1.0),
            (1.0 + 3.0 / 256.0, 1.0 + 4.0 / 256.0),
            (1.004, 1.0 + 2.0 / 256.0),
            (f32::MAX, f32::INFINITY),
            (f32::NEG_INFINITY, f32::NEG_INFINITY),
        ] {
            assert_eq!(of(value).to_bits(), f32::to_bits(expected), "{value}");
        }
        for bits in [0x7fc0_0000, 0x7f80_0001, 0xffff_ffff_u32] {
            assert!(of(f32::from_bits(bits)).is_nan(), "{bits:x}");
        }
    }
}
