//! Matrix products of operands rounded to bf16, summed in 32-bit floats.
//!
//! Both operands are packed first: rounded, and laid out as the innermost loop reads them. The product then runs over
//! tiles of the result that stay in registers, in blocks whose operands stay in the caches, as in Goto and van de Geijn,
//! "Anatomy of high-performance matrix multiplication" (2008). A number of the result is summed in an order that only
//! the inner size decides, so neither threads nor blocks change its bits. By AMX that order is another than by everything
//! else.

#[cfg(target_arch = "x86_64")]
mod amx;
mod pack;
mod tile;

use rayon::prelude::*;

use crate::ops::kernels::matmul::{Matrix, Onto, Threads};
use crate::ops::kernels::{SimdLevel, simd_level};
#[cfg(target_arch = "x86_64")]
pub(super) use amx::has_amx;
use pack::Layout;
pub use pack::Panels;
use tile::Tile;

/// Rows of a tile, at most.
const MOST_ROWS: usize = pack::MOST_LANES;

/// Columns of a tile, however it is computed.
const COLUMNS: usize = 32;

/// Pairs of one block: a panel of the right operand is then 24 KiB and stays in the first-level cache.
const PAIRS_OF_BLOCK: usize = 192;

/// Rows of the left operand in a task, at most: with [`PAIRS_OF_BLOCK`], 72 KiB that stay in the second-level cache.
const ROWS_OF_TASK: usize = 96;

/// Tasks for each thread, so that none waits long for the last one.
const TASKS_OF_THREAD: usize = 4;

/// A kernel that maps the numbers of the first slice into the second.
pub type Kernel = fn(&[f32], &mut [f32]);

/// The left operand of products, packed for the best way of this machine.
#[must_use]
pub fn pack_left(matrix: Matrix<'_>) -> Panels {
    pack_left_after(None, matrix)
}

/// [`pack_left`] after a kernel has been applied to the numbers. The kernel must map 0 to 0.
#[must_use]
pub fn pack_left_after(kernel: Option<Kernel>, matrix: Matrix<'_>) -> Panels {
    let (width, layout) = match simd_level() {
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Amx => (amx::ROWS, Layout::LaneByLane),
        _ => (tile::ROWS, Layout::PairByPair),
    };
    Panels::new(matrix.transposed(), width, layout, |tile| tile.apply(kernel))
}

/// A matrix and its transpose, each as the right operand of a product: `(transpose, matrix)`. The matrix is read once.
#[must_use]
pub fn pack_right_both_ways(matrix: Matrix<'_>) -> (Panels, Panels) {
    Panels::both_ways(matrix, Layout::PairByPair, Layout::PairByPair, |_, _| {})
}

/// The right operand of products, packed.
#[must_use]
pub fn pack_right<T: Copy + Sync + Into<f32>>(matrix: Matrix<'_, T>) -> Panels {
    Panels::new(matrix, COLUMNS, Layout::PairByPair, |_| {})
}

/// Whether a matrix is packed for two products at once here, by [`pack_both_sides_after`] and [`pack_gradient`].
#[must_use]
pub fn packs_together() -> bool {
    simd_level() >= SimdLevel::Amx
}

/// A matrix as the left operand of one product and the right operand of another, after a kernel as in
/// [`pack_left_after`].
#[must_use]
pub fn pack_both_sides_after(kernel: Option<Kernel>, matrix: Matrix<'_>) -> (Panels, Panels) {
    Panels::both_ways(matrix, Layout::LaneByLane, Layout::PairByPair, |tile, _| tile.apply(kernel))
}

