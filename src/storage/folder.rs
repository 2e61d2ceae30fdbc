//! Folders that are written completely or not at all.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::storage::atomic::sync_folder;
use crate::storage::{StorageError, remove_folder};

/// Replaces the folder at `folder`, if there is one: `write` fills a new folder beside it, which then takes its place.
/// If `write` fails or the process crashes, the old folder is still complete (see [`recover_folder`]).
///
/// # Errors
/// The error of `write`, or errors of the file system.
pub fn replace_folder<E: From<StorageError>>(
    folder: &Path,
    write: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let unfinished = beside(folder, "new");
    put_back(folder)?;
    remove(&unfinished)?;
    std::fs::create_dir_all(&unfinished).map_err(StorageError::io("create", &unfinished))?;
    if let Err(error) = write(&unfinished) {
        // The first error is the one to report. The next attempt removes a folder left behind.
        let _ = remove(&unfinished);
        return Err(error);
    }
    swap(&unfinished, folder).inspect_err(|_| drop(remove(&unfinished)))?;
    Ok(())
}

fn swap(unfinished: &Path, folder: &Path) -> Result<(), StorageError> {
    let replaced = beside(folder, "old");
    remove(&replaced)?;
    let rename = |from: &Path, to: &Path| std::fs::rename(from, to).map_err(StorageError::io("write", to));
    if folder.exists() {
        rename(folder, &replaced)?;
    }
    if let Err(error) = rename(unfinished, folder) {
        // The first error is the one to report. If this fails too, the folder is put back later.
        let _ = put_back(folder);
        return Err(error);
    }
    let parent = folder.parent().unwrap_or(Path::new("."));
    sync_folder(parent).map_err(StorageError::io("write", parent))?;
    // The new folder is in place. What cannot be removed now is removed before the next one, or when the old is recovered.
    let _ = remove(&replaced);
    Ok(())
}

/// Puts back the folder that [`replace_folder`] moved aside if the process was killed before the new one was in place, and
/// removes what it left unfinished. Nobody may be writing the folder meanwhile.
///
/// # Errors
/// Errors of the file system.
pub fn recover_folder(folder: &Path) -> Result<(), StorageError> {
    put_back(folder)?;
    remove(&beside(folder, "old"))?;
    remove(&beside(folder, "new"))
}

/// The part of [`recover_folder`] that removes nothing.
pub(super) fn put_back(folder: &Path) -> Result<(), StorageError> {
    let replaced = beside(folder, "old");
    if !folder.exists() && replaced.exists() {
        std::fs::rename(&replaced, folder).map_err(StorageError::io("write", folder))?;
    }
    Ok(())
}

/// Whether [`recover_folder`] has something to do.
#[must_use]
pub fn needs_recovery(folder: &Path) -> bool {
    ["old", "new"].iter().any(|suffix| beside(folder, suffix).exists())
}

/// `.<name>.<suffix>` in the same folder, so that a rename stays on one disk.
fn beside(folder: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(folder.file_name().unwrap_or_default());
    name.push(".");
    name.push(suffix);
    folder.with_file_name(name)
}

fn remove(folder: &Path) -> Result<(), StorageError> {
    remove_folder(folder).map_err(StorageError::io("remove", folder))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn text(folder: &Path) -> String {
        std::fs::read_to_string(folder.join("file")).unwrap()
    }

    fn put(folder: &Path, content: &str) -> Result<(), StorageError> {
        replace_folder(folder, |unfinished| {
            std::fs::write(unfinished.join("file"), content).map_err(StorageError::io("write", unfinished))
        })
    }

    fn entries(folder: &Path) -> usize {
        std::fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_folder_is_replaced_completely_or_not_at_all() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("best");
        put(&folder, "one").unwrap();
        put(&folder, "two").unwrap();
        assert_eq!(text(&folder), "two");
        let failed = replace_folder(&folder, |unfinished| {
            std::fs::write(unfinished.join("file"), "half").unwrap();
            Err(StorageError::io("write", unfinished)(io::ErrorKind::StorageFull.into()))
        });
        assert!(failed.unwrap_err().to_string().contains("the disk is full"));
        assert_eq!((text(&folder), entries(place.path())), ("two".to_owned(), 1));
    }

    #[test]
    fn a_crash_between_the_two_renames_is_repaired() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("best");
        put(&folder, "one").unwrap();
        std::fs::rename(&folder, beside(&folder, "old")).unwrap();
        recover_folder(&folder).unwrap();
        assert_eq!((text(&folder), entries(place.path())), ("one".to_owned(), 1));
        recover_folder(&folder).unwrap();
    }

    #[test]
    fn a_new_try_does_not_remove_the_only_copy() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("best");
        put(&folder, "one").unwrap();
        std::fs::rename(&folder, beside(&folder, "old")).unwrap();
        let failed =
            replace_folder(&folder, |new| Err(StorageError::io("write", new)(io::ErrorKind::StorageFull.into())));
        assert!(failed.is_err());
        assert_eq!((text(&folder), entries(place.path())), ("one".to_owned(), 1));
        // The old folder comes back if the new one cannot take its place.
        let failed = replace_folder(&folder, |new| {
            std::fs::remove_dir(new).unwrap();
            Ok::<_, StorageError>(())
        });
        assert!(failed.is_err());
        assert_eq!((text(&folder), entries(place.path())), ("one".to_owned(), 1));
    }

    #[test]
    fn what_a_kill_left_beside_a_whole_folder_is_removed() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("best");
        put(&folder, "one").unwrap();
        for suffix in ["new", "old"] {
            std::fs::create_dir(beside(&folder, suffix)).unwrap();
            std::fs::write(beside(&folder, suffix).join("file"), "other").unwrap();
        }
        assert!(needs_recovery(&folder));
        recover_folder(&folder).unwrap();
        assert_eq!((text(&folder), entries(place.path())), ("one".to_owned(), 1));
        assert!(!needs_recovery(&folder));
    }
}
