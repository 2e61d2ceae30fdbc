//! Checks that every op must pass: it agrees with its reference forward and backward and with finite differences, and gives
//! the same bits on any number of threads.

use std::sync::OnceLock;

use candle_core::{DType, Device, Result, Tensor, Var};

use crate::ops::kernels::{MatrixPrecision, levels};
use crate::ops::{Array, Backend, Gradients, Tape, Value, Weight};
use crate::random::Rng;

/// Normal random numbers of that shape.
pub fn normal(shape: Vec<usize>, seed: u64) -> Tensor {
    let mut rng = Rng::stream(seed, 77);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.normal() as f32).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// An op of inputs and weights.
type Op<'a> = &'a dyn Fn(&mut Tape<'_>, &[Value], &[Weight]) -> Result<Value>;
type SharedOp<'a> = &'a (dyn Fn(&mut Tape<'_>, &[Value], &[Weight]) -> Result<Value> + Sync);
type Reference<'a> = &'a dyn Fn(&[Tensor]) -> Result<Tensor>;

/// Asserts that the kernels of `op` on `f32` agree with `reference` (of inputs, then weights) on `f64`: values, gradients
/// of every input and weight, and the gradients with central differences of the reference; at every level of
/// instructions that this machine has. The composed form of `op` must agree too, wherever it can run ([`places`]).
pub fn agree(
    inputs: &[Tensor],
    weights: &[Tensor],
    op: impl Fn(&mut Tape<'_>, &[Value], &[Weight]) -> Result<Value> + Sync,
    reference: impl Fn(&[Tensor]) -> Result<Tensor>,
) {
    let wide = widened_tensors(inputs, weights);
    let expected = run_reference(&wide, &reference);
    kernels_agree(Backend::default(), inputs, weights, &op, &expected);
    for (device, dtype) in places() {
        let there = wide.iter().map(|tensor| tensor.to_dtype(dtype).unwrap().to_device(&device).unwrap());
        let outcome = run_composed(&there.collect::<Vec<_>>(), inputs.len(), &op);
        agrees(&outcome, &expected, &format!("composed on {:?}", device.location()));
    }
    for (index, expected) in expected.1.iter().enumerate() {
        differences(&wide, index, &reference, expected);
    }
}

/// Devices that composed forms are tested on: the processor in double precision and, in a build for a GPU, the GPU in 32
/// bits. Several threads of one process must not use a GPU at once: run these tests one at a time there.
pub fn places() -> Vec<(Device, DType)> {
    static GPU: OnceLock<Option<Device>> = OnceLock::new();
    let gpu = GPU.get_or_init(|| {
        let opened = if cfg!(feature = "metal") { Device::new_metal(0) } else { Device::new_cuda(0) };
        let is_built_for_gpus = cfg!(any(feature = "cuda", feature = "metal"));
        is_built_for_gpus.then(|| opened.expect("tests of a build for a GPU need that GPU"))
    });
    let gpu = gpu.iter().map(|device| (device.clone(), DType::F32));
    std::iter::once((Device::Cpu, DType::F64)).chain(gpu).collect()
}

/// Asserts that the kernels of `op` with bf16 products agree with `reference` as closely as those with 32-bit ones, at
/// every level, on inputs and weights that bf16 holds exactly, where nothing is lost by rounding.
pub fn agree_in_bf16(
    inputs: &[Tensor],
    weights: &[Tensor],
    op: impl Fn(&mut Tape<'_>, &[Value], &[Weight]) -> Result<Value> + Sync,
    reference: impl Fn(&[Tensor]) -> Result<Tensor>,
) {
    let exact = |tensors: &[Tensor]| tensors.iter().map(rounded).collect::<Vec<_>>();
    let (inputs, weights) = (exact(inputs), exact(weights));
    let expected = run_reference(&widened_tensors(&inputs, &weights), &reference);
    kernels_agree(Backend::Kernels(MatrixPrecision::Bf16), &inputs, &weights, &op, &expected);
}

/// A value and the gradients of inputs and weights.
type Outcome = (Vec<f64>, Vec<Vec<f64>>);

fn kernels_agree(backend: Backend, inputs: &[Tensor], weights: &[Tensor], op: SharedOp<'_>, expected: &Outcome) {
    for level in levels::all() {
        let outcome = levels::at(level, || run_kernels(backend, inputs, weights, &|tape, x, w| op(tape, x, w)));
        agrees(&outcome, expected, &format!("{level:?}"));
    }
}

fn agrees(got: &Outcome, expected: &Outcome, what: &str) {
    close(&got.0, &expected.0, &format!("{what} value"));
    for (index, (got, expected)) in got.1.iter().zip(&expected.1).enumerate() {
        close(got, expected, &format!("{what} gradient {index}"));
    }
}

fn widened_tensors(inputs: &[Tensor], weights: &[Tensor]) -> Vec<Tensor> {
    inputs.iter().chain(weights).map(|tensor| tensor.to_dtype(DType::F64).unwrap()).collect()
}

/// Rounded to bf16 and back.
fn rounded(tensor: &Tensor) -> Tensor {
    tensor.to_dtype(DType::BF16).unwrap().to_dtype(DType::F32).unwrap()
}

/// Asserts that gradients have the same bits on one thread and on three.
pub fn gradients_in_pools(
    inputs: &[Tensor],
    weights: &[Tensor],
    op: impl Fn(&mut Tape<'_>, &[Value], &[Weight]) -> Result<Value> + Sync,
) {
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let run = || {
        run_kernels(Backend::default(), inputs, weights, &op)
            .1
            .concat()
            .into_iter()
            .map(f64::to_bits)
            .collect::<Vec<_>>()
    };
    assert!(pool(1).install(run) == pool(3).install(run));
}

fn run_kernels(backend: Backend, inputs: &[Tensor], weights: &[Tensor], op: Op<'_>) -> Outcome {
    let mut tape = Tape::training(backend);
    let leaves = inputs.iter().map(|input| {
        let (rows, width) = input.dims2().unwrap();
        tape.leaf(Array::from_values(rows, width, &input.flatten_all().unwrap().to_vec1::<f32>().unwrap()))
    });
    let (values, places): (Vec<Value>, Vec<usize>) = leaves.collect();
    let weights: Vec<Weight> =
        weights.iter().enumerate().map(|(number, weight)| Weight::new(weight.clone(), Some(number))).collect();
    let out = op(&mut tape, &values, &weights).unwrap();
    let out = out.host().unwrap();
    let shape = vec![out.array.rows(), out.array.width()];
    let seed = output_weights(shape).to_vec1::<f32>().unwrap();
    let seed = Array::from_values(out.array.rows(), out.array.width(), &seed);
    let mut gradients = Gradients::new(weights.len());
    let left = tape.run_backward(out.node.expect("the output is recorded"), seed, &mut gradients).unwrap();
    let of_inputs =
        places.iter().map(|&place| left[place].as_ref().expect("an input has a gradient").values().to_vec());
    let of_weights =
        (0..weights.len()).map(|number| gradients.get(number).expect("a weight has a gradient").to_vec().unwrap());
    let all = of_inputs.chain(of_weights).map(widened).collect();
    (widened(out.array.values().to_vec()), all)
}

fn run_composed(wide: &[Tensor], inputs: usize, op: Op<'_>) -> Outcome {
    with_gradients(wide, &|tensors| {
        let mut tape = Tape::training(Backend::Composed);
        let values: Vec<Value> = tensors[..inputs].iter().cloned().map(Value::Composed).collect();
        let weights: Vec<Weight> =
            tensors[inputs..].iter().enumerate().map(|(n, tensor)| Weight::new(tensor.clone(), Some(n))).collect();
        op(&mut tape, &values, &weights)?.composed().cloned()
    })
}

fn run_reference(wide: &[Tensor], reference: Reference<'_>) -> Outcome {
    with_gradients(wide, reference)
}

fn with_gradients(wide: &[Tensor], function: Reference<'_>) -> Outcome {
    let vars: Vec<Var> = wide.iter().map(|tensor| Var::from_tensor(&tensor.copy().unwrap()).unwrap()).collect();
    let tensors: Vec<Tensor> = vars.iter().map(|var| var.as_tensor().clone()).collect();
    let out = function(&tensors).unwrap();
    let grads = weighted(&out).backward().unwrap();
    let grads = vars.iter().map(|var| flat(grads.get(var).expect("an input has a gradient"))).collect();
    (flat(&out), grads)
}

fn flat(tensor: &Tensor) -> Vec<f64> {
    let tensor = tensor.to_device(&Device::Cpu).unwrap().to_dtype(DType::F64).unwrap();
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn widened(values: Vec<f32>) -> Vec<f64> {
    values.into_iter().map(f64::from).collect()
}

/// Weights that make a scalar depend on every element of an output differently; bf16 holds them exactly.
fn output_weights(shape: Vec<usize>) -> Tensor {
    rounded(&normal(shape, 4_321).flatten_all().unwrap())
}

fn weighted(out: &Tensor) -> Tensor {
    let weights = output_weights(out.dims().to_vec()).to_dtype(out.dtype()).unwrap();
    let weights = weights.to_device(out.device()).unwrap();
    (out.flatten_all().unwrap() * weights).unwrap().sum_all().unwrap()
}

fn differences(inputs: &[Tensor], index: usize, reference: Reference<'_>, gradient: &[f64]) {
    let base = flat(&inputs[index]);
    let mut rng = Rng::new(index as u64);
    for _ in 0..3 {
        let at = rng.below(base.len() as u64) as usize;
        let value = |change: f64| {
            let mut changed = base.clone();
            changed[at] += change;
            let mut inputs = inputs.to_vec();
            inputs[index] = Tensor::from_vec(changed, inputs[index].shape(), &Device::Cpu).unwrap();
            weighted(&reference(&inputs).unwrap()).to_scalar::<f64>().unwrap()
        };
        let difference = (value(1e-5) - value(-1e-5)) / 2e-5;
        let error = (difference - gradient[at]).abs();
        assert!(error < 1e-5 * (1.0 + difference.abs()), "{index}, element {at}: {difference} and {}", gradient[at]);
    }
}

fn close(got: &[f64], expected: &[f64], what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1.0_f64, |largest, value| largest.max(value.abs()));
    for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!((got - expected).abs() < 2e-5 * scale, "{what}, element {at}: {got} and {expected}");
    }
}
