//! `runs/<id>/checkpoints/<step>/`: what an interrupted run resumes from.
//!
//! A checkpoint is written into a hidden folder, which gets its name only when every file of it is on the disk. So one that has a
//! name is complete, whatever happened meanwhile.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::storage::atomic::sync_folder;
use crate::storage::{RunFolder, StorageError, remove_folder, ron_file};

const CHECKPOINTS: &str = "checkpoints";
const STATE: &str = "state.ron";
/// How the name of an unfinished checkpoint begins.
const UNFINISHED: &str = ".unfinished-";
const ADVICE: &str = "The run cannot be resumed from it. Train again.";

/// Which checkpoints of a run are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The newest so many.
    pub newest: usize,
}

impl Retention {
    /// Those to remove of the checkpoints after these steps, which ascend.
    #[must_use]
    pub fn obsolete<'s>(&self, steps: &'s [u64]) -> &'s [u64] {
        &steps[..steps.len().saturating_sub(self.newest)]
    }
}

/// A checkpoint that is being written.
#[derive(Debug)]
pub struct UnfinishedCheckpoint {
    unfinished: PathBuf,
    finished: PathBuf,
}

impl UnfinishedCheckpoint {
    /// The folder that its files go to.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.unfinished
    }

    /// Writes the state of the run.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn write_state(&self, state: &impl Serialize) -> Result<(), StorageError> {
        let path = self.unfinished.join(STATE);
        let text = ron_file::to_text(state).map_err(io::Error::other);
        text.and_then(|text| std::fs::write(&path, text)).map_err(StorageError::io("write", &path))
    }

    /// Waits until everything is on the disk, gives the checkpoint its name, and removes older ones. One that cannot be removed
    /// stays until the next checkpoint.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn finish(self, retention: Retention) -> Result<(), StorageError> {
        let folder = self.finished.parent().unwrap_or(Path::new("."));
        let publish = || -> io::Result<()> {
            for file in std::fs::read_dir(&self.unfinished)? {
                File::open(file?.path())?.sync_all()?;
            }
            sync_folder(&self.unfinished)?;
            // A run that was resumed from an older checkpoint comes by here again.
            remove_folder(&self.finished)?;
            std::fs::rename(&self.unfinished, &self.finished)?;
            sync_folder(folder)
        };
        publish().map_err(StorageError::io("write", &self.finished))?;
        // The new one is complete: an old one more is no reason to end a run.
        let steps = steps_in(folder).unwrap_or_default();
        let _ = retention.obsolete(&steps).iter().try_for_each(|step| remove_checkpoint(folder, *step));
        Ok(())
    }
}

impl RunFolder {
    pub(super) fn checkpoints_folder(&self) -> PathBuf {
        self.path().join(CHECKPOINTS)
    }

    /// Begins a checkpoint after `step` steps.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn begin_checkpoint(&self, step: u64) -> Result<UnfinishedCheckpoint, StorageError> {
        self.unless_gone()?;
        let folder = self.checkpoints_folder();
        let unfinished = folder.join(format!("{UNFINISHED}{}", name(step)));
        let begin = || {
            remove_folder(&unfinished)?;
            std::fs::create_dir_all(&unfinished)
        };
        begin().map_err(StorageError::io("create", &unfinished))?;
        Ok(UnfinishedCheckpoint { finished: folder.join(name(step)), unfinished })
    }

    /// The steps after which there is a checkpoint, ascending.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn checkpoints(&self) -> Result<Vec<u64>, StorageError> {
        let folder = self.checkpoints_folder();
        steps_in(&folder).map_err(StorageError::io("read", &folder))
    }

    /// The folder of the checkpoint after a step.
    #[must_use]
    pub fn checkpoint(&self, step: u64) -> PathBuf {
        self.checkpoints_folder().join(name(step))
    }

    /// Reads the state that a checkpoint was written with.
    ///
    /// # Errors
    /// Errors of the file system, or a damaged file.
    pub fn read_checkpoint_state<T: DeserializeOwned>(&self, step: u64) -> Result<T, StorageError> {
        ron_file::read(&self.checkpoint(step).join(STATE), ADVICE)
    }

    /// Removes checkpoints that were never finished. Only for the process that trains the run.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn remove_unfinished_checkpoints(&self) -> Result<(), StorageError> {
        let folder = self.checkpoints_folder();
        remove_unfinished_in(&folder).map_err(StorageError::io("clean up", &folder))
    }

    /// Removes all checkpoints: of a run that is over.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn remove_checkpoints(&self) -> Result<(), StorageError> {
        let folder = self.checkpoints_folder();
        let remove = || -> io::Result<()> {
            steps_in(&folder)?.into_iter().try_for_each(|step| remove_checkpoint(&folder, step))?;
            remove_folder(&folder)
        };
        remove().map_err(StorageError::io("remove", &folder))
    }
}

