//! The network against `transformers`: values, gradients, learning, dropout.

use candle_core::{Tensor, Var};
use hone::data::{Batch, Pooling};
use hone::models::{Compute, LoadOptions, Mode, Model, TrainPass};
use hone::ops::{AdamW, AdamWState, Backend, CrossEntropy, Gradients, adamw_step};
use hone::project::{DeviceChoice, Precision, TrainedLayers};

use crate::tiny_bert::{LABELS, batch, expected, folder, learn, load, logits, options};

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
    let (loss, gradients) = learn(&model, &batch(), FIRST_STEP);
    assert!((loss - expected.loss).abs() < 1e-5);
    assert_eq!(model.parameters().len(), expected.gradient_norms.len());
    for (place, parameter) in model.parameters().iter().enumerate() {
        let gradient = gradients.get(place).expect("every parameter has a gradient");
        let norm = gradient.squared_norm().unwrap().sqrt();
        let expected = expected.gradient_norms[&parameter.name];
        assert!((norm - expected).abs() < 1e-5 + 1e-4 * expected, "{}: {norm} {expected}", parameter.name);
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let model = without_dropout();
    let batch = batch();
    let (_, gradients) = learn(&model, &batch, FIRST_STEP);
    for (place, parameter) in model.parameters().iter().enumerate() {
        let grad = gradients.get(place).unwrap().to_vec().unwrap();
        let mut places: Vec<usize> = (0..grad.len()).collect();
        places.sort_by(|&left, &right| grad[right].abs().total_cmp(&grad[left].abs()));
        // The two steepest and one in the middle.
        for place in [places[0], places[1], places[places.len() / 2]] {
            let start = values(parameter.var.as_tensor());
            let at = |change: f32| {
                let mut changed = start.clone();
                changed[place] += change;
                set(&parameter.var, changed);
                learn(&model, &batch, FIRST_STEP).0
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
fn every_parameter_has_a_gradient_and_changes() {
    for dropout in [None, Some(0.0)] {
        let (model, _) = Model::load(&folder(), &LoadOptions { dropout, ..options(&["yes", "no"]) }).unwrap();
        let mut batch = batch();
        batch.wanted.iter_mut().for_each(|label| *label %= 2);
        let (_, gradients) = learn(&model, &batch, FIRST_STEP);
        for (place, parameter) in model.parameters().iter().enumerate() {
            let grad = gradients.get(place).expect("every parameter has a gradient");
            assert!(grad.squared_norm().unwrap() > 0.0, "{} gets no gradient", parameter.name);
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
    let before = learn(&model, &batch, Mode::Inference).0;
    for step in 1..=30 {
        let (_, gradients) = learn(&model, &batch, Mode::Training { seed: 3, step });
        for (place, (parameter, state)) in model.parameters().iter().zip(&mut states).enumerate() {
            let gradient = gradients.get(place).unwrap();
            adamw_step(&parameter.var, gradient, state, &AdamW { step, ..update() }).unwrap();
        }
    }
    let after = learn(&model, &batch, Mode::Inference).0;
    assert!(after < 0.3 * before, "{before} {after}");
}

#[test]
fn dropout_depends_only_on_seed_and_step() {
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
fn results_are_the_same_bits_for_any_number_of_threads() {
    let model = load();
    let run = || {
        let (_, gradients) = learn(&model, &batch(), FIRST_STEP);
        let values = (0..model.parameters().len()).map(|place| gradients.get(place).unwrap().to_vec().unwrap());
        values.flatten().map(f32::to_bits).collect::<Vec<_>>()
    };
    let pools = [1, 3].map(|count| rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap());
    assert!(pools[0].install(run) == pools[1].install(run));
}

#[test]
fn a_text_has_the_same_logits_alone_and_in_a_batch() {
    let model = load();
    let together = logits(&model, Mode::Inference);
    for (case, together) in expected().cases.iter().zip(together) {
        let mut alone = Batch::default();
        alone.push_text(&case.input_ids, Pooling::First, None, 0);
        let alone = model.forward(&alone, Mode::Inference).unwrap();
        for (alone, together) in alone[0].iter().zip(together) {
            assert!((alone - together).abs() < 1e-5, "{alone} {together}");
        }
    }
}

#[test]
fn a_forward_pass_can_be_stopped() {
    let stopped = load().forward_in_parts(&batch(), None, &|| true, &mut |_| ());
    assert!(stopped.unwrap_err().to_string().contains("stopped"));
}

/// The operations for other devices, on the CPU.
#[test]
fn composed_operations_give_the_same_numbers() {
    same_numbers(&load().with_backend(Backend::Composed));
}

/// Asserts that a model gives the same loss, gradients and answers as with the kernels.
fn same_numbers(other: &Model) {
    let model = load();
    let mode = Mode::Training { seed: 5, step: 3 };
    let (loss, gradients) = learn(&model, &batch(), mode);
    let (other_loss, other_gradients) = learn(other, &batch(), mode);
    assert!((loss - other_loss).abs() < 1e-5, "{loss} {other_loss}");
    for (place, parameter) in model.parameters().iter().enumerate() {
        let [one, other] = [&gradients, &other_gradients].map(|all| all.get(place).unwrap().to_vec().unwrap());
        let largest = one.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        for (one, other) in one.iter().zip(other) {
            assert!((one - other).abs() < 1e-4 * (1.0 + largest), "{}: {one} {other}", parameter.name);
        }
    }
    let answers = [&model, other].map(|model| logits(model, Mode::Inference).concat());
    for (one, other) in answers[0].iter().zip(&answers[1]) {
        assert!((one - other).abs() < 1e-5, "{one} {other}");
    }
}

#[test]
fn frozen_layers_have_no_gradient_and_their_output_can_be_cached() {
    for (trained, frozen_layers) in [(TrainedLayers::Top(1), 1), (TrainedLayers::Head, 2), (TrainedLayers::Top(9), 0)] {
        let (model, _) = Model::load(&folder(), &LoadOptions { trained, ..options(&LABELS) }).unwrap();
        let frozen = |name: &str| {
            let layer = |index| name.starts_with(&format!("bert.encoder.layer.{index}."));
            name.starts_with("bert.embeddings.") || (0..frozen_layers).any(layer)
        };
        let mode = Mode::Training { seed: 1, step: 1 };
        let (loss, gradients) = learn(&model, &batch(), mode);
        for (place, parameter) in model.parameters().iter().enumerate() {
            assert_eq!(parameter.trained, !frozen(&parameter.name), "{}", parameter.name);
            assert_eq!(gradients.get(place).is_some(), parameter.trained, "{}", parameter.name);
        }
        let features = model.features(&batch(), &|| false).unwrap().unwrap();
        let mut again = Gradients::new(model.parameters().len());
        let settings = CrossEntropy::default();
        let batch = batch();
        let pass = TrainPass { batch: &batch, features: Some(&features), mode, loss: &settings, stop: &|| false };
        let kept = model.train_pass(&pass, &mut again).unwrap().loss;
        assert_eq!(loss.to_bits(), kept.to_bits(), "{trained:?}");
        assert_eq!(gradients.norm().unwrap().to_bits(), again.norm().unwrap().to_bits(), "{trained:?}");
    }
    assert!(load().features(&batch(), &|| false).unwrap().is_none());
}

#[test]
fn bad_batches_are_refused() {
    let model = load();
    let refused = |texts: &[&[u32]]| {
        let mut batch = Batch::default();
        texts.iter().enumerate().for_each(|(row, ids)| batch.push_text(ids, Pooling::First, None, row));
        model.forward(&batch, Mode::Inference).unwrap_err().to_string()
    };
    assert!(refused(&[]).contains("no text"));
    assert!(refused(&[&[2, 3], &[]]).contains("text 1 of the batch has no tokens"));
    assert!(refused(&[&[2; 65]]).contains("65 tokens, and the model reads at most 64"));
    assert!(refused(&[&[2, 900]]).contains("token id 900 is outside the model's table of 316"));
}

fn without_dropout() -> Model {
    Model::load(&folder(), &LoadOptions { dropout: Some(0.0), ..options(&LABELS) }).unwrap().0
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

#[test]
fn an_inference_only_model_predicts_the_same() {
    for precision in [Precision::F32, Precision::Bf16] {
        let load = |only_answers| {
            let compute = Compute::choose(DeviceChoice::Cpu, precision).unwrap();
            Model::load(&folder(), &LoadOptions { only_answers, compute, ..options(&LABELS) }).unwrap().0
        };
        let (answering, trained) = (load(true), load(false));
        assert_eq!((answering.trained_count(), trained.trained_count()), (0, trained.parameter_count()));
        let mut batch = Batch::default();
        [&[2, 7, 9, 3][..], &[2, 3]]
            .iter()
            .enumerate()
            .for_each(|(row, ids)| batch.push_text(ids, Pooling::First, None, row));
        for _ in 0..2 {
            let answers = answering.forward(&batch, Mode::Inference).unwrap();
            assert_eq!(answers, trained.forward(&batch, Mode::Inference).unwrap(), "{precision:?}");
        }
    }
}

mod needs_gpu {
    use hone::project::OptimizerSettings;
    use hone::training::Optimizer;

    use super::*;
    use crate::needs::gpu;

    fn load_on(device: DeviceChoice, trained: TrainedLayers) -> Model {
        let compute = Compute::choose(device, Precision::F32).unwrap();
        Model::load(&folder(), &LoadOptions { trained, compute, ..options(&LABELS) }).unwrap().0
    }

    #[test]
    #[ignore = "needs a GPU, and a build with the feature `cuda` or `metal`"]
    fn a_gpu_gives_the_same_numbers() {
        same_numbers(&load_on(gpu(), TrainedLayers::All));
    }

    #[test]
    #[ignore = "needs a GPU, and a build with the feature `cuda` or `metal`"]
    fn a_gpu_learns_as_the_cpu_does() {
        let gpu = gpu();
        for trained in [TrainedLayers::All, TrainedLayers::Top(1), TrainedLayers::Head] {
            let losses = [DeviceChoice::Cpu, gpu].map(|device| {
                let (model, batch) = (load_on(device, trained), batch());
                let mut optimizer = Optimizer::new(model.parameters(), &OptimizerSettings::default()).unwrap();
                let features = model.features(&batch, &|| false).unwrap();
                let losses = (1..=20).map(|step| {
                    let mut gradients = Gradients::new(model.parameters().len());
                    let (mode, loss) = (Mode::Training { seed: 3, step }, CrossEntropy::default());
                    let features = features.as_ref();
                    let pass = TrainPass { batch: &batch, features, mode, loss: &loss, stop: &|| false };
                    let loss = model.train_pass(&pass, &mut gradients).unwrap().loss;
                    optimizer.step(&gradients, 1e-3).unwrap();
                    loss
                });
                losses.collect::<Vec<f64>>()
            });
            let [processor, gpu] = &losses;
            assert!(gpu[19] < gpu[0], "{trained:?}: {gpu:?}");
            for (step, (processor, gpu)) in processor.iter().zip(gpu).enumerate() {
                // Rounding differs, and the difference grows with each step.
                assert!((processor - gpu).abs() < 1e-3, "{trained:?}, step {step}: {processor} {gpu}");
            }
        }
    }
}

mod needs_model {
    use serde::Deserialize;

    use super::*;
    use crate::needs::minilm;

    #[derive(Deserialize)]
    struct Pooled {
        input_ids: Vec<u32>,
        pooled: Vec<f32>,
    }

    #[test]
    #[ignore = "needs a model: hone models fetch minilm-l6"]
    fn minilm_equals_transformers() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/minilm-l6-pooled.json");
        let cases: Vec<Pooled> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let (model, report) = Model::load(&minilm(), &options(&LABELS)).unwrap();
        assert!(report.new_head && report.missing.is_empty() && report.unexpected.is_empty(), "{report:?}");
        assert_eq!(report.loaded.len(), 103);
        let mut batch = Batch::default();
        cases.iter().enumerate().for_each(|(row, case)| batch.push_text(&case.input_ids, Pooling::First, None, row));
        let pooled = model.pooled(&batch).unwrap();
        for (case, pooled) in cases.iter().zip(pooled) {
            assert_eq!(case.pooled.len(), pooled.len());
            for (expected, pooled) in case.pooled.iter().zip(pooled) {
                assert!((expected - pooled).abs() < 1e-4, "{expected} {pooled}");
            }
        }
    }
}
