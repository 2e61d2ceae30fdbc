//! LoRA against `peft`: an adapter of some of the networks in the fixtures, made by `tests/peers/make_tiny_adapters.py`.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use hone::models::{LoadOptions, Mode, Model, weight_paths};
use hone::project::{LoraMatrices, LoraSettings, OptimizerSettings, TrainedLayers};
use hone::training::Optimizer;

use crate::networks::{Network, largest_difference, networks_in, norm, tensors, values};
use crate::tiny_bert::learn;

/// What `peft` puts before the name of each tensor.
const PREFIX: &str = "base_model.model.";

fn adapters() -> Vec<Network> {
    networks_in("adapters")
}

fn base_of(adapter: &Network) -> PathBuf {
    adapter.folder.join("../../networks").join(&adapter.name).canonicalize().unwrap()
}

fn options(adapter: &Network) -> LoadOptions {
    let expected: serde_json::Value =
        serde_json::from_slice(&std::fs::read(adapter.folder.join("expected.json")).unwrap()).unwrap();
    let matrices: LoraMatrices = serde_json::from_value(expected["matrices"].clone()).unwrap();
    LoadOptions {
        dropout: Some(0.0),
        trained: TrainedLayers::Lora,
        lora: LoraSettings { rank: 3, alpha: 5.0, dropout: 0.0, matrices },
        ..LoadOptions::new(adapter.head())
    }
}

/// The base model of an adapter with that adapter, to be trained on.
fn with_adapter(adapter: &Network) -> Model {
    let (model, _) = Model::load(&base_of(adapter), &options(adapter)).unwrap();
    let mut saved = tensors(&adapter.folder.join("adapter_model.safetensors"));
    for parameter in model.parameters().iter().filter(|parameter| parameter.trained) {
        let name = format!("{PREFIX}{}", parameter.name);
        parameter.var.set(&saved.remove(&name).unwrap_or_else(|| panic!("{}: no {name}", adapter.name))).unwrap();
    }
    assert!(saved.is_empty(), "{}: {:?} are not trained", adapter.name, saved.keys());
    model
}

fn copied(adapter: &Network) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(adapter.folder.join("adapter_model.safetensors"), copy.path().join("adapter_model.safetensors"))
        .unwrap();
    change(copy.path(), &adapter.folder, &[("base_model_name_or_path", base_of(adapter).to_str().unwrap().into())]);
    copy
}

/// Writes the configuration of an adapter in `from` to `to`, with other values for some keys.
fn change(to: &Path, from: &Path, keys: &[(&str, serde_json::Value)]) {
    let mut config: serde_json::Value =
        serde_json::from_slice(&std::fs::read(from.join("adapter_config.json")).unwrap()).unwrap();
    for (key, value) in keys {
        config[key] = value.clone();
    }
    std::fs::write(to.join("adapter_config.json"), config.to_string()).unwrap();
}

#[test]
fn an_adapter_of_peft_is_merged_into_its_base_model() {
    for adapter in adapters() {
        let (model, report) = Model::load(&adapter.folder, &LoadOptions::new(adapter.head())).unwrap();
        let name = &adapter.name;
        assert!(!report.new_head && report.missing.is_empty() && report.unexpected.is_empty(), "{name}: {report:?}");
        let difference = largest_difference(&adapter.logits(&model), &values(&adapter.tensors["logits"]));
        assert!(difference < 1e-4, "{name}: {difference}");
        println!("{name}: logits of the merged adapter differ by {difference:.1e}");
    }
}

