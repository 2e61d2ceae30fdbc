//! A trial of a study that becomes a run of the project.

use std::path::Path;

use crate::storage::{
    FileLock, RunFolder, RunSettings, RunStatus, RunSummary, StorageError, replace_folder, write_atomic,
};

impl RunFolder {
    /// Begins a run of the project that has the best checkpoint, the curves and the validation answers of a trial. `settings` are those
    /// of the run. Its status is written last: before, it counts as one that was cut off.
    ///
    /// # Errors
    /// Errors of the file system. The run is then removed.
    pub fn keep_trial(
        project_folder: &Path,
        trial: &RunFolder,
        settings: &RunSettings,
        summary: &RunSummary,
    ) -> Result<(Self, Option<FileLock>), StorageError> {
        let (run, lock) = Self::create(project_folder)?;
        match run.take_over(trial, settings, summary) {
            Ok(()) => Ok((run, lock)),
            Err(error) => {
                // The first error is the one to report.
                let _ = run.remove();
                Err(error)
            }
        }
    }

    fn take_over(&self, trial: &RunFolder, settings: &RunSettings, summary: &RunSummary) -> Result<(), StorageError> {
        self.write_settings(settings)?;
        let (best, kept) = (trial.best(), self.best());
        replace_folder::<StorageError>(&kept, |folder| copy(&best, folder))?;
        for (from, to) in
            [(trial.metrics_path(), self.metrics_path()), (trial.predictions_path(), self.predictions_path())]
        {
            let mut file = std::fs::File::open(&from).map_err(StorageError::io("read", &from))?;
            write_atomic(&to, |writer| std::io::copy(&mut file, writer).map(drop))
                .map_err(StorageError::io("write", &to))?;
        }
        let summary = RunSummary { run: self.id(), ..summary.clone() };
        self.write_status(&RunStatus::Finished(summary))
    }
}

/// Copies the files of a folder and of those in it to one that exists.
fn copy(from: &Path, to: &Path) -> Result<(), StorageError> {
    let failed = |error| StorageError::io("copy", from)(error);
    for entry in std::fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (path, copied) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            std::fs::create_dir(&copied).map_err(failed)?;
            copy(&path, &copied)?;
        } else {
            std::fs::copy(&path, &copied).map_err(failed)?;
        }
    }
    Ok(())
}
