//! One window a project: a lock file that the system frees when the process ends, however it ends.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

/// Name of the lock file in a project's folder.
const LOCK_FILE: &str = ".project.lock";

/// Held as long as a project is open for writing.
#[derive(Debug)]
pub struct ProjectLock {
    /// Dropping it frees the lock.
    _file: File,
}

/// What came of trying to lock a project.
#[derive(Debug)]
pub enum LockOutcome {
    /// The project is ours to write.
    Held(ProjectLock),
    /// Another window has it.
    Taken,
    /// The file system has no locks or cannot be written.
    Unavailable(io::Error),
}

impl ProjectLock {
    /// Tries to lock the project of `folder`; never waits.
    #[must_use]
    pub fn try_take(folder: &Path) -> LockOutcome {
        let path = folder.join(LOCK_FILE);
        let file = match File::options().create(true).truncate(false).read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) => return LockOutcome::Unavailable(error),
        };
        match file.try_lock() {
            Ok(()) => LockOutcome::Held(Self { _file: file }),
            Err(TryLockError::WouldBlock) => LockOutcome::Taken,
            Err(TryLockError::Error(error)) => LockOutcome::Unavailable(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_and_the_lock_ends_with_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let LockOutcome::Held(first) = ProjectLock::try_take(folder.path()) else { panic!("should be free") };
        assert!(matches!(ProjectLock::try_take(folder.path()), LockOutcome::Taken));
        drop(first);
        assert!(matches!(ProjectLock::try_take(folder.path()), LockOutcome::Held(_)));
    }

    #[test]
    fn a_place_without_room_for_a_lock_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(matches!(ProjectLock::try_take(&file), LockOutcome::Unavailable(_)));
    }
}
