//! Folders with an adapter instead of a whole model, as `peft` saves and loads them: a configuration that names the base
//! model, and the tensors that were trained. Opening one merges it into its base: `W + scale B A`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::data::{content_hash, file_sha256, read_model_text};
use crate::models::ModelError;
use crate::models::model_folder::{ADAPTER_FILE, BaseModel, CONFIG_FILE, without};
use crate::models::weight_files::{WeightFiles, weight_paths_of};
use crate::progress::Control;

/// What follows a layer's name in the names of its adapter's tensors: `A`, then `B`.
pub(super) const DOWN: &str = "lora_A";
pub(super) const UP: &str = "lora_B";
/// The tensors of an adapter.
pub(super) const ADAPTER_WEIGHTS: &str = "adapter_model.safetensors";
/// The same in `PyTorch`'s format.
const PYTORCH_ADAPTER: &str = "adapter_model.bin";
/// What `peft` puts before the name of each tensor.
pub(super) const PREFIX: &str = "base_model.model.";
/// Unused tensors that are named.
const SHOWN: usize = 3;
/// Adapters on top of one another, at most: more are a circle.
const MOST_ADAPTERS: usize = 16;
/// Ways to begin an adapter that change the base model's weights too: merging alone gives another model.
const CHANGING: [&str; 4] = ["pissa", "olora", "corda", "loftq"];

/// What Hone reads of `adapter_config.json`.
#[derive(Deserialize)]
struct AdapterConfig {
    peft_type: String,
    #[serde(flatten)]
    base: BaseModel,
    r: u32,
    lora_alpha: f64,
    #[serde(default)]
    use_rslora: bool,
    #[serde(default)]
    use_dora: bool,
    #[serde(default)]
    lora_bias: bool,
    #[serde(default)]
    rank_pattern: Map<String, Value>,
    #[serde(default)]
    alpha_pattern: Map<String, Value>,
    #[serde(default)]
    init_lora_weights: Value,
}

impl AdapterConfig {
    fn changes_its_base(&self) -> bool {
        let kind = self.init_lora_weights.as_str().unwrap_or_default();
        CHANGING.iter().any(|start| kind.starts_with(start))
    }
}

/// An adapter and its base model.
pub(super) struct AdapterFiles {
    base: PathBuf,
    files: WeightFiles,
    /// Hugging Face name -> name in the file.
    names: BTreeMap<String, String>,
    scale: f64,
    /// Names in the file of tensors that the network used, or that it does not need.
    used: BTreeSet<String>,
}

/// A tensor of an adapter.
pub(super) struct Saved {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

impl AdapterFiles {
    /// The adapters of a folder, the last trained first, and the folder of the whole model below them. A model adapted to a
    /// person's texts with an adapter is the base of the next one. `upstream` is as in [`Self::of`].
    ///
    /// # Errors
    /// As [`Self::of`], and if the adapters are each other's base models.
    pub fn chain(folder: &Path, upstream: impl Fn(&str) -> String) -> Result<(Vec<Self>, PathBuf), ModelError> {
        let (mut adapters, mut base) = (Vec::new(), folder.to_owned());
        while let Some(adapter) = Self::of(&base, &upstream)? {
            if adapters.len() == MOST_ADAPTERS {
                let reason = "its base model leads back to itself".to_owned();
                return Err(ModelError::Config { path: folder.join(ADAPTER_FILE), reason });
            }
            adapter.base().clone_into(&mut base);
            adapters.push(adapter);
        }
        Ok((adapters, base))
    }

    /// The file of its tensors.
    pub fn path(&self) -> &Path {
        self.files.path()
    }

    /// The adapter that a folder holds; `None` for a whole model. `upstream` gives the Hugging Face name of a tensor of a network
    /// with or without a head.
    ///
    /// # Errors
    /// If the adapter is of a kind that Hone does not know, its base model is not at hand, or a file is damaged.
    pub fn of(folder: &Path, upstream: impl Fn(&str) -> String) -> Result<Option<Self>, ModelError> {
        let Some(config) = read_config(folder)? else { return Ok(None) };
        let base = base_of(folder, config.base)?;
        let file = [ADAPTER_WEIGHTS, PYTORCH_ADAPTER].into_iter().find(|file| folder.join(file).exists());
        let Some(file) = file else {
            return Err(ModelError::NoAdapterWeights(folder.to_owned()));
        };
        let files = WeightFiles::open_file(folder, file)?;
        check_whole(&files, config.r)?;
        let of_network = |name: &str| Some((upstream(name.strip_prefix(PREFIX)?), name.to_owned()));
        let names = files.names().filter_map(of_network).collect();
        let rank = f64::from(config.r);
        let scale = config.lora_alpha / if config.use_rslora { rank.sqrt() } else { rank };
        Ok(Some(Self { base, files, names, scale, used: BTreeSet::new() }))
    }

