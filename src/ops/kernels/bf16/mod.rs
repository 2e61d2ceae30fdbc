//! Matrix products of operands rounded to bf16, summed in 32-bit floats.
//!
//! Both operands are packed first: rounded, and laid out as the innermost loop reads them. The product then runs over
//! tiles of the result that stay in registers, in blocks whose operands stay in the caches, as in Goto and van de Geijn,
//! "Anatomy of high-performance matrix multiplication" (2008). A number of the result is summed in an order that only
//! the inner size decides, so neither threads nor blocks change its bits.

mod pack;
mod tile;

use rayon::prelude::*;

use super::matmul::{Matrix, Threads};
pub use pack::Panels;
use tile::{COLUMNS, ROWS, Tile};

/// Pairs of one block: a panel of the right operand is then 24 KiB and stays in the first-level cache.
const PAIRS_OF_BLOCK: usize = 192;

/// Panels of the left operand in a task, at most: with [`PAIRS_OF_BLOCK`], 72 KiB that stay in the second-level cache.
const LEFT_PANELS: usize = 8;

/// Tasks for each thread, so that none waits long for the last one.
const TASKS_OF_THREAD: usize = 4;

/// The left operand of products, packed.
#[must_use]
pub fn pack_left(matrix: Matrix<'_>) -> Panels {
    Panels::new(matrix.transposed(), ROWS)
}

/// The right operand of products, packed.
#[must_use]
pub fn pack_right(matrix: Matrix<'_>) -> Panels {
    Panels::new(matrix, COLUMNS)
}

