//! Every architecture against `transformers`: a tiny random network of each, with each head, made by
//! `tests/peers/make_tiny_networks.py`.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use hone::data::{Batch, Pooling, Sequence};
use hone::models::{HeadSpec, LoadOptions, LoadReport, Mode, Model, ModelConfig};
use hone::ops::Backend;
use hone::project::{OptimizerSettings, TrainedLayers};
use hone::training::Optimizer;
use serde::Deserialize;

use crate::tiny_bert::{LABELS, learn};

#[derive(Deserialize)]
pub struct Expected {
    pub texts: Vec<Vec<u32>>,
    pub targets: Vec<Vec<u32>>,
    pub loss: f64,
}

/// A network of the fixtures.
pub struct Network {
    pub name: String,
    pub folder: PathBuf,
    pub expected: Expected,
    /// Logits, and gradients under `gradient.NAME`.
    pub tensors: HashMap<String, Tensor>,
}

fn networks() -> Vec<Network> {
    networks_in("networks")
}

/// The networks in a folder of the fixtures, in order of name.
pub fn networks_in(fixtures: &str) -> Vec<Network> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(fixtures);
    let mut folders: Vec<PathBuf> = std::fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
        .into_iter()
        .map(|folder| Network {
            name: folder.file_name().unwrap().to_str().unwrap().to_owned(),
            expected: serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap(),
            tensors: tensors(&folder.join("expected.safetensors")),
            folder,
        })
        .collect()
}

pub fn tensors(file: &Path) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(file, &Device::Cpu).unwrap()
}

pub fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

impl Network {
    pub fn is_language_model(&self) -> bool {
        self.name.ends_with("-language")
    }

    pub fn head(&self) -> HeadSpec {
        if self.is_language_model() {
            return HeadSpec::LanguageModel;
        }
        HeadSpec::Classification { labels: LABELS.map(str::to_owned).to_vec() }
    }

    fn load_from(&self, folder: &Path) -> (Model, LoadReport) {
        Model::load(folder, &LoadOptions { dropout: Some(0.0), ..LoadOptions::new(self.head()) }).unwrap()
    }

    /// All texts; a language model predicts every token of them.
    pub fn batch(&self) -> Batch {
        let mut batch = Batch::default();
        for (row, (ids, wanted)) in self.expected.texts.iter().zip(&self.expected.targets).enumerate() {
            if self.is_language_model() {
                let reads: Vec<u32> = (0..wanted.len() as u32).collect();
                batch.push(Sequence { ids, reads: &reads, wanted, row });
            } else {
                batch.push_text(ids, self.pooling(), Some(wanted[0]), row);
            }
        }
        batch
    }

    fn pooling(&self) -> Pooling {
        ModelConfig::read(&self.folder).unwrap().pooling()
    }

    pub fn logits(&self, model: &Model) -> Vec<f32> {
        model.forward(&self.batch(), Mode::Inference).unwrap().concat()
    }
}

pub fn largest_difference(got: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(got.len(), expected.len());
    got.iter().zip(expected).map(|(got, expected)| (got - expected).abs()).fold(0.0, f32::max)
}

