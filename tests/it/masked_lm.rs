//! Masked language models against `transformers`: scores, gradients, tied weights, and folders that both read.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use hone::data::{Batch, Sequence};
use hone::models::{HeadSpec, LoadOptions, LoadReport, Mode, Model};
use hone::ops::{Backend, CrossEntropy, Gradients};
use hone::project::{OptimizerSettings, TrainedLayers};
use hone::training::Optimizer;
use serde::Deserialize;
use tempfile::TempDir;

use crate::tiny_bert::learn;

const WORDS: &str = "bert.embeddings.word_embeddings.weight";
const DECODER: &str = "cls.predictions.decoder.weight";
const STEP: Mode = Mode::Training { seed: 1, step: 1 };

/// What `tests/peers/make_tiny_bert_mlm.py` wrote; the logits and gradients are in `expected.safetensors`.
#[derive(Deserialize)]
struct Expected {
    input_ids: Vec<Vec<u32>>,
    reads: Vec<Vec<u32>>,
    wanted: Vec<Vec<u32>>,
    loss: f64,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert-mlm")
}

fn expected() -> Expected {
    serde_json::from_slice(&std::fs::read(folder().join("expected.json")).unwrap()).unwrap()
}

fn tensors(path: &Path) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(path, &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn options() -> LoadOptions {
    LoadOptions { dropout: Some(0.0), seed: 42, ..LoadOptions::new(HeadSpec::LanguageModel) }
}

fn load(folder: &Path) -> (Model, LoadReport) {
    Model::load(folder, &options()).unwrap()
}

fn batch() -> Batch {
    let Expected { input_ids, reads, wanted, .. } = expected();
    let mut batch = Batch::default();
    for (row, ((ids, reads), wanted)) in input_ids.iter().zip(&reads).zip(&wanted).enumerate() {
        batch.push(Sequence { ids, reads, wanted, row });
    }
    batch
}

fn logits(model: &Model) -> Vec<f32> {
    model.forward(&batch(), Mode::Inference).unwrap().concat()
}

fn assert_close(got: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() < tolerance, "{got} {expected}");
    }
}

/// A copy of the fixture with changed weights.
fn changed(change: impl FnOnce(&mut HashMap<String, Tensor>)) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(folder()).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    let path = copy.path().join("model.safetensors");
    let mut weights = tensors(&path);
    change(&mut weights);
    candle_core::safetensors::save(&weights, &path).unwrap();
    copy
}

fn untie(folder: &Path) {
    let config = folder.join("config.json");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false")).unwrap();
}

#[test]
fn logits_equal_those_of_transformers() {
    let (model, report) = load(&folder());
    assert!(!report.new_head && report.missing.is_empty() && report.unexpected.is_empty(), "{report:?}");
    assert_close(&logits(&model), &values(&tensors(&folder().join("expected.safetensors"))["logits"]), 1e-4);
}

#[test]
fn loss_and_every_gradient_equal_those_of_transformers() {
    let (model, _) = load(&folder());
    let expected = tensors(&folder().join("expected.safetensors"));
    assert_eq!(expected.len(), model.parameters().len() + 1, "gradients of all parameters, and the logits");
    for model in [model.clone(), model.with_backend(Backend::Composed)] {
        let (loss, gradients) = learn(&model, &batch(), STEP);
        assert!((loss - self::expected().loss).abs() < 1e-5, "{loss}");
        for (place, parameter) in model.parameters().iter().enumerate() {
            let got = gradients.get(place).expect("every parameter has a gradient").to_vec().unwrap();
            let expected = values(&expected[&format!("gradient.{}", parameter.name)]);
            let largest = expected.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
            assert!(largest > 0.0 || parameter.name.contains("key.bias"), "{}", parameter.name);
            assert_close(&got, &expected, 1e-3 * largest.max(1e-3));
        }
    }
}

#[test]
fn tied_embeddings_get_the_gradients_of_both_places_summed() {
    let (tied, _) = load(&folder());
    let copy = changed(|weights| {
        weights.insert(DECODER.to_owned(), weights[WORDS].clone());
    });
    untie(copy.path());
    let (untied, report) = load(copy.path());
    assert!(report.missing.is_empty() && report.unexpected.is_empty(), "{report:?}");
    assert_eq!(logits(&untied), logits(&tied));
    let gradient = |model: &Model, name: &str| {
        let (_, gradients) = learn(model, &batch(), STEP);
        let place = model.parameters().iter().position(|parameter| parameter.name == name).unwrap();
        gradients.get(place).unwrap().to_vec().unwrap()
    };
    let parts = gradient(&untied, WORDS).into_iter().zip(gradient(&untied, DECODER));
    let sum: Vec<f32> = parts.map(|(lookup, decoder)| lookup + decoder).collect();
    assert_close(&gradient(&tied, WORDS), &sum, 1e-6);
}