/// `out = left x right`, or `out += left x right` when `accumulate`; rows of `out` begin `stride` numbers apart.
///
/// # Panics
/// When the inner sizes differ or `out` is too short.
pub fn multiply(out: &mut [f32], stride: usize, left: &Panels, right: &Panels, accumulate: bool, threads: Threads) {
    assert_eq!(left.inner(), right.inner(), "the inner sizes of a matrix product differ");
    assert!(left.width() == ROWS && right.width() == COLUMNS, "an operand was packed for the other side");
    let (rows, columns) = (left.lanes(), right.lanes());
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(columns <= stride || rows == 1, "rows of a matrix overlap");
    let needed = (rows - 1).checked_mul(stride).and_then(|before| before.checked_add(columns));
    assert!(needed.is_some_and(|needed| out.len() >= needed), "the result of a matrix product is too short");
    let out = Out { values: out.as_mut_ptr(), stride };
    let grid = Grid::new(left.count(), right.count(), threads);
    let tile = Tile::of_machine();
    let task = |task: usize| {
        let (left_panels, right_panels) = grid.task(task);
        Task { out, left, right, accumulate, tile }.run(left_panels, right_panels);
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
    fn new(left: usize, right: usize, threads: Threads) -> Self {
        let wanted = match threads {
            Threads::One => 1,
            Threads::Pool => TASKS_OF_THREAD * rayon::current_num_threads(),
        };
        let mut grid = Self { left, right, left_of_task: LEFT_PANELS.min(left), right_of_task: right };
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

/// A block of the result.
struct Task<'a> {
    out: Out,
    left: &'a Panels,
    right: &'a Panels,
    accumulate: bool,
    tile: Tile,
}

impl Task<'_> {
    fn run(&self, left: std::ops::Range<usize>, right: std::ops::Range<usize>) {
        let pairs = self.left.pairs();
        // A product over nothing still writes its zeros.
        let blocks = pairs.div_ceil(PAIRS_OF_BLOCK).max(1);
        for block in 0..blocks {
            let span = block * PAIRS_OF_BLOCK..((block + 1) * PAIRS_OF_BLOCK).min(pairs);
            let add = self.accumulate || block > 0;
            for right in right.clone() {
                for left in left.clone() {
                    self.run_tile(left, right, span.clone(), add);
                }
            }
        }
    }

    fn run_tile(&self, left: usize, right: usize, span: std::ops::Range<usize>, add: bool) {
        let (row, column) = (left * ROWS, right * COLUMNS);
        let rows = (self.left.lanes() - row).min(ROWS);
        let columns = (self.right.lanes() - column).min(COLUMNS);
        let (a, b) = (self.left.block(left, span.clone()), self.right.block(right, span));
        // SAFETY: `multiply` checked that `rows x columns` numbers from here on, `stride` apart, are in the result, and no
        // other task has this tile.
        let out = unsafe { self.out.values.add(row * self.out.stride + column) };
        if rows == ROWS && columns == COLUMNS {
            // SAFETY: as above, for a whole tile.
            unsafe { self.tile.run(a, b, out, self.out.stride, add) };
            return;
        }
        // SAFETY: as above, for one row of the part that there is.
        let row_of = |row: usize| unsafe { std::slice::from_raw_parts_mut(out.add(row * self.out.stride), columns) };
        let mut whole = [0.0; ROWS * COLUMNS];
        if add {
            // The sums go on from what is there, as those of a whole tile do: their bits do not depend on the place.
            whole.chunks_exact_mut(COLUMNS).take(rows).enumerate().for_each(|(row, whole)| {
                whole[..columns].copy_from_slice(row_of(row));
            });
        }
        // SAFETY: `whole` is a whole tile of rows without gaps.
        unsafe { self.tile.run(a, b, whole.as_mut_ptr(), COLUMNS, add) };
        whole.chunks_exact(COLUMNS).take(rows).enumerate().for_each(|(row, whole)| {
            row_of(row).copy_from_slice(&whole[..columns]);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::levels;
    use super::*;
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
                            multiply(&mut out, n + 3, &left, &right, true, Threads::Pool);
                            check(&out, n + 3, &expected, n, &format!("{level:?} {m} {n} {k}"));
                            assert!(out.chunks(n + 3).all(|row| row[n..] == [1.0; 3]), "gaps are left alone");
                        }
                    }
                });
            }
        }
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let (m, n, k) = (257, 384, 900);
        let (left, right) = (values(m * k, 3), values(n * k, 4));
        let product = |threads| {
            let mut out = vec![0.0; m * n];
            let right = pack_right(Matrix::new(&right, n, k).transposed());
            multiply(&mut out, n, &pack_left(Matrix::new(&left, m, k)), &right, false, threads);
            out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let alone = product(Threads::One);
        for count in [2, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap();
            assert!(alone == pool.install(|| product(Threads::Pool)), "{count} threads");
        }
    }

    #[test]
    fn a_row_has_the_same_bits_among_few_and_many() {
        let (n, k) = (70, 801);
        let (left, right) = (values(24 * k, 5), values(k * n, 6));
        for level in levels::all() {
            let rows = |m: usize| {
                let mut out = vec![0.3; m * n];
                let right = pack_right(Matrix::new(&right, k, n));
                multiply(&mut out, n, &pack_left(Matrix::new(&left, m, k)), &right, true, Threads::One);
                out.into_iter().take(7 * n).map(f32::to_bits).collect::<Vec<_>>()
            };
            assert!(levels::at(level, || rows(7) == rows(24)), "{level:?}");
        }
    }

    #[test]
    fn every_level_gives_the_same_bits() {
        let (m, n, k) = (25, 70, 801);
        let (left, right) = (values(m * k, 7), values(k * n, 8));
        let product = || {
            let mut out = vec![0.3; m * n];
            let (left, right) = (pack_left(Matrix::new(&left, m, k)), pack_right(Matrix::new(&right, k, n)));
            multiply(&mut out, n, &left, &right, true, Threads::Pool);
            out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let plain = levels::at(levels::all()[0], product);
        for level in levels::all() {
            assert!(levels::at(level, product) == plain, "{level:?}");
        }
    }

    #[test]
    #[should_panic(expected = "other side")]
    fn swapped_operands_are_refused() {
        let (left, right) = (pack_left(Matrix::new(&[1.0; 4], 2, 2)), pack_right(Matrix::new(&[1.0; 4], 2, 2)));
        multiply(&mut [0.0; 4], 2, &right, &left, false, Threads::One);
    }

    #[test]
    fn a_product_over_nothing_is_zero_and_one_of_nothing_is_nothing() {
        let mut out = vec![5.0; 6];
        multiply(
            &mut out,
            3,
            &pack_left(Matrix::new(&[], 2, 0)),
            &pack_right(Matrix::new(&[], 0, 3)),
            false,
            Threads::One,
        );
        assert_eq!(out, [0.0; 6]);
        multiply(
            &mut out,
            3,
            &pack_left(Matrix::new(&[], 0, 2)),
            &pack_right(Matrix::new(&[1.0; 6], 2, 3)),
            false,
            Threads::One,
        );
        assert_eq!(out, [0.0; 6]);
    }

    #[test]
    #[should_panic(expected = "too short")]
    fn a_short_result_is_refused() {
        let (left, right) = (pack_left(Matrix::new(&[1.0; 4], 2, 2)), pack_right(Matrix::new(&[1.0; 6], 2, 3)));
        multiply(&mut [0.0; 5], 3, &left, &right, false, Threads::One);
    }
}
