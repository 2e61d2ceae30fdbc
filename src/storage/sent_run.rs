//! A run that was trained on another machine: which of its files are sent, and how they are taken in here.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Component, Path};

use crate::project::Project;
use crate::storage::predictions::FILE as PREDICTIONS;
use crate::storage::run_folder::{FIGURES, RUN_ADVICE, SETTINGS, STATUS};
use crate::storage::run_metrics::METRICS;
use crate::storage::{
    RunFolder, RunSettings, RunStatus, RunSummary, StorageError, files_below, remove_file, remove_folder,
    replace_folder, write_atomic,
};

/// The folder of the trained model.
const BEST: &str = "best";
/// Levels of folders in it.
const MOST_LEVELS: usize = 4;

impl RunFolder {
    /// The text of `settings.ron`.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn settings_text(&self) -> Result<String, StorageError> {
        let path = self.path().join(SETTINGS);
        std::fs::read_to_string(&path).map_err(StorageError::io("read", &path))
    }

    /// Writes the settings of the same run on another machine, where the project was elsewhere. `project` is this one, as it was
    /// trained there.
    ///
    /// # Errors
    /// A damaged text, or errors of the file system.
    pub fn take_in_settings(&self, text: &str, project: &Project) -> Result<RunSettings, StorageError> {
        let sent: RunSettings = self.parsed(SETTINGS, text)?;
        let settings = RunSettings { project: project.clone(), ..sent };
        self.write_settings(&settings)?;
        Ok(settings)
    }

    /// The files of a finished run that another machine needs besides its settings, as paths below its folder with `/`; those of
    /// the trained model if `with_weights`.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn files_to_send(&self, with_weights: bool) -> Result<Vec<String>, StorageError> {
        let single =
            [METRICS, FIGURES, PREDICTIONS, STATUS].into_iter().filter(|name| self.path().join(name).is_file());
        let mut files: Vec<String> = single.map(str::to_owned).collect();
        if with_weights {
            let weights = files_below(&self.best(), BEST, MOST_LEVELS, |_| true)?;
            files.extend(weights.into_iter().map(|(name, _)| name));
        }
        Ok(files)
    }

    /// Writes the [files](Self::files_to_send) of the same run on another machine. The run is finished then.
    ///
    /// # Errors
    /// [`StorageError::Damaged`] if these are not the files of a finished run; errors of the file system.
    pub fn take_in(&self, files: &BTreeMap<String, Vec<u8>>) -> Result<RunSummary, StorageError> {
        self.unless_gone()?;
        if let Some(name) = files.keys().find(|name| !is_of_a_run(name)) {
            return Err(self.damaged(name, "it is no file of a run"));
        }
        let status = files.get(STATUS).and_then(|bytes| std::str::from_utf8(bytes).ok());
        let status: RunStatus = self.parsed(STATUS, status.unwrap_or_default())?;
        let RunStatus::Finished(summary) = status else { return Err(self.damaged(STATUS, "the run had not finished")) };
        let weights: Vec<(&str, &Vec<u8>)> = files
            .iter()
            .filter_map(|(name, bytes)| Some((name.strip_prefix(BEST)?.strip_prefix('/')?, bytes)))
            .collect();
        if !weights.is_empty() {
            replace_folder(&self.best(), |new| {
                weights.iter().try_for_each(|(name, bytes)| write(&new.join(name), bytes))
            })?;
        }
        for name in [METRICS, FIGURES, PREDICTIONS] {
            if let Some(bytes) = files.get(name) {
                write(&self.path().join(name), bytes)?;
            }
        }
        let summary = RunSummary { run: self.id(), ..summary };
        self.write_status(&RunStatus::Finished(summary.clone()))?;
        Ok(summary)
    }

    /// Removes what an earlier try to train this run left, so that it begins again in the same folder.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn begin_again(&self) -> Result<(), StorageError> {
        self.unless_gone()?;
        self.remove_checkpoints()?;
        let best = self.best();
        if best.exists() {
            remove_folder(&best).map_err(StorageError::io("remove", &best))?;
        }
        for name in [METRICS, FIGURES, PREDICTIONS] {
            let path = self.path().join(name);
            remove_file(&path).map_err(StorageError::io("remove", &path))?;
        }
        self.write_status(&RunStatus::Running)
    }

    fn parsed<T: serde::de::DeserializeOwned>(&self, name: &str, text: &str) -> Result<T, StorageError> {
        ron::from_str(text).map_err(|error| self.damaged(name, &error.to_string()))
    }

    fn damaged(&self, name: &str, reason: &str) -> StorageError {
        StorageError::Damaged { path: self.path().join(name), reason: reason.to_owned(), advice: RUN_ADVICE }
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), StorageError> {
    write_atomic(path, |file| file.write_all(bytes)).map_err(StorageError::io("write", path))
}

