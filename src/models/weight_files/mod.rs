//! The files that hold a model's weights: one safetensors file, several with an index, or the same in `PyTorch`'s own format.
//!
//! Tensors are read one at a time and piece by piece, so that loading needs little more memory than the weights take. (Pages of
//! a file that is mapped into memory would count as memory in use.)

mod layout;
mod pytorch;
mod safetensors_file;
mod stored;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use serde::Deserialize;

use crate::data::{DataError, is_lfs_pointer, model_file, read_model_text};
use crate::models::weight_files::stored::{Place, Stored};
use crate::models::{ModelError, model_folder};
use crate::ops::message;

/// The name of a weights file; Hone writes no other.
pub const WEIGHTS_FILE: &str = "model.safetensors";
/// The names of a weights file, the one that is read first: the second is in `PyTorch`'s format.
pub const WEIGHT_FILES: [&str; 2] = [WEIGHTS_FILE, "pytorch_model.bin"];
/// What follows the name if the weights are in several files.
pub const INDEX_END: &str = ".index.json";
/// Weights in a format that is not read.
pub const OTHER_WEIGHTS: [&str; 2] = ["tf_model.h5", "flax_model.msgpack"];

/// Numbers read at a time.
const PIECE: usize = 1 << 20;

/// The types of weights that can be read. Integers are quantised weights, meaningless without their scales.
const FLOATS: [DType; 5] = [DType::F32, DType::F16, DType::BF16, DType::F64, DType::F8E4M3];

/// The tensors of a model folder.
#[derive(Debug)]
pub(super) struct WeightFiles {
    /// The file of weights, or the index of several; for messages.
    path: PathBuf,
    tensors: BTreeMap<String, Stored>,
}

/// The index of weights in several files, as `transformers` writes it.
#[derive(Deserialize)]
struct Index {
    /// Tensor -> file.
    weight_map: BTreeMap<String, String>,
}

/// The weights that a folder has.
struct Found {
    /// The file of weights, or the index of several.
    path: PathBuf,
    /// The files, each with its name.
    parts: Vec<(String, PathBuf)>,
    /// Which file each tensor is in, if there are several.
    index: Option<Index>,
}

/// The files that hold the weights of a folder with a whole model.
///
/// # Errors
/// [`ModelError`] if there are none that can be read, or their index is damaged or names others.
pub(super) fn weight_paths_of(folder: &Path) -> Result<Vec<PathBuf>, ModelError> {
    Ok(find(folder)?.parts.into_iter().map(|(_, path)| path).collect())
}

impl WeightFiles {
    /// Finds the tensors of a model folder. Reads where they are, not the tensors.
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        let Found { path, parts, index } = find(folder)?;
        let mut tensors = BTreeMap::new();
        for (file, part) in parts {
            let is_of_part =
                |name: &String| index.as_ref().is_none_or(|index| index.weight_map.get(name) == Some(&file));
            tensors.extend(tensors_of(&part)?.into_iter().filter(|(name, _)| is_of_part(name)));
        }
        Ok(Self { path, tensors })
    }

    /// Adds the tensors of another folder, with `prefix` before their names.
    pub fn add(&mut self, prefix: &str, folder: &Path) -> Result<(), ModelError> {
        let more = Self::open(folder)?.tensors;
        self.tensors.extend(more.into_iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor)));
        Ok(())
    }

    /// Finds the tensors of one file of a folder.
    pub fn open_file(folder: &Path, file: &str) -> Result<Self, ModelError> {
        let path = model_file(folder, file).map_err(|error| ModelError::unreadable(folder.join(file), error))?;
        Ok(Self { tensors: tensors_of(&path)?, path })
    }

    /// The file of weights, or the index of several.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The shape of a tensor.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|tensor| tensor.shape.as_slice())
    }

    /// The numbers of a tensor, row by row, as 32-bit floats.
    pub fn read(&self, name: &str) -> Result<Vec<f32>, ModelError> {
        let tensor = self.stored(name)?;
        let dtype = float_type(name, tensor)?;
        let mut values = Vec::with_capacity(tensor.count());
        pieces(name, tensor, dtype, |piece| {
            values.extend(piece.to_dtype(DType::F32)?.to_vec1::<f32>()?);
            Ok(())
        })?;
        Ok(match &tensor.place {
            Place::Entry { layout, .. } => layout.arranged(&tensor.shape, values),
            Place::From(_) => values,
        })
    }

    /// A tensor with the type that it has in the file.
    pub fn tensor(&self, name: &str) -> Result<Tensor, ModelError> {
        let tensor = self.stored(name)?;
        let dtype = float_type(name, tensor)?;
        let values = self.read(name)?;
        // Going through 32 bits loses nothing, except of 64-bit floats, of which no model uses more.
        Ok(Tensor::from_vec(values, tensor.shape.as_slice(), &Device::Cpu)?.to_dtype(dtype)?)
    }

    fn stored(&self, name: &str) -> Result<&Stored, ModelError> {
        let missing = || damaged(&self.path, format!("it has no tensor {name}"));
        self.tensors.get(name).ok_or_else(missing)
    }
}

