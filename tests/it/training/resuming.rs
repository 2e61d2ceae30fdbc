//! Runs that are interrupted and go on: they end as if nothing had happened.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hone::project::{EarlyStopping, EvaluateEvery, LanguageModellingSettings, TrainedLayers};
use hone::storage::StorageError;

use super::*;

/// What a run leaves: `metrics.jsonl` without times, and the bytes of every file of the best checkpoint and of the predictions.
#[derive(PartialEq)]
struct Left {
    metrics: Vec<serde_json::Value>,
    files: Vec<(String, Vec<u8>)>,
}

fn left(run: &RunFolder) -> Left {
    let text = std::fs::read_to_string(run.path().join("metrics.jsonl")).unwrap();
    let without_time = |line: &str| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        if let Some(step) = line.get_mut("step").and_then(serde_json::Value::as_object_mut) {
            step.remove("train_seconds");
            step.remove("memory");
        }
        line
    };
    let files = std::fs::read_dir(run.best()).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.is_file()).chain([run.predictions_path()]);
    let mut files: Vec<_> = files
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap()))
        .collect();
    files.sort();
    Left { metrics: text.lines().map(without_time).collect(), files }
}

/// Trains until the event, and dies there.
fn interrupted(bench: &Bench, project: &Project, resumed: Option<&RunFolder>, dies: &dyn Fn(&TrainingEvent) -> bool) {
    let died = catch_unwind(AssertUnwindSafe(|| {
        bench.train_or_resume(project, resumed, &Control::default(), &mut |event| assert!(!dies(event), "it dies"))
    }));
    assert!(died.is_err(), "it was to die");
    // A process that is killed writes no status.
    bench.newest().write_status(&RunStatus::Running).unwrap();
}

fn resumed(bench: &Bench, project: &Project) -> Outcome {
    let run = RunFolder::find_interrupted(bench.folder.path(), None).unwrap();
    bench.train_or_resume(project, Some(&run), &Control::default(), &mut |_| ())
}

/// The step that an event is of.
fn step_of(event: &TrainingEvent) -> Option<u64> {
    match event {
        TrainingEvent::Step(step) => Some(step.step),
        _ => None,
    }
}

/// Interrupts a run at several steps, of each of which it goes on, and compares what is left with what a run leaves that was never
/// interrupted.
fn goes_on_as_if_nothing_had_happened(bench: &Bench, project: &Project) {
    let whole = bench.train_with(project, &Control::default(), &mut |_| ());
    let steps = whole.steps().len() as u64;
    let expected = left(&bench.newest());
    assert!(bench.newest().checkpoints().unwrap().is_empty(), "they only take space now");
    for minutes in [0, 60] {
        let mut project = project.clone();
        project.training.checkpoint_minutes = minutes;
        let mut last = None;
        for at in [1, steps / 2, steps - 1, steps] {
            interrupted(bench, &project, last.as_ref(), &|event| step_of(event) == Some(at));
            last = Some(RunFolder::find_interrupted(bench.folder.path(), None).unwrap());
        }
        let outcome = resumed(bench, &project);
        let run = bench.newest();
        assert_eq!(last.as_ref(), Some(&run), "it is the same run");
        let found = left(&run);
        for (found, expected) in found.metrics.iter().zip(&expected.metrics) {
            assert_eq!(found, expected, "{minutes}");
        }
        assert_eq!(found.metrics.len(), expected.metrics.len());
        let names = |left: &Left| left.files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&found), names(&expected));
        for (found, expected) in found.files.iter().zip(&expected.files) {
            assert!(found == expected, "{minutes}: {} differs", found.0);
        }
        // Who listens hears of every step. The last digit of those before the crash may be lost in reading them.
        assert_eq!(outcome.steps().len(), whole.steps().len());
        for (found, expected) in outcome.steps().into_iter().zip(whole.steps()) {
            assert!(found.step == expected.step && (found.loss - expected.loss).abs() < 1e-12, "{found:?}");
        }
        assert_eq!(outcome.evaluations(), whole.evaluations());
        assert_eq!(outcome.summary().test, whole.summary().test);
        assert_eq!(outcome.summary().stop_reason, whole.summary().stop_reason);
    }
}