/// A matrix of gradients as the left operand, its transpose as the left operand, and the sums of its columns.
///
/// With `turn`, of a matrix of the same shape and a kernel, the gradients are turned first: the kernel multiplies the
/// second slice by a function of the first.
#[must_use]
pub fn pack_gradient(gradient: Matrix<'_>, turn: Option<(Matrix<'_>, Kernel)>) -> (Panels, Panels, Vec<f32>) {
    let columns = gradient.columns().next_multiple_of(COLUMNS);
    let mut partial = vec![0.0; gradient.rows().div_ceil(COLUMNS) * columns];
    let sums = Sums { first: partial.as_mut_ptr(), stride: columns };
    let (left, transposed) = Panels::both_ways(gradient, Layout::LaneByLane, Layout::LaneByLane, |tile, first| {
        if let Some((input, kernel)) = turn {
            let mut numbers = pack::Tile::new();
            numbers.read(input, first, [COLUMNS; 2]);
            kernel(numbers.0.as_flattened(), tile.0.as_flattened_mut());
        }
        // SAFETY: there is such a piece of the partial sums, and no other task has it.
        let sums = unsafe { std::slice::from_raw_parts_mut(sums.at(first[0] / COLUMNS, first[1]), COLUMNS) };
        add_rows(sums, &tile.0);
    });
    let mut sums = vec![0.0; columns];
    partial.chunks_exact(columns.max(1)).for_each(|partial| add_rows(&mut sums, &[partial]));
    sums.truncate(gradient.columns());
    (left, transposed, sums)
}

fn add_rows<T: AsRef<[f32]>>(sums: &mut [f32], rows: &[T]) {
    for row in rows {
        sums.iter_mut().zip(row.as_ref()).for_each(|(sum, &value)| *sum += value);
    }
}

/// `out = left x right`, added to what `onto` says; rows of `out` begin `stride` numbers apart.
///
/// # Panics
/// When the inner sizes differ, or `out` or a row that is added to do not have the size.
pub fn multiply(out: &mut [f32], stride: usize, left: &Panels, right: &Panels, onto: Onto<'_>, threads: Threads) {
    assert_eq!(left.inner(), right.inner(), "the inner sizes of a matrix product differ");
    assert!(left.width() == rows_of_tile(left) && right.width() == COLUMNS, "an operand was packed for the other side");
    let (rows, columns) = (left.lanes(), right.lanes());
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(columns <= stride || rows == 1, "rows of a matrix overlap");
    let needed = (rows - 1).checked_mul(stride).and_then(|before| before.checked_add(columns));
    assert!(needed.is_some_and(|needed| out.len() >= needed), "the result of a matrix product is too short");
    if let Onto::Row(row) = onto {
        assert_eq!(row.len(), columns, "a row and a matrix product have different widths");
    }
    let out = Out { values: out.as_mut_ptr(), stride };
    let grid = Grid::new(left, right, threads);
    let task = |task: usize| {
        let (left_panels, right_panels) = grid.task(task);
        Task { out, left, right, onto }.run(left_panels, right_panels);
    };
    match threads {
        Threads::One => (0..grid.tasks()).for_each(task),
        Threads::Pool => (0..grid.tasks()).into_par_iter().with_max_len(1).for_each(task),
    }
}

/// How a result is cut into tasks: whole panels of rows times whole panels of columns.
#[derive(Clone, Copy)]
struct Grid {
    left: usize,
    right: usize,
    left_of_task: usize,
    right_of_task: usize,
}

impl Grid {
    fn new(left: &Panels, right: &Panels, threads: Threads) -> Self {
        let left_of_task = (ROWS_OF_TASK / left.width()).min(left.count());
        let (left, right) = (left.count(), right.count());
        let wanted = match threads {
            Threads::One => 1,
            Threads::Pool => TASKS_OF_THREAD * rayon::current_num_threads(),
        };
        let mut grid = Self { left, right, left_of_task, right_of_task: right };
        while grid.tasks() < wanted && grid.left_of_task * grid.right_of_task > 1 {
            if grid.right_of_task >= grid.left_of_task {
                grid.right_of_task = grid.right_of_task.div_ceil(2);
            } else {
                grid.left_of_task = grid.left_of_task.div_ceil(2);
            }
        }
        grid
    }

    fn tasks(self) -> usize {
        self.left.div_ceil(self.left_of_task) * self.right.div_ceil(self.right_of_task)
    }

