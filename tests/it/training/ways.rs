//! What is trained: adapters, the mean of hidden states, and heads that are solved for.

use std::path::Path;

use candle_core::DType;
use hone::data::Pooling;
use hone::evaluation::{Baseline, BaselineName, NextStep};
use hone::export::{ExportError, ExportFormat, Exported, export};
use hone::models::HeadSpec;
use hone::models::{Compute, LoadOptions, Model, is_adapter};
use hone::predictor::{Predictor, Probabilities};
use hone::project::{DeviceChoice, LoraSettings, PROBE_STRENGTHS, PoolingChoice, Precision, Recompute, TrainedLayers};

use super::*;

/// The answers of the model in a folder to some texts: the class of each.
fn answers(folder: &Path) -> Vec<u32> {
    let predictor = Predictor::load(folder).unwrap();
    let texts = ["the phone 20 is bad and broken", "the dress 23 is great and perfect"];
    let answers = quietly(|watch| predictor.answer(&texts, Probabilities::Uncalibrated, watch)).unwrap().answers;
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

/// A copy of the tiny model, to change.
fn copy_of_tiny_bert() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in ["config.json", "model.safetensors", "tokenizer.json"] {
        std::fs::copy(tiny_bert().join(file), copy.path().join(file)).unwrap();
    }
    copy
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
    assert!(card.contains("AutoModelForSequenceClassification.from_pretrained(base, num_labels=2"), "{card}");
    assert!(card.contains("| trained | LoRA of rank 4, alpha 16, dropout 0.1, on attention; and the head |"), "{card}");
    let weights = exported(&bench, ExportFormat::Safetensors, "weights.safetensors").unwrap();
    assert!(weights.proof.contains("the answers are identical"), "{}", weights.proof);
    assert_eq!(size(&weights.path).abs_diff(size(&whole.path.join("model.safetensors"))) / 1024, 0);
}

