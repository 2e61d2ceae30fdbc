//! The outcome of a run. One that an error or a crash ended early may still have a usable best checkpoint.

use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::evaluation::Metrics;
use crate::storage::run_folder::{LOCK_FILE, SETTINGS};
use crate::storage::{
    EvaluationPoint, FileLock, MODEL_INFO_FILE, RunFolder, RunStatus, RunSummary, StepMetrics, StopReason,
    StorageError, ron_file,
};

/// The step and metrics of a checkpoint, in its folder. Hidden, because exports do not have it.
const POINT_FILE: &str = ".checkpoint.ron";

/// The outcome of a run.
#[allow(clippy::large_enum_variant, reason = "a few at a time, read from files")]
#[derive(Clone, Debug, PartialEq)]
pub enum RunOutcome {
    /// It finished, with its metrics.
    Finished(RunSummary),
    /// It is training now, here or in another process.
    UnderWay,
    /// An error or a crash ended it early.
    CutOff {
        /// Why, as a sentence.
        why: String,
        /// The metrics of its best checkpoint, if it has one.
        kept: Option<RunSummary>,
    },
}

/// A run with a trained model in `best/`.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainedRun {
    /// Its metrics; with [`StopReason::CutOff`] if they were collected from the files of an interrupted run.
    pub summary: RunSummary,
    /// Why it ended early, if it did.
    pub cut_off: Option<String>,
}

/// How far an interrupted run came.
#[derive(Clone, Debug, PartialEq)]
pub struct Interruption {
    /// The run.
    pub run: RunFolder,
    /// Optimizer steps that were done.
    pub steps: u64,
    /// The step that it goes on after; 0 without a checkpoint.
    pub resumes_after: u64,
    /// Seconds of training that are done again.
    pub seconds_lost: f64,
}

impl RunOutcome {
    /// The metrics of the run's model, if it has one.
    #[must_use]
    pub fn summary(&self) -> Option<&RunSummary> {
        match self {
            Self::Finished(summary) => Some(summary),
            Self::UnderWay => None,
            Self::CutOff { kept, .. } => kept.as_ref(),
        }
    }
}

impl RunFolder {
    /// Marks the run as training until the lock is dropped; `None` if the file system has no locks.
    #[must_use]
    pub fn hold(&self) -> Option<FileLock> {
        // Training continues without the mark.
        FileLock::try_take(&self.path().join(LOCK_FILE)).ok().flatten()
    }

    /// Marks the run as training, as [`Self::hold`] does, if no other process does so.
    ///
    /// # Errors
    /// [`StorageError::UnderWay`].
    pub fn hold_alone(&self) -> Result<Option<FileLock>, StorageError> {
        let lock = self.hold();
        if lock.is_none() && self.is_under_way() { Err(StorageError::UnderWay(self.id())) } else { Ok(lock) }
    }

    /// The step that the best checkpoint is of; `None` if there is none, or one of an early version.
    #[must_use]
    pub fn best_step(&self) -> Option<u64> {
        read_checkpoint_point(&self.best()).map(|point| point.step)
    }

    /// Whether a process is training the run.
    pub(super) fn is_under_way(&self) -> bool {
        FileLock::is_held(&self.path().join(LOCK_FILE))
    }

    /// The run's outcome. A run whose status cannot be read counts as ended early.
    #[must_use]
    pub fn outcome(&self) -> RunOutcome {
        // The lock is read before the status, because a run writes its status before it frees the lock.
        let under_way = self.is_under_way();
        let why = match self.read_status() {
            Ok(RunStatus::Finished(summary)) => return RunOutcome::Finished(summary),
            Ok(RunStatus::Running) | Err(_) if under_way => return RunOutcome::UnderWay,
            Ok(RunStatus::Running) => "Hone quit or crashed during training.".to_owned(),
            Ok(RunStatus::Failed(why)) => why,
            Err(error) => error.to_string(),
        };
        RunOutcome::CutOff { why, kept: self.has_best().then(|| self.summary_so_far(StopReason::CutOff)) }
    }

    /// The run with this id, or else the newest that was interrupted, to be resumed.
    ///
    /// # Errors
    /// [`StorageError::NothingToResume`], [`StorageError::UnderWay`], [`StorageError::NoRun`].
    pub fn find_interrupted(project_folder: &Path, id: Option<&str>) -> Result<Self, StorageError> {
        if let Some(id) = id {
            let run = Self::find(project_folder, Some(id))?;
            return match run.outcome() {
                RunOutcome::UnderWay => Err(StorageError::UnderWay(run.id())),
                _ if run.is_interrupted() => Ok(run),
                _ => Err(StorageError::NothingToResume(format!("Run {id} was not interrupted"))),
            };
        }
        let runs = Self::list(project_folder)?;
        let found = runs.into_iter().map(|run| run.folder).find(Self::is_interrupted);
        found.ok_or_else(|| StorageError::NothingToResume("No run of this project was interrupted".to_owned()))
    }

    /// How far the run came, if it was interrupted. Steps whose lines cannot be read do not count.
    #[must_use]
    pub fn interruption(&self) -> Option<Interruption> {
        if !self.is_interrupted() {
            return None;
        }
        let resumes_after = self.checkpoints().ok()?.last().copied().unwrap_or(0);
        let (steps, _) = self.read_metrics().unwrap_or_default();
        let seconds = |step: &StepMetrics| step.train_seconds;
        let at_checkpoint = steps.iter().rfind(|step| step.step <= resumes_after).map_or(0.0, seconds);
        let last = steps.last();
        Some(Interruption {
            run: self.clone(),
            steps: last.map_or(resumes_after, |last| last.step.max(resumes_after)),
            resumes_after,
            seconds_lost: (last.map_or(0.0, seconds) - at_checkpoint).max(0.0),
        })
    }

