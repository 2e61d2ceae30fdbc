//! The safetensors format: a header that says where each tensor is, then the numbers.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::DType;
use safetensors::tensor::Metadata;

use crate::models::weight_files::stored::{Place, Stored};

/// Largest header, in bytes: the limit of the safetensors library.
const MOST_HEADER: u64 = 100_000_000;

/// The tensors of a file. What is wrong with it is a part of a sentence.
pub(super) fn tensors(mut file: File, path: &Path) -> Result<BTreeMap<String, Stored>, String> {
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    let mut size = [0_u8; 8];
    file.read_exact(&mut size).map_err(|_| "it is too short".to_owned())?;
    let size = u64::from_le_bytes(size);
    if size > MOST_HEADER {
        return Err("it does not begin like a safetensors file".to_owned());
    }
    if size > length {
        return Err("its header is cut off".to_owned());
    }
    let mut header = vec![0_u8; size as usize];
    file.read_exact(&mut header).map_err(|_| "its header is cut off".to_owned())?;
    let header: Metadata =
        serde_json::from_slice(&header).map_err(|error| format!("its header is invalid: {error}"))?;
    let (first, needed) = (8 + size, 8 + size + header.data_len() as u64);
    if needed != length {
        return Err(format!("it has {length} bytes instead of {needed}"));
    }
    let path: Arc<PathBuf> = Arc::new(path.to_owned());
    let stored = header.tensors().into_iter().map(|(name, tensor)| {
        let place = Place::From(first + tensor.data_offsets.0 as u64);
        let dtype = DType::try_from(tensor.dtype).map_err(|_| tensor.dtype.to_string());
        (name, Stored { file: Arc::clone(&path), place, dtype, shape: tensor.shape.clone() })
    });
    Ok(stored.collect())
}
