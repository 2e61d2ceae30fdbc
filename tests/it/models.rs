//! Networks against `transformers`, and what a damaged model folder says.

use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use hone::data::PackedBatch;
use hone::models::{LoadOptions, Mode, ModelError, TextClassifier};
use hone::ops::{CrossEntropy, cross_entropy};
use serde::Deserialize;

#[derive(Deserialize)]
struct Expected {
    cases: Vec<Case>,
    targets: Vec<u32>,
    loss: f64,
    gradient_norms: std::collections::BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct Case {
    input_ids: Vec<u32>,
    logits: Vec<f32>,
}

fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert")
}

fn expected() -> Expected {
    serde_json::from_slice(&std::fs::read(tiny().join("expected.json")).unwrap()).unwrap()
}

fn options(labels: &[&str]) -> LoadOptions {
    let labels = labels.iter().map(|&label| label.to_owned()).collect();
    LoadOptions { labels, seed: 42, dropout: None, device: Device::Cpu }
}

const LABELS: [&str; 3] = ["negative", "neutral", "positive"];

fn load() -> TextClassifier {
    TextClassifier::load(&tiny(), &options(&LABELS)).unwrap().0
}

fn batch(expected: &Expected) -> PackedBatch {
    let mut batch = PackedBatch::default();
    for (row, (case, &target)) in expected.cases.iter().zip(&expected.targets).enumerate() {
        batch.push(&case.input_ids, Some(target), row);
    }
    batch
}

fn loss(model: &TextClassifier, batch: &PackedBatch, mode: Mode) -> Tensor {
    let logits = model.forward(batch, mode).unwrap();
    cross_entropy(&logits, &batch.labels, &CrossEntropy::default()).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn logits_equal_those_of_transformers() {
    let (model, expected) = (load(), expected());
    let logits = model.forward(&batch(&expected), Mode::Inference).unwrap().to_vec2::<f32>().unwrap();
    for (case, logits) in expected.cases.iter().zip(logits) {
        for (expected, logit) in case.logits.iter().zip(logits) {
            assert!((expected - logit).abs() < 1e-4, "{expected} {logit}");
        }
    }
}

#[test]
fn the_gradients_equal_those_of_transformers() {
    let expected = expected();
    let mut options = options(&LABELS);
    options.dropout = Some(0.0);
    let (model, _) = TextClassifier::load(&tiny(), &options).unwrap();
    let loss = loss(&model, &batch(&expected), Mode::Training { seed: 1, step: 1 });
    assert!((f64::from(loss.to_scalar::<f32>().unwrap()) - expected.loss).abs() < 1e-5);
    let grads = loss.backward().unwrap();
    assert_eq!(model.parameters().len(), expected.gradient_norms.len());
    for parameter in model.parameters() {
        let grad = grads.get(&parameter.var).expect("every parameter has a gradient");
        let norm = hone::ops::squared_norm(grad).unwrap().sqrt();
        let expected = expected.gradient_norms[&parameter.name];
        assert!((norm - expected).abs() < 1e-5 + 1e-4 * expected, "{}: {norm} {expected}", parameter.name);
    }
}
