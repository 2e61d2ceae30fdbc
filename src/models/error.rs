//! Why a model folder cannot be used.

use std::path::PathBuf;

use crate::data::get_model_again;
use crate::models::architectures;
use crate::ops::message;

/// Why a model could not be loaded or saved.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A required file is missing.
    #[error(
        "The model folder {} has no {file}. It must hold config.json, model.safetensors and tokenizer.json. {}.",
        folder.display(), get_model_again(folder)
    )]
    MissingFile {
        /// The folder.
        folder: PathBuf,
        /// The file's name.
        file: &'static str,
    },
    /// The base model of an adapter is not the one that it was trained on.
    #[error(
        "The base model of the adapter in {} has other weights than the adapter was trained on, so its answers would be wrong: {} has \
         changed, or another model is in its place. Put the base model back, or train again.",
        folder.display(), base.display()
    )]
    OtherBase {
        /// The adapter's folder.
        folder: PathBuf,
        /// The weights of the base model.
        base: PathBuf,
    },
    /// The folder holds an adapter, and its base model is not at hand.
    #[error(
        "The folder {} holds an adapter (adapter_config.json), which is only a part of a model, and its base model{} is not a \
         model folder on this machine. {advice}, or merge the adapter into it where you have both (in peft: `merge_and_unload`, then \
         `save_pretrained`) and choose the merged folder.",
        folder.display(), base.as_ref().map(|base| format!(", {base},")).unwrap_or_default()
    )]
    Adapter {
        /// The folder.
        folder: PathBuf,
        /// The model it belongs to, if it says so.
        base: Option<String>,
        /// How a person gets that.
        advice: String,
    },
    /// The folder holds an adapter without its tensors.
    #[error(
        "The folder {} holds an adapter without its weights: adapter_model.safetensors is missing. {}.",
        .0.display(), get_model_again(.0)
    )]
    NoAdapterWeights(PathBuf),
    /// The folder holds no model, but a folder in it does.
    #[error("The folder {} has no config.json, so it is not a model folder. Choose {} instead.", folder.display(), inside.display())]
    FolderAbove {
        /// The folder.
        folder: PathBuf,
        /// The model's folder.
        inside: PathBuf,
    },
    /// The folder's weights are in a format that Hone does not read.
    #[error(
        "The model folder {} has its weights in {file}, which Hone does not read. Save them as model.safetensors \
         (`save_pretrained` in transformers does), or choose another model.",
        folder.display()
    )]
    UnsupportedWeights {
        /// The folder.
        folder: PathBuf,
        /// The file that was found.
        file: &'static str,
    },
    /// A file that the index of weights names is missing.
    #[error("{} names the file {file}, which is not beside it. {}.", index.display(), get_model_again(index))]
    MissingPart {
        /// The index.
        index: PathBuf,
        /// The file's name.
        file: String,
    },
    /// A GGUF file in place of a model folder.
    #[error(
        "{} is a GGUF file, which must be turned into a model folder first, in a terminal: hone models convert \"{}\" --out NEW-FOLDER. \
         Then choose the new folder. Or open the file in the window, in the Model step.",
        .0.display(), .0.display()
    )]
    OnlyGguf(PathBuf),
    /// New words for an adapter, which has no embeddings.
    #[error(
        "{} holds an adapter, which new words cannot be added to. Export its run as a Hugging Face folder first, which merges it into \
         its base model, and add the words to that.",
        .0.display()
    )]
    WordsForAdapter(PathBuf),
    /// A GGUF file that cannot be converted.
    #[error("The model file {} cannot be used: {reason}. Choose another file, or the model's Hugging Face folder.", path.display())]
    Gguf {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("Could not {action} {}: {}. {}", path.display(), crate::storage::reason(source), crate::storage::advice(source))]
    Io {
        /// The action that failed: "read" or "write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A file of the folder is not a plain file in it.
    #[error("{} is not read, because {reason}. Put a copy of the file into the model folder, or choose another model.", path.display())]
    NotPlain {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        reason: String,
    },
    /// `config.json` is invalid.
    #[error("The model's configuration {} cannot be used: {reason}. {}.", path.display(), get_model_again(path))]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// An architecture that Hone does not support.
    #[error(
        "{} is a model of type \"{model_type}\", which Hone cannot train yet. Choose a model of another type, for example \
         MiniLM: Hone trains {known}.",
        path.display(), known = architectures::names()
    )]
    UnsupportedArchitecture {
        /// The configuration file.
        path: PathBuf,
        /// Its `model_type`.
        model_type: String,
    },
    /// The device of the settings is not available.
    #[error("The {device} cannot be used: {reason}. Or set the device to Auto.")]
    NoDevice {
        /// The device.
        device: crate::project::DeviceChoice,
        /// Why not.
        reason: String,
    },
    /// bf16 on a GPU.
    #[error("GPUs support f32 only. Set the precision to Auto or f32, or the device to Auto.")]
    NoPrecision,
    /// The weights file cannot be read to its end.
    #[error(
        "The weights file {} is damaged or incomplete ({reason}). {}.",
        path.display(), get_model_again(path)
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Weights of another type than the floats that Hone reads.
    #[error(
        "The weights file {} cannot be used: {tensor} has the type {kind}, perhaps because the model was quantised. Choose the \
         original model, with weights of the type F32, F16 or BF16.",
        path.display()
    )]
    WeightType {
        /// The file.
        path: PathBuf,
        /// A tensor's name in the file.
        tensor: String,
        /// Its type.
        kind: String,
    },
    /// Weights that are not finite.
    #[error(
        "The weights file {} cannot be used: {tensor} holds values that are not numbers (NaN or infinity), so every \
         prediction would be wrong. The training it comes from failed, or the file is damaged. {}.",
        path.display(), get_model_again(path)
    )]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// A tensor's name in the file.
        tensor: String,
    },
    /// The tokenizer has tokens that the weights have no embedding for.
    #[error(
        "The model in {} does not fit its tokenizer, which needs embeddings for {tokens} tokens: the weights have \
         {embeddings}. Tokens were added without training embeddings for them (`resize_token_embeddings` in transformers). {}.",
        folder.display(), get_model_again(folder)
    )]
    Vocabulary {
        /// The model's folder.
        folder: PathBuf,
        /// Embeddings that the tokenizer needs: one more than its highest id.
        tokens: usize,
        /// Embeddings that the weights have.
        embeddings: usize,
    },
    /// Tensors of the backbone are missing or have the wrong shape.
    #[error(
        "The weights file {} does not fit its config.json: {problems}. {}.",
        path.display(), get_model_again(path)
    )]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// The first few tensors and what is wrong with them.
        problems: String,
    },
    /// A classifier without labels.
    #[error("A classification model needs at least one label. Check the label column.")]
    NoLabels,
    /// The model's tokenizer could not be loaded or changed.
    #[error(transparent)]
    Data(#[from] crate::data::DataError),
    /// A person stopped it.
    #[error("stopped")]
    Cancelled,
    /// A tensor operation failed.
    #[error("A computation on the model's weights failed: {}. Please report this message.", message(.0))]
    Tensor(#[from] candle_core::Error),
}

impl ModelError {
    /// Why a file of a model folder cannot be read.
    pub(super) fn unreadable(path: PathBuf, source: std::io::Error) -> Self {
        match source.kind() {
            std::io::ErrorKind::InvalidInput => Self::NotPlain { path, reason: source.to_string() },
            _ => Self::Io { action: "read", path, source },
        }
    }
}
