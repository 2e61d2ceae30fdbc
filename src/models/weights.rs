//! Trainable parameters, loaded from a file or newly initialised.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use candle_core::{DType, Device, Tensor, Var};

use crate::models::ModelError;
use crate::models::adapter_files::{AdapterFiles, Saved};
use crate::models::architecture::Architecture;
use crate::models::sentence_folder::{DENSE_FOLDER, classified_embedding};
use crate::models::weight_files::WeightFiles;
use crate::ops::Weight;
use crate::project::LoraSettings;
use crate::random::Rng;

/// Mismatched tensors named in an error.
const SHOWN_PROBLEMS: usize = 3;

/// One tensor of the network, trained or frozen.
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
    /// Whether the file has it with rows and columns exchanged, as GPT-2's linear layers are saved.
    pub transposed: bool,
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
    /// Uniformly distributed between minus this number and this number.
    Uniform(f64),
    /// Zeros.
    Zeros,
    /// Ones.
    Ones,
}

/// Provides parameters to the network that is being built, and records where each came from.
pub(super) struct Weights {
    files: WeightFiles,
    /// What is merged into the weights, the last trained first.
    adapters: Vec<AdapterFiles>,
    /// Hugging Face name -> name in the file.
    names: BTreeMap<String, String>,
    /// What the names of tensors of every head begin with.
    heads: &'static [&'static str],
    device: Device,
    seed: u64,
    /// Whether parameters provided now are frozen.
    frozen: bool,
    /// Whether all parameters are frozen.
    all_frozen: bool,
    /// Whether matrices are in the file with rows and columns exchanged.
    transposed: bool,
    /// The type that frozen matrices of layers that can have an adapter are kept in.
    frozen_type: DType,
    /// The type that frozen matrices provided now are kept in.
    kept_in: DType,
    /// The adapters that are trained, if the network is trained with those.
    lora: Option<LoraSettings>,
    report: LoadReport,
    parameters: Vec<Parameter>,
    /// The first few tensors that do not fit, and how many more there are.
    problems: Vec<String>,
    more_problems: usize,
}

