//! Locks between processes. The operating system releases a lock when its holder ends, even by a crash.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

/// How often a lock is tried again while nobody has it alone: a check may be in the way for a moment.
const TRIES: u32 = 10;
/// Time between two tries.
const PAUSE: Duration = Duration::from_millis(1);

/// A lock, held until it is dropped. The operating system releases it if the process dies.
#[derive(Debug)]
pub struct FileLock {
    /// Dropping it releases the lock.
    _file: File,
}

impl FileLock {
    /// Takes the lock; `None` if another process, or another holder in this one, has it. Waits for no holder, and for those who
    /// only check or share it a few milliseconds.
    ///
    /// # Errors
    /// Any error of the file system; [`io::ErrorKind::Unsupported`] if it has no locks.
    pub fn try_take(path: &Path) -> io::Result<Option<Self>> {
        for _ in 0..TRIES {
            if let Some(lock) = Self::try_with(path, File::try_lock)? {
                return Ok(Some(lock));
            }
            if Self::is_held(path) {
                return Ok(None);
            }
            std::thread::sleep(PAUSE);
        }
        Ok(None)
    }

    /// Takes the lock together with others who share it; `None` while somebody has it alone. It keeps [`Self::try_take`] out.
    ///
    /// # Errors
    /// As [`Self::try_take`].
    pub fn try_share(path: &Path) -> io::Result<Option<Self>> {
        Self::try_with(path, File::try_lock_shared)
    }

    fn try_with(path: &Path, lock: fn(&File) -> Result<(), TryLockError>) -> io::Result<Option<Self>> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        match lock(&file) {
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
    fn a_lock_is_taken_although_others_check_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.lock");
        drop(FileLock::try_take(&path).unwrap());
        let is_done = std::sync::atomic::AtomicBool::new(false);
        let is_going = || !is_done.load(std::sync::atomic::Ordering::Relaxed);
        let missed = std::thread::scope(|scope| {
            scope.spawn(|| {
                while is_going() {
                    FileLock::is_held(&path);
                }
            });
            let missed = (0..2_000).filter(|_| FileLock::try_take(&path).unwrap().is_none()).count();
            is_done.store(true, std::sync::atomic::Ordering::Relaxed);
            missed
        });
        assert_eq!(missed, 0);
    }

    #[test]
    fn a_shared_lock_keeps_out_only_who_wants_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.lock");
        let shared = [FileLock::try_share(&path).unwrap(), FileLock::try_share(&path).unwrap()];
        assert!(shared.iter().all(Option::is_some) && FileLock::try_take(&path).unwrap().is_none());
        drop(shared);
        let _alone = FileLock::try_take(&path).unwrap().unwrap();
        assert!(FileLock::try_share(&path).unwrap().is_none());
    }

    #[test]
    fn a_lock_file_that_cannot_be_created_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(FileLock::try_take(&file.join("lock")).is_err());
    }
}
