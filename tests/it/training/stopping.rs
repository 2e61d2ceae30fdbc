//! Early stopping, and runs that a person stops.

use hone::project::{EarlyStopping, EvaluateEvery, MetricName};

use super::*;

#[test]
fn evaluations_follow_the_settings_and_early_stopping_ends_the_run() {
    let bench = Bench::new(120); // 84 training rows: 6 steps an epoch
    let every_four = bench.train(|settings| settings.evaluate_every = EvaluateEvery::Steps(5));
    assert_eq!(every_four.evaluations(), 3, "after steps 5, 10 and the last, 12");
    // A learning rate too small to change anything: no evaluation is better than the first.
    let stuck = bench.train(|settings| {
        settings.optimizer.learning_rate = 1e-12;
        settings.epochs = 10;
        settings.best_metric = Some(MetricName::Accuracy);
        settings.early_stopping = Some(EarlyStopping { patience: 2, min_delta: 0.0 });
    });
    let summary = stuck.summary();
    assert_eq!((summary.stop_reason, stuck.evaluations()), (StopReason::EarlyStopping, 3));
    assert_eq!((summary.best_step, summary.steps), (6, 18));
}

/// Stops, with this many calls, when `event` is seen for the `nth` time.
fn stop_at(bench: &Bench, times: usize, mut at: impl FnMut(&TrainingEvent) -> bool) -> Outcome {
    let control = Control::default();
    let mut project = project();
    project.training.epochs = 50;
    bench.train_with(&project, &control, &mut |event| {
        if at(event) {
            (0..times).for_each(|_| control.cancel());
        }
    })
}

fn is_step(event: &TrainingEvent, number: u64) -> bool {
    matches!(event, TrainingEvent::Step(step) if step.step == number)
}

#[test]
fn another_process_can_ask_a_run_to_stop() {
    let bench = Bench::new(120);
    let ask = |event: &TrainingEvent| {
        if is_step(event, 3) {
            bench.newest().ask_to_stop().unwrap();
        }
    };
    let outcome = bench.train_with(&project(), &Control::default(), &mut |event| ask(event));
    assert_eq!((outcome.summary().stop_reason, outcome.summary().steps), (StopReason::Stopped, 3));
    assert!(!StopRequest::of(bench.newest().path()).is_there(), "it was heard");
    let logged = outcome.events.iter().any(|event| {
        matches!(event, TrainingEvent::Log(line) if line.contains("Another window or terminal asked for a stop"))
    });
    assert!(logged);
    // A paused run hears it too. If its owner then stops it once, that does not count as the second stop.
    let control = Control::default();
    let outcome = bench.train_with(&project(), &control, &mut |event| match event {
        event if is_step(event, 3) => control.set_paused(true),
        TrainingEvent::Paused(true) => bench.newest().ask_to_stop().unwrap(),
        TrainingEvent::Paused(false) => control.cancel(),
        _ => {}
    });
    assert_eq!((outcome.summary().stop_reason, outcome.summary().steps), (StopReason::Stopped, 3));
    assert!(outcome.summary().test.is_some());
    let late = bench.newest().ask_to_stop().unwrap_err().to_string();
    assert!(late.contains("is not running now, so there is nothing to stop"), "{late}");
}

#[test]
fn a_paused_run_takes_no_step_until_it_goes_on() {
    let bench = Bench::new(120);
    let control = Control::default();
    let outcome = std::thread::scope(|scope| {
        let (told, pauses) = std::sync::mpsc::channel();
        scope.spawn(|| {
            pauses.into_iter().next().unwrap();
            control.set_paused(false);
        });
        bench.train_with(&project(), &control, &mut |event| match event {
            event if is_step(event, 3) => control.set_paused(true),
            TrainingEvent::Paused(true) => told.send(()).unwrap(),
            _ => {}
        })
    });
    assert_eq!(outcome.summary().steps, 12);
    let events = outcome.events.iter().filter_map(|event| match event {
        TrainingEvent::Step(step) => Some(format!("step {}", step.step)),
        TrainingEvent::Paused(true) => Some("paused".to_owned()),
        TrainingEvent::Paused(false) => Some("going on".to_owned()),
        _ => None,
    });
    assert_eq!(events.skip(2).take(4).collect::<Vec<_>>(), ["step 3", "paused", "going on", "step 4"]);
}

