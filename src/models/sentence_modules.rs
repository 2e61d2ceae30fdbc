//! Saves a classifier of texts' embeddings as a folder of `sentence-transformers`: a network without a head, and the modules that
//! follow it (Transformer, Pooling, Dense).

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use crate::data::Pooling;
use crate::models::ModelError;
use crate::models::sentence_folder::{DENSE_FOLDER, MODULES_FILE, POOLING_FOLDER, classified_embedding};
use crate::storage::write_atomic;

/// The file that says how long texts may be.
const LENGTH_FILE: &str = "sentence_bert_config.json";

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
