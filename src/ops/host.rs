//! From candle's tensors to plain slices.

use std::ops::{Deref, Range};

use candle_core::{CpuStorage, DType, Result, Storage, Tensor, bail};

/// Whether the kernels can take this tensor: 32-bit floats in main memory.
pub(super) fn is_host(tensor: &Tensor) -> bool {
    tensor.device().is_cpu() && tensor.dtype() == DType::F32
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
