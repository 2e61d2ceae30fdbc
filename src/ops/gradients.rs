//! Gradients of the trained tensors, summed over the passes of a step.

use candle_core::{D, DType, Result, Tensor};
use rayon::prelude::*;

use crate::ops::array::Array;
use crate::ops::kernels::{CHUNK, lanes, simd_kernel};

/// Gradients of all trained tensors of a network, by the tensors' numbers.
#[derive(Debug)]
pub struct Gradients(Vec<Option<Gradient>>);

/// The gradient of one trained tensor.
#[derive(Clone, Debug)]
pub enum Gradient {
    /// Of every element, in element order.
    Dense(Array),
    /// Of some rows of a table; the others have zero gradients.
    Rows(RowGradient),
    /// On another device, in the shape of the tensor.
    Device(Tensor),
}

/// Gradients of the rows of a table that a step looked up.
#[derive(Clone, Debug)]
pub struct RowGradient {
    width: usize,
    /// Index into `rows` for each row of the table, or [`NOWHERE`].
    places: Vec<u32>,
    /// Rows of the table, in the order they were first looked up.
    rows: Vec<u32>,
    values: Vec<f32>,
}

const NOWHERE: u32 = u32::MAX;

impl Gradients {
    /// Empty gradients for `count` tensors.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self(vec![None; count])
    }

    /// The gradient of a tensor by its number; `None` if it received none.
    #[must_use]
    pub fn get(&self, tensor: usize) -> Option<&Gradient> {
        self.0.get(tensor)?.as_ref()
    }

    /// The L2 norm of all gradients together, in a fixed order; in double precision where they are in main memory.
    ///
    /// # Errors
    /// If a tensor operation on another device fails.
    pub fn norm(&self) -> Result<f64> {
        let (mut sum, mut elsewhere) = (0.0, Vec::new());
        for gradient in self.0.iter().flatten() {
            match gradient {
                Gradient::Device(tensor) => elsewhere.push(sum_of_device_squares(tensor)?),
                Gradient::Dense(_) | Gradient::Rows(_) => sum += gradient.squared_norm()?,
            }
        }
        if !elsewhere.is_empty() {
            // Reads from the device once and not for each tensor, because each read waits for the device.
            let sums = Tensor::stack(&elsewhere, 0)?.to_vec1::<f32>()?;
            sum += sums.into_iter().map(f64::from).sum::<f64>();
        }
        Ok(sum.sqrt())
    }

    /// Adds to the gradient of a tensor: `write(out, accumulate)` writes every number of `out`, or adds to it.
    pub(super) fn add_dense(&mut self, tensor: usize, shape: (usize, usize), write: impl FnOnce(&mut [f32], bool)) {
        match &mut self.0[tensor] {
            Some(Gradient::Dense(sum)) => write(sum.values_mut(), true),
            // A table that is also a matrix, as tied embeddings are.
            Some(Gradient::Rows(rows)) => {
                let mut sum = rows.to_array();
                write(sum.values_mut(), true);
                self.0[tensor] = Some(Gradient::Dense(sum));
            }
            slot => *slot = Some(Gradient::Dense(Array::written(shape.0, shape.1, |out| write(out, false)))),
        }
    }

    /// Adds `gradient`'s i-th row to row `rows[i]` of the gradient of a table of `shape`.
    pub(super) fn add_rows(&mut self, tensor: usize, shape: (usize, usize), rows: &[u32], gradient: &[f32]) {
        let slot = &mut self.0[tensor];
        let new = || Gradient::Rows(RowGradient::new(shape.0, shape.1));
        match slot.get_or_insert_with(new) {
            Gradient::Rows(sum) => sum.add(rows, gradient),
            Gradient::Dense(sum) => {
                let sum = sum.values_mut();
                for (gradient, &row) in gradient.chunks_exact(shape.1.max(1)).zip(rows) {
                    add_to(&mut sum[row as usize * shape.1..][..shape.1], gradient);
                }
            }
            Gradient::Device(_) => unreachable!("a step is computed on one device"),
        }
    }

    /// Adds a tensor's gradient on another device.
    pub(super) fn add_device(&mut self, tensor: usize, gradient: &Tensor) -> Result<()> {
        // Detached, because a gradient keeps its graph alive.
        let gradient = gradient.detach();
        let sum = match self.0[tensor].take() {
            Some(Gradient::Device(sum)) => (sum + gradient)?,
            _ => gradient,
        };
        self.0[tensor] = Some(Gradient::Device(sum));
        Ok(())
    }
}

