//! Files that are downloaded in several tries, and helpers for folders and links.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::storage::write_atomic;

/// The ending of a file that is not complete.
pub const PART: &str = "part";

/// An unfinished file. It keeps the ending `.part` until it is complete, so that a crash leaves nothing that looks
/// finished and the next try can continue.
#[derive(Debug)]
pub struct PartialFile {
    path: PathBuf,
    file: File,
    length: u64,
}

impl PartialFile {
    /// Opens `<target>.part` to continue at its end, or creates it.
    ///
    /// # Errors
    /// Any error of the file system.
    pub fn open(target: &Path) -> io::Result<Self> {
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut name = target.as_os_str().to_owned();
        name.push(".");
        name.push(PART);
        let path = PathBuf::from(name);
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let length = file.metadata()?.len();
        Ok(Self { path, file, length })
    }

    /// Where the bytes are until the file is complete.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes written so far, in this try and earlier ones.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Adds bytes at the end.
    ///
    /// # Errors
    /// Any error of the file system, a full disk among them.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Discards what was written.
    ///
    /// # Errors
    /// Any error of the file system.
    pub fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.length = 0;
        Ok(())
    }

    /// The file is complete: syncs it and renames it to its final name.
    ///
    /// # Errors
    /// Any error of the file system. The `.part` file is then kept.
    pub fn finish(self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        drop(self.file);
        std::fs::rename(&self.path, target)
    }

    /// Removes the file.
    ///
    /// # Errors
    /// Any error of the file system.
    pub fn discard(self) -> io::Result<()> {
        drop(self.file);
        std::fs::remove_file(&self.path)
    }
}

/// Removes a folder and everything in it, if it exists.
///
/// # Errors
/// Any error of the file system.
pub fn remove_folder(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes a file, if it exists.
///
/// # Errors
/// Any error of the file system.
pub fn remove_file(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes `link` a symbolic link to `target`, relative to its own folder, or a copy if the system allows no links
/// (Windows without developer mode). An existing `link` is replaced.
///
/// # Errors
/// Any error of the file system.
pub fn link_or_copy(target: &Path, relative: &Path, link: &Path) -> io::Result<()> {
    if let Some(folder) = link.parent() {
        std::fs::create_dir_all(folder)?;
    }
    remove_file(link)?;
    if symlink(relative, link).is_ok() {
        return Ok(());
    }
    // A copy has a name only when it is whole.
    let mut file = File::open(target)?;
    write_atomic(link, |writer| io::copy(&mut file, writer).map(drop))
}

#[cfg(unix)]
fn symlink(relative: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(relative, link)
}

#[cfg(windows)]
fn symlink(relative: &Path, link: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(relative, link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_file_continues_where_it_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("weights");
        let mut first = PartialFile::open(&target).unwrap();
        first.append(b"ab").unwrap();
        drop(first);
        assert!(!target.exists());
        let mut second = PartialFile::open(&target).unwrap();
        assert_eq!(second.length(), 2);
        second.append(b"cd").unwrap();
        second.finish(&target).unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"abcd");
        assert!(!folder.path().join("weights.part").exists());
    }

    #[test]
    fn a_partial_file_can_be_restarted_and_discarded() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = PartialFile::open(&folder.path().join("weights")).unwrap();
        file.append(b"wrong").unwrap();
        file.restart().unwrap();
        file.append(b"right").unwrap();
        assert_eq!(std::fs::read(file.path()).unwrap(), b"right");
        file.discard().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_link_reads_as_its_target() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("blobs/1");
        std::fs::create_dir(folder.path().join("blobs")).unwrap();
        std::fs::write(&target, "x").unwrap();
        let link = folder.path().join("snapshots/a/file");
        link_or_copy(&target, Path::new("../../blobs/1"), &link).unwrap();
        assert_eq!(std::fs::read_to_string(link).unwrap(), "x");
    }
}
