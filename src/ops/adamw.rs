//! `AdamW`: one pass over a parameter, its gradient and its two moments, in place.
//!
//! Loshchilov and Hutter, 1711.05101, with the bias corrections and the order of operations of `torch.optim.AdamW`.

use std::borrow::Cow;
use std::sync::Mutex;

use candle_core::{CpuStorage, DType, InplaceOp1, Layout, Result, Tensor, Var, bail};
use rayon::prelude::*;

use crate::ops::gradients::{Gradient, RowGradient};
use crate::ops::host::is_host;
use crate::ops::kernels::{CHUNK, simd_kernel};

/// The settings of one update of one parameter.
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
    /// Factor applied to the gradient first: the scale of gradient clipping, or 1.
    pub gradient_scale: f64,
    /// 1-based number of this update, for the bias corrections.
    pub step: u64,
}

/// The first and the second moment of a parameter, in its element order.
pub type MomentPair<'a> = (Cow<'a, [f32]>, Cow<'a, [f32]>);

/// The two moments of one parameter, on its device.
#[derive(Debug)]
pub struct AdamWState(Moments);

#[derive(Debug)]
enum Moments {
    Host {
        first: Vec<f32>,
        second: Vec<f32>,
        /// For a table: the rows that never had a gradient, whose moments are all 0. Empty if unknown.
        at_rest: Vec<bool>,
    },
    Device {
        first: Tensor,
        second: Tensor,
    },
}

impl AdamWState {
    /// Zero moments for `parameter`.
    ///
    /// # Errors
    /// If the device is out of memory.
    pub fn new(parameter: &Var) -> Result<Self> {
        if is_host(parameter.as_tensor()) {
            let zeros = vec![0.0; parameter.elem_count()];
            return Ok(Self(Moments::Host { first: zeros.clone(), second: zeros, at_rest: Vec::new() }));
        }
        let zeros = parameter.as_tensor().zeros_like()?.to_dtype(DType::F32)?;
        Ok(Self(Moments::Device { first: zeros.copy()?, second: zeros }))
    }

    /// Restores saved moments, in the parameter's element order.
    ///
    /// # Errors
    /// If their number differs from the parameter's.
    pub fn from_moments(parameter: &Var, first: Vec<f32>, second: Vec<f32>) -> Result<Self> {
        let count = parameter.elem_count();
        if first.len() != count || second.len() != count {
            bail!("saved moments of {} and {} numbers for a parameter of {count}", first.len(), second.len());
        }
        if is_host(parameter.as_tensor()) {
            return Ok(Self(Moments::Host { first, second, at_rest: Vec::new() }));
        }
        let tensor = |values| Tensor::from_vec(values, parameter.shape(), parameter.device());
        Ok(Self(Moments::Device { first: tensor(first)?, second: tensor(second)? }))
    }

    /// The first and the second moment in the parameter's element order, to be saved.
    ///
    /// # Errors
    /// If they cannot be copied from the device.
    pub fn moments(&self) -> Result<MomentPair<'_>> {
        match &self.0 {
            Moments::Host { first, second, .. } => Ok((first.into(), second.into())),
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
/// If the gradient has another size or device than the parameter, or a tensor operation fails.
pub fn adamw_step(parameter: &Var, gradient: &Gradient, state: &mut AdamWState, update: &AdamW) -> Result<()> {
    let count = match gradient {
        Gradient::Dense(gradient) => gradient.values().len(),
        Gradient::Rows(gradient) => gradient.table_numbers(),
        Gradient::Device(gradient) => gradient.elem_count(),
    };
    if count != parameter.elem_count() {
        bail!("a gradient of {count} numbers for a parameter of shape {:?}", parameter.shape());
    }
    match (&mut state.0, gradient) {
        (Moments::Host { first, second, at_rest }, Gradient::Dense(_) | Gradient::Rows(_)) => {
            let moments = Mutex::new((first.as_mut_slice(), second.as_mut_slice(), at_rest));
            parameter.as_tensor().inplace_op1(&Fused { numbers: Numbers::new(update), gradient, moments })
        }
        (Moments::Device { first, second }, Gradient::Device(gradient)) => {
            composed(parameter, gradient, first, second, update)
        }
        _ => bail!("the gradient and the moments of a parameter are on different devices"),
    }
}

/// The settings of an update in the form the kernel uses.
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
    gradient: &'a Gradient,
    moments: Mutex<(&'a mut [f32], &'a mut [f32], &'a mut Vec<bool>)>,
}

impl InplaceOp1 for Fused<'_> {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn cpu_fwd(&self, out: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let Some((start, end)) = layout.contiguous_offsets() else { bail!("adamw needs a contiguous parameter") };
        let CpuStorage::F32(values) = out else { bail!("adamw needs a parameter of 32-bit floats") };
        let Ok(mut moments) = self.moments.lock() else { bail!("the moments were left in the middle of an update") };
        let (first, second, at_rest) = &mut *moments;
        let values = &mut values[start..end];
        match self.gradient {
            Gradient::Dense(gradient) => {
                at_rest.clear();
                update_all(values, gradient.values(), first, second, self.numbers);
            }
            Gradient::Rows(gradient) => {
                find_rows_at_rest(at_rest, gradient, first, second);
                update_table(values, gradient, (first, second), at_rest, self.numbers);
            }
            Gradient::Device(_) => bail!("the gradient is on another device"),
        }
        Ok(())
    }
}

