//! Trainable parameters, loaded from a safetensors file or newly initialised.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor, Var};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::data::{DataError, is_lfs_pointer, model_file};
use crate::models::{ModelError, model_folder};
use crate::ops::{Weight, is_finite};
use crate::random::Rng;

/// The weights' file name.
pub const WEIGHTS_FILE: &str = "model.safetensors";

/// Tensors that do not fit which are named.
const SHOWN_PROBLEMS: usize = 3;

/// One trainable tensor.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Hugging Face name, for example `bert.pooler.dense.weight`.
    pub name: String,
    /// The values, changed in place by the optimizer.
    pub var: Var,
    /// Whether weight decay applies: yes for matrices, no for biases and normalisation weights.
    pub decay: bool,
    /// Whether it is trained (or frozen).
    pub trained: bool,
}

/// A tensor in the file with another shape than the network's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongShape {
    /// Hugging Face name.
    pub name: String,
    /// The network's shape.
    pub expected: Vec<usize>,
    /// The file's shape.
    pub found: Vec<usize>,
}

/// Which tensors were loaded from a weights file, and which were not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Names of the parameters loaded from the file.
    pub loaded: Vec<String>,
    /// Names of the parameters missing from the file, except those of a new head. They were newly initialised.
    pub missing: Vec<String>,
    /// Names in the file that the network does not use, except those of another head.
    pub unexpected: Vec<String>,
    /// Tensors with the wrong shape. Their parameters were newly initialised.
    pub wrong_shape: Vec<WrongShape>,
    /// Whether the head is new, because the file has none, or none for these labels.
    pub new_head: bool,
}

/// How a parameter that is missing from the file is initialised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fill {
    /// It must be in the file.
    Required,
    /// Normally distributed with this standard deviation.
    Normal(f64),
    /// Zeros.
    Zeros,
    /// Ones.
    Ones,
}

/// Provides parameters to the network that is being built, and records where each came from.
pub(super) struct Weights<'a> {
    path: PathBuf,
    file: SafeTensors<'a>,
    /// Hugging Face name -> name in the file.
    names: BTreeMap<String, String>,
    device: Device,
    seed: u64,
    /// Whether parameters provided now are frozen.
    frozen: bool,
    /// Whether all parameters are frozen.
    all_frozen: bool,
    report: LoadReport,
    parameters: Vec<Parameter>,
    /// The first few tensors that do not fit, and how many more there are.
    problems: Vec<String>,
    more_problems: usize,
}

/// The bytes of the folder's weights file.
pub(super) fn read_file(folder: &Path) -> Result<Vec<u8>, ModelError> {
    let path = folder.join(WEIGHTS_FILE);
    match model_file(folder, WEIGHTS_FILE).and_then(std::fs::read) {
        Ok(bytes) if is_lfs_pointer(&bytes) => Err(DataError::LfsPointer(path).into()),
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(missing_weights(folder)),
        Err(error) => Err(ModelError::unreadable(folder.join(WEIGHTS_FILE), error)),
    }
}

fn missing_weights(folder: &Path) -> ModelError {
    const OTHERS: [&str; 4] =
        ["model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json", "tf_model.h5"];
    match OTHERS.into_iter().find(|file| folder.join(file).exists()) {
        Some(file) => ModelError::UnsupportedWeights { folder: folder.to_owned(), file },
        None => model_folder::without(folder, WEIGHTS_FILE),
    }
}

impl<'a> Weights<'a> {
    /// Opens the weights file whose `bytes` were read from `folder`.
    pub(super) fn open(folder: &Path, bytes: &'a [u8], device: &Device, seed: u64) -> Result<Self, ModelError> {
        let path = folder.join(WEIGHTS_FILE);
        let file = SafeTensors::deserialize(bytes)
            .map_err(|error| ModelError::Damaged { path: path.clone(), reason: error.to_string() })?;
        let names = file.names().into_iter().map(|name| (upstream_name(name), name.to_owned())).collect();
        let (report, parameters, problems) = (LoadReport::default(), Vec::new(), Vec::new());
        Ok(Self {
            path,
            file,
            names,
            device: device.clone(),
            seed,
            frozen: false,
            all_frozen: false,
            report,
            parameters,
            problems,
            more_problems: 0,
        })
    }

    /// Sets whether parameters provided from now on are frozen.
    pub(super) fn freeze(&mut self, frozen: bool) {
        self.frozen = frozen;
    }

    /// Freezes every parameter, whatever [`Self::freeze`] says.
    pub(super) fn freeze_all(&mut self) {
        self.all_frozen = true;
    }

    /// The parameter with this Hugging Face name and shape, from the file or newly initialised. Parameters are numbered
    /// in the order of these calls.
    pub(super) fn parameter(&mut self, name: &str, shape: &[usize], fill: Fill) -> Result<Weight, ModelError> {
        let tensor = match self.find(name, shape)? {
            Some(tensor) => {
                self.report.loaded.push(name.to_owned());
                tensor
            }
            None => self.fill(name, shape, fill)?,
        };
        let var = Var::from_tensor(&tensor)?;
        let trained = !self.frozen && !self.all_frozen;
        let weight = Weight::new(var.as_tensor().clone(), trained.then_some(self.parameters.len()));
        self.parameters.push(Parameter { name: name.to_owned(), var, decay: shape.len() >= 2, trained });
        Ok(weight)
    }

