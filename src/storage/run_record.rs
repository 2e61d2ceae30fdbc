//! Everything that a list of runs shows.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::project::{MetricName, NetworkKind, Project, changes};
use crate::storage::run_folder::{BIN, RUNS};
use crate::storage::{
    DiskUse, Interruption, RunFolder, RunListing, RunOutcome, RunSettings, RunSummary, StepMetrics, StopReason,
    StorageError,
};

/// A run with everything that a list of runs shows.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    /// Its folder, number and notes.
    pub listing: RunListing,
    /// How it ended, if it has.
    pub outcome: RunOutcome,
    /// Everything that is needed to repeat it; `None` if that cannot be read.
    pub settings: Option<RunSettings>,
    /// How far it came, if it was interrupted.
    pub interruption: Option<Interruption>,
    /// The settings that are not those of a new project with the same data, labels and model, a line for each.
    pub chosen_settings: Vec<String>,
    /// Seconds since 1970 when it began.
    pub began_at: u64,
    /// Its last step so far, while it is training.
    pub latest: Option<StepMetrics>,
    /// What it takes of the disk.
    pub disk: DiskUse,
    /// Whether a person freed its weights.
    pub has_freed_weights: bool,
    stamp: Stamp,
}

/// The runs of a project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunRecords {
    /// Its runs, newest first.
    pub runs: Vec<Arc<RunRecord>>,
    /// Those in its bin, newest first.
    pub bin: Vec<Arc<RunRecord>>,
    /// The state of their folders when they were read.
    folders: Vec<(PathBuf, Stamp)>,
}

/// When the folder of a run, and that of its best checkpoint, were changed last; `None` while the run is training, when that says
/// nothing.
type Stamp = Option<[Option<SystemTime>; 2]>;

impl RunRecords {
    /// Reads the runs of a project. Those of `before` that have not changed since are not read again.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn read(project_folder: &Path, before: Option<&Self>) -> Result<Self, StorageError> {
        let folders = stamps(project_folder);
        // Asked every few seconds, so that this must be cheap where nothing happens.
        let is_same = |before: &&Self| before.folders == folders && folders.iter().all(|(_, stamp)| stamp.is_some());
        if let Some(before) = before.filter(is_same) {
            return Ok(before.clone());
        }
        let known = || before.into_iter().flat_map(|before| before.runs.iter().chain(&before.bin));
        let record = |listing: RunListing| {
            let stamp = stamp(&listing.folder);
            let same =
                |record: &&Arc<RunRecord>| record.listing == listing && record.stamp.is_some() && record.stamp == stamp;
            known().find(same).cloned().unwrap_or_else(|| Arc::new(RunRecord::read(listing, stamp)))
        };
        let read = |listings: Vec<RunListing>| listings.into_iter().map(record).collect();
        let (runs, bin) = (RunFolder::list(project_folder)?, RunFolder::list_bin(project_folder)?);
        Ok(Self { runs: read(runs), bin: read(bin), folders })
    }

    /// Whether these are the same runs in the same state, read at once or one after the other.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let same = |one: &[Arc<RunRecord>], other: &[Arc<RunRecord>]| {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| Arc::ptr_eq(one, other))
        };
        same(&self.runs, &other.runs) && same(&self.bin, &other.bin)
    }

    /// The best run by its score: among those measured by the same metric as the newest one that was.
    #[must_use]
    pub fn best(&self) -> Option<&Arc<RunRecord>> {
        let (metric, _) = self.runs.iter().find_map(|run| run.score())?;
        let of_metric = |run: &&Arc<RunRecord>| run.score().is_some_and(|(name, _)| name == metric);
        let value = |run: &Arc<RunRecord>| run.goodness().unwrap_or(f64::NEG_INFINITY);
        // Of equally good ones, the newer.
        self.runs.iter().filter(of_metric).rev().max_by(|one, other| value(one).total_cmp(&value(other)))
    }

    /// What all runs take of the disk, without those in the bin.
    #[must_use]
    pub fn disk(&self) -> DiskUse {
        self.runs.iter().map(|run| run.disk).sum()
    }
}