fn of(trained: TrainedLayers) -> Project {
    let mut project = project();
    project.training.trained_layers = trained;
    project.training.evaluate_every = EvaluateEvery::Steps(3);
    project
}

#[test]
fn an_interrupted_run_ends_as_if_nothing_had_happened() {
    goes_on_as_if_nothing_had_happened(&Bench::new(120), &of(TrainedLayers::All));
}

#[test]
fn an_interrupted_run_of_some_layers_ends_as_if_nothing_had_happened() {
    goes_on_as_if_nothing_had_happened(&Bench::new(120), &of(TrainedLayers::Top(1)));
    goes_on_as_if_nothing_had_happened(&Bench::new(120), &of(TrainedLayers::Head));
}

#[test]
fn an_interrupted_run_of_an_adapter_ends_as_if_nothing_had_happened() {
    goes_on_as_if_nothing_had_happened(&Bench::new(120), &of(TrainedLayers::Lora));
}

#[test]
fn an_interrupted_run_of_embeddings_ends_as_if_nothing_had_happened() {
    let mut project = of(TrainedLayers::All);
    let mut task = project.classification().unwrap().clone();
    task.pooling = hone::project::PoolingChoice::Mean;
    project.task = Task::TextClassification(task);
    goes_on_as_if_nothing_had_happened(&Bench::new(120), &project);
}

#[test]
fn an_interrupted_instant_model_ends_as_if_nothing_had_happened() {
    goes_on_as_if_nothing_had_happened(&Bench::new(120), &of(TrainedLayers::Instant));
}

#[test]
fn an_interrupted_language_model_ends_as_if_nothing_had_happened() {
    let bench = Bench::new(120);
    for trained in [TrainedLayers::All, TrainedLayers::Lora] {
        let mut project = of(trained);
        project.task = Task::LanguageModelling(LanguageModellingSettings::default());
        project.dataset.set_role("label", None);
        let prepared = quietly(|watch| {
            let imported = import(&project, bench.folder.path(), watch).unwrap();
            prepare(&project, &imported, watch).unwrap()
        });
        let folder = tempfile::tempdir().unwrap();
        let bench = Bench { folder, prepared, model: tiny_bert() };
        goes_on_as_if_nothing_had_happened(&bench, &project);
    }
}

/// Hands the run over at the event.
fn handed_over(
    bench: &Bench,
    project: &Project,
    resumed: Option<&RunFolder>,
    at: &dyn Fn(&TrainingEvent) -> bool,
) -> RunFolder {
    let control = Control::default();
    let outcome = bench.train_or_resume(project, resumed, &control, &mut |event| {
        if at(event) {
            // It does not stay paused for whoever no longer listens.
            control.set_paused(true);
            control.hand_over();
        }
    });
    assert!(matches!(outcome.run, Err(TrainError::HandedOver)), "{:?}", outcome.run);
    let run = RunFolder::find_interrupted(bench.folder.path(), None).unwrap();
    let interruption = run.interruption().unwrap();
    assert_eq!(interruption.steps, interruption.resumes_after, "no step is lost");
    run
}

#[test]
fn a_run_that_is_handed_over_ends_as_if_nothing_had_happened() {
    let bench = Bench::new(120);
    let project = of(TrainedLayers::All);
    let whole = bench.train_with(&project, &Control::default(), &mut |_| ());
    let expected = left(&bench.newest());
    let first = handed_over(&bench, &project, None, &|event| matches!(event, TrainingEvent::Started { .. }));
    assert_eq!(first.interruption().unwrap().steps, 0);
    let steps = whole.steps().len() as u64;
    for step in [1, 3, steps - 1] {
        // Of step 3, the evaluation ends first.
        let again = handed_over(&bench, &project, Some(&first), &|event| step_of(event) == Some(step));
        assert_eq!((&again, again.interruption().unwrap().steps), (&first, step));
    }
    let outcome = resumed(&bench, &project);
    assert!(left(&first) == expected);
    assert_eq!(outcome.summary().test, whole.summary().test);
}