/// Whether a run has a file of this name, which came over the network.
fn is_of_a_run(name: &str) -> bool {
    let is_plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    let is_in_best = name.strip_prefix(BEST).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'));
    is_plain && !name.contains('\\') && (is_in_best || [METRICS, FIGURES, PREDICTIONS, STATUS].contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::Metrics;
    use crate::project::TaskKind;
    use crate::storage::{EvaluationPoint, StopReason};

    fn run(folder: &Path) -> RunFolder {
        let run = RunFolder::create(folder).unwrap().0;
        run.write_status(&RunStatus::Running).unwrap();
        run
    }

    fn finished(folder: &Path) -> RunFolder {
        let run = run(folder);
        let metrics = Metrics::empty(TaskKind::TextClassification);
        run.append_evaluation(&EvaluationPoint { step: 3, epoch: 1.0, metrics, is_best: true }).unwrap();
        std::fs::create_dir_all(run.best().join("1_Pooling")).unwrap();
        std::fs::write(run.best().join("model.safetensors"), "weights").unwrap();
        std::fs::write(run.best().join("1_Pooling/config.json"), "{}").unwrap();
        run.write_status(&RunStatus::Finished(run.summary_so_far(StopReason::Completed))).unwrap();
        run
    }

    fn sent(run: &RunFolder, with_weights: bool) -> BTreeMap<String, Vec<u8>> {
        let files = run.files_to_send(with_weights).unwrap();
        files.into_iter().map(|name| (name.clone(), std::fs::read(run.path().join(name)).unwrap())).collect()
    }

    #[test]
    fn a_run_of_another_machine_is_the_same_run_here() {
        let folder = tempfile::tempdir().unwrap();
        let there = finished(&folder.path().join("there"));
        let here = run(&folder.path().join("here"));
        std::fs::create_dir(here.best()).unwrap();
        std::fs::write(here.best().join("old"), "").unwrap();
        let summary = here.take_in(&sent(&there, true)).unwrap();
        assert_eq!((summary.run, summary.best_step), (here.id(), 3));
        assert_eq!(here.read_metrics().unwrap(), there.read_metrics().unwrap());
        assert_eq!(std::fs::read_to_string(here.best().join("1_Pooling/config.json")).unwrap(), "{}");
        assert!(here.best().join("model.safetensors").is_file() && !here.best().join("old").exists());
        let files: Vec<String> = there.files_to_send(false).unwrap();
        assert_eq!(files, ["metrics.jsonl", "status.ron"]);
    }

    #[test]
    fn files_of_another_machine_go_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let (there, here) = (finished(&folder.path().join("there")), run(&folder.path().join("here")));
        for name in ["../x", "best/../../x", "/x", "best", "best/", "notes.ron", "best\\x", "settings.ron"] {
            let mut files = sent(&there, false);
            files.insert(name.to_owned(), Vec::new());
            let message = here.take_in(&files).unwrap_err().to_string();
            assert!(message.contains("no file of a run"), "{name}: {message}");
        }
        let unfinished = BTreeMap::from([("status.ron".to_owned(), b"Running".to_vec())]);
        let message = here.take_in(&unfinished).unwrap_err().to_string();
        assert!(message.contains("had not finished"), "{message}");
        assert!(here.take_in(&BTreeMap::new()).is_err());
        assert_eq!(here.read_status().unwrap(), RunStatus::Running);
    }

    #[test]
    fn a_run_that_begins_again_has_nothing_of_before() {
        let folder = tempfile::tempdir().unwrap();
        let run = finished(folder.path());
        run.begin_again().unwrap();
        assert_eq!(run.read_status().unwrap(), RunStatus::Running);
        assert!(!run.best().exists() && run.read_metrics().unwrap().1.is_empty());
    }
}
