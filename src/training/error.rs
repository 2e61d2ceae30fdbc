//! What can keep a model from being trained, and what to do about it.

use std::path::PathBuf;

use crate::data::DataError;
use crate::models::ModelError;
use crate::project::OutOfRange;
use crate::storage::StorageError;

/// Training or prediction did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// It was told to stop before there was anything to keep.
    #[error("Stopped.")]
    Cancelled,
    /// A hyperparameter cannot be used.
    #[error(transparent)]
    Setting(#[from] OutOfRange),
    /// The data cannot be trained on as it is.
    #[error("The data cannot be trained on yet: {0}")]
    NotReady(String),
    /// The loss or the gradient is no longer a number.
    #[error(
        "Training diverged: {what} was not a number at step {step}, at a learning rate of {learning_rate:e}. \
         Lower the learning rate, for example to {:e}, keep gradient clipping on, and train again. \
         {kept}", learning_rate_to_try(*peak)
    )]
    Diverged {
        /// The figure that is not finite.
        what: &'static str,
        /// 1-based optimizer step.
        step: u64,
        /// Learning rate of that step.
        learning_rate: f64,
        /// Highest learning rate of the run.
        peak: f64,
        /// What is left of the run, in words.
        kept: String,
    },
    /// A parameter is cut off from the loss.
    #[error(
        "No gradient reached {0}, so it could not learn. This is an error in Hone's network, not in your data; \
         report it with the name of the model."
    )]
    NoGradient(String),
    /// The optimizer's state could not be saved or read.
    #[error("Could not {action} the optimizer's state {}: {reason}. Start the run again from the beginning.", path.display())]
    State {
        /// "read" or "write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What was wrong.
        reason: String,
    },
    /// The data could not be read or tokenised.
    #[error(transparent)]
    Data(DataError),
    /// The model could not be loaded or saved.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The run could not be written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A tensor operation failed.
    #[error(
        "A computation failed: {0}. If memory ran out, lower the batch size or the longest text; otherwise report this \
         message."
    )]
    Tensor(#[from] candle_core::Error),
}

impl TrainError {
    /// A setting that cannot be used.
    pub(super) fn setting(setting: &'static str, value: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Setting(OutOfRange { setting, value: value.into(), advice: advice.into() })
    }
}

impl From<DataError> for TrainError {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Cancelled => Self::Cancelled,
            error => Self::Data(error),
        }
    }
}

/// A fifth, but no more than what papers use.
fn learning_rate_to_try(peak: f64) -> f64 {
    (peak / 5.0).min(5e-5)
}
