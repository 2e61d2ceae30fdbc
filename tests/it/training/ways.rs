//! What is trained: adapters, the mean of hidden states, and heads that are solved for.

use std::path::Path;

use hone::evaluation::{Baseline, BaselineName};
use hone::export::{ExportError, ExportFormat, Exported, export};
use hone::models::{Model, is_adapter};
use hone::predictor::Predictor;
use hone::project::{LoraSettings, PROBE_STRENGTHS, PoolingChoice, Recompute, TrainedLayers};

use super::*;

/// The answers of the model in a folder to some texts: the class of each.
fn answers(folder: &Path) -> Vec<u32> {
    let predictor = Predictor::load(folder).unwrap();
    let texts = ["the phone 20 is bad and broken", "the dress 23 is great and perfect"];
    let answers = quietly(|watch| predictor.answer(&texts, watch)).unwrap().answers;
    answers.into_iter().map(|answer| answer.unwrap().class().unwrap().predicted).collect()
}

fn exported(bench: &Bench, format: ExportFormat, name: &str) -> Result<Exported, ExportError> {
    quietly(|watch| export(&bench.newest(), format, &bench.folder.path().join(name), watch))
}

fn is_learnt(outcome: &Outcome) {
    let losses: Vec<f64> = outcome.steps().iter().map(|step| step.loss).collect();
    assert!(losses.last() < losses.first(), "{losses:?}");
    assert!(outcome.summary().test.as_ref().unwrap().classification().unwrap().accuracy > 0.9);
}

#[test]
fn an_adapter_is_trained_kept_alone_and_exported_both_ways() {
    let bench = Bench::new(160);
    let train = || {
        bench.train(|settings| {
            settings.trained_layers = TrainedLayers::Lora;
            settings.lora = LoraSettings { rank: 4, dropout: 0.1, ..LoraSettings::default() };
            settings.optimizer.learning_rate = 1e-2;
            settings.epochs = 4;
        })
    };
    let outcome = train();
    is_learnt(&outcome);
    let best = bench.newest().best();
    assert!(is_adapter(&best) && !best.join("model.safetensors").exists());
    let size = |file: &Path| file.metadata().unwrap().len();
    assert!(size(&best.join("adapter_model.safetensors")) * 3 < size(&tiny_bert().join("model.safetensors")));
    assert_eq!(answers(&best), [0, 1]);
    assert_eq!(outcome.losses(), train().losses(), "repeats bit for bit");

    let whole = exported(&bench, ExportFormat::HuggingFace, "whole").unwrap();
    assert!(whole.proof.contains("the answers are identical"), "{}", whole.proof);
    assert!(!is_adapter(&whole.path) && answers(&whole.path) == [0, 1]);
    let adapter = exported(&bench, ExportFormat::Adapter, "adapter").unwrap();
    assert!(is_adapter(&adapter.path) && answers(&adapter.path) == [0, 1]);
    let card = std::fs::read_to_string(adapter.path.join("README.md")).unwrap();
    assert!(card.contains("| trained | LoRA of rank 4, alpha 16, dropout 0.1, and head |"), "{card}");
    let weights = exported(&bench, ExportFormat::Safetensors, "weights.safetensors").unwrap();
    assert!(weights.proof.contains("the answers are identical"), "{}", weights.proof);
    assert_eq!(size(&weights.path).abs_diff(size(&whole.path.join("model.safetensors"))) / 1024, 0);
}

#[test]
fn an_adapter_whose_base_model_is_gone_says_where_it_was() {
    let bench = Bench::new(80);
    let copy = tempfile::tempdir().unwrap();
    for file in ["config.json", "model.safetensors", "tokenizer.json"] {
        std::fs::copy(tiny_bert().join(file), copy.path().join(file)).unwrap();
    }
    let bench = Bench { model: copy.path().to_owned(), ..bench };
    bench.train(|settings| settings.trained_layers = TrainedLayers::Lora).summary();
    let best = bench.newest().best();
    let base = copy.path().canonicalize().unwrap();
    drop(copy);
    let error = Predictor::load(&best).err().unwrap().to_string();
    assert!(error.contains(&format!("its base model, {}, is not", base.display())), "{error}");
    let error = exported(&bench, ExportFormat::HuggingFace, "whole").unwrap_err().to_string();
    assert!(error.contains(&base.display().to_string()), "{error}");
    assert!(!bench.folder.path().join("whole").exists());
}

