//! The tiny random BERT of `tests/peers/make_tiny_bert.py`, and what `transformers` says about it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hone::data::{Batch, Pooling};
use hone::models::{LoadOptions, Mode, Model, TrainPass};
use hone::ops::{CrossEntropy, Gradients};
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
    LoadOptions { seed: 42, ..LoadOptions::classifier(labels) }
}

pub fn load() -> Model {
    Model::load(&folder(), &options(&LABELS)).unwrap().0
}

pub fn batch() -> Batch {
    let expected = expected();
    let mut batch = Batch::default();
    for (row, (case, &target)) in expected.cases.iter().zip(&expected.targets).enumerate() {
        batch.push_text(&case.input_ids, Pooling::First, Some(target), row);
    }
    batch
}

/// The loss of a batch and the gradients of every parameter.
pub fn learn(model: &Model, batch: &Batch, mode: Mode) -> (f64, Gradients) {
    let mut gradients = Gradients::new(model.parameters().len());
    let loss = CrossEntropy::default();
    let pass = TrainPass { batch, features: None, mode, loss: &loss, stop: &|| false };
    let loss = model.train_pass(&pass, &mut gradients).unwrap().loss;
    (loss, gradients)
}

pub fn logits(model: &Model, mode: Mode) -> Vec<Vec<f32>> {
    model.forward(&batch(), mode).unwrap()
}
