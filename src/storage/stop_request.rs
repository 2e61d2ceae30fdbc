//! Stopping a run or study that another process trains: a file in its folder asks for it.

use crate::storage::{RunFolder, StorageError, StudyFolder, write_atomic};

/// The file that asks.
const STOP_FILE: &str = ".stop";

impl RunFolder {
    /// Asks the process that trains the run to stop and to keep the best checkpoint. It looks before each step.
    ///
    /// # Errors
    /// [`StorageError::NotTraining`] if no process trains it; errors of the file system.
    pub fn ask_to_stop(&self) -> Result<(), StorageError> {
        if !self.is_under_way() {
            return Err(StorageError::NotTraining(format!("Run {}", self.id())));
        }
        let path = self.path().join(STOP_FILE);
        write_atomic(&path, |_| Ok(())).map_err(StorageError::io("write", &path))
    }

    /// Whether someone asked for it.
    #[must_use]
    pub fn is_asked_to_stop(&self) -> bool {
        self.path().join(STOP_FILE).exists()
    }

    /// Forgets that someone asked, once it was heard.
    pub fn forget_stop_request(&self) {
        // There may be none.
        let _ = std::fs::remove_file(self.path().join(STOP_FILE));
    }
}

impl StudyFolder {
    /// Asks the process that runs the study to stop: its run under way ends the study with it.
    ///
    /// # Errors
    /// [`StorageError::NotTraining`] if none of its runs is training; errors of the file system.
    pub fn ask_to_stop(&self) -> Result<(), StorageError> {
        let runs = RunFolder::list(self.path())?;
        let under_way = runs.into_iter().find(|run| run.folder.is_under_way());
        under_way.map_or_else(
            || Err(StorageError::NotTraining(format!("Study {}", self.id()))),
            |run| run.folder.ask_to_stop(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{Project, StudyPlan};
    use crate::storage::{RunStatus, StudySettings};

    #[test]
    fn only_a_run_that_is_training_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let (run, lock) = RunFolder::create(folder.path()).unwrap();
        run.ask_to_stop().unwrap();
        assert!(run.is_asked_to_stop());
        run.forget_stop_request();
        assert!(!run.is_asked_to_stop());
        drop(lock);
        let refused = run.ask_to_stop().unwrap_err().to_string();
        assert!(refused.contains("is not being trained"), "{refused}");
        assert!(!run.is_asked_to_stop());
    }

    #[test]
    fn a_study_is_asked_by_its_run_under_way() {
        let folder = tempfile::tempdir().unwrap();
        let plan = StudyPlan::Seeds { seeds: 2 };
        let settings = StudySettings::new(plan, Project::default(), "ab".to_owned());
        let study = StudyFolder::create(folder.path(), &settings).unwrap().0;
        let refused = study.ask_to_stop().unwrap_err().to_string();
        assert!(refused.starts_with("Study ") && refused.contains("is not being trained now"), "{refused}");
        let (run, _lock) = RunFolder::create(study.path()).unwrap();
        run.write_status(&RunStatus::Running).unwrap();
        study.ask_to_stop().unwrap();
        assert!(run.is_asked_to_stop());
    }
}