pub fn norm(values: impl Iterator<Item = f32>) -> f64 {
    values.map(|value| f64::from(value).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn logits_and_gradients_equal_those_of_transformers() {
    for network in networks() {
        let (model, report) = network.load_from(&network.folder);
        let name = &network.name;
        assert!(!report.new_head && report.missing.is_empty() && report.unexpected.is_empty(), "{name}: {report:?}");
        let difference = largest_difference(&network.logits(&model), &values(&network.tensors["logits"]));
        assert!(difference < 1e-4, "{name}: logits differ by {difference}");

        let (loss, gradients) = learn(&model, &network.batch(), Mode::Training { seed: 1, step: 1 });
        assert!((loss - network.expected.loss).abs() < 1e-5, "{name}: {loss} and {}", network.expected.loss);
        assert_eq!(model.parameters().len(), network.tensors.len() - 1, "{name}");
        let mut worst: f64 = 0.0;
        for (place, parameter) in model.parameters().iter().enumerate() {
            let got = gradients.get(place).expect("every parameter has a gradient").to_vec().unwrap();
            let expected = &network.tensors[&format!("gradient.{}", parameter.name)];
            let expected = values(&if parameter.transposed { expected.t().unwrap() } else { expected.clone() });
            assert_eq!(got.len(), expected.len(), "{name}: {}", parameter.name);
            let difference = norm(got.iter().zip(&expected).map(|(got, expected)| got - expected));
            // The bias of the keys changes no probability: its gradient is zero but for rounding.
            let expected = norm(expected.into_iter()).max(1e-3);
            worst = worst.max(difference / expected);
            assert!(difference < 1e-3 * expected, "{name}: {} by {difference} of {expected}", parameter.name);
        }
        println!("{name}: logits differ by {difference:.1e}, gradients by {worst:.1e} of their norm");
    }
}

#[test]
fn recomputed_activations_give_the_same_bits() {
    for network in networks() {
        let options = LoadOptions { dropout: Some(0.3), ..LoadOptions::new(network.head()) };
        let load = || Model::load(&network.folder, &options).unwrap().0;
        let of = |model: Model| {
            let (loss, gradients) = learn(&model, &network.batch(), Mode::Training { seed: 1, step: 1 });
            let all: Vec<Vec<f32>> =
                (0..model.parameters().len()).map(|place| gradients.get(place).unwrap().to_vec().unwrap()).collect();
            (loss.to_bits(), all)
        };
        assert!(of(load()) == of(load().recomputing(true)), "{}", network.name);
    }
}

#[test]
fn composed_operations_give_the_same_logits_and_gradients() {
    for network in networks() {
        let (model, _) = network.load_from(&network.folder);
        let composed = model.clone().with_backend(Backend::Composed);
        let difference = largest_difference(&network.logits(&composed), &network.logits(&model));
        assert!(difference < 1e-4, "{}: logits differ by {difference}", network.name);
        let mode = Mode::Training { seed: 1, step: 1 };
        let [(_, of_kernels), (_, of_composed)] = [&model, &composed].map(|model| learn(model, &network.batch(), mode));
        for (place, parameter) in model.parameters().iter().enumerate() {
            let [got, expected] = [&of_composed, &of_kernels].map(|all| all.get(place).unwrap().to_vec().unwrap());
            let difference = norm(got.iter().zip(&expected).map(|(got, expected)| got - expected));
            let expected = norm(expected.into_iter()).max(1e-3);
            assert!(difference < 1e-3 * expected, "{}: {} by {difference}", network.name, parameter.name);
        }
    }
}

#[test]
fn the_logits_of_every_classifier_are_divided_by_a_temperature() {
    for network in networks() {
        let (model, _) = network.load_from(&network.folder);
        let before = network.logits(&model);
        if network.is_language_model() {
            assert!(model.divide_scores(2.5).is_err(), "{}", network.name);
            continue;
        }
        model.divide_scores(2.5).unwrap();
        let divided: Vec<f32> = before.iter().map(|logit| logit / 2.5).collect();
        let difference = largest_difference(&network.logits(&model), &divided);
        assert!(difference < 1e-5 && divided != before, "{}: logits differ by {difference}", network.name);
    }
}

#[test]
fn stored_outputs_of_frozen_layers_give_the_same_logits() {
    for network in networks() {
        for trained in [TrainedLayers::Top(1), TrainedLayers::Head] {
            let options = LoadOptions { trained, ..LoadOptions::new(network.head()) };
            let (model, _) = Model::load(&network.folder, &options).unwrap();
            let features = model.features(&network.batch(), &|| false).unwrap();
            assert!(features.is_some(), "{}", network.name);
            let mut logits = Vec::new();
            let mut take = |part: &[Vec<f32>]| logits.extend_from_slice(part);
            model.forward_in_parts(&network.batch(), features, &|| false, &mut take).unwrap();
            let difference = largest_difference(&logits.concat(), &values(&network.tensors["logits"]));
            assert!(difference < 1e-4, "{}: logits differ by {difference}", network.name);
        }
    }
}

#[test]
fn every_parameter_moves_in_one_step() {
    for network in networks() {
        let (model, _) = network.load_from(&network.folder);
        let before: Vec<Vec<f32>> =
            model.parameters().iter().map(|parameter| values(parameter.var.as_tensor())).collect();
        let (_, gradients) = learn(&model, &network.batch(), Mode::Training { seed: 1, step: 1 });
        let mut optimizer = Optimizer::new(model.parameters(), &OptimizerSettings::default()).unwrap();
        optimizer.step(&gradients, 1e-3).unwrap();
        for (place, (parameter, before)) in model.parameters().iter().zip(before).enumerate() {
            let gradient = gradients.get(place).unwrap();
            assert!(gradient.squared_norm().unwrap() > 0.0, "{}: {} gets no gradient", network.name, parameter.name);
            assert!(before != values(parameter.var.as_tensor()), "{}: {} stays", network.name, parameter.name);
        }
    }
}

#[test]
fn a_saved_folder_is_what_transformers_saves() {
    for network in networks() {
        let (model, _) = network.load_from(&network.folder);
        let out = tempfile::tempdir().unwrap();
        model.save_folder(&network.folder, out.path()).unwrap();
        let config = |folder: &Path| -> serde_json::Value {
            serde_json::from_slice(&std::fs::read(folder.join("config.json")).unwrap()).unwrap()
        };
        let (mut saved, expected) = (config(out.path()), config(&network.folder));
        // `transformers` leaves it out where there are labels.
        saved.as_object_mut().unwrap().remove("num_labels");
        assert_eq!(saved, expected, "{}", network.name);
        let weights = |folder: &Path| BTreeMap::from_iter(tensors(&folder.join("model.safetensors")));
        let (saved, expected) = (weights(out.path()), weights(&network.folder));
        assert_eq!(saved.len(), expected.len(), "{}", network.name);
        for (name, tensor) in &expected {
            assert_eq!(values(&saved[name]), values(tensor), "{}: {name}", network.name);
        }
    }
}

#[test]
fn names_without_the_networks_prefix_are_recognised() {
    for network in networks() {
        let copy = tempfile::tempdir().unwrap();
        std::fs::copy(network.folder.join("config.json"), copy.path().join("config.json")).unwrap();
        let bare = |name: &str| {
            let prefixes =
                ["bert.", "roberta.", "distilbert.", "electra.", "mpnet.", "deberta.", "transformer.", "model."];
            prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name).to_owned()
        };
        let weights = tensors(&network.folder.join("model.safetensors"));
        let weights: HashMap<String, Tensor> =
            weights.into_iter().map(|(name, tensor)| (bare(&name), tensor)).collect();
        candle_core::safetensors::save(&weights, copy.path().join("model.safetensors")).unwrap();
        let (model, report) = network.load_from(copy.path());
        assert!(report.missing.is_empty() && report.unexpected.is_empty(), "{}: {report:?}", network.name);
        assert!(largest_difference(&network.logits(&model), &values(&network.tensors["logits"])) < 1e-4);
    }
}

#[test]
fn a_classifier_starts_from_a_language_model_and_vice_versa() {
    let networks = networks();
    for network in &networks {
        let (stem, _) = network.name.rsplit_once('-').unwrap();
        let is_other = |other: &&Network| {
            other.name != network.name && other.name.rsplit_once('-').is_some_and(|(of_other, _)| of_other == stem)
        };
        let other = networks.iter().find(is_other).expect("both heads");
        let (_, report) = network.load_from(&other.folder);
        // A decoder's language model shares the word embeddings, or its weight is there.
        let is_new = !(network.is_language_model() && network.pooling() == Pooling::Last);
        assert!(report.new_head == is_new && report.unexpected.is_empty(), "{}: {report:?}", network.name);
        let is_of_network = |name: &String| name == "bert.pooler.dense.weight" || name == "bert.pooler.dense.bias";
        assert!(report.missing.iter().all(is_of_network), "{}: {report:?}", network.name);
    }
}

mod needs_peer {
    use super::*;

    /// Saves every network after a step of training, with its logits, for `tests/peers/verify_networks.py`.
    #[test]
    #[ignore = "needs Python with transformers: tests/peers/run"]
    fn trained_networks_are_saved_for_transformers() {
        let place = std::env::var_os("HONE_PEER_ANSWERS").expect("this test is run by tests/peers/run");
        for network in networks() {
            let (model, _) = network.load_from(&network.folder);
            let (_, gradients) = learn(&model, &network.batch(), Mode::Training { seed: 1, step: 1 });
            let mut optimizer = Optimizer::new(model.parameters(), &OptimizerSettings::default()).unwrap();
            optimizer.step(&gradients, 1e-2).unwrap();
            let out = Path::new(&place).join("networks").join(&network.name);
            model.save_folder(&network.folder, &out).unwrap();
            std::fs::copy(network.folder.join("expected.json"), out.join("expected.json")).unwrap();
            let logits = Tensor::new(network.logits(&model), &Device::Cpu).unwrap();
            let tensors = HashMap::from([("logits".to_owned(), logits)]);
            candle_core::safetensors::save(&tensors, out.join("logits.safetensors")).unwrap();
        }
    }
}
