//! Pausing, stopping and queueing jobs, and whose event is whose.

use super::*;

#[test]
fn job_ids_rise() {
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

#[test]
fn a_run_can_be_paused_resumed_and_stopped() {
    let bench = Bench::new(|training| training.epochs = 10_000);
    let job = bench.start();
    bench.wait_for(|answer| matches!(answer, Answer::Steps(_)));

    bench.worker.set_paused(job, true);
    bench.wait_for(|answer| matches!(answer, Answer::Paused(true)));
    assert!(bench.worker.events().recv_timeout(Duration::from_millis(200)).is_err(), "nothing happens while it waits");

    bench.worker.set_paused(job, false);
    bench.wait_for(|answer| matches!(answer, Answer::Paused(false)));
    bench.wait_for(|answer| matches!(answer, Answer::Steps(_)));

    bench.worker.cancel_all();
    bench.wait_for(|answer| matches!(answer, Answer::Log(line) if line.message == "Stopping"));
    let Answer::RunFinished(results) = bench.wait_for(Answer::is_final) else {
        panic!("the run must end with a result")
    };
    assert_eq!(results.summary.stop_reason, StopReason::Stopped);
    assert!(results.summary.test.is_some());
}

#[test]
fn cancelling_a_queued_job_leaves_the_running_job_alone() {
    let bench = Bench::new(|_| ());
    let training = bench.start();
    let queued = bench.worker.send(Command::Classify { model: tiny_bert(), texts: vec!["good".to_owned()] });
    bench.worker.cancel(queued);
    let finals = (0..2).map(|_| {
        loop {
            let event = bench.worker.events().recv_timeout(PATIENCE).unwrap();
            if event.answer.is_final() {
                break (event.job, event.answer);
            }
        }
    });
    let finals: Vec<_> = finals.collect();
    assert!(matches!(&finals[0], (job, Answer::RunFinished(results))
        if *job == training && results.summary.stop_reason != StopReason::Stopped));
    assert!(matches!(&finals[1], (job, Answer::Cancelled) if *job == queued));
}

#[test]
fn stopping_a_paused_run_ends_it() {
    let bench = Bench::new(|training| training.epochs = 10_000);
    let job = bench.start();
    bench.wait_for(|answer| matches!(answer, Answer::Evaluation(_)));
    bench.worker.set_paused(job, true);
    bench.wait_for(|answer| matches!(answer, Answer::Paused(true)));
    bench.worker.cancel_all();
    assert!(matches!(bench.wait_for(Answer::is_final), Answer::RunFinished(_)));
}

#[test]
fn stopping_before_the_first_step_leaves_no_run() {
    let bench = Bench::new(|_| ());
    bench.start();
    bench.worker.cancel_all();
    assert!(matches!(bench.wait_for(Answer::is_final), Answer::Cancelled));
    assert!(RunFolder::list(bench.folder.path()).unwrap().is_empty());
    bench.train();
}

/// A second window on the same project shows its own events only: ids of another worker's jobs may be equal, but each
/// has its own channel. A late event of an older job of the same worker is told by its id.
#[test]
fn late_events_of_an_old_job_carry_its_id() {
    let bench = Bench::new(|training| training.epochs = 10_000);
    let stale = bench.start();
    bench.wait_for(|answer| matches!(answer, Answer::RunStarted(_)));
    let fresh = bench.worker.send(Command::Classify { model: tiny_bert(), texts: vec!["good".to_owned()] });
    bench.worker.cancel(stale);
    let mut finals = Vec::new();
    while finals.len() < 2 {
        let event = bench.worker.events().recv_timeout(PATIENCE).unwrap();
        assert!(event.job == stale && finals.is_empty() || event.job == fresh, "{event:?}");
        if event.answer.is_final() {
            finals.push(event.job);
        }
    }
    assert_eq!(finals, [stale, fresh]);
}
