//! Training on the tiny model, through its front door.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hone::data::{Prepared, Side, TextTokenizer, import, prepare};
use hone::evaluation::{BaselineName, Metrics};
use hone::models::{Compute, LoadOptions, Model};
use hone::ops::CrossEntropy;
use hone::progress::{Control, Watch};
use hone::project::{
    ClassWeights, ClassificationSettings, ColumnRole, DeviceChoice, EarlyStopping, EvaluateEvery, MetricName,
    ModelChoice, Precision, Project, Task, TrainedLayers, TrainingSettings,
};
use hone::storage::{RunFolder, RunStatus, RunSummary, StepMetrics, StopReason, read_model_info};
use hone::tasks::{self, Samples};
use hone::training::{ToScore, TrainError, TrainInputs, TrainingEvent, predict, train};

pub fn tiny_bert() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert")
}

/// Rows of two labels, told apart by a word; three of four are good.
pub fn write_reviews(folder: &Path, rows: usize) {
    let things = ["phone", "shirt", "cable", "dress", "book"];
    let text: String = (0..rows)
        .map(|row| {
            let (thing, number) = (things[row % things.len()], row);
            match row % 4 {
                0 => format!("the {thing} {number} is bad and broken,bad\n"),
                _ => format!("the {thing} {number} is great and perfect,good\n"),
            }
        })
        .collect();
    std::fs::write(folder.join("reviews.csv"), format!("text,label\n{text}")).unwrap();
}

/// A project that the tiny model learns in a second.
pub fn project() -> Project {
    let mut project = Project { model: ModelChoice::Folder(tiny_bert()), ..Project::default() };
    project.dataset.main = Some(PathBuf::from("reviews.csv"));
    project.dataset.set_role("text", Some(ColumnRole::Text));
    project.dataset.set_role("label", Some(ColumnRole::Label));
    // The texts are alike on purpose: kept together, they would be a few large groups.
    project.split.keep_near_together = false;
    project.training = TrainingSettings {
        epochs: 2,
        batch_size: 16,
        max_length: 32,
        early_stopping: None,
        // The same on every machine, so that figures can be compared with those of a model loaded by itself.
        device: DeviceChoice::Cpu,
        precision: Precision::F32,
        ..TrainingSettings::default()
    };
    project.training.optimizer.learning_rate = 2e-3;
    project
}

struct Bench {
    folder: tempfile::TempDir,
    prepared: Prepared,
}

/// What a run left.
struct Outcome {
    run: Result<RunSummary, TrainError>,
    events: Vec<TrainingEvent>,
}

impl Bench {
    fn new(rows: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_reviews(folder.path(), rows);
        let prepared = quietly(|watch| {
            let imported = import(&project(), folder.path(), watch).unwrap();
            prepare(&project(), &imported, watch).unwrap()
        });
        Self { folder, prepared }
    }

    fn train_with(&self, project: &Project, control: &Control, listen: &mut dyn FnMut(&TrainingEvent)) -> Outcome {
        let mut events = Vec::new();
        let (prepared, model_folder) = (&self.prepared, &tiny_bert());
        let inputs = TrainInputs { project, project_folder: self.folder.path(), prepared, model_folder };
        let run = train(inputs, control, &mut |event| {
            listen(&event);
            events.push(event);
        });
        Outcome { run, events }
    }

    fn train(&self, change: impl FnOnce(&mut TrainingSettings)) -> Outcome {
        self.train_task(|_, settings| change(settings))
    }

    fn train_task(&self, change: impl FnOnce(&mut ClassificationSettings, &mut TrainingSettings)) -> Outcome {
        let mut project = project();
        let mut task = project.classification().unwrap().clone();
        change(&mut task, &mut project.training);
        project.task = Task::TextClassification(task);
        self.train_with(&project, &Control::default(), &mut |_| ())
    }

    fn runs(&self) -> usize {
        RunFolder::list(self.folder.path()).unwrap().len()
    }

    fn newest(&self) -> RunFolder {
        RunFolder::list(self.folder.path()).unwrap().remove(0).folder
    }
}

impl Outcome {
    fn summary(&self) -> &RunSummary {
        self.run.as_ref().unwrap()
    }

    fn error(&self) -> String {
        self.run.as_ref().unwrap_err().to_string()
    }