impl RunRecord {
    fn read(listing: RunListing, stamp: Stamp) -> Self {
        let folder = &listing.folder;
        let outcome = folder.outcome();
        let is_under_way = outcome == RunOutcome::UnderWay;
        let settings = folder.read_settings().ok();
        Self {
            chosen_settings: settings.as_ref().map(|settings| chosen_settings(&settings.project)).unwrap_or_default(),
            settings,
            interruption: folder.interruption(),
            began_at: outcome.summary().map_or_else(|| folder.began_at(), |summary| summary.started_at),
            latest: is_under_way.then(|| folder.latest_step()).flatten(),
            disk: folder.disk_use(),
            has_freed_weights: folder.has_freed_weights(),
            stamp: stamp.filter(|_| !is_under_way),
            outcome,
            listing,
        }
    }

    /// Its summary, if it has a model.
    #[must_use]
    pub fn summary(&self) -> Option<&RunSummary> {
        self.outcome.summary()
    }

    /// Whether it is training, here or in another process.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.outcome == RunOutcome::UnderWay
    }

    /// Whether it ended as it was meant to, and has its results.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        matches!(&self.outcome, RunOutcome::Finished(summary) if summary.stop_reason != StopReason::CutOff)
    }

    /// Its main metric: on test rows, or on validation rows if there are none.
    #[must_use]
    pub fn score(&self) -> Option<(MetricName, f64)> {
        let measured = self.summary()?.measured();
        if measured.rows() == 0 { None } else { measured.figures().first().copied() }
    }

    /// Its main metric, turned so that higher is better.
    #[must_use]
    pub fn goodness(&self) -> Option<f64> {
        self.score().map(|(name, value)| if name.higher_is_better() { value } else { -value })
    }

    /// Seconds that it trained for, so far.
    #[must_use]
    pub fn train_seconds(&self) -> Option<f64> {
        let so_far = || self.latest.as_ref().map(|step| step.train_seconds);
        self.summary().map(|summary| summary.train_seconds).or_else(so_far)
    }

    /// What a person calls it: its name, or its number.
    #[must_use]
    pub fn title(&self) -> String {
        if self.listing.notes.name.is_empty() {
            format!("Run {}", self.listing.number)
        } else {
            self.listing.notes.name.clone()
        }
    }

    /// Its model, and what of it was trained; empty if its settings cannot be read.
    #[must_use]
    pub fn trained_in_words(&self) -> String {
        self.settings.as_ref().map(|settings| settings.project.trained_in_words()).unwrap_or_default()
    }
}

/// The settings that are not those of a new project with the same data, labels and model. Of the kinds of networks, the one counts
/// whose presets are nearest.
#[must_use]
pub fn chosen_settings(project: &Project) -> Vec<String> {
    let mut usual = Project {
        dataset: project.dataset.clone(),
        model: project.model.clone(),
        edits: project.edits.clone(),
        ..Project::new(project.task.kind())
    };
    if let (Some(labels), Some(own)) = (usual.labels_mut(), project.classification()) {
        labels.clone_from(&own.labels);
    }
    let kind = project.task.kind();
    let of_network = |network| {
        let training = usual.training.moved(kind, NetworkKind::OF_DEFAULT_MODEL, network);
        changes(&Project { training, ..usual.clone() }, project)
    };
    NetworkKind::ALL.map(of_network).into_iter().min_by_key(Vec::len).unwrap_or_default()
}

/// The state of all folders of runs, those in the bin too.
fn stamps(project_folder: &Path) -> Vec<(PathBuf, Stamp)> {
    let folders =
        [RUNS, BIN].into_iter().flat_map(|name| std::fs::read_dir(project_folder.join(name)).into_iter().flatten());
    let mut paths: Vec<PathBuf> = folders.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let stamped = |path: PathBuf| (path.clone(), stamp(&RunFolder::at(path)));
    paths.into_iter().map(stamped).collect()
}