#[test]
fn a_run_that_ends_before_it_is_handed_over_has_its_result() {
    let bench = Bench::new(120);
    let control = Control::default();
    let outcome = bench.train_with(&of(TrainedLayers::Instant), &control, &mut |event| {
        if matches!(event, TrainingEvent::Started { .. }) {
            control.hand_over();
        }
    });
    assert_eq!(outcome.summary().stop_reason, StopReason::Completed);
}

#[test]
fn a_run_that_stopped_improving_stops_at_the_same_step_after_an_interruption() {
    let mut project = of(TrainedLayers::All);
    project.training.optimizer.learning_rate = 1e-12;
    project.training.early_stopping = Some(EarlyStopping { patience: 1, min_delta: 0.5 });
    goes_on_as_if_nothing_had_happened(&Bench::new(120), &project);
}

#[test]
fn a_run_is_not_resumed_with_other_data() {
    let bench = Bench::new(120);
    let project = of(TrainedLayers::All);
    interrupted(&bench, &project, None, &|event| step_of(event) == Some(5));
    let run = bench.newest();
    let kept = run.checkpoints().unwrap();
    let mut other = Bench::new(120);
    other.prepared.data_hash = "other".to_owned();
    let inputs = TrainInputs {
        project: &project,
        project_folder: bench.folder.path(),
        prepared: &other.prepared,
        model_folder: &tiny_bert(),
        resumed: Some(&run),
        study: None,
    };
    let error = train(inputs, &Control::default(), &mut |_| ()).unwrap_err().to_string();
    assert!(error.contains("the data file, or how it is cleaned, has changed"), "{error}");
    assert_eq!(run.checkpoints().unwrap(), kept, "nothing is lost");
    assert!(resumed(&bench, &project).summary().test.is_some());
    let nothing = RunFolder::find_interrupted(bench.folder.path(), None).unwrap_err();
    assert!(matches!(nothing, StorageError::NothingToResume(_)), "{nothing}");
    let nothing = RunFolder::find_interrupted(bench.folder.path(), Some(&run.id())).unwrap_err().to_string();
    assert!(nothing.contains("was not interrupted, so there is nothing to resume"), "{nothing}");
}

#[test]
fn a_best_checkpoint_that_a_crash_left_behind_is_mended() {
    let bench = Bench::new(120);
    let project = of(TrainedLayers::All);
    let whole = bench.train_with(&project, &Control::default(), &mut |_| ());
    let expected = left(&bench.newest());
    interrupted(&bench, &project, None, &|event| step_of(event) == Some(4));
    let run = bench.newest();
    assert_eq!((run.checkpoints().unwrap(), run.best_step()), (vec![3], Some(3)));
    // As if the crash had come just before the best checkpoint was written.
    std::fs::remove_dir_all(run.best()).unwrap();
    let control = Control::default();
    let outcome = bench.train_or_resume(&project, Some(&run), &control, &mut |event| {
        if step_of(event) == Some(4) {
            assert_eq!(run.best_step(), Some(3));
        }
    });
    assert!(left(&run) == expected);
    assert_eq!(outcome.steps().len(), whole.steps().len());
}

#[test]
fn a_resumed_run_that_is_stopped_at_once_can_still_be_resumed() {
    let bench = Bench::new(120);
    let project = of(TrainedLayers::All);
    interrupted(&bench, &project, None, &|event| step_of(event) == Some(2));
    let run = bench.newest();
    let control = Control::default();
    let outcome = bench.train_or_resume(&project, Some(&run), &control, &mut |event| {
        if matches!(event, TrainingEvent::Started { .. }) {
            control.abandon();
        }
    });
    assert!(matches!(outcome.run, Err(TrainError::Cancelled)));
    assert!(resumed(&bench, &project).summary().test.is_some());
}
