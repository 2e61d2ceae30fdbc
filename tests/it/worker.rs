//! The worker's public interface: jobs and their answers.

mod control;
mod data;
mod patterns;
mod runs;
mod sparing;
mod use_of_runs;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Receiver;
use hone::data::{Imported, Prepared};
use hone::project::{ColumnRole, DatasetSettings, ModelChoice, Project, TrainingSettings};
use hone::storage::{RunFolder, RunStatus, StopReason};
use hone::worker::{
    Import, Job, JobError, LabelRows, LabelledRows, Pending, Prepare, Probabilities, ReadToLabel, RunEvent, RunResults,
    Said, SaveLabelledRows, SavedPredictions, SharedData, Train, Worker, WorkerOptions,
};

use crate::training::{project, tiny_bert, write_reviews};

const PATIENCE: Duration = Duration::from_mins(1);

fn worker() -> Worker {
    Worker::spawn(|| ()).unwrap()
}

/// The job's answer.
fn ask<J: Job>(worker: &Worker, job: J) -> Result<J::Answer, JobError> {
    worker.submit(job).wait(PATIENCE).expect("an answer")
}

/// Why the job failed.
fn refused<J: Job>(worker: &Worker, job: J) -> String {
    match ask(worker, job) {
        Err(JobError::Failed(message)) => message,
        Err(JobError::Cancelled) => panic!("it was cancelled"),
        Ok(_) => panic!("{} must fail", J::TITLE),
    }
}

fn project_with(file: &str) -> Project {
    let mut project = project();
    project.dataset.main = Some(PathBuf::from(file));
    project
}

fn import(worker: &Worker, project: &Project, folder: &Path) -> Arc<Imported> {
    ask(worker, Import { project: project.clone(), folder: folder.to_owned() }).unwrap()
}

fn prepare_job(project: &Project, imported: &Arc<Imported>) -> Prepare {
    Prepare { project: Arc::new(project.clone()), imported: Arc::clone(imported), folder: None }
}

fn prepare(worker: &Worker, project: &Project, imported: &Arc<Imported>) -> Arc<Prepared> {
    ask(worker, prepare_job(project, imported)).unwrap().prepared
}

fn train_job(project: &Project, folder: &Path) -> (Train, Receiver<RunEvent>) {
    let (events, told) = crossbeam_channel::unbounded();
    (Train { project: project.clone(), folder: folder.to_owned(), may_fetch: false, resumed: None, events }, told)
}

/// Whether a job has a stage, and its answer.
fn says<J: Job>(worker: &Worker, job: J, stage: &str) -> (bool, J::Answer) {
    let mut pending = worker.submit(job);
    let answer = pending.wait(PATIENCE).expect("an answer").unwrap();
    let said = pending.said().any(|said| matches!(said, Said::Progress(progress) if progress.stage == stage));
    (said, answer)
}

/// A folder with reviews, a project on the tiny model, and a worker.
struct Bench {
    folder: tempfile::TempDir,
    project: Project,
    worker: Worker,
}

impl Bench {
    fn new(change: impl FnOnce(&mut TrainingSettings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_reviews(folder.path(), 120);
        let mut project = project();
        change(&mut project.training);
        Self { folder, project, worker: worker() }
    }

    fn start(&self) -> Run {
        let (job, events) = train_job(&self.project, self.folder.path());
        Run { pending: self.worker.submit(job), events }
    }

    fn train(&self) -> Arc<RunResults> {
        self.start().finish()
    }

    fn ask<J: Job>(&self, job: J) -> J::Answer {
        ask(&self.worker, job).unwrap()
    }

    fn refused<J: Job>(&self, job: J) -> String {
        refused(&self.worker, job)
    }

    /// Labels the rows of a file and writes them; the reason if one of the jobs fails.
    fn label(&self, read: ReadToLabel, output: &Path) -> Result<(Arc<LabelledRows>, SavedPredictions), String> {
        let why = |error| match error {
            JobError::Failed(message) => message,
            JobError::Cancelled => panic!("it was cancelled"),
        };
        let file = ask(&self.worker, read).map_err(why)?;
        let rows = ask(&self.worker, LabelRows { file, probabilities: Probabilities::Calibrated }).map_err(why)?;
        let (output, saved) = (output.to_owned(), Arc::clone(&rows));
        let save = SaveLabelledRows { rows: saved, output, may_replace: true, threshold: None, raw: true };
        Ok((rows, ask(&self.worker, save).map_err(why)?))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// A running training job.
struct Run {
    pending: Pending<Arc<RunResults>>,
    events: Receiver<RunEvent>,
}

impl Run {
    /// Waits for an event, ignoring others before it.
    fn wait_for(&self, wanted: impl Fn(&RunEvent) -> bool) {
        while !wanted(&self.events.recv_timeout(PATIENCE).expect("an event")) {}
    }

    fn finish(&mut self) -> Arc<RunResults> {
        self.pending.wait(PATIENCE).expect("an answer").expect("the run must end with a result")
    }
}