    /// The folder of the base model.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// Whether the adapter has a tensor in place of the base model's.
    pub fn has(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// Marks a tensor as not needed.
    pub fn leave_out(&mut self, name: &str) {
        self.used.extend(self.names.get(name).cloned());
    }

    /// A tensor that was trained as a whole.
    pub fn saved(&mut self, name: &str) -> Result<Option<Saved>, ModelError> {
        let Some(name) = self.names.get(name).filter(|name| !self.used.contains(*name)) else { return Ok(None) };
        let shape = self.files.shape(name).unwrap_or_default().to_vec();
        let found = Saved { shape, values: self.files.read(name)? };
        self.used.insert(name.clone());
        Ok(Some(found))
    }

    /// Adds the adapter of a layer to its weight `[out, in]`, if it has one.
    pub fn add_to(&mut self, name: &str, shape: &[usize], values: Vec<f32>) -> Result<Vec<f32>, ModelError> {
        let (Some(layer), &[outputs, inputs]) = (name.strip_suffix(".weight"), shape) else { return Ok(values) };
        let [down, up] = [DOWN, UP].map(|end| self.names.get(&format!("{layer}.{end}.weight")));
        let (Some(down), Some(up)) = (down, up) else { return Ok(values) };
        let [of_down, of_up] = [down, up].map(|name| self.files.shape(name).unwrap_or_default());
        let rank = of_down.first().copied().unwrap_or_default();
        if of_down != [rank, inputs] || of_up != [outputs, rank] {
            let reason =
                format!("{down} and {up} have the shapes {of_down:?} and {of_up:?}, which do not fit {shape:?}");
            return Err(ModelError::Damaged { path: self.files.path().to_owned(), reason });
        }
        let matrix =
            |name: &str, shape| Tensor::from_vec(self.files.read(name)?, shape, &Device::Cpu).map_err(ModelError::from);
        let (a, b) = (matrix(down, (rank, inputs))?, matrix(up, (outputs, rank))?);
        let merged = (Tensor::from_vec(values, (outputs, inputs), &Device::Cpu)? + (b.matmul(&a)? * self.scale)?)?;
        self.used.extend([down.clone(), up.clone()]);
        Ok(merged.flatten_all()?.to_vec1()?)
    }

    /// That every tensor had its place, but for those of another head: `heads` are what the names of such tensors begin with.
    ///
    /// # Errors
    /// If the network has no place for one.
    pub fn check_used(&self, heads: &[&str]) -> Result<(), ModelError> {
        let of_heads = self.names.iter().filter(|(name, _)| heads.iter().any(|head| name.starts_with(head)));
        let of_heads: BTreeSet<&str> = of_heads.map(|(_, in_file)| in_file.as_str()).collect();
        let is_unused = |name: &&str| !self.used.contains(*name) && !of_heads.contains(name);
        let unused: Vec<&str> = self.files.names().filter(is_unused).collect();
        if unused.is_empty() {
            return Ok(());
        }
        let more = unused.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let shown = unused[..unused.len().min(SHOWN)].join(", ");
        let reason = format!("its base model has no place for {shown}{more}");
        Err(ModelError::Damaged { path: self.files.path().to_owned(), reason })
    }
}

/// The configuration of an adapter; `None` if the folder has none.
fn read_config(folder: &Path) -> Result<Option<AdapterConfig>, ModelError> {
    let path = folder.join(ADAPTER_FILE);
    let bytes = match read_model_text(folder, ADAPTER_FILE) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(ModelError::unreadable(path, error)),
    };
    let wrong = |reason: String| ModelError::Config { path: path.clone(), reason };
    let json: Value =
        serde_json::from_slice(&bytes).map_err(|error| wrong(format!("it is not valid JSON ({error})")))?;
    let kind = json.get("peft_type").and_then(Value::as_str).unwrap_or_default();
    if kind != "LORA" {
        return Err(wrong(format!("its adapter is of the kind {kind:?}, and Hone reads LORA only")));
    }
    let config: AdapterConfig = serde_json::from_value(json).map_err(|error| wrong(error.to_string()))?;
    let refused = [
        (config.use_dora, "use_dora is set"),
        (config.lora_bias, "lora_bias is set"),
        (!config.rank_pattern.is_empty(), "rank_pattern is set"),
        (!config.alpha_pattern.is_empty(), "alpha_pattern is set"),
        (config.r == 0, "r is 0"),
        (config.changes_its_base(), "init_lora_weights changes the base model"),
    ];
    match refused.into_iter().find(|(is_so, _)| *is_so) {
        Some((_, what)) => Err(wrong(format!("{what}, which Hone does not support for {}", config.peft_type))),
        None => Ok(Some(config)),
    }
}

/// That both matrices of each layer are there, with the rank of the configuration.
fn check_whole(files: &WeightFiles, rank: u32) -> Result<(), ModelError> {
    let damaged = |reason: String| ModelError::Damaged { path: files.path().to_owned(), reason };
    let (down, up) = (format!(".{DOWN}."), format!(".{UP}."));
    let mut matrices = 0;
    for name in files.names() {
        let (other, side) = match (name.contains(&down), name.contains(&up)) {
            (true, _) => (name.replace(&down, &up), 0),
            (_, true) => (name.replace(&up, &down), 1),
            _ => continue,
        };
        matrices += 1;
        if files.shape(&other).is_none() {
            return Err(damaged(format!("it has {name}, but not {other}")));
        }
        let found = files.shape(name).unwrap_or_default().get(side).copied().unwrap_or_default();
        if found != rank as usize {
            return Err(damaged(format!("{name} has the rank {found}, and adapter_config.json says r: {rank}")));
        }
    }
    if matrices == 0 { Err(damaged("it holds no matrix of an adapter".to_owned())) } else { Ok(()) }
}

/// The folder of an adapter's base model.
fn base_of(folder: &Path, base: BaseModel) -> Result<PathBuf, ModelError> {
    base.at_hand(folder).ok_or_else(|| base.missing(folder))
}

/// Whether a folder holds an adapter instead of a whole model.
#[must_use]
pub fn is_adapter(folder: &Path) -> bool {
    folder.join(ADAPTER_FILE).is_file()
}

/// Whether a folder holds an adapter whose base model is an adapter too.
#[must_use]
pub fn is_adapter_of_adapter(folder: &Path) -> bool {
    is_adapter(folder) && BaseModel::read(folder).at_hand(folder).is_some_and(|base| is_adapter(&base))
}

/// The folder whose `config.json` describes the network: an adapter's own, if it has one, or that of its base model.
pub(super) fn described_in(folder: &Path) -> Result<PathBuf, ModelError> {
    if folder.join(CONFIG_FILE).exists() || !is_adapter(folder) {
        return Ok(folder.to_owned());
    }
    let config = read_config(folder)?.ok_or_else(|| without(folder, CONFIG_FILE))?;
    base_of(folder, config.base)
}

/// The hash of a model's weights: that of the file or, if there are several, of their hashes. `None` if it was stopped.
///
/// # Errors
/// If a file cannot be read.
pub fn weights_sha256(paths: &[PathBuf], control: Option<&Control>) -> std::io::Result<Option<String>> {
    let mut hashes = Vec::new();
    for path in paths {
        let Some(hash) = file_sha256(path, control)? else { return Ok(None) };
        hashes.push(hash);
    }
    Ok(Some(match hashes.as_slice() {
        [hash] => hash.clone(),
        several => content_hash(&several.concat(), ""),
    }))
}

/// The files that hold the weights of a model folder: of an adapter, its own and then those of its base model.
///
/// # Errors
/// [`ModelError`] if there are none that can be read, or their index is damaged or names others.
pub fn weight_paths(folder: &Path) -> Result<Vec<PathBuf>, ModelError> {
    let (adapters, base) = AdapterFiles::chain(folder, str::to_owned)?;
    let mut paths: Vec<PathBuf> = adapters.iter().map(|adapter| adapter.path().to_owned()).collect();
    paths.extend(weight_paths_of(&base)?);
    Ok(paths)
}

/// Checks that an adapter meets the weights that it was trained on, if `expected` names their [`weights_sha256`]. Other folders pass.
///
/// # Errors
/// [`ModelError::OtherBase`]; errors of [`weight_paths`], or of reading the weights.
pub fn check_base(folder: &Path, expected: Option<&str>) -> Result<(), ModelError> {
    let (true, Some(expected)) = (is_adapter(folder), expected) else { return Ok(()) };
    let paths = weight_paths(folder)?;
    let [_, base @ ..] = paths.as_slice() else { return Ok(()) };
    let found = weights_sha256(base, None).map_err(|error| ModelError::unreadable(folder.to_owned(), error))?;
    match base.first() {
        Some(base) if found.as_deref() != Some(expected) => {
            Err(ModelError::OtherBase { folder: folder.to_owned(), base: base.clone() })
        }
        _ => Ok(()),
    }
}
