//! Model folders: loading, saving, and the errors of wrong ones.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use hone::models::{LoadOptions, LoadReport, Mode, Model, ModelError, WrongShape};
use tempfile::TempDir;

use crate::tiny_bert::{LABELS, folder, load, logits, options};

/// A copy of the tiny model to be changed.
fn copy() -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(folder()).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    copy
}

/// Rewrites the weights of a model folder.
fn rewrite(folder: &Path, change: impl Fn(String, Tensor) -> Option<(String, Tensor)>) {
    let path = folder.join("model.safetensors");
    let tensors = candle_core::safetensors::load(&path, &Device::Cpu).unwrap();
    let tensors: HashMap<String, Tensor> =
        tensors.into_iter().filter_map(|(name, tensor)| change(name, tensor)).collect();
    candle_core::safetensors::save(&tensors, &path).unwrap();
}

fn try_load(folder: &Path) -> Result<(Model, LoadReport), ModelError> {
    Model::load(folder, &options(&LABELS))
}

fn said(folder: &Path) -> String {
    try_load(folder).unwrap_err().to_string()
}

#[test]
fn the_load_report_of_a_complete_folder_is_empty() {
    let (model, report) = try_load(&folder()).unwrap();
    assert_eq!(report.loaded.len(), model.parameters().len());
    assert!(!report.new_head, "the head has the same labels");
    assert_eq!(LoadReport { loaded: Vec::new(), ..report }, LoadReport::default());
    let layer = 4 * (32 * 32 + 32) + 2 * 2 * 32 + (64 * 32 + 64) + (32 * 64 + 32);
    assert_eq!(model.parameter_count(), (316 + 64 + 2) * 32 + 2 * 32 + 2 * layer + (32 * 32 + 32) + (3 * 32 + 3));
    assert_eq!((model.max_positions(), model.labels()), (64, &LABELS.map(str::to_owned)[..]));
    let decays: Vec<&str> = model
        .parameters()
        .iter()
        .filter(|parameter| parameter.decay)
        .map(|parameter| parameter.name.as_str())
        .collect();
    assert!(decays.contains(&"bert.embeddings.word_embeddings.weight") && decays.contains(&"classifier.weight"));
    assert!(!decays.iter().any(|name| name.contains("LayerNorm") || name.ends_with("bias")));
}

