//! `runs/<id>/`: the files of a run.

use std::cmp::Reverse;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};

use crate::storage::folder::put_back;
use crate::storage::leftovers::{TemporaryFolder, is_leftover, is_old};
use crate::storage::migrations::{migrate_run, refuse_newer};
use crate::storage::paths::check_paths;
use crate::storage::run::{RUN_SCHEMA_VERSION, RunComparison, RunSettings, RunStatus, StopReason};
use crate::storage::run_version_1::{RunFigures1, RunStatus1};
use crate::storage::{
    FileLock, RunNotes, StorageError, needs_recovery, recover_folder, remove_folder, remove_leftovers, ron_file,
    with_absolute_paths, with_stored_paths, write_atomic,
};

pub(super) const RUNS: &str = "runs";
/// Holds deleted runs.
pub(super) const BIN: &str = "bin";
/// The folder of a project's studies, whose trials are runs.
pub(super) const STUDIES: &str = "studies";
pub(super) const SETTINGS: &str = "settings.ron";
pub(super) const STATUS: &str = "status.ron";
pub(super) const FIGURES: &str = "figures.ron";
/// Locked by the process that trains the run.
pub(super) const LOCK_FILE: &str = ".training.lock";
/// How many runs the project had when the run began, itself included.
const NUMBER: &str = ".number";
pub(super) const RUN_ADVICE: &str = "This run can no longer be used; the project and its other runs can.";

/// Gives runs of early versions, which wrote no number, those before the first that is written.
fn number_early_runs(newest_first: &mut [RunListing]) {
    let mut next = 1;
    for run in newest_first.iter_mut().rev() {
        run.number = run.number.max(next);
        next = run.number + 1;
    }
}

/// A run's folder, `<project>/runs/<id>/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

/// A run in the list of a project's runs.
#[derive(Clone, Debug, PartialEq)]
pub struct RunListing {
    /// Its folder.
    pub folder: RunFolder,
    /// Its place among the project's runs, from 1.
    pub number: u64,
    /// Its status. A run whose status cannot be read counts as failed, with the reason.
    pub status: RunStatus,
    /// What a person said about it; nothing if that cannot be read.
    pub notes: RunNotes,
}

impl RunListing {
    /// Whether this is its id or its number.
    #[must_use]
    pub fn is_called(&self, id: &str) -> bool {
        self.folder.id() == id || self.number.to_string() == id
    }

    /// Whether the run trained to its end: every epoch, or until the metric no longer improved.
    #[must_use]
    pub fn trained_to_its_end(&self) -> bool {
        let RunStatus::Finished(summary) = &self.status else { return false };
        matches!(summary.stop_reason, StopReason::Completed | StopReason::EarlyStopping)
    }
}

