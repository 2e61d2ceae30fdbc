//! `AdamW` over all parameters of a model: groups, clipping by the global norm, saved state.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor, Var};
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, SafeTensors, View};

use crate::models::Parameter;
use crate::ops::{self, AdamWState, Gradients};
use crate::project::OptimizerSettings;
use crate::storage::StorageError;

use crate::training::TrainError;

/// Loshchilov & Hutter 1711.05101 with bias correction, as in `PyTorch`'s `AdamW`. Weight decay applies to matrices
/// ([`Parameter::decay`]). The gradient is first clipped by its global L2 norm, as in `torch.nn.utils.clip_grad_norm_`.
pub struct Optimizer {
    settings: OptimizerSettings,
    slots: Vec<ParameterState>,
    steps: u64,
}

struct ParameterState {
    /// Index among the model's parameters.
    place: usize,
    name: String,
    var: Var,
    decay: bool,
    state: AdamWState,
}

impl Optimizer {
    /// Starts with zero moments for every trained parameter.
    ///
    /// # Errors
    /// [`TrainError::Tensor`] if the moments cannot be allocated on the parameters' device.
    pub fn new(parameters: &[Parameter], settings: &OptimizerSettings) -> Result<Self, TrainError> {
        let trained = parameters.iter().enumerate().filter(|(_, parameter)| parameter.trained);
        let slots = trained
            .map(|(place, parameter)| {
                let (name, var) = (parameter.name.clone(), parameter.var.clone());
                Ok(ParameterState { place, name, decay: parameter.decay, state: AdamWState::new(&var)?, var })
            })
            .collect::<Result<_, TrainError>>()?;
        Ok(Self { settings: settings.clone(), slots, steps: 0 })
    }

    /// Updates every trained parameter with its gradient (at the same index) and this learning rate.
    ///
    /// Returns the global norm of the gradient before clipping. If that is not finite, no weight changes.
    ///
    /// # Errors
    /// [`TrainError::NoGradient`] if one is missing, [`TrainError::Tensor`] if its size does not match its parameter.
    pub fn step(&mut self, gradients: &Gradients, learning_rate: f64) -> Result<f64, TrainError> {
        if self.slots.iter().all(|slot| slot.var.device().is_cpu()) {
            ops::keep_awake(|| self.step_awake(gradients, learning_rate))
        } else {
            self.step_awake(gradients, learning_rate)
        }
    }

    fn step_awake(&mut self, gradients: &Gradients, learning_rate: f64) -> Result<f64, TrainError> {
        if let Some(slot) = self.slots.iter().find(|slot| gradients.get(slot.place).is_none()) {
            return Err(TrainError::NoGradient(slot.name.clone()));
        }
        let norm = gradients.norm()?;
        if !norm.is_finite() {
            return Ok(norm);
        }
        self.steps += 1;
        let settings = &self.settings;
        for slot in &mut self.slots {
            let Some(gradient) = gradients.get(slot.place) else { continue };
            let update = ops::AdamW {
                learning_rate,
                beta1: settings.beta1,
                beta2: settings.beta2,
                epsilon: settings.epsilon,
                weight_decay: if slot.decay { settings.weight_decay } else { 0.0 },
                gradient_scale: clip_scale(norm, settings.max_grad_norm),
                step: self.steps,
            };
            ops::adamw_step(&slot.var, gradient, &mut slot.state, &update)?;
        }
        Ok(norm)
    }