#[test]
fn the_passes_of_a_step_add_up_to_one_pass_over_the_batch() {
    let (model, _) = load(&folder());
    let whole = batch();
    let (loss, expected) = learn(&model, &whole, STEP);
    let settings = CrossEntropy { divisor: Some(whole.reads.len() as f64), ..CrossEntropy::default() };
    let mut gradients = Gradients::new(model.parameters().len());
    let mut sum = 0.0;
    for row in 0..whole.len() {
        let batch = &whole.only(|other| other == row);
        let pass = hone::models::TrainPass { batch, features: None, mode: STEP, loss: &settings, stop: &|| false };
        sum += model.train_pass(&pass, &mut gradients).unwrap().loss;
    }
    assert!((sum - loss).abs() < 1e-6, "{sum} {loss}");
    for (place, parameter) in model.parameters().iter().enumerate() {
        let [got, expected] = [&gradients, &expected].map(|all| all.get(place).unwrap().to_vec().unwrap());
        assert!(got.iter().zip(&expected).all(|(got, expected)| (got - expected).abs() < 1e-5), "{}", parameter.name);
    }
}

#[test]
fn training_learns_the_masked_words_and_keeps_the_weights_tied() {
    let (model, _) = load(&folder());
    let mut optimizer = Optimizer::new(model.parameters(), &OptimizerSettings::default()).unwrap();
    let before = learn(&model, &batch(), Mode::Inference).0;
    for step in 1..=40 {
        let (_, gradients) = learn(&model, &batch(), Mode::Training { seed: 3, step });
        optimizer.step(&gradients, 1e-2).unwrap();
    }
    let after = learn(&model, &batch(), Mode::Inference).0;
    assert!(after < 0.1 * before, "{before} {after}");
    let out = tempfile::tempdir().unwrap();
    model.save_folder(&folder(), out.path()).unwrap();
    assert_eq!(logits(&load(out.path()).0), logits(&model));
}

#[test]
fn a_saved_folder_is_what_transformers_calls_bert_for_masked_lm() {
    let (model, _) = load(&folder());
    let out = tempfile::tempdir().unwrap();
    model.save_folder(&folder(), out.path()).unwrap();
    let config: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.path().join("config.json")).unwrap()).unwrap();
    assert_eq!(config["architectures"], serde_json::json!(["BertForMaskedLM"]));
    assert_eq!(config["tie_word_embeddings"], serde_json::json!(true));
    let names = |folder: &Path| {
        let mut names: Vec<String> = tensors(&folder.join("model.safetensors")).into_keys().collect();
        names.sort();
        names
    };
    assert_eq!(names(out.path()), names(&folder()), "the tensors are those that `save_pretrained` writes");
}

#[test]
fn a_classifier_starts_from_a_masked_language_model_and_vice_versa() {
    let labels = ["good".to_owned(), "bad".to_owned()];
    let (classifier, report) = Model::load(&folder(), &LoadOptions::classifier(labels.to_vec())).unwrap();
    assert!(report.new_head && report.unexpected.is_empty(), "{report:?}");
    assert_eq!(report.missing, ["bert.pooler.dense.weight", "bert.pooler.dense.bias"]);
    let out = tempfile::tempdir().unwrap();
    classifier.save_folder(&folder(), out.path()).unwrap();

    let (model, report) = load(out.path());
    assert!(report.new_head && report.missing.is_empty() && report.unexpected.is_empty(), "{report:?}");
    assert!(model.labels().is_empty() && model.pooled(&batch()).is_err());
    let again = tempfile::tempdir().unwrap();
    model.save_folder(out.path(), again.path()).unwrap();
    let text = std::fs::read_to_string(again.path().join("config.json")).unwrap();
    for key in ["id2label", "label2id", "num_labels", "problem_type"] {
        assert!(!text.contains(key), "{key} is only for classifiers: {text}");
    }
}

