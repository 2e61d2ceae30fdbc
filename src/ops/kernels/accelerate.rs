//! 32-bit products by Apple's Accelerate framework, which uses the matrix units of Apple's processors.

use std::ffi::c_int;

use crate::ops::kernels::matmul::Matrix;

/// `CblasRowMajor`, `CblasNoTrans` and `CblasTrans` of `cblas.h`.
const ROW_MAJOR: c_int = 101;
const AS_IT_IS: c_int = 111;
const TRANSPOSED: c_int = 112;

// The framework is linked by `accelerate-src`, which candle's feature of the same name brings.
unsafe extern "C" {
    #[allow(clippy::too_many_arguments, reason = "as cblas.h declares it")]
    fn cblas_sgemm(
        order: c_int,
        left_transposed: c_int,
        right_transposed: c_int,
        rows: c_int,
        columns: c_int,
        inner: c_int,
        alpha: f32,
        left: *const f32,
        left_stride: c_int,
        right: *const f32,
        right_stride: c_int,
        beta: f32,
        out: *mut f32,
        out_stride: c_int,
    );
}

/// `out = left x right`, or `out += left x right` when `accumulate`.
///
/// # Safety
/// The inner sizes are equal, and `out` holds `left.rows()` rows of `right.columns()` numbers, `stride` apart.
pub(super) unsafe fn multiply(out: &mut [f32], stride: usize, left: Matrix<'_>, right: Matrix<'_>, accumulate: bool) {
    let (rows, inner, columns) = (left.rows(), left.columns(), right.columns());
    if rows == 0 || columns == 0 {
        return;
    }
    let ((left_as, left_stride), (right_as, right_stride)) = (layout(left), layout(right));
    let beta = if accumulate { 1.0 } else { 0.0 };
    // SAFETY: both views lie in their slices, the caller vouches for `out`, and the slices do not overlap: one of them is
    // borrowed mutably.
    unsafe {
        cblas_sgemm(
            ROW_MAJOR,
            left_as,
            right_as,
            rows as c_int,
            columns as c_int,
            inner as c_int,
            1.0,
            left.values().as_ptr(),
            left_stride,
            right.values().as_ptr(),
            right_stride,
            beta,
            out.as_mut_ptr(),
            stride.max(columns) as c_int,
        );
    }
}

/// Whether a view is one of rows or of their transpose, and the numbers from one row of the slice to the next.
fn layout(matrix: Matrix<'_>) -> (c_int, c_int) {
    let (as_it_is, stride, width) = if matrix.column_stride() == 1 {
        (AS_IT_IS, matrix.row_stride(), matrix.columns())
    } else {
        (TRANSPOSED, matrix.column_stride(), matrix.rows())
    };
    (as_it_is, stride.max(width).max(1) as c_int)
}