#[test]
fn logits_and_gradients_equal_those_of_peft() {
    for adapter in adapters() {
        let (model, name) = (with_adapter(&adapter), &adapter.name);
        let difference = largest_difference(&adapter.logits(&model), &values(&adapter.tensors["logits"]));
        assert!(difference < 1e-4, "{name}: logits differ by {difference}");
        let (loss, gradients) = learn(&model, &adapter.batch(), Mode::Training { seed: 1, step: 1 });
        assert!((loss - adapter.expected.loss).abs() < 1e-5, "{name}: {loss} and {}", adapter.expected.loss);
        let (mut trained, mut worst) = (0, 0.0_f64);
        for (place, parameter) in model.parameters().iter().enumerate() {
            let Some(gradient) = gradients.get(place) else {
                assert!(!parameter.trained, "{name}: {} gets no gradient", parameter.name);
                continue;
            };
            assert!(parameter.trained, "{name}: {} gets a gradient", parameter.name);
            let expected = values(&adapter.tensors[&format!("gradient.{PREFIX}{}", parameter.name)]);
            let got = gradient.to_vec().unwrap();
            let difference = norm(got.iter().zip(&expected).map(|(got, expected)| got - expected));
            let expected = norm(expected.into_iter()).max(1e-3);
            (trained, worst) = (trained + 1, worst.max(difference / expected));
            assert!(difference < 1e-3 * expected, "{name}: {} by {difference} of {expected}", parameter.name);
        }
        assert_eq!(trained, adapter.tensors.len() - 1, "{name}");
        println!("{name}: logits differ by {difference:.1e}, gradients by {worst:.1e} of their norm");
    }
}

#[test]
fn a_new_adapter_changes_nothing_until_it_is_trained() {
    for adapter in adapters() {
        let base = base_of(&adapter);
        let of = |options: &LoadOptions| adapter.logits(&Model::load(&base, options).unwrap().0);
        assert_eq!(of(&options(&adapter)), of(&LoadOptions::new(adapter.head())), "{}", adapter.name);
    }
}

#[test]
fn only_the_adapter_and_the_head_move_and_are_saved() {
    for adapter in adapters() {
        let base = base_of(&adapter);
        let (model, _) = Model::load(&base, &options(&adapter)).unwrap();
        let before: Vec<Vec<f32>> = model.parameters().iter().map(|one| values(one.var.as_tensor())).collect();
        let mut optimizer = Optimizer::new(model.parameters(), &OptimizerSettings::default()).unwrap();
        for step in 1..=2 {
            let (_, gradients) = learn(&model, &adapter.batch(), Mode::Training { seed: 1, step });
            optimizer.step(&gradients, 1e-2).unwrap();
        }
        for (parameter, before) in model.parameters().iter().zip(before) {
            let moved = before != values(parameter.var.as_tensor());
            assert_eq!(moved, parameter.trained, "{}: {}", adapter.name, parameter.name);
        }
        let out = tempfile::tempdir().unwrap();
        model.save_folder(&base, out.path()).unwrap();
        let saved = BTreeMap::from_iter(tensors(&out.path().join("adapter_model.safetensors")));
        let names = |tensors: HashMap<String, Tensor>| BTreeMap::from_iter(tensors).into_keys().collect::<Vec<_>>();
        let expected = names(tensors(&adapter.folder.join("adapter_model.safetensors")));
        assert_eq!(saved.into_keys().collect::<Vec<_>>(), expected, "{}", adapter.name);
        // What is read back is the adapter, merged.
        let (merged, _) = Model::load(out.path(), &LoadOptions::new(adapter.head())).unwrap();
        assert!(merged.parameters().iter().all(|parameter| !parameter.name.contains("lora_")));
        let difference = largest_difference(&adapter.logits(&merged), &adapter.logits(&model));
        assert!(difference < 1e-4, "{}: {difference}", adapter.name);
        assert_eq!(weight_paths(out.path()).unwrap().len(), 2, "its own and that of the base model");
    }
}

#[test]
fn a_new_head_of_a_language_model_is_trained_but_for_its_biases_and_saved_with_the_adapter() {
    // A classifier's folder has no such head.
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/networks/bert-classifier");
    let adapters = adapters();
    let adapter = adapters.iter().find(|adapter| adapter.name == "bert-language").unwrap();
    let (model, report) = Model::load(&base, &options(adapter)).unwrap();
    assert!(report.new_head);
    let trained = |name: &str| model.parameters().iter().find(|one| one.name == name).map(|one| one.trained);
    assert_eq!(trained("cls.predictions.transform.dense.weight"), Some(true));
    assert_eq!(trained("cls.predictions.bias"), Some(false));
    let out = tempfile::tempdir().unwrap();
    model.save_folder(&base, out.path()).unwrap();
    let (merged, report) = Model::load(out.path(), &LoadOptions::new(adapter.head())).unwrap();
    assert!(!report.new_head, "{report:?}");
    assert_eq!(adapter.logits(&merged), adapter.logits(&model));
}

