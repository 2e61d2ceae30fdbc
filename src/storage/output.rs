//! Files and folders that a person asked for: nothing of theirs is ever replaced unasked.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use crate::storage::atomic::{folder_of, sync_folder};
use crate::storage::leftovers::TemporaryFolder;
use crate::storage::{RunFolder, StorageError, remove_leftovers};

/// Checks that a file can be written without harm, and removes what a killed process left beside it.
///
/// # Errors
/// [`StorageError::InsideRun`]; [`StorageError::NotReplaced`] if something has that name that is not a plain file, or any file
/// unless `may_replace`.
pub fn check_output(path: &Path, may_replace: bool) -> Result<(), StorageError> {
    remove_leftovers(folder_of(path));
    if let Some(run) = RunFolder::around(path) {
        return Err(StorageError::InsideRun { path: path.to_owned(), run: run.id() });
    }
    let Ok(found) = path.symlink_metadata() else { return Ok(()) };
    if found.is_file() && may_replace {
        return Ok(());
    }
    Err(StorageError::NotReplaced { path: path.to_owned(), what: kind(&found) })
}

/// Checks that a new folder can be written without harm: that nothing is there, or an empty folder.
///
/// # Errors
/// [`StorageError::InsideRun`], [`StorageError::NotEmpty`], [`StorageError::OutputExists`]; errors of the file system.
pub fn check_new_folder(folder: &Path) -> Result<(), StorageError> {
    if let Some(run) = RunFolder::around(folder) {
        return Err(StorageError::InsideRun { path: folder.to_owned(), run: run.id() });
    }
    match std::fs::read_dir(folder).map(|mut inside| inside.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(StorageError::NotEmpty(folder.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            Err(StorageError::OutputExists(folder.to_owned()))
        }
        Err(error) => Err(StorageError::io("read", folder)(error)),
    }
}

/// A path in `folder` that nothing has yet: `name` with `extension`, which begins with a dot or is empty, numbered if that exists.
#[must_use]
pub fn free_path(folder: &Path, name: &str, extension: &str) -> PathBuf {
    let first = folder.join(format!("{name}{extension}"));
    let numbered = (2..1000).map(|number| folder.join(format!("{name}-{number}{extension}")));
    std::iter::once(first.clone()).chain(numbered).find(|path| !path.exists()).unwrap_or(first)
}

/// What something is, with its article.
fn kind(found: &Metadata) -> &'static str {
    if found.is_symlink() {
        "a link"
    } else if found.is_dir() {
        "a folder"
    } else if found.is_file() {
        "an existing file"
    } else {
        "a pipe or a device"
    }
}

/// Writes a new folder: `write` fills a temporary one beside it, which then gets its name. An empty folder may have that name
/// already.
///
/// # Errors
/// The error of `write`, or errors of the file system: if something appeared at `folder` meanwhile, it stays, and nothing of
/// ours is left.
pub fn create_folder<E: From<StorageError>>(
    folder: &Path,
    write: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let parent = folder_of(folder);
    let unfinished = TemporaryFolder::create(parent).map_err(StorageError::io("create a folder in", parent))?;
    write(unfinished.path())?;
    // On Unix, renaming to an empty folder replaces it, and to another one fails.
    if cfg!(windows) {
        remove_empty_folder(folder).map_err(StorageError::io("write", folder))?;
    }
    std::fs::rename(unfinished.path(), folder).map_err(StorageError::io("write", folder))?;
    unfinished.was_moved();
    sync_folder(parent).map_err(StorageError::io("write", parent))?;
    Ok(())
}

/// Writes a new file: `write` fills a file called `name` in a temporary folder beside it, where it may put other files too.
/// The file then gets its final name.
///
/// # Errors
/// As [`create_folder`].
pub fn create_file<T, E: From<StorageError>>(
    path: &Path,
    name: &str,
    write: impl FnOnce(&Path) -> Result<T, E>,
) -> Result<T, E> {
    let folder = folder_of(path);
    let scratch = TemporaryFolder::create(folder).map_err(StorageError::io("create a folder in", folder))?;
    let file = scratch.path().join(name);
    let written = write(&file)?;
    let persisted = tempfile::TempPath::try_from_path(file).and_then(|file| Ok(file.persist_noclobber(path)?));
    persisted.and_then(|()| sync_folder(folder)).map_err(StorageError::io("write", path))?;
    Ok(written)
}

/// Removes a folder if there is one, and it is empty.
fn remove_empty_folder(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn entries(folder: &Path) -> usize {
        std::fs::read_dir(folder).unwrap().count()
    }

    fn write(path: &Path) -> Result<(), StorageError> {
        std::fs::write(path, "ours").map_err(StorageError::io("write", path))
    }

    #[test]
    fn a_folder_that_appeared_meanwhile_stays() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("out");
        let result = create_folder(&folder, |unfinished| {
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join("mine"), "precious").unwrap();
            write(&unfinished.join("file"))
        });
        assert!(result.unwrap_err().to_string().contains("Could not write"));
        assert_eq!(std::fs::read(folder.join("mine")).unwrap(), b"precious");
        assert_eq!((entries(place.path()), entries(&folder)), (1, 1));
        std::fs::remove_file(folder.join("mine")).unwrap();
        create_folder(&folder, |unfinished| write(&unfinished.join("file"))).unwrap();
        assert_eq!((entries(place.path()), entries(&folder)), (1, 1));
    }

    #[test]
    fn a_file_gets_its_name_only_when_all_is_done() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("out.csv");
        let failed = create_file(&path, "inner", |file| {
            write(file)?;
            assert!(!path.exists());
            Err::<(), _>(StorageError::NoHome)
        });
        assert!(failed.is_err() && entries(place.path()) == 0);
        create_file(&path, "inner", |file| write(file).and_then(|()| write(&file.with_file_name("other")))).unwrap();
        assert_eq!((std::fs::read(&path).unwrap(), entries(place.path())), (b"ours".to_vec(), 1));
        std::fs::write(&path, "precious").unwrap();
        assert!(create_file(&path, "inner", write).is_err());
        assert_eq!((std::fs::read(&path).unwrap(), entries(place.path())), (b"precious".to_vec(), 1));
    }

    #[test]
    fn only_plain_files_outside_of_runs_are_replaced() {
        let place = tempfile::tempdir().unwrap();
        let [file, link, pipe] = ["file", "link", "pipe"].map(|name| place.path().join(name));
        std::fs::write(&file, "x").unwrap();
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let said = |path: &Path, may_replace| check_output(path, may_replace).unwrap_err().to_string();
        assert!(said(&file, false).contains("an existing file"));
        check_output(&file, true).unwrap();
        check_output(&place.path().join("new"), false).unwrap();
        assert!(said(&link, true).contains("a link") && said(&pipe, true).contains("a pipe or a device"));
        assert!(said(Path::new("/dev/null"), true).contains("a pipe or a device"));
        let run = RunFolder::create(place.path()).unwrap().0;
        run.write_status(&crate::storage::RunStatus::Running).unwrap();
        std::fs::create_dir(run.best()).unwrap();
        for inside in
            [run.path().join("status.ron"), run.best().join("model.safetensors"), run.path().join("new/out.csv")]
        {
            assert!(said(&inside, true).contains(&run.id()), "{inside:?}");
        }
    }
}
