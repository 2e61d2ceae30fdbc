//! The tiny random BERT of `tests/peers/make_tiny_bert.py`, and what `transformers` says about it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use hone::data::PackedBatch;
use hone::models::{LoadOptions, Mode, TextClassifier};
use hone::ops::{CrossEntropy, cross_entropy};
use serde::Deserialize;

pub const LABELS: [&str; 3] = ["negative", "neutral", "positive"];

#[derive(Deserialize)]
pub struct Expected {
    pub cases: Vec<Case>,
    pub targets: Vec<u32>,
    pub loss: f64,
    pub gradient_norms: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
pub struct Case {
    pub input_ids: Vec<u32>,
    pub logits: Vec<f32>,
}

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert")
}

pub fn expected() -> Expected {
    serde_json::from_slice(&std::fs::read(folder().join("expected.json")).unwrap()).unwrap()
}

pub fn options(labels: &[&str]) -> LoadOptions {
    let labels = labels.iter().map(|&label| label.to_owned()).collect();
    LoadOptions { labels, seed: 42, dropout: None, device: Device::Cpu }
}

pub fn load() -> TextClassifier {
    TextClassifier::load(&folder(), &options(&LABELS)).unwrap().0
}

pub fn batch() -> PackedBatch {
    let expected = expected();
    let mut batch = PackedBatch::default();
    for (row, (case, &target)) in expected.cases.iter().zip(&expected.targets).enumerate() {
        batch.push(&case.input_ids, Some(target), row);
    }
    batch
}

pub fn loss(model: &TextClassifier, batch: &PackedBatch, mode: Mode) -> Tensor {
    let logits = model.forward(batch, mode).unwrap();
    cross_entropy(&logits, &batch.labels, &CrossEntropy::default()).unwrap()
}

pub fn logits(model: &TextClassifier, mode: Mode) -> Vec<Vec<f32>> {
    model.forward(&batch(), mode).unwrap().to_vec2().unwrap()
}
