//! Reads and writes plain data as RON.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::storage::{StorageError, write_atomic};

/// RON with one field per line.
pub(super) fn to_text(value: &impl Serialize) -> Result<String, ron::Error> {
    let config = ron::ser::PrettyConfig::new().new_line("\n").indentor("    ");
    let mut text = ron::ser::to_string_pretty(value, config)?;
    text.push('\n');
    Ok(text)
}

/// Writes `value` to `path`, completely or not at all.
pub(super) fn write(path: &Path, value: &impl Serialize) -> Result<(), StorageError> {
    let text = to_text(value).map_err(std::io::Error::other).map_err(StorageError::io("write", path))?;
    write_atomic(path, |file| std::io::Write::write_all(file, text.as_bytes())).map_err(StorageError::io("write", path))
}

/// Reads a file of this version, or of an earlier one whose type is `Old`.
///
/// A file that is neither is damaged. The reason given is that of the version that could be read further.
pub(super) fn read_versions<New, Old>(path: &Path, advice: &'static str) -> Result<New, StorageError>
where
    New: DeserializeOwned + From<Old>,
    Old: DeserializeOwned,
{
    let text = read_text(path, advice)?;
    let new = match ron::from_str::<New>(&text) {
        Ok(new) => return Ok(new),
        Err(error) => error,
    };
    let error = match ron::from_str::<Old>(&text) {
        Ok(old) => return Ok(old.into()),
        Err(old) if old.span.start > new.span.start => old,
        Err(_) => new,
    };
    Err(damaged(path, &error, advice))
}

/// Reads a file written by [`write()`]; any other file is [`StorageError::Damaged`] with `advice`.
pub(super) fn read<T: DeserializeOwned>(path: &Path, advice: &'static str) -> Result<T, StorageError> {
    read_with(path, |text| Ok(text.to_owned()), advice)
}

/// As [`read()`], after a step that converts the text of an earlier version to the current one.
pub(super) fn read_with<T: DeserializeOwned>(
    path: &Path,
    migrate: impl FnOnce(&str) -> Result<String, ron::error::SpannedError>,
    advice: &'static str,
) -> Result<T, StorageError> {
    let text = read_text(path, advice)?;
    migrate(&text).and_then(|text| ron::from_str(&text)).map_err(|error| damaged(path, &error, advice))
}

fn read_text(path: &Path, advice: &'static str) -> Result<String, StorageError> {
    let bytes = std::fs::read(path).map_err(StorageError::io("read", path))?;
    String::from_utf8(bytes).map_err(|error| StorageError::Damaged {
        path: path.to_owned(),
        reason: error.utf8_error().to_string(),
        advice,
    })
}

fn damaged(path: &Path, error: &ron::error::SpannedError, advice: &'static str) -> StorageError {
    let place = error.span.start;
    let reason = format!("line {}, column {}: {}", place.line, place.col, error.code);
    StorageError::Damaged { path: path.to_owned(), reason, advice }
}
