//! `hone.ron` beside a model's weights: what prediction needs to prepare texts as training did.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::project::{CleaningSettings, Precision, TaskKind};
use crate::storage::{StorageError, ron_file};

/// Name of the file in a model folder.
pub const MODEL_INFO_FILE: &str = "hone.ron";

/// What a Hugging Face folder does not say about a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
            ..ModelFolderInfo::default()
        };
        write_model_info(folder.path(), &info).unwrap();
        assert_eq!(read_model_info(folder.path()).unwrap(), Some(info));
        std::fs::write(folder.path().join(MODEL_INFO_FILE), "(max_length: 128)").unwrap();
        let earlier = read_model_info(folder.path()).unwrap().unwrap();
        assert!(earlier.joined_columns.is_empty());
        assert_eq!(earlier.task, TaskKind::TextClassification, "models of earlier versions were classifiers");
        assert_eq!(earlier.precision, Precision::F32, "models of earlier versions were trained in 32 bits");
        std::fs::write(folder.path().join(MODEL_INFO_FILE), "(max_length: many)").unwrap();
        let message = read_model_info(folder.path()).unwrap_err().to_string();
        assert!(message.contains("line 1, column") && message.contains("Delete it"), "{message}");
    }
}
