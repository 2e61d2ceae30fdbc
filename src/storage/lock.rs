//! Locks between processes. The operating system releases a lock when its holder ends, even by a crash.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// A lock, held until it is dropped. The operating system releases it if the process dies.
#[derive(Debug)]
pub struct FileLock {
    /// Dropping it releases the lock.
    _file: File,
}

impl FileLock {
    /// Takes the lock; `None` if another process, or another holder in this one, has it. Never waits.
    ///
    /// # Errors
    /// Any error of the file system; [`io::ErrorKind::Unsupported`] if it has no locks.
    pub fn try_take(path: &Path) -> io::Result<Option<Self>> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether the lock is held. Checking blocks others only for a moment, and never blocks another check.
    pub(super) fn is_held(path: &Path) -> bool {
        File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_keeps_a_second_holder_out_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/model.lock");
        assert!(!FileLock::is_held(&path), "no file, no lock");
        let held = FileLock::try_take(&path).unwrap();
        assert!(held.is_some());
        assert!(FileLock::try_take(&path).unwrap().is_none() && FileLock::is_held(&path));
        drop(held);
        assert!(!FileLock::is_held(&path));
        assert!(FileLock::try_take(&path).unwrap().is_some());
    }

    #[test]
    fn a_lock_file_that_cannot_be_created_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(FileLock::try_take(&file.join("lock")).is_err());
    }
}
