//! Checks every op goes through: agreement with its reference, forward and backward, and finite differences.

use candle_core::{DType, Device, Result, Tensor, Var};

use crate::random::Rng;

/// Normal random numbers of that shape.
pub fn normal(shape: Vec<usize>, seed: u64) -> Tensor {
    let mut rng = Rng::stream(seed, 77);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.normal() as f32).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

type Op<'a> = &'a dyn Fn(&[Tensor]) -> Result<Tensor>;

/// Asserts that `fast` on `f32` agrees with `reference` on `f64`: values, gradients of every input, and the gradients
/// with central differences of the reference.
pub fn agree(
    inputs: &[Tensor],
    fast: impl Fn(&[Tensor]) -> Result<Tensor>,
    reference: impl Fn(&[Tensor]) -> Result<Tensor>,
) {
    let wide: Vec<Tensor> = inputs.iter().map(|input| input.to_dtype(DType::F64).unwrap()).collect();
    let (out, grads) = run(inputs, &fast);
    let (wide_out, wide_grads) = run(&wide, &reference);
    close(&out, &wide_out, "value");
    for (index, (grad, wide_grad)) in grads.iter().zip(&wide_grads).enumerate() {
        close(grad, wide_grad, &format!("gradient of input {index}"));
        differences(&wide, index, &reference, wide_grad);
    }
}

fn run(inputs: &[Tensor], op: Op<'_>) -> (Tensor, Vec<Tensor>) {
    let vars: Vec<Var> = inputs.iter().map(|input| Var::from_tensor(&input.copy().unwrap()).unwrap()).collect();
    let tensors: Vec<Tensor> = vars.iter().map(|var| var.as_tensor().clone()).collect();
    let out = op(&tensors).unwrap();
    let grads = weighted(&out).backward().unwrap();
    let grads = vars.iter().map(|var| grads.get(var).expect("an input has no gradient").clone()).collect();
    (out.detach(), grads)
}

/// A scalar that depends on every element of `out` differently.
fn weighted(out: &Tensor) -> Tensor {
    let weights = normal(out.dims().to_vec(), 4_321).to_dtype(out.dtype()).unwrap();
    (out * weights).unwrap().sum_all().unwrap()
}

fn differences(inputs: &[Tensor], index: usize, op: Op<'_>, grad: &Tensor) {
    let base: Vec<f64> = inputs[index].flatten_all().unwrap().to_vec1().unwrap();
    let grad: Vec<f64> = grad.flatten_all().unwrap().to_vec1().unwrap();
    let mut rng = Rng::new(index as u64);
    for _ in 0..3 {
        let at = rng.below(base.len() as u64) as usize;
        let value = |change: f64| {
            let mut changed = base.clone();
            changed[at] += change;
            let mut inputs = inputs.to_vec();
            inputs[index] = Tensor::from_vec(changed, inputs[index].shape(), &Device::Cpu).unwrap();
            weighted(&op(&inputs).unwrap()).to_scalar::<f64>().unwrap()
        };
        let difference = (value(1e-5) - value(-1e-5)) / 2e-5;
        let error = (difference - grad[at]).abs();
        assert!(error < 1e-5 * (1.0 + difference.abs()), "input {index}, element {at}: {difference} and {}", grad[at]);
    }
}

fn close(fast: &Tensor, wide: &Tensor, what: &str) {
    assert_eq!(fast.shape(), wide.shape(), "{what}");
    let fast = fast.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
    let wide = wide.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    let scale = wide.iter().fold(1.0_f64, |largest, value| largest.max(value.abs()));
    for (at, (fast, wide)) in fast.iter().zip(&wide).enumerate() {
        assert!((fast - wide).abs() < 2e-5 * scale, "{what}, element {at}: {fast} and {wide}");
    }
}
