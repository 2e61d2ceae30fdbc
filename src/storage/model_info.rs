//! `hone.ron` beside a model's weights: what prediction needs to prepare texts as training did.

use std::path::Path;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use crate::project::{CleaningSettings, Precision, TaskKind};
use crate::storage::{StorageError, ron_file};

/// Name of the file in a model folder.
pub const MODEL_INFO_FILE: &str = "hone.ron";

/// What a Hugging Face folder does not say about a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelFolderInfo {
    /// Version of Hone that wrote it.
    pub hone_version: String,
    /// What the model was trained for.
    pub task: TaskKind,
    /// How texts were cleaned before training.
    pub cleaning: CleaningSettings,
    /// The text column.
    pub text_column: String,
    /// Columns whose text was prepended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub joined_columns: Vec<String>,
    /// Label column, or the one-hot label columns.
    pub label_column: String,
    /// Max length in tokens, with special tokens.
    pub max_length: usize,
    /// Label names in class-id order.
    pub labels: Vec<String>,
    /// Precision that the model was trained in and predicts in, so that its metrics hold.
    #[serde(default = "before_there_was_a_choice")]
    pub precision: Precision,
    /// Hash of the weights that an adapter was trained on: merged into others, it would answer otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_sha256: Option<String>,
    /// What the logits are divided by so that the probabilities are calibrated, above 0. `None` if it was not fitted: for other
    /// tasks, with too few validation rows or no mistake among them, and by earlier versions of Hone; and if the last layer of the
    /// model is divided by it already.
    #[serde(deserialize_with = "above_0", skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
}

/// A temperature by which logits can be divided.
fn above_0<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    match Option::<f64>::deserialize(deserializer)? {
        Some(temperature) if !(temperature.is_finite() && temperature > 0.0) => {
            Err(D::Error::custom(format!("the temperature is {temperature} instead of a number above 0")))
        }
        temperature => Ok(temperature),
    }
}

fn before_there_was_a_choice() -> Precision {
    Precision::F32
}

/// Reads a model folder's `hone.ron`; `None` if Hone didn't make the folder.
///
/// # Errors
/// A damaged file, or errors of the file system.
pub fn read_model_info(folder: &Path) -> Result<Option<ModelFolderInfo>, StorageError> {
    let path = folder.join(MODEL_INFO_FILE);
    if !path.exists() {
        return Ok(None);
    }
    ron_file::read(&path, "Delete it to use the model with default cleaning, or export the model again.").map(Some)
}

/// Writes a model folder's `hone.ron`.
///
/// # Errors
/// Errors of the file system.
pub fn write_model_info(folder: &Path, info: &ModelFolderInfo) -> Result<(), StorageError> {
    ron_file::write(&folder.join(MODEL_INFO_FILE), info)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read_model_info(folder.path()).unwrap(), None);
        let info = ModelFolderInfo {
            labels: vec!["good".into(), "bad".into()],
            max_length: 128,
            text_column: "body".into(),
            joined_columns: vec!["title".into()],
            temperature: Some(1.0 / 3.0),
            ..ModelFolderInfo::default()
        };
        write_model_info(folder.path(), &info).unwrap();
        assert_eq!(read_model_info(folder.path()).unwrap(), Some(info));
        std::fs::write(folder.path().join(MODEL_INFO_FILE), "(max_length: 128)").unwrap();
        let earlier = read_model_info(folder.path()).unwrap().unwrap();
        assert!(earlier.joined_columns.is_empty());
        assert_eq!(earlier.task, TaskKind::TextClassification, "models of earlier versions were classifiers");
        assert_eq!(earlier.precision, Precision::F32, "models of earlier versions were trained in 32 bits");
        assert_eq!(earlier.temperature, None, "earlier versions kept none");
        for (damaged, why) in [
            ("(max_length: many)", "line 1, column"),
            ("(temperature: Some(0.0))", "the temperature is 0 instead of a number above 0"),
            ("(temperature: Some(-inf))", "the temperature is -inf instead"),
            ("(temperature: Some(NaN))", "the temperature is NaN instead"),
        ] {
            std::fs::write(folder.path().join(MODEL_INFO_FILE), damaged).unwrap();
            let message = read_model_info(folder.path()).unwrap_err().to_string();
            assert!(message.contains(why) && message.contains("Delete it"), "{message}");
        }
    }
}
