//! What a folder of `sentence-transformers` says of itself: how its network pools a text, and whether it is a classifier.

use std::io::ErrorKind;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::data::{Pooling, read_model_text};
use crate::models::ModelError;
use crate::models::model_folder::CONFIG_FILE;

/// The folder of the module that makes one vector of a text's hidden states.
pub const POOLING_FOLDER: &str = "1_Pooling";
/// The modules, in order.
pub const MODULES_FILE: &str = "modules.json";
/// The folder of the module that scores the labels, and what the names of its tensors begin with.
pub const DENSE_FOLDER: &str = "2_Dense";
/// The layer in it.
pub(super) const DENSE_LAYER: &str = "2_Dense.linear";

/// What a folder says about the embeddings of its network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Embedding {
    /// How a text becomes one. `None` if it says nothing, or names a way that Hone does not have, such as the largest value.
    pub pooling: Option<Pooling>,
    /// Whether its head scores labels.
    pub is_classified: bool,
}

#[derive(Deserialize)]
struct Dense {
    #[serde(default)]
    activation_function: String,
}

#[derive(Deserialize)]
struct Module {
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

impl Embedding {
    /// Reads the folder.
    ///
    /// # Errors
    /// If a file that says so cannot be read.
    pub fn read(folder: &Path) -> Result<Self, ModelError> {
        Ok(Self { pooling: own_pooling(folder)?, is_classified: classified_embedding(folder)?.is_some() })
    }
}

/// The one way that the configuration of a pooling module names, if Hone has it: a flag of each way or, in later versions, a name.
/// Several ways would make a longer vector.
fn named(configuration: &Map<String, Value>) -> Option<Pooling> {
    let set = configuration.iter().filter(|(_, flag)| **flag == Value::Bool(true));
    let flags = set.filter_map(|(key, _)| key.strip_prefix("pooling_mode_"));
    let ways: Vec<&str> = match configuration.get("pooling_mode") {
        Some(Value::String(name)) => vec![name.as_str()],
        _ => flags.collect(),
    };
    match ways[..] {
        ["cls" | "cls_token"] => Some(Pooling::First),
        ["mean" | "mean_tokens"] => Some(Pooling::Mean),
        ["lasttoken"] => Some(Pooling::Last),
        _ => None,
    }
}

/// How a folder pools texts if it is a classifier of embeddings, as Hone saves one: its modules are a network, the pooling, and one
/// dense layer. `None` for any other folder.
///
/// # Errors
/// If the modules cannot be read.
pub fn classified_embedding(folder: &Path) -> Result<Option<Pooling>, ModelError> {
    let modules: Option<Vec<Module>> = read_if_there(folder, MODULES_FILE, "a list of modules")?;
    let Some([_, pooling, dense]) = modules.as_deref() else { return Ok(None) };
    if pooling.path != POOLING_FOLDER || dense.path != DENSE_FOLDER || !dense.kind.ends_with("Dense") {
        return Ok(None);
    }
    let file = format!("{DENSE_FOLDER}/{CONFIG_FILE}");
    let dense: Option<Dense> = read_if_there(folder, &file, "the configuration of a dense layer")?;
    // Other activations make embeddings; scores have none. Weights in one file come without this file.
    let scores = dense.is_none_or(|dense| dense.activation_function.ends_with("Identity"));
    if scores { own_pooling(folder) } else { Ok(None) }
}

/// How a folder says that its network pools a text into an embedding; see [`Embedding::pooling`].
///
/// # Errors
/// If the file that says so cannot be read.
fn own_pooling(folder: &Path) -> Result<Option<Pooling>, ModelError> {
    let file = format!("{POOLING_FOLDER}/config.json");
    let says: Option<Map<String, Value>> = read_if_there(folder, &file, "the configuration of a pooling module")?;
    Ok(says.as_ref().and_then(named))
}

/// The content of a file of a model folder; `None` if there is no such file. `what` it should be is for messages.
fn read_if_there<T: DeserializeOwned>(folder: &Path, file: &str, what: &str) -> Result<Option<T>, ModelError> {
    let path = folder.join(file);
    match read_model_text(folder, file) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| ModelError::Config { path, reason: format!("it is not {what} ({error})") }),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(ModelError::unreadable(path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(configuration: &str) -> Result<Option<Pooling>, ModelError> {
        let folder = tempfile::tempdir().unwrap();
        let modules = folder.path().join(POOLING_FOLDER);
        std::fs::create_dir(&modules).unwrap();
        std::fs::write(modules.join("config.json"), configuration).unwrap();
        own_pooling(folder.path())
    }

    #[test]
    fn a_folder_says_how_it_pools() {
        for (configuration, pooling) in [
            (r#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}"#, Some(Pooling::First)),
            (
                r#"{"word_embedding_dimension": 384, "pooling_mode_mean_tokens": true, "include_prompt": true}"#,
                Some(Pooling::Mean),
            ),
            (r#"{"pooling_mode_lasttoken": true}"#, Some(Pooling::Last)),
            (r#"{"pooling_mode": "cls", "embedding_dimension": 384}"#, Some(Pooling::First)),
            (r#"{"pooling_mode": "mean"}"#, Some(Pooling::Mean)),
            // Hone has no other way, nor two at once.
            (r#"{"pooling_mode": "max"}"#, None),
            (r#"{"pooling_mode_max_tokens": true}"#, None),
            (r#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true}"#, None),
            ("{}", None),
        ] {
            assert_eq!(of(configuration).unwrap(), pooling, "{configuration}");
        }
        assert_eq!(own_pooling(tempfile::tempdir().unwrap().path()).unwrap(), None);
    }

    #[test]
    fn a_broken_file_is_named() {
        let error = of("[1]").unwrap_err().to_string();
        assert!(error.contains("1_Pooling") && error.contains("pooling module"), "{error}");
    }
}
