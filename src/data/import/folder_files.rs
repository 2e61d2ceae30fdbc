//! The files in a folder: their names, the side of the split these stand for, and their texts.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::data::DataError;
use crate::data::import::{bytes, decode};
use crate::project::SourceFile;
use crate::words::{counted, listed};

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

/// Extensions of files that hold rows, columnar ones apart.
const ROWS: [&str; 10] = ["csv", "tsv", "json", "jsonl", "ndjson", "jsonlines", "xlsx", "xlsm", "xls", "ods"];
/// Beginnings of the names of files of JSON that describe a dataset and hold no rows of it.
const DESCRIPTIONS: [&str; 3] = ["dataset_info", "dataset_dict", "state.json"];
/// Names, without extension, of texts about a dataset.
const ABOUT: [&str; 6] = ["readme", "license", "licence", "citation", "changelog", "notice"];

/// The files that hold rows, columnar ones apart.
pub(super) fn with_rows(files: &[PathBuf]) -> Vec<PathBuf> {
    let describes = |path: &Path| {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        DESCRIPTIONS.iter().any(|start| name.starts_with(start))
    };
    files.iter().filter(|path| ends_in(path, &ROWS) && !describes(path)).cloned().collect()
}

/// Whether a text is about the dataset that it is beside.
pub(super) fn is_about(path: &Path) -> bool {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
    ABOUT.iter().any(|about| stem.strip_prefix(about).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric)))
}

/// Says that files with rows were passed over, and how to use one; `None` if there are none.
pub(super) fn passed_over(folder: &Path, files: &[PathBuf]) -> Option<String> {
    let first = for_training(files)?;
    let names: Vec<String> = files.iter().map(|path| format!("'{}'", name_in(folder, path))).collect();
    Some(format!(
        "Passed over {}: {}. To use one of them, choose it instead of the folder: --data {} --text COLUMN",
        counted(files.len() as u64, "file with rows", "files with rows"),
        listed(names),
        first.display()
    ))
}

/// The first file for training, or else the first one.
pub(super) fn for_training(files: &[PathBuf]) -> Option<&PathBuf> {
    files.iter().find(|path| side_of(path) == Some(SourceFile::Main)).or(files.first())
}

/// A file's name in a folder, with `/`.
pub(super) fn name_in(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).to_string_lossy().replace('\\', "/")
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
