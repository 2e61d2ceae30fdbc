//! Why a model folder cannot be used.

use std::path::PathBuf;

/// Why a model could not be loaded or saved.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file the folder must have is not there.
    #[error(
        "The model folder {} has no {file}. It must hold config.json, model.safetensors and tokenizer.json: download the \
         model again, or choose another folder.",
        folder.display()
    )]
    MissingFile {
        /// The folder.
        folder: PathBuf,
        /// The file's name.
        file: &'static str,
    },
    /// The folder has weights, but in a format that is not read.
    #[error(
        "The model folder {} has its weights in {file}, which Hone does not read. Save them as one model.safetensors \
         (`save_pretrained` in transformers does), or choose another model.",
        folder.display()
    )]
    UnsupportedWeights {
        /// The folder.
        folder: PathBuf,
        /// The file that was found.
        file: &'static str,
    },
    /// A file could not be read or written.
    #[error("Could not {action} {}: {source}. Check that the disk is connected, has free space, and is writable.", path.display())]
    Io {
        /// What was tried: "read", "write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// `config.json` cannot be understood.
    #[error("The model's configuration {} cannot be used: {reason}. Download the model again, or choose another.", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// An architecture that Hone does not have.
    #[error(
        "{} is a model of type \"{model_type}\", which Hone cannot train yet. Choose a BERT model, for example MiniLM.",
        path.display()
    )]
    UnsupportedArchitecture {
        /// The configuration file.
        path: PathBuf,
        /// Its `model_type`.
        model_type: String,
    },
    /// The device of the settings is not available.
    #[error("The {device} cannot be used: {reason}. Or choose the device Auto.")]
    NoDevice {
        /// The device.
        device: crate::project::DeviceChoice,
        /// Why not.
        reason: String,
    },
    /// bf16 on another device than the processor.
    #[error(
        "bf16 products are for the processor; a GPU computes in 32 bits. Choose the precision Auto or f32, or the device \
         Auto."
    )]
    NoPrecision,
    /// The weights file is not a whole safetensors file.
    #[error(
        "The weights file {} is damaged or incomplete ({reason}). Download the model again.",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Tensors of the backbone are missing or have another shape.
    #[error(
        "The weights file {} does not fit its config.json: {problems}. Download the model again, or choose another.",
        path.display()
    )]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// The first few tensors and what is wrong with them.
        problems: String,
    },
    /// A classifier without labels.
    #[error("A classification model needs at least one label; check the label column.")]
    NoLabels,
    /// The model's tokenizer could not be loaded or changed.
    #[error(transparent)]
    Data(#[from] crate::data::DataError),
    /// A tensor operation failed.
    #[error("A computation on the model's weights failed: {0}")]
    Tensor(#[from] candle_core::Error),
}
