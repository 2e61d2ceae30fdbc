//! The worker through its front door: commands in, events out.

mod control;
mod data;
mod patterns;
mod runs;
mod sparing;
mod use_of_runs;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hone::data::{Imported, Prepared};
use hone::project::{ColumnRole, ModelChoice, Project, TrainingSettings};
use hone::storage::{RunFolder, RunStatus, StopReason};
use hone::worker::{Answer, Command, ExportFormat, JobId, RunResults, SharedData, Worker, WorkerOptions};

use crate::training::{project, tiny_bert, write_reviews};

const PATIENCE: Duration = Duration::from_mins(1);

fn worker() -> Worker {
    Worker::spawn(|| ()).unwrap()
}

/// The job's final answer; answers of other jobs in between are a mistake.
fn final_answer(worker: &Worker, job: JobId) -> Answer {
    loop {
        let event = worker.events().recv_timeout(PATIENCE).expect("an answer");
        assert_eq!(event.job, job);
        if event.answer.is_final() {
            return event.answer;
        }
    }
}

fn project_with(file: &str) -> Project {
    let mut project = project();
    project.dataset.main = Some(PathBuf::from(file));
    project
}

fn import(worker: &Worker, project: &Project, folder: &Path) -> Arc<Imported> {
    let (project, folder) = (Box::new(project.clone()), folder.to_owned());
    let job = worker.send(Command::Import { project, folder });
    match final_answer(worker, job) {
        Answer::Imported(imported) => imported,
        other => panic!("{other:?}"),
    }
}

fn prepare(worker: &Worker, project: &Project, imported: &Arc<Imported>) -> Arc<Prepared> {
    let job = worker.send(Command::Prepare { project: Box::new(project.clone()), imported: Arc::clone(imported) });
    match final_answer(worker, job) {
        Answer::Prepared(prepared) => prepared,
        other => panic!("{other:?}"),
    }
}

/// Whether a job comes through a stage, and its final answer.
fn says(worker: &Worker, job: JobId, stage: &str) -> (bool, Answer) {
    let mut said = false;
    loop {
        let event = worker.events().recv_timeout(PATIENCE).expect("an answer");
        assert_eq!(event.job, job);
        match event.answer {
            Answer::Progress(progress) => said |= progress.stage == stage,
            answer if answer.is_final() => return (said, answer),
            _ => {}
        }
    }
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

    fn start(&self) -> JobId {
        let (project, folder) = (Box::new(self.project.clone()), self.folder.path().to_owned());
        self.worker.send(Command::Train { project, folder })
    }

    fn train(&self) -> Arc<RunResults> {
        let job = self.start();
        match final_answer(&self.worker, job) {
            Answer::RunFinished(results) => results,
            other => panic!("{other:?}"),
        }
    }

    fn ask(&self, command: Command) -> Answer {
        final_answer(&self.worker, self.worker.send(command))
    }

    fn refused(&self, command: Command) -> String {
        match self.ask(command) {
            Answer::Failed { message } => message,
            other => panic!("{other:?}"),
        }
    }

    /// Waits for an answer; others before it are passed over.
    fn wait_for(&self, wanted: impl Fn(&Answer) -> bool) -> Answer {
        loop {
            let answer = self.worker.events().recv_timeout(PATIENCE).expect("an answer").answer;
            if wanted(&answer) {
                return answer;
            }
            assert!(!answer.is_final(), "{answer:?}");
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
