//! Why an export was not made.

use std::io;
use std::path::{Path, PathBuf};

use crate::models::ModelError;
use crate::predictor::PredictorError;
use crate::progress::Cancelled;
use crate::storage::{StorageError, advice};

/// Why an export was not made. Nothing of it is left behind.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Something would be overwritten.
    #[error("{} is not empty. Choose a new or an empty folder, so that nothing is overwritten.", .0.display())]
    NotEmpty(PathBuf),
    /// Something would be overwritten.
    #[error("{} already exists. Choose another name, so that nothing is overwritten.", .0.display())]
    OutputExists(PathBuf),
    /// The run kept no predictions.
    #[error(
        "The run {0} kept no predictions on test or validation rows, because it ended too early. Label a file with its \
         model, or choose another run."
    )]
    NoPredictions(String),
    /// The export does not answer as the model does.
    #[error(
        "The export was removed, because its output differs from that of the trained model: {0}. Check the disk and export again."
    )]
    Differs(String),
    /// The file system refused.
    #[error("Could not {action} {}: {source}. {}", path.display(), advice(source))]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The run's files.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The model's files.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A model that cannot be loaded or gives no answer.
    #[error(transparent)]
    Predictor(PredictorError),
    /// A person stopped it.
    #[error("The export was stopped and removed.")]
    Cancelled,
}

impl From<Cancelled> for ExportError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<PredictorError> for ExportError {
    fn from(error: PredictorError) -> Self {
        match error {
            PredictorError::Cancelled => Self::Cancelled,
            PredictorError::Model(error) => Self::Model(error),
            PredictorError::Storage(error) => Self::Storage(error),
            error => Self::Predictor(error),
        }
    }
}

impl ExportError {
    /// Wraps an error of the file system with what was tried.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