impl From<Vec<Gradient>> for Gradients {
    /// The i-th gradient is of the tensor of number i.
    fn from(gradients: Vec<Gradient>) -> Self {
        Self(gradients.into_iter().map(Some).collect())
    }
}

impl Gradient {
    /// Every element, in the tensor's element order; zeros where rows are missing.
    ///
    /// # Errors
    /// If it cannot be copied from its device.
    pub fn to_vec(&self) -> Result<Vec<f32>> {
        match self {
            Self::Dense(array) => Ok(array.values().to_vec()),
            Self::Rows(rows) => Ok(rows.to_array().values().to_vec()),
            Self::Device(tensor) => tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1(),
        }
    }

    /// Sum of the squares of all elements, in a fixed order; in double precision where the elements are in main memory.
    ///
    /// # Errors
    /// If a tensor operation on another device fails.
    pub fn squared_norm(&self) -> Result<f64> {
        let values = match self {
            Self::Dense(array) => array.values(),
            Self::Rows(rows) => &rows.values,
            Self::Device(tensor) => {
                return sum_of_device_squares(tensor)?.to_scalar::<f32>().map(f64::from);
            }
        };
        let partial: Vec<f64> = values.par_chunks(CHUNK).map(sum_of_squares).collect();
        Ok(partial.iter().sum())
    }
}

impl RowGradient {
    fn new(table_rows: usize, width: usize) -> Self {
        Self { width, places: vec![NOWHERE; table_rows], rows: Vec::new(), values: Vec::new() }
    }

    fn add(&mut self, rows: &[u32], gradient: &[f32]) {
        let width = self.width;
        for (gradient, &row) in gradient.chunks_exact(width.max(1)).zip(rows) {
            let place = &mut self.places[row as usize];
            if *place == NOWHERE {
                *place = self.rows.len() as u32;
                self.rows.push(row);
                self.values.extend_from_slice(gradient);
            } else {
                add_to(&mut self.values[*place as usize * width..][..width], gradient);
            }
        }
    }

    /// The gradient of the whole table.
    fn to_array(&self) -> Array {
        let mut whole = Array::zeros(self.places.len(), self.width);
        let values = whole.values_mut();
        for (&row, gradient) in self.rows.iter().zip(self.values.chunks_exact(self.width.max(1))) {
            values[row as usize * self.width..][..self.width].copy_from_slice(gradient);
        }
        whole
    }

    /// The gradient of one row of the table; `None` if the row was not looked up.
    pub(super) fn row(&self, row: u32) -> Option<&[f32]> {
        let place = self.places[row as usize];
        (place != NOWHERE).then(|| &self.values[place as usize * self.width..][..self.width])
    }

    /// Rows that have a gradient, in the order they were first looked up.
    pub(super) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// Numbers in a row.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Numbers in the whole table.
    pub(super) fn table_numbers(&self) -> usize {
        self.places.len() * self.width
    }
}

/// The sum of squares as a 32-bit scalar on the device of the tensor.
fn sum_of_device_squares(tensor: &Tensor) -> Result<Tensor> {
    // Summed in parts, because a GPU sums a whole tensor on one of its processors.
    let squares = tensor.to_dtype(DType::F32)?.sqr()?;
    if squares.rank() < 2 { squares.sum_all() } else { squares.sum(D::Minus1)?.sum_all() }
}

simd_kernel! {
    /// `sums += values`.
    pub(super) fn add_to(sums: &mut [f32], values: &[f32]) {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += value;
        }
    }
}

