//! A job that was submitted, as its owner holds it: what it says, how to stop it, and its one answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use crate::progress::{Control, Progress};
use crate::worker::JobError;

/// Called after everything a job says, from the worker's threads.
pub(super) type Wake = Arc<dyn Fn() + Send + Sync>;

/// What every job says on the way.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// How far the job is; the newest wins.
    Progress(Progress),
    /// A line for the log.
    Log(LogLine),
    /// An event of the job's own kind waits in the channel the job was given.
    Event,
}

/// A line of a job's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How serious it is.
    pub level: LogLevel,
    /// One sentence.
    pub message: String,
}

impl LogLine {
    /// A line for the record.
    #[must_use]
    pub fn info(message: impl Into<String>) -> Self {
        Self { level: LogLevel::Info, message: message.into() }
    }

    /// A line worth a look.
    #[must_use]
    pub fn warning(message: impl Into<String>) -> Self {
        Self { level: LogLevel::Warning, message: message.into() }
    }
}

/// How serious a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// For the record.
    Info,
    /// Worth a look.
    Warning,
}

/// What the worker and the owner of a job share.
pub(super) struct Ticket {
    pub control: Control,
    /// Set once: by the worker that begins the job, or by the owner who withdraws it before that.
    claimed: AtomicBool,
    said: Sender<Said>,
    wake: Wake,
}

impl Ticket {
    pub fn new(wake: Wake) -> (Arc<Self>, Receiver<Said>) {
        let (said, receiver) = crossbeam_channel::unbounded();
        (Arc::new(Self { control: Control::default(), claimed: AtomicBool::new(false), said, wake }), receiver)
    }

    /// Whether the caller is the first to claim the job.
    pub fn claim(&self) -> bool {
        !self.claimed.swap(true, Ordering::AcqRel)
    }

    /// Passes something on. An owner who is gone is no error: nobody is left to hear it.
    pub fn say(&self, said: Said) {
        if self.said.send(said).is_ok() {
            self.wake();
        }
    }

    pub fn log(&self, level: LogLevel, message: impl Into<String>) {
        self.say(Said::Log(LogLine { level, message: message.into() }));
    }

    pub fn wake(&self) {
        (self.wake)();
    }
}

/// A job that was submitted and will be answered exactly once, also when it panics or its worker ends.
///
/// Dropping it abandons the job: nobody waits for the answer.
#[must_use = "dropping it abandons the job"]
pub struct Pending<T> {
    ticket: Arc<Ticket>,
    said: Receiver<Said>,
    answers: Receiver<Result<T, JobError>>,
    /// Cancelled before it began.
    withdrawn: bool,
    answered: bool,
}

impl<T> Pending<T> {
    pub(super) fn new(ticket: Arc<Ticket>, said: Receiver<Said>, answers: Receiver<Result<T, JobError>>) -> Self {
        Self { ticket, said, answers, withdrawn: false, answered: false }
    }

    /// Everything the job has said since the last call, in order.
    pub fn said(&self) -> impl Iterator<Item = Said> + '_ {
        self.said.try_iter()
    }

    /// The answer, once, when there is one.
    pub fn answer(&mut self) -> Option<Result<T, JobError>> {
        self.wait(Duration::ZERO)
    }

    /// The answer, once; waits for it for a while.
    pub fn wait(&mut self, timeout: Duration) -> Option<Result<T, JobError>> {
        if self.answered {
            return None;
        }
        let answer = if self.withdrawn {
            Err(JobError::Cancelled)
        } else {
            match self.answers.recv_timeout(timeout) {
                Ok(answer) => answer,
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => Err(JobError::Failed(
                    "The worker thread has ended. Please save the project and start Hone again.".to_owned(),
                )),
            }
        };
        self.answered = true;
        Some(answer)
    }

    /// Asks the job to stop. One still in the queue is answered as cancelled at once and never begins. One under way says
    /// in its log that it is stopping; training keeps its best checkpoint and ends with a result. Asked again, a job drops
    /// what would take longer.
    pub fn cancel(&mut self) {
        if self.answered || self.withdrawn {
            return;
        }
        let message = if self.ticket.control.is_cancelled() { "Stopping now" } else { "Stopping" };
        self.ticket.control.cancel();
        if self.ticket.claim() {
            self.withdrawn = true;
            self.ticket.wake();
        } else {
            self.ticket.log(LogLevel::Info, message);
        }
    }

    /// Makes the job wait, or go on. A queued one will wait when its turn comes.
    pub fn set_paused(&self, paused: bool) {
        self.ticket.control.set_paused(paused);
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        if !self.answered {
            self.ticket.control.abandon();
        }
    }
}

impl<T> std::fmt::Debug for Pending<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pending").field("answered", &self.answered).finish_non_exhaustive()
    }
}