fn stamp(run: &RunFolder) -> Stamp {
    let changed = |path: &Path| std::fs::metadata(path).and_then(|about| about.modified()).ok();
    (!run.is_under_way()).then(|| [changed(run.path()), changed(&run.best())])
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::evaluation::{ClassificationMetrics, Metrics};
    use crate::storage::{RUN_SCHEMA_VERSION, RunStatus};

    /// A finished run with this many of 40 test rows right.
    pub fn finished(project_folder: &Path, right: u32) -> RunFolder {
        let run = RunFolder::create(project_folder).unwrap().0;
        let project = Project::default();
        let truth: Vec<u32> = (0..40).map(|row| row % 2).collect();
        let predicted: Vec<u32> = (0..40).map(|row| if row < right { row % 2 } else { 1 - row % 2 }).collect();
        let labels = ["bad", "good"].map(str::to_owned);
        let metrics = ClassificationMetrics::compute(&labels, &truth, &predicted, 0.5);
        run.write_settings(&RunSettings {
            schema_version: RUN_SCHEMA_VERSION,
            project,
            labels: labels.to_vec(),
            data_hash: "data".to_owned(),
            split_hash: "split".to_owned(),
            rows: [80, 20, 40],
            model_sha256: String::new(),
            hone_version: "0.1.0".to_owned(),
            device: "CPU, f32".to_owned(),
            pooling: None,
            trial: None,
            kept_from: None,
        })
        .unwrap();
        let summary = RunSummary {
            run: run.id(),
            started_at: 1_795_429_440,
            steps: 10,
            epochs: 1.0,
            train_seconds: 9.5,
            tokens_per_second: 1_000.0,
            peak_memory: 0,
            device: "CPU, f32".to_owned(),
            stop_reason: StopReason::Completed,
            best_step: 10,
            validation: Metrics::Classification(metrics.clone()),
            test: Some(Metrics::Classification(metrics)),
        };
        run.write_status(&RunStatus::Finished(summary)).unwrap();
        run
    }

    #[test]
    fn a_record_says_how_good_a_run_is_and_what_is_unusual_about_it() {
        let folder = tempfile::tempdir().unwrap();
        for right in [30, 36, 33] {
            finished(folder.path(), right);
        }
        let mut settings = RunFolder::list(folder.path()).unwrap()[0].folder.read_settings().unwrap();
        settings.project.training.epochs = 7;
        RunFolder::list(folder.path()).unwrap()[0].folder.write_settings(&settings).unwrap();
        let records = RunRecords::read(folder.path(), None).unwrap();
        let best = records.best().unwrap();
        assert_eq!((best.listing.number, best.score().unwrap().0), (2, MetricName::MacroF1));
        assert!(best.chosen_settings.is_empty() && best.is_finished());
        assert_eq!(records.runs[0].chosen_settings, ["Epochs: 3 → 7"]);
        assert_eq!((best.title(), best.trained_in_words().as_str()), ("Run 2".to_owned(), "minilm-l6, all layers"));
        assert!(records.disk().rest > 0 && records.bin.is_empty());
    }

    #[test]
    fn only_runs_that_have_changed_are_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (finished(folder.path(), 30), finished(folder.path(), 36));
        let before = RunRecords::read(folder.path(), None).unwrap();
        second.change_notes(|notes| notes.star = true).unwrap();
        let after = RunRecords::read(folder.path(), Some(&before)).unwrap();
        assert!(Arc::ptr_eq(&before.runs[1], &after.runs[1]), "nothing of the first has changed");
        assert!(!after.is_same(&before) && RunRecords::read(folder.path(), Some(&after)).unwrap().is_same(&after));
        assert!(after.runs[0].listing.notes.star);
        let training = first.hold().unwrap();
        first.write_status(&RunStatus::Running).unwrap();
        let step = StepMetrics {
            step: 3,
            epoch: 0.5,
            loss: 1.0,
            learning_rate: 1e-5,
            grad_norm: 1.0,
            tokens: 10,
            train_seconds: 4.0,
            memory: 0,
        };
        first.append_steps(&[step]).unwrap();
        let now = RunRecords::read(folder.path(), Some(&after)).unwrap();
        assert_eq!((now.runs[1].is_under_way(), now.runs[1].train_seconds()), (true, Some(4.0)));
        drop(training);
        let ended = RunRecords::read(folder.path(), Some(&now)).unwrap();
        assert!(!ended.runs[1].is_under_way() && ended.runs[1].interruption.is_some());
        first.delete().unwrap();
        let binned = RunRecords::read(folder.path(), Some(&ended)).unwrap();
        assert_eq!((binned.runs.len(), binned.bin.len()), (1, 1));
    }
}
