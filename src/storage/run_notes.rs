//! `runs/<id>/notes.ron`: what a person says about a run.

use std::collections::BTreeSet;
use std::io;

use crate::storage::{RunFolder, RunNotes, StorageError, ron_file};
use crate::words::{collapsed, count};

const NOTES: &str = "notes.ron";
const ADVICE: &str = "Delete that file. The run then has no name, note, star and tags, and can be given new ones.";
/// Most characters of a name.
pub const LONGEST_NAME: usize = 80;
/// Most characters of a tag.
pub const LONGEST_TAG: usize = 40;
/// Most characters of a note.
pub const LONGEST_NOTE: usize = 10_000;

impl RunFolder {
    /// What a person said about the run; nothing if there is no such file.
    ///
    /// # Errors
    /// Errors of the file system, or a damaged file.
    pub fn read_notes(&self) -> Result<RunNotes, StorageError> {
        match ron_file::read(&self.path().join(NOTES), ADVICE) {
            Err(StorageError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(RunNotes::default()),
            read => read,
        }
    }

    /// Changes what is said about the run, as it is on disk now, and returns it. This may be done while the run is training, also
    /// in another process.
    ///
    /// # Errors
    /// [`StorageError::TooLong`]; errors of the file system; a damaged file.
    pub fn change_notes(&self, change: impl FnOnce(&mut RunNotes)) -> Result<RunNotes, StorageError> {
        self.unless_gone()?;
        let before = self.read_notes()?;
        let mut notes = before.clone();
        change(&mut notes);
        let notes = tidy(&notes)?;
        if notes != before {
            ron_file::write(&self.path().join(NOTES), &notes)?;
        }
        Ok(notes)
    }
}

/// The same with names and tags on one line, without the spaces around them.
fn tidy(notes: &RunNotes) -> Result<RunNotes, StorageError> {
    let name = collapsed(&notes.name).trim().to_owned();
    let tags = notes.tags.iter().map(|tag| collapsed(tag).trim().to_owned());
    let tags: BTreeSet<String> = tags.filter(|tag| !tag.is_empty()).collect();
    let note = notes.note.trim_end().to_owned();
    let within = |text: &str, what: &'static str, most: usize| {
        let found = text.chars().count();
        if found <= most { Ok(()) } else { Err(StorageError::TooLong { what, found: count(found), most: count(most) }) }
    };
    within(&name, "name", LONGEST_NAME)?;
    within(&note, "note", LONGEST_NOTE)?;
    tags.iter().try_for_each(|tag| within(tag, "tag", LONGEST_TAG))?;
    Ok(RunNotes { name, note, star: notes.star, tags })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::RunStatus;

    fn run() -> (tempfile::TempDir, RunFolder) {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path()).unwrap().0;
        run.write_status(&RunStatus::Running).unwrap();
        (folder, run)
    }

    #[test]
    fn a_run_in_training_is_named_starred_and_tagged() {
        let (project, run) = run();
        let _in_training = run.hold().unwrap();
        assert!(run.read_notes().unwrap().is_empty(), "runs of earlier versions have no such file");
        run.change_notes(|notes| notes.name = "  lower \n learning rate ".to_owned()).unwrap();
        run.change_notes(|notes| {
            notes.star = true;
            notes.tags.extend([" ", "for the  report"].map(str::to_owned));
        })
        .unwrap();
        let notes = run.read_notes().unwrap();
        assert_eq!((notes.name.as_str(), notes.star), ("lower learning rate", true));
        assert_eq!(notes.tags, ["for the report".to_owned()].into());
        assert_eq!(RunFolder::list(project.path()).unwrap()[0].notes, notes);
    }

    #[test]
    fn a_name_that_is_too_long_is_refused_and_changes_nothing() {
        let (_project, run) = run();
        run.change_notes(|notes| notes.name = "short".to_owned()).unwrap();
        let error = run.change_notes(|notes| notes.name = "x".repeat(81)).unwrap_err().to_string();
        assert_eq!(error, "The name has 81 characters; at most 80 are allowed. Shorten it.");
        assert!(run.change_notes(|notes| notes.tags.extend(["x".repeat(41)])).is_err());
        assert!(run.change_notes(|notes| notes.note = "x".repeat(10_001)).is_err());
        assert_eq!(run.read_notes().unwrap().name, "short");
    }

    #[test]
    fn a_damaged_file_hides_no_run_and_is_not_overwritten() {
        let (project, run) = run();
        std::fs::write(run.path().join(NOTES), "(name: ").unwrap();
        let error = run.change_notes(|notes| notes.star = true).unwrap_err().to_string();
        assert!(error.contains("notes.ron is damaged") && error.contains("Delete that file"), "{error}");
        assert!(RunFolder::list(project.path()).unwrap()[0].notes.is_empty());
    }

    #[test]
    fn a_run_that_is_gone_is_not_named() {
        let (_project, run) = run();
        std::fs::remove_dir_all(run.path()).unwrap();
        let error = run.change_notes(|notes| notes.star = true).unwrap_err().to_string();
        assert!(error.contains("is gone") && !run.path().exists(), "{error}");
    }
}
