//! Matrix products of strided views: one door to the products of 32-bit floats and those of bf16.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gemm::Parallelism;
use rayon::prelude::*;

use crate::ops::kernels::bf16::{self, Panels};
use crate::ops::kernels::{ROWS, SimdLevel, simd_level};

static OPERATIONS: AtomicU64 = AtomicU64::new(0);

/// Floating-point operations of all matrix products of this process so far, a multiplication and an addition each one.
#[must_use]
pub fn operations() -> u64 {
    OPERATIONS.load(Ordering::Relaxed)
}

/// A matrix inside a slice: element `(row, column)` is `values[row * row_stride + column * column_stride]`.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, T = f32> {
    values: &'a [T],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// Rows one after another, `values.len() == rows * columns`.
    #[must_use]
    pub fn new(values: &'a [T], rows: usize, columns: usize) -> Self {
        Self::strided(values, rows, columns, columns)
    }

    /// Rows that begin `row_stride` elements apart.
    ///
    /// # Panics
    /// When the slice is too short for it.
    #[must_use]
    pub fn strided(values: &'a [T], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert_fits(values.len(), rows, columns, row_stride);
        Self { values, rows, columns, row_stride, column_stride: 1 }
    }

    /// Rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Numbers from one row to the next.
    pub(super) fn row_stride(&self) -> usize {
        self.row_stride
    }

    /// Numbers from one column to the next.
    pub(super) fn column_stride(&self) -> usize {
        self.column_stride
    }

    /// All numbers from the first on.
    pub(super) fn values(&self) -> &'a [T] {
        self.values
    }

    /// The transpose, without moving anything.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self {
            values: self.values,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }
}

/// Whether a product may use the threads of the current rayon pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// This thread alone.
    One,
    /// Every thread of the pool. The result has the same bits as with one (but for Apple's Accelerate, which then takes
    /// part).
    Pool,
}

/// Arithmetic of a product's operands; sums are of 32-bit floats always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MatrixPrecision {
    /// As they are.
    #[default]
    F32,
    /// Rounded to the nearest bf16: as wide a range, 8 bits of mantissa.
    Bf16,
}

