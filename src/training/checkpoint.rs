//! The best checkpoint on disk, which is replaced as a whole.

use std::path::Path;

use crate::models::Model;
use crate::storage::{ModelFolderInfo, replace_folder, write_model_info};

use crate::training::TrainError;

/// Writes the model as a Hugging Face folder with Hone's `hone.ron` at `folder`, replacing the one that is there.
/// `source` is the folder the model was loaded from: its tokenizer files are copied.
///
/// The folder is written under another name and moved when it is complete, so that after a crash or on a full disk the
/// previous checkpoint is still there.
///
/// # Errors
/// [`TrainError::Model`] or [`TrainError::Storage`] when the disk refuses.
pub fn save(model: &Model, source: &Path, folder: &Path, info: &ModelFolderInfo) -> Result<(), TrainError> {
    replace_folder(folder, |unfinished| {
        model.save_folder(source, unfinished)?;
        write_model_info(unfinished, info)?;
        Ok(())
    })
}
