//! The files below a folder.

use std::path::{Path, PathBuf};

use crate::storage::StorageError;

/// The files below `folder` and `levels` of folders in it, each with its path after `place/`, with `/`, in order of their names. Files
/// and folders whose name `is_listed` refuses are left out.
///
/// # Errors
/// [`StorageError::NotUtf8`], and errors of the file system.
pub fn files_below(
    folder: &Path,
    place: &str,
    levels: usize,
    is_listed: fn(&str) -> bool,
) -> Result<Vec<(String, PathBuf)>, StorageError> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(StorageError::io("read", folder))? {
        paths.push(entry.map_err(StorageError::io("read", folder))?.path());
    }
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let own = path.file_name().and_then(|name| name.to_str());
        let own = own.ok_or_else(|| StorageError::NotUtf8(path.clone()))?;
        if !is_listed(own) {
            continue;
        }
        let below = format!("{place}/{own}");
        if !path.is_dir() {
            files.push((below, path));
        } else if levels > 0 {
            files.extend(files_below(&path, &below, levels - 1, is_listed)?);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_listed_in_order_down_to_a_level() {
        let place = tempfile::tempdir().unwrap();
        for name in ["b.txt", "a/c.txt", "a/deep/d.txt", ".hidden", ".git/e.txt"] {
            let path = place.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let listed = |levels, is_listed| -> Vec<String> {
            let files = files_below(place.path(), "best", levels, is_listed).unwrap();
            assert!(files.iter().all(|(_, path)| path.is_file()), "{files:?}");
            files.into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(listed(1, |name| !name.starts_with('.')), ["best/a/c.txt", "best/b.txt"]);
        let all = ["best/.git/e.txt", "best/.hidden", "best/a/c.txt", "best/a/deep/d.txt", "best/b.txt"];
        assert_eq!(listed(2, |_| true), all);
        let message = files_below(&place.path().join("gone"), "best", 1, |_| true).unwrap_err().to_string();
        assert!(message.contains("there is no such file or folder"), "{message}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_that_is_not_text_is_refused() {
        use std::os::unix::ffi::OsStrExt;
        let place = tempfile::tempdir().unwrap();
        let name = std::ffi::OsStr::from_bytes(b"\xff.txt");
        std::fs::write(place.path().join(name), "").unwrap();
        assert!(matches!(files_below(place.path(), "x", 0, |_| true), Err(StorageError::NotUtf8(_))));
    }
}
