//! `AdamW`: one pass over a parameter, its gradient and its two moments, in place.
//!
//! Loshchilov and Hutter, 1711.05101, with the bias corrections and the order of operations of `torch.optim.AdamW`.

use std::borrow::Cow;
use std::sync::Mutex;

use candle_core::{CpuStorage, DType, InplaceOp2, Layout, Result, Tensor, Var, bail};
use rayon::prelude::*;

use super::host::{is_fast, operand, values};
use super::kernels::{CHUNK, lanes, simd_kernel};

/// The numbers of one update of one parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the denominator.
    pub epsilon: f64,
    /// Decoupled weight decay; 0 for parameters that do not decay.
    pub weight_decay: f64,
    /// What the gradient is multiplied with first: the clip's scale, 1 for none.
    pub gradient_scale: f64,
    /// 1-based number of this update, for the bias corrections.
    pub step: u64,
}

/// The first and the second moment of a parameter, in its element order.
pub type MomentPair<'a> = (Cow<'a, [f32]>, Cow<'a, [f32]>);

/// The two moments of one parameter, where the parameter lies.
#[derive(Debug)]
pub struct AdamWState(Moments);

#[derive(Debug)]
enum Moments {
    Host { first: Vec<f32>, second: Vec<f32> },
    Device { first: Tensor, second: Tensor },
}

impl AdamWState {
    /// Moments of zero for `parameter`.
    ///
    /// # Errors
    /// When the device is out of memory.
    pub fn new(parameter: &Var) -> Result<Self> {
        if is_fast(&[parameter.as_tensor()]) {
            let zeros = vec![0.0; parameter.elem_count()];
            return Ok(Self(Moments::Host { first: zeros.clone(), second: zeros }));
        }
        let zeros = parameter.as_tensor().zeros_like()?.to_dtype(DType::F32)?;
        Ok(Self(Moments::Device { first: zeros.copy()?, second: zeros }))
    }

    /// Saved moments, in the parameter's element order.
    ///
    /// # Errors
    /// When their number is not the parameter's.
    pub fn from_moments(parameter: &Var, first: Vec<f32>, second: Vec<f32>) -> Result<Self> {
        let count = parameter.elem_count();
        if first.len() != count || second.len() != count {
            bail!("saved moments of {} and {} numbers for a parameter of {count}", first.len(), second.len());
        }
        if is_fast(&[parameter.as_tensor()]) {
            return Ok(Self(Moments::Host { first, second }));
        }
        let tensor = |values| Tensor::from_vec(values, parameter.shape(), parameter.device());
        Ok(Self(Moments::Device { first: tensor(first)?, second: tensor(second)? }))
    }

    /// The first and the second moment in the parameter's element order, to be saved.
    ///
    /// # Errors
    /// When they cannot be copied from the device.
    pub fn moments(&self) -> Result<MomentPair<'_>> {
        match &self.0 {
            Moments::Host { first, second } => Ok((first.into(), second.into())),
            Moments::Device { first, second } => {
                let values = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
                Ok((values(first)?.into(), values(second)?.into()))
            }
        }
    }
}

/// Updates `parameter` and its moments in place from `gradient`.
///
/// In main memory it is one fused parallel pass, elsewhere a few tensor operations.
///
/// # Errors
/// When the gradient's shape is not the parameter's, or a tensor operation fails.
pub fn adamw_step(parameter: &Var, gradient: &Tensor, state: &mut AdamWState, update: &AdamW) -> Result<()> {
    if gradient.shape() != parameter.shape() {
        bail!("a gradient of shape {:?} for a parameter of shape {:?}", gradient.shape(), parameter.shape());
    }
    match &mut state.0 {
        Moments::Host { first, second } => {
            let moments = Mutex::new((first.as_mut_slice(), second.as_mut_slice()));
            let fused = Fused { numbers: Numbers::new(update), moments };
            parameter.as_tensor().inplace_op2(&gradient.contiguous()?, &fused)
        }
        Moments::Device { first, second } => composed(parameter, gradient, first, second, update),
    }
}

/// Sum of the squares of all elements, in double precision and in a fixed order.
///
/// # Errors
/// When a tensor operation fails.
pub fn squared_norm(tensor: &Tensor) -> Result<f64> {
    if !is_fast(&[tensor]) {
        return Ok(f64::from(tensor.to_dtype(DType::F32)?.sqr()?.sum_all()?.to_scalar::<f32>()?));
    }
    let tensor = tensor.contiguous()?;
    let values = values(&tensor)?;
    let partial: Vec<f64> = values.par_chunks(CHUNK).map(sum_of_squares).collect();
    Ok(partial.iter().sum())
}

