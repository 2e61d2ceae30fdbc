//! Errors of prediction.

use std::path::PathBuf;

use crate::data::{DataError, PatternError};
use crate::models::ModelError;
use crate::progress::Cancelled;
use crate::project::TaskKind;
use crate::storage::StorageError;
use crate::training::TrainError;

/// Why a model could not be loaded or could not predict.
#[derive(Debug, thiserror::Error)]
pub enum PredictorError {
    /// It was stopped.
    #[error("Prediction was stopped.")]
    Cancelled,
    /// The model has no trained head yet.
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
    /// The model predicts words, not labels.
    #[error(
        "The model in {} is a language model: it predicts words, not labels. To predict labels, train a classifier that starts from it: \
         `hone new` with `--model` and this folder, then `hone train`.",
        .0.display()
    )]
    NoLabels(PathBuf),
    /// The texts have no word to predict.
    #[error(
        "The model knows none of the words in these texts, so there is nothing to predict. Choose texts in the model's language."
    )]
    NoKnownWords,
    /// The model cannot continue a text.
    #[error(
        "The model in {} does not predict the next token, so it cannot continue a text. Choose a language model such as GPT-2 or Llama.",
        .0.display()
    )]
    PredictsNoNextToken(PathBuf),
    /// There is no text to continue.
    #[error("There is no text to continue: nothing is left after cleaning. Write how the text begins.")]
    NothingToContinue,
    /// The model has a head that Hone does not support.
    #[error(
        "The model in {} is a {class}, which Hone cannot predict with. It can use classifiers \
         (BertForSequenceClassification) and language models (BertForMaskedLM, GPT2LMHeadModel). Train a classifier that \
         starts from this model, or choose another.",
        folder.display()
    )]
    OtherHead {
        /// Its folder.
        folder: PathBuf,
        /// Its Hugging Face class.
        class: String,
    },
    /// The model does not predict exactly one label for each text.
    #[error(
        "The model in {} gives {answer} for each text, not one label, so Hone cannot predict with it. Train a classifier that \
         starts from this model, or choose another.",
        folder.display()
    )]
    NotOneLabel {
        /// Its folder.
        folder: PathBuf,
        /// What it predicts instead.
        answer: &'static str,
    },
    /// A classifier whose labels have no names.
    #[error(
        "The config.json of the model in {} does not name its labels. Add their names, in the order of the model's scores, \
         such as \"id2label\": {{\"0\": \"negative\", \"1\": \"positive\"}}.",
        .0.display()
    )]
    NoLabelNames(PathBuf),
    /// A cleaning pattern in the model's `hone.ron` cannot be used.
    #[error("In {}, {error}.", file.display())]
    Cleaning {
        /// The `hone.ron`.
        file: PathBuf,
        /// The error in the pattern.
        error: PatternError,
    },
    /// The model's `hone.ron` could not be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The model's weights or configuration could not be loaded.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The tokenizer failed.
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