    /// Whether the file has a tensor with this Hugging Face name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// Loads the tensor called `from` under the name `to`, if the file has it.
    pub(super) fn rename(&mut self, from: &str, to: &str) {
        if let Some(in_file) = self.names.remove(from) {
            self.names.insert(to.to_owned(), in_file);
        }
    }

    /// Ignores the tensor with this name in the file.
    pub(super) fn leave_out(&mut self, name: &str) {
        self.names.remove(name);
    }

    /// The parameters and the report, once the whole network is built.
    pub(super) fn finish(mut self) -> Result<(Vec<Parameter>, LoadReport), ModelError> {
        if !self.problems.is_empty() {
            let mut problems = self.problems.join("; ");
            if self.more_problems > 0 {
                problems = format!("{problems}; and {} more", self.more_problems);
            }
            return Err(ModelError::Incomplete { path: self.path, problems });
        }
        let known: BTreeSet<&str> = self.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        let unexpected = self.names.iter().filter(|(name, _)| !known.contains(name.as_str()) && !is_constant(name));
        self.report.unexpected = unexpected.map(|(_, in_file)| in_file.clone()).collect();
        Ok((self.parameters, self.report))
    }

    fn find(&mut self, name: &str, shape: &[usize]) -> Result<Option<Tensor>, ModelError> {
        let Some(in_file) = self.names.get(name) else {
            self.report.missing.push(name.to_owned());
            return Ok(None);
        };
        let damaged = |reason: String| ModelError::Damaged { path: self.path.clone(), reason };
        let view = self.file.tensor(in_file).map_err(|error| damaged(error.to_string()))?;
        if view.shape() != shape {
            let (expected, found) = (shape.to_vec(), view.shape().to_vec());
            self.report.wrong_shape.push(WrongShape { name: name.to_owned(), expected, found });
            return Ok(None);
        }
        let (path, tensor) = (self.path.clone(), in_file.clone());
        if !FLOATS.contains(&view.dtype()) {
            return Err(ModelError::WeightType { path, tensor, kind: view.dtype().to_string() });
        }
        let values = read_tensor(&view).map_err(|error| damaged(format!("tensor {in_file}: {error}")))?;
        if !is_finite(&values)? {
            return Err(ModelError::NotFinite { path, tensor });
        }
        Ok(Some(values.to_device(&self.device)?))
    }

    fn fill(&mut self, name: &str, shape: &[usize], fill: Fill) -> Result<Tensor, ModelError> {
        if fill == Fill::Required {
            self.add_problem(name, shape);
        }
        if !self.problems.is_empty() {
            // Never used: `finish` fails. Sizes that are not those of the file may be larger than any memory.
            return Ok(Tensor::from_vec(vec![0.0_f32], &[1], &self.device)?);
        }
        let count: usize = shape.iter().product();
        let values = match fill {
            Fill::Normal(deviation) => {
                let mut rng = Rng::stream(self.seed, self.parameters.len() as u64);
                (0..count).map(|_| (rng.normal() * deviation) as f32).collect()
            }
            Fill::Required | Fill::Zeros => vec![0.0; count],
            Fill::Ones => vec![1.0; count],
        };
        Ok(Tensor::from_vec(values, shape, &self.device)?)
    }

    fn add_problem(&mut self, name: &str, shape: &[usize]) {
        if self.problems.len() == SHOWN_PROBLEMS {
            self.more_problems += 1;
            return;
        }
        let found = self.report.wrong_shape.iter().find(|wrong| wrong.name == name).map(|wrong| &wrong.found);
        self.problems.push(match found {
            Some(found) => format!("{name} has the shape {found:?} instead of {shape:?}"),
            None => format!("{name} is missing"),
        });
    }
}

/// The types of weights that can be read. Integers are quantised weights, meaningless without their scales.
const FLOATS: [Dtype; 5] = [Dtype::F32, Dtype::F16, Dtype::BF16, Dtype::F64, Dtype::F8_E4M3];

/// Reads a tensor as 32-bit floats.
fn read_tensor(view: &TensorView<'_>) -> candle_core::Result<Tensor> {
    let dtype = DType::try_from(view.dtype())?;
    Tensor::from_raw_buffer(view.data(), dtype, view.shape(), &Device::Cpu)?.to_dtype(DType::F32)
}

/// The Hugging Face name of a tensor: with the network's prefix and the current names of normalisation weights.
fn upstream_name(name: &str) -> String {
    let name = match name.strip_suffix(".gamma") {
        Some(stem) => format!("{stem}.weight"),
        None => name.strip_suffix(".beta").map_or(name.to_owned(), |stem| format!("{stem}.bias")),
    };
    let bare = ["embeddings.", "encoder.", "pooler."].iter().any(|part| name.starts_with(part));
    if bare { format!("bert.{name}") } else { name }
}

/// Whether the tensor is a constant that some files contain, not a weight.
fn is_constant(name: &str) -> bool {
    name.ends_with("embeddings.position_ids")
}
