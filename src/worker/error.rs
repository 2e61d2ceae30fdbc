//! Why a job gave no answer.

use crate::data::DataError;
use crate::export::ExportError;
use crate::fetch::{FetchError, HubError, RayError};
use crate::models::ModelError;
use crate::predictor::PredictorError;
use crate::progress::Cancelled;
use crate::storage::StorageError;
use crate::training::TrainError;
use crate::words::sentence_case;

/// Why a job ended without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobError {
    /// It was cancelled. Nothing was left unfinished on disk.
    Cancelled,
    /// What happened, why, and what to do next.
    Failed(String),
}

impl JobError {
    /// Turns an error into a sentence: messages that can be part of another one begin in lower case.
    pub(super) fn failed(error: impl std::error::Error) -> Self {
        Self::Failed(sentence_case(&error.to_string()))
    }
}

impl From<Cancelled> for JobError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// Converts the errors of rooms that have their own variant for cancelling.
macro_rules! from_cancellable {
    ($($error:ident),*) => {$(
        impl From<$error> for JobError {
            fn from(error: $error) -> Self {
                match error {
                    $error::Cancelled => Self::Cancelled,
                    other => Self::failed(other),
                }
            }
        }
    )*};
}

from_cancellable!(DataError, FetchError, HubError, RayError, ExportError, ModelError, PredictorError, TrainError);

impl From<StorageError> for JobError {
    fn from(error: StorageError) -> Self {
        Self::failed(error)
    }
}