    fn steps(&self) -> Vec<&StepMetrics> {
        self.events
            .iter()
            .filter_map(|event| match event {
                TrainingEvent::Step(step) => Some(step),
                _ => None,
            })
            .collect()
    }

    fn losses(&self) -> Vec<u64> {
        self.steps().iter().map(|step| step.loss.to_bits()).collect()
    }

    fn evaluations(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, TrainingEvent::Evaluation(_))).count()
    }
}

fn quietly<T>(work: impl FnOnce(&mut Watch) -> T) -> T {
    work(&mut Watch { control: &Control::default(), report: &mut |_| () })
}

#[test]
fn a_run_learns_and_leaves_everything_behind() {
    let bench = Bench::new(200);
    let outcome = bench.train(|settings| settings.epochs = 20);
    let summary = outcome.summary();
    assert_eq!((summary.steps, summary.stop_reason), (180, StopReason::Completed));
    assert!((summary.epochs - 20.0).abs() < 1e-12 && summary.tokens_per_second > 0.0 && summary.peak_memory > 1 << 20);
    let test = summary.test.as_ref().and_then(Metrics::classification).unwrap();
    assert!(test.macro_average.f1 > 0.95, "macro-F1 {}", test.macro_average.f1);

    let run = bench.newest();
    assert_eq!(run.id(), summary.run);
    assert_eq!(run.read_status().unwrap(), RunStatus::Finished(summary.clone()));
    let (steps, evaluations) = run.read_metrics().unwrap();
    assert_eq!((steps.len(), evaluations.len()), (180, 20));
    assert!(steps[179].loss < steps[0].loss / 2.0 && steps[0].learning_rate == 0.0 && steps[1].grad_norm > 0.0);
    let settings = run.read_settings().unwrap();
    assert_eq!((settings.rows, settings.data_hash), ([140, 20, 40], bench.prepared.data_hash.clone()));
    assert!(settings.project.dataset.main.unwrap().is_absolute() && settings.model_sha256.len() == 64);
    let predictions = run.read_predictions("test").unwrap();
    let right = predictions.iter().filter(|row| !row.is_wrong()).count() as f64 / 40.0;
    assert!((right - test.accuracy).abs() < 1e-12);
    assert_eq!(run.read_predictions("validation").unwrap().len(), 20);
    let comparison = run.read_comparison().unwrap();
    let majority = comparison.baseline(BaselineName::MajorityClass).and_then(Metrics::classification).unwrap();
    assert!(majority.macro_average.f1 < 0.5 && comparison.baseline(BaselineName::TfIdf).is_some());
    let interval = comparison.interval.unwrap();
    assert!(interval.low <= test.macro_average.f1 && test.macro_average.f1 <= interval.high);
    let info = read_model_info(&run.best()).unwrap().unwrap();
    assert_eq!((info.text_column.as_str(), info.max_length, info.labels), ("text", 32, settings.labels));
}

/// The newest run's best checkpoint, and the test texts as its tokens.
fn best_model(bench: &Bench) -> (Model, Vec<Vec<u32>>) {
    let best = bench.newest().best();
    let options = LoadOptions::classifier(bench.prepared.labels.clone());
    let (model, report) = Model::load(&best, &options).unwrap();
    assert!(!report.new_head && report.missing.is_empty());
    let texts: Vec<&str> = bench.prepared.side(Side::Test).map(|example| example.text.as_str()).collect();
    let ids = TextTokenizer::load(&best).unwrap().encode_batch(&texts, 32).unwrap();
    (model, ids)
}

/// Probabilities that a model gives tokenised texts, `[texts][labels]`.
fn probabilities(model: &Model, ids: &[Vec<u32>]) -> Vec<Vec<f32>> {
    let (task, samples) = (tasks::classifier(model.labels()), Samples { ids: ids.to_vec(), classes: Vec::new() });
    let what = ToScore { task: &*task, samples: &samples, rows: ids.len() };
    let scored = quietly(|watch| predict(model, what, watch)).unwrap();
    scored.answers.iter().map(|answer| answer.class().unwrap().probabilities.clone()).collect()
}

