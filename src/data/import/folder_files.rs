//! The files in a folder: their names, the side of the split these stand for, and their texts.

use std::collections::HashSet;
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

/// The files in a folder and its subfolders, sorted by name, without hidden ones. A folder that links lead to is read once.
pub(super) fn list(folder: &Path, levels: usize) -> Result<Vec<PathBuf>, DataError> {
    let (mut files, mut seen) = (Vec::new(), HashSet::new());
    // Level by level, so that links do not lead to a folder first where its own folders are too deep to be read.
    let mut level = vec![folder.to_owned()];
    for _ in 0..=levels {
        let mut below = Vec::new();
        for folder in level {
            if !seen.insert(folder.canonicalize().unwrap_or_else(|_| folder.clone())) {
                continue;
            }
            let unreadable = |source| bytes::unreadable(&folder, source);
            for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
                let entry = entry.map_err(unreadable)?;
                if entry.file_name().to_string_lossy().starts_with('.') {
                    continue;
                }
                let path = entry.path();
                let kind = if path.is_dir() { &mut below } else { &mut files };
                kind.push(path);
            }
            if files.len() > MOST_FILES {
                return Err(DataError::TooManyFiles { folder, most: MOST_FILES });
            }
        }
        below.sort_by_cached_key(|path| (path.is_symlink(), path.clone()));
        level = below;
    }
    files.sort_unstable();
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
