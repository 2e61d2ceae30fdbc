//! The best weights on disk: a whole folder or none.

use std::path::Path;

use crate::models::Model;
use crate::storage::{ModelFolderInfo, replace_folder, write_model_info};

use crate::training::TrainError;

/// Writes the model as a Hugging Face folder with Hone's `hone.ron` at `folder`, in place of the one that is there.
/// `source` is the folder the model was loaded from: its tokenizer files are copied.
///
/// The folder is written beside its place under another name and moved there when it is complete, so that a crash
/// or a full disk leaves the checkpoint before it.
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