fn update_all(values: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32], by: Numbers) {
    values
        .par_chunks_mut(CHUNK)
        .zip(gradient.par_chunks(CHUNK))
        .zip(first.par_chunks_mut(CHUNK).zip(second.par_chunks_mut(CHUNK)))
        .for_each(|((values, gradient), (first, second))| update(values, gradient, first, second, by));
}

/// Updates the list of rows with zero moments and no gradient.
fn find_rows_at_rest(at_rest: &mut Vec<bool>, gradient: &RowGradient, first: &[f32], second: &[f32]) {
    let width = gradient.width().max(1);
    if at_rest.is_empty() {
        let moments = first.par_chunks_exact(width).zip(second.par_chunks_exact(width));
        at_rest.par_extend(moments.map(|(first, second)| first.iter().chain(second).all(|&moment| moment == 0.0)));
    }
    for &row in gradient.rows() {
        at_rest[row as usize] = false;
    }
}

/// Updates a table in which most rows have no gradient: those rows change only by their moments and weight decay, and only
/// by weight decay if they never had a gradient.
fn update_table(
    values: &mut [f32],
    gradient: &RowGradient,
    (first, second): (&mut [f32], &mut [f32]),
    at_rest: &[bool],
    by: Numbers,
) {
    let width = gradient.width().max(1);
    let rows = (CHUNK / width).max(1);
    let moments = first.par_chunks_mut(rows * width).zip(second.par_chunks_mut(rows * width));
    values.par_chunks_mut(rows * width).zip(moments).enumerate().for_each(|(chunk, (values, (first, second)))| {
        let moments = first.chunks_exact_mut(width).zip(second.chunks_exact_mut(width));
        for (row, (values, (first, second))) in values.chunks_exact_mut(width).zip(moments).enumerate() {
            let row = chunk * rows + row;
            match gradient.row(row as u32) {
                Some(gradient) => update(values, gradient, first, second, by),
                None if at_rest[row] => decay(values, by),
                None => update_without(values, first, second, by),
            }
        }
    });
}

/// The number, or 0 for one below 1.2e-38. The moments of a word that is not seen for a thousand steps become that small,
/// and processors take a hundred times as long for such numbers.
#[inline(always)]
#[allow(clippy::inline_always, reason = "must be compiled inside each variant of a kernel")]
fn normal(value: f32) -> f32 {
    if value.abs() < f32::MIN_POSITIVE { 0.0 } else { value }
}

simd_kernel! {
    fn update(values: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32], by: Numbers) {
        let moments = first.iter_mut().zip(second);
        for ((value, &gradient), (first, second)) in values.iter_mut().zip(gradient).zip(moments) {
            let gradient = gradient * by.gradient_scale;
            *first = normal(by.beta1 * *first + by.gain1 * gradient);
            *second = normal(by.beta2 * *second + by.gain2 * gradient * gradient);
            *value = *value * by.keep - by.rate * *first / (second.sqrt() * by.root_scale + by.epsilon);
        }
    }
}

simd_kernel! {
    /// [`update`] for a gradient of zero, with the same bits.
    fn update_without(values: &mut [f32], first: &mut [f32], second: &mut [f32], by: Numbers) {
        for (value, (first, second)) in values.iter_mut().zip(first.iter_mut().zip(second)) {
            *first = normal(by.beta1 * *first);
            *second = normal(by.beta2 * *second);
            *value = *value * by.keep - by.rate * *first / (second.sqrt() * by.root_scale + by.epsilon);
        }
    }
}

simd_kernel! {
    /// [`update`] for a gradient and moments of zero, with the same bits.
    fn decay(values: &mut [f32], by: Numbers) {
        for value in values {
            *value *= by.keep;
        }
    }
}

