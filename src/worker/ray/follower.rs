//! Follows the job of one trial: writes what it prints into the study, as if it had been trained here.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::evaluation::Metrics;
use crate::project::{MetricName, Project, Trial};
use crate::storage::{EvaluationPoint, FileLock, RunFolder, RunStatus, StorageError, StudyFolder};
use crate::training;
use crate::words::shortened;
use crate::worker::ray::message::TrialMessage;
use crate::worker::ray::names::sha256;
use crate::worker::{RunEvent, RunStart};

/// Bytes of a job's log that are read in a second, on average.
const LOG_BYTES_PER_SECOND: f64 = 1e6;
/// Lines of a job that are kept for the message if its program cannot run.
const LAST_LINES: usize = 3;
/// Most characters of such a line.
const MOST_CHARACTERS: usize = 300;

/// A trial whose job was submitted.
pub(super) struct Follower {
    /// The trial.
    pub trial: Trial,
    /// The id of its job.
    pub job: String,
    /// Which of the trial's jobs this is, from 1.
    pub attempt: u32,
    /// Workers that this process saw the trial lose.
    pub lost: u32,
    /// The node that it trains on, once that is known.
    pub node: Option<String>,
    /// Whether it was told to stop because other trials do better.
    pub is_behind: bool,
    /// How its own account ends.
    pub end: Option<TrialEnd>,
    /// The project as the trial trains it.
    project: Project,
    /// Bytes of the log that were taken in.
    read: usize,
    log_due: Instant,
    run: Option<RunFolder>,
    lock: Option<FileLock>,
    total_steps: u64,
    /// The metrics of its best checkpoint so far.
    best: Option<Metrics>,
    /// Whether the files of the run are being printed.
    is_sending: bool,
    files: BTreeMap<String, Vec<u8>>,
    last_lines: VecDeque<String>,
}

/// How a job says that its trial ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TrialEnd {
    /// It is finished, and its files have arrived.
    Sent,
    /// Its files are not what was sent.
    Damaged,
    /// It failed, for a reason that another node would not change.
    Failed(String),
}

/// News of a trial.
#[derive(Clone, Debug)]
pub(super) enum News {
    /// An event of its run.
    Run(RunEvent),
    /// A warning.
    Warning(String),
}

impl Follower {
    /// Of a trial whose job is this one. `begun` is a run that the trial has in the study already, and that ended without a result.
    pub fn new(trial: Trial, project: Project, begun: Option<RunFolder>) -> Self {
        Self {
            trial,
            job: String::new(),
            attempt: 0,
            lost: 0,
            node: None,
            is_behind: false,
            end: None,
            project,
            read: 0,
            log_due: Instant::now(),
            run: begun,
            lock: None,
            total_steps: 0,
            best: None,
            is_sending: false,
            files: BTreeMap::new(),
            last_lines: VecDeque::new(),
        }
    }

    /// Follows another job of the same trial, from its beginning.
    pub fn follow(&mut self, job: String, attempt: u32) {
        (self.job, self.attempt, self.read) = (job, attempt, 0);
        (self.node, self.end, self.best, self.is_behind, self.is_sending) = (None, None, None, false, false);
        self.files.clear();
        self.last_lines.clear();
    }

    /// Its run, once it has one.
    pub fn run(&self) -> Option<&RunFolder> {
        self.run.as_ref()
    }

    /// Whether its log is read now, although the job has not ended. Ray always sends all of it: the longer it is, the more seldom it
    /// is read, and not at all while the job prints its files.
    pub fn is_log_due(&self) -> bool {
        !self.is_sending && Instant::now() >= self.log_due
    }