/// The newest run's probabilities of the test rows, row after row.
fn kept_predictions(bench: &Bench) -> Vec<f32> {
    let kept = bench.newest().read_predictions("test").unwrap();
    kept.iter().flat_map(|row| row.probabilities().to_vec()).collect()
}

#[test]
fn the_best_folder_gives_the_predictions_of_the_run() {
    let bench = Bench::new(120);
    bench.train(|_| ()).summary();
    let (model, ids) = best_model(&bench);
    let (found, kept) = (probabilities(&model, &ids).concat(), kept_predictions(&bench));
    assert_eq!(found.len(), kept.len());
    for (found, kept) in found.iter().zip(kept) {
        assert!((found - kept).abs() < 1e-6);
    }
    let control = Control::default();
    control.cancel();
    let (task, samples) = (tasks::classifier(model.labels()), Samples { ids: ids.clone(), classes: Vec::new() });
    let rows = ToScore { task: &*task, samples: &samples, rows: ids.len() };
    let stopped = predict(&model, rows, &mut Watch { control: &control, report: &mut |_| () });
    assert!(matches!(stopped, Err(TrainError::Cancelled)));
}

#[test]
fn bf16_learns_as_well_and_as_repeatably_as_f32() {
    let bench = Bench::new(40);
    let run = |precision| bench.train(|settings| settings.precision = precision);
    let (f32, bf16, again) = (run(Precision::F32), run(Precision::Bf16), run(Precision::Bf16));
    assert_eq!(bf16.losses(), again.losses());
    assert_ne!(bf16.losses(), f32.losses());
    for (f32, bf16) in f32.steps().iter().zip(bf16.steps()) {
        assert!((f32.loss - bf16.loss).abs() < 0.03, "{f32:?} {bf16:?}");
    }
    assert_eq!([&f32, &bf16].map(|outcome| outcome.summary().device.as_str()), ["CPU, f32", "CPU, bf16"]);
    let info = read_model_info(&bench.newest().best()).unwrap().unwrap();
    assert_eq!(info.precision, Precision::Bf16, "what is trained in bf16 predicts in bf16");
}

#[test]
fn a_gpu_trains_a_run_as_the_processor_does() {
    let is_gpu = |device: &DeviceChoice| matches!(device, DeviceChoice::Cuda | DeviceChoice::Metal);
    let Some(gpu) = Compute::devices().iter().copied().find(is_gpu) else {
        println!("skipped: no GPU that this build can use");
        return;
    };
    let [bench, other] = [Bench::new(80), Bench::new(80)];
    let run = |bench: &Bench, device| bench.train(|settings| settings.device = device);
    let (processor, there) = (run(&other, DeviceChoice::Cpu), run(&bench, gpu));
    assert!(there.summary().device.ends_with("GPU, f32"), "{}", there.summary().device);
    assert_eq!(processor.steps().len(), there.steps().len());
    for (one, other) in processor.steps().iter().zip(there.steps()) {
        assert!((one.loss - other.loss).abs() < 1e-2, "{one:?} {other:?}");
        assert!((one.grad_norm - other.grad_norm).abs() < 2e-2 * one.grad_norm.max(1.0), "{one:?} {other:?}");
    }
    // What was trained there answers the same on the processor.
    let (model, ids) = best_model(&bench);
    let found = probabilities(&model, &ids).concat();
    for (found, kept) in found.iter().zip(kept_predictions(&bench)) {
        assert!((found - kept).abs() < 1e-4, "{found} {kept}");
    }
}

#[test]
fn the_same_settings_give_the_same_losses_bit_for_bit() {
    let bench = Bench::new(120);
    let [first, second] = [bench.train(|_| ()), bench.train(|_| ())];
    assert_eq!(first.losses(), second.losses());
    assert_eq!(first.summary().validation, second.summary().validation);
    assert_eq!(first.summary().test, second.summary().test);
    let other_seed = bench.train(|settings| settings.seed = 43);
    assert_ne!(first.losses(), other_seed.losses());
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let project = project();
    let alone = one_thread.install(|| {
        let (project_folder, prepared) = (bench.folder.path(), &bench.prepared);
        let inputs = TrainInputs { project: &project, project_folder, prepared, model_folder: &tiny_bert() };
        let mut losses = Vec::new();
        train(inputs, &Control::default(), &mut |event| {
            if let TrainingEvent::Step(step) = event {
                losses.push(step.loss.to_bits());
            }
        })
        .unwrap();
        losses
    });
    assert_eq!(first.losses(), alone, "the number of threads must not matter");
}

