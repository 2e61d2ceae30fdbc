//! The pre-trained model to start from.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A model from the catalogue, a local Hugging Face folder, or any model of the Hugging Face Hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModelChoice {
    /// A model from the catalogue, by its id in `assets/catalogue.ron`.
    Catalogue(String),
    /// A folder with `config.json`, a tokenizer and weights, as the Hugging Face Hub has them.
    Folder(PathBuf),
    /// A model of the Hugging Face Hub.
    Hub(HubModel),
}

impl Default for ModelChoice {
    fn default() -> Self {
        Self::Catalogue("minilm-l6".to_owned())
    }
}

/// A model of the Hugging Face Hub as it was when it was chosen: pinned to a commit, and its files to their hashes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubModel {
    /// `owner/name`; old models have no owner.
    pub repo: String,
    /// The commit: 40 hexadecimal digits.
    pub commit: String,
    /// `model_type` of its `config.json`.
    pub architecture: String,
    /// The licence that its card names, if it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Parameters of the network without a head, by its `config.json`.
    pub parameters: u64,
    /// The files that Hone needs.
    pub files: Vec<ModelFile>,
}

/// What a network is, as far as its presets differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NetworkKind {
    /// BERT and others that see a whole text.
    #[default]
    Encoder,
    /// The same with at most [`Self::SMALL`] parameters, such as `MiniLM`, which learn at a higher rate.
    SmallEncoder,
    /// GPT and others that read a text from left to right.
    Decoder,
}

impl NetworkKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Encoder, Self::SmallEncoder, Self::Decoder];
    /// The kind of [`ModelChoice::default`].
    pub const OF_DEFAULT_MODEL: Self = Self::SmallEncoder;
    /// Most parameters of a small encoder without its head: more than any `MiniLM` in English has, fewer than `DistilBERT`.
    pub const SMALL: u64 = 40_000_000;

    /// The kind of an encoder with so many parameters.
    #[must_use]
    pub fn of_encoder(parameters: u64) -> Self {
        if parameters <= Self::SMALL { Self::SmallEncoder } else { Self::Encoder }
    }
}

/// One file of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFile {
    /// Path inside the model's folder, with `/`.
    pub path: String,
    /// Size, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// SHA-256 in lower-case hexadecimal, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// SHA-1 of git for the file as a blob, in lower-case hexadecimal, if known: what the Hub states for small files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_sha1: Option<String>,
}
