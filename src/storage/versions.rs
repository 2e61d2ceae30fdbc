//! Earlier states of a project, kept in its folder for some days.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::project::Project;
use crate::storage::project_text::parse_project;
use crate::storage::remove_file;

/// The folder in the project's folder.
pub(super) const FOLDER: &str = ".versions";

/// Versions kept, if they are neither too old nor too large.
const MOST: usize = 100;
/// Bytes of all versions together.
const MOST_BYTES: u64 = 16 << 20;
/// How long a version is kept.
const OLDEST: Duration = Duration::from_hours(30 * 24);
/// Versions kept however old and large they are.
const LEAST: usize = 5;

/// An earlier state of a project.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// When it was saved, in seconds since 1970.
    pub saved_at: u64,
    /// The project as it was.
    pub project: Project,
}

/// A version's file, and when the project was saved in that state.
struct Stored {
    path: PathBuf,
    millis: u64,
    bytes: u64,
}

/// Path of a version inside the project's folder.
pub(super) fn name_of(saved_at: SystemTime) -> String {
    let since = saved_at.duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{FOLDER}/{}.ron", since.as_millis())
}

/// The versions of the project in `folder`, newest first. Those that cannot be read are skipped.
#[must_use]
pub fn versions(folder: &Path) -> Vec<Version> {
    stored(folder).iter().filter_map(read).collect()
}

/// The newest version, if there is one that can be read.
pub(super) fn newest(folder: &Path) -> Option<Project> {
    stored(folder).first().and_then(read).map(|version| version.project)
}

/// Removes what is too old or too much. What cannot be removed stays.
pub(super) fn thin_out(folder: &Path, now: SystemTime) {
    let oldest = now.checked_sub(OLDEST).and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let mut bytes = 0;
    for (place, version) in stored(folder).into_iter().enumerate() {
        bytes += version.bytes;
        let is_old = u128::from(version.millis) < oldest.as_millis();
        if place >= LEAST && (place >= MOST || is_old || bytes > MOST_BYTES) {
            let _ = remove_file(&version.path);
        }
    }
}

fn read(stored: &Stored) -> Option<Version> {
    let bytes = std::fs::read(&stored.path).ok()?;
    let project = parse_project(&stored.path, &bytes).ok()?;
    Some(Version { saved_at: stored.millis / 1000, project })
}

/// The files, newest first.
fn stored(folder: &Path) -> Vec<Stored> {
    let entries = std::fs::read_dir(folder.join(FOLDER)).into_iter().flatten().flatten();
    let mut found: Vec<Stored> = entries
        .filter_map(|entry| {
            let path = entry.path();
            let millis = path.file_stem()?.to_str()?.parse().ok()?;
            Some(Stored { millis, bytes: entry.metadata().ok()?.len(), path })
        })
        .collect();
    found.sort_by_key(|version| std::cmp::Reverse(version.millis));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::ProjectFile;

    fn at(days: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_hours(24 * days)
    }

    #[test]
    fn versions_are_listed_newest_first_and_equal_ones_are_kept_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = ProjectFile::create(folder.path(), &Project::default(), false).unwrap();
        for (day, name) in [(100, "a"), (101, "b"), (102, "b")] {
            let project = Project { name: name.to_owned(), ..Project::default() };
            file.keep_version(&project, at(day)).unwrap();
        }
        std::fs::write(folder.path().join(FOLDER).join("5.ron"), "(name: \"half").unwrap();
        std::fs::write(folder.path().join(FOLDER).join("notes.txt"), "mine").unwrap();
        let found = versions(folder.path());
        let listed: Vec<(u64, &str)> =
            found.iter().map(|version| (version.saved_at / 86_400, version.project.name.as_str())).collect();
        assert_eq!(listed, [(101, "b"), (100, "a")]);
    }

    #[test]
    fn old_versions_go_but_never_the_last_five() {
        let folder = tempfile::tempdir().unwrap();
        let file = ProjectFile::create(folder.path(), &Project::default(), false).unwrap();
        for day in 100..108 {
            let project = Project { name: day.to_string(), ..Project::default() };
            file.write(&name_of(at(day)), &project).unwrap();
        }
        thin_out(folder.path(), at(109));
        assert_eq!(versions(folder.path()).len(), 8);
        thin_out(folder.path(), at(109 + 30));
        let left = versions(folder.path());
        assert_eq!((left.len(), left[0].project.name.as_str()), (LEAST, "107"));
    }
}