simd_kernel! {
    fn sum_of_squares(values: &[f32]) -> f64 {
        lanes::sum_of_squares(values)
    }
}

/// An update's numbers as the kernel wants them.
#[derive(Clone, Copy)]
struct Numbers {
    keep: f32,
    beta1: f32,
    beta2: f32,
    /// 1 - beta1 and 1 - beta2, subtracted in double precision as `PyTorch` does: 0.999 as `f32` is off by 1e-8, which
    /// is 1e-5 of 0.001.
    gain1: f32,
    gain2: f32,
    gradient_scale: f32,
    /// Learning rate over the first bias correction.
    rate: f32,
    /// Square root of the second bias correction, inverted.
    root_scale: f32,
    epsilon: f32,
}

impl Numbers {
    fn new(update: &AdamW) -> Self {
        let correction = |beta: f64| 1.0 - beta.powf(update.step.max(1) as f64);
        Self {
            keep: (1.0 - update.learning_rate * update.weight_decay) as f32,
            beta1: update.beta1 as f32,
            beta2: update.beta2 as f32,
            gain1: (1.0 - update.beta1) as f32,
            gain2: (1.0 - update.beta2) as f32,
            gradient_scale: update.gradient_scale as f32,
            rate: (update.learning_rate / correction(update.beta1)) as f32,
            root_scale: (1.0 / correction(update.beta2).sqrt()) as f32,
            epsilon: update.epsilon as f32,
        }
    }
}

struct Fused<'a> {
    numbers: Numbers,
    moments: Mutex<(&'a mut [f32], &'a mut [f32])>,
}

impl InplaceOp2 for Fused<'_> {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn cpu_fwd(&self, out: &mut CpuStorage, layout: &Layout, gradient: &CpuStorage, like: &Layout) -> Result<()> {
        let Some((start, end)) = layout.contiguous_offsets() else { bail!("adamw needs a contiguous parameter") };
        let CpuStorage::F32(values) = out else { bail!("adamw needs a parameter of 32-bit floats") };
        let gradient = operand(gradient, like)?;
        let Ok(mut moments) = self.moments.lock() else { bail!("the moments were left in the middle of an update") };
        let (first, second) = &mut *moments;
        values[start..end]
            .par_chunks_mut(CHUNK)
            .zip(gradient.par_chunks(CHUNK))
            .zip(first.par_chunks_mut(CHUNK).zip(second.par_chunks_mut(CHUNK)))
            .for_each(|((values, gradient), (first, second))| update(values, gradient, first, second, self.numbers));
        Ok(())
    }
}

simd_kernel! {
    fn update(values: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32], by: Numbers) {
        let moments = first.iter_mut().zip(second);
        for ((value, &gradient), (first, second)) in values.iter_mut().zip(gradient).zip(moments) {
            let gradient = gradient * by.gradient_scale;
            *first = by.beta1 * *first + by.gain1 * gradient;
            *second = by.beta2 * *second + by.gain2 * gradient * gradient;
            *value = *value * by.keep - by.rate * *first / (second.sqrt() * by.root_scale + by.epsilon);
        }
    }
}

