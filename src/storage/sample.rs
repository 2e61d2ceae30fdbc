//! The sample project, unpacked from the program, so that the source tree stays unchanged.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::storage::{PROJECT_FILE, StorageError, paths, write_atomic};

/// Name of the sample project's folder.
const FOLDER: &str = "customer-reviews";

/// The sample project's files, which are part of the program.
const FILES: [(&str, &[u8]); 3] = [
    ("reviews.csv", include_bytes!("../../projects/customer-reviews/reviews.csv")),
    ("README.md", include_bytes!("../../projects/customer-reviews/README.md")),
    (PROJECT_FILE, include_bytes!("../../projects/customer-reviews/project.ron")),
];

/// Folder of the sample project, unpacked if it doesn't exist. A person's changes to it are kept.
///
/// # Errors
/// Errors of the file system; [`StorageError::NoHome`] without a home folder.
pub fn sample_project() -> Result<PathBuf, StorageError> {
    let folder = paths::data_folder().ok_or(StorageError::NoHome)?.join(FOLDER);
    unpack(&folder)?;
    Ok(folder)
}

/// Whether it is the folder of the sample project.
#[must_use]
pub fn is_sample(folder: &Path) -> bool {
    paths::data_folder().is_some_and(|data| data.join(FOLDER) == folder)
}

fn unpack(folder: &Path) -> Result<(), StorageError> {
    for (name, bytes) in FILES {
        let path = folder.join(name);
        if !path.exists() {
            write_atomic(&path, |file| file.write_all(bytes))
                .map_err(StorageError::io("unpack the sample to", &path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::ProjectFile;

    #[test]
    fn unpacked_once_and_kept_as_a_person_left_it() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("deep").join(FOLDER);
        unpack(&folder).unwrap();
        let mut opened = ProjectFile::open(&folder).unwrap();
        assert_eq!(opened.project.dataset.text_column(), Some("review"));
        assert!(folder.join(opened.project.dataset.main.as_ref().unwrap()).is_file());
        opened.project.name = "Mine".to_owned();
        opened.file.save(&opened.project).unwrap();
        std::fs::remove_file(folder.join("reviews.csv")).unwrap();
        unpack(&folder).unwrap();
        assert_eq!(ProjectFile::read(&folder).unwrap().1.name, "Mine");
        assert!(folder.join("reviews.csv").is_file());
    }

    #[test]
    fn an_unwritable_folder_is_an_error() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(unpack(&file.join(FOLDER)).unwrap_err().to_string().starts_with("Could not unpack the sample to"));
    }
}
