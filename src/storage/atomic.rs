//! Files that are written completely or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::storage::leftovers;

/// Writes a file through a temporary one in the same folder: write, fsync, rename, fsync the folder. A file with that name
/// is replaced. What killed processes left in that folder is removed.
///
/// # Errors
/// Any error of the file system or of `write`. The old file is then unchanged.
pub fn write_atomic(path: &Path, write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>) -> io::Result<()> {
    let temporary = write_temporary(path, write)?;
    temporary.persist(path).map_err(|error| error.error)?;
    sync_folder(folder_of(path))
}

/// [`write_atomic`] of a new file.
///
/// # Errors
/// As [`write_atomic`], and [`io::ErrorKind::AlreadyExists`] if something has that name by the time all is written. It is
/// never replaced.
pub fn write_new(path: &Path, write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>) -> io::Result<()> {
    let temporary = write_temporary(path, write)?;
    temporary.persist_noclobber(path).map_err(|error| error.error)?;
    sync_folder(folder_of(path))
}

fn write_temporary(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> io::Result<NamedTempFile> {
    let folder = folder_of(path);
    std::fs::create_dir_all(folder)?;
    // Whoever was killed while writing this file, or another one here.
    leftovers::remove_leftovers(folder);
    let temporary = temporary_file(folder, path)?;
    let mut writer = BufWriter::new(temporary.as_file());
    write(&mut writer)?;
    writer.flush()?;
    drop(writer);
    temporary.as_file().sync_all()?;
    Ok(temporary)
}

/// The folder of a file.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A new file with the permissions of the file it replaces, or else of any new file here. Temporary files are private
/// to their owner, and an export should not be.
#[cfg(unix)]
fn temporary_file(folder: &Path, replaces: &Path) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;

    let permissions = std::fs::Permissions::from_mode(0o666);
    let temporary = leftovers::named().permissions(permissions).tempfile_in(folder)?;
    leftovers::hold(temporary.as_file());
    if let Ok(old) = std::fs::metadata(replaces) {
        temporary.as_file().set_permissions(old.permissions())?;
    }
    Ok(temporary)
}

#[cfg(not(unix))]
fn temporary_file(folder: &Path, _replaces: &Path) -> io::Result<NamedTempFile> {
    let temporary = leftovers::named().tempfile_in(folder)?;
    leftovers::hold(temporary.as_file());
    Ok(temporary)
}

/// Makes a rename in `folder` survive a power cut. Windows cannot open folders and needs no such call.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_keeps_the_permissions_of_the_one_it_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
        let write = |name: &str| write_atomic(&folder.path().join(name), |file| file.write_all(b"x")).unwrap();
        std::fs::write(folder.path().join("plain"), "x").unwrap();
        write("ours");
        assert_eq!(mode("ours"), mode("plain"));
        let private = std::fs::Permissions::from_mode(0o640);
        std::fs::set_permissions(folder.path().join("ours"), private).unwrap();
        write("ours");
        assert_eq!(mode("ours"), 0o640);
    }

    #[test]
    fn a_file_of_a_killed_process_is_removed_when_the_next_file_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(".hone-abc123.new");
        std::fs::write(&left, "half").unwrap();
        leftovers::make_old(&left);
        write_atomic(&folder.path().join("status.ron"), |file| file.write_all(b"x")).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(!left.exists());
    }

    #[test]
    fn a_new_file_replaces_nothing_that_appeared_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        let written = write_new(&path, |file| {
            std::fs::write(&path, "precious")?;
            file.write_all(b"ours")
        });
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        assert!(write_new(&link, |file| file.write_all(b"ours")).is_err(), "a broken link is something too");
        assert!(link.is_symlink());
    }
}