    /// Writes the trained weights, their moments and the number of steps: a safetensors file with three tensors per parameter,
    /// `<name>`, `<name>.exp_avg` and `<name>.exp_avg_sq` (`PyTorch`'s names). Only one tensor is copied at a time. The file is
    /// not yet on the disk when this returns.
    ///
    /// # Errors
    /// [`TrainError::Storage`] if the file cannot be written, [`TrainError::Tensor`] if a device cannot be read.
    pub fn save(&self, path: &Path) -> Result<(), TrainError> {
        let mut tensors = Vec::with_capacity(3 * self.slots.len());
        for slot in &self.slots {
            let shape = slot.var.dims();
            let (first, second) = slot.state.moments()?;
            let weights = slot.var.as_tensor().to_dtype(DType::F32)?.to_device(&Device::Cpu)?;
            tensors.push((slot.name.clone(), Saved { shape, values: Values::Weights(weights) }));
            for (suffix, values) in [(FIRST, first), (SECOND, second)] {
                tensors.push((format!("{}{suffix}", slot.name), Saved { shape, values: Values::Moment(values) }));
            }
        }
        let metadata = HashMap::from([(STEPS.to_owned(), self.steps.to_string())]);
        safetensors::serialize_to_file(tensors, Some(metadata), path).map_err(|error| {
            let error = match error {
                SafeTensorError::IoError(error) => error,
                other => std::io::Error::other(other.to_string()),
            };
            StorageError::io("write", path)(error).into()
        })
    }

    /// Restores the trained weights, their moments and the number of steps from a file written by [`Optimizer::save`].
    ///
    /// # Errors
    /// [`TrainError::State`] if the file cannot be read or belongs to another model. Nothing is changed then.
    pub fn load(&mut self, path: &Path) -> Result<(), TrainError> {
        let failed = |reason: String| TrainError::State { path: path.to_owned(), reason };
        let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| failed(error.to_string()))?;
        let steps = header.metadata().as_ref().and_then(|metadata| metadata.get(STEPS)?.parse().ok());
        let steps = steps.ok_or_else(|| failed("it does not say how many steps were done".to_owned()))?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|error| failed(error.to_string()))?;
        let mut states = Vec::with_capacity(self.slots.len());
        for slot in &self.slots {
            let values = |suffix: &str| {
                let name = format!("{}{suffix}", slot.name);
                let view = tensors.tensor(&name).map_err(|_| failed(format!("it has no {name}")))?;
                if view.dtype() != Dtype::F32 || view.shape() != slot.var.dims() {
                    return Err(failed(format!("{name} has the shape {:?}, not {:?}", view.shape(), slot.var.dims())));
                }
                Ok(from_bytes(view.data()))
            };
            let weights = Tensor::from_vec(values("")?, slot.var.dims(), slot.var.device())?;
            let state = AdamWState::from_moments(&slot.var, values(FIRST)?, values(SECOND)?)?;
            states.push((weights.to_dtype(slot.var.dtype())?, state));
        }
        for (slot, (weights, state)) in self.slots.iter_mut().zip(states) {
            slot.var.set(&weights)?;
            slot.state = state;
        }
        self.steps = steps;
        Ok(())
    }
}

/// A tensor of the file, in 32 bits.
struct Saved<'a> {
    shape: &'a [usize],
    values: Values<'a>,
}

enum Values<'a> {
    /// On the CPU.
    Weights(Tensor),
    Moment(Cow<'a, [f32]>),
}

impl View for Saved<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match &self.values {
            Values::Weights(weights) => View::data(weights),
            Values::Moment(values) => Cow::Owned(to_bytes(values)),
        }
    }

    fn data_len(&self) -> usize {
        self.shape.iter().product::<usize>() * size_of::<f32>()
    }
}

const FIRST: &str = ".exp_avg";
const SECOND: &str = ".exp_avg_sq";
const STEPS: &str = "steps";

/// As in `clip_grad_norm_`, with the same small constant to keep the quotient finite. A limit of 0 does not clip.
fn clip_scale(norm: f64, limit: f64) -> f64 {
    if limit > 0.0 { (limit / (norm + 1e-6)).min(1.0) } else { 1.0 }
}