    fn task(self, number: usize) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let across = self.right.div_ceil(self.right_of_task);
        let (left, right) = (number / across * self.left_of_task, number % across * self.right_of_task);
        (left..(left + self.left_of_task).min(self.left), right..(right + self.right_of_task).min(self.right))
    }
}

/// Where the result goes, for every task of a product.
#[derive(Clone, Copy)]
struct Out {
    values: *mut f32,
    stride: usize,
}

// SAFETY: tasks write to tiles of the result that do not overlap, and nothing else reads or writes it meanwhile
// (`multiply` holds it mutably).
unsafe impl Send for Out {}
// SAFETY: as above.
unsafe impl Sync for Out {}

/// The numbers of a tile: its first one, and how far apart rows begin.
#[derive(Clone, Copy)]
struct Sums {
    first: *mut f32,
    stride: usize,
}

// SAFETY: who makes it says which numbers each task has.
unsafe impl Send for Sums {}
// SAFETY: as above.
unsafe impl Sync for Sums {}

impl Sums {
    /// # Safety
    /// The tile has such a row and column.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "must be compiled inside each variant of a kernel")]
    unsafe fn at(self, row: usize, column: usize) -> *mut f32 {
        // SAFETY: the caller's promise.
        unsafe { self.first.add(row * self.stride + column) }
    }
}

/// A block of the result.
struct Task<'a> {
    out: Out,
    left: &'a Panels,
    right: &'a Panels,
    onto: Onto<'a>,
}

/// The way tiles are computed, as their left operand was packed for it.
enum Way {
    #[cfg(target_arch = "x86_64")]
    Amx(amx::Registers),
    Registers(Tile),
}

fn rows_of_tile(left: &Panels) -> usize {
    match left.layout() {
        #[cfg(target_arch = "x86_64")]
        Layout::LaneByLane => amx::ROWS,
        _ => tile::ROWS,
    }
}

impl Way {
    fn of(left: &Panels) -> Self {
        match left.layout() {
            // SAFETY: `pack_left` lays panels out so only where there is AMX.
            #[cfg(target_arch = "x86_64")]
            Layout::LaneByLane => Self::Amx(unsafe { amx::Registers::set_up() }),
            _ => Self::Registers(Tile::of_machine()),
        }
    }

    /// # Safety
    /// As [`Tile::run`], of the way's own number of rows.
    unsafe fn run(&self, a: &[u32], b: &[u32], from: Option<Sums>, out: Sums) {
        match self {
            // SAFETY: the caller's promise.
            #[cfg(target_arch = "x86_64")]
            Self::Amx(registers) => unsafe { registers.run(a, b, from, out) },
            // SAFETY: the caller's promise.
            Self::Registers(tile) => unsafe { tile.run(a, b, from, out) },
        }
    }
}

