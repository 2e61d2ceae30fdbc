//! The temperature of a run's model: fitted on the answers to the validation rows, and kept with the model.

use crate::evaluation::{ClassProbabilities, Prediction, fit_temperature};
use crate::storage::{ModelFolderInfo, RunFolder, StorageError, read_model_info, write_model_info};

/// Fits the temperature of a run's best checkpoint on its predictions for the validation rows, and keeps it in the `hone.ron` of the
/// model; none if it cannot be fitted, see [`fit_temperature`], and for other tasks. `classes` is the number of labels. A folder
/// without that file stays as it is.
///
/// # Errors
/// If `hone.ron` cannot be read or written.
pub fn keep_temperature(run: &RunFolder, validation: &[Prediction], classes: usize) -> Result<(), StorageError> {
    let best = run.best();
    let Some(info) = read_model_info(&best)? else { return Ok(()) };
    let temperature = fitted(validation, classes);
    if info.temperature == temperature {
        return Ok(());
    }
    write_model_info(&best, &ModelFolderInfo { temperature, ..info })
}

/// The temperature that is kept with a run's model. For a model of an earlier version, which kept none: that of the run's predictions
/// for the validation rows, if there are enough.
///
/// # Errors
/// If `hone.ron` cannot be read.
pub fn temperature_of(run: &RunFolder, classes: usize) -> Result<Option<f64>, StorageError> {
    let kept = read_model_info(&run.best())?.and_then(|info| info.temperature);
    if kept.is_some() || classes == 0 {
        return Ok(kept);
    }
    Ok(run.read_predictions("validation").ok().and_then(|validation| fitted(&validation, classes)))
}

fn fitted(validation: &[Prediction], classes: usize) -> Option<f64> {
    fit_temperature(&ClassProbabilities::of(validation, classes))
}
