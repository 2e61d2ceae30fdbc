//! What a job is, and what it is given while it runs.

use std::path::Path;
use std::sync::Arc;

use crate::data::TextTokenizer;
use crate::progress::{Control, Progress, Watch};
use crate::worker::cache::Cache;
use crate::worker::pending::Ticket;
use crate::worker::reporter::Reporter;
use crate::worker::{JobError, LogLevel, Said};

/// One long operation: a value that the worker runs to one answer.
///
/// The worker runs jobs one at a time, in order. Progress, log, cancelling, pausing, failures and panics are the same for
/// all of them: a job only does its work.
pub trait Job: Send + 'static {
    /// What it is asked for.
    type Answer: Send + 'static;
    /// What it does, for example "Reading the data". "… failed" and "… stopped" can follow it.
    const TITLE: &'static str;

    /// Does the work.
    ///
    /// # Errors
    /// Why there is no answer.
    fn run(self, context: &mut Context<'_>) -> Result<Self::Answer, JobError>;
}

/// What a running job is given.
pub struct Context<'a> {
    /// Stop and pause switches.
    pub(super) control: &'a Control,
    /// What earlier jobs left.
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

    /// Passes on how far the job is.
    pub(super) fn progress(&mut self, progress: Progress) {
        self.reporter.progress(progress);
    }

    /// Adds a line to the job's log.
    pub(super) fn log(&self, level: LogLevel, message: impl Into<String>) {
        self.ticket.log(level, message);
    }

    /// Tells the owner that an event of the job's own kind waits in the job's own channel.
    pub(super) fn announce_event(&self) {
        self.ticket.say(Said::Event);
    }

    /// The tokenizer of a model, kept from before if it is of the same folder.
    pub(super) fn tokenizer(&mut self, folder: &Path) -> Result<Arc<TextTokenizer>, JobError> {
        if let Some((_, tokenizer)) = self.cache.tokenizer.as_ref().filter(|(cached, _)| cached == folder) {
            return Ok(Arc::clone(tokenizer));
        }
        let tokenizer = Arc::new(TextTokenizer::load(folder)?);
        self.cache.tokenizer = Some((folder.to_owned(), Arc::clone(&tokenizer)));
        Ok(tokenizer)
    }
}