impl Weights {
    /// For the network of `architecture` in a model folder, with an adapter merged into it. New weights depend on `seed`.
    pub(super) fn of(
        folder: &Path,
        architecture: &Architecture,
        device: &Device,
        seed: u64,
    ) -> Result<Self, ModelError> {
        let (adapters, base) = AdapterFiles::chain(folder, |name| architecture.upstream_name(name))?;
        let mut files = WeightFiles::open(&base)?;
        // A single file of weights has the head too. That of an adapter replaces its base model's.
        let above = adapters.first().map(|_| folder);
        for folder in std::iter::once(base.as_path()).chain(above) {
            if classified_embedding(folder)?.is_some() && folder.join(DENSE_FOLDER).is_dir() {
                files.add(&format!("{DENSE_FOLDER}."), &folder.join(DENSE_FOLDER))?;
            }
        }
        let names = files.names().map(|name| (architecture.upstream_name(name), name.to_owned())).collect();
        Ok(Self {
            files,
            adapters,
            names,
            heads: architecture.heads,
            device: device.clone(),
            seed,
            frozen: false,
            all_frozen: false,
            transposed: false,
            frozen_type: DType::F32,
            kept_in: DType::F32,
            lora: None,
            report: LoadReport::default(),
            parameters: Vec::new(),
            problems: Vec::new(),
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

    /// Trains the network with adapters.
    pub(super) fn train_adapters(&mut self, lora: LoraSettings) {
        self.lora = Some(lora);
    }

    /// Keeps frozen matrices of the layers in bf16, for a backend whose products round them to it: half the memory, the same
    /// results.
    pub(super) fn keep_layers_in_bf16(&mut self) {
        self.frozen_type = DType::BF16;
    }

    /// Sets whether parameters provided from now on belong to a layer that can have an adapter.
    pub(super) fn set_in_layer(&mut self, in_layer: bool) {
        self.kept_in = if in_layer { self.frozen_type } else { DType::F32 };
    }

    /// The adapters that are trained, if the network is trained with those.
    pub(super) fn lora(&self) -> Option<LoraSettings> {
        self.lora
    }

    /// Parameters so far.
    pub(super) fn count(&self) -> u64 {
        self.parameters.len() as u64
    }

    /// Sets whether matrices provided from now on are in the file with rows and columns exchanged.
    pub(super) fn transpose(&mut self, transposed: bool) {
        self.transposed = transposed;
    }

    /// The parameter with this Hugging Face name and shape, from the file or newly initialised. Parameters are numbered
    /// in the order of these calls.
    pub(super) fn parameter(&mut self, name: &str, shape: &[usize], fill: Fill) -> Result<Weight, ModelError> {
        let var = match self.find(name, shape)? {
            Some(values) => {
                self.report.loaded.push(name.to_owned());
                Var::from_vec(values, shape, &self.device)?
            }
            None => self.fill(name, shape, fill)?,
        };
        let (trained, transposed) = (!self.frozen && !self.all_frozen, self.transposed);
        let is_narrowed = self.kept_in != DType::F32 && !trained && shape.len() == 2;
        let var = if is_narrowed { Var::from_tensor(&var.to_dtype(self.kept_in)?)? } else { var };
        Ok(self.add(name, var, trained, transposed))
    }

    /// A new trained parameter of an adapter.
    pub(super) fn adapter(&mut self, name: &str, shape: &[usize], fill: Fill) -> Result<Weight, ModelError> {
        let var = self.fill(name, shape, fill)?;
        Ok(self.add(name, var, true, false))
    }

    fn add(&mut self, name: &str, var: Var, trained: bool, transposed: bool) -> Weight {
        let weight = Weight::new(var.as_tensor().clone(), trained.then_some(self.parameters.len()));
        let decay = var.dims().len() >= 2;
        self.parameters.push(Parameter { name: name.to_owned(), var, decay, trained, transposed });
        weight
    }

    /// A frozen vector of zeros that is not saved.
    pub(super) fn zeros(&self, width: usize) -> Result<Weight, ModelError> {
        Ok(Weight::new(Tensor::zeros(width, DType::F32, &self.device)?, None))
    }

    /// Whether the file has a tensor with this Hugging Face name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains_key(name) || self.adapters.iter().any(|adapter| adapter.has(name))
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
        self.adapters.iter_mut().for_each(|adapter| adapter.leave_out(name));
    }

    /// The parameters and the report, once the whole network is built.
    pub(super) fn finish(mut self) -> Result<(Vec<Parameter>, LoadReport), ModelError> {
        if !self.problems.is_empty() {
            let mut problems = self.problems.join("; ");
            if self.more_problems > 0 {
                problems = format!("{problems}; and {} more", self.more_problems);
            }
            return Err(ModelError::Incomplete { path: self.files.path().to_owned(), problems });
        }
        for adapter in &self.adapters {
            adapter.check_used(self.heads)?;
        }
        let known: BTreeSet<&str> = self.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        let unexpected = self.names.iter().filter(|(name, _)| !known.contains(name.as_str()) && !is_constant(name));
        self.report.unexpected = unexpected.map(|(_, in_file)| in_file.clone()).collect();
        Ok((self.parameters, self.report))
    }

    /// The values of a tensor in the network's order.
    fn find(&mut self, name: &str, shape: &[usize]) -> Result<Option<Vec<f32>>, ModelError> {
        if let Some(saved) = self.saved_by_adapter(name)? {
            let Saved { shape: found, values } = saved;
            if found == shape {
                return Ok(Some(values));
            }
            self.report.wrong_shape.push(WrongShape { name: name.to_owned(), expected: shape.to_vec(), found });
            return Ok(None);
        }
        let Some(in_file) = self.names.get(name) else {
            self.report.missing.push(name.to_owned());
            return Ok(None);
        };
        let found = self.files.shape(in_file).unwrap_or_default();
        let expected: Vec<usize> = if self.transposed { shape.iter().rev().copied().collect() } else { shape.to_vec() };
        if found != expected {
            let found = found.to_vec();
            self.report.wrong_shape.push(WrongShape { name: name.to_owned(), expected, found });
            return Ok(None);
        }
        let mut values = self.files.read(in_file)?;
        if self.transposed {
            values = Tensor::from_vec(values, expected, &Device::Cpu)?.t()?.flatten_all()?.to_vec1()?;
        }
        check_finite(&values, self.files.path(), in_file)?;
        for adapter in self.adapters.iter_mut().rev() {
            values = adapter.add_to(name, shape, values)?;
            check_finite(&values, adapter.path(), name)?;
        }
        Ok(Some(values))
    }

    /// A tensor that an adapter has as a whole, as a head: that of the last one that has it.
    fn saved_by_adapter(&mut self, name: &str) -> Result<Option<Saved>, ModelError> {
        let mut last = None;
        for adapter in &mut self.adapters {
            if let Some(saved) = adapter.saved(name)? {
                check_finite(&saved.values, adapter.path(), name)?;
                last.get_or_insert(saved);
            }
        }
        Ok(last)
    }

    fn fill(&mut self, name: &str, shape: &[usize], fill: Fill) -> Result<Var, ModelError> {
        if fill == Fill::Required {
            self.add_problem(name, shape);
        }
        if !self.problems.is_empty() {
            // Never used: `finish` fails. Sizes that are not those of the file may be larger than any memory.
            return Ok(Var::from_vec(vec![0.0_f32], &[1], &self.device)?);
        }
        let count: usize = shape.iter().product();
        let values = match fill {
            Fill::Normal(deviation) => {
                let mut rng = Rng::stream(self.seed, self.parameters.len() as u64);
                (0..count).map(|_| (rng.normal() * deviation) as f32).collect()
            }
            Fill::Uniform(bound) => {
                let mut rng = Rng::stream(self.seed, self.parameters.len() as u64);
                (0..count).map(|_| ((2.0 * rng.uniform() - 1.0) * bound) as f32).collect()
            }
            Fill::Required | Fill::Zeros => vec![0.0; count],
            Fill::Ones => vec![1.0; count],
        };
        Ok(Var::from_vec(values, shape, &self.device)?)
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

/// Refuses a tensor with values that are infinite or NaN.
fn check_finite(values: &[f32], path: &Path, tensor: &str) -> Result<(), ModelError> {
    if is_finite(values) {
        return Ok(());
    }
    Err(ModelError::NotFinite { path: path.to_owned(), tensor: tensor.to_owned() })
}

/// Whether no value is infinite or NaN.
fn is_finite(values: &[f32]) -> bool {
    // No early exit within a chunk, so that the loop vectorises.
    let is_finite = |piece: &[f32]| piece.iter().fold(true, |all, value| all & value.is_finite());
    values.chunks(4096).all(is_finite)
}

/// Whether the tensor is a constant that some files contain, not a weight.
pub(super) fn is_constant(name: &str) -> bool {
    // Masks and angles that older versions of `transformers` saved.
    const ENDS: [&str; 4] = ["embeddings.position_ids", ".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq"];
    ENDS.iter().any(|end| name.ends_with(end))
}
