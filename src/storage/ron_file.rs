//! Plain data as RON text, and where it is wrong.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::storage::{StorageError, write_atomic};

/// RON with one field a line.
pub(super) fn to_text(value: &impl Serialize) -> Result<String, ron::Error> {
    let config = ron::ser::PrettyConfig::new().new_line("\n").indentor("    ");
    let mut text = ron::ser::to_string_pretty(value, config)?;
    text.push('\n');
    Ok(text)
}

/// Writes `value` to `path`, wholly or not at all.
pub(super) fn write(path: &Path, value: &impl Serialize) -> Result<(), StorageError> {
    let text = to_text(value).map_err(std::io::Error::other).map_err(StorageError::io("write", path))?;
    write_atomic(path, |file| std::io::Write::write_all(file, text.as_bytes())).map_err(StorageError::io("write", path))
}

/// Reads what [`write()`] wrote; a file that is not so is [`StorageError::Damaged`] with `advice`.
pub(super) fn read<T: DeserializeOwned>(path: &Path, advice: &'static str) -> Result<T, StorageError> {
    let bytes = std::fs::read(path).map_err(StorageError::io("read", path))?;
    let damaged = |reason: String| StorageError::Damaged { path: path.to_owned(), reason, advice };
    let text = std::str::from_utf8(&bytes).map_err(|error| damaged(error.to_string()))?;
    ron::from_str(text).map_err(|error| {
        let place = error.span.start;
        damaged(format!("line {}, column {}: {}", place.line, place.col, error.code))
    })
}
