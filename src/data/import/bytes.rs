//! Reads a file's bytes and recognises its kind.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::time::SystemTime;

use arrow_buffer::Buffer;
use rayon::prelude::*;

use crate::data::DataError;
use crate::data::import::utf8;
use crate::progress::Watch;

/// Bytes that one core reads at a time.
const CHUNK: usize = 1 << 20;
/// Chunks read between two checks of the cancel switch.
const CHUNKS_PER_LOOK: usize = 32;

/// Which reader a file needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Workbook,
    Arrow(ArrowKind),
}

/// The container formats of Arrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ArrowKind {
    Parquet,
    /// An IPC file, also called Feather.
    File,
    /// An IPC stream, as `datasets` saves it.
    Stream,
}

impl ArrowKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Parquet => "a Parquet file",
            Self::File | Self::Stream => "an Arrow file",
        }
    }
}

/// Recognises the kind of a file by its first bytes, then by its name.
///
/// # Errors
/// [`DataError::NotText`] for kinds that contain no rows, [`DataError::NotPlain`], and errors of opening the file.
pub(super) fn kind(path: &Path) -> Result<Kind, DataError> {
    const UNPACK: &str = "Unpack it and choose a table of rows inside it";
    const CHOOSE: &str = "Choose a table of rows: CSV, TSV, JSON, Parquet or a workbook";
    let unreadable = |source| unreadable(path, source);
    // Opening a pipe would wait for its other end, and a device may have no end.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(DataError::NotPlain(path.to_owned()));
    }
    let mut first = Vec::with_capacity(64);
    File::open(path).map_err(unreadable)?.take(64).read_to_end(&mut first).map_err(unreadable)?;
    if is_lfs_pointer(&first) {
        return Err(DataError::LfsPointer(path.to_owned()));
    }
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

/// Whether a file that begins with `bytes` is a pointer of Git LFS to a file that was not downloaded.
#[must_use]
pub fn is_lfs_pointer(bytes: &[u8]) -> bool {
    bytes.starts_with(b"version https://git-lfs.github.com/spec/")
}

/// A file's bytes in memory.
pub(super) struct FileBytes {
    pub buffer: Buffer,
    pub is_utf8: bool,
}

impl From<Vec<u8>> for FileBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self { is_utf8: std::str::from_utf8(&bytes).is_ok(), buffer: Buffer::from_vec(bytes) }
    }
}

/// Reads a file on all cores, and checks whether it is UTF-8 while each piece is in a core's cache.
///
/// # Errors
/// [`DataError::TooLarge`], [`DataError::Empty`], [`DataError::Cancelled`], and what the system says.
pub(super) fn read(path: &Path, watch: &mut Watch) -> Result<FileBytes, DataError> {
    let unreadable = |source| unreadable(path, source);
    // One open file from beginning to end: another one may get its name meanwhile.
    let file = File::open(path).map_err(unreadable)?;
    let before = FileState::of(&file).map_err(unreadable)?;
    let total = before.bytes;
    let Some(length) = i32::try_from(total).ok().and_then(|total| usize::try_from(total).ok()) else {
        return Err(DataError::TooLarge { path: path.to_owned(), bytes: total });
    };
    if length == 0 {
        return Err(DataError::Empty(path.to_owned()));
    }
    let mut bytes = vec![0; length];
    let mut is_utf8 = true;
    for (number, part) in bytes.chunks_mut(CHUNK * CHUNKS_PER_LOOK).enumerate() {
        let begin = number * CHUNK * CHUNKS_PER_LOOK;
        watch.advance("Reading the file", begin, length, "bytes")?;
        let chunks = part.par_chunks_mut(CHUNK).enumerate().map(|(number, chunk)| {
            read_at(&file, (begin + number * CHUNK) as u64, chunk)?;
            Ok(utf8::is_utf8_but_for_ends(chunk))
        });
        is_utf8 &= chunks.try_reduce(|| true, |a, b| Ok(a && b)).map_err(unreadable)?;
    }
    is_utf8 &= utf8::are_seams_utf8(&bytes, CHUNK);
    if FileState::of(&file).map_err(unreadable)? != before {
        return Err(DataError::Changed(path.to_owned()));
    }
    Ok(FileBytes { buffer: Buffer::from_vec(bytes), is_utf8 })
}

/// Fills `chunk` with the file's bytes from `begin` on, without moving the file's position, which other threads share.
#[cfg(unix)]
fn read_at(file: &File, begin: u64, chunk: &mut [u8]) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, chunk, begin)
}

#[cfg(windows)]
fn read_at(file: &File, mut begin: u64, mut chunk: &mut [u8]) -> std::io::Result<()> {
    while !chunk.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, chunk, begin)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            read => (begin, chunk) = (begin + read as u64, &mut chunk[read..]),
        }
    }
    Ok(())
}

/// Tells whether a file is still the one it was: it was neither written to, nor replaced by another of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileState {
    pub bytes: u64,
    changed: Option<SystemTime>,
    /// Device and number of the file there; 0 where the system does not tell.
    place: (u64, u64),
}

impl FileState {
    pub fn of(file: &File) -> std::io::Result<Self> {
        let described = file.metadata()?;
        #[cfg(unix)]
        let place = (std::os::unix::fs::MetadataExt::dev(&described), std::os::unix::fs::MetadataExt::ino(&described));
        #[cfg(not(unix))]
        let place = (0, 0);
        Ok(Self { bytes: described.len(), changed: described.modified().ok(), place })
    }
}

/// How many times larger than its file a table may be in memory. Real files reach about ten.
const TIMES_LARGER: u64 = 64;
/// Memory that the cells of a file may always take, in bytes.
const SMALL_FILE_MEMORY: u64 = 512 << 20;

/// The most memory that the cells of a file may take, in bytes: a few bytes can describe more cells than fit into memory.
pub(super) fn most_memory(file_bytes: u64) -> u64 {
    SMALL_FILE_MEMORY.max(file_bytes.saturating_mul(TIMES_LARGER))
}

pub(super) fn unreadable(path: &Path, source: std::io::Error) -> DataError {
    match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => DataError::NotFound(path.to_owned()),
        _ => DataError::Unreadable { path: path.to_owned(), source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::{Control, Progress};

    /// Reads a file that somebody writes to once half of it was read.
    fn read_while(change: impl Fn(&Path)) -> Result<Vec<u8>, DataError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.csv");
        let size = CHUNK * CHUNKS_PER_LOOK * 2;
        std::fs::write(&path, vec![b'a'; size]).unwrap();
        let mut report = |progress: Progress| {
            if progress.done > 0 {
                change(&path);
            }
        };
        let mut watch = Watch { control: &Control::default(), report: &mut report };
        read(&path, &mut watch).map(|read| read.buffer.to_vec())
    }

    #[test]
    fn a_file_that_is_replaced_while_it_is_read_gives_no_mixture() {
        let replaced = read_while(|path| {
            let other = path.with_extension("new");
            std::fs::write(&other, vec![b'b'; CHUNK * CHUNKS_PER_LOOK * 2]).unwrap();
            std::fs::rename(&other, path).unwrap();
        });
        assert!(replaced.unwrap().iter().all(|&byte| byte == b'a'));
    }

    #[test]
    fn a_file_that_is_written_to_while_it_is_read_is_an_error() {
        let grown = read_while(|path| {
            let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
            std::io::Write::write_all(&mut file, b"b").unwrap();
        });
        assert!(grown.unwrap_err().to_string().contains("changed while it was read"));
    }
}
