//! How long each op takes, forward and backward, at the sizes of a small BERT on 2,048 tokens: kernels of ours against
//! the same op composed of candle's operations.
//!
//!     cargo bench --bench ops [-- NAME]

#![allow(clippy::unwrap_used, reason = "a bench fails by a panic")]

use std::sync::Arc;

use candle_core::{Device, Tensor, Var};
use divan::Bencher;
use hone::ops::{
    Activation, AdamW, AdamWState, Array, AttentionInput, AttentionShape, Backend, CrossEntropy, Distances, Dropout,
    Gradient, Gradients, LayerNormWeights, LinearWeights, Lookup, MatrixPrecision, Relative, RelativeTerms, Tape,
    Value, Weight, adamw_step, cross_entropy,
};
use hone::random::Rng;

const TOKENS: usize = 2048;
const SEQUENCE: usize = 64;
const HIDDEN: usize = 384;
const INNER: usize = 1536;
const WORDS: usize = 30_522;

const F32: Backend = Backend::Kernels(MatrixPrecision::F32);
const BF16: Backend = Backend::Kernels(MatrixPrecision::Bf16);

fn main() {
    hone::ops::keep_candle_on_one_thread();
    divan::main();
}

fn array(rows: usize, width: usize) -> Array {
    let mut rng = Rng::new(rows as u64 + width as u64);
    Array::from_values(rows, width, &(0..rows * width).map(|_| rng.normal() as f32).collect::<Vec<_>>())
}

/// Weights and the trained tensors they stand for.
fn weights(shapes: &[&[usize]]) -> (Vec<Weight>, Vec<Tensor>) {
    let tensors: Vec<Tensor> = shapes
        .iter()
        .map(|shape| {
            let values = array(1, shape.iter().product());
            let tensor = Tensor::from_slice(values.values(), *shape, &Device::Cpu).unwrap();
            Var::from_tensor(&(tensor * 0.02).unwrap()).unwrap().as_tensor().clone()
        })
        .collect();
    let of = |(number, tensor): (usize, &Tensor)| Weight::new(tensor.clone(), Some(number));
    (tensors.iter().enumerate().map(of).collect(), tensors)
}

