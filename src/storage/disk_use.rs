//! How much of the disk a run takes, and giving some of it back.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::storage::{RunFolder, StorageError, remove_file, write_atomic};

/// Says that a person freed the weights of the run, so that they are not missed.
const FREED: &str = ".weights-freed";

/// How many bytes the parts of a run take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskUse {
    /// The weights of its best checkpoint.
    pub weights: u64,
    /// The checkpoints that it can be resumed from.
    pub checkpoints: u64,
    /// Metrics, predictions, settings and everything else.
    pub rest: u64,
}

impl DiskUse {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.weights + self.checkpoints + self.rest
    }
}

impl std::iter::Sum for DiskUse {
    fn sum<I: Iterator<Item = Self>>(uses: I) -> Self {
        uses.fold(Self::default(), |sum, one| Self {
            weights: sum.weights + one.weights,
            checkpoints: sum.checkpoints + one.checkpoints,
            rest: sum.rest + one.rest,
        })
    }
}

impl RunFolder {
    /// What the run takes of the disk. What cannot be read does not count.
    #[must_use]
    pub fn disk_use(&self) -> DiskUse {
        let bytes = |folder: &Path| files(folder).iter().map(|(_, bytes)| bytes).sum::<u64>();
        let weights = self.weight_files().iter().map(|(_, bytes)| bytes).sum();
        let checkpoints = bytes(&self.checkpoints_folder());
        DiskUse { weights, checkpoints, rest: bytes(self.path()).saturating_sub(weights + checkpoints) }
    }

    /// Whether a person freed its weights. Its metrics and predictions are still there.
    #[must_use]
    pub fn has_freed_weights(&self) -> bool {
        self.path().join(FREED).exists()
    }

    /// Removes the weights of the best checkpoint, and keeps everything else.
    ///
    /// # Errors
    /// [`StorageError::UnderWay`] while it is training; errors of the file system.
    pub fn free_weights(&self) -> Result<(), StorageError> {
        self.unless_gone()?;
        let _alone = self.hold_alone()?;
        let mark = self.path().join(FREED);
        // First, so that a crash leaves no run with half of its weights.
        write_atomic(&mark, |file| file.write_all(b"")).map_err(StorageError::io("write", &mark))?;
        for (file, _) in self.weight_files() {
            remove_file(&file).map_err(StorageError::io("remove", &file))?;
        }
        Ok(())
    }

    /// Removes the checkpoints of a run that is over.
    ///
    /// # Errors
    /// [`StorageError::UnderWay`] while it is training; errors of the file system.
    pub fn free_checkpoints(&self) -> Result<(), StorageError> {
        self.unless_gone()?;
        let _alone = self.hold_alone()?;
        self.remove_checkpoints()
    }

    fn weight_files(&self) -> Vec<(PathBuf, u64)> {
        let is_weights = |path: &Path| path.extension() == Some(OsStr::new("safetensors"));
        files(&self.best()).into_iter().filter(|(path, _)| is_weights(path)).collect()
    }
}

/// The files below a folder with their sizes. Links are not followed.
fn files(folder: &Path) -> Vec<(PathBuf, u64)> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(about) if about.is_dir() => open.push(entry.path()),
                Ok(about) if about.is_file() => found.push((entry.path(), about.len())),
                _ => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::RunStatus;

    #[test]
    fn the_weights_are_freed_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path()).unwrap().0;
        run.write_status(&RunStatus::Failed("It ended.".to_owned())).unwrap();
        std::fs::create_dir_all(run.best().join("2_Dense")).unwrap();
        std::fs::create_dir_all(run.checkpoint(8)).unwrap();
        for (file, bytes) in [
            ("best/model.safetensors", 1_000),
            ("best/2_Dense/model.safetensors", 200),
            ("best/config.json", 30),
            ("checkpoints/000000000008/state.ron", 4_000),
        ] {
            std::fs::write(run.path().join(file), vec![b' '; bytes]).unwrap();
        }
        let before = run.disk_use();
        assert_eq!((before.weights, before.checkpoints), (1_200, 4_000));
        assert!((30..5_000).contains(&before.rest) && before.total() == before.rest + 5_200, "{before:?}");

        let training = run.hold().unwrap();
        assert!(run.free_weights().unwrap_err().to_string().contains("still being trained"));
        assert!(run.free_checkpoints().is_err());
        drop(training);
        assert!(!run.has_freed_weights());
        run.free_weights().unwrap();
        run.free_checkpoints().unwrap();
        let after = run.disk_use();
        assert_eq!((after.weights, after.checkpoints, after.rest), (0, 0, before.rest));
        assert!(run.has_freed_weights() && run.best().join("config.json").exists());
        std::fs::remove_dir_all(run.path()).unwrap();
        assert!(run.free_weights().unwrap_err().to_string().contains("is gone"));
        assert_eq!(run.disk_use(), DiskUse::default());
    }
}
