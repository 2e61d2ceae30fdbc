//! Keeps numbers on disk that do not fit into memory.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::storage::StorageError;

/// Bytes written or read at once.
const BLOCK: usize = 1 << 14;

/// A file that is removed when this is dropped, on Unix even after a crash.
#[derive(Debug)]
pub struct ScratchFile {
    file: File,
    folder: PathBuf,
    length: u64,
}

impl ScratchFile {
    /// Creates an empty file on the disk of `folder`, which is created if it is missing.
    ///
    /// # Errors
    /// [`StorageError::Io`] if the file cannot be created.
    pub fn create(folder: &Path) -> Result<Self, StorageError> {
        let made = std::fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder));
        let file = made.map_err(StorageError::io("create a scratch file in", folder))?;
        Ok(Self { file, folder: folder.to_owned(), length: 0 })
    }

    /// Adds numbers at the end. Returns the place to read them from.
    ///
    /// # Errors
    /// [`StorageError::Io`] if the disk is full or fails. Nothing is added then.
    pub fn append(&mut self, values: &[f32]) -> Result<u64, StorageError> {
        let place = self.length;
        self.write(place, values).map_err(StorageError::io("write a scratch file in", &self.folder))?;
        self.length += 4 * values.len() as u64;
        Ok(place)
    }

    /// Fills `values` with the numbers at `place`.
    ///
    /// # Errors
    /// [`StorageError::Io`] if there are fewer, or the disk fails.
    pub fn read(&mut self, place: u64, values: &mut [f32]) -> Result<(), StorageError> {
        self.read_at(place, values).map_err(StorageError::io("read a scratch file in", &self.folder))
    }

    fn write(&mut self, place: u64, values: &[f32]) -> std::io::Result<()> {
        self.file.seek(SeekFrom::Start(place))?;
        for values in values.chunks(BLOCK / 4) {
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            self.file.write_all(&bytes)?;
        }
        Ok(())
    }

    fn read_at(&mut self, place: u64, values: &mut [f32]) -> std::io::Result<()> {
        self.file.seek(SeekFrom::Start(place))?;
        let mut bytes = vec![0; BLOCK];
        for values in values.chunks_mut(BLOCK / 4) {
            let bytes = &mut bytes[..4 * values.len()];
            self.file.read_exact(bytes)?;
            for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
                *value = f32::from_le_bytes(*bytes);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut scratch = ScratchFile::create(&folder.path().join("new")).unwrap();
        let many: Vec<f32> = (0..40_000_u16).map(f32::from).collect();
        let places = [scratch.append(&[1.5, -2.5]).unwrap(), scratch.append(&many).unwrap()];
        let mut back = vec![0.0; many.len()];
        scratch.read(places[1], &mut back).unwrap();
        assert_eq!(back, many);
        scratch.read(places[0], &mut back[..2]).unwrap();
        assert_eq!(back[..2], [1.5, -2.5]);
        assert!(scratch.read(places[1], &mut vec![0.0; 40_001]).unwrap_err().to_string().contains("scratch file"));
        #[cfg(unix)]
        assert_eq!(std::fs::read_dir(folder.path().join("new")).unwrap().count(), 0, "it has no name");
    }

    #[test]
    fn a_folder_that_cannot_be_created_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = ScratchFile::create(&file.join("below")).unwrap_err().to_string();
        assert!(error.contains("scratch file") && error.contains("below"), "{error}");
    }
}
