//! The files in a folder: their names, the side of the split these stand for, and their texts.

use std::path::{Path, PathBuf};

use crate::data::DataError;
use crate::data::import::{bytes, decode};
use crate::project::SourceFile;

/// The most files a folder may have.
const MOST_FILES: usize = 2_000_000;
/// The largest text that is read, in bytes.
const MOST_BYTES: u64 = 16 << 20;

pub(super) fn ends_in(path: &Path, endings: &[&str]) -> bool {
    path.extension().is_some_and(|ending| endings.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// The files in a folder and its subfolders, sorted by name, without hidden ones.
pub(super) fn list(folder: &Path, levels: usize) -> Result<Vec<PathBuf>, DataError> {
    let unreadable = |source| bytes::unreadable(folder, source);
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            entries.push(entry.path());
        }
    }
    entries.sort_unstable();
    let mut files = Vec::new();
    for entry in entries {
        if entry.is_dir() {
            if levels > 0 {
                files.extend(list(&entry, levels - 1)?);
            }
        } else {
            files.push(entry);
        }
        if files.len() > MOST_FILES {
            return Err(DataError::TooManyFiles { folder: folder.to_owned(), most: MOST_FILES });
        }
    }
    Ok(files)
}

/// The text of a file and its size in bytes, or why it cannot be read.
pub(super) fn text_of(path: &Path) -> Result<(String, u64), String> {
    let size = std::fs::metadata(path).map_err(|error| format!("It could not be read: {error}"))?;
    if !size.is_file() {
        return Err("It is not a regular file".to_owned());
    }
    if size.len() > MOST_BYTES {
        return Err(format!("It is longer than {} MiB", MOST_BYTES >> 20));
    }
    let bytes = std::fs::read(path).map_err(|error| format!("It could not be read: {error}"))?;
    let read = bytes.len() as u64;
    let decoded = decode::decode(bytes.into(), None).map_err(|error| error.to_string())?;
    if decoded.is_binary() {
        return Err("It is not text".to_owned());
    }
    Ok((decoded.text().trim_end_matches(['\r', '\n']).to_owned(), read))
}

/// The side that a file or folder name gives, if any.
pub(super) fn side_of(path: &Path) -> Option<SourceFile> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let begins = |start: &&str| {
        name.strip_prefix(start).is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric()))
    };
    [
        (SourceFile::Main, &["train", "training"][..]),
        (SourceFile::Validation, &["validation", "valid", "val", "dev"]),
        (SourceFile::Test, &["test"]),
    ]
    .into_iter()
    .find_map(|(side, names)| names.iter().any(begins).then_some(side))
}