    /// Whether one of its newest evaluations says that other trials do better, so that it need not go on. `others` are the
    /// evaluations of those that ended, and the best of their scores.
    ///
    /// One that had the best score of all at an earlier evaluation is never left behind, because its weights are needed.
    pub fn is_left_behind(
        &self,
        metric: MetricName,
        newest: &[EvaluationPoint],
        (others, best): (&[Vec<EvaluationPoint>], Option<f64>),
    ) -> bool {
        let own = self.best.as_ref().and_then(|metrics| metrics.get(metric));
        let is_best = own.zip(best).is_none_or(|(own, best)| metric.is_better(own, best));
        let has_more_steps = |point: &&EvaluationPoint| !self.is_sending && point.step < self.total_steps;
        !is_best && newest.iter().filter(has_more_steps).any(|point| training::falls_behind(metric, point, others))
    }

    /// What the job printed last that was not for Hone.
    pub fn last_lines(&self) -> String {
        Vec::from(self.last_lines.clone()).join(" / ")
    }

    /// Takes in what is new in the job's log.
    ///
    /// # Errors
    /// The run cannot be written.
    pub fn take_in(&mut self, log: &str, study: &StudyFolder, tell: &mut dyn FnMut(News)) -> Result<(), StorageError> {
        let new = log.get(self.read..).unwrap_or_default();
        // The last line may not be whole yet.
        let whole = new.rfind('\n').map_or(0, |end| end + 1);
        for line in new[..whole].lines() {
            match TrialMessage::of_line(line) {
                Some(message) => self.hear(message, study, tell)?,
                None => self.keep_line(line),
            }
        }
        self.read += whole;
        self.log_due = Instant::now() + Duration::from_secs_f64(log.len() as f64 / LOG_BYTES_PER_SECOND);
        Ok(())
    }

    fn keep_line(&mut self, line: &str) {
        if !line.trim().is_empty() {
            self.last_lines.push_back(shortened(line.trim(), MOST_CHARACTERS));
            if self.last_lines.len() > LAST_LINES {
                self.last_lines.pop_front();
            }
        }
    }

    fn hear(
        &mut self,
        message: TrialMessage,
        study: &StudyFolder,
        tell: &mut dyn FnMut(News),
    ) -> Result<(), StorageError> {
        match (message, &self.run) {
            (TrialMessage::Started { settings, total_steps, steps_per_epoch }, _) => {
                self.total_steps = total_steps;
                let start = self.begin(&settings, study, [total_steps, steps_per_epoch])?;
                tell(News::Run(RunEvent::Started(Arc::new(start))));
            }
            (TrialMessage::Steps(steps), Some(run)) => {
                run.append_steps(&steps)?;
                tell(News::Run(RunEvent::Steps(steps)));
            }
            (TrialMessage::Evaluation(point), Some(run)) => {
                run.append_evaluation(&point)?;
                if point.is_best {
                    self.best = Some(point.metrics.clone());
                }
                tell(News::Run(RunEvent::Evaluation(point)));
            }
            (TrialMessage::Warning(message), _) => tell(News::Warning(message)),
            (TrialMessage::Sending, _) => self.is_sending = true,
            (TrialMessage::Piece { file, data }, _) => match TrialMessage::bytes_of(&data) {
                Some(bytes) => self.files.entry(file).or_default().extend(bytes),
                None => self.end = Some(TrialEnd::Damaged),
            },
            (TrialMessage::Sent { sha256: hashes }, _) => {
                // A file without a piece is empty.
                for name in hashes.keys() {
                    self.files.entry(name.clone()).or_default();
                }
                let is_whole = self.files.iter().all(|(name, bytes)| hashes.get(name) == Some(&sha256(bytes)));
                let has_begun = self.run.is_some();
                self.end = Some(if is_whole && has_begun { TrialEnd::Sent } else { TrialEnd::Damaged });
            }
            (TrialMessage::Failed(why), _) => self.end = Some(TrialEnd::Failed(why)),
            // Nobody prints these before training begins.
            (TrialMessage::Steps(_) | TrialMessage::Evaluation(_), None) => {}
        }
        Ok(())
    }