#[test]
fn other_labels_give_a_new_seeded_head() {
    let head = |labels: &[&str], seed| {
        let (model, report) = Model::load(&folder(), &LoadOptions { seed, ..options(labels) }).unwrap();
        assert!(report.new_head && report.missing.is_empty() && report.unexpected.is_empty(), "{report:?}");
        let last: Vec<_> = model.parameters().iter().rev().take(2).collect();
        assert_eq!((last[1].name.as_str(), last[0].name.as_str()), ("classifier.weight", "classifier.bias"));
        assert_eq!(last[0].var.to_vec1::<f32>().unwrap(), vec![0.0; labels.len()]);
        last[1].var.flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    assert_eq!(head(&["a", "b"], 1), head(&["a", "b"], 1));
    assert_ne!(head(&["a", "b"], 1), head(&["a", "b"], 2));
    // The same names in another order are different classes.
    let drawn = head(&["positive", "neutral", "negative"], 1);
    let variance = drawn.iter().map(|value| value * value).sum::<f32>() / drawn.len() as f32;
    assert!((0.2..0.4).contains(&variance.sqrt()), "initializer_range is 0.3: {variance}");
}

#[test]
fn other_spellings_and_types_of_the_weights_load() {
    let expected = logits(&load(), Mode::Inference);
    let copy = copy();
    rewrite(copy.path(), |name, tensor| {
        let name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
        Some((name.trim_start_matches("bert.").to_owned(), tensor))
    });
    let (model, report) = try_load(copy.path()).unwrap();
    assert_eq!(logits(&model, Mode::Inference), expected);
    assert_eq!(LoadReport { loaded: Vec::new(), ..report }, LoadReport::default());
    for (dtype, tolerance) in [(DType::F64, 1e-6), (DType::F16, 2e-2), (DType::BF16, 0.2)] {
        let copy = crate::model_folders::copy();
        rewrite(copy.path(), |name, tensor| Some((name, tensor.to_dtype(dtype).unwrap())));
        let (model, _) = try_load(copy.path()).unwrap();
        for (got, expected) in logits(&model, Mode::Inference).iter().flatten().zip(expected.iter().flatten()) {
            assert!((got - expected).abs() < tolerance, "{dtype:?}: {got} {expected}");
        }
    }
}

#[test]
fn missing_and_unexpected_tensors_are_reported() {
    let copy = copy();
    rewrite(copy.path(), |name, tensor| match name.as_str() {
        "bert.pooler.dense.bias" => None,
        "bert.pooler.dense.weight" => Some((name, tensor.narrow(0, 0, 8).unwrap().contiguous().unwrap())),
        "classifier.bias" => Some(("bert.extra.bias".to_owned(), tensor)),
        // Weights of another head are not worth a report.
        "classifier.weight" => Some(("cls.predictions.bias".to_owned(), tensor)),
        _ => Some((name, tensor)),
    });
    let (_, report) = try_load(copy.path()).unwrap();
    assert!(report.new_head);
    assert_eq!(report.missing, ["bert.pooler.dense.bias"]);
    assert_eq!(report.unexpected, ["bert.extra.bias"]);
    let (name, expected, found) = ("bert.pooler.dense.weight".to_owned(), vec![32, 32], vec![8, 32]);
    assert_eq!(report.wrong_shape, [WrongShape { name, expected, found }]);
}

#[test]
fn weights_with_missing_encoder_tensors_are_refused() {
    let copy = copy();
    rewrite(copy.path(), |name, tensor| match name.as_str() {
        "bert.embeddings.LayerNorm.bias" => None,
        "bert.encoder.layer.1.output.dense.bias" => Some((name, tensor.narrow(0, 0, 3).unwrap().contiguous().unwrap())),
        _ => Some((name, tensor)),
    });
    let error = said(copy.path());
    assert!(error.contains("bert.embeddings.LayerNorm.bias is missing"), "{error}");
    assert!(error.contains("bert.encoder.layer.1.output.dense.bias has the shape [3] instead of [32]"), "{error}");
    rewrite(copy.path(), |name, tensor| name.contains("classifier").then_some((name, tensor)));
    assert!(said(copy.path()).contains("and 34 more"), "{}", said(copy.path()));
}

#[test]
fn missing_files_are_named() {
    let nowhere = Path::new("no/such/folder");
    assert!(said(nowhere).contains("no/such/folder has no config.json"));
    let copy = copy();
    let weights = copy.path().join("model.safetensors");
    std::fs::rename(&weights, copy.path().join("tf_model.h5")).unwrap();
    assert!(said(copy.path()).contains("weights in tf_model.h5, which Hone does not read"));
    std::fs::remove_file(copy.path().join("tf_model.h5")).unwrap();
    assert!(said(copy.path()).contains("has no model.safetensors"));
    std::fs::create_dir(&weights).unwrap();
    assert!(said(copy.path()).contains("is not read, because it is not a plain file"));
}

/// A copy of the model whose `config.json` has another value.
fn with_config(key: &str, value: serde_json::Value) -> TempDir {
    let copy = copy();
    let path = copy.path().join("config.json");
    let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    config[key] = value;
    std::fs::write(&path, config.to_string()).unwrap();
    copy
}

#[test]
fn sizes_that_are_not_those_of_the_weights_take_no_memory() {
    let hidden = said(with_config("hidden_size", 100_000.into()).path());
    assert!(hidden.contains("does not fit its config.json") && hidden.contains("more"), "{hidden}");
    let rows = said(with_config("vocab_size", 16_000_000.into()).path());
    assert!(rows.contains("does not fit its config.json"), "{rows}");
    let layers = said(with_config("num_hidden_layers", 1_000.into()).path());
    assert!(layers.contains("is missing") && layers.contains("more"), "{layers}");
    for key in ["num_hidden_layers", "hidden_size", "intermediate_size", "vocab_size", "type_vocab_size"] {
        let too_large = said(with_config(key, 4_294_967_296_u64.into()).path());
        assert!(too_large.contains(&format!("{key} is 4294967296, and Hone reads models up to")), "{too_large}");
    }
}

#[cfg(unix)]
#[test]
fn files_outside_of_the_folder_are_neither_read_nor_copied() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "secret").unwrap();
    let (model, _) = Model::load(copy().path(), &LoadOptions::classifier(vec!["a".to_owned()])).unwrap();
    for file in ["merges.txt", "special_tokens_map.json", "vocab.txt"] {
        let (copy, out) = (copy(), tempfile::tempdir().unwrap());
        let path = copy.path().join(file);
        let _ = std::fs::remove_file(&path);
        std::os::unix::fs::symlink(secret.path(), &path).unwrap();
        let error = model.save_folder(copy.path(), out.path()).unwrap_err().to_string();
        assert!(error.contains("outside of the model folder"), "{error}");
        assert!(!out.path().join(file).exists());
    }
}