fn composed(parameter: &Var, gradient: &Tensor, first: &mut Tensor, second: &mut Tensor, by: &AdamW) -> Result<()> {
    let numbers = Numbers::new(by);
    let gradient = (gradient.detach().to_dtype(DType::F32)? * by.gradient_scale)?;
    *first = ((&*first * by.beta1)? + (&gradient * (1.0 - by.beta1))?)?;
    *second = ((&*second * by.beta2)? + (gradient.sqr()? * (1.0 - by.beta2))?)?;
    let root = second.sqrt()?.affine(f64::from(numbers.root_scale), by.epsilon)?;
    let change = (first.div(&root)? * f64::from(numbers.rate))?;
    let value = (parameter.as_tensor().detach().to_dtype(DType::F32)? * f64::from(numbers.keep))?;
    parameter.set(&(value - change)?.to_dtype(parameter.dtype())?)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::ops::testing::places;
    use crate::ops::{Array, Gradients};
    use crate::random::Rng;

    fn dense(values: &[f32]) -> Gradient {
        Gradient::Dense(Array::from_values(1, values.len(), values))
    }

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
                adamw_step(&parameter, &dense(&gradient), &mut state, &update_number(step)).unwrap();
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
    fn the_composed_update_gives_the_same_numbers() {
        for (device, dtype) in places() {
            let start = Tensor::from_vec(normals(60, 1), (5, 12), &Device::Cpu).unwrap();
            let fused = Var::from_tensor(&start.copy().unwrap()).unwrap();
            let plain = Var::from_tensor(&start.to_dtype(dtype).unwrap().to_device(&device).unwrap()).unwrap();
            let (mut state, zeros) = (AdamWState::new(&fused).unwrap(), vec![0.0; 60]);
            let moments = |values: &[f32]| Tensor::from_slice(values, (5, 12), &device).unwrap();
            let mut device_state = AdamWState(Moments::Device { first: moments(&zeros), second: moments(&zeros) });
            for step in 1..=3 {
                let gradient = moments(&normals(60, 20 + step)).to_dtype(dtype).unwrap();
                adamw_step(&fused, &dense(&normals(60, 20 + step)), &mut state, &update_number(step)).unwrap();
                adamw_step(&plain, &Gradient::Device(gradient), &mut device_state, &update_number(step)).unwrap();
            }
            let values =
                |tensor: &Tensor| tensor.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let (one, other) = (state.moments().unwrap(), device_state.moments().unwrap());
            let pairs = [
                (values(&fused), values(&plain)),
                (one.0.to_vec(), other.0.to_vec()),
                (one.1.to_vec(), other.1.to_vec()),
            ];
            for (one, other) in pairs.iter().flat_map(|(one, other)| one.iter().zip(other)) {
                assert!((one - other).abs() < 1e-5, "{device:?}: {one} {other}");
            }
        }
    }

    #[test]
    fn saved_moments_continue_bit_for_bit() {
        let run = |interrupted: bool| {
            let parameter = Var::from_vec(normals(100, 1), 100, &Device::Cpu).unwrap();
            let mut state = AdamWState::new(&parameter).unwrap();
            for step in 1..=4 {
                if interrupted && step == 3 {
                    let (first, second) = state.moments().unwrap();
                    state = AdamWState::from_moments(&parameter, first.into_owned(), second.into_owned()).unwrap();
                }
                adamw_step(&parameter, &dense(&normals(100, step)), &mut state, &update_number(step)).unwrap();
            }
            parameter.to_vec1::<f32>().unwrap()
        };
        assert_eq!(run(false), run(true));
    }

    #[test]
    fn wrong_shapes_are_refused() {
        let parameter = Var::zeros((2, 3), DType::F32, &Device::Cpu).unwrap();
        let mut state = AdamWState::new(&parameter).unwrap();
        let error = adamw_step(&parameter, &dense(&[0.0; 5]), &mut state, &update_number(1)).unwrap_err().to_string();
        assert!(error.contains("5 numbers") && error.contains("[2, 3]"), "{error}");
        let elsewhere = Gradient::Device(parameter.zeros_like().unwrap());
        let error = adamw_step(&parameter, &elsewhere, &mut state, &update_number(1)).unwrap_err().to_string();
        assert!(error.contains("different devices"), "{error}");
        let error = AdamWState::from_moments(&parameter, vec![0.0; 5], vec![0.0; 6]).unwrap_err().to_string();
        assert!(error.contains("5 and 6") && error.contains("of 6"), "{error}");
    }

    #[test]
    fn sparse_updates_equal_dense_ones_with_zeros() {
        let (rows, width) = (300, 70);
        let start = normals(rows * width, 1);
        let run = |sparse: bool| {
            let parameter = Var::from_vec(start.clone(), (rows, width), &Device::Cpu).unwrap();
            let mut state = AdamWState::new(&parameter).unwrap();
            for step in 1..=3 {
                let mut gradients = Gradients::new(1);
                let looked_up = [step as u32, 7, 299, 7];
                gradients.add_rows(0, (rows, width), &looked_up, &normals(4 * width, step));
                let gradient = gradients.get(0).unwrap();
                let whole = dense(&gradient.to_vec().unwrap());
                adamw_step(&parameter, if sparse { gradient } else { &whole }, &mut state, &update_number(step))
                    .unwrap();
            }
            parameter.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        assert_eq!(run(true), run(false));
    }
}
