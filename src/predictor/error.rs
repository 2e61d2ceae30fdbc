//! Why a model can't answer.

use std::path::PathBuf;

use crate::data::{DataError, PatternError};
use crate::models::ModelError;
use crate::progress::Cancelled;
use crate::project::TaskKind;
use crate::storage::StorageError;
use crate::training::TrainError;

/// Why a model could not be loaded, or gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum PredictorError {
    /// It was stopped.
    #[error("Prediction was stopped.")]
    Cancelled,
    /// The model was not trained for a task yet.
    #[error(
        "The model in {} has no trained {} head. Train it first, or choose a run's best checkpoint or an export.",
        folder.display(), head_of(*task)
    )]
    NoHead {
        /// Its folder.
        folder: PathBuf,
        /// The task.
        task: TaskKind,
    },
    /// The model predicts masked words, not labels.
    #[error(
        "The model in {} was adapted to texts and predicts masked words, not labels. Train a classifier that starts from it, and \
         use that.",
        .0.display()
    )]
    NoLabels(PathBuf),
    /// A cleaning pattern in the model's `hone.ron` cannot be used.
    #[error("In {}, {error}.", file.display())]
    Cleaning {
        /// The `hone.ron`.
        file: PathBuf,
        /// What is wrong with the pattern.
        error: PatternError,
    },
    /// The model's `hone.ron`.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The model's weights or configuration.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The tokenizer, or a text it refuses.
    #[error(transparent)]
    Data(DataError),
    /// The network failed.
    #[error(transparent)]
    Network(TrainError),
}

fn head_of(task: TaskKind) -> &'static str {
    match task {
        TaskKind::TextClassification => "classification",
        TaskKind::LanguageModelling => "language model",
    }
}

impl From<Cancelled> for PredictorError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<DataError> for PredictorError {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Cancelled => Self::Cancelled,
            error => Self::Data(error),
        }
    }
}

impl From<TrainError> for PredictorError {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Cancelled => Self::Cancelled,
            TrainError::Model(error) => Self::Model(error),
            error => Self::Network(error),
        }
    }
}

impl From<candle_core::Error> for PredictorError {
    fn from(error: candle_core::Error) -> Self {
        Self::Network(TrainError::Tensor(error))
    }
}