/// Candle's fused layers cut the gradient without a word; a tensor so frozen would not move.
#[test]
fn every_tensor_moves() {
    let bench = Bench::new(80);
    bench.train(|settings| settings.epochs = 1).summary();
    let labels = bench.prepared.labels.clone();
    let load = |folder: &Path| {
        let options = LoadOptions { seed: 42, ..LoadOptions::classifier(labels.clone()) };
        Model::load(folder, &options).unwrap().0
    };
    let (before, after) = (load(&tiny_bert()), load(&bench.newest().best()));
    assert!(before.parameters().len() > 30);
    for (before, after) in before.parameters().iter().zip(after.parameters()) {
        let values =
            |parameter: &hone::models::Parameter| parameter.var.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(before.name, after.name);
        assert_ne!(values(before), values(after), "{} did not move", before.name);
    }
}

#[test]
fn what_is_frozen_stays_and_the_rest_learns() {
    let bench = Bench::new(120);
    let labels = bench.prepared.labels.clone();
    let load = |folder: &Path| {
        let options = LoadOptions { seed: 42, ..LoadOptions::classifier(labels.clone()) };
        Model::load(folder, &options).unwrap().0
    };
    for (trained, still) in [
        (TrainedLayers::Head, vec!["bert.embeddings.", "bert.encoder."]),
        (TrainedLayers::Top(1), vec!["bert.embeddings.", "bert.encoder.layer.0."]),
    ] {
        let run = || bench.train(|settings| settings.trained_layers = trained);
        let outcome = run();
        let losses = outcome.steps().iter().map(|step| step.loss).collect::<Vec<_>>();
        assert!(losses.last() < losses.first(), "{trained:?} {losses:?}");
        let (before, after) = (load(&tiny_bert()), load(&bench.newest().best()));
        for (before, after) in before.parameters().iter().zip(after.parameters()) {
            let [old, new] = [before, after].map(|parameter| parameter.var.flatten_all().unwrap());
            let same = old.to_vec1::<f32>().unwrap() == new.to_vec1::<f32>().unwrap();
            let frozen = still.iter().any(|prefix| before.name.starts_with(prefix));
            assert_eq!(same, frozen, "{trained:?} {}", before.name);
        }
        assert_eq!(outcome.losses(), run().losses(), "{trained:?} repeats bit for bit");
    }
}

#[test]
fn two_batches_of_sixteen_equal_one_of_thirty_two() {
    let bench = Bench::new(120);
    let with = |batch_size: usize, gradient_accumulation: usize, weights: &ClassWeights| {
        bench.train_task(|task, settings| {
            settings.batch_size = batch_size;
            settings.gradient_accumulation = gradient_accumulation;
            task.class_weights = weights.clone();
            settings.dropout = Some(0.0);
            settings.group_by_length = false;
            task.label_smoothing = 0.1;
            settings.optimizer.learning_rate = 1e-3;
        })
    };
    for weights in [ClassWeights::None, ClassWeights::Balanced] {
        let (large, small) = (with(32, 1, &weights), with(16, 2, &weights));
        assert_eq!((large.steps().len(), small.steps().len()), (6, 6));
        for (large, small) in large.steps().iter().zip(small.steps()) {
            assert_eq!(large.tokens, small.tokens, "the same rows");
            assert!((large.loss - small.loss).abs() < 1e-4, "{} and {}", large.loss, small.loss);
            assert!((large.grad_norm - small.grad_norm).abs() < 1e-3 * large.grad_norm);
        }
    }
}