#[test]
fn damaged_weights_are_refused() {
    let copy = copy();
    let path = copy.path().join("model.safetensors");
    let whole = std::fs::read(&path).unwrap();
    for length in [0, 5, 100, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = said(copy.path());
        assert!(error.contains("damaged or incomplete") && error.contains("Download the model again"), "{error}");
    }
    let mut header = whole.clone();
    header[20] = 0xff;
    std::fs::write(&path, &header).unwrap();
    assert!(said(copy.path()).contains("damaged"));
}

#[test]
fn quantised_weights_are_refused_by_their_type() {
    for (dtype, kind) in [(DType::U8, "U8"), (DType::U32, "U32"), (DType::I64, "I64")] {
        let copy = copy();
        rewrite(copy.path(), |name, tensor| {
            let is_quantised = name.contains("layer.0.intermediate");
            Some((name, if is_quantised { tensor.to_dtype(dtype).unwrap() } else { tensor }))
        });
        let error = said(copy.path());
        assert!(error.contains(&format!("has the type {kind}, perhaps because the model was quantised")), "{error}");
    }
}

#[test]
fn weights_that_are_no_numbers_are_refused() {
    for value in [f32::NAN, f32::NEG_INFINITY] {
        let copy = copy();
        rewrite(copy.path(), |name, tensor| {
            let is_bad = name == "bert.encoder.layer.1.output.dense.weight";
            let bad = Tensor::full(value, tensor.shape(), &Device::Cpu).unwrap();
            Some((name, if is_bad { bad } else { tensor }))
        });
        let error = said(copy.path());
        assert!(
            error.contains("bert.encoder.layer.1.output.dense.weight holds values that are not numbers"),
            "{error}"
        );
    }
}

#[test]
fn files_that_were_never_downloaded_are_named() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 90868376\n";
    for file in ["model.safetensors", "config.json"] {
        let copy = copy();
        std::fs::write(copy.path().join(file), pointer).unwrap();
        let error = said(copy.path());
        assert!(error.contains(file) && error.contains("is a Git LFS pointer and not the file itself"), "{error}");
    }
    let copy = copy();
    std::fs::write(copy.path().join("tokenizer.json"), pointer).unwrap();
    let error = hone::data::TextTokenizer::load(copy.path()).err().unwrap().to_string();
    assert!(error.contains("tokenizer.json is a Git LFS pointer") && error.contains("git lfs pull"), "{error}");
}

#[test]
fn models_that_cannot_classify_are_refused() {
    let error = Model::load(&folder(), &options(&[])).unwrap_err();
    assert!(matches!(error, ModelError::NoLabels));
    let copy = copy();
    let config = copy.path().join("config.json");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("\"bert\"", "\"t5\"")).unwrap();
    assert!(said(copy.path()).contains("type \"t5\", which Hone cannot train yet"));
}

#[test]
fn a_saved_model_loads_as_the_same_model() {
    let labels = ["bad", "good"];
    let (model, _) = Model::load(&folder(), &options(&labels)).unwrap();
    let out = tempfile::tempdir().unwrap();
    let saved = out.path().join("deep/model");
    model.save_folder(&folder(), &saved).unwrap();
    let (again, report) = Model::load(&saved, &LoadOptions { seed: 7, ..options(&labels) }).unwrap();
    assert!(!report.new_head);
    assert_eq!(logits(&again, Mode::Inference), logits(&model, Mode::Inference));

    let read = |file: &str| std::fs::read(saved.join(file)).unwrap();
    let config: serde_json::Value = serde_json::from_slice(&read("config.json")).unwrap();
    assert_eq!(config["architectures"], serde_json::json!(["BertForSequenceClassification"]));
    assert_eq!(config["id2label"], serde_json::json!({"0": "bad", "1": "good"}));
    assert_eq!(config["label2id"], serde_json::json!({"bad": 0, "good": 1}));
    assert_eq!((&config["num_labels"], &config["is_decoder"]), (&serde_json::json!(2), &serde_json::json!(false)));
    for file in ["tokenizer.json", "tokenizer_config.json", "vocab.txt"] {
        assert_eq!(read(file), std::fs::read(folder().join(file)).unwrap());
    }
    let bytes = read("model.safetensors");
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(header.metadata().as_ref().unwrap()["format"], "pt");
}

#[test]
fn saving_to_an_unwritable_folder_is_an_error() {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    let error = load().save_folder(&folder(), &file).unwrap_err().to_string();
    assert!(error.contains("Could not write") && error.contains("file"), "{error}");
    let error = load().save_folder(Path::new("no/such/folder"), out.path()).unwrap_err().to_string();
    assert!(error.contains("no/such/folder has no config.json"), "{error}");
}
