//! Writes checkpoints to disk: the best one, a model folder, and those that a run resumes from.

use std::path::Path;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::models::{Model, limit_length};
use crate::storage::{
    EvaluationPoint, ModelFolderInfo, Retention, StorageError, UnfinishedCheckpoint, replace_folder,
    write_checkpoint_point, write_model_info,
};

use crate::training::TrainError;

/// Checkpoints to resume from that are kept. Each is complete, so one is enough.
const RETENTION: Retention = Retention { newest: 1 };

/// Writes the model and Hone's `hone.ron` as a Hugging Face folder at `folder`, replacing any previous one.
/// `source` is the folder the model was loaded from: its tokenizer files are copied. The metrics go with the weights, so that
/// after a crash they are those of these weights.
///
/// The folder is written under another name and moved when it is complete, so that after a crash or on a full disk the
/// previous checkpoint is still there.
///
/// # Errors
/// [`TrainError::Model`] or [`TrainError::Storage`] if writing fails.
pub fn save(
    model: &Model,
    source: &Path,
    folder: &Path,
    info: &ModelFolderInfo,
    point: &EvaluationPoint,
) -> Result<(), TrainError> {
    replace_folder(folder, |unfinished| {
        model.save_folder(source, unfinished)?;
        limit_length(unfinished, info.max_length)?;
        write_model_info(unfinished, info)?;
        write_checkpoint_point(unfinished, point)?;
        Ok(())
    })
}

/// Writes checkpoints: the files from the thread that trains, without a second copy of the weights in memory; another thread waits
/// until the disk has them.
pub(super) struct Keeper {
    every: Duration,
    last: Instant,
    /// The checkpoint that is on its way to the disk.
    pending: Option<JoinHandle<Result<(), StorageError>>>,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // Whoever resumes the run must not meet the thread. An error is one of a checkpoint that nobody asks for now.
        let _ = self.wait();
    }
}

impl Keeper {
    /// With this time between two checkpoints.
    pub fn new(every: Duration) -> Self {
        Self { every, last: Instant::now(), pending: None }
    }

    /// Whether the newest checkpoint is old enough for another.
    pub fn is_due(&self) -> bool {
        self.last.elapsed() >= self.every
    }

    /// Ends a checkpoint whose files are written. If `is_awaited`, it is on the disk when this returns.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn finish(&mut self, checkpoint: UnfinishedCheckpoint, is_awaited: bool) -> Result<(), StorageError> {
        self.last = Instant::now();
        if is_awaited {
            return checkpoint.finish(RETENTION);
        }
        let thread = std::thread::Builder::new().name("checkpoint".to_owned());
        let path = checkpoint.path().to_owned();
        let spawned = thread.spawn(move || checkpoint.finish(RETENTION)).map_err(StorageError::io("write", &path))?;
        self.pending = Some(spawned);
        Ok(())
    }

    /// Waits for the checkpoint that is on its way.
    ///
    /// # Errors
    /// If it did not reach the disk.
    pub fn wait(&mut self) -> Result<(), StorageError> {
        match self.pending.take().map(JoinHandle::join) {
            Some(Ok(outcome)) => outcome,
            // A panic there leaves an unfinished checkpoint, which the next one replaces.
            Some(Err(_)) | None => Ok(()),
        }
    }
}
