//! Moves the rows of a matrix, for the composed operations.
//!
//! Each row goes to at most one place, so the backward pass is the same operation. candle's own backward pass of a row
//! selection adds row after row, since a row could have been selected twice; on a GPU that takes a hundred times as
//! long.

use std::ops::Deref;

use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, Device, Layout, MetalStorage, Result, Shape, Storage, Tensor, bail,
};

/// Stands for a row of zeros: candle's selection of rows gives zeros for the largest number.
const NO_ROW: u32 = u32::MAX;

/// Where each row goes and where it comes from.
#[derive(Clone)]
pub(super) struct Regroup {
    /// Row of the matrix for each row of the result, `[rows of the result]`.
    from: Tensor,
    /// Row of the result that each row of the matrix goes to, `[rows of the matrix]`.
    to: Tensor,
}

impl Regroup {
    /// For matrices with `rows` rows: the i-th row of the result is row `from[i]` of the matrix, or zeros if that is
    /// `None`.
    pub fn new(from: &[Option<u32>], rows: usize, device: &Device) -> Result<Self> {
        let mut to = vec![NO_ROW; rows];
        for (place, row) in from.iter().enumerate() {
            match row.map(|row| to.get_mut(row as usize)) {
                Some(Some(to)) if *to == NO_ROW => *to = place as u32,
                Some(Some(_)) => bail!("regroup: a row goes to two places"),
                Some(None) => bail!("regroup: a row that a matrix of {rows} rows does not have"),
                None => {}
            }
        }
        let from = from.iter().map(|row| row.unwrap_or(NO_ROW));
        Ok(Self { from: Tensor::from_iter(from, device)?, to: Tensor::from_vec(to, rows, device)? })
    }

    /// The rows of `x` `[rows, width]` in their new places, `[rows of the result, width]`.
    pub fn apply(&self, x: &Tensor) -> Result<Tensor> {
        x.contiguous()?.apply_op1(self.clone())
    }

    /// Puts rows back to where they came from.
    pub fn back(&self) -> Self {
        Self { from: self.to.clone(), to: self.from.clone() }
    }

    fn places(&self) -> (impl Deref<Target = Storage>, &Layout) {
        self.from.storage_and_layout()
    }
}

fn select<S: BackendStorage>(rows: &S, layout: &Layout, places: (&S, &Layout)) -> Result<(S, Shape)> {
    let (count, width) = (places.1.shape().elem_count(), layout.shape().dims2()?.1);
    Ok((rows.index_select(places.0, layout, places.1, 0)?, (count, width).into()))
}

impl CustomOp1 for Regroup {
    fn name(&self) -> &'static str {
        "regroup"
    }

    fn cpu_fwd(&self, rows: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (places, of_places) = self.places();
        let Storage::Cpu(places) = &*places else { bail!("regroup: rows and places on different devices") };
        select(rows, layout, (places, of_places))
    }

    fn cuda_fwd(&self, rows: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        let (places, of_places) = self.places();
        let Storage::Cuda(places) = &*places else { bail!("regroup: rows and places on different devices") };
        select(rows, layout, (places, of_places))
    }

    fn metal_fwd(&self, rows: &MetalStorage, layout: &Layout) -> Result<(MetalStorage, Shape)> {
        let (places, of_places) = self.places();
        let Storage::Metal(places) = &*places else { bail!("regroup: rows and places on different devices") };
        select(rows, layout, (places, of_places))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        self.back().apply(gradient).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Var};

    use super::*;
    use crate::ops::testing::{normal, places};

    #[test]
    fn rows_are_moved_and_their_gradients_moved_back() {
        for (device, dtype) in places() {
            let x = normal(vec![3, 2], 1).to_dtype(dtype).unwrap().to_device(&device).unwrap();
            let x = Var::from_tensor(&x).unwrap();
            // The second row goes nowhere.
            let moved = Regroup::new(&[Some(2), None, Some(0)], 3, &device).unwrap();
            let values = |tensor: &Tensor| tensor.to_dtype(DType::F32).unwrap().to_vec2::<f32>().unwrap();
            let (rows, out) = (values(&x), moved.apply(&x).unwrap());
            assert_eq!(values(&out), [rows[2].clone(), vec![0.0; 2], rows[0].clone()]);
            let gradients = (&out * &out).unwrap().sum_all().unwrap().backward().unwrap();
            let doubled = |row: &[f32]| row.iter().map(|value| 2.0 * value).collect::<Vec<_>>();
            let expected = [doubled(&rows[0]), vec![0.0; 2], doubled(&rows[2])];
            assert_eq!(values(gradients.get(&x).unwrap()), expected);
            assert_eq!(values(&moved.back().apply(&out).unwrap()), [rows[0].clone(), vec![0.0; 2], rows[2].clone()]);
        }
    }

    #[test]
    fn repeated_and_missing_rows_are_refused() {
        let refused = |from: &[Option<u32>]| Regroup::new(from, 2, &Device::Cpu).err().unwrap().to_string();
        assert!(refused(&[Some(1), Some(1)]).contains("two places"));
        assert!(refused(&[Some(2)]).contains("2 rows"));
    }
}
