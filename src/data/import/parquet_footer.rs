//! Checks the metadata at the end of a Parquet file before the decoder reads it.
//!
//! The decoder trusts the lengths of lists. A list of two thousand million booleans takes ten bytes in a file and seconds to
//! skip, and a file can hold many. Here each element takes at least a byte, so that the work is bounded by the size of the file.
//! Source of the formats: Apache Parquet, "File Format"; Apache Thrift, "Thrift compact protocol".

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use crate::words::counted;

/// The magic number at the end, after the length of the metadata.
const MAGIC: &[u8; 4] = b"PAR1";
/// Length of the metadata and magic number, in bytes.
const TAIL: u64 = 8;
/// The deepest nesting; Parquet's own metadata has 8 levels.
const DEEPEST: u32 = 32;

/// Checks the metadata of a Parquet file. Files that do not end as Parquet files do are left to the decoder, which says so.
///
/// # Errors
/// Says what is wrong, for a person to read.
pub(crate) fn check_parquet_footer(mut file: &File) -> Result<(), String> {
    let read = |error: std::io::Error| error.to_string();
    let size = file.seek(SeekFrom::End(0)).map_err(read)?;
    if size < TAIL {
        return Ok(());
    }
    let mut tail = [0; TAIL as usize];
    file.seek(SeekFrom::Start(size - TAIL)).map_err(read)?;
    file.read_exact(&mut tail).map_err(read)?;
    let [a, b, c, d, magic @ ..] = tail;
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    if magic != *MAGIC || length > size - TAIL {
        return Ok(());
    }
    let mut metadata = vec![0; length as usize];
    file.seek(SeekFrom::Start(size - TAIL - length)).map_err(read)?;
    file.read_exact(&mut metadata).map_err(read)?;
    let mut walk = Walk { rest: &metadata };
    let walked = walk.fields(0).map_err(|reason| format!("its metadata {reason}"));
    file.seek(SeekFrom::Start(0)).map_err(read)?;
    walked
}

/// A walk over values of Thrift's compact protocol.
struct Walk<'a> {
    rest: &'a [u8],
}

impl Walk<'_> {
    fn byte(&mut self) -> Result<u8, String> {
        let (&first, rest) = self.rest.split_first().ok_or("is cut off")?;
        self.rest = rest;
        Ok(first)
    }

    fn skip(&mut self, bytes: u64) -> Result<(), String> {
        let bytes = usize::try_from(bytes).ok().filter(|&bytes| bytes <= self.rest.len()).ok_or("is cut off")?;
        self.rest = &self.rest[bytes..];
        Ok(())
    }

    /// An unsigned number, seven bits to a byte, the lowest first.
    fn number(&mut self) -> Result<u64, String> {
        let mut number = 0;
        for place in 0..10 {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << (7 * place).min(63);
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err("has a number of more than ten bytes".to_owned())
    }

    /// The fields of a struct, to its end.
    fn fields(&mut self, depth: u32) -> Result<(), String> {
        if depth > DEEPEST {
            return Err(format!("is nested deeper than {DEEPEST} levels"));
        }
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Ok(());
            }
            if head >> 4 == 0 {
                self.number()?;
            }
            match head & 0x0f {
                // The field's head is its value.
                1 | 2 => {}
                kind => self.value(kind, depth)?,
            }
        }
    }

    fn value(&mut self, kind: u8, depth: u32) -> Result<(), String> {
        match kind {
            3 => self.skip(1),
            4..=6 => self.number().map(drop),
            7 => self.skip(8),
            8 => {
                let bytes = self.number()?;
                self.skip(bytes)
            }
            9 | 10 => self.list(depth),
            12 => self.fields(depth + 1),
            13 => self.skip(16),
            _ => Err(format!("has a value of the type {kind}, which Parquet's has not")),
        }
    }

    fn list(&mut self, depth: u32) -> Result<(), String> {
        let head = self.byte()?;
        let elements = if head >> 4 == 15 { self.number()? } else { u64::from(head >> 4) };
        if elements > self.rest.len() as u64 {
            return Err(format!(
                "has a list of {elements} elements in {}",
                counted(self.rest.len() as u64, "byte", "bytes")
            ));
        }
        // Readers differ in whether a boolean takes a byte here, so that they could read different things.
        (0..elements).try_for_each(|_| self.value(head & 0x0f, depth + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(metadata: &[u8]) -> Result<(), String> {
        let mut file = tempfile::tempfile().unwrap();
        let length = u32::try_from(metadata.len()).unwrap().to_le_bytes();
        std::io::Write::write_all(&mut file, &[metadata, &length, MAGIC].concat()).unwrap();
        check_parquet_footer(&file)
    }

    #[test]
    fn metadata_with_numbers_texts_lists_and_structs_is_walked_to_its_end() {
        // 1: i32, 2: list of two structs with a text each, 3: true.
        let metadata = [0x15, 0x02, 0x19, 0x2c, 0x18, 1, b'a', 0, 0x18, 1, b'b', 0, 0x11, 0];
        assert_eq!(checked(&metadata), Ok(()));
        assert_eq!(checked(&metadata[..2]), Err("its metadata is cut off".to_owned()));
        for cut in 0..metadata.len() {
            assert!(checked(&metadata[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn lists_longer_than_the_metadata_are_refused() {
        // Two thousand million booleans, and as many structs.
        for kind in [0x01, 0x0c] {
            let error = checked(&[0x19, 0xf0 | kind, 0xff, 0xff, 0xff, 0xff, 0x07, 0, 0]).unwrap_err();
            assert_eq!(error, "its metadata has a list of 2147483647 elements in 2 bytes");
        }
        let error = checked(&[0x19, 0x21, 1, 1, 0]).unwrap_err();
        assert_eq!(error, "its metadata has a value of the type 1, which Parquet's has not");
    }

    #[test]
    fn deep_nesting_and_endless_numbers_are_refused() {
        assert_eq!(checked(&[0x1c; 200]).unwrap_err(), "its metadata is nested deeper than 32 levels");
        let numbers = [&[0x16][..], &[0xff; 11], &[0]].concat();
        assert_eq!(checked(&numbers).unwrap_err(), "its metadata has a number of more than ten bytes");
    }

    #[test]
    fn what_is_no_parquet_file_is_left_to_the_decoder() {
        let mut file = tempfile::tempfile().unwrap();
        assert_eq!(check_parquet_footer(&file), Ok(()));
        std::io::Write::write_all(&mut file, b"text, label\ngood,1\n").unwrap();
        assert_eq!(check_parquet_footer(&file), Ok(()));
    }
}
