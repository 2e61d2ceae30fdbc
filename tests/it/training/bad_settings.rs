//! Settings and data that training refuses or warns about.

use hone::project::{ClassWeights, EvaluateEvery};

use super::*;

#[test]
fn a_loss_that_is_not_a_number_fails_with_advice() {
    let bench = Bench::new(120);
    let outcome = bench.train(|settings| {
        settings.optimizer.learning_rate = 1e30;
        settings.optimizer.max_grad_norm = 0.0;
        settings.warmup = 0.0;
        settings.epochs = 5;
    });
    let message = outcome.error();
    assert!(
        message.contains("diverged") && message.contains("Lower the learning rate, for example to 1e-4"),
        "{message}"
    );
    let RunStatus::Failed(written) = bench.newest().read_status().unwrap() else {
        panic!("the run must say it failed")
    };
    assert_eq!(written, message);
}

#[test]
fn a_run_that_diverges_keeps_its_best_checkpoint_and_the_results_of_it() {
    let bench = Bench::new(120);
    let outcome = bench.train(|settings| {
        settings.optimizer.learning_rate = 1e7;
        settings.optimizer.max_grad_norm = 0.0;
        settings.epochs = 5;
        settings.evaluate_every = EvaluateEvery::Steps(1);
    });
    let summary = outcome.summary();
    assert_eq!(summary.stop_reason, StopReason::Diverged);
    assert!(summary.best_step > 0 && summary.best_step < summary.steps && summary.steps < 30, "{summary:?}");
    assert!(summary.validation.loss().is_finite() && summary.test.as_ref().is_some_and(|test| test.loss().is_finite()));
    let mut warnings = outcome.events.iter().filter_map(|event| match event {
        TrainingEvent::Warning(warning) if warning.contains("diverged") => Some(warning.as_str()),
        _ => None,
    });
    let told = warnings.next().unwrap();
    let kept = format!("The best checkpoint before that, from step {}, is in ", summary.best_step);
    assert!(told.contains("Lower the learning rate, for example to 1e-4") && told.contains(&kept), "{told}");
    let run = bench.newest();
    assert_eq!(run.read_status().unwrap(), RunStatus::Finished(summary.clone()));
    assert!(!run.read_predictions("test").unwrap().is_empty() && run.read_comparison().is_ok());
    assert!(run.best().join("model.safetensors").is_file());
    assert!(!run.is_interrupted(), "resumed, it would diverge again");
}

#[test]
fn a_loss_that_is_not_a_number_before_any_weight_changed_is_the_models_fault() {
    let mut bench = Bench::new(120);
    let folder = bench.folder.path().join("huge");
    std::fs::create_dir(&folder).unwrap();
    for file in std::fs::read_dir(&bench.model).unwrap().map(|file| file.unwrap()) {
        std::fs::copy(file.path(), folder.join(file.file_name())).unwrap();
    }
    // Every weight is a number, but their products are not.
    let path = folder.join("model.safetensors");
    let mut bytes = std::fs::read(&path).unwrap();
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[header..].chunks_exact_mut(4).for_each(|weight| weight.copy_from_slice(&1e38_f32.to_le_bytes()));
    std::fs::write(&path, bytes).unwrap();
    bench.model.clone_from(&folder);
    let message = bench.train(|settings| settings.optimizer.learning_rate = 1e-9).error();
    assert!(message.contains("was not a number at the first step, before any weight was changed"), "{message}");
    assert!(message.contains("Download the model again") && !message.contains("learning rate"), "{message}");
    assert!(message.contains(&folder.display().to_string()), "{message}");
}

#[test]
fn settings_and_data_that_are_refused_leave_no_run() {
    let mut bench = Bench::new(120);
    std::fs::write(bench.folder.path().join("runs"), "a file in the way").unwrap();
    assert!(bench.train(|_| ()).error().contains("Could not create"));
    std::fs::remove_file(bench.folder.path().join("runs")).unwrap();
    assert!(bench.train(|settings| settings.epochs = 0).error().contains("epochs cannot be 0"));
    let unknown = ClassWeights::ByHand([("best".to_owned(), 2.0)].into());
    assert!(bench.train_task(|task, _| task.class_weights = unknown).error().contains("bad, good"));
    bench.prepared.examples.retain(|example| example.side != Side::Validation);
    assert!(bench.train(|_| ()).error().contains("no validation rows"));
    bench.prepared.blockers.push("There is one label only.".to_owned());
    assert!(bench.train(|_| ()).error().contains("There is one label only."));
    assert_eq!(bench.runs(), 0);
}

#[test]
fn a_max_length_beyond_the_models_is_lowered_with_a_warning() {
    let bench = Bench::new(80);
    let outcome = bench.train(|settings| settings.max_length = 500);
    outcome.summary();
    let warned =
        |event: &TrainingEvent| matches!(event, TrainingEvent::Warning(line) if line.contains("at most 64 tokens"));
    assert!(outcome.events.iter().any(warned));
    assert_eq!(read_model_info(&bench.newest().best()).unwrap().unwrap().max_length, 64);
}

#[test]
fn without_test_rows_there_are_no_test_metrics() {
    let mut bench = Bench::new(80);
    bench.prepared.examples.retain(|example| example.side != Side::Test);
    let outcome = bench.train(|settings| settings.epochs = 1);
    assert_eq!(outcome.summary().test, None);
    assert!(bench.newest().read_comparison().is_ok());
}
