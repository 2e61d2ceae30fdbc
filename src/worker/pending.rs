//! A submitted job, as its owner sees it: its messages, its answer, and how to stop it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use crate::progress::{Control, Progress};
use crate::worker::JobError;

/// Called after every message and answer of a job, on a thread of the worker.
pub(super) type Wake = Arc<dyn Fn() + Send + Sync>;

/// A message of a running job.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// Progress; only the newest counts.
    Progress(Progress),
    /// A line for the log.
    Log(LogLine),
    /// An event is in the job's own channel.
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
    /// A line for information.
    #[must_use]
    pub fn info(message: impl Into<String>) -> Self {
        Self { level: LogLevel::Info, message: message.into() }
    }

    /// A warning.
    #[must_use]
    pub fn warning(message: impl Into<String>) -> Self {
        Self { level: LogLevel::Warning, message: message.into() }
    }
}

/// How serious a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Information.
    Info,
    /// A warning.
    Warning,
}

/// What a worker and the owner of a job share.
pub(super) struct Ticket {
    pub control: Control,
    /// Set once: by the worker when it begins the job, or by the owner who withdraws it before that.
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

    /// Sends a message. It is not an error if the owner is gone.
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

/// A submitted job. It is answered exactly once, even if it panics or its worker ends.
///
/// Dropping it abandons the job: nobody waits for the answer.
#[must_use = "dropping it abandons the job"]
pub struct Pending<T> {
    ticket: Arc<Ticket>,
    said: Receiver<Said>,
    answers: Receiver<Result<T, JobError>>,
    /// Whether it was cancelled before it began.
    withdrawn: bool,
    answered: bool,
}

impl<T> Pending<T> {
    pub(super) fn new(ticket: Arc<Ticket>, said: Receiver<Said>, answers: Receiver<Result<T, JobError>>) -> Self {
        Self { ticket, said, answers, withdrawn: false, answered: false }
    }

    /// The job's messages since the last call, in order.
    pub fn said(&self) -> impl Iterator<Item = Said> + '_ {
        self.said.try_iter()
    }

    /// The answer, if the job has just ended. It is returned only once.
    pub fn answer(&mut self) -> Option<Result<T, JobError>> {
        self.wait(Duration::ZERO)
    }

    /// Waits for the answer. It is returned only once.
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

    /// Asks the job to stop. One still in the queue is answered as cancelled at once and never begins. One that is
    /// running says in its log that it is stopping; training keeps its best checkpoint and ends with a result. Called a
    /// second time, the job also skips what would take longer.
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

    /// Asks a run or study to end with a checkpoint from which another process goes on.
    pub fn hand_over(&self) {
        self.ticket.control.hand_over();
    }

    /// Pauses the job, or lets it continue. A queued job will pause when its turn comes.
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
