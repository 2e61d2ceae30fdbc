//! The network against `transformers`: values, gradients, learning, dropout.

use candle_core::{Tensor, Var};
use hone::data::PackedBatch;
use hone::models::{LoadOptions, Mode, TextClassifier, locate};
use hone::ops::{AdamW, AdamWState, adamw_step, squared_norm};
use hone::project::ModelChoice;
use serde::Deserialize;

use crate::tiny_bert::{LABELS, batch, expected, folder, load, logits, loss, options};

const FIRST_STEP: Mode = Mode::Training { seed: 1, step: 1 };

#[test]
fn logits_equal_those_of_transformers() {
    let expected = expected();
    for (case, logits) in expected.cases.iter().zip(logits(&load(), Mode::Inference)) {
        for (expected, logit) in case.logits.iter().zip(logits) {
            assert!((expected - logit).abs() < 1e-4, "{expected} {logit}");
        }
    }
}

#[test]
fn gradients_equal_those_of_transformers() {
    let expected = expected();
    let model = without_dropout();
    let loss = loss(&model, &batch(), FIRST_STEP);
    assert!((f64::from(loss.to_scalar::<f32>().unwrap()) - expected.loss).abs() < 1e-5);
    let grads = loss.backward().unwrap();
    assert_eq!(model.parameters().len(), expected.gradient_norms.len());
    for parameter in model.parameters() {
        let grad = grads.get(&parameter.var).expect("every parameter has a gradient");
        let norm = squared_norm(grad).unwrap().sqrt();
        let expected = expected.gradient_norms[&parameter.name];
        assert!((norm - expected).abs() < 1e-5 + 1e-4 * expected, "{}: {norm} {expected}", parameter.name);
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let model = without_dropout();
    let batch = batch();
    let grads = loss(&model, &batch, FIRST_STEP).backward().unwrap();
    for parameter in model.parameters() {
        let grad = values(grads.get(&parameter.var).unwrap());
        let mut places: Vec<usize> = (0..grad.len()).collect();
        places.sort_by(|&left, &right| grad[right].abs().total_cmp(&grad[left].abs()));
        // The two steepest and one in the middle.
        for place in [places[0], places[1], places[places.len() / 2]] {
            let start = values(parameter.var.as_tensor());
            let at = |change: f32| {
                let mut changed = start.clone();
                changed[place] += change;
                set(&parameter.var, changed);
                f64::from(loss(&model, &batch, FIRST_STEP).to_scalar::<f32>().unwrap())
            };
            let difference = (at(5e-3) - at(-5e-3)) / 1e-2;
            set(&parameter.var, start.clone());
            let gradient = f64::from(grad[place]);
            let error = (difference - gradient).abs();
            assert!(error < 3e-4 + 0.02 * gradient.abs(), "{} {place}: {difference} {gradient}", parameter.name);
        }
    }
}

#[test]
fn every_parameter_has_a_gradient_and_moves() {
    for dropout in [None, Some(0.0)] {
        let (model, _) = TextClassifier::load(&folder(), &LoadOptions { dropout, ..options(&["yes", "no"]) }).unwrap();
        let mut batch = batch();
        batch.labels.iter_mut().for_each(|label| *label %= 2);
        let grads = loss(&model, &batch, FIRST_STEP).backward().unwrap();
        for parameter in model.parameters() {
            let grad = grads.get(&parameter.var).expect("every parameter has a gradient");
            assert!(squared_norm(grad).unwrap() > 0.0, "{} gets no gradient", parameter.name);
            let before = values(parameter.var.as_tensor());
            let mut state = AdamWState::new(&parameter.var).unwrap();
            adamw_step(&parameter.var, grad, &mut state, &update()).unwrap();
            assert_ne!(before, values(parameter.var.as_tensor()), "{} does not move", parameter.name);
        }
    }
}

#[test]
fn a_few_steps_learn_the_batch() {
    let model = load();
    let batch = batch();
    let mut states: Vec<AdamWState> =
        model.parameters().iter().map(|parameter| AdamWState::new(&parameter.var).unwrap()).collect();
    let value = |mode| loss(&model, &batch, mode).to_scalar::<f32>().unwrap();
    let before = value(Mode::Inference);
    for step in 1..=30 {
        let grads = loss(&model, &batch, Mode::Training { seed: 3, step }).backward().unwrap();
        for (parameter, state) in model.parameters().iter().zip(&mut states) {
            adamw_step(&parameter.var, grads.get(&parameter.var).unwrap(), state, &AdamW { step, ..update() }).unwrap();
        }
    }
    let after = value(Mode::Inference);
    assert!(after < 0.3 * before, "{before} {after}");
}

#[test]
fn dropout_is_named_by_seed_and_step() {
    let model = load();
    let run = |seed, step| logits(&model, Mode::Training { seed, step });
    assert_eq!(run(1, 1), run(1, 1));
    assert_ne!(run(1, 1), run(1, 2));
    assert_ne!(run(1, 1), run(2, 1));
    assert_ne!(run(1, 1), logits(&model, Mode::Inference));
    let still = without_dropout();
    assert_eq!(logits(&still, FIRST_STEP), logits(&still, Mode::Inference));
}

#[test]
fn threads_do_not_change_a_bit() {
    let model = load();
    let run = || {
        let grads = loss(&model, &batch(), FIRST_STEP).backward().unwrap();
        let grads = model.parameters().iter().map(|parameter| values(grads.get(&parameter.var).unwrap()));
        grads.flatten().map(f32::to_bits).collect::<Vec<_>>()
    };
    let pools = [1, 3].map(|count| rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap());
    assert!(pools[0].install(run) == pools[1].install(run));
}

#[test]
fn a_text_has_the_same_logits_alone_and_in_company() {
    let model = load();
    let together = logits(&model, Mode::Inference);
    for (case, together) in expected().cases.iter().zip(together) {
        let mut alone = PackedBatch::default();
        alone.push(&case.input_ids, None, 0);
        let alone = model.forward(&alone, Mode::Inference).unwrap().to_vec2::<f32>().unwrap();
        for (alone, together) in alone[0].iter().zip(together) {
            assert!((alone - together).abs() < 1e-5, "{alone} {together}");
        }
    }
}

#[test]
fn inference_keeps_no_graph() {
    let logits = load().forward(&batch(), Mode::Inference).unwrap();
    assert!(!logits.track_op());
}

#[test]
fn batches_that_cannot_be_read_are_refused() {
    let model = load();
    let refused = |texts: &[&[u32]]| {
        let mut batch = PackedBatch::default();
        texts.iter().enumerate().for_each(|(row, ids)| batch.push(ids, None, row));
        model.forward(&batch, Mode::Inference).unwrap_err().to_string()
    };
    assert!(refused(&[]).contains("no text"));
    assert!(refused(&[&[2, 3], &[]]).contains("text 1 of the batch has no tokens"));
    assert!(refused(&[&[2; 65]]).contains("65 tokens, and the model reads at most 64"));
    assert!(refused(&[&[2, 900]]).contains("token id 900 is outside the model's table of 316"));
}

#[derive(Deserialize)]
struct Pooled {
    input_ids: Vec<u32>,
    pooled: Vec<f32>,
}

#[test]
fn minilm_equals_transformers() {
    let choice = ModelChoice::Catalogue("minilm-l6".to_owned());
    let Ok(Some(folder)) = locate(&choice, std::path::Path::new(".")) else {
        println!("skipped: MiniLM-L6 is not in the cache; `hone models fetch minilm-l6` brings it");
        return;
    };
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/minilm-l6-pooled.json");
    let cases: Vec<Pooled> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let (model, report) = TextClassifier::load(&folder, &options(&LABELS)).unwrap();
    assert!(report.new_head && report.missing.is_empty() && report.unexpected.is_empty(), "{report:?}");
    assert_eq!(report.loaded.len(), 103);
    let mut batch = PackedBatch::default();
    cases.iter().enumerate().for_each(|(row, case)| batch.push(&case.input_ids, None, row));
    let pooled = model.pooled(&batch).unwrap().to_vec2::<f32>().unwrap();
    for (case, pooled) in cases.iter().zip(pooled) {
        assert_eq!(case.pooled.len(), pooled.len());
        for (expected, pooled) in case.pooled.iter().zip(pooled) {
            assert!((expected - pooled).abs() < 1e-4, "{expected} {pooled}");
        }
    }
}

fn without_dropout() -> TextClassifier {
    TextClassifier::load(&folder(), &LoadOptions { dropout: Some(0.0), ..options(&LABELS) }).unwrap().0
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn set(var: &Var, values: Vec<f32>) {
    var.set(&Tensor::from_vec(values, var.shape(), var.device()).unwrap()).unwrap();
}

fn update() -> AdamW {
    AdamW {
        learning_rate: 3e-3,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.01,
        gradient_scale: 1.0,
        step: 1,
    }
}