impl Task<'_> {
    fn run(&self, left: std::ops::Range<usize>, right: std::ops::Range<usize>) {
        let way = Way::of(self.left);
        let pairs = match self.left.layout() {
            Layout::PairByPair => self.left.inner().div_ceil(2),
            Layout::LaneByLane => self.left.pairs(),
        };
        // A product over nothing still writes its zeros.
        let blocks = pairs.div_ceil(PAIRS_OF_BLOCK).max(1);
        for block in 0..blocks {
            let span = block * PAIRS_OF_BLOCK..((block + 1) * PAIRS_OF_BLOCK).min(pairs);
            let onto = if block > 0 { Onto::Out } else { self.onto };
            let run = |left, right| self.run_tile(&way, left, right, span.clone(), onto);
            match self.left.layout() {
                // The unit is so fast that only a panel of the left operand in the nearest cache, and neighbours of the
                // result one after another, keep it busy.
                Layout::LaneByLane => left.clone().for_each(|left| right.clone().for_each(|right| run(left, right))),
                Layout::PairByPair => right.clone().for_each(|right| left.clone().for_each(|left| run(left, right))),
            }
        }
    }

    fn run_tile(&self, way: &Way, left: usize, right: usize, span: std::ops::Range<usize>, onto: Onto<'_>) {
        let of_tile = self.left.width();
        let (row, column) = (left * of_tile, right * COLUMNS);
        let rows = (self.left.lanes() - row).min(of_tile);
        let columns = (self.right.lanes() - column).min(COLUMNS);
        let (a, b) = (self.left.block(left, span.clone()), self.right.block(right, span));
        let stride = self.out.stride;
        // SAFETY: `multiply` checked that `rows x columns` numbers from here on, `stride` apart, are in the result, and no
        // other task has this tile.
        let out = Sums { first: unsafe { self.out.values.add(row * stride + column) }, stride };
        if rows == of_tile && columns == COLUMNS {
            let from = match onto {
                Onto::Zeros => None,
                Onto::Out => Some(out),
                // Every row of the tile is the same one. It is read only.
                Onto::Row(row) => Some(Sums { first: row[column..].as_ptr().cast_mut(), stride: 0 }),
            };
            // SAFETY: as above, for a whole tile; a row that is added to is as wide as the result.
            unsafe { way.run(a, b, from, out) };
            return;
        }
        // SAFETY: as above, for one row of the part that there is.
        let row_of = |row: usize| unsafe { std::slice::from_raw_parts_mut(out.first.add(row * stride), columns) };
        let mut whole = [0.0; MOST_ROWS * COLUMNS];
        for (row, whole) in whole.chunks_exact_mut(COLUMNS).take(rows).enumerate() {
            // The sums go on from what is there, as those of a whole tile do: their bits do not depend on the place.
            match onto {
                Onto::Zeros => {}
                Onto::Out => whole[..columns].copy_from_slice(row_of(row)),
                Onto::Row(start) => whole[..columns].copy_from_slice(&start[column..][..columns]),
            }
        }
        let tile = Sums { first: whole.as_mut_ptr(), stride: COLUMNS };
        // SAFETY: `whole` is a whole tile of rows without gaps.
        unsafe { way.run(a, b, Some(tile), tile) };
        whole.chunks_exact(COLUMNS).take(rows).enumerate().for_each(|(row, whole)| {
            row_of(row).copy_from_slice(&whole[..columns]);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::kernels::levels;
    use crate::random::Rng;

    fn values(count: usize, seed: u64) -> Vec<f32> {
        let mut rng = Rng::new(seed);
        (0..count).map(|_| rng.normal() as f32).collect()
    }

    /// As a `bf16`, by the definition: the nearest number with 8 bits of mantissa, the even one of two.
    fn rounded(value: f32) -> f64 {
        let step = f64::from(value).abs().log2().floor().exp2() / 128.0;
        if value == 0.0 { 0.0 } else { (f64::from(value) / step).round_ties_even() * step }
    }

    fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
        (0..rows * columns).map(|at| values[at % rows * columns + at / rows]).collect()
    }

    fn check(out: &[f32], stride: usize, expected: &[f64], columns: usize, what: &str) {
        for (at, expected) in expected.iter().enumerate() {
            let got = f64::from(out[at / columns * stride + at % columns]);
            assert!((got - expected - 1.0).abs() < 1e-4 * (1.0 + expected.abs()), "{what}: {got} {expected}");
        }
    }

    #[test]
    fn products_of_rounded_operands_agree_with_loops_at_every_level() {
        let shapes = [(1, 1, 1), (3, 5, 7), (13, 33, 65), (12, 32, 2), (1, 40, 384), (40, 1, 3), (25, 70, 801)];
        for (m, n, k) in shapes {
            let (left, right) = (values(m * k, 1), values(k * n, 2));
            let product = |row: usize, column: usize| {
                (0..k).map(|i| rounded(left[row * k + i]) * rounded(right[i * n + column])).sum::<f64>()
            };
            let expected: Vec<f64> = (0..m * n).map(|at| product(at / n, at % n)).collect();
            let (left_t, right_t) = (transposed(&left, m, k), transposed(&right, k, n));
            for level in levels::all() {
                levels::at(level, || {
                    for left in [Matrix::new(&left, m, k), Matrix::new(&left_t, k, m).transposed()] {
                        for right in [Matrix::new(&right, k, n), Matrix::new(&right_t, n, k).transposed()] {
                            let mut out = vec![1.0; m * (n + 3)];
                            let (left, right) = (pack_left(left), pack_right(right));
                            multiply(&mut out, n + 3, &left, &right, Onto::Out, Threads::Pool);
                            check(&out, n + 3, &expected, n, &format!("{level:?} {m} {n} {k}"));
                            assert!(out.chunks(n + 3).all(|row| row[n..] == [1.0; 3]), "gaps are left alone");
                        }
                    }
                });
            }
        }
    }

    #[test]
    fn results_are_the_same_bits_for_any_number_of_threads() {
        let (m, n, k) = (257, 384, 900);
        let (left, right) = (values(m * k, 3), values(n * k, 4));
        let product = |threads| {
            let mut out = vec![0.0; m * n];
            let right = pack_right(Matrix::new(&right, n, k).transposed());
            multiply(&mut out, n, &pack_left(Matrix::new(&left, m, k)), &right, Onto::Zeros, threads);
            out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let alone = product(Threads::One);
        for count in [2, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap();
            assert!(alone == pool.install(|| product(Threads::Pool)), "{count} threads");
        }
    }

    #[test]
    fn a_row_has_the_same_bits_in_small_and_large_matrices() {
        let (n, k) = (70, 801);
        let (left, right) = (values(24 * k, 5), values(k * n, 6));
        for level in levels::all() {
            let rows = |m: usize| {
                let mut out = vec![0.3; m * n];
                let right = pack_right(Matrix::new(&right, k, n));
                multiply(&mut out, n, &pack_left(Matrix::new(&left, m, k)), &right, Onto::Out, Threads::One);
                out.into_iter().take(7 * n).map(f32::to_bits).collect::<Vec<_>>()
            };
            assert!(levels::at(level, || rows(7) == rows(24)), "{level:?}");
        }
    }

    #[test]
    fn every_level_before_amx_gives_the_same_bits() {
        let (m, n, k) = (25, 70, 801);
        let (left, right) = (values(m * k, 7), values(k * n, 8));
        let product = || {
            let mut out = vec![0.3; m * n];
            let (left, right) = (pack_left(Matrix::new(&left, m, k)), pack_right(Matrix::new(&right, k, n)));
            multiply(&mut out, n, &left, &right, Onto::Out, Threads::Pool);
            out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let plain = levels::at(levels::all()[0], product);
        // AMX adds up in an order of its own.
        for level in levels::all().into_iter().filter(|&level| level < SimdLevel::Amx) {
            assert!(levels::at(level, product) == plain, "{level:?}");
        }
    }

    #[test]
    #[should_panic(expected = "other side")]
    fn swapped_operands_are_refused() {
        let (left, right) = (pack_left(Matrix::new(&[1.0; 4], 2, 2)), pack_right(Matrix::new(&[1.0; 4], 2, 2)));
        multiply(&mut [0.0; 4], 2, &right, &left, Onto::Zeros, Threads::One);
    }

    #[test]
    fn empty_products_are_zero_or_empty() {
        let mut out = vec![5.0; 6];
        multiply(
            &mut out,
            3,
            &pack_left(Matrix::new(&[], 2, 0)),
            &pack_right(Matrix::<f32>::new(&[], 0, 3)),
            Onto::Zeros,
            Threads::One,
        );
        assert_eq!(out, [0.0; 6]);
        multiply(
            &mut out,
            3,
            &pack_left(Matrix::new(&[], 0, 2)),
            &pack_right(Matrix::new(&[1.0; 6], 2, 3)),
            Onto::Zeros,
            Threads::One,
        );
        assert_eq!(out, [0.0; 6]);
    }

    #[test]
    #[should_panic(expected = "too short")]
    fn a_short_result_is_refused() {
        let (left, right) = (pack_left(Matrix::new(&[1.0; 4], 2, 2)), pack_right(Matrix::new(&[1.0; 6], 2, 3)));
        multiply(&mut [0.0; 5], 3, &left, &right, Onto::Zeros, Threads::One);
    }
}
