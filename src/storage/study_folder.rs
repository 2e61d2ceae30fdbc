//! `studies/<id>/`: a study's question, and its trials as runs.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::evaluation::{Metrics, Prediction};
use crate::project::{Project, StudyPlan, Trial};
use crate::storage::migrations::refuse_newer;
use crate::storage::paths::check_paths;
use crate::storage::run_folder::{STUDIES, run_id};
use crate::storage::{
    FileLock, RunFolder, RunStatus, RunSummary, StorageError, read_predictions_of, remove_folder, remove_leftovers,
    ron_file, with_absolute_paths, with_stored_paths, write_predictions_to,
};

const SETTINGS: &str = "study.ron";
/// Written when the study has ended.
const END: &str = "end.ron";
/// Locked by the process that runs the study.
const LOCK_FILE: &str = ".study.lock";
const ADVICE: &str = "This study can no longer be used; the project and its runs can.";
/// What models of the study answered to rows that they were not trained on.
const PREDICTIONS: &str = "predictions.parquet";

/// Version of the study files written by this build.
const SCHEMA_VERSION: u32 = 1;

/// Everything that is needed to go on with a study: `study.ron`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudySettings {
    /// Version of this file.
    pub schema_version: u32,
    /// Its question.
    pub plan: StudyPlan,
    /// The project as it was when the study began. Paths are absolute here; in the file, those inside the project's folder are
    /// relative to it.
    pub project: Project,
    /// See `Prepared::data_hash`.
    pub data_hash: String,
    /// Version of Hone.
    pub hone_version: String,
}

/// A study's folder, `<project>/studies/<id>/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyFolder {
    path: PathBuf,
}

/// A trial of a study that began.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialRun {
    /// Its place in the study.
    pub trial: Trial,
    /// Its run.
    pub run: RunFolder,
    /// Rows on each side: train, validation, test.
    pub rows: [usize; 3],
    /// The project as it was trained.
    pub project: Project,
    /// Its outcome; `None` if it was interrupted, failed or is under way.
    pub summary: Option<RunSummary>,
    /// Why it failed, if it did.
    pub failed: Option<String>,
}

/// Which predictions of a study are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StudyPredictions {
    /// Those of all folds.
    OutOfFold,
    /// Those of a search's first trial, with the project's own settings, on the test rows.
    FirstTrial,
    /// Those of its best trial.
    BestTrial,
}

impl StudyPredictions {
    /// The split that they have in the file.
    fn side(self) -> &'static str {
        match self {
            Self::OutOfFold => "out of fold",
            Self::FirstTrial => "test, first trial",
            Self::BestTrial => "test, best trial",
        }
    }
}

/// The end of a study: `end.ron`.
#[derive(Serialize, Deserialize)]
struct StudyEnd {
    /// Seconds since 1970.
    ended_at: u64,
    /// Metrics of a search's best trial on the test rows, whose predictions are [`StudyPredictions::BestTrial`]; `None` of other
    /// studies, without test rows, and in studies of early versions.
    #[serde(default)]
    best_on_test: Option<Metrics>,
}

/// How far a study came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StudyState {
    /// A process is running it.
    UnderWay,
    /// Trials are missing.
    Interrupted,
    /// All its trials ended.
    Finished,
}

impl StudySettings {
    /// Of a study that begins now.
    #[must_use]
    pub fn new(plan: StudyPlan, project: Project, data_hash: String) -> Self {
        let hone_version = env!("CARGO_PKG_VERSION").to_owned();
        Self { schema_version: SCHEMA_VERSION, plan, project, data_hash, hone_version }
    }
}