simd_kernel! {
    fn sum_of_squares(values: &[f32]) -> f64 {
        lanes::sum_of_squares(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_add_up_and_the_rest_is_zero() {
        let mut gradients = Gradients::new(1);
        gradients.add_rows(0, (4, 2), &[3, 1, 3], &[1.0, 2.0, 3.0, 4.0, 10.0, 20.0]);
        gradients.add_rows(0, (4, 2), &[1], &[0.5, 0.5]);
        let gradient = gradients.get(0).unwrap();
        assert_eq!(gradient.to_vec().unwrap(), [0.0, 0.0, 3.5, 4.5, 0.0, 0.0, 11.0, 22.0]);
        let squares = 3.5 * 3.5 + 4.5 * 4.5 + 11.0 * 11.0 + 22.0 * 22.0_f64;
        assert!((gradient.squared_norm().unwrap() - squares).abs() < 1e-9);
        assert!((gradients.norm().unwrap() - squares.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn the_norm_is_right_and_does_not_depend_on_threads() {
        let mut rng = crate::random::Rng::new(9);
        let values: Vec<f32> = (0..100_003).map(|_| rng.normal() as f32).collect();
        let exact: f64 = values.iter().map(|&value| f64::from(value).powi(2)).sum();
        let gradient = Gradient::Dense(Array::from_values(1, values.len(), &values));
        let norm = gradient.squared_norm().unwrap();
        assert!((norm - exact).abs() < 1e-6 * exact);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        assert_eq!(norm.to_bits(), pool.install(|| gradient.squared_norm()).unwrap().to_bits());
    }

    #[test]
    fn the_norm_on_a_device_equals_that_in_main_memory() {
        for (device, dtype) in crate::ops::testing::places() {
            let (mut there, mut here) = (Gradients::new(3), Gradients::new(3));
            for (place, shape) in [vec![3, 50], vec![70], vec![1, 1]].into_iter().enumerate() {
                let values = crate::ops::testing::normal(shape.clone(), place as u64);
                let count = values.elem_count();
                let dense = values.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                here.add_dense(place, (1, count), |out, _| out.copy_from_slice(&dense));
                there.add_device(place, &values.to_dtype(dtype).unwrap().to_device(&device).unwrap()).unwrap();
                let squares = [&here, &there].map(|all| all.get(place).unwrap().squared_norm().unwrap());
                assert!((squares[0] - squares[1]).abs() < 1e-5 * squares[0], "{squares:?}");
            }
            let (here, there) = (here.norm().unwrap(), there.norm().unwrap());
            assert!((here - there).abs() < 1e-5 * here, "{here} {there}");
        }
    }

    #[test]
    fn a_tied_embedding_gets_both_gradients() {
        let mut gradients = Gradients::new(2);
        let dense = |out: &mut [f32], accumulate: bool| {
            if !accumulate {
                out.fill(0.0);
            }
            add_to(out, &[1.0, 2.0, 3.0, 4.0]);
        };
        for (tensor, rows_first) in [(0, true), (1, false)] {
            if rows_first {
                gradients.add_rows(tensor, (2, 2), &[1], &[10.0, 20.0]);
            }
            gradients.add_dense(tensor, (2, 2), dense);
            if !rows_first {
                gradients.add_rows(tensor, (2, 2), &[1], &[10.0, 20.0]);
            }
            assert_eq!(gradients.get(tensor).unwrap().to_vec().unwrap(), [1.0, 2.0, 13.0, 24.0]);
        }
    }

    #[test]
    fn dense_gradients_are_written_once_and_then_added_to() {
        let mut gradients = Gradients::new(2);
        gradients.add_dense(1, (1, 2), |out, accumulate| {
            assert!(!accumulate);
            out.copy_from_slice(&[1.0, 2.0]);
        });
        gradients.add_dense(1, (1, 2), |out, accumulate| {
            assert!(accumulate);
            add_to(out, &[1.0, 1.0]);
        });
        assert!(gradients.get(0).is_none() && gradients.get(7).is_none());
        assert_eq!(gradients.get(1).unwrap().to_vec().unwrap(), [2.0, 3.0]);
    }
}