impl MatrixPrecision {
    /// The fastest of this machine: bf16 where the processor has products of them, and has them at least as fast as
    /// those of 32-bit floats.
    #[must_use]
    pub fn fastest() -> Self {
        match simd_level() {
            // Intel's `vdpbf16ps` does as much in a cycle as two products of floats do; AMD's does twice as much.
            SimdLevel::Avx512Bf16 if is_by_intel() => Self::F32,
            SimdLevel::Amx | SimdLevel::Avx512Bf16 => Self::Bf16,
            _ => Self::F32,
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn is_by_intel() -> bool {
    // The name comes in three parts, of which "Genu" is the first.
    std::arch::x86_64::__cpuid(0).ebx == u32::from_le_bytes(*b"Genu")
}

#[cfg(not(target_arch = "x86_64"))]
fn is_by_intel() -> bool {
    false
}

/// An operand of products, made ready once for all products it is the same side of.
#[derive(Debug)]
pub enum Operand<'a> {
    /// A view of 32-bit floats.
    F32(Matrix<'a>),
    /// Rounded and packed.
    Bf16(Arc<Panels>),
}

impl<'a> Operand<'a> {
    /// For the left side.
    #[must_use]
    pub fn left(matrix: Matrix<'a>, precision: MatrixPrecision) -> Self {
        match precision {
            MatrixPrecision::F32 => Self::F32(matrix),
            MatrixPrecision::Bf16 => Self::Bf16(Arc::new(bf16::pack_left(matrix))),
        }
    }

    /// For the right side.
    #[must_use]
    pub fn right(matrix: Matrix<'a>, precision: MatrixPrecision) -> Self {
        match precision {
            MatrixPrecision::F32 => Self::F32(matrix),
            MatrixPrecision::Bf16 => Self::Bf16(Arc::new(bf16::pack_right(matrix))),
        }
    }
}

impl<'a> From<Matrix<'a>> for Operand<'a> {
    fn from(matrix: Matrix<'a>) -> Self {
        Self::F32(matrix)
    }
}

/// What a product is added to.
#[derive(Clone, Copy, Debug)]
pub enum Onto<'a> {
    /// Nothing: `out = left x right`.
    Zeros,
    /// What is there: `out += left x right`.
    Out,
    /// This row, `[columns]`, in every row: `out = row + left x right`.
    Row(&'a [f32]),
}

impl Onto<'_> {
    /// [`Onto::Out`] or [`Onto::Zeros`].
    #[must_use]
    pub fn out_when(accumulate: bool) -> Self {
        if accumulate { Self::Out } else { Self::Zeros }
    }
}

/// `out = left x right`, added to what `onto` says; rows of `out` begin `out_stride` elements apart.
///
/// # Panics
/// When the shapes do not fit together, `out` is too short, or the operands are of different precisions.
pub fn matmul(
    out: &mut [f32],
    out_stride: usize,
    left: &Operand<'_>,
    right: &Operand<'_>,
    onto: Onto<'_>,
    threads: Threads,
) {
    let (rows, inner, columns) = match (left, right) {
        (Operand::F32(left), Operand::F32(right)) => {
            multiply_f32(out, out_stride, *left, *right, onto, threads);
            (left.rows, left.columns, right.columns)
        }
        (Operand::Bf16(left), Operand::Bf16(right)) => {
            bf16::multiply(out, out_stride, left, right, onto, threads);
            (left.lanes(), left.inner(), right.lanes())
        }
        _ => panic!("the operands of a matrix product are of different precisions"),
    };
    OPERATIONS.fetch_add(2 * (rows * columns * inner) as u64, Ordering::Relaxed);
}

fn multiply_f32(
    out: &mut [f32],
    out_stride: usize,
    left: Matrix<'_>,
    right: Matrix<'_>,
    onto: Onto<'_>,
    threads: Threads,
) {
    assert_eq!(left.columns, right.rows, "the inner sizes of a matrix product differ");
    assert_fits(out.len(), left.rows, right.columns, out_stride);
    let accumulate = match onto {
        Onto::Zeros => false,
        Onto::Out => true,
        Onto::Row(row) => {
            assert_eq!(row.len(), right.columns, "a row and a matrix product have different widths");
            fill_rows(out, out_stride, left.rows, row);
            true
        }
    };
    #[cfg(all(feature = "accelerate", target_os = "macos"))]
    if threads == Threads::Pool {
        // Accelerate chooses its own threads.
        // SAFETY: the sizes were checked just now.
        return unsafe { crate::ops::kernels::accelerate::multiply(out, out_stride, left, right, accumulate) };
    }
    let parallelism = match threads {
        Threads::One => Parallelism::None,
        Threads::Pool => Parallelism::Rayon(0),
    };
    // SAFETY: both views were checked against their slices when they were made (`strided`; transposing keeps the set of
    // elements), `out` just now, and `out` is borrowed mutably, so it overlaps neither of them. The strides
    // of a slice fit in `isize`.
    unsafe {
        gemm::gemm(
            left.rows,
            right.columns,
            left.columns,
            out.as_mut_ptr(),
            1,
            out_stride.cast_signed(),
            accumulate,
            left.values.as_ptr(),
            left.column_stride.cast_signed(),
            left.row_stride.cast_signed(),
            right.values.as_ptr(),
            right.column_stride.cast_signed(),
            right.row_stride.cast_signed(),
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// Writes `row` into each of `rows` rows.
fn fill_rows(out: &mut [f32], stride: usize, rows: usize, row: &[f32]) {
    let stride = stride.max(1);
    out.par_chunks_mut(ROWS * stride).take(rows.div_ceil(ROWS)).enumerate().for_each(|(chunk, out)| {
        out.chunks_mut(stride).take(rows - chunk * ROWS).for_each(|out| out[..row.len()].copy_from_slice(row));
    });
}

fn assert_fits(length: usize, rows: usize, columns: usize, row_stride: usize) {
    assert!(row_stride >= columns || rows <= 1, "rows of a matrix overlap");
    let all_rows = |rows: usize| (rows - 1).checked_mul(row_stride)?.checked_add(columns);
    let needed = if rows == 0 || columns == 0 { Some(0) } else { all_rows(rows) };
    assert!(
        needed.is_some_and(|needed| length >= needed),
        "a slice of {length} is too short for a matrix of {rows} x {columns}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(count: usize, seed: u64) -> Vec<f32> {
        let mut rng = crate::random::Rng::new(seed);
        (0..count).map(|_| rng.normal() as f32).collect()
    }

    #[test]
    #[should_panic(expected = "too short for a matrix")]
    fn sizes_that_overflow_do_not_fit() {
        assert_fits(4, (1 << 62) + 1, 4, 4);
    }

    #[test]
    fn products_of_every_orientation_agree_with_loops() {
        for (m, n, k) in [(1, 1, 1), (3, 5, 7), (17, 33, 65), (1, 40, 384), (40, 1, 3), (5, 4, 2), (64, 48, 1)] {
            let (left, right) = (values(m * k, 1), values(k * n, 2));
            let at = |values: &[f32], row: usize, column: usize, width: usize| f64::from(values[row * width + column]);
            let expected: Vec<f64> = (0..m * n)
                .map(|place| (0..k).map(|i| at(&left, place / n, i, k) * at(&right, i, place % n, n)).sum())
                .collect();
            let left_t: Vec<f32> = (0..m * k).map(|place| left[place % m * k + place / m]).collect();
            let right_t: Vec<f32> = (0..k * n).map(|place| right[place % k * n + place / k]).collect();
            for left in [Matrix::new(&left, m, k), Matrix::new(&left_t, k, m).transposed()] {
                for right in [Matrix::new(&right, k, n), Matrix::new(&right_t, n, k).transposed()] {
                    let mut out = vec![1.0; m * (n + 3)];
                    matmul(&mut out, n + 3, &left.into(), &right.into(), Onto::Out, Threads::Pool);
                    for (place, expected) in expected.iter().enumerate() {
                        let got = f64::from(out[place / n * (n + 3) + place % n]);
                        assert!((got - expected - 1.0).abs() < 1e-4, "{m} {n} {k}: {got} {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn results_are_the_same_bits_for_any_number_of_threads() {
        let (m, n, k) = (257, 384, 1536);
        let (left, right) = (values(m * k, 3), values(n * k, 4));
        let product = |threads| {
            let mut out = vec![0.0; m * n];
            let right = Matrix::new(&right, n, k).transposed();
            matmul(&mut out, n, &Matrix::new(&left, m, k).into(), &right.into(), Onto::Zeros, threads);
            out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let alone = product(Threads::One);
        for count in [2, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap();
            assert!(alone == pool.install(|| product(Threads::Pool)), "{count} threads");
        }
    }

    #[test]
    fn a_product_is_added_to_a_row_in_both_precisions() {
        for (m, n, k) in [(1, 1, 1), (3, 5, 7), (70, 33, 2), (64, 64, 40)] {
            let (left, right, row) = (values(m * k, 1), values(k * n, 2), values(n, 3));
            let (left, right) = (Matrix::new(&left, m, k), Matrix::new(&right, k, n));
            for precision in [MatrixPrecision::F32, MatrixPrecision::Bf16] {
                let product = |onto| {
                    let mut out = vec![0.5; m * (n + 3)];
                    let (left, right) = (Operand::left(left, precision), Operand::right(right, precision));
                    matmul(&mut out, n + 3, &left, &right, onto, Threads::Pool);
                    out
                };
                let (plain, added) = (product(Onto::Zeros), product(Onto::Row(&row)));
                for (place, (plain, added)) in plain.iter().zip(added).enumerate() {
                    let column = place % (n + 3);
                    let expected = if column < n { plain + row[column] } else { 0.5 };
                    assert!((added - expected).abs() < 1e-4, "{precision:?} {m} {n} {k}: {added} {expected}");
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "different widths")]
    fn rows_of_another_width_are_refused() {
        let matrix = Matrix::new(&[1.0], 1, 1).into();
        matmul(&mut [0.0], 1, &matrix, &matrix, Onto::Row(&[1.0, 2.0]), Threads::One);
    }

    #[test]
    #[should_panic(expected = "different precisions")]
    fn mixed_operands_are_refused() {
        let matrix = Matrix::new(&[1.0], 1, 1);
        let left = Operand::left(matrix, MatrixPrecision::Bf16);
        matmul(&mut [0.0], 1, &left, &matrix.into(), Onto::Zeros, Threads::One);
    }

    #[test]
    #[should_panic(expected = "too short")]
    fn a_short_slice_is_refused() {
        let _ = Matrix::new(&[0.0; 5], 2, 3);
    }
}