fn composed(parameter: &Var, gradient: &Tensor, first: &mut Tensor, second: &mut Tensor, by: &AdamW) -> Result<()> {
    let numbers = Numbers::new(by);
    let gradient = (gradient.detach().to_dtype(DType::F32)? * by.gradient_scale)?;
    *first = ((&*first * by.beta1)? + (&gradient * (1.0 - by.beta1))?)?;
    *second = ((&*second * by.beta2)? + (gradient.sqr()? * (1.0 - by.beta2))?)?;
    let root = ((second.sqrt()? * f64::from(numbers.root_scale))? + by.epsilon)?;
    let change = (first.div(&root)? * f64::from(numbers.rate))?;
    let value = (parameter.as_tensor().detach().to_dtype(DType::F32)? * f64::from(numbers.keep))?;
    parameter.set(&(value - change)?.to_dtype(parameter.dtype())?)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::random::Rng;

    fn update_number(step: u64) -> AdamW {
        AdamW {
            learning_rate: 1e-2,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.01,
            gradient_scale: 0.5,
            step,
        }
    }

    fn normals(count: usize, seed: u64) -> Vec<f32> {
        let mut rng = Rng::new(seed);
        (0..count).map(|_| rng.normal() as f32).collect()
    }

    #[test]
    fn the_fused_pass_follows_the_definition() {
        for count in [1, 7, 33, 40_000] {
            let start = normals(count, 1);
            let parameter = Var::from_vec(start.clone(), count, &Device::Cpu).unwrap();
            let mut state = AdamWState::new(&parameter).unwrap();
            let mut expected: Vec<[f64; 3]> = start.iter().map(|&value| [f64::from(value), 0.0, 0.0]).collect();
            for step in 1..=3 {
                let gradient = normals(count, 10 + step);
                let tensor = Tensor::from_slice(&gradient, count, &Device::Cpu).unwrap();
                adamw_step(&parameter, &tensor, &mut state, &update_number(step)).unwrap();
                for ([value, first, second], gradient) in expected.iter_mut().zip(gradient) {
                    let gradient = f64::from(gradient) * 0.5;
                    *value -= 1e-2 * 0.01 * *value;
                    *first = 0.9 * *first + 0.1 * gradient;
                    *second = 0.999 * *second + 0.001 * gradient * gradient;
                    let corrected = *second / (1.0 - 0.999_f64.powf(step as f64));
                    *value -= 1e-2 * *first / (1.0 - 0.9_f64.powf(step as f64)) / (corrected.sqrt() + 1e-8);
                }
            }
            let got = parameter.to_vec1::<f32>().unwrap();
            for (got, [expected, ..]) in got.iter().zip(expected) {
                assert!((f64::from(*got) - expected).abs() < 1e-5, "{got} {expected}");
            }
        }
    }

    #[test]
    fn the_fallback_gives_the_same_numbers() {
        let start = Tensor::from_vec(normals(60, 1), (5, 12), &Device::Cpu).unwrap();
        let (fused, plain) = (Var::from_tensor(&start).unwrap(), Var::from_tensor(&start.copy().unwrap()).unwrap());
        let mut state = AdamWState::new(&fused).unwrap();
        let mut first = start.zeros_like().unwrap();
        let mut second = start.zeros_like().unwrap();
        for step in 1..=3 {
            let gradient = Tensor::from_vec(normals(60, 20 + step), (5, 12), &Device::Cpu).unwrap();
            adamw_step(&fused, &gradient, &mut state, &update_number(step)).unwrap();
            composed(&plain, &gradient, &mut first, &mut second, &update_number(step)).unwrap();
        }
        let difference = (fused.as_tensor() - plain.as_tensor()).unwrap().abs().unwrap().max_all().unwrap();
        assert!(difference.to_scalar::<f32>().unwrap() < 1e-5);
    }

    #[test]
    fn saved_moments_go_on_bit_for_bit() {
        let run = |interrupted: bool| {
            let parameter = Var::from_vec(normals(100, 1), 100, &Device::Cpu).unwrap();
            let mut state = AdamWState::new(&parameter).unwrap();
            for step in 1..=4 {
                if interrupted && step == 3 {
                    let (first, second) = state.moments().unwrap();
                    state = AdamWState::from_moments(&parameter, first.into_owned(), second.into_owned()).unwrap();
                }
                let gradient = Tensor::from_vec(normals(100, step), 100, &Device::Cpu).unwrap();
                adamw_step(&parameter, &gradient, &mut state, &update_number(step)).unwrap();
            }
            parameter.to_vec1::<f32>().unwrap()
        };
        assert_eq!(run(false), run(true));
    }

    #[test]
    fn wrong_shapes_are_refused() {
        let parameter = Var::zeros((2, 3), DType::F32, &Device::Cpu).unwrap();
        let mut state = AdamWState::new(&parameter).unwrap();
        let gradient = Tensor::zeros((3, 2), DType::F32, &Device::Cpu).unwrap();
        let error = adamw_step(&parameter, &gradient, &mut state, &update_number(1)).unwrap_err().to_string();
        assert!(error.contains("[3, 2]") && error.contains("[2, 3]"), "{error}");
        let error = AdamWState::from_moments(&parameter, vec![0.0; 5], vec![0.0; 6]).unwrap_err().to_string();
        assert!(error.contains("5 and 6") && error.contains("of 6"), "{error}");
    }

    #[test]
    fn the_norm_is_right_and_does_not_depend_on_threads() {
        let values = normals(100_003, 9);
        let exact: f64 = values.iter().map(|&value| f64::from(value).powi(2)).sum();
        let tensor = Tensor::from_vec(values, 100_003, &Device::Cpu).unwrap();
        let norm = squared_norm(&tensor).unwrap();
        assert!((norm - exact).abs() < 1e-6 * exact);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        assert_eq!(norm.to_bits(), pool.install(|| squared_norm(&tensor)).unwrap().to_bits());
        let transposed = tensor.narrow(0, 0, 100_000).unwrap().reshape((100, 1000)).unwrap().t().unwrap();
        assert!(squared_norm(&transposed).unwrap() > 0.0);
    }
}
