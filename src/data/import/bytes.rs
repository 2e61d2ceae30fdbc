//! A file's bytes, and what kind of file they are.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::super::{DataError, hashing};
use super::arrow_files::ArrowKind;
use crate::progress::{Progress, Watch};

/// Bytes read between two looks at the cancel switch.
const CHUNK: usize = 1 << 20;

/// Who reads a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Workbook,
    Arrow(ArrowKind),
}

/// The kind of a file, by its first bytes and then by its name.
///
/// # Errors
/// [`DataError::NotText`] for kinds that hold no rows, and what opening it gives.
pub(super) fn kind(path: &Path) -> Result<Kind, DataError> {
    const UNPACK: &str = "Unpack it and choose a file of rows from it";
    const CHOOSE: &str = "Choose a table of rows: CSV, TSV, JSON, Parquet or a workbook";
    let unreadable = |source| unreadable(path, source);
    // Opening a pipe would wait for its other end, and a device may have no end.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        let (kind, advice) = ("a pipe or a device, not a file", "Write it to a file first, and choose that");
        return Err(DataError::NotText { path: path.to_owned(), kind, advice });
    }
    let mut first = Vec::with_capacity(8);
    File::open(path).map_err(unreadable)?.take(8).read_to_end(&mut first).map_err(unreadable)?;
    let by_name = |extensions: &[&str]| {
        path.extension().is_some_and(|extension| extensions.iter().any(|known| extension.eq_ignore_ascii_case(known)))
    };
    let known: [(&[u8], &'static str, &'static str); 5] = [
        (b"%PDF-", "a PDF", CHOOSE),
        (b"\x1F\x8B", "a gzip archive", UNPACK),
        (b"7z\xBC\xAF", "a 7z archive", UNPACK),
        (b"\x89PNG", "a picture", CHOOSE),
        (b"\xFF\xD8\xFF", "a picture", CHOOSE),
    ];
    if let Some(&(_, kind, advice)) = known.iter().find(|(magic, ..)| first.starts_with(magic)) {
        return Err(DataError::NotText { path: path.to_owned(), kind, advice });
    }
    if first.starts_with(b"PK\x03\x04") || first.starts_with(b"\xD0\xCF\x11\xE0") {
        return Ok(Kind::Workbook);
    }
    Ok(if first.starts_with(b"PAR1") {
        Kind::Arrow(ArrowKind::Parquet)
    } else if first.starts_with(b"ARROW1") {
        Kind::Arrow(ArrowKind::File)
    } else if first.starts_with(&[0xFF; 4]) && by_name(&["arrow", "arrows"]) {
        Kind::Arrow(ArrowKind::Stream)
    } else {
        Kind::Text
    })
}

/// A file's bytes, and their SHA-256.
///
/// # Errors
/// [`DataError::TooLarge`], [`DataError::Empty`], [`DataError::Cancelled`], and what the system says.
pub(super) fn read(path: &Path, watch: &mut Watch) -> Result<(Vec<u8>, String), DataError> {
    let unreadable = |source| unreadable(path, source);
    let file = File::open(path).map_err(unreadable)?;
    let total = file.metadata().map_err(unreadable)?.len();
    if i32::try_from(total).is_err() {
        return Err(DataError::TooLarge { path: path.to_owned(), bytes: total });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(total).unwrap_or(0).min(1 << 31));
    let sha256 = each_chunk(file, path, total, watch, |chunk| bytes.extend_from_slice(chunk))?;
    if bytes.is_empty() {
        return Err(DataError::Empty(path.to_owned()));
    }
    Ok((bytes, sha256))
}

/// The SHA-256 of a file that is too large to be held.
pub(super) fn sha256(path: &Path, watch: &mut Watch) -> Result<(u64, String), DataError> {
    let file = File::open(path).map_err(|source| unreadable(path, source))?;
    let total = file.metadata().map_err(|source| unreadable(path, source))?.len();
    Ok((total, each_chunk(file, path, total, watch, |_| {})?))
}

fn each_chunk(
    mut file: File,
    path: &Path,
    total: u64,
    watch: &mut Watch,
    mut take: impl FnMut(&[u8]),
) -> Result<String, DataError> {
    let (mut hasher, mut chunk, mut done) = (Sha256::new(), vec![0; CHUNK], 0);
    loop {
        if watch.is_cancelled() {
            return Err(DataError::Cancelled);
        }
        let read = match file.read(&mut chunk) {
            Ok(0) => return Ok(hashing::hexadecimal(&hasher.finalize())),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(path, error)),
        };
        hasher.update(&chunk[..read]);
        take(&chunk[..read]);
        done += read as u64;
        watch.progress(progress("Reading the file", done, total, "bytes"));
    }
}

pub(super) fn progress(stage: &str, done: u64, total: u64, unit: &'static str) -> Progress {
    Progress { stage: stage.to_owned(), done, total: Some(total), unit, eta_seconds: None }
}

pub(super) fn unreadable(path: &Path, source: std::io::Error) -> DataError {
    match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => DataError::NotFound(path.to_owned()),
        _ => DataError::Unreadable { path: path.to_owned(), source },
    }
}
