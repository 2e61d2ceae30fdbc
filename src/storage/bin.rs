//! `<project>/bin/<id>/`: runs that a person deleted, until the bin is emptied.

use std::path::Path;

use crate::project::ModelChoice;
use crate::storage::atomic::sync_folder;
use crate::storage::run_folder::{BIN, RUNS};
use crate::storage::{ProjectFile, RunFolder, RunListing, StorageError, exclude_from_version_control, resolve};

impl RunFolder {
    /// The runs in the project's bin, newest first.
    ///
    /// # Errors
    /// Errors of the file system. Without a bin the list is empty.
    pub fn list_bin(project_folder: &Path) -> Result<Vec<RunListing>, StorageError> {
        Self::list_in(&project_folder.join(BIN))
    }

    /// The run in the bin with this id or number.
    ///
    /// # Errors
    /// [`StorageError::NoRun`] with the runs in the bin; errors of the file system.
    pub fn find_in_bin(project_folder: &Path, id: &str) -> Result<Self, StorageError> {
        let runs = Self::list_bin(project_folder)?;
        if let Some(found) = runs.iter().find(|run| run.is_called(id)) {
            return Ok(found.folder.clone());
        }
        let ids: Vec<String> = runs.iter().map(|run| run.folder.id()).collect();
        let known =
            if ids.is_empty() { "Its bin is empty.".to_owned() } else { format!("In its bin: {}.", ids.join(", ")) };
        Err(StorageError::NoRun { run: format!("no deleted run '{id}'"), folder: project_folder.to_owned(), known })
    }

    /// Moves the run to the project's bin, from where [`Self::restore`] moves it back.
    ///
    /// # Errors
    /// [`StorageError::UnderWay`] while it is training; [`StorageError::InUse`] if the project starts from its model; errors of the
    /// file system.
    pub fn delete(self) -> Result<Self, StorageError> {
        self.unless_gone()?;
        let lock = self.hold_alone()?;
        self.unless_started_from()?;
        let bin = self.project_folder().join(BIN);
        exclude_from_version_control(&bin).map_err(StorageError::io("create", &bin))?;
        if cfg!(windows) {
            drop(lock); // an open file keeps its folder from being moved there
        }
        self.move_to(&bin)
    }

    /// Moves the run from the bin back among the project's runs.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn restore(self) -> Result<Self, StorageError> {
        self.unless_gone()?;
        let runs = self.project_folder().join(RUNS);
        std::fs::create_dir_all(&runs).map_err(StorageError::io("create", &runs))?;
        self.move_to(&runs)
    }

    fn move_to(self, folder: &Path) -> Result<Self, StorageError> {
        let target = folder.join(self.id());
        // A rename may replace an empty folder.
        if target.exists() {
            return Err(StorageError::NotReplaced { path: target, what: "a run of the same name" });
        }
        let from = self.path().parent().unwrap_or(Path::new("")).to_owned();
        let moved =
            std::fs::rename(self.path(), &target).and_then(|()| sync_folder(folder)).and_then(|()| sync_folder(&from));
        moved.map_err(StorageError::io("move", self.path()))?;
        Self::open(&target)
    }

    /// Checks that the project's model is not the one that this run trained.
    fn unless_started_from(&self) -> Result<(), StorageError> {
        // A project that cannot be read is of no run.
        let Ok((folder, project)) = ProjectFile::read(self.project_folder()) else { return Ok(()) };
        let canonical = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        match &project.model {
            ModelChoice::Folder(model) if canonical(&resolve(&folder, model)).starts_with(canonical(self.path())) => {
                Err(StorageError::InUse(self.id()))
            }
            _ => Ok(()),
        }
    }
}

