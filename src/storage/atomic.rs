//! Files that are written completely or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Writes a file through a temporary one in the same folder: write, fsync, rename, fsync the folder.
///
/// # Errors
/// Any error of the file system or of `write`. The old file is then unchanged.
pub fn write_atomic(path: &Path, write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let temporary = temporary_file(folder, path)?;
    let mut writer = BufWriter::new(temporary.as_file());
    write(&mut writer)?;
    writer.flush()?;
    drop(writer);
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// A new file with the permissions of the file it replaces, or else of any new file here. Temporary files are private
/// to their owner, and an export should not be.
#[cfg(unix)]
fn temporary_file(folder: &Path, replaces: &Path) -> io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;

    let temporary = tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o666)).tempfile_in(folder)?;
    if let Ok(old) = std::fs::metadata(replaces) {
        temporary.as_file().set_permissions(old.permissions())?;
    }
    Ok(temporary)
}

#[cfg(not(unix))]
fn temporary_file(folder: &Path, _replaces: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::NamedTempFile::new_in(folder)
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

#[cfg(all(test, unix))]
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
}
