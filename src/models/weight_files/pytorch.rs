//! `PyTorch`'s own format: a zip archive of a pickle and a file for each storage of numbers.
//!
//! A pickle is a program that may name any function of Python. Here nothing is executed: candle's reader only makes lists and
//! tuples of it, and what is no tensor is left out.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::pickle::{Object, Stack, TensorInfo};
use zip::{CompressionMethod, ZipArchive};

use crate::data::guarded;
use crate::models::weight_files::layout::Layout;
use crate::models::weight_files::stored::{Place, Stored};
use crate::ops::message;

/// The name of the pickle in its folder of the archive.
const PICKLE: &str = "/data.pkl";
/// Largest pickle, in bytes. A model of 10,000 tensors needs about 2 MB.
const MOST_PICKLE: u64 = 64 << 20;
/// Objects that may be copied while a pickle is read: one of a few bytes can ask for copies of copies that fill any memory.
const MOST_COPIES: usize = 4_000_000;
/// Objects inside each other; a state dictionary has 6.
const MOST_LEVELS: usize = 32;

/// Codes of a pickle that copy the object on top of the stack, or put it into another.
const COPIES_OR_WRAPS: &[u8] = b"qrhjtRbQaesu\x85\x86\x87\x81";

/// The tensors of a file. What is wrong with it is a part of a sentence.
pub(super) fn tensors(file: File, path: &Path) -> Result<BTreeMap<String, Stored>, String> {
    guarded(|| found(file, path)).unwrap_or_else(|| Err("its pickle is damaged".to_owned()))
}

fn found(file: File, path: &Path) -> Result<BTreeMap<String, Stored>, String> {
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|_| {
        "it is not a zip archive; files of PyTorch before 1.6 must be saved again, with `save_pretrained` in transformers"
            .to_owned()
    })?;
    let pickles: Vec<String> = archive.file_names().filter_map(Result::ok).map(Cow::into_owned).collect();
    let pickle = pickles.iter().find(|name| name.ends_with(PICKLE)).ok_or("it holds no data.pkl")?;
    let folder = PathBuf::from(pickle.trim_end_matches(".pkl"));
    let entry = archive.by_name(pickle).map_err(|error| error.to_string())?;
    if entry.size() > MOST_PICKLE {
        return Err(format!("its pickle has {} bytes", entry.size()));
    }
    let dictionary = unpickled(BufReader::new(entry.take(MOST_PICKLE)))?;
    let Object::Dict(entries) = dictionary else { return Err("its pickle holds no dictionary of tensors".to_owned()) };
    let path: Arc<PathBuf> = Arc::new(path.to_owned());
    let mut tensors = BTreeMap::new();
    for (name, value) in entries {
        let Object::Unicode(text) = &name else { continue };
        let text = text.clone();
        // What is no tensor, or one of a type that weights do not have, counts as missing.
        if let Ok(Some(info)) = value.into_tensor_info(name, &folder) {
            let stored = stored(&mut archive, info, &path).map_err(|reason| format!("tensor {text}: {reason}"))?;
            tensors.insert(text, stored);
        }
    }
    if tensors.is_empty() {
        return Err("its pickle holds no tensors".to_owned());
    }
    Ok(tensors)
}

/// The object that a pickle describes.
fn unpickled(mut reader: impl BufRead) -> Result<Object, String> {
    let mut stack = Stack::empty();
    let mut copies = MOST_COPIES;
    loop {
        let Some(&code) = reader.fill_buf().map_err(|error| error.to_string())?.first() else {
            return Err("its pickle is cut off".to_owned());
        };
        let is_done = stack.read(&mut reader).map_err(|error| message(&error))?;
        if COPIES_OR_WRAPS.contains(&code)
            && let Some(top) = stack.stack().last()
        {
            count(top, &mut copies, MOST_LEVELS)?;
        }
        if is_done {
            return stack.finalize().map_err(|error| message(&error));
        }
    }
}

/// Subtracts the objects in an object from those that are left, and fails if these do not suffice.
fn count(object: &Object, left: &mut usize, levels: usize) -> Result<(), String> {
    if *left == 0 || levels == 0 {
        return Err("its pickle is not that of a model".to_owned());
    }
    *left -= 1;
    match object {
        Object::Tuple(all) | Object::List(all) => all.iter().try_for_each(|inner| count(inner, left, levels - 1)),
        Object::Dict(all) => all.iter().try_for_each(|(key, value)| {
            count(key, left, levels - 1)?;
            count(value, left, levels - 1)
        }),
        Object::Reduce { callable, args } | Object::Build { callable, args } => {
            count(callable, left, levels - 1)?;
            count(args, left, levels - 1)
        }
        Object::PersistentLoad(inner) => count(inner, left, levels - 1),
        _ => Ok(()),
    }
}

fn stored(archive: &mut ZipArchive<BufReader<File>>, info: TensorInfo, path: &Arc<PathBuf>) -> Result<Stored, String> {
    let entry = archive.by_name(&info.path).map_err(|_| format!("{} is missing", info.path))?;
    // `PyTorch` never compresses; so no more numbers are read than the file has bytes.
    if entry.compression() != CompressionMethod::Stored {
        return Err("it is compressed".to_owned());
    }
    let bytes = entry.size().min(entry.compressed_size()) as usize;
    let size = info.dtype.size_in_bytes().max(1);
    let (shape, first) = (info.layout.dims().to_vec(), info.layout.start_offset() / size);
    let layout = Layout::new(&shape, info.layout.stride(), first, bytes / size);
    let layout = layout.ok_or_else(|| format!("the shape {shape:?} does not fit its {bytes} bytes"))?;
    let place = Place::Entry { name: info.path, layout };
    Ok(Stored { file: Arc::clone(path), place, dtype: Ok(info.dtype), shape })
}

/// Reads an entry of the archive.
pub(super) fn with_entry<T>(
    file: File,
    name: &str,
    read: impl FnOnce(&mut dyn Read) -> candle_core::Result<T>,
) -> candle_core::Result<T> {
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(candle_core::Error::wrap)?;
    let mut entry = archive.by_name(name).map_err(candle_core::Error::wrap)?;
    read(&mut entry)
}