/// Gives `take` the numbers of a tensor as they follow each other in the file, a piece at a time.
fn pieces(
    name: &str,
    tensor: &Stored,
    dtype: DType,
    mut take: impl FnMut(Tensor) -> candle_core::Result<()>,
) -> Result<(), ModelError> {
    let file = File::open(&*tensor.file).map_err(|error| ModelError::unreadable(tensor.file.to_path_buf(), error))?;
    let mut read_all = |reader: &mut dyn Read, count: usize| -> candle_core::Result<()> {
        let mut left = count;
        let mut bytes = vec![0_u8; PIECE.min(count) * dtype.size_in_bytes()];
        while left > 0 {
            let now = left.min(PIECE);
            let bytes = &mut bytes[..now * dtype.size_in_bytes()];
            reader.read_exact(bytes)?;
            take(Tensor::from_raw_buffer(bytes, dtype, &[now], &Device::Cpu)?)?;
            left -= now;
        }
        Ok(())
    };
    let done = match &tensor.place {
        Place::From(first) => {
            let mut file = file;
            let found = file.seek(SeekFrom::Start(*first)).map_err(candle_core::Error::from);
            found.and_then(|_| read_all(&mut file, tensor.count()))
        }
        Place::Entry { name, layout } => pytorch::with_entry(file, name, |reader| {
            let skipped = (layout.first * dtype.size_in_bytes()) as u64;
            std::io::copy(&mut Read::take(&mut *reader, skipped), &mut std::io::sink())?;
            read_all(reader, layout.span)
        }),
    };
    done.map_err(|error| damaged(&tensor.file, format!("tensor {name}: {}", message(&error))))
}

/// The type of a tensor's numbers.
fn float_type(name: &str, tensor: &Stored) -> Result<DType, ModelError> {
    let kind = match &tensor.dtype {
        Ok(dtype) if FLOATS.contains(dtype) => return Ok(*dtype),
        Ok(dtype) => format!("{dtype:?}"),
        Err(kind) => kind.clone(),
    };
    let path = tensor.file.as_path().to_owned();
    Err(ModelError::WeightType { path, tensor: name.to_owned(), kind })
}

/// Finds the weights of a folder.
fn find(folder: &Path) -> Result<Found, ModelError> {
    for file in WEIGHT_FILES {
        if let Some(path) = existing(folder, file)? {
            return Ok(Found { parts: vec![(file.to_owned(), path.clone())], path, index: None });
        }
        let index = format!("{file}{INDEX_END}");
        if let Some(path) = existing(folder, &index)? {
            let index = read_index(folder, &index, &path)?;
            let parts = parts_of(folder, &index, &path)?;
            return Ok(Found { path, parts, index: Some(index) });
        }
    }
    Err(match OTHER_WEIGHTS.into_iter().find(|file| folder.join(file).exists()) {
        Some(file) => ModelError::UnsupportedWeights { folder: folder.to_owned(), file },
        None => model_folder::without(folder, WEIGHTS_FILE),
    })
}

fn read_index(folder: &Path, name: &str, path: &Path) -> Result<Index, ModelError> {
    let bytes = read_model_text(folder, name).map_err(|error| ModelError::unreadable(path.to_owned(), error))?;
    if is_lfs_pointer(&bytes) {
        return Err(DataError::LfsPointer(path.to_owned()).into());
    }
    serde_json::from_slice(&bytes).map_err(|error| damaged(path, error.to_string()))
}

/// The files that the index of weights in several files names.
///
/// # Errors
/// What is wrong with the index.
pub fn parts_of_index(index: &[u8]) -> Result<BTreeSet<String>, String> {
    serde_json::from_slice::<Index>(index).map_err(|error| error.to_string())?.files()
}

impl Index {
    fn files(&self) -> Result<BTreeSet<String>, String> {
        let files: BTreeSet<String> = self.weight_map.values().cloned().collect();
        // Anything but the name of a file beside the index would be a file that is nobody's business.
        let is_beside = |file: &String| Path::new(file).file_name().is_some_and(|name| name == file.as_str());
        match files.iter().find(|file| !is_beside(file)) {
            Some(file) => Err(format!("it names the file {file:?}")),
            None => Ok(files),
        }
    }
}

/// The files that an index names.
fn parts_of(folder: &Path, index: &Index, path: &Path) -> Result<Vec<(String, PathBuf)>, ModelError> {
    let files = index.files().map_err(|reason| damaged(path, reason))?;
    let parts = files.into_iter().map(|file| match existing(folder, &file)? {
        Some(part) => Ok((file, part)),
        None => Err(ModelError::MissingPart { index: path.to_owned(), file }),
    });
    parts.collect()
}

/// The path of a file that the folder has.
fn existing(folder: &Path, file: &str) -> Result<Option<PathBuf>, ModelError> {
    match model_file(folder, file) {
        Ok(path) => Ok(Some(path)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ModelError::unreadable(folder.join(file), error)),
    }
}

/// The tensors of one file.
fn tensors_of(path: &Path) -> Result<BTreeMap<String, Stored>, ModelError> {
    let unreadable = |error: std::io::Error| ModelError::unreadable(path.to_owned(), error);
    let mut file = File::open(path).map_err(unreadable)?;
    let mut begin = Vec::new();
    file.by_ref().take(128).read_to_end(&mut begin).map_err(unreadable)?;
    if is_lfs_pointer(&begin) {
        return Err(DataError::LfsPointer(path.to_owned()).into());
    }
    file.rewind().map_err(unreadable)?;
    let is_safetensors = path.extension().is_some_and(|end| end == "safetensors");
    let found = if is_safetensors { safetensors_file::tensors(file, path) } else { pytorch::tensors(file, path) };
    found.map_err(|reason| damaged(path, reason))
}

fn damaged(path: &Path, reason: String) -> ModelError {
    ModelError::Damaged { path: path.to_owned(), reason }
}
