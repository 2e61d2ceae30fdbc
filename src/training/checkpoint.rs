//! Writes the best checkpoint to disk, replacing the previous one atomically.

use std::path::Path;

use crate::models::{Model, limit_length};
use crate::storage::{EvaluationPoint, ModelFolderInfo, replace_folder, write_checkpoint_point, write_model_info};

use crate::training::TrainError;

/// Writes the model and Hone's `hone.ron` as a Hugging Face folder at `folder`, replacing any previous one.
/// `source` is the folder the model was loaded from: its tokenizer files are copied. The metrics go with the weights, so that
/// after a crash they are those of these weights.
///
/// The folder is written under another name and moved when it is complete, so that after a crash or on a full disk the
/// previous checkpoint is still there.
///
/// # Errors
/// [`TrainError::Model`] or [`TrainError::Storage`] if writing fails.
pub fn save(
    model: &Model,
    source: &Path,
    folder: &Path,
    info: &ModelFolderInfo,
    point: &EvaluationPoint,
) -> Result<(), TrainError> {
    replace_folder(folder, |unfinished| {
        model.save_folder(source, unfinished)?;
        limit_length(unfinished, info.max_length)?;
        write_model_info(unfinished, info)?;
        write_checkpoint_point(unfinished, point)?;
        Ok(())
    })
}