impl RunFolder {
    /// Creates the folder of a new run, named by the time (UTC), for example `2026-11-23-101530-ab12`. The lock marks the run
    /// as training, see [`Self::hold`].
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn create(project_folder: &Path) -> Result<(Self, Option<FileLock>), StorageError> {
        let runs = project_folder.join(RUNS);
        std::fs::create_dir_all(&runs).map_err(StorageError::io("create", &runs))?;
        // A run in the bin may be restored, with its number.
        let known = [Self::list(project_folder)?, Self::list_bin(project_folder)?].concat();
        let earlier = known.iter().map(|run| run.folder.number()).max().unwrap_or(0);
        loop {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let path = runs.join(run_id(since));
            match std::fs::create_dir(&path) {
                Ok(()) => {
                    let run = Self { path };
                    // Held before anything is written: without a status, it looks like one whose process was killed.
                    let lock = run.hold();
                    return Ok((run.numbered(earlier.saturating_add(1))?, lock));
                }
                // Another run began in the same fraction of a second. The next name is free.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    std::thread::sleep(Duration::from_micros(50));
                }
                Err(error) => return Err(StorageError::io("create", &path)(error)),
            }
        }
    }

    /// Writes the run's number. The clock may have been wrong when earlier runs began, so their names do not tell the order.
    fn numbered(self, number: u64) -> Result<Self, StorageError> {
        let path = self.path.join(NUMBER);
        write_atomic(&path, |file| write!(file, "{number}")).map_err(StorageError::io("write", &path))?;
        Ok(self)
    }

    /// The run's place among the project's runs; 0 for runs of early versions, which are ordered by name.
    fn number(&self) -> u64 {
        let text = std::fs::read_to_string(self.path.join(NUMBER)).ok();
        text.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    }

    /// The run that a path leads into, whether the path exists or not.
    #[must_use]
    pub fn around(path: &Path) -> Option<Self> {
        let path = std::path::absolute(path).ok()?;
        // What exists of the path may lead there through links.
        let existing = path.ancestors().find(|part| part.exists())?;
        let rest = path.strip_prefix(existing).ok()?;
        let path = existing.canonicalize().ok()?.join(rest);
        let is_run = |folder: &&Path| {
            let is_among_runs =
                folder.parent().and_then(Path::file_name).is_some_and(|name| name == RUNS || name == BIN);
            is_among_runs && [STATUS, SETTINGS].iter().any(|file| folder.join(file).exists())
        };
        path.ancestors().find(is_run).map(|folder| Self { path: folder.to_owned() })
    }

    /// The run in `path`, which is not looked at.
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// The run in `path`, which must exist.
    ///
    /// # Errors
    /// [`StorageError::Io`] when there is no such folder.
    pub fn open(path: &Path) -> Result<Self, StorageError> {
        let described = std::fs::metadata(path).map_err(StorageError::io("open the run", path))?;
        if !described.is_dir() {
            return Err(StorageError::io("open the run", path)(io::ErrorKind::NotADirectory.into()));
        }
        let run = Self { path: path.to_owned() };
        run.recover()?;
        Ok(run)
    }

    /// Repairs what a kill left unfinished, unless the run is training.
    fn recover(&self) -> Result<(), StorageError> {
        remove_leftovers(&self.path);
        if !needs_recovery(&self.best()) {
            return Ok(());
        }
        match self.hold() {
            Some(_training_is_over) => recover_folder(&self.best()),
            None if self.is_under_way() => Ok(()),
            // On a file system without locks, another process may still be training.
            None => put_back(&self.best()),
        }
    }

    /// The run with this id or number, or the newest one that trained to its end and has its weights. If there is none, it is
    /// the newest that a person stopped, or else the newest that an error or a crash ended and that has a model.
    ///
    /// # Errors
    /// [`StorageError::NoRun`] with the ids there are; [`StorageError::UnderWay`] when the only one is training.
    pub fn find(project_folder: &Path, id: Option<&str>) -> Result<Self, StorageError> {
        let runs = Self::list(project_folder)?;
        let with_weights = || runs.iter().filter(|run| !run.folder.has_freed_weights());
        let found = match id {
            Some(id) => runs.iter().find(|run| run.is_called(id)),
            None => (with_weights().find(|run| run.trained_to_its_end()))
                .or_else(|| with_weights().find(|run| matches!(run.status, RunStatus::Finished(_))))
                .or_else(|| runs.iter().find(|run| run.folder.recover().is_ok() && run.folder.trained().is_ok())),
        };
        if let Some(run) = found {
            run.folder.recover()?;
            return Ok(run.folder.clone());
        }
        if let Some(run) = runs.iter().find(|run| id.is_none() && run.folder.is_under_way()) {
            return Err(StorageError::UnderWay(run.folder.id()));
        }
        let ids: Vec<String> = runs.iter().map(|run| run.folder.id()).collect();
        let known = match (ids.is_empty(), id) {
            (true, _) => "It has no runs yet: train first, with `hone train` or the Train step.".to_owned(),
            (false, Some(_)) => format!("Its runs: {}.", ids.join(", ")),
            (false, None) => format!("None of its runs left a model: {}. Train again.", ids.join(", ")),
        };
        let run = id.map_or_else(|| "no run with a model".to_owned(), |id| format!("no run '{id}'"));
        Err(StorageError::NoRun { run, folder: project_folder.to_owned(), known })
    }

    /// The project's runs, newest first.
    ///
    /// # Errors
    /// Errors of the file system. Without a folder of runs the list is empty.
    pub fn list(project_folder: &Path) -> Result<Vec<RunListing>, StorageError> {
        Self::list_in(&project_folder.join(RUNS))
    }

    /// The runs in a folder of runs, newest first.
    pub(super) fn list_in(runs: &Path) -> Result<Vec<RunListing>, StorageError> {
        remove_leftovers(runs);
        let entries = match std::fs::read_dir(runs) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(StorageError::io("read", runs)(error)),
        };
        let mut listings = Vec::new();
        for entry in entries {
            let path = entry.map_err(StorageError::io("read", runs))?.path();
            let folder = Self { path };
            folder.remove_if_never_begun();
            if ![STATUS, SETTINGS].iter().any(|file| folder.path.join(file).exists()) {
                continue;
            }
            // A list is only read: what cannot be repaired now stays as it is.
            let _ = folder.recover();
            let status = folder.read_status().unwrap_or_else(|error| RunStatus::Failed(error.to_string()));
            let notes = folder.read_notes().unwrap_or_default();
            listings.push(RunListing { number: folder.number(), folder, status, notes });
        }
        listings.sort_by_cached_key(|run| Reverse((run.number, run.folder.path.clone())));
        number_early_runs(&mut listings);
        Ok(listings)
    }

    /// Removes the folder of a run whose process was killed before it had written a status, and so before the first step.
    /// What cannot be removed stays.
    fn remove_if_never_begun(&self) {
        let is_first =
            |name: &OsStr| [NUMBER, SETTINGS, LOCK_FILE].iter().any(|first| name == *first) || is_leftover(name);
        let has_only_first_files = || {
            let mut entries = std::fs::read_dir(&self.path).ok()?;
            Some(entries.all(|entry| entry.is_ok_and(|entry| is_first(&entry.file_name()))))
        };
        let is_of_a_run = self.path.join(NUMBER).exists() || self.path.join(LOCK_FILE).exists();
        if !is_of_a_run || has_only_first_files() != Some(true) || !is_old(&self.path) {
            return;
        }
        if let Some(lock) = self.hold()
            && has_only_first_files() == Some(true)
        {
            drop(lock); // some systems cannot remove open files
            let _ = remove_folder(&self.path);
        }
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The run's id: its folder's name.
    #[must_use]
    pub fn id(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// The best checkpoint, a Hugging Face folder.
    #[must_use]
    pub fn best(&self) -> PathBuf {
        self.path.join("best")
    }

    /// Checks that the run is still where it was.
    ///
    /// # Errors
    /// [`StorageError::Gone`].
    pub fn unless_gone(&self) -> Result<(), StorageError> {
        StorageError::unless_gone(&self.path)
    }

    /// Writes `settings.ron`. Paths inside the project's folder are stored relative to it, so that the run finds its
    /// data when the project has moved.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn write_settings(&self, settings: &RunSettings) -> Result<(), StorageError> {
        let project = with_stored_paths(&settings.project, self.project_folder());
        check_paths(&project)?;
        self.unless_gone()?;
        ron_file::write(&self.path.join(SETTINGS), &RunSettings { project, ..settings.clone() })
    }

    /// The folder of the project that the run belongs to, itself or as a trial of a study.
    #[must_use]
    pub fn project_folder(&self) -> &Path {
        let home = self.path.parent().and_then(Path::parent).unwrap_or(Path::new(""));
        let studies = home.parent().filter(|parent| parent.file_name().is_some_and(|name| name == STUDIES));
        studies.and_then(Path::parent).unwrap_or(home)
    }

    /// Reads `settings.ron`; paths are made absolute, from where the project is now.
    ///
    /// # Errors
    /// Errors of the file system; a damaged file, or one of a newer version.
    pub fn read_settings(&self) -> Result<RunSettings, StorageError> {
        let path = self.path.join(SETTINGS);
        refuse_newer(&path, ("run", RUN_SCHEMA_VERSION), RUN_ADVICE)?;
        let mut settings: RunSettings = ron_file::read_with(&path, migrate_run, RUN_ADVICE)?;
        settings.project = with_absolute_paths(&settings.project, self.project_folder());
        Ok(settings)
    }

    /// Writes `status.ron`.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn write_status(&self, status: &RunStatus) -> Result<(), StorageError> {
        self.unless_gone()?;
        ron_file::write(&self.path.join(STATUS), status)
    }

    /// Reads `status.ron`.
    ///
    /// # Errors
    /// Errors of the file system, or a damaged file.
    pub fn read_status(&self) -> Result<RunStatus, StorageError> {
        ron_file::read_versions::<_, RunStatus1>(&self.path.join(STATUS), RUN_ADVICE)
    }

    /// Writes `figures.ron`.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn write_comparison(&self, comparison: &RunComparison) -> Result<(), StorageError> {
        self.unless_gone()?;
        ron_file::write(&self.path.join(FIGURES), comparison)
    }

    /// Reads `figures.ron`.
    ///
    /// # Errors
    /// Errors of the file system, or a damaged file.
    pub fn read_comparison(&self) -> Result<RunComparison, StorageError> {
        ron_file::read_versions::<_, RunFigures1>(&self.path.join(FIGURES), RUN_ADVICE)
    }

    /// Removes the run and everything in it, for a run that was stopped before there was anything to keep. It is moved aside
    /// first, so that a crash leaves no part of it among the runs.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn remove(self) -> Result<(), StorageError> {
        self.unless_gone()?;
        let runs = self.path.parent().unwrap_or(Path::new(""));
        let failed = || StorageError::io("remove", &self.path);
        let aside = TemporaryFolder::create(runs).map_err(failed())?;
        std::fs::rename(&self.path, aside.path().join(self.id())).map_err(failed())?;
        remove_folder(aside.path()).map_err(failed())
    }
}