#[test]
fn class_weights_change_the_loss_as_computed_by_hand() {
    let bench = Bench::new(80);
    let by_hand: BTreeMap<String, f64> = [("bad".to_owned(), 5.0)].into();
    let first_loss = |weights: ClassWeights| {
        let outcome = bench.train_task(|task, settings| {
            settings.dropout = Some(0.0);
            task.class_weights = weights;
            settings.batch_size = 1000; // one batch of all rows
            settings.epochs = 1;
        });
        outcome.steps()[0].loss
    };
    let labels = bench.prepared.labels.clone();
    assert_eq!(labels, ["bad", "good"]);
    let options = LoadOptions { seed: 42, ..LoadOptions::classifier(labels) };
    let (model, _) = Model::load(&tiny_bert(), &options).unwrap();
    let rows: Vec<_> = bench.prepared.side(Side::Train).collect();
    let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
    let ids = TextTokenizer::load(&tiny_bert()).unwrap().encode_batch(&texts, 32).unwrap();
    let probabilities = probabilities(&model, &ids);
    let mean = |weights: [f64; 2]| {
        let (mut sum, mut total) = (0.0, 0.0);
        for (row, probabilities) in rows.iter().zip(&probabilities) {
            let label = row.class().unwrap() as usize;
            sum -= weights[label] * f64::from(probabilities[label]).ln();
            total += weights[label];
        }
        sum / total
    };
    let plain = first_loss(ClassWeights::None);
    let weighted = first_loss(ClassWeights::ByHand(by_hand));
    assert!((plain - mean([1.0, 1.0])).abs() < 1e-4, "{plain}");
    assert!((weighted - mean([5.0, 1.0])).abs() < 1e-4, "{weighted}");
    assert!((plain - weighted).abs() > 1e-3);
    let balanced = CrossEntropy { class_weights: Some([1.0, 2.0].into()), ..CrossEntropy::default() };
    assert!((balanced.total_weight(&[0, 1, 1]) - 5.0).abs() < 1e-12);
}

#[test]
fn evaluations_come_when_asked_for_and_early_stopping_ends_the_run() {
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

/// Stops when `event` is seen for the `nth` time, as often as told.
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
fn a_stop_before_the_first_step_leaves_nothing() {
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
fn a_stop_before_the_first_evaluation_evaluates_what_there_is() {
    let bench = Bench::new(120);
    let outcome = stop_at(&bench, 1, |event| is_step(event, 3));
    let summary = outcome.summary();
    assert_eq!((summary.stop_reason, summary.steps, summary.best_step), (StopReason::Stopped, 3, 3));
    assert!(summary.test.is_some() && bench.newest().best().join("model.safetensors").is_file());
}

#[test]
fn a_stop_after_an_evaluation_keeps_the_best_checkpoint() {
    let bench = Bench::new(120);
    let outcome = stop_at(&bench, 1, |event| is_step(event, 8));
    let summary = outcome.summary();
    assert_eq!((summary.stop_reason, summary.steps, summary.best_step), (StopReason::Stopped, 8, 6));
    assert_eq!(outcome.evaluations(), 1);
    assert!(summary.test.is_some());
}

#[test]
fn a_second_stop_drops_the_rest() {
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

#[test]
fn a_loss_that_is_no_number_says_what_to_change() {
    let bench = Bench::new(120);
    let outcome = bench.train(|settings| {
        settings.optimizer.learning_rate = 1e30;
        settings.optimizer.max_grad_norm = 0.0;
        settings.warmup = 0.0;
        settings.epochs = 5;
    });
    let message = outcome.error();
    assert!(
        message.contains("diverged") && message.contains("Lower the learning rate, for example to 5e-5"),
        "{message}"
    );
    let RunStatus::Failed(written) = bench.newest().read_status().unwrap() else {
        panic!("the run must say it failed")
    };
    assert_eq!(written, message);
}

#[test]
fn settings_and_data_that_cannot_be_trained_on_leave_no_run() {
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
fn texts_over_the_models_length_are_cut_with_a_warning() {
    let bench = Bench::new(80);
    let outcome = bench.train(|settings| settings.max_length = 500);
    outcome.summary();
    let warned =
        |event: &TrainingEvent| matches!(event, TrainingEvent::Warning(line) if line.contains("at most 64 tokens"));
    assert!(outcome.events.iter().any(warned));
    assert_eq!(read_model_info(&bench.newest().best()).unwrap().unwrap().max_length, 64);
}

#[test]
fn no_test_rows_is_no_test_figure() {
    let mut bench = Bench::new(80);
    bench.prepared.examples.retain(|example| example.side != Side::Test);
    let outcome = bench.train(|settings| settings.epochs = 1);
    assert_eq!(outcome.summary().test, None);
    assert!(bench.newest().read_comparison().is_ok());
}