#[test]
fn dropout_of_the_adapter_changes_training_alone_and_the_same_way_each_time() {
    let adapters = adapters();
    let adapter = &adapters[0];
    let options = options(adapter);
    let lora = LoraSettings { dropout: 0.5, ..options.lora };
    let load = |lora| {
        let (model, _) = Model::load(&base_of(adapter), &LoadOptions { lora, ..options.clone() }).unwrap();
        // `B` starts with zeros, so that nothing of the input would count.
        for parameter in model.parameters().iter().filter(|one| one.name.ends_with("lora_B.weight")) {
            parameter.var.set(&parameter.var.as_tensor().ones_like().unwrap()).unwrap();
        }
        model
    };
    let (without, with) = (load(options.lora), load(lora));
    assert_eq!(adapter.logits(&without), adapter.logits(&with));
    let loss = |model: &Model, step| learn(model, &adapter.batch(), Mode::Training { seed: 1, step }).0.to_bits();
    assert_ne!(loss(&without, 1), loss(&with, 1));
    assert_ne!(loss(&with, 2), loss(&with, 1));
    assert_eq!(loss(&with, 1), loss(&load(lora), 1));
}

#[test]
fn an_adapter_that_cannot_be_merged_says_why() {
    let adapters = adapters();
    let adapter = adapters.iter().find(|adapter| adapter.name == "bert-classifier").unwrap();
    let refused = |folder: &Path| Model::load(folder, &LoadOptions::new(adapter.head())).unwrap_err().to_string();
    let cases = [
        ("base_model_name_or_path", "example/base".into(), "its base model, example/base, is not a model folder"),
        ("base_model_name_or_path", serde_json::Value::Null, "its base model is not a model folder"),
        ("peft_type", "IA3".into(), "of the kind \"IA3\""),
        ("use_dora", true.into(), "use_dora is set"),
        ("lora_bias", true.into(), "lora_bias is set"),
        ("rank_pattern", serde_json::json!({ "query": 4 }), "rank_pattern is set"),
        ("alpha_pattern", serde_json::json!({ "query": 4 }), "alpha_pattern is set"),
        ("r", 0.into(), "r is 0"),
        ("r", "many".into(), "adapter_config.json"),
    ];
    for (key, value, expected) in cases {
        let copy = copied(adapter);
        change(copy.path(), copy.path(), &[(key, value.clone())]);
        let said = refused(copy.path());
        assert!(said.contains(expected), "{key} = {value}: {said}");
    }
    let copy = copied(adapter);
    std::fs::write(copy.path().join("adapter_config.json"), "{").unwrap();
    assert!(refused(copy.path()).contains("not valid JSON"), "{}", refused(copy.path()));
    let copy = copied(adapter);
    std::fs::remove_file(copy.path().join("adapter_model.safetensors")).unwrap();
    assert!(
        refused(copy.path()).contains("adapter without its weights: adapter_model.safetensors is missing"),
        "{}",
        refused(copy.path())
    );
}