/// `YYYY-MM-DD-hhmmss-ffff`, UTC; the last part is the fraction of the second in hexadecimal.
pub(super) fn run_id(since_1970: Duration) -> String {
    let fraction = u64::from(since_1970.subsec_nanos()) * 65_536 / 1_000_000_000;
    let begun = DateTime::<Utc>::from(UNIX_EPOCH + since_1970);
    format!("{}-{fraction:04x}", begun.format("%Y-%m-%d-%H%M%S"))
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(unix)]
    use crate::storage::leftovers::make_old;

    #[test]
    fn ids_are_dates() {
        assert_eq!(run_id(Duration::ZERO), "1970-01-01-000000-0000");
        assert_eq!(run_id(Duration::new(951_827_696, 500_000_000)), "2000-02-29-123456-8000");
        assert_eq!(run_id(Duration::new(1_795_429_799, 999_999_999)), "2026-11-23-102959-ffff");
    }

    #[test]
    fn ids_sort_as_runs_began() {
        let folder = tempfile::tempdir().unwrap();
        let ids: Vec<String> = (0..20).map(|_| RunFolder::create(folder.path()).unwrap().0.id()).collect();
        assert!(ids.is_sorted() && ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
    }

    #[test]
    fn the_order_of_runs_does_not_depend_on_the_clock() {
        let folder = tempfile::tempdir().unwrap();
        let begin = |id: &str| {
            let run = RunFolder::create(folder.path()).unwrap().0;
            run.write_status(&RunStatus::Running).unwrap();
            std::fs::rename(run.path(), run.path().with_file_name(id)).unwrap();
        };
        let old = folder.path().join("runs/5000-01-01-000000-0000");
        std::fs::create_dir_all(&old).unwrap();
        RunFolder { path: old }.write_status(&RunStatus::Running).unwrap();
        for id in ["2026-01-01-000000-0000", "9999-12-31-235959-0000", "1970-01-01-000000-0000"] {
            begin(id);
        }
        let ids: Vec<String> = RunFolder::list(folder.path()).unwrap().iter().map(|run| run.folder.id()).collect();
        let years: Vec<&str> = ids.iter().map(|id| &id[..4]).collect();
        assert_eq!(years, ["1970", "9999", "2026", "5000"], "the run of an early version comes first of all");
    }

    #[cfg(unix)]
    #[test]
    fn the_folder_of_a_run_that_never_began_is_removed_when_runs_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        let (run, lock) = RunFolder::create(folder.path()).unwrap();
        let theirs = run.path().with_file_name("notes");
        std::fs::create_dir(&theirs).unwrap();
        let list = || {
            for path in [run.path(), &theirs].into_iter().filter(|path| path.exists()) {
                make_old(path);
            }
            assert!(RunFolder::list(folder.path()).unwrap().is_empty());
        };
        list();
        assert!(run.path().exists(), "its process lives");
        drop(lock);
        std::fs::write(run.path().join("notes.txt"), "a person's").unwrap();
        list();
        assert!(run.path().exists(), "it has a file that no run has");
        std::fs::remove_file(run.path().join("notes.txt")).unwrap();
        std::fs::write(run.path().join(".hone-abc123.new"), "half of the settings").unwrap();
        list();
        assert!(!run.path().exists() && theirs.exists());
    }

    #[cfg(unix)]
    #[test]
    fn temporary_files_of_a_run_are_removed_when_runs_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path()).unwrap().0;
        run.write_status(&RunStatus::Running).unwrap();
        let left = [run.path().join(".hone-abc123.new"), run.path().with_file_name(".hone-def456.new")];
        std::fs::write(&left[0], "half of the predictions").unwrap();
        std::fs::create_dir(&left[1]).unwrap();
        for path in &left {
            make_old(path);
        }
        assert_eq!(RunFolder::list(folder.path()).unwrap().len(), 1);
        assert!(left.iter().all(|path| !path.exists()));
    }

    #[test]
    fn a_removed_run_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path()).unwrap().0;
        run.write_status(&RunStatus::Running).unwrap();
        run.remove().unwrap();
        assert_eq!(std::fs::read_dir(folder.path().join(RUNS)).unwrap().count(), 0);
    }

    #[test]
    fn what_a_kill_left_is_removed_when_runs_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path()).unwrap().0;
        run.write_status(&RunStatus::Running).unwrap();
        for name in ["best", ".best.new", ".best.old"] {
            std::fs::create_dir(run.path().join(name)).unwrap();
        }
        let lock = run.hold().unwrap();
        RunFolder::list(folder.path()).unwrap();
        assert!(run.path().join(".best.new").exists(), "it is still being written");
        drop(lock);
        RunFolder::list(folder.path()).unwrap();
        assert!(
            run.best().exists() && !run.path().join(".best.new").exists() && !run.path().join(".best.old").exists()
        );
    }
}
