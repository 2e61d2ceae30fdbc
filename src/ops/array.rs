//! Matrices of 32-bit floats in main memory.

use std::sync::Arc;

use crate::ops::kernels::matmul::Matrix;
use crate::ops::pool::Buffer;

/// A row-major matrix. Copies share their values until one of them is written to.
#[derive(Clone, Debug)]
pub struct Array {
    buffer: Arc<Buffer>,
    rows: usize,
    width: usize,
}

impl Array {
    /// A matrix with unspecified values; the caller must write all of them.
    pub(super) fn unwritten(rows: usize, width: usize) -> Self {
        Self { buffer: Arc::new(Buffer::take(rows * width)), rows, width }
    }

    /// A matrix filled by `write`, which must write every value.
    pub(super) fn written(rows: usize, width: usize, write: impl FnOnce(&mut [f32])) -> Self {
        let mut buffer = Buffer::take(rows * width);
        write(&mut buffer);
        Self { buffer: Arc::new(buffer), rows, width }
    }

    /// A matrix of zeros.
    pub(super) fn zeros(rows: usize, width: usize) -> Self {
        Self::written(rows, width, |values| values.fill(0.0))
    }

    /// A matrix of `values`.
    ///
    /// # Panics
    /// If their number is not `rows * width`.
    #[must_use]
    pub fn from_values(rows: usize, width: usize, values: &[f32]) -> Self {
        Self::written(rows, width, |out| out.copy_from_slice(values))
    }

    /// Rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// The values, row by row, `[rows * width]`.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.buffer
    }

    /// The values for writing; shared values are copied first.
    pub(super) fn values_mut(&mut self) -> &mut [f32] {
        if Arc::get_mut(&mut self.buffer).is_none() {
            *self = Self::from_values(self.rows, self.width, self.values());
        }
        match Arc::get_mut(&mut self.buffer) {
            Some(buffer) => buffer,
            None => unreachable!("a copy is not shared"),
        }
    }

    /// Each row as a vector, `[rows][width]`.
    #[must_use]
    pub fn to_rows(&self) -> Vec<Vec<f32>> {
        if self.width == 0 {
            return vec![Vec::new(); self.rows];
        }
        self.values().chunks_exact(self.width).map(<[f32]>::to_vec).collect()
    }

    pub(super) fn matrix(&self) -> Matrix<'_> {
        Matrix::new(self.values(), self.rows, self.width)
    }

    /// `count` columns, starting at `first`.
    pub(super) fn columns(&self, first: usize, count: usize) -> Matrix<'_> {
        Matrix::strided(self.values().get(first..).unwrap_or_default(), self.rows, count, self.width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_keeps_its_numbers_when_the_original_is_changed() {
        let mut array = Array::from_values(2, 2, &[1.0, 2.0, 3.0, 4.0]);
        let copy = array.clone();
        array.values_mut()[0] = 9.0;
        assert_eq!((array.values()[0].to_bits(), copy.values()[0].to_bits()), (9.0_f32.to_bits(), 1.0_f32.to_bits()));
        assert_eq!(copy.to_rows(), [[1.0, 2.0], [3.0, 4.0]]);
        assert_eq!((array.rows(), array.width()), (2, 2));
    }
}