/// Safetensors files are little-endian.
fn to_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn from_bytes(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&chunk| f32::from_le_bytes(chunk)).collect()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::ops::{Array, Gradient};

    fn parameter(name: &str, values: &[f32], decay: bool) -> Parameter {
        Parameter {
            name: name.into(),
            var: Var::new(values, &Device::Cpu).unwrap(),
            decay,
            trained: true,
            transposed: false,
        }
    }

    fn gradients(values: [&[f32]; 2]) -> Gradients {
        let dense = |values: &[f32]| Gradient::Dense(Array::from_values(1, values.len(), values));
        Vec::from(values.map(dense)).into()
    }

    fn values(parameters: &[Parameter]) -> Vec<Vec<f32>> {
        parameters.iter().map(|parameter| parameter.var.to_vec1().unwrap()).collect()
    }

    fn two() -> Vec<Parameter> {
        vec![parameter("a", &[1.0, -2.0], true), parameter("b", &[0.5], false)]
    }

    /// The expected numbers are `PyTorch` 2.15's: `AdamW` (lr 0.1; decay 0.1 on `a` only) after `clip_grad_norm_(1.0)`.
    #[test]
    fn three_steps_equal_pytorch() {
        let parameters = two();
        let settings = OptimizerSettings { weight_decay: 0.1, ..OptimizerSettings::default() };
        let mut optimizer = Optimizer::new(&parameters, &settings).unwrap();
        let norm = optimizer.step(&gradients([&[3.0, 4.0], &[12.0]]), 0.1).unwrap();
        assert!((norm - 13.0).abs() < 1e-6);
        optimizer.step(&gradients([&[0.1, -0.2], &[0.3]]), 0.1).unwrap();
        optimizer.step(&gradients([&[-1.0, 0.5], &[0.0]]), 0.05).unwrap();
        let expected = [PYTORCH_A.to_vec(), PYTORCH_B.to_vec()];
        for (found, expected) in values(&parameters).iter().flatten().zip(expected.iter().flatten()) {
            assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
        }
    }

    const PYTORCH_A: [f32; 2] = [0.807_303, -2.092_953];
    const PYTORCH_B: [f32; 1] = [0.279_745_4];

    #[test]
    fn a_gradient_that_is_not_finite_changes_no_weight() {
        let parameters = two();
        let mut optimizer = Optimizer::new(&parameters, &OptimizerSettings::default()).unwrap();
        let norm = optimizer.step(&gradients([&[f32::NAN, 0.0], &[1.0]]), 0.1).unwrap();
        assert!(norm.is_nan());
        assert_eq!(values(&parameters), values(&two()));
    }

    #[test]
    fn clipping_can_be_turned_off() {
        assert!((clip_scale(4.0, 1.0) - 0.25).abs() < 1e-6);
        assert!((clip_scale(0.5, 1.0) - 1.0).abs() < f64::EPSILON);
        assert!((clip_scale(4.0, 0.0) - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn training_continues_from_saved_state_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("optimizer.safetensors");
        let settings = OptimizerSettings::default();
        let whole = two();
        let mut optimizer = Optimizer::new(&whole, &settings).unwrap();
        optimizer.step(&gradients([&[0.1, 0.2], &[0.3]]), 0.1).unwrap();
        optimizer.save(&file).unwrap();
        let resumed = two();
        optimizer.step(&gradients([&[0.3, 0.1], &[-0.3]]), 0.1).unwrap();

        let mut optimizer = Optimizer::new(&resumed, &settings).unwrap();
        optimizer.load(&file).unwrap();
        optimizer.step(&gradients([&[0.3, 0.1], &[-0.3]]), 0.1).unwrap();
        assert_eq!(values(&whole), values(&resumed));
    }

    #[test]
    fn invalid_state_is_rejected_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("optimizer.safetensors");
        let settings = OptimizerSettings::default();
        let mut optimizer = Optimizer::new(&two(), &settings).unwrap();
        let message = |optimizer: &mut Optimizer| optimizer.load(&file).unwrap_err().to_string();
        assert!(message(&mut optimizer).contains("optimizer.safetensors"));
        std::fs::write(&file, b"not tensors").unwrap();
        assert!(message(&mut optimizer).contains("cannot be read"));
        Optimizer::new(&two()[..1], &settings).unwrap().save(&file).unwrap();
        assert!(message(&mut optimizer).contains("it has no b"));
        let other = [parameter("a", &[1.0], true), parameter("b", &[1.0], true)];
        Optimizer::new(&other, &settings).unwrap().save(&file).unwrap();
        assert!(message(&mut optimizer).contains("a has the shape [1], not [2]"));
    }
}