#[test]
fn a_new_head_starts_with_a_plain_normalisation_and_the_word_embeddings() {
    let copy = changed(|weights| weights.retain(|name, _| !name.starts_with("cls.")));
    untie(copy.path());
    let (model, report) = load(copy.path());
    assert!(report.new_head && report.missing.is_empty(), "{report:?}");
    let value = |name: &str| {
        let parameter = model.parameters().iter().find(|parameter| parameter.name == name);
        values(parameter.unwrap_or_else(|| panic!("no {name}")).var.as_tensor())
    };
    assert_eq!(value("cls.predictions.transform.LayerNorm.weight"), [1.0; 16]);
    assert_eq!(value("cls.predictions.bias"), [0.0; 107]);
    assert!(!model.parameters().iter().any(|parameter| parameter.name == DECODER), "there is no decoder to untie");
}

#[test]
fn frozen_embeddings_freeze_the_decoder_tied_to_them() {
    let options = LoadOptions { trained: TrainedLayers::Head, ..options() };
    let (model, _) = Model::load(&folder(), &options).unwrap();
    let (_, gradients) = learn(&model, &batch(), STEP);
    for (place, parameter) in model.parameters().iter().enumerate() {
        assert_eq!(parameter.trained, parameter.name.starts_with("cls."), "{}", parameter.name);
        assert_eq!(gradients.get(place).is_some(), parameter.trained, "{}", parameter.name);
    }
}

#[test]
fn token_types_change_the_scores_and_reads_out_of_order_are_refused() {
    let (model, _) = load(&folder());
    let mut batch = batch();
    batch.token_types = (0..batch.total_tokens() as u32).map(|token| token % 2).collect();
    assert_ne!(model.forward(&batch, Mode::Inference).unwrap().concat(), logits(&model));
    let refused = |change: &dyn Fn(&mut Batch)| {
        let mut batch = self::batch();
        change(&mut batch);
        model.forward(&batch, Mode::Inference).unwrap_err().to_string()
    };
    assert!(refused(&|batch| batch.reads.clear()).contains("reads no token"));
    assert!(refused(&|batch| batch.reads.reverse()).contains("not in order"));
    assert!(refused(&|batch| batch.reads.push(900)).contains("not among its 33 tokens"));
    assert!(
        refused(&|batch| batch.token_types = vec![2; 33]).contains("token type 2 is outside the model's table of 2")
    );
    assert!(
        refused(&|batch| batch.token_types = vec![0]).contains("33 tokens of width 16, and 1 of width 16 (token type)")
    );
}

mod needs_peer {
    use hone::data::TextTokenizer;

    use super::*;

    /// What `tests/peers/masked_lm_answers.py` wrote; the logits are in `answers.safetensors`.
    #[derive(Deserialize)]
    struct Answers {
        folder: PathBuf,
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        text: String,
        ids: Vec<u32>,
        masked: Vec<u32>,
        reads: Vec<u32>,
    }

    #[test]
    #[ignore = "needs the answers of transformers: run tests/peers/run"]
    fn every_logit_of_a_trained_export_equals_that_of_transformers() {
        let place = std::env::var_os("HONE_PEER_ANSWERS").expect("this test is run by tests/peers/run");
        let place = PathBuf::from(place);
        let answers: Answers = serde_json::from_slice(&std::fs::read(place.join("answers.json")).unwrap()).unwrap();
        let expected = tensors(&place.join("answers.safetensors")).remove("logits").unwrap().to_vec2::<f32>().unwrap();
        let (model, report) = load(&answers.folder);
        assert!(!report.new_head && report.missing.is_empty() && report.unexpected.is_empty(), "{report:?}");
        let tokenizer = TextTokenizer::load(&answers.folder).unwrap();
        let (mut largest, mut compared) = (0.0_f32, 0);
        for case in &answers.cases {
            let ids = tokenizer.encode_batch(&[case.text.as_str()], model.max_positions()).unwrap().concat();
            assert_eq!(ids, case.ids, "{}", case.text);
            // Each sentence by itself, as `transformers` was asked.
            let mut batch = Batch::default();
            batch.push(Sequence { ids: &case.masked, reads: &case.reads, wanted: &[], row: 0 });
            for logits in model.forward(&batch, Mode::Inference).unwrap() {
                let expected = &expected[compared];
                assert_eq!(logits.len(), expected.len());
                largest =
                    logits.iter().zip(expected).fold(largest, |most, (got, wanted)| most.max((got - wanted).abs()));
                compared += 1;
            }
        }
        assert_eq!(compared, expected.len());
        let (sentences, words) = (answers.cases.len(), model.config().vocab_size);
        println!(
            "transformers: {compared} masked tokens in {sentences} sentences, {words} logits each: the largest difference \
             of a logit is {largest:.2e} (limit 1e-4)"
        );
        assert!(compared > 0 && largest < 1e-4, "{largest}");
    }
}