#[test]
fn stopping_before_the_first_step_leaves_no_run() {
    let bench = Bench::new(120);
    for at_start in [true, false] {
        let outcome = stop_at(&bench, 1, |event| match event {
            TrainingEvent::Started { .. } => at_start,
            _ => !at_start,
        });
        assert!(matches!(outcome.run, Err(TrainError::Cancelled)));
        assert_eq!(bench.runs(), 0);
    }
}

#[test]
fn stopping_before_the_first_evaluation_evaluates_the_current_weights() {
    let bench = Bench::new(120);
    let outcome = stop_at(&bench, 1, |event| is_step(event, 3));
    let summary = outcome.summary();
    assert_eq!((summary.stop_reason, summary.steps, summary.best_step), (StopReason::Stopped, 3, 3));
    assert!(summary.test.is_some() && bench.newest().best().join("model.safetensors").is_file());
}

#[test]
fn stopping_after_an_evaluation_keeps_the_best_checkpoint() {
    let bench = Bench::new(120);
    let outcome = stop_at(&bench, 1, |event| is_step(event, 8));
    let summary = outcome.summary();
    assert_eq!((summary.stop_reason, summary.steps, summary.best_step), (StopReason::Stopped, 8, 6));
    assert_eq!(outcome.evaluations(), 1);
    assert!(summary.test.is_some());
}

#[test]
fn stopping_twice_skips_the_final_evaluation() {
    let bench = Bench::new(120);
    let nothing_to_keep = stop_at(&bench, 2, |event| is_step(event, 3));
    assert!(matches!(nothing_to_keep.run, Err(TrainError::Cancelled)));
    assert_eq!(bench.runs(), 0);

    let outcome = stop_at(&bench, 2, |event| is_step(event, 8));
    let summary = outcome.summary();
    assert_eq!((summary.best_step, &summary.test), (6, &None));
    let run = bench.newest();
    assert!(run.read_predictions("validation").is_ok() && run.read_comparison().is_ok());
}

/// Trains while the project's folder is moved away after the third step. `then` is called once the run has noticed, with the
/// folder's old and new place.
fn move_project(bench: &Bench, control: &Control, then: impl FnOnce(&Path, &Path) + Send) -> Outcome {
    let old = bench.folder.path();
    let new = old.with_extension("moved");
    std::thread::scope(|scope| {
        let (told, pauses) = std::sync::mpsc::channel();
        let new = &new;
        scope.spawn(move || {
            pauses.into_iter().next().unwrap();
            assert!(!old.exists(), "nothing is written to the old place");
            then(old, new);
        });
        bench.train_with(&project(), control, &mut |event| match event {
            event if is_step(event, 3) => std::fs::rename(old, new).unwrap(),
            TrainingEvent::Paused(true) => told.send(()).unwrap(),
            _ => {}
        })
    })
}

#[test]
fn a_run_waits_for_a_project_that_is_moved_away() {
    let bench = Bench::new(120);
    let outcome = move_project(&bench, &Control::default(), |old, new| std::fs::rename(new, old).unwrap());
    assert_eq!((outcome.summary().steps, outcome.summary().stop_reason), (12, StopReason::Completed));
    let mut warnings = outcome.events.iter().filter_map(|event| match event {
        TrainingEvent::Warning(warning) => Some(warning.as_str()),
        _ => None,
    });
    let told = warnings.next_back().unwrap();
    assert!(told.contains("is gone: it was moved") && told.contains("Training waits until it is back"), "{told}");
    let (steps, evaluations) = bench.newest().read_metrics().unwrap();
    assert_eq!((steps.len(), evaluations.len()), (12, 2), "no line is lost or twice there");
}

#[test]
fn a_run_that_is_stopped_while_its_project_is_away_leaves_nothing_at_the_old_place() {
    let bench = Bench::new(120);
    let control = Control::default();
    let outcome = move_project(&bench, &control, |_, _| control.cancel());
    assert!(outcome.error().contains("is gone: it was moved"), "{}", outcome.error());
    let (old, new) = (bench.folder.path(), bench.folder.path().with_extension("moved"));
    assert!(!old.exists());
    assert_eq!(RunFolder::list(&new).unwrap().len(), 1, "the run is where the project is now");
    std::fs::rename(&new, old).unwrap();
}
