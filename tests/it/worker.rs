//! The worker through its front door: commands in, events out.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hone::data::{Imported, Prepared};
use hone::project::Project;
use hone::worker::{Answer, Command, JobId, Worker};

use crate::training::{project, tiny_bert, write_reviews};

const PATIENCE: Duration = Duration::from_secs(60);

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

#[test]
fn a_file_is_imported_and_prepared() {
    let folder = tempfile::tempdir().unwrap();
    write_reviews(folder.path(), 60);
    let (worker, project) = (worker(), project_with("reviews.csv"));
    let imported = import(&worker, &project, folder.path());
    assert_eq!(imported.main.table.len(), 60);
    let prepared = prepare(&worker, &project, &imported);
    assert_eq!(prepared.labels, ["bad", "good"]);
    assert_eq!(prepared.examples.len(), 60);
    assert!(!worker.is_busy());
}

#[test]
fn an_error_is_a_message_and_the_next_job_works() {
    let folder = tempfile::tempdir().unwrap();
    let worker = worker();
    let missing = Command::Import { project: Box::new(project_with("none.csv")), folder: folder.path().to_owned() };
    let job = worker.send(missing);
    let answer = final_answer(&worker, job);
    assert!(matches!(&answer, Answer::Failed { message } if message.contains("none.csv")), "{answer:?}");
    write_reviews(folder.path(), 60);
    import(&worker, &project_with("reviews.csv"), folder.path());
}

#[test]
fn jobs_are_told_apart_by_rising_ids() {
    let folder = tempfile::tempdir().unwrap();
    write_reviews(folder.path(), 60);
    let (worker, project) = (worker(), project_with("reviews.csv"));
    let command = || Command::Import { project: Box::new(project.clone()), folder: folder.path().to_owned() };
    let (first, second) = (worker.send(command()), worker.send(command()));
    assert!(first < second);
    let ids: Vec<JobId> = std::iter::from_fn(|| worker.events().recv_timeout(PATIENCE).ok())
        .filter(|event| event.answer.is_final())
        .map(|event| event.job)
        .take(2)
        .collect();
    assert_eq!(ids, [first, second]);
}
