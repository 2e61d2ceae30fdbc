//! Files that arrive in pieces.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::storage::{StorageError, write_atomic};

/// Writes a file of these pieces, in order.
///
/// # Errors
/// Errors of the file system.
pub fn join_pieces(path: &Path, pieces: &[PathBuf]) -> Result<(), StorageError> {
    write_atomic(path, |file| pieces.iter().try_for_each(|piece| io::copy(&mut File::open(piece)?, file).map(drop)))
        .map_err(StorageError::io("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_joined_in_order_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let pieces = ["b", "a"].map(|name| folder.path().join(name));
        for piece in &pieces {
            std::fs::write(piece, piece.file_name().unwrap().as_encoded_bytes()).unwrap();
        }
        let path = folder.path().join("deep/file");
        join_pieces(&path, &pieces).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "ba");
        std::fs::remove_file(&pieces[1]).unwrap();
        assert!(join_pieces(&path, &pieces).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "ba");
    }
}
