//! Jobs, and the context in which they run.

use std::path::Path;
use std::sync::Arc;

use crate::data::TextTokenizer;
use crate::progress::{Control, Progress, Watch};
use crate::worker::cache::Cache;
use crate::worker::pending::Ticket;
use crate::worker::reporter::Reporter;
use crate::worker::{JobError, LogLevel, Said};

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

/// What a running job can use.
pub struct Context<'a> {
    /// The switches for stopping and pausing.
    pub(super) control: &'a Control,
    /// What earlier jobs kept.
    pub(super) cache: &'a mut Cache,
    ticket: &'a Ticket,
    reporter: Reporter<'a>,
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
