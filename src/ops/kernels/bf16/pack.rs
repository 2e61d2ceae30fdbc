//! Operands as the tiles read them.

use rayon::prelude::*;

use crate::ops::kernels::bf16::Kernel;
use crate::ops::kernels::matmul::Matrix;
use crate::ops::kernels::simd_kernel;
use crate::ops::pool::Buffer;

/// Pairs of one line of the caches, 64 bytes: a row of a register of AMX. Panels hold a multiple of them.
pub(super) const PAIRS_OF_LINE: usize = 16;

/// Numbers of the inner index in a line.
const NUMBERS_OF_LINE: usize = 2 * PAIRS_OF_LINE;

/// Lanes of a panel, at most.
pub(super) const MOST_LANES: usize = 32;

/// The order of the pairs of a panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// `[pairs][width]`: pair after pair of the inner index, each of every lane.
    PairByPair,
    /// `[pairs / 16][width][16]`: sixteen pairs of a lane, then of the next.
    LaneByLane,
}

/// An operand of a product, in bf16: panels of `width` lanes (rows of the left operand, columns of the right one), each
/// of pairs of neighbours of the inner index. Lanes and numbers that are not there are zeros.
#[derive(Debug)]
pub struct Panels {
    /// Pairs of `bf16`, the earlier number in the lower half; kept in the bits of floats, whose buffers are used again.
    /// They begin where a line of the caches does.
    bits: Buffer,
    lanes: usize,
    inner: usize,
    width: usize,
    layout: Layout,
}

impl Panels {
    /// Packs a matrix `[inner, lanes]`, after `map` on each piece, which leaves everything outside of the matrix at 0.
    ///
    /// The source is read in the order of memory, row by row, because reading takes most of the time.
    pub(super) fn new<T: Copy + Sync + Into<f32>>(
        matrix: Matrix<'_, T>,
        width: usize,
        layout: Layout,
        map: impl Fn(&mut Tile) + Sync,
    ) -> Self {
        let mut panels = Self::unwritten(matrix.rows(), matrix.columns(), width, layout);
        let lines = panels.lines();
        if matrix.column_stride() == 1 {
            let out = panels.out();
            (0..lines).into_par_iter().for_each_init(Tile::new, |tile, line| {
                for panel in 0..lines_of(out.lanes, width) {
                    let first = [line * NUMBERS_OF_LINE, panel * width];
                    tile.read(matrix, first, [NUMBERS_OF_LINE, width]);
                    map(tile);
                    // SAFETY: this task alone writes this line of every panel.
                    write_down(tile, unsafe { out.line(panel, line) }, width, layout);
                }
            });
        } else {
            let matrix = matrix.transposed();
            let out = panels.out();
            (0..lines_of(out.lanes, width)).into_par_iter().for_each_init(Tile::new, |tile, panel| {
                for line in 0..lines {
                    let first = [panel * width, line * NUMBERS_OF_LINE];
                    tile.read(matrix, first, [width, NUMBERS_OF_LINE]);
                    map(tile);
                    // SAFETY: this task alone writes this panel.
                    write_across(tile, unsafe { out.line(panel, line) }, width, layout);
                }
            });
        }
        panels
    }