impl StudyFolder {
    /// Creates the folder of a new study, named by the time (UTC). The lock marks it as running.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn create(project_folder: &Path, settings: &StudySettings) -> Result<(Self, Option<FileLock>), StorageError> {
        let studies = project_folder.join(STUDIES);
        std::fs::create_dir_all(&studies).map_err(StorageError::io("create", &studies))?;
        loop {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let path = studies.join(run_id(since));
            match std::fs::create_dir(&path) {
                Ok(()) => {
                    let study = Self { path };
                    let lock = study.hold()?;
                    let project = with_stored_paths(&settings.project, project_folder);
                    check_paths(&project)?;
                    ron_file::write(&study.path.join(SETTINGS), &StudySettings { project, ..settings.clone() })?;
                    return Ok((study, lock));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    std::thread::sleep(Duration::from_micros(50));
                }
                Err(error) => return Err(StorageError::io("create", &path)(error)),
            }
        }
    }

    /// Marks the study as running until the lock is dropped; `None` if the file system has no locks.
    ///
    /// # Errors
    /// [`StorageError::StudyUnderWay`].
    pub fn hold(&self) -> Result<Option<FileLock>, StorageError> {
        let lock = FileLock::try_take(&self.lock_file()).ok().flatten();
        if lock.is_none() && self.is_under_way() { Err(StorageError::StudyUnderWay(self.id())) } else { Ok(lock) }
    }

    fn lock_file(&self) -> PathBuf {
        self.path.join(LOCK_FILE)
    }

    pub(super) fn is_under_way(&self) -> bool {
        FileLock::is_held(&self.lock_file())
    }

    /// The project's studies, newest first.
    ///
    /// # Errors
    /// Errors of the file system. Without a folder of studies the list is empty.
    pub fn list(project_folder: &Path) -> Result<Vec<Self>, StorageError> {
        let studies = project_folder.join(STUDIES);
        remove_leftovers(&studies);
        let entries = match std::fs::read_dir(&studies) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(StorageError::io("read", &studies)(error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry.map_err(StorageError::io("read", &studies))?.path();
            if path.join(SETTINGS).exists() {
                found.push(Self { path });
            }
        }
        found.sort_by(|a, b| b.path.cmp(&a.path));
        Ok(found)
    }

    /// The study with this id, or the newest.
    ///
    /// # Errors
    /// [`StorageError::NoStudy`] with the ids there are.
    pub fn find(project_folder: &Path, id: Option<&str>) -> Result<Self, StorageError> {
        let studies = Self::list(project_folder)?;
        let ids: Vec<String> = studies.iter().map(Self::id).collect();
        let found = studies.into_iter().find(|study| id.is_none_or(|id| study.id() == id));
        found.ok_or_else(|| {
            let study = id.map_or_else(|| "no study".to_owned(), |id| format!("no study '{id}'"));
            let known = if ids.is_empty() {
                "Begin one with `hone cv`, `hone seeds`, `hone learning-curve` or `hone search`.".to_owned()
            } else {
                format!("Its studies: {}.", ids.join(", "))
            };
            StorageError::NoStudy { study, folder: project_folder.to_owned(), known }
        })
    }

    /// The study that a run is a trial of; `None` of a run of the project itself.
    #[must_use]
    pub fn of_trial(run: &RunFolder) -> Option<Self> {
        let path = run.path().parent()?.parent()?;
        let is_study = path.parent()?.file_name().is_some_and(|name| name == STUDIES);
        is_study.then(|| Self { path: path.to_owned() })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The study's id: its folder's name.
    #[must_use]
    pub fn id(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// The folder of the project that it belongs to.
    #[must_use]
    pub fn project_folder(&self) -> &Path {
        self.path.parent().and_then(Path::parent).unwrap_or(Path::new(""))
    }

    /// Reads `study.ron`; paths are made absolute, from where the project is now.
    ///
    /// # Errors
    /// Errors of the file system; a damaged file, or one of a newer version.
    pub fn read_settings(&self) -> Result<StudySettings, StorageError> {
        let path = self.path.join(SETTINGS);
        refuse_newer(&path, ("study", SCHEMA_VERSION), ADVICE)?;
        let mut settings: StudySettings = ron_file::read(&path, ADVICE)?;
        settings.project = with_absolute_paths(&settings.project, self.project_folder());
        Ok(settings)
    }

    /// The trials that began, in order of their numbers. Of a trial that began more than once, it is the one with a result, or else
    /// the newest.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn trials(&self) -> Result<Vec<TrialRun>, StorageError> {
        let mut trials: Vec<TrialRun> = Vec::new();
        for listing in RunFolder::list(&self.path)? {
            // A trial whose settings were never written begins again.
            let Ok(settings) = listing.folder.read_settings() else { continue };
            let Some(trial) = settings.trial else { continue };
            let (summary, failed) = match listing.status {
                RunStatus::Finished(summary) => (Some(summary), None),
                RunStatus::Running => (None, None),
                RunStatus::Failed(why) => (None, Some(why)),
            };
            let run = listing.folder;
            let (rows, project) = (settings.rows, settings.project);
            let found = TrialRun { trial, run, rows, project, summary, failed };
            match trials.iter_mut().find(|other| other.trial.number == found.trial.number) {
                Some(newer) if newer.summary.is_none() && found.summary.is_some() => *newer = found,
                Some(_) => {}
                None => trials.push(found),
            }
        }
        trials.sort_by_key(|trial| trial.trial.number);
        Ok(trials)
    }

    /// How far it came.
    #[must_use]
    pub fn state(&self) -> StudyState {
        if self.path.join(END).exists() {
            StudyState::Finished
        } else if self.is_under_way() {
            StudyState::UnderWay
        } else {
            StudyState::Interrupted
        }
    }

    /// Marks the study as ended, `at` so many seconds since 1970. `best_on_test` are the metrics of a search's best trial on the test
    /// rows.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn end(&self, at: u64, best_on_test: Option<Metrics>) -> Result<(), StorageError> {
        StorageError::unless_gone(&self.path)?;
        ron_file::write(&self.path.join(END), &StudyEnd { ended_at: at, best_on_test })
    }

    /// The metrics and the predictions of a search's best trial on the test rows; `None` before its end, without test rows, in studies
    /// of early versions, and if they cannot be read.
    #[must_use]
    pub fn best_on_test(&self) -> Option<(Metrics, Vec<Prediction>)> {
        let end: StudyEnd = ron_file::read(&self.path.join(END), ADVICE).ok()?;
        let predictions = self.read_predictions(StudyPredictions::BestTrial).ok()?;
        Some((end.best_on_test?, predictions)).filter(|(_, predictions)| !predictions.is_empty())
    }

    /// Removes the trained weights of a trial, of which only the metrics and predictions are needed.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn remove_weights(&self, run: &RunFolder) -> Result<(), StorageError> {
        let best = run.best();
        if best.exists() {
            remove_folder(&best).map_err(StorageError::io("remove", &best))?;
        }
        Ok(())
    }

    /// Writes what a model of the study answered to rows that it was not trained on.
    ///
    /// # Errors
    /// As [`write_predictions_to`].
    pub fn write_predictions(
        &self,
        which: StudyPredictions,
        predictions: &[Prediction],
        labels: &[String],
    ) -> Result<(), StorageError> {
        StorageError::unless_gone(&self.path)?;
        write_predictions_to(&self.predictions_path(), which.side(), predictions, labels)
    }

    /// Reads [the same](Self::write_predictions); none if they were never written.
    ///
    /// # Errors
    /// Errors of the file system, or a damaged file.
    pub fn read_predictions(&self, which: StudyPredictions) -> Result<Vec<Prediction>, StorageError> {
        read_predictions_of(&self.predictions_path(), which.side())
    }

    /// The file of these predictions.
    #[must_use]
    pub fn predictions_path(&self) -> PathBuf {
        self.path.join(PREDICTIONS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn studies_are_found_newest_first_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let message = StudyFolder::find(folder.path(), None).unwrap_err().to_string();
        assert!(message.contains("no study in") && message.contains("`hone cv`"), "{message}");
        let settings =
            |folds| StudySettings::new(StudyPlan::CrossValidation { folds }, Project::default(), "ab".to_owned());
        let (first, lock) = StudyFolder::create(folder.path(), &settings(3)).unwrap();
        let second = StudyFolder::create(folder.path(), &settings(5)).unwrap().0;
        assert_eq!(StudyFolder::list(folder.path()).unwrap(), [second.clone(), first.clone()]);
        assert_eq!(StudyFolder::find(folder.path(), None).unwrap(), second);
        assert_eq!(StudyFolder::find(folder.path(), Some(&first.id())).unwrap(), first);
        let message = StudyFolder::find(folder.path(), Some("x")).unwrap_err().to_string();
        assert!(message.contains("no study 'x'") && message.contains(&second.id()), "{message}");
        assert_eq!(first.read_settings().unwrap(), settings(3));
        assert!(matches!(first.hold(), Err(StorageError::StudyUnderWay(_))));
        assert_eq!(first.state(), StudyState::UnderWay);
        drop(lock);
        assert_eq!(first.state(), StudyState::Interrupted);
        first.end(1, None).unwrap();
        assert_eq!(first.state(), StudyState::Finished);
        assert!(first.hold().unwrap().is_some());
        let answered = first.read_predictions(StudyPredictions::OutOfFold).unwrap();
        assert!(first.trials().unwrap().is_empty() && answered.is_empty());
        std::fs::write(second.path().join(SETTINGS), "(plan: ").unwrap();
        let message = second.read_settings().unwrap_err().to_string();
        assert!(message.contains("is damaged") && message.contains("no longer be used"), "{message}");
    }

    #[test]
    fn a_study_of_a_newer_version_is_not_called_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let settings = StudySettings::new(StudyPlan::Seeds { seeds: 2 }, Project::default(), "ab".to_owned());
        let study = StudyFolder::create(folder.path(), &settings).unwrap().0;
        let path = study.path().join(SETTINGS);
        let written = std::fs::read_to_string(&path).unwrap();
        let newer = written.replace("Seeds(", "Bootstrap(").replace(env!("CARGO_PKG_VERSION"), "9.1.0");
        let with_version = |version: &str| {
            std::fs::write(&path, newer.replacen("schema_version: 1", version, 1)).unwrap();
            study.read_settings().unwrap_err().to_string()
        };
        let message = with_version("schema_version: 2");
        assert!(
            message.contains(
                "was written by a newer version of Hone (study format 2 of Hone 9.1.0; this version reads up to 1)"
            ) && message.ends_with("Update Hone to read it; nothing was changed."),
            "{message}"
        );
        assert!(with_version("schema_version: 1").contains("is damaged"));
        // Its own format is known, and not that of the project in it.
        let project = format!("schema_version: {}", crate::project::SCHEMA_VERSION);
        std::fs::write(&path, written.replacen(&project, "schema_version: 70", 1)).unwrap();
        let message = study.read_settings().unwrap_err().to_string();
        assert!(message.contains("newer version of Hone (project format 70"), "{message}");
    }

    #[test]
    fn the_runs_of_a_study_know_the_project() {
        let folder = tempfile::tempdir().unwrap();
        let settings = StudySettings::new(StudyPlan::Seeds { seeds: 2 }, Project::default(), "ab".to_owned());
        let study = StudyFolder::create(folder.path(), &settings).unwrap().0;
        let run = RunFolder::create(study.path()).unwrap().0;
        assert_eq!((run.project_folder(), study.project_folder()), (folder.path(), folder.path()));
        assert_eq!(StudyFolder::of_trial(&run), Some(study));
        let own = RunFolder::create(folder.path()).unwrap().0;
        assert_eq!(StudyFolder::of_trial(&own), None);
        assert!(RunFolder::list(folder.path()).unwrap().is_empty(), "it is no run of the project itself");
    }
}
