//! Temporary files and folders: how they are named, and how those of a process that was killed are removed.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

/// How the name of a temporary file or folder begins and ends.
const BEGIN: &str = ".hone-";
const END: &str = ".new";
/// Something younger may be about to be locked.
const YOUNG: Duration = Duration::from_millis(100);

/// Makes temporary files and folders that [`remove_leftovers`] recognises.
pub(super) fn named() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(BEGIN).suffix(END);
    builder
}

/// Marks a temporary file as being written, until it is closed or the process ends. On a file system without locks, it has no
/// mark, and is never removed by others.
pub(super) fn hold(file: &File) {
    let _ = file.try_lock();
}

/// A new temporary folder beside an output, removed when dropped.
pub(super) struct TemporaryFolder {
    folder: tempfile::TempDir,
    /// Tells other processes that the folder is in use.
    _held: Option<File>,
}

impl TemporaryFolder {
    /// Creates a folder in `parent`, with the permissions of any new folder there.
    pub fn create(parent: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(parent)?;
        let mut builder = named();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
        let folder = builder.tempdir_in(parent)?;
        // Windows cannot open folders: a leftover of a killed process stays there.
        let held = File::open(folder.path()).ok();
        held.iter().for_each(hold);
        Ok(Self { folder, _held: held })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder was moved, and no longer has to be removed.
    pub fn was_moved(self) {
        let _ = self.folder.keep();
    }
}

/// Removes the temporary files and folders that killed processes left in `folder`. What cannot be removed stays.
pub fn remove_leftovers(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten().filter(|entry| is_leftover(&entry.file_name())) {
        let path = entry.path();
        let Ok(file) = File::open(&path) else { continue };
        // The operating system releases the lock of a process that was killed.
        if file.try_lock().is_ok() && is_old(&path) {
            let _ = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        }
    }
}

/// Whether a file or folder was changed so long ago that whoever made it would have locked it by now.
pub(super) fn is_old(path: &Path) -> bool {
    let changed = std::fs::symlink_metadata(path).and_then(|found| found.modified());
    changed.ok().and_then(|time| time.elapsed().ok()).is_some_and(|age| age >= YOUNG)
}

/// Sets the time of a file or folder back, as if it had been left a minute ago.
#[cfg(all(unix, test))]
pub(super) fn make_old(path: &Path) {
    let then = std::time::SystemTime::now() - Duration::from_mins(1);
    File::open(path).and_then(|file| file.set_modified(then)).expect("the time can be set");
}

/// Whether it is the name of a temporary file or folder.
pub(super) fn is_leftover(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.strip_prefix(BEGIN).is_some_and(|rest| rest.ends_with(END))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_is_in_use_stays() {
        let place = tempfile::tempdir().unwrap();
        let names = || {
            let mut names: Vec<String> = std::fs::read_dir(place.path())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        std::fs::write(place.path().join(".hone-abc123.new"), "half").unwrap();
        std::fs::create_dir_all(place.path().join(".hone-def456.new/inside")).unwrap();
        std::fs::write(place.path().join(".hone.new"), "a person's").unwrap();
        remove_leftovers(place.path());
        assert_eq!(names().len(), 3, "they are too young");
        let folder = TemporaryFolder::create(place.path()).unwrap();
        let in_use = folder.path().file_name().unwrap().to_str().unwrap().to_owned();
        for name in names() {
            make_old(&place.path().join(name));
        }
        remove_leftovers(place.path());
        assert_eq!(names(), [in_use, ".hone.new".to_owned()]);
        drop(folder);
        assert_eq!(names(), [".hone.new"]);
    }
}