/// Removes all runs in the project's bin for good, and returns how many there were.
///
/// # Errors
/// Errors of the file system; runs that were not reached stay in the bin.
pub fn empty_bin(project_folder: &Path) -> Result<usize, StorageError> {
    let runs = RunFolder::list_bin(project_folder)?;
    let number = runs.len();
    runs.into_iter().try_for_each(|run| run.folder.remove())?;
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Project;
    use crate::storage::{RunStatus, SPLIT_FILE};

    fn project() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        ProjectFile::create(folder.path(), &Project::default(), false).unwrap();
        folder
    }

    fn run(project: &Path) -> RunFolder {
        let run = RunFolder::create(project).unwrap().0;
        run.write_status(&RunStatus::Failed("It ended.".to_owned())).unwrap();
        run
    }

    fn numbers(listed: &[RunListing]) -> Vec<u64> {
        listed.iter().map(|run| run.number).collect()
    }

    #[test]
    fn a_deleted_run_is_restored_as_it_was_and_its_number_is_not_given_again() {
        let project = project();
        std::fs::write(project.path().join(SPLIT_FILE), "of all runs").unwrap();
        let (first, second) = (run(project.path()), run(project.path()));
        second.change_notes(|notes| notes.name = "the second".to_owned()).unwrap();
        let (place, id) = (second.path().to_owned(), second.id());
        let binned = second.delete().unwrap();
        assert!(!place.exists() && binned.project_folder() == project.path());
        let third = run(project.path());
        assert_eq!(numbers(&RunFolder::list(project.path()).unwrap()), [3, 1]);
        let bin = RunFolder::list_bin(project.path()).unwrap();
        assert_eq!((numbers(&bin), bin[0].notes.name.as_str()), (vec![2], "the second"));

        let message = RunFolder::find_in_bin(project.path(), "9").unwrap_err().to_string();
        assert!(message.contains("no deleted run '9'") && message.contains(&id), "{message}");
        let restored = RunFolder::find_in_bin(project.path(), "2").unwrap().restore().unwrap();
        assert_eq!(restored.path(), place);
        assert_eq!(numbers(&RunFolder::list(project.path()).unwrap()), [3, 2, 1]);
        let message = RunFolder::find_in_bin(project.path(), &id).unwrap_err().to_string();
        assert!(message.contains("Its bin is empty."), "{message}");

        first.delete().unwrap();
        third.delete().unwrap();
        assert_eq!(empty_bin(project.path()).unwrap(), 2);
        assert_eq!(empty_bin(project.path()).unwrap(), 0);
        assert_eq!(numbers(&RunFolder::list(project.path()).unwrap()), [2]);
        let split = std::fs::read_to_string(project.path().join(SPLIT_FILE)).unwrap();
        assert_eq!(split, "of all runs", "what is the project's stays");
    }

    #[test]
    fn a_run_under_way_is_not_deleted() {
        let project = project();
        let run = run(project.path());
        let training = run.hold().unwrap();
        let message = run.clone().delete().unwrap_err().to_string();
        assert!(message.contains("still being trained") && run.path().exists(), "{message}");
        drop(training);
        run.delete().unwrap();
    }

    #[test]
    fn the_run_whose_model_the_project_starts_from_is_not_deleted() {
        let project = project();
        let run = run(project.path());
        std::fs::create_dir(run.best()).unwrap();
        let file = ProjectFile::open(project.path()).unwrap();
        let changed = Project { model: ModelChoice::Folder(run.best()), ..file.project };
        file.file.save(&changed).unwrap();
        let message = run.clone().delete().unwrap_err().to_string();
        assert!(message.contains("This project starts from the model of run") && run.path().exists(), "{message}");
    }

    #[test]
    fn nothing_is_replaced_and_what_is_gone_is_said() {
        let project = project();
        let run = run(project.path());
        let binned = run.clone().delete().unwrap();
        std::fs::create_dir(run.path()).unwrap();
        let message = binned.clone().restore().unwrap_err().to_string();
        assert!(message.contains("a run of the same name, which is not replaced"), "{message}");
        assert!(binned.path().exists());
        std::fs::remove_dir_all(binned.path()).unwrap();
        assert!(binned.restore().unwrap_err().to_string().contains("is gone"));
    }
}
