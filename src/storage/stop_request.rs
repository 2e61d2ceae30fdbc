//! Stopping a run or study that another process trains: a file in its folder asks for it.

use std::path::{Path, PathBuf};

use crate::storage::{RunFolder, StorageError, StudyFolder, write_atomic};

/// The file that asks.
const STOP_FILE: &str = ".stop";

/// The place where a process that trains looks for a request to stop.
#[derive(Clone, Debug)]
pub struct StopRequest(PathBuf);

impl StopRequest {
    /// Of what is in the folder of a run or study.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        Self(folder.join(STOP_FILE))
    }

    /// Whether someone asked.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.0.exists()
    }

    /// Whether someone asked, which is forgotten then: it is heard once.
    #[must_use]
    pub fn take(&self) -> bool {
        let is_there = self.is_there();
        if is_there {
            self.forget();
        }
        is_there
    }

    /// Forgets that someone asked, before the work begins again.
    pub fn forget(&self) {
        // There may be none.
        let _ = std::fs::remove_file(&self.0);
    }

    fn ask(&self) -> Result<(), StorageError> {
        write_atomic(&self.0, |_| Ok(())).map_err(StorageError::io("write", &self.0))
    }
}

impl RunFolder {
    /// Asks the process that trains the run to stop and to keep the best checkpoint, if there is one.
    ///
    /// # Errors
    /// [`StorageError::NotUnderWay`] if no process trains it; errors of the file system.
    pub fn ask_to_stop(&self) -> Result<(), StorageError> {
        if !self.is_under_way() {
            return Err(StorageError::NotUnderWay(format!("Run {}", self.id())));
        }
        StopRequest::of(self.path()).ask()
    }
}

impl StudyFolder {
    /// Asks the process that runs the study to stop. What is done is kept.
    ///
    /// # Errors
    /// [`StorageError::NotUnderWay`] if no process runs it; errors of the file system.
    pub fn ask_to_stop(&self) -> Result<(), StorageError> {
        if !self.is_under_way() {
            return Err(StorageError::NotUnderWay(format!("Study {}", self.id())));
        }
        StopRequest::of(self.path()).ask()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{Project, StudyPlan};
    use crate::storage::StudySettings;

    #[test]
    fn only_a_run_that_is_training_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let (run, lock) = RunFolder::create(folder.path()).unwrap();
        let request = StopRequest::of(run.path());
        run.ask_to_stop().unwrap();
        assert!(request.is_there());
        assert!(request.take() && !request.take() && !request.is_there());
        drop(lock);
        let refused = run.ask_to_stop().unwrap_err().to_string();
        assert!(refused.starts_with("Run ") && refused.contains("is not running now"), "{refused}");
        assert!(!request.is_there());
    }

    #[test]
    fn only_a_study_that_is_running_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let settings = StudySettings::new(StudyPlan::Seeds { seeds: 2 }, Project::default(), "ab".to_owned());
        let (study, lock) = StudyFolder::create(folder.path(), &settings).unwrap();
        study.ask_to_stop().unwrap();
        assert!(StopRequest::of(study.path()).is_there());
        drop(lock);
        let refused = study.ask_to_stop().unwrap_err().to_string();
        assert!(refused.starts_with("Study ") && refused.contains("is not running now"), "{refused}");
    }
}