#[test]
fn a_run_without_an_adapter_cannot_export_one() {
    let bench = Bench::new(80);
    bench.train(|settings| settings.epochs = 1).summary();
    let error = exported(&bench, ExportFormat::Adapter, "adapter").unwrap_err().to_string();
    assert!(error.contains("trained no adapter"), "{error}");
}

#[test]
fn an_instant_model_is_solved_for_and_repeats_bit_for_bit() {
    let bench = Bench::new(160);
    let train = || bench.train(|settings| settings.trained_layers = TrainedLayers::Instant);
    let outcome = train();
    is_learnt(&outcome);
    let strengths = PROBE_STRENGTHS.len();
    assert_eq!((outcome.steps().len(), outcome.evaluations()), (strengths, strengths));
    let best = bench.newest().best();
    // The embeddings were kept in training, and are computed here.
    let tested = bench.newest().read_predictions("test").unwrap();
    let texts: Vec<&str> = tested.iter().map(|row| row.text.as_str()).collect();
    let answered = quietly(|watch| Predictor::load(&best).unwrap().answer(&texts, watch)).unwrap().answers;
    for (row, answer) in tested.iter().zip(answered) {
        assert_eq!(row.predicted(), Some(answer.unwrap().class().unwrap().predicted), "{}", row.text);
    }
    for file in ["modules.json", "1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors"] {
        assert!(best.join(file).is_file(), "{file}");
    }
    assert_eq!(outcome.losses(), train().losses());
    let (first, second) = (outcome.summary().test.clone(), train().summary().test.clone());
    assert_eq!(first, second);
}

/// The instant baseline of the newest run, with the macro-F1 and the loss that it has on the test rows.
fn instant_baseline(bench: &Bench) -> Option<(Baseline, [f64; 2])> {
    let baselines = bench.newest().read_comparison().unwrap().baselines;
    let baseline = baselines.into_iter().find(|baseline| baseline.name == BaselineName::Instant)?;
    let metrics = baseline.metrics.classification().unwrap();
    let figures = [metrics.macro_average.f1, metrics.loss];
    Some((baseline, figures))
}

#[test]
fn every_run_is_compared_with_an_instant_model_but_an_instant_model_is_not() {
    let bench = Bench::new(400);
    bench.train(|settings| settings.epochs = 1).summary();
    let (baseline, [f1, loss]) = instant_baseline(&bench).unwrap();
    assert!(baseline.difference.is_some(), "rows are compared one by one");
    bench.train_task(|task, settings| {
        task.instant_baseline = false;
        settings.epochs = 1;
    });
    assert!(instant_baseline(&bench).is_none(), "it can be turned off");
    bench.train_task(|task, settings| {
        (task.instant_baseline, task.pooling) = (false, PoolingChoice::Mean);
        settings.epochs = 1;
    });
    assert!(instant_baseline(&bench).is_none(), "also if the head begins as an instant model");
    let outcome = bench.train(|settings| settings.trained_layers = TrainedLayers::Instant);
    assert!(instant_baseline(&bench).is_none());
    let of_run = outcome.summary().test.clone().unwrap();
    let of_run = of_run.classification().unwrap();
    // Strengths that do equally well on the validation rows are told apart by the loss, in a run by which came first.
    assert!((of_run.macro_average.f1 - f1).abs() < 0.02 && loss.is_finite(), "{of_run:?} {f1}");
}

