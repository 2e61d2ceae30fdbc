//! Pausing, stopping and queueing jobs.

use std::time::Instant;

use hone::worker::{Classify, Import, JobError, LogLine, RunEvent, Said};

use super::*;

#[test]
fn jobs_run_in_the_order_they_were_submitted() {
    let folder = tempfile::tempdir().unwrap();
    write_reviews(folder.path(), 60);
    let (worker, project) = (worker(), project_with("reviews.csv"));
    let job = || Import { project: project.clone(), folder: folder.path().to_owned() };
    let (mut first, mut second) = (worker.submit(job()), worker.submit(job()));
    assert!(second.wait(PATIENCE).unwrap().is_ok());
    assert!(first.answer().expect("it came first").is_ok());
    assert!(first.answer().is_none() && second.answer().is_none(), "each is answered once");
}

#[test]
fn a_run_can_be_paused_resumed_and_stopped() {
    let bench = Bench::new(|training| training.epochs = 10_000);
    let soon = |begun: Instant| assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    let mut run = bench.start();
    run.wait_for(|event| matches!(event, RunEvent::Steps(_)));

    let begun = Instant::now();
    run.pending.set_paused(true);
    run.wait_for(|event| matches!(event, RunEvent::Paused(true)));
    soon(begun);
    assert!(run.events.recv_timeout(Duration::from_millis(200)).is_err(), "nothing happens while it waits");

    let begun = Instant::now();
    run.pending.set_paused(false);
    run.wait_for(|event| matches!(event, RunEvent::Paused(false)));
    run.wait_for(|event| matches!(event, RunEvent::Steps(_)));
    soon(begun);

    run.pending.cancel();
    assert!(run.pending.said().any(|said| said == Said::Log(LogLine::info("Stopping"))), "at once");
    let results = run.finish();
    assert_eq!(results.summary.stop_reason, StopReason::Stopped);
    assert!(results.summary.test.is_some());
}

#[test]
fn cancelling_a_queued_job_leaves_the_running_job_alone() {
    let bench = Bench::new(|_| ());
    let mut training = bench.start();
    training.wait_for(|event| matches!(event, RunEvent::Started(_)));
    let mut queued = bench.worker.submit(Classify { model: tiny_bert(), texts: vec!["good".to_owned()] });
    queued.cancel();
    assert_eq!(queued.answer(), Some(Err(JobError::Cancelled)), "at once");
    assert_ne!(training.finish().summary.stop_reason, StopReason::Stopped);
}

#[test]
fn stopping_a_paused_run_ends_it() {
    let bench = Bench::new(|training| training.epochs = 10_000);
    let mut run = bench.start();
    run.wait_for(|event| matches!(event, RunEvent::Evaluation(_)));
    run.pending.set_paused(true);
    run.wait_for(|event| matches!(event, RunEvent::Paused(true)));
    run.pending.cancel();
    run.finish();
}

#[test]
fn stopping_before_the_first_step_leaves_no_run() {
    let bench = Bench::new(|_| ());
    let mut run = bench.start();
    run.pending.cancel();
    assert!(matches!(run.pending.wait(PATIENCE), Some(Err(JobError::Cancelled))));
    assert!(RunFolder::list(bench.folder.path()).unwrap().is_empty());
    bench.train();
}

#[test]
fn a_dropped_run_is_abandoned_and_the_next_job_is_answered() {
    let bench = Bench::new(|training| training.epochs = 10_000);
    let stale = bench.start();
    stale.wait_for(|event| matches!(event, RunEvent::Started(_)));
    let mut fresh = bench.worker.submit(Classify { model: tiny_bert(), texts: vec!["good".to_owned()] });
    drop(stale);
    assert!(fresh.wait(PATIENCE).expect("an answer").is_ok());
}
