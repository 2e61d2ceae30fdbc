//! Errors of training and prediction.

use std::path::PathBuf;

use crate::data::{DataError, get_model_again};
use crate::models::ModelError;
use crate::ops::message;
use crate::progress::Cancelled;
use crate::project::OutOfRange;
use crate::storage::StorageError;
use crate::words::rate;

/// Why training or prediction failed.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// It was stopped before there was anything to keep.
    #[error("Stopped.")]
    Cancelled,
    /// Its checkpoint is on the disk, and another process goes on from there.
    #[error("Another process goes on with the run.")]
    HandedOver,
    /// A hyperparameter cannot be used.
    #[error(transparent)]
    Setting(#[from] OutOfRange),
    /// The data cannot be used for training yet.
    #[error("Hone cannot train on this data yet. {0}")]
    NotReady(String),
    /// The machine has too little memory or disk space.
    #[error("{0}")]
    NoRoom(String),
    /// The loss or the gradient is not finite.
    #[error(
        "Training diverged: {what} was not a number at step {step}, at a learning rate of {}. \
         Lower the learning rate, for example to {}, keep gradient clipping on, and train again. \
         {kept}", rate(*learning_rate), rate(*lower)
    )]
    Diverged {
        /// The value that is not finite.
        what: &'static str,
        /// 1-based optimizer step.
        step: u64,
        /// Learning rate of that step.
        learning_rate: f64,
        /// Learning rate to try instead.
        lower: f64,
        /// What was kept of the run, in a sentence.
        kept: String,
    },
    /// The loss or the gradient is not finite before any weight was changed.
    #[error(
        "The model in {} cannot be trained: {what} was not a number at the first step, before any weight was changed, so some of \
         its weights are far too large. The training it comes from failed, or its files are damaged. {}.",
        folder.display(), get_model_again(folder)
    )]
    Unfit {
        /// The value that is not finite.
        what: &'static str,
        /// The folder the model was loaded from.
        folder: PathBuf,
    },
    /// An interrupted run cannot go on.
    #[error("The run {run} cannot be resumed: {why}. Train again from the beginning, with a new run.")]
    NotResumed {
        /// Run id.
        run: String,
        /// What is different now.
        why: String,
    },
    /// The loss does not depend on a parameter.
    #[error(
        "No gradient reached {0}, so it cannot be trained. This is a bug in Hone, not in your data. Please report it with \
         the name of the model."
    )]
    NoGradient(String),
    /// The weights of an interrupted run could not be read.
    #[error("The run cannot be resumed, because {} cannot be read: {reason}. Train again from the beginning.", path.display())]
    State {
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
        "A computation failed: {}. If memory ran out, lower the batch size or max length. Otherwise please report this \
         message.",
        message(.0)
    )]
    Tensor(#[from] candle_core::Error),
}

impl TrainError {
    /// A setting that cannot be used.
    pub(super) fn setting(setting: &'static str, value: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Setting(OutOfRange { setting, value: value.into(), advice: advice.into() })
    }
}

impl From<Cancelled> for TrainError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
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
