//! What a run learns and leaves: the same bits every time, frozen layers, accumulation, class weights.

use std::collections::BTreeMap;

use hone::data::Pooling;
use hone::evaluation::{BaselineName, Metrics};
use hone::ops::CrossEntropy;
use hone::project::{ClassWeights, TrainedLayers};

use super::*;

#[test]
fn a_run_learns_and_writes_its_settings_metrics_and_predictions() {
    let bench = Bench::new(200);
    let outcome = bench.train(|settings| settings.epochs = 20);
    let summary = outcome.summary();
    assert_eq!((summary.steps, summary.stop_reason), (180, StopReason::Completed));
    assert!((summary.epochs - 20.0).abs() < 1e-12 && summary.tokens_per_second > 0.0 && summary.peak_memory > 1 << 20);
    let test = summary.test.as_ref().and_then(Metrics::classification).unwrap();
    assert!(test.macro_average.f1 > 0.85, "macro-F1 {}", test.macro_average.f1);

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

#[test]
fn the_best_checkpoint_gives_the_predictions_of_the_run() {
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
    let (task, samples) =
        (tasks::classifier(model.labels(), Pooling::First), Samples::of_texts(ids.clone(), Vec::new()));
    let rows = ToScore { task: &*task, samples: &samples, rows: ids.len() };
    let stopped = predict(&model, rows, &mut Watch { control: &control, report: &mut |_| () });
    assert!(matches!(stopped, Err(TrainError::Cancelled)));
}

#[test]
fn bf16_learns_as_well_as_f32_and_repeats_bit_for_bit() {
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
        let inputs = TrainInputs {
            project: &project,
            project_folder,
            prepared,
            model_folder: &tiny_bert(),
            resumed: None,
            study: None,
        };
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

#[test]
fn batches_bounded_by_tokens_are_planned_timed_and_trained_alike() {
    let bench = Bench::new(120);
    let bounded = |settings: &mut TrainingSettings| {
        settings.batch_tokens = Some(60);
        settings.epochs = 3;
        settings.gradient_accumulation = 2;
    };
    let outcome = bench.train(bounded);
    let planned = outcome.events.iter().find_map(|event| match event {
        TrainingEvent::Started { total_steps, steps_per_epoch, .. } => Some((*total_steps, *steps_per_epoch)),
        _ => None,
    });
    let steps = outcome.steps();
    let (total, per_epoch) = planned.unwrap();
    assert_eq!((steps.len() as u64, outcome.summary().steps), (total, total));
    assert_eq!(per_epoch, total.div_ceil(3));
    assert!(steps.iter().all(|step| step.tokens <= 2 * 60), "two batches of at most 60 tokens");
    let rows = bench.prepared.side(Side::Train).count();
    assert!(total > 3 * rows.div_ceil(2 * 16) as u64, "{total} steps are more than by rows alone");
    let tokens: u64 = steps.iter().map(|step| step.tokens).sum();
    assert_eq!(tokens % 3, 0, "every text is in each epoch once");
    let last = steps.last().unwrap();
    assert!((last.epoch - 3.0).abs() < 1e-9 && last.learning_rate < steps[0].learning_rate + 2e-3 / total as f64 * 2.0);
    assert_eq!(outcome.losses(), bench.train(bounded).losses(), "the same settings give the same bits");

    let mut project = project();
    bounded(&mut project.training);
    let (project_folder, prepared) = (bench.folder.path(), &bench.prepared);
    let inputs = TrainInputs {
        project: &project,
        project_folder,
        prepared,
        model_folder: &tiny_bert(),
        resumed: None,
        study: None,
    };
    let measured = hone::training::dry_run(inputs, &Control::default(), &mut |_| ()).unwrap();
    assert_eq!(measured.steps, total);
}

#[test]
fn a_model_that_was_fine_tuned_for_other_labels_says_what_is_kept() {
    let mut bench = Bench::new(80);
    let place = tempfile::tempdir().unwrap();
    for file in ["model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"] {
        std::fs::copy(tiny_bert().join(file), place.path().join(file)).unwrap();
    }
    let mut config: serde_json::Value =
        serde_json::from_slice(&std::fs::read(tiny_bert().join("config.json")).unwrap()).unwrap();
    config["architectures"] = serde_json::json!(["BertForSequenceClassification"]);
    config["id2label"] = serde_json::json!({"0": "spam", "1": "ham", "2": "other"});
    std::fs::write(place.path().join("config.json"), config.to_string()).unwrap();
    bench.model = place.path().to_owned();
    let outcome = bench.train(|settings| settings.epochs = 1);
    let says = "The model was fine-tuned for 3 other labels (spam, ham, other): it keeps what it knows of language, and learns \
                your labels from scratch.";
    let logged = outcome.events.iter().any(|event| format!("{event:?}").contains(says));
    assert!(logged, "{:?}", outcome.run);
}

/// candle's fused layers silently stop the gradient; a tensor before one of them would never change.
#[test]
fn training_changes_every_tensor() {
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
fn frozen_layers_keep_their_weights_and_the_rest_learns() {
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
fn two_accumulated_batches_of_16_equal_one_of_32() {
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
