//! From candle's tensors to plain slices and back.

use std::ops::{Deref, Range};

use candle_core::{CpuStorage, DType, Layout, Result, Shape, Storage, Tensor, bail};

/// Whether the fast kernels can take these tensors: 32-bit floats in main memory.
pub(super) fn is_fast(tensors: &[&Tensor]) -> bool {
    tensors.iter().all(|tensor| tensor.device().is_cpu() && tensor.dtype() == DType::F32)
}

/// The values of a contiguous `f32` operand of a custom op.
pub(super) fn operand<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let Some((start, end)) = layout.contiguous_offsets() else { bail!("the op needs a contiguous tensor") };
    Ok(&storage.as_slice::<f32>()?[start..end])
}

/// The values of a contiguous `f32` tensor in main memory, borrowed as long as this lives.
pub(super) struct Values<G> {
    storage: G,
    range: Range<usize>,
}

/// Borrows the values of `tensor`.
pub(super) fn values(tensor: &Tensor) -> Result<Values<impl Deref<Target = Storage>>> {
    let (storage, layout) = tensor.storage_and_layout();
    let Some((start, end)) = layout.contiguous_offsets() else { bail!("the op needs a contiguous tensor") };
    let Storage::Cpu(CpuStorage::F32(_)) = &*storage else { bail!("the op needs 32-bit floats in main memory") };
    Ok(Values { storage, range: start..end })
}

impl<G: Deref<Target = Storage>> Deref for Values<G> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &*self.storage {
            Storage::Cpu(CpuStorage::F32(values)) => &values[self.range.clone()],
            _ => &[],
        }
    }
}

/// What a custom op's forward returns.
pub(super) fn output(values: Vec<f32>, shape: impl Into<Shape>) -> (CpuStorage, Shape) {
    (CpuStorage::F32(values), shape.into())
}

/// A gradient of the shape of `like`.
pub(super) fn gradient(values: Vec<f32>, like: &Tensor) -> Result<Tensor> {
    Tensor::from_vec(values, like.shape(), like.device())
}

/// The size of the last dimension and the product of the others.
pub(super) fn rows_and_width(shape: &Shape) -> (usize, usize) {
    let width = shape.dims().last().copied().unwrap_or(1);
    (shape.elem_count().checked_div(width).unwrap_or(0), width)
}