    /// Whether a crash, or an error after its first checkpoint, ended the run early.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        let has_crashed = || matches!(self.read_status(), Ok(RunStatus::Running));
        let has_checkpoint = || self.checkpoints().is_ok_and(|steps| !steps.is_empty());
        match self.outcome() {
            RunOutcome::CutOff { .. } => has_crashed() || has_checkpoint(),
            // Its best checkpoint was evaluated since.
            RunOutcome::Finished(summary) => summary.stop_reason == StopReason::CutOff && has_checkpoint(),
            RunOutcome::UnderWay => false,
        }
    }

    /// The run's metrics, if it has a trained model.
    ///
    /// # Errors
    /// As [`Self::measured`], and [`StorageError::WeightsFreed`].
    pub fn trained(&self) -> Result<TrainedRun, StorageError> {
        let measured = self.measured()?;
        if self.has_freed_weights() { Err(StorageError::WeightsFreed(self.id())) } else { Ok(measured) }
    }

    /// The run's metrics, whether its weights are still there or were freed.
    ///
    /// # Errors
    /// [`StorageError::UnderWay`], or [`StorageError::NoModel`] with the reason.
    pub fn measured(&self) -> Result<TrainedRun, StorageError> {
        let run = self.id();
        match self.outcome() {
            RunOutcome::Finished(summary) => Ok(TrainedRun { summary, cut_off: None }),
            RunOutcome::CutOff { why, kept: Some(summary) } => Ok(TrainedRun { summary, cut_off: Some(why) }),
            RunOutcome::CutOff { why, kept: None } => Err(StorageError::NoModel { run, why }),
            RunOutcome::UnderWay => Err(StorageError::UnderWay(run)),
        }
    }

    /// Whether there is a best checkpoint. It is replaced as a whole, so one that exists is complete.
    fn has_best(&self) -> bool {
        self.best().join(MODEL_INFO_FILE).is_file()
    }

    /// The summary of a run that ended before it wrote one, from its `metrics.jsonl`.
    #[must_use]
    pub fn summary_so_far(&self, stop_reason: StopReason) -> RunSummary {
        // The weights are usable even if the crash took the metrics too.
        let (steps, evaluations) = self.read_metrics().unwrap_or_default();
        let last = steps.last();
        let tokens: u64 = steps.iter().map(|step| step.tokens).sum();
        let train_seconds = last.map_or(0.0, |step| step.train_seconds);
        // The crash may have come between the checkpoint and its line among the metrics.
        let best = read_checkpoint_point(&self.best());
        let best = best.or_else(|| evaluations.into_iter().rfind(|evaluation| evaluation.is_best));
        let settings = self.read_settings().map(|settings| (settings.device, settings.project.task.kind()));
        let (device, task) = settings.unwrap_or_default();
        RunSummary {
            run: self.id(),
            started_at: self.began_at(),
            steps: last.map_or(0, |step| step.step),
            epochs: last.map_or(0.0, |step| step.epoch),
            train_seconds,
            tokens_per_second: if train_seconds > 0.0 { tokens as f64 / train_seconds } else { 0.0 },
            peak_memory: 0,
            device,
            stop_reason,
            best_step: best.as_ref().map_or(0, |best| best.step),
            validation: best.map_or_else(|| Metrics::empty(task), |best| best.metrics),
            test: None,
        }
    }

    /// Seconds since 1970 when the run began: its settings are its first file.
    #[must_use]
    pub fn began_at(&self) -> u64 {
        let written = std::fs::metadata(self.path().join(SETTINGS)).and_then(|file| file.modified());
        written.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default().as_secs()
    }
}

/// Writes the step and metrics of a checkpoint into its folder.
///
/// # Errors
/// Errors of the file system.
pub fn write_checkpoint_point(folder: &Path, point: &EvaluationPoint) -> Result<(), StorageError> {
    ron_file::write(&folder.join(POINT_FILE), point)
}

/// The step and metrics of a checkpoint; `None` for one of an early version.
fn read_checkpoint_point(folder: &Path) -> Option<EvaluationPoint> {
    ron_file::read(&folder.join(POINT_FILE), "").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_under_way_only_while_its_process_lives() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path()).unwrap().0;
        let lock = run.hold().unwrap();
        run.write_status(&RunStatus::Running).unwrap();
        assert_eq!(run.outcome(), RunOutcome::UnderWay);
        assert!(run.trained().unwrap_err().to_string().contains("still being trained"));
        drop(lock);
        assert!(matches!(run.outcome(), RunOutcome::CutOff { kept: None, .. }));
        let message = run.trained().unwrap_err().to_string();
        assert!(message.contains("no trained model") && message.contains("Hone quit or crashed"), "{message}");
    }
    #[test]
    fn the_metrics_of_a_run_cut_off_are_those_of_its_weights() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path()).unwrap().0;
        run.write_status(&RunStatus::Running).unwrap();
        let point = |step| {
            let metrics = Metrics::empty(crate::project::TaskKind::TextClassification);
            EvaluationPoint { step, epoch: 1.0, metrics, is_best: true }
        };
        std::fs::create_dir(run.best()).unwrap();
        std::fs::write(run.best().join(MODEL_INFO_FILE), "()").unwrap();
        run.append_evaluation(&point(46)).unwrap();
        let best_step = || run.outcome().summary().map(|summary| summary.best_step);
        assert_eq!(best_step(), Some(46), "a checkpoint of an early version");
        write_checkpoint_point(&run.best(), &point(48)).unwrap();
        assert_eq!(best_step(), Some(48), "its line among the metrics is missing");
    }
}
