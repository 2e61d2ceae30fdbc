//! Folders of `sentence-transformers`: a network without a head, and the modules that follow it. A classifier of texts' embeddings
//! is saved as one: Transformer, Pooling, Dense.

use std::io::Write;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::data::Pooling;
use crate::models::ModelError;
use crate::models::config::ModelConfig;
use crate::models::model_folder::CONFIG_FILE;
use crate::models::pooling_module::{POOLING_FOLDER, own_pooling, read_if_there};
use crate::storage::write_atomic;

/// The modules, in order.
pub const MODULES_FILE: &str = "modules.json";
/// The folder of the module that scores the labels, and what the names of its tensors begin with.
pub const DENSE_FOLDER: &str = "2_Dense";
/// The file that says how long texts may be.
const LENGTH_FILE: &str = "sentence_bert_config.json";
/// The layer in it.
pub(super) const DENSE_LAYER: &str = "2_Dense.linear";

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

/// How the classifier in a model folder pools texts.
///
/// # Errors
/// If the folder's configuration cannot be read.
pub fn pooling_of_model(folder: &Path) -> Result<Pooling, ModelError> {
    Ok(classified_embedding(folder)?.unwrap_or(ModelConfig::read(folder)?.pooling()))
}

/// Sets the most tokens that `sentence-transformers` reads of a text with such a classifier: as many as in training, however many
/// the network can read. Other folders stay as they are.
///
/// # Errors
/// If the file cannot be read or written.
pub fn limit_length(folder: &Path, max_length: usize) -> Result<(), ModelError> {
    if classified_embedding(folder)?.is_none() {
        return Ok(());
    }
    let path = folder.join(LENGTH_FILE);
    let text = json!({ "max_seq_length": max_length, "do_lower_case": false });
    write_atomic(&path, |file| writeln!(file, "{text:#}")).map_err(|source| ModelError::Io {
        action: "write",
        path: path.clone(),
        source,
    })
}

/// The configuration files of such a classifier, with their names in the folder. `max_length` is in tokens.
pub(super) fn configurations(
    (hidden, labels): (usize, usize),
    max_length: usize,
    pooling: Pooling,
) -> [(String, Value); 4] {
    // The names that every version of `sentence-transformers` knows.
    let module = |place: usize, path: &str, kind: &str| {
        let kind = format!("sentence_transformers.models.{kind}");
        json!({ "idx": place, "name": place.to_string(), "path": path, "type": kind })
    };
    let modules =
        [module(0, "", "Transformer"), module(1, POOLING_FOLDER, "Pooling"), module(2, DENSE_FOLDER, "Dense")];
    let pooling = json!({
        "word_embedding_dimension": hidden,
        "pooling_mode_cls_token": pooling == Pooling::First,
        "pooling_mode_mean_tokens": pooling == Pooling::Mean,
        "pooling_mode_lasttoken": pooling == Pooling::Last,
        "pooling_mode_max_tokens": false,
        "pooling_mode_mean_sqrt_len_tokens": false,
    });
    let dense = json!({
        "in_features": hidden,
        "out_features": labels,
        "bias": true,
        "activation_function": "torch.nn.modules.linear.Identity",
    });
    [
        (MODULES_FILE.to_owned(), json!(modules)),
        (LENGTH_FILE.to_owned(), json!({ "max_seq_length": max_length, "do_lower_case": false })),
        (format!("{POOLING_FOLDER}/config.json"), pooling),
        (format!("{DENSE_FOLDER}/config.json"), dense),
    ]
}