    /// Packs a matrix twice while it is read once: with its rows as lanes, and with its columns as lanes. Each piece
    /// goes through `map` first, with the number of its first row and column; everything outside of the matrix must
    /// stay 0.
    pub(super) fn both_ways(
        matrix: Matrix<'_>,
        of_rows: Layout,
        of_columns: Layout,
        map: impl Fn(&mut Tile, [usize; 2]) + Sync,
    ) -> (Self, Self) {
        let (rows, columns) = (matrix.rows(), matrix.columns());
        let mut across = Self::unwritten(columns, rows, NUMBERS_OF_LINE, of_rows);
        let mut down = Self::unwritten(rows, columns, NUMBERS_OF_LINE, of_columns);
        let (of_across, of_down) = (across.out(), down.out());
        (0..lines_of(rows, NUMBERS_OF_LINE)).into_par_iter().for_each_init(Tile::new, |tile, row| {
            for column in 0..lines_of(columns, NUMBERS_OF_LINE) {
                let first = [row * NUMBERS_OF_LINE, column * NUMBERS_OF_LINE];
                tile.read(matrix, first, [NUMBERS_OF_LINE; 2]);
                map(tile, first);
                // SAFETY: this task alone writes this panel of the one, and this line of every panel of the other.
                unsafe {
                    write_across(tile, of_across.line(row, column), NUMBERS_OF_LINE, of_rows);
                    write_down(tile, of_down.line(column, row), NUMBERS_OF_LINE, of_columns);
                }
            }
        });
        (across, down)
    }

    fn unwritten(inner: usize, lanes: usize, width: usize, layout: Layout) -> Self {
        let numbers = lines_of(inner, NUMBERS_OF_LINE) * PAIRS_OF_LINE * width * lanes.div_ceil(width);
        Self { bits: Buffer::take(numbers + PAIRS_OF_LINE), lanes, inner, width, layout }
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

    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    /// Pairs of a lane, with the zeros that fill the last line.
    pub(super) fn pairs(&self) -> usize {
        self.lines() * PAIRS_OF_LINE
    }

    fn lines(&self) -> usize {
        lines_of(self.inner, NUMBERS_OF_LINE)
    }

    /// Panels.
    pub(super) fn count(&self) -> usize {
        self.lanes.div_ceil(self.width)
    }

    /// Some pairs of a panel; the first one begins a line.
    pub(super) fn block(&self, panel: usize, pairs: std::ops::Range<usize>) -> &[u32] {
        let of_panel = self.pairs() * self.width;
        let panel = &self.bits[first_of_line(&self.bits) + panel * of_panel..][..of_panel];
        let block = &panel[pairs.start * self.width..pairs.end * self.width];
        // SAFETY: an `f32` and an `u32` have the same size and alignment, and every bit pattern is one of an `u32`.
        unsafe { std::slice::from_raw_parts(block.as_ptr().cast(), block.len()) }
    }

    fn out(&mut self) -> Out {
        let (of_panel, of_line) = (self.pairs() * self.width, PAIRS_OF_LINE * self.width);
        let (lanes, begin) = (self.lanes, first_of_line(&self.bits));
        Out { bits: self.bits[begin..].as_mut_ptr().cast(), lanes, of_panel, of_line }
    }
}

/// Where packed lines go, for every task.
#[derive(Clone, Copy)]
struct Out {
    bits: *mut u32,
    lanes: usize,
    /// Pairs of a panel, and of a line of it.
    of_panel: usize,
    of_line: usize,
}

// SAFETY: tasks write to lines that do not overlap, and nothing else reads or writes them meanwhile (`out` holds the
// panels mutably).
unsafe impl Send for Out {}
// SAFETY: as above.
unsafe impl Sync for Out {}

impl Out {
    /// One line of a panel, `[16 x width]`.
    ///
    /// # Safety
    /// There is such a line, and nobody else has it.
    unsafe fn line<'a>(self, panel: usize, line: usize) -> &'a mut [u32] {
        // SAFETY: the caller's promise; a float's bits are those of an `u32` of the same size and alignment.
        unsafe {
            std::slice::from_raw_parts_mut(self.bits.add(panel * self.of_panel + line * self.of_line), self.of_line)
        }
    }
}

fn lines_of(count: usize, of_line: usize) -> usize {
    count.div_ceil(of_line)
}

/// The first number at the beginning of a line of the caches.
fn first_of_line(values: &[f32]) -> usize {
    values.as_ptr().align_offset(size_of::<[u32; PAIRS_OF_LINE]>())
}

/// A piece of a matrix, `[32][32]`; 0 outside of the matrix.
pub(super) struct Tile(pub [[f32; MOST_LANES]; MOST_LANES]);

impl Tile {
    /// Nothing but zeros.
    pub(super) fn new() -> Self {
        Self([[0.0; MOST_LANES]; MOST_LANES])
    }

