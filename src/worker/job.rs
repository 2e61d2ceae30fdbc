//! Jobs, and the context in which they run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data::{DataError, TextTokenizer};
use crate::export::ExportError;
use crate::fetch::FetchError;
use crate::models::ModelError;
use crate::predictor::PredictorError;
use crate::progress::{Control, Progress, Watch};
use crate::storage::StorageError;
use crate::training::TrainError;

use crate::words::sentence_case;
use crate::worker::dataset::SharedData;
use crate::worker::findings::{CachedLanguages, CachedLengths};
use crate::worker::language::CachedUntrained;
use crate::worker::pending::Ticket;
use crate::worker::predict::CachedModel;
use crate::worker::reporter::Reporter;
use crate::worker::{LogLevel, Said};

/// One long operation, which the worker runs and which gives one answer.
///
/// The worker runs jobs one at a time, in order. Progress, log, cancelling, pausing, failures and panics are the same
/// for all of them: a job only does its work.
pub trait Job: Send + 'static {
    /// Type of its answer.
    type Answer: Send + 'static;
    /// What it does, for example "Reading the data". The title can be followed by "failed" or "stopped".
    const TITLE: &'static str;

    /// Does the work.
    ///
    /// # Errors
    /// Why there is no answer.
    fn run(self, context: &mut Context<'_>) -> Result<Self::Answer, JobError>;
}

/// Why a job ended without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobError {
    /// It was cancelled and left nothing half done.
    Cancelled,
    /// What happened, why, and what to do next.
    Failed(String),
}

/// What a running job is given.
pub struct Context<'a> {
    /// The switches for stopping and pausing.
    pub(super) control: &'a Control,
    /// What earlier jobs kept.
    pub(super) cache: &'a mut Cache,
    ticket: &'a Ticket,
    reporter: Reporter<'a>,
}

/// What is kept from one job for the next.
#[derive(Default)]
pub(super) struct Cache {
    pub data: SharedData,
    pub model: CachedModel,
    pub untrained: CachedUntrained,
    pub lengths: CachedLengths,
    pub languages: CachedLanguages,
    /// The tokenizer read last, and the model's folder.
    pub tokenizer: Option<(PathBuf, Arc<TextTokenizer>)>,
}

impl<'a> Context<'a> {
    pub(super) fn new(ticket: &'a Ticket, cache: &'a mut Cache) -> Self {
        Self { control: &ticket.control, cache, ticket, reporter: Reporter::new(ticket) }
    }

    /// Runs a long function of another room with this job's switches and progress.
    pub(super) fn watched<T>(&mut self, work: impl FnOnce(&mut Watch<'_>) -> T) -> T {
        let reporter = &mut self.reporter;
        work(&mut Watch { control: self.control, report: &mut |progress| reporter.progress(progress) })
    }

    /// Reports progress.
    pub(super) fn progress(&mut self, progress: Progress) {
        self.reporter.progress(progress);
    }

    /// Adds a line to the job's log.
    pub(super) fn log(&self, level: LogLevel, message: impl Into<String>) {
        self.ticket.log(level, message);
    }

    /// Tells the owner that an event is in the job's own channel.
    pub(super) fn announce_event(&self) {
        self.ticket.say(Said::Event);
    }

    /// The tokenizer of a model, kept from before if the folder is the same.
    pub(super) fn tokenizer(&mut self, folder: &Path) -> Result<Arc<TextTokenizer>, JobError> {
        if let Some((_, tokenizer)) = self.cache.tokenizer.as_ref().filter(|(cached, _)| cached == folder) {
            return Ok(Arc::clone(tokenizer));
        }
        let tokenizer = Arc::new(TextTokenizer::load(folder)?);
        self.cache.tokenizer = Some((folder.to_owned(), Arc::clone(&tokenizer)));
        Ok(tokenizer)
    }
}

impl JobError {
    /// An error as a sentence: the other rooms' messages begin in lower case where they can be part of another one.
    pub(super) fn failed(error: impl std::error::Error) -> Self {
        Self::Failed(sentence_case(&error.to_string()))
    }
}

/// Rooms whose long functions can be cancelled say so with an error of their own.
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

from_cancellable!(DataError, FetchError, ExportError, PredictorError, TrainError);

impl From<StorageError> for JobError {
    fn from(error: StorageError) -> Self {
        Self::failed(error)
    }
}

impl From<ModelError> for JobError {
    fn from(error: ModelError) -> Self {
        Self::failed(error)
    }
}