    /// Makes the folder of the trial's run in the study, or empties the one that an earlier try left.
    fn begin(&mut self, settings: &str, study: &StudyFolder, steps: [u64; 2]) -> Result<RunStart, StorageError> {
        let run = if let Some(run) = self.run.clone() {
            if self.lock.is_none() {
                self.lock = run.hold_alone()?;
            }
            run.begin_again()?;
            run
        } else {
            let (run, lock) = RunFolder::create(study.path())?;
            self.lock = lock;
            run
        };
        let settings = run.take_in_settings(settings, &self.project)?;
        run.write_status(&RunStatus::Running)?;
        self.run = Some(run.clone());
        let ([total_steps, steps_per_epoch], device) = (steps, settings.device.clone());
        let (id, folder) = (run.id(), run.path().to_owned());
        Ok(RunStart { run: id, folder, settings, total_steps, steps_per_epoch, device })
    }

    /// Writes the files that have arrived. The run is finished then.
    ///
    /// # Errors
    /// Damaged files, or errors of the file system.
    pub fn finish(&mut self) -> Result<(), StorageError> {
        let files = std::mem::take(&mut self.files);
        if let Some(run) = &self.run {
            run.take_in(&files)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::ClassificationMetrics;
    use crate::project::{RowsUsed, StudyPlan, TaskKind};
    use crate::storage::{RUN_SCHEMA_VERSION, RunSettings, StepMetrics, StopReason, StudySettings};

    fn step(step: u64) -> StepMetrics {
        StepMetrics {
            step,
            epoch: 0.5,
            loss: 1.0 / 3.0,
            learning_rate: 1e-5,
            grad_norm: 1.0,
            tokens: 9,
            train_seconds: 0.1,
            memory: 0,
        }
    }

    /// A finished run on another machine, and what its job prints.
    fn printed(folder: &std::path::Path) -> (RunFolder, Vec<TrialMessage>) {
        let run = RunFolder::create(folder).unwrap().0;
        let settings = RunSettings {
            schema_version: RUN_SCHEMA_VERSION,
            project: Project { name: "there".to_owned(), ..Project::default() },
            labels: vec!["bad".to_owned(), "good".to_owned()],
            data_hash: "ab".to_owned(),
            split_hash: "cd".to_owned(),
            rows: [4, 2, 0],
            model_sha256: "ef".to_owned(),
            hone_version: "1".to_owned(),
            device: "CPU, f32".to_owned(),
            pooling: None,
            trial: Some(trial()),
            kept_from: None,
        };
        run.write_settings(&settings).unwrap();
        run.append_steps(&[step(1), step(2)]).unwrap();
        let metrics = Metrics::empty(TaskKind::TextClassification);
        let point = EvaluationPoint { step: 2, epoch: 1.0, metrics, is_best: true };
        run.append_evaluation(&point).unwrap();
        run.write_status(&RunStatus::Finished(run.summary_so_far(StopReason::Completed))).unwrap();
        let mut messages = vec![
            TrialMessage::Started { settings: run.settings_text().unwrap(), total_steps: 2, steps_per_epoch: 2 },
            TrialMessage::Steps(vec![step(1), step(2)]),
            TrialMessage::Evaluation(Box::new(point)),
            TrialMessage::Sending,
        ];
        let mut hashes = BTreeMap::new();
        for name in run.files_to_send(false).unwrap() {
            let bytes = std::fs::read(run.path().join(&name)).unwrap();
            hashes.insert(name.clone(), sha256(&bytes));
            messages.extend(bytes.chunks(50).map(|part| TrialMessage::piece(&name, part)));
        }
        messages.push(TrialMessage::Sent { sha256: hashes });
        (run, messages)
    }

    fn trial() -> Trial {
        Trial { number: 1, rows: RowsUsed::All, settings: Vec::new() }
    }

    fn study(folder: &std::path::Path) -> StudyFolder {
        let settings = StudySettings::new(StudyPlan::Seeds { seeds: 2 }, Project::default(), "ab".to_owned());
        StudyFolder::create(folder, &settings).unwrap().0
    }

    #[test]
    fn a_log_that_grows_becomes_a_run_of_the_study_and_a_second_try_replaces_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let (there, messages) = printed(&folder.path().join("there"));
        let study = study(&folder.path().join("here"));
        let lines: Vec<String> = messages.iter().map(TrialMessage::to_line).collect();
        let log = format!("Running entrypoint\n{}\nlast words", lines.join("\nTraining: 1 of 2\n"));
        let mut follower = Follower::new(trial(), Project::default(), None);
        let mut told = 0;
        for (attempt, bytes) in [(1, 7), (2, 1000)] {
            follower.follow(format!("job{attempt}"), attempt);
            // The first try is lost in the middle.
            let end = if attempt == 1 { log.find("Sending").unwrap() + 20 } else { log.len() };
            for until in (0..=end).step_by(bytes).chain([end]) {
                follower.take_in(&log[..until], &study, &mut |_| told += 1).unwrap();
            }
            if attempt == 1 {
                assert!(
                    !follower.is_log_due() && follower.end.is_none(),
                    "its files are not read before they are whole"
                );
                let begun = study.trials().unwrap();
                assert!(
                    begun.len() == 1 && begun[0].summary.is_none() && begun[0].run.latest_step() == Some(self::step(2))
                );
            }
        }
        assert_eq!((follower.end.clone(), told), (Some(TrialEnd::Sent), 6));
        follower.finish().unwrap();
        let trials = study.trials().unwrap();
        assert_eq!(trials.len(), 1, "both tries are the same run");
        let run = &trials[0].run;
        assert_eq!(run.read_metrics().unwrap(), there.read_metrics().unwrap());
        assert_eq!(run.read_settings().unwrap().project.name, Project::default().name, "as on this machine");
        assert_eq!(trials[0].summary.as_ref().unwrap().run, run.id());
        assert_eq!(follower.last_lines(), ["Training: 1 of 2"; 3].join(" / "));
    }

    #[test]
    fn a_trial_is_left_behind_by_better_ones_unless_it_was_the_best() {
        let point = |step: u64, f1: f64| {
            let mut metrics = ClassificationMetrics::default();
            metrics.macro_average.f1 = f1;
            EvaluationPoint { step, epoch: step as f64, metrics: Metrics::Classification(metrics), is_best: true }
        };
        let others: Vec<Vec<EvaluationPoint>> = [0.5, 0.6, 0.7].iter().map(|f1| vec![point(1, *f1)]).collect();
        let mut follower = Follower::new(trial(), Project::default(), None);
        follower.total_steps = 2;
        let is_behind = |follower: &Follower, step, f1| {
            follower.is_left_behind(MetricName::MacroF1, &[point(step, f1)], (&others, Some(0.7)))
        };
        follower.best = Some(point(1, 0.4).metrics);
        assert!(is_behind(&follower, 1, 0.4) && !is_behind(&follower, 1, 0.65));
        follower.best = Some(point(0, 0.8).metrics);
        assert!(!is_behind(&follower, 1, 0.4), "it was the best before");
        follower.best = Some(point(1, 0.4).metrics);
        follower.total_steps = 1;
        assert!(!is_behind(&follower, 1, 0.4), "there is nothing left to stop");
    }

    #[test]
    fn files_that_are_not_what_was_sent_are_not_taken_in() {
        let folder = tempfile::tempdir().unwrap();
        let (_, mut messages) = printed(&folder.path().join("there"));
        let study = study(&folder.path().join("here"));
        let place = messages.iter().rposition(|message| matches!(message, TrialMessage::Piece { .. })).unwrap();
        messages.remove(place);
        let log: String = messages.iter().map(|message| message.to_line() + "\n").collect();
        let mut follower = Follower::new(trial(), Project::default(), None);
        follower.take_in(&log, &study, &mut |_| ()).unwrap();
        assert_eq!(follower.end, Some(TrialEnd::Damaged));
        let mut follower = Follower::new(trial(), Project::default(), None);
        let failed = TrialMessage::Failed("No labels.".to_owned()).to_line() + "\n";
        follower.take_in(&failed, &study, &mut |_| ()).unwrap();
        assert_eq!((follower.end.clone(), follower.run()), (Some(TrialEnd::Failed("No labels.".to_owned())), None));
    }
}