/// Removes the checkpoint after a step. It loses its name first, because what has one is complete.
fn remove_checkpoint(folder: &Path, step: u64) -> io::Result<()> {
    let nameless = folder.join(format!("{UNFINISHED}{}", name(step)));
    remove_folder(&nameless)?;
    std::fs::rename(folder.join(name(step)), &nameless)?;
    remove_folder(&nameless)
}

fn remove_unfinished_in(folder: &Path) -> io::Result<()> {
    let unfinished = entries(folder)?.into_iter().filter(|entry| entry.to_string_lossy().starts_with(UNFINISHED));
    unfinished.into_iter().try_for_each(|entry| remove_folder(&folder.join(entry)))
}

/// Names sort as their steps do.
fn name(step: u64) -> String {
    format!("{step:012}")
}

fn steps_in(folder: &Path) -> io::Result<Vec<u64>> {
    let names = entries(folder)?;
    let mut steps: Vec<u64> = names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect();
    steps.sort_unstable();
    Ok(steps)
}

/// The names in a folder; none if there is no such folder.
fn entries(folder: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    match std::fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.file_name())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(run: &RunFolder, step: u64, newest: usize) {
        let checkpoint = run.begin_checkpoint(step).unwrap();
        checkpoint.write_state(&step).unwrap();
        checkpoint.finish(Retention { newest }).unwrap();
    }

    #[test]
    fn only_the_newest_checkpoints_are_kept() {
        assert_eq!(Retention { newest: 2 }.obsolete(&[1, 5, 9]), [1]);
        assert!(Retention { newest: 2 }.obsolete(&[1]).is_empty());
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path()).unwrap().0;
        assert!(run.checkpoints().unwrap().is_empty());
        for step in [8, 16, 1_240] {
            write(&run, step, 2);
        }
        assert_eq!(run.checkpoints().unwrap(), [16, 1_240]);
        assert_eq!(run.read_checkpoint_state::<u64>(1_240).unwrap(), 1_240);
        write(&run, 16, 1);
        assert_eq!(run.checkpoints().unwrap(), [1_240], "the newest is the one that came furthest");
        run.remove_checkpoints().unwrap();
        assert!(run.checkpoints().unwrap().is_empty());
    }

    #[test]
    fn a_checkpoint_that_was_not_finished_does_not_count_and_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path()).unwrap().0;
        write(&run, 8, 1);
        let half = run.begin_checkpoint(16).unwrap();
        half.write_state(&16).unwrap();
        assert_eq!(run.checkpoints().unwrap(), [8]);
        run.remove_unfinished_checkpoints().unwrap();
        assert!(!half.path().exists() && run.checkpoint(8).exists());
        assert!(half.finish(Retention { newest: 1 }).unwrap_err().to_string().contains("000000000016"));
    }

    #[test]
    fn a_damaged_state_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path()).unwrap().0;
        write(&run, 8, 1);
        std::fs::write(run.checkpoint(8).join(STATE), "half").unwrap();
        let error = run.read_checkpoint_state::<u64>(8).unwrap_err().to_string();
        assert!(error.contains("state.ron") && error.contains("Train again"), "{error}");
    }
}