#[test]
fn an_adapter_whose_base_model_is_gone_says_where_it_was() {
    let bench = Bench::new(80);
    let copy = copy_of_tiny_bert();
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
fn an_adapter_in_bf16_leaves_its_base_in_half_the_memory_and_learns_as_well() {
    let load = |precision| {
        let compute = Compute::choose(DeviceChoice::Cpu, precision).unwrap();
        let options = LoadOptions {
            trained: TrainedLayers::Lora,
            compute,
            ..LoadOptions::classifier(vec!["a".to_owned(), "b".to_owned()])
        };
        Model::load(&tiny_bert(), &options).unwrap().0
    };
    let (narrow, wide) = (load(Precision::Bf16), load(Precision::F32));
    for (narrow, wide) in narrow.parameters().iter().zip(wide.parameters()) {
        let is_matrix_of_layer =
            narrow.name.contains("encoder.layer") && narrow.name.ends_with("weight") && narrow.var.dims().len() == 2;
        let expected = if is_matrix_of_layer && !narrow.trained { DType::BF16 } else { DType::F32 };
        assert_eq!((narrow.var.dtype(), wide.var.dtype()), (expected, DType::F32), "{}", narrow.name);
    }
    let bench = Bench::new(160);
    let train = |precision| {
        bench.train(|settings| {
            settings.trained_layers = TrainedLayers::Lora;
            settings.lora = LoraSettings { rank: 4, dropout: 0.1, ..LoraSettings::default() };
            settings.optimizer.learning_rate = 1e-2;
            settings.epochs = 4;
            settings.precision = precision;
        })
    };
    let (f32, bf16) = (train(Precision::F32), train(Precision::Bf16));
    is_learnt(&bf16);
    for (f32, bf16) in f32.steps().iter().zip(bf16.steps()) {
        assert!((f32.loss - bf16.loss).abs() < 0.03, "{f32:?} {bf16:?}");
    }
    let best = bench.newest().best();
    assert_eq!(answers(&best), [0, 1]);
    // Merged into weights in bf16, small updates would be lost.
    assert_eq!(read_model_info(&best).unwrap().unwrap().precision, Precision::F32);
}

#[test]
fn an_adapter_is_trained_on_top_of_another_and_both_are_merged() {
    let bench = Bench::new(160);
    let adapt = |bench: &Bench, epochs| {
        let outcome = bench.train(|settings| {
            settings.trained_layers = TrainedLayers::Lora;
            settings.lora = LoraSettings { rank: 4, dropout: 0.1, ..LoraSettings::default() };
            settings.optimizer.learning_rate = 1e-2;
            settings.epochs = epochs;
        });
        (outcome.losses(), outcome.summary().clone())
    };
    let (first, _) = adapt(&bench, 4);
    let base = bench.newest().best();
    let above = Bench { model: base, ..Bench::new(160) };
    let (second, summary) = adapt(&above, 1);
    assert_ne!(first, second, "it begins where the other ended");
    assert!(summary.test.unwrap().classification().unwrap().accuracy > 0.9);
    let best = above.newest().best();
    assert!(is_adapter(&best) && answers(&best) == [0, 1]);
    let refused = exported(&above, ExportFormat::Adapter, "adapter").unwrap_err().to_string();
    assert!(refused.contains("is itself an adapter, which peft cannot load"), "{refused}");
    let whole = exported(&above, ExportFormat::HuggingFace, "whole").unwrap();
    assert!(whole.proof.contains("the answers are identical") && !is_adapter(&whole.path), "{}", whole.proof);
    // Adapters that name each other lead nowhere.
    let config = best.join("adapter_config.json");
    let text = std::fs::read_to_string(&config).unwrap();
    let line = text.lines().find(|line| line.contains("base_model_name_or_path")).unwrap();
    let to_itself = format!("  \"base_model_name_or_path\": {:?},", best.display().to_string());
    std::fs::write(&config, text.replace(line, &to_itself)).unwrap();
    let error = Predictor::load(&best).err().unwrap().to_string();
    assert!(error.contains("leads back to itself"), "{error}");
}

#[test]
fn an_adapter_does_not_answer_with_another_base_model() {
    let copy = copy_of_tiny_bert();
    let bench = Bench { model: copy.path().to_owned(), ..Bench::new(80) };
    bench.train(|settings| (settings.trained_layers, settings.epochs) = (TrainedLayers::Lora, 1)).summary();
    let best = bench.newest().best();
    assert!(Predictor::load(&best).is_ok());
    let weights = copy.path().join("model.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    // A little change of the last number.
    *bytes.iter_mut().nth_back(1).unwrap() ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    let error = Predictor::load(&best).err().unwrap().to_string();
    assert!(error.contains("has other weights than the adapter was trained on"), "{error}");
    let error = exported(&bench, ExportFormat::HuggingFace, "whole").unwrap_err().to_string();
    assert!(error.contains("has other weights than the adapter was trained on"), "{error}");
    let on_top = Bench { model: best.clone(), ..Bench::new(80) };
    let error = on_top.train(|settings| settings.epochs = 1).error();
    assert!(error.contains("has other weights than the adapter was trained on") && on_top.runs() == 0, "{error}");
    std::fs::copy(tiny_bert().join("model.safetensors"), &weights).unwrap();
    assert!(Predictor::load(&best).is_ok());
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
    let answered = quietly(|watch| Predictor::load(&best).unwrap().answer(&texts, Probabilities::Uncalibrated, watch))
        .unwrap()
        .answers;
    for (row, answer) in tested.iter().zip(answered) {
        assert_eq!(row.predicted(), Some(answer.unwrap().class().unwrap().predicted), "{}", row.text);
    }
    for file in ["modules.json", "1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors"] {
        assert!(best.join(file).is_file(), "{file}");
    }
    assert_eq!(outcome.losses(), train().losses());
    // However its texts are pooled otherwise, and without advice on epochs, which it has none of.
    let by_token = bench.train_task(|task, settings| {
        task.pooling = PoolingChoice::Token;
        (settings.trained_layers, settings.epochs) = (TrainedLayers::Instant, 1);
    });
    assert_eq!(by_token.losses(), outcome.losses());
    let run = bench.newest();
    let judged = by_token.summary().judge(&run.read_settings().unwrap().project, &run.read_comparison().unwrap());
    assert!(!matches!(judged.next, Some(NextStep::TrainLonger(_))), "{judged:?}");
    let (first, second) = (outcome.summary().test.clone(), train().summary().test.clone());
    assert_eq!(first, second);
}

#[test]
fn an_instant_model_pools_as_its_folder_says() {
    let copy = copy_of_tiny_bert();
    std::fs::create_dir(copy.path().join("1_Pooling")).unwrap();
    std::fs::write(copy.path().join("1_Pooling/config.json"), r#"{"pooling_mode_cls_token": true}"#).unwrap();
    let bench = Bench { model: copy.path().to_owned(), ..Bench::new(160) };
    let outcome = bench.train(|settings| settings.trained_layers = TrainedLayers::Instant);
    let of_the_mean = Bench::new(160).train(|settings| settings.trained_layers = TrainedLayers::Instant);
    assert_ne!(outcome.losses(), of_the_mean.losses());
    let whole = exported(&bench, ExportFormat::HuggingFace, "whole").unwrap();
    assert!(whole.proof.contains("the answers are identical"), "{}", whole.proof);
    let modules = std::fs::read_to_string(whole.path.join("1_Pooling/config.json")).unwrap();
    assert!(
        modules.contains("\"pooling_mode_cls_token\": true") && modules.contains("mean_tokens\": false"),
        "{modules}"
    );
    // The baseline of a run that trains pools in the same way.
    bench.train(|settings| settings.epochs = 1).summary();
    let (_, [f1, _]) = instant_baseline(&bench).unwrap();
    let test = outcome.summary().test.clone().unwrap();
    assert!((test.classification().unwrap().macro_average.f1 - f1).abs() < 0.02, "{f1}");
}

#[test]
fn a_classifier_takes_the_mean_if_its_folder_says_so_and_no_one_else_does() {
    let copy = copy_of_tiny_bert();
    let (pooling, config) = (copy.path().join("1_Pooling/config.json"), copy.path().join("config.json"));
    let without_head = std::fs::read_to_string(&config).unwrap().replace("BertForSequenceClassification", "BertModel");
    std::fs::write(&config, without_head).unwrap();
    std::fs::create_dir(pooling.parent().unwrap()).unwrap();
    std::fs::write(&pooling, r#"{"pooling_mode_mean_tokens": true}"#).unwrap();
    let bench = Bench { model: copy.path().to_owned(), ..Bench::new(80) };
    let of = |choice, trained| {
        bench.train_task(|task, settings| {
            task.pooling = choice;
            (settings.trained_layers, settings.epochs) = (trained, 1);
        })
    };
    for trained in [TrainedLayers::All, TrainedLayers::Head, TrainedLayers::Lora] {
        let usual = of(PoolingChoice::Auto, trained);
        assert_eq!(bench.newest().read_settings().unwrap().pooling, Some(Pooling::Mean));
        assert!(bench.newest().best().join("2_Dense/config.json").is_file());
        assert_eq!(usual.losses(), of(PoolingChoice::Mean, trained).losses());
        assert_ne!(usual.losses(), of(PoolingChoice::Token, trained).losses());
        assert_eq!(bench.newest().read_settings().unwrap().pooling, None);
    }
    let top = TrainedLayers::Top(1);
    assert_eq!(of(PoolingChoice::Auto, top).losses(), of(PoolingChoice::Token, top).losses());
    // A folder that takes the first token gets the head of its architecture.
    std::fs::write(&pooling, r#"{"pooling_mode_cls_token": true}"#).unwrap();
    assert_eq!(
        of(PoolingChoice::Auto, TrainedLayers::All).losses(),
        of(PoolingChoice::Token, TrainedLayers::All).losses()
    );
    // A classifier keeps the head that it has, whichever it is.
    of(PoolingChoice::Token, TrainedLayers::Instant);
    let embeddings = bench.newest().best();
    of(PoolingChoice::Token, TrainedLayers::All);
    for (earlier, pooling) in [(embeddings, Some(Pooling::First)), (bench.newest().best(), None)] {
        std::fs::create_dir_all(earlier.join("1_Pooling")).unwrap();
        if pooling.is_none() {
            std::fs::write(earlier.join("1_Pooling/config.json"), r#"{"pooling_mode_mean_tokens": true}"#).unwrap();
        }
        let again = Bench { model: earlier, ..Bench::new(80) };
        let outcome = again.train(|settings| settings.epochs = 1);
        assert_eq!(again.newest().read_settings().unwrap().pooling, pooling);
        let is_kept = |event: &TrainingEvent| matches!(event, TrainingEvent::Log(line) if line.contains("own classification head"));
        assert!(outcome.events.iter().any(is_kept), "{pooling:?}");
    }
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
    let copy = copy_of_tiny_bert();
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
    assert!(card.contains("SentenceTransformer(") && card.contains("library_name: sentence-transformers"), "{card}");
    // Texts are read as far as in training.
    let length = std::fs::read_to_string(whole.path.join("sentence_bert_config.json")).unwrap();
    assert!(length.contains("\"max_seq_length\": 32"), "{length}");
    let weights = exported(&bench, ExportFormat::Safetensors, "weights.safetensors").unwrap();
    assert!(weights.proof.contains("the answers are identical"), "{}", weights.proof);
    // Training goes on with the head, for the same labels.
    let is_new = |labels: &[String], pooling| {
        let head = HeadSpec::EmbeddingClassification { labels: labels.to_vec(), pooling };
        Model::load(&whole.path, &LoadOptions::new(head)).unwrap().1.new_head
    };
    assert!(!is_new(&bench.prepared.labels, Pooling::Mean));
    assert!(is_new(&["a".to_owned(), "b".to_owned()], Pooling::Mean));
    assert!(is_new(&bench.prepared.labels, Pooling::First), "a head on the mean does not fit the first token");
}

#[test]
fn an_adapter_with_a_head_on_the_mean_is_kept_and_exported_with_its_modules() {
    let bench = Bench::new(160);
    let outcome = bench.train_task(|task, settings| {
        task.pooling = PoolingChoice::Mean;
        settings.trained_layers = TrainedLayers::Lora;
        settings.lora = LoraSettings { rank: 4, ..LoraSettings::default() };
        settings.optimizer.learning_rate = 1e-2;
        settings.epochs = 4;
    });
    is_learnt(&outcome);
    let best = bench.newest().best();
    assert!(is_adapter(&best) && !best.join("model.safetensors").exists() && answers(&best) == [0, 1]);
    let adapter = exported(&bench, ExportFormat::Adapter, "adapter").unwrap();
    assert!(adapter.proof.contains("the answers are identical"), "{}", adapter.proof);
    let whole = exported(&bench, ExportFormat::HuggingFace, "whole").unwrap();
    assert!(whole.proof.contains("the answers are identical"), "{}", whole.proof);
    assert!(!is_adapter(&whole.path) && is_adapter(&adapter.path));
    for folder in [&adapter.path, &whole.path] {
        assert!(folder.join("2_Dense/model.safetensors").is_file() && answers(folder) == [0, 1]);
    }
    let weights = exported(&bench, ExportFormat::Safetensors, "weights.safetensors").unwrap();
    assert!(weights.proof.contains("the answers are identical"), "{}", weights.proof);
    // Another program finds the network without a head, as `sentence-transformers` loads it.
    let card = std::fs::read_to_string(adapter.path.join("README.md")).unwrap();
    assert!(card.contains("library_name: peft") && card.contains("2_Dense/model.safetensors"), "{card}");
    let config = std::fs::read_to_string(adapter.path.join("adapter_config.json")).unwrap();
    assert!(
        config.contains("FEATURE_EXTRACTION") && config.contains("\"encoder.layer.0.attention.self.query\""),
        "{config}"
    );
}

#[test]
fn recomputing_activations_changes_no_bit() {
    let bench = Bench::new(80);
    let with = |recompute| bench.train(|settings| settings.recompute = recompute).losses();
    assert_eq!(with(Recompute::Never), with(Recompute::Always));
}