    /// Takes `sizes` rows and columns from `first` on, of a matrix whose rows' numbers are neighbours.
    pub(super) fn read<T: Copy + Into<f32>>(&mut self, matrix: Matrix<'_, T>, first: [usize; 2], sizes: [usize; 2]) {
        let columns = (matrix.columns() - first[1]).min(sizes[1]);
        let rows = (matrix.rows() - first[0]).min(sizes[0]);
        if rows < MOST_LANES || columns < MOST_LANES {
            *self = Self::new();
        }
        for (row, out) in self.0.iter_mut().enumerate().take(rows) {
            let source = &matrix.values()[(first[0] + row) * matrix.row_stride() + first[1]..][..columns];
            match <&[T; MOST_LANES]>::try_from(source) {
                Ok(whole) => *out = whole.map(T::into),
                Err(_) => out.iter_mut().zip(source).for_each(|(out, &number)| *out = number.into()),
            }
        }
    }

    /// Applies a kernel to the numbers in place.
    pub(super) fn apply(&mut self, kernel: Option<Kernel>) {
        if let Some(kernel) = kernel {
            let numbers = self.0;
            kernel(numbers.as_flattened(), self.0.as_flattened_mut());
        }
    }
}

simd_kernel! {
    /// Packs rows that are numbers of the inner index, columns that are lanes.
    fn write_down(tile: &Tile, out: &mut [u32], width: usize, layout: Layout) {
        let mut pairs = [[0; MOST_LANES]; PAIRS_OF_LINE];
        for (pairs, [low, high]) in pairs.iter_mut().zip(tile.0.as_chunks::<2>().0) {
            for ((pair, &low), &high) in pairs.iter_mut().zip(low).zip(high) {
                *pair = round(low) | round(high) << 16;
            }
        }
        match layout {
            Layout::PairByPair => {
                for (out, pairs) in out.chunks_exact_mut(width).zip(&pairs) {
                    out.copy_from_slice(&pairs[..width]);
                }
            }
            Layout::LaneByLane => {
                for (lane, out) in out.as_chunks_mut::<PAIRS_OF_LINE>().0.iter_mut().enumerate() {
                    for (out, pairs) in out.iter_mut().zip(&pairs) {
                        *out = pairs[lane];
                    }
                }
            }
        }
    }
}

simd_kernel! {
    /// Packs rows that are lanes, columns that are numbers of the inner index.
    fn write_across(tile: &Tile, out: &mut [u32], width: usize, layout: Layout) {
        let mut lanes = [[0; PAIRS_OF_LINE]; MOST_LANES];
        for (lane, numbers) in lanes.iter_mut().zip(&tile.0) {
            for (pair, &[low, high]) in lane.iter_mut().zip(numbers.as_chunks::<2>().0) {
                *pair = round(low) | round(high) << 16;
            }
        }
        match layout {
            Layout::PairByPair => {
                for (pair, out) in out.chunks_exact_mut(width).enumerate() {
                    for (out, lane) in out.iter_mut().zip(&lanes) {
                        *out = lane[pair];
                    }
                }
            }
            Layout::LaneByLane => out.copy_from_slice(&lanes.as_flattened()[..out.len()]),
        }
    }
}

/// The nearest `bf16`, the even one of two, in the lower half; NaN stays NaN.
#[inline(always)]
#[allow(clippy::inline_always, reason = "must be compiled inside each variant of a kernel")]
fn round(value: f32) -> u32 {
    let bits = value.to_bits();
    let nearest = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
    let is_nan = bits & 0x7fff_ffff > 0x7f80_0000;
    if is_nan { bits >> 16 | 0x40 } else { nearest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_to_nearest_and_keeps_nan() {
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
