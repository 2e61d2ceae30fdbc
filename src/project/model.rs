//! The pre-trained model to start from.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A model from the catalogue, or a local Hugging Face folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModelChoice {
    /// A model from the catalogue, by its id in `assets/catalogue.ron`.
    Catalogue(String),
    /// A folder with `config.json`, a tokenizer and weights, as the Hugging Face Hub has them.
    Folder(PathBuf),
}

impl Default for ModelChoice {
    fn default() -> Self {
        Self::Catalogue("minilm-l6".to_owned())
    }
}