#[test]
fn a_model_that_is_gone_by_the_end_only_costs_the_baseline() {
    let copy = tempfile::tempdir().unwrap();
    for file in ["config.json", "model.safetensors", "tokenizer.json"] {
        std::fs::copy(tiny_bert().join(file), copy.path().join(file)).unwrap();
    }
    let bench = Bench { model: copy.path().to_owned(), ..Bench::new(160) };
    let mut warnings = Vec::new();
    let outcome = bench.train_with(&project(), &Control::default(), &mut |event| match event {
        TrainingEvent::Step(step) if step.step == 1 => {
            std::fs::remove_file(copy.path().join("model.safetensors")).unwrap();
        }
        TrainingEvent::Warning(warning) => warnings.push(warning.clone()),
        _ => {}
    });
    assert!(outcome.summary().test.is_some() && instant_baseline(&bench).is_none());
    assert!(warnings.iter().any(|warning| warning.starts_with("There is no instant baseline: ")), "{warnings:?}");
}

#[test]
fn a_stopped_run_does_not_wait_for_the_baseline() {
    let bench = Bench::new(160);
    let control = Control::default();
    let outcome = bench.train_with(&project(), &control, &mut |event| {
        if matches!(event, TrainingEvent::Evaluation(_)) {
            control.cancel();
        }
    });
    assert!(outcome.summary().test.is_some() && instant_baseline(&bench).is_none());
}

#[test]
fn a_new_head_on_the_mean_begins_as_the_instant_model() {
    let bench = Bench::new(160);
    let outcome = bench.train_task(|task, settings| {
        task.pooling = PoolingChoice::Mean;
        settings.epochs = 1;
        settings.optimizer.learning_rate = 1e-12;
    });
    let test = outcome.summary().test.clone().unwrap();
    let test = test.classification().unwrap();
    let (_, [f1, loss]) = instant_baseline(&bench).unwrap();
    assert!((test.macro_average.f1 - f1).abs() < 1e-9 && (test.loss - loss).abs() < 1e-4, "{test:?} {f1} {loss}");
}

#[test]
fn a_head_on_the_mean_is_exported_with_its_modules_and_as_one_file() {
    let bench = Bench::new(160);
    let outcome = bench.train_task(|task, settings| {
        task.pooling = PoolingChoice::Mean;
        settings.epochs = 8;
    });
    is_learnt(&outcome);
    let whole = exported(&bench, ExportFormat::HuggingFace, "whole").unwrap();
    assert!(whole.proof.contains("the answers are identical"), "{}", whole.proof);
    assert_eq!(answers(&whole.path), [0, 1]);
    // Another program knows nothing of `hone.ron`.
    std::fs::remove_file(whole.path.join("hone.ron")).unwrap();
    assert_eq!(answers(&whole.path), [0, 1]);
    let card = std::fs::read_to_string(whole.path.join("README.md")).unwrap();
    assert!(card.contains("SentenceTransformer("), "{card}");
    let weights = exported(&bench, ExportFormat::Safetensors, "weights.safetensors").unwrap();
    assert!(weights.proof.contains("the answers are identical"), "{}", weights.proof);
    // Training goes on with the head, for the same labels.
    let head = hone::models::HeadSpec::MeanClassification { labels: bench.prepared.labels.clone() };
    let report = |head| Model::load(&whole.path, &LoadOptions::new(head)).unwrap().1;
    assert!(!report(head).new_head);
    let other = hone::models::HeadSpec::MeanClassification { labels: vec!["a".to_owned(), "b".to_owned()] };
    assert!(report(other).new_head);
}

#[test]
fn an_adapter_with_the_mean_is_refused_with_what_to_do() {
    let bench = Bench::new(80);
    let outcome = bench.train_task(|task, settings| {
        task.pooling = PoolingChoice::Mean;
        settings.trained_layers = TrainedLayers::Lora;
    });
    assert!(outcome.error().contains("set pooling to Token"), "{}", outcome.error());
    assert_eq!(bench.runs(), 0);
}

#[test]
fn recomputing_activations_changes_no_bit() {
    let bench = Bench::new(80);
    let with = |recompute| bench.train(|settings| settings.recompute = recompute).losses();
    assert_eq!(with(Recompute::Never), with(Recompute::Always));
}
