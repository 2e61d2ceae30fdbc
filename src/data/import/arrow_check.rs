//! Checks the sizes that an Arrow stream states against the file, before anything is read.
//!
//! The library trusts them: a damaged size makes it ask for a million gigabytes, which ends the program. Source
//! of the format: Apache Arrow, "Arrow Columnar Format", Serialization and Interprocess Communication.

use std::io::{Read, Seek, SeekFrom};

use arrow_ipc::{RecordBatch, root_as_message};

/// Marker at the start of a message; older writers leave it out.
const CONTINUATION: u32 = 0xFFFF_FFFF;

/// The largest accepted ratio of a buffer's unpacked size to its packed size: LZ4 reaches 255.
const MOST_RATIO: u64 = 256;

/// A buffer may always unpack to this many bytes, whatever its ratio.
const FEW_UNPACKED: u64 = 64 << 20;

/// Checks the messages from the reader's position on, and returns it to that position.
///
/// # Errors
/// Says what is wrong, for a person to read.
pub(super) fn check(file: &mut (impl Read + Seek), size: u64) -> Result<(), String> {
    let begin = file.stream_position().map_err(|error| error.to_string())?;
    let checked = messages(file, size);
    file.seek(SeekFrom::Start(begin)).map_err(|error| error.to_string())?;
    checked
}

fn messages(file: &mut (impl Read + Seek), size: u64) -> Result<(), String> {
    while let Some(length) = next_length(file)? {
        let mut at = file.stream_position().map_err(|error| error.to_string())?;
        if u64::from(length) > size.saturating_sub(at) {
            return Err("a message ends after the end of the file".to_owned());
        }
        let mut metadata = vec![0; length as usize];
        file.read_exact(&mut metadata).map_err(|error| error.to_string())?;
        at += u64::from(length);
        let message = root_as_message(&metadata).map_err(|error| error.to_string())?;
        let body = u64::try_from(message.bodyLength()).unwrap_or(u64::MAX);
        if body > size.saturating_sub(at) {
            return Err("rows end after the end of the file".to_owned());
        }
        let of_dictionary = message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data());
        if let Some(batch) = message.header_as_record_batch().or(of_dictionary) {
            buffers(file, &batch, at, body)?;
        }
        file.seek(SeekFrom::Start(at + body)).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Length of the next message's metadata in bytes; `None` at the end.
fn next_length(file: &mut impl Read) -> Result<Option<u32>, String> {
    let mut word = || -> Result<Option<u32>, String> {
        let mut bytes = [0; 4];
        match file.read_exact(&mut bytes) {
            Ok(()) => Ok(Some(u32::from_le_bytes(bytes))),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    };
    let first = word()?;
    let length = if first == Some(CONTINUATION) { word()? } else { first };
    Ok(length.filter(|&length| length > 0))
}

/// Checks the buffers of a batch, whose body of `body` bytes begins at `at`.
fn buffers(file: &mut (impl Read + Seek), batch: &RecordBatch<'_>, at: u64, body: u64) -> Result<(), String> {
    for buffer in batch.buffers().into_iter().flatten() {
        let (Ok(offset), Ok(length)) = (u64::try_from(buffer.offset()), u64::try_from(buffer.length())) else {
            return Err("a column has a negative size".to_owned());
        };
        if offset.checked_add(length).is_none_or(|end| end > body) {
            return Err("a column ends after the end of its rows".to_owned());
        }
        if batch.compression().is_none() || length < 8 {
            continue;
        }
        let mut unpacked = [0; 8];
        file.seek(SeekFrom::Start(at + offset)).map_err(|error| error.to_string())?;
        file.read_exact(&mut unpacked).map_err(|error| error.to_string())?;
        // -1 marks data that is not compressed.
        let unpacked = i64::from_le_bytes(unpacked);
        let most = FEW_UNPACKED.max(MOST_RATIO * length);
        if unpacked < -1 || u64::try_from(unpacked).is_ok_and(|unpacked| unpacked > most) {
            return Err("a column unpacks to more than its size allows".to_owned());
        }
    }
    Ok(())
}
