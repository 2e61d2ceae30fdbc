//! Errors of exports.

use std::io;
use std::path::{Path, PathBuf};

use crate::chart::ChartError;
use crate::models::ModelError;
use crate::predictor::PredictorError;
use crate::progress::Cancelled;
use crate::storage::{StorageError, advice, reason};

/// Why an export failed. Nothing of it is left on disk.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The run has no predictions.
    #[error(
        "Run {0} has no predictions for test or validation rows, because it ended too early. Predict a file with its model, \
         or choose another run."
    )]
    NoPredictions(String),
    /// The run trained no adapter.
    #[error("Run {0} trained no adapter: it was not trained with LoRA. Export a whole model instead.")]
    NoAdapter(String),
    /// The base model of the run's adapter is an adapter too.
    #[error(
        "The adapter of run {0} was trained on a model that is itself an adapter, which peft cannot load. Export a Hugging Face \
         folder instead: it has all of them merged."
    )]
    AdapterOfAdapter(String),
    /// There is no temperature to divide the last layer by.
    #[error("Run {run} has no temperature to divide its last layer by: {why}. Export it without calibration instead.")]
    NoTemperature {
        /// The run.
        run: String,
        /// The reason.
        why: String,
    },
    /// The export's output differs from the model's.
    #[error(
        "The export was removed, because its output differs from that of the trained model: {0}. Check the disk and export again."
    )]
    Differs(String),
    /// A run has no curves.
    #[error("{0} has no curves yet, because it ended before its first step. Choose another run.")]
    NoCurves(String),
    /// More runs than a picture shows.
    #[error(
        "A picture shows the curves of at most {0} runs. Choose fewer, or write a CSV file, which takes any number."
    )]
    TooManyRuns(usize),
    /// A picture could not be made.
    #[error(transparent)]
    Picture(#[from] ChartError),
    /// The file system reported an error.
    #[error("Could not {action} {}: {}. {}", path.display(), reason(source), advice(source))]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The run's files could not be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The model's files could not be read.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model could not be loaded or does not predict.
    #[error(transparent)]
    Predictor(PredictorError),
    /// The person stopped it.
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
