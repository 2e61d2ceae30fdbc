//! Exports one safetensors file with the upstream tensor names, and the label names in its metadata.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use safetensors::SafeTensors;

use crate::export::hugging_face::{self, copy};
use crate::export::{ExportError, ExportSource, verify};
use crate::models::{CONFIG_FILE, DENSE_FOLDER, MODULES_FILE, ModelError, POOLING_FOLDER, WEIGHTS_FILE, is_adapter};
use crate::progress::Watch;
use crate::storage::write_atomic;

/// Writes the best checkpoint's tensors to `file`, the only one in its folder, and verifies them.
pub(super) fn write(source: &ExportSource<'_>, file: &Path, watch: &mut Watch<'_>) -> Result<String, ExportError> {
    let mut weights = source.run.best().join(WEIGHTS_FILE);
    if is_adapter(&source.run.best()) {
        hugging_face::merge(source, file.parent().unwrap_or(Path::new(".")), watch)?;
        file.clone_into(&mut weights);
    }
    watch.begin("Writing the weights")?;
    let damaged = |reason: String| ModelError::Damaged { path: weights.clone(), reason };
    let read = |path: &Path| std::fs::read(path).map_err(ExportError::io("read", path));
    let bytes = read(&weights)?;
    let mut tensors = SafeTensors::deserialize(&bytes).map_err(|error| damaged(error.to_string()))?.tensors();
    // The head, if it is in a separate folder.
    let of_head = source.run.best().join(DENSE_FOLDER).join(WEIGHTS_FILE);
    let head = if of_head.is_file() { Some(read(&of_head)?) } else { None };
    if let Some(head) = &head {
        let head = SafeTensors::deserialize(head).map_err(|error| damaged(error.to_string()))?.tensors();
        tensors.extend(head.into_iter().map(|(name, tensor)| (format!("{DENSE_FOLDER}.{name}"), tensor)));
    }
    let bytes = safetensors::serialize(tensors, Some(metadata(source))).map_err(|error| damaged(error.to_string()))?;
    write_atomic(file, |writer| writer.write_all(&bytes)).map_err(ExportError::io("write", file))?;
    prove(source, file, watch)
}

/// The file's metadata: `transformers` needs `format`, the rest is for people.
fn metadata(source: &ExportSource<'_>) -> HashMap<String, String> {
    let labels = serde_json::Value::from(source.settings.labels.clone());
    HashMap::from([
        ("format".to_owned(), "pt".to_owned()),
        ("labels".to_owned(), labels.to_string()),
        ("run".to_owned(), source.summary.run.clone()),
        ("made_by".to_owned(), format!("Hone {}", source.settings.hone_version)),
    ])
}

/// Puts the configuration and tokenizer beside the file, which has the name that the weights of a model have, and compares
/// the predictions of that folder.
fn prove(source: &ExportSource<'_>, file: &Path, watch: &mut Watch<'_>) -> Result<String, ExportError> {
    let best = source.run.best();
    let pooling = format!("{POOLING_FOLDER}/{CONFIG_FILE}");
    for name in [CONFIG_FILE, MODULES_FILE, &pooling, "tokenizer.json", "vocab.txt"] {
        if best.join(name).is_file() {
            copy(&best.join(name), &file.with_file_name(name))?;
        }
    }
    verify::same_answers(source, None, file.parent().unwrap_or(Path::new(".")), watch)
}