#[test]
fn an_adapter_of_another_network_is_refused() {
    let adapters = adapters();
    let adapter = adapters.iter().find(|adapter| adapter.name == "bert-classifier").unwrap();
    let with_tensors = |change: &dyn Fn(&mut HashMap<String, Tensor>)| {
        let copy = copied(adapter);
        let file = copy.path().join("adapter_model.safetensors");
        let mut saved = tensors(&file);
        change(&mut saved);
        candle_core::safetensors::save(&saved, &file).unwrap();
        Model::load(copy.path(), &LoadOptions::new(adapter.head())).unwrap_err().to_string()
    };
    let zeros = |shape: &[usize]| Tensor::zeros(shape, candle_core::DType::F32, &Device::Cpu).unwrap();
    let name = format!("{PREFIX}bert.encoder.layer.0.attention.self.query.lora_A.weight");
    let said = with_tensors(&|saved| drop(saved.insert(name.clone(), zeros(&[3, 5]))));
    assert!(said.contains("which do not fit [16, 16]"), "{said}");
    let other = |end: &str| format!("{PREFIX}other.{end}.weight");
    let said = with_tensors(&|saved| drop(saved.insert(other("lora_A"), zeros(&[3, 5]))));
    assert!(said.contains("it has base_model.model.other.lora_A.weight, but not"), "{said}");
    let said = with_tensors(&|saved| {
        saved.insert(other("lora_A"), zeros(&[3, 5]));
        saved.insert(other("lora_B"), zeros(&[5, 3]));
    });
    assert!(said.contains("its base model has no place for base_model.model.other.lora_A.weight"), "{said}");
    let said = with_tensors(&|saved| drop(saved.insert(name.clone(), zeros(&[4, 16]))));
    assert!(said.contains("has the rank 4, and adapter_config.json says r: 3"), "{said}");
    let said = with_tensors(&|saved| saved.retain(|name, _| !name.contains(".lora_")));
    assert!(said.contains("it holds no matrix of an adapter"), "{said}");
    let not_a_number = Tensor::new(vec![f32::NAN; 48], &Device::Cpu).unwrap().reshape((3, 16)).unwrap();
    let said = with_tensors(&|saved| drop(saved.insert(name.clone(), not_a_number.clone())));
    assert!(said.contains("not numbers"), "{said}");
}

mod needs_peer {
    use hone::data::{Batch, Pooling};
    use hone::models::HeadSpec;

    use super::*;

    /// Saves every adapter after two steps of training, with its logits, for `tests/peers/verify_adapters.py`.
    #[test]
    #[ignore = "needs Python with peft: tests/peers/run"]
    fn trained_adapters_are_saved_for_peft() {
        let place = std::env::var_os("HONE_PEER_ANSWERS").expect("this test is run by tests/peers/run");
        for adapter in adapters() {
            let out = Path::new(&place).join("adapters").join(&adapter.name);
            save_trained(&adapter, &options(&adapter), &adapter.batch(), &out);
            if !adapter.is_language_model() {
                let labels = adapter.head().labels().to_vec();
                let options = LoadOptions {
                    head: HeadSpec::EmbeddingClassification { labels, pooling: Pooling::Mean },
                    ..options(&adapter)
                };
                let out = out.with_file_name(format!("{}-mean", adapter.name));
                save_trained(&adapter, &options, &of_means(&adapter), &out);
            }
        }
    }

    /// The texts of a classifier, whose head reads the mean.
    fn of_means(adapter: &Network) -> Batch {
        let mut batch = Batch::default();
        for (row, (ids, wanted)) in adapter.expected.texts.iter().zip(&adapter.expected.targets).enumerate() {
            batch.push_text(ids, Pooling::Mean, Some(wanted[0]), row);
        }
        batch
    }

    fn save_trained(adapter: &Network, options: &LoadOptions, batch: &Batch, out: &Path) {
        let base = base_of(adapter);
        let (model, _) = Model::load(&base, options).unwrap();
        let mut optimizer = Optimizer::new(model.parameters(), &OptimizerSettings::default()).unwrap();
        for step in 1..=2 {
            let (_, gradients) = learn(&model, batch, Mode::Training { seed: 1, step });
            optimizer.step(&gradients, 1e-2).unwrap();
        }
        std::fs::create_dir_all(out).unwrap();
        model.save_folder(&base, out).unwrap();
        std::fs::copy(adapter.folder.join("expected.json"), out.join("expected.json")).unwrap();
        let logits = model.forward(batch, Mode::Inference).unwrap().concat();
        let logits = HashMap::from([("logits".to_owned(), Tensor::new(logits, &Device::Cpu).unwrap())]);
        candle_core::safetensors::save(&logits, out.join("logits.safetensors")).unwrap();
    }
}
