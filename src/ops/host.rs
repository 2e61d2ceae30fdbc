//! From candle's tensors to plain slices.

use std::marker::PhantomData;
use std::ops::{Deref, Range};

use candle_core::{DType, Result, Storage, Tensor, WithDType, bail};

/// Whether the kernels can take this tensor: 32-bit floats in main memory.
pub(super) fn is_host(tensor: &Tensor) -> bool {
    tensor.device().is_cpu() && tensor.dtype() == DType::F32
}

/// The values of a contiguous tensor of `T` in main memory, borrowed as long as this lives.
pub(super) struct Values<G, T = f32> {
    storage: G,
    range: Range<usize>,
    kind: PhantomData<T>,
}

/// Borrows the values of `tensor`, which are 32-bit floats.
pub(super) fn values(tensor: &Tensor) -> Result<Values<impl Deref<Target = Storage>>> {
    values_of::<f32>(tensor)
}

/// Borrows the values of `tensor`, which are of `T`.
pub(super) fn values_of<T: WithDType>(tensor: &Tensor) -> Result<Values<impl Deref<Target = Storage>, T>> {
    let (storage, layout) = tensor.storage_and_layout();
    let Some((start, end)) = layout.contiguous_offsets() else { bail!("the op needs a contiguous tensor") };
    if slice::<T>(&storage).is_none() {
        bail!("the op needs {} in main memory, not {}", T::DTYPE.as_str(), tensor.dtype().as_str());
    }
    Ok(Values { storage, range: start..end, kind: PhantomData })
}

fn slice<T: WithDType>(storage: &Storage) -> Option<&[T]> {
    match storage {
        Storage::Cpu(storage) => T::cpu_storage_as_slice(storage).ok(),
        _ => None,
    }
}

impl<G: Deref<Target = Storage>, T: WithDType> Deref for Values<G, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        slice(&self.storage).map_or(&[], |values| &values[self.range.clone()])
    }
}
