//! One worker that runs one command at a time, with progress and Ctrl-C.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crossbeam_channel::RecvTimeoutError;

use crate::cli::CliError;
use crate::cli::screen::Screen;
use crate::worker::{Answer, Command, Worker};

/// How often Ctrl-C is checked.
const LOOK: Duration = Duration::from_millis(50);

/// The usual exit code of a process ended by Ctrl-C.
const ENDED_BY_INTERRUPT: i32 = 130;

/// Times Ctrl-C was pressed (or the process was asked to end).
static INTERRUPTS: AtomicU32 = AtomicU32::new(0);

/// A worker and its progress display.
pub(super) struct Session {
    worker: Worker,
    screen: Screen,
    heeded: u32,
}

impl Session {
    /// Starts a worker and handles Ctrl-C.
    pub(super) fn begin() -> Result<Self, CliError> {
        // Fails only if this process already has a handler, from an earlier session.
        let _ = ctrlc::set_handler(|| {
            if INTERRUPTS.fetch_add(1, Ordering::AcqRel) > 0 {
                std::process::exit(ENDED_BY_INTERRUPT);
            }
        });
        let worker = Worker::spawn(|| {}).map_err(|error| {
            CliError::Failed(format!(
                "The system could not start a worker thread: {error}. Close other programs and try again."
            ))
        })?;
        Ok(Self { worker, screen: Screen::for_standard_error(), heeded: 0 })
    }

    /// Runs a command to its final answer.
    pub(super) fn run(&mut self, command: Command) -> Result<Answer, CliError> {
        let job = self.worker.send(command);
        loop {
            self.heed_interrupt();
            let event = match self.worker.events().recv_timeout(LOOK) {
                Ok(event) if event.job == job => event,
                Ok(_) | Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(CliError::Failed("The worker thread crashed. This is a bug in Hone: please report it, and run the command again.".to_owned()));
                }
            };
            if event.answer.is_final() {
                self.screen.clear();
                return match event.answer {
                    Answer::Failed { message } => Err(CliError::Failed(message)),
                    Answer::Cancelled => Err(CliError::Stopped),
                    answer => Ok(answer),
                };
            }
            self.screen.show(&event.answer);
        }
    }

    fn heed_interrupt(&mut self) {
        let pressed = INTERRUPTS.load(Ordering::Acquire);
        if pressed > self.heeded {
            self.heeded = pressed;
            self.worker.cancel_all();
            self.screen.line("Stopping cleanly. Press Ctrl-C again to quit now.");
        }
    }
}