/// Times an op of one matrix `[TOKENS, width]`, forward and backward.
fn time(
    bencher: Bencher<'_, '_>,
    backend: Backend,
    width: usize,
    trained: &[Tensor],
    op: impl Fn(&mut Tape<'_>, &Value) -> candle_core::Result<Value>,
) {
    let x = array(TOKENS, width);
    let run = |gradient: Option<&Array>| {
        let mut tape = Tape::training(backend);
        let x = tape.variable(x.clone(), &Device::Cpu).unwrap();
        let out = op(&mut tape, &x).unwrap();
        let mut gradients = Gradients::new(trained.len());
        if let Some(gradient) = gradient {
            tape.pull_back(&out, gradient, trained, &mut gradients).unwrap();
        }
        out.dims().unwrap()
    };
    let (rows, width) = run(None);
    let gradient = array(rows, width);
    bencher.bench_local(|| run(Some(&gradient)));
}

#[divan::bench(args = [F32, BF16, Backend::Composed], sample_count = 20)]
fn linear_with_gelu(bencher: Bencher<'_, '_>, backend: Backend) {
    let (weights, trained) = weights(&[&[INNER, HIDDEN], &[INNER]]);
    let layer = LinearWeights { weight: weights[0].clone(), bias: Some(weights[1].clone()) };
    time(bencher, backend, HIDDEN, &trained, |tape, x| tape.linear(x, &[&layer], Some(Activation::Gelu)));
}

#[divan::bench(args = [F32, BF16, Backend::Composed], sample_count = 20)]
fn linear_query_key_value(bencher: Bencher<'_, '_>, backend: Backend) {
    let matrix: &[usize] = &[HIDDEN, HIDDEN];
    let (weights, trained) = weights(&[matrix, &[HIDDEN], matrix, &[HIDDEN], matrix, &[HIDDEN]]);
    let layer = |pair: &[Weight]| LinearWeights { weight: pair[0].clone(), bias: Some(pair[1].clone()) };
    let layers: Vec<_> = weights.chunks(2).map(layer).collect();
    time(bencher, backend, HIDDEN, &trained, |tape, x| tape.linear(x, &layers.iter().collect::<Vec<_>>(), None));
}

#[divan::bench(args = [F32, Backend::Composed], sample_count = 20)]
fn attention_with_dropout(bencher: Bencher<'_, '_>, backend: Backend) {
    let cuts: Arc<[u32]> = (0..=TOKENS / SEQUENCE).map(|at| (at * SEQUENCE) as u32).collect();
    let shape = AttentionShape::all(12, Arc::clone(&cuts), cuts);
    time(bencher, backend, 3 * HIDDEN, &[], |tape, x| {
        tape.attention(AttentionInput::Joint(x), &shape, Dropout::new(0.1, 1))
    });
}

/// Attention that knows distances, 64 tokens in a text: 127 distances.
#[divan::bench(args = [F32, Backend::Composed], sample_count = 20)]
fn attention_with_a_bias_for_distances(bencher: Bencher<'_, '_>, backend: Backend) {
    relative_attention(bencher, backend, SEQUENCE, true);
}

#[divan::bench(args = [F32, Backend::Composed], sample_count = 20)]
fn attention_with_products_of_distances(bencher: Bencher<'_, '_>, backend: Backend) {
    relative_attention(bencher, backend, SEQUENCE, false);
}

#[divan::bench(args = [512], sample_count = 20)]
fn attention_of_long_texts_with_products_of_distances(bencher: Bencher<'_, '_>, length: usize) {
    relative_attention(bencher, F32, length, false);
}

fn relative_attention(bencher: Bencher<'_, '_>, backend: Backend, length: usize, is_bias: bool) {
    let cuts: Arc<[u32]> = (0..=TOKENS / length).map(|at| (at * length) as u32).collect();
    let shape = AttentionShape::all(12, Arc::clone(&cuts), cuts);
    let places = (0..TOKENS).map(|at| (at % length) as u32).collect();
    let distances = Distances::new(length as u32, places, |distance| (distance + i64::from(length as u32) - 1) as u32);
    let table = array(2 * length - 1, if is_bias { 12 } else { HIDDEN });
    time(bencher, backend, 3 * HIDDEN, &[], |tape, x| {
        let [first, second] = [1, 2].map(|_| tape.variable(table.clone(), &Device::Cpu));
        let (first, second) = (first?, second?);
        let terms = if is_bias {
            RelativeTerms::Bias(&first)
        } else {
            RelativeTerms::Products { keys: Some(&first), queries: Some(&second) }
        };
        let relative = Relative { terms, distances: &distances };
        tape.relative_attention(AttentionInput::Joint(x), &shape, Some(relative), Dropout::new(0.1, 1))
    });
}

/// Local attention, as `ModernBERT` has it.
#[divan::bench(args = [64, 512, 2048], sample_count = 20)]
fn attention_to_neighbours(bencher: Bencher<'_, '_>, length: usize) {
    let cuts: Arc<[u32]> = (0..=TOKENS / length).map(|at| (at * length) as u32).collect();
    let seen =
        (0..TOKENS).map(|at| (at % length) as u32).map(|at| (at.saturating_sub(64), (at + 65).min(length as u32)));
    let shape = AttentionShape { seen: Some(seen.collect()), ..AttentionShape::all(12, Arc::clone(&cuts), cuts) };
    time(bencher, F32, 3 * HIDDEN, &[], |tape, x| {
        tape.attention(AttentionInput::Joint(x), &shape, Dropout::new(0.1, 1))
    });
}

#[divan::bench(args = [F32, Backend::Composed], sample_count = 20)]
fn dropout_residual_layer_norm(bencher: Bencher<'_, '_>, backend: Backend) {
    let (weights, trained) = weights(&[&[HIDDEN], &[HIDDEN]]);
    let weights = LayerNormWeights { weight: weights[0].clone(), bias: weights[1].clone(), epsilon: 1e-12 };
    time(bencher, backend, HIDDEN, &trained, |tape, x| tape.layer_norm(x, Some(x), &weights, Dropout::new(0.1, 1)));
}

#[divan::bench(args = [F32, Backend::Composed], sample_count = 20)]
fn embedding(bencher: Bencher<'_, '_>, backend: Backend) {
    let (weights, trained) = weights(&[&[WORDS, HIDDEN], &[512, HIDDEN], &[2, HIDDEN]]);
    let mut rng = Rng::new(1);
    let rows: [Arc<[u32]>; 3] = [
        (0..TOKENS).map(|_| rng.below(WORDS as u64) as u32).collect(),
        (0..TOKENS).map(|at| (at % SEQUENCE) as u32).collect(),
        (0..TOKENS).map(|_| 0).collect(),
    ];
    let lookups: Vec<Lookup<'_>> =
        weights.iter().zip(rows).map(|(table, rows)| Lookup { table, rows, what: "row" }).collect();
    time(bencher, backend, 1, &trained, |tape, _| tape.embedding(&lookups));
}

#[divan::bench(args = [F32, Backend::Composed], sample_count = 50)]
fn cross_entropy_with_weights_and_smoothing(bencher: Bencher<'_, '_>, backend: Backend) {
    let labels: Vec<u32> = (0..TOKENS as u32).map(|row| row % 3).collect();
    let settings = CrossEntropy {
        class_weights: Some(Arc::from([1.0, 2.0, 0.5])),
        label_smoothing: 0.1,
        ..CrossEntropy::default()
    };
    let logits = array(TOKENS, 3);
    bencher.bench_local(|| {
        let mut tape = Tape::training(backend);
        let logits = tape.variable(logits.clone(), &Device::Cpu).unwrap();
        let loss = cross_entropy(&logits, &labels, &settings).unwrap();
        tape.backward(loss, &[], &mut Gradients::new(0)).unwrap();
    });
}

/// All of a feed-forward layer's matrix: one pass over parameter, gradient and both moments.
#[divan::bench(sample_count = 50)]
fn adamw(bencher: Bencher<'_, '_>) {
    let parameter = Var::zeros((INNER, HIDDEN), candle_core::DType::F32, &Device::Cpu).unwrap();
    let mut state = AdamWState::new(&parameter).unwrap();
    let gradient = Gradient::Dense(array(INNER, HIDDEN));
    let mut update = AdamW {
        learning_rate: 1e-4,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.01,
        gradient_scale: 1.0,
        step: 1,
    };
    bencher.bench_local(|| {
        adamw_step(&parameter, &gradient, &mut state, &update).unwrap();
        update.step += 1;
    });
}
