//! One worker, one job at a time, with progress and Ctrl-C.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::cli::CliError;
use crate::cli::screen::Screen;
use crate::worker::{BACKGROUND, Job, Said, SharedData, Worker, WorkerOptions};

/// How often Ctrl-C is checked.
const LOOK: Duration = Duration::from_millis(50);

/// The usual exit code of a process ended by Ctrl-C.
const ENDED_BY_INTERRUPT: i32 = 130;

/// Times Ctrl-C was pressed (or the process was asked to end).
static INTERRUPTS: AtomicU32 = AtomicU32::new(0);

/// A worker and its progress display.
pub(super) struct JobRunner {
    worker: Worker,
    screen: Screen,
    heeded: u32,
}

impl JobRunner {
    /// Starts a worker and handles Ctrl-C.
    pub(super) fn begin() -> Result<Self, CliError> {
        // Fails only if this process already has a handler, from an earlier session.
        let _ = ctrlc::set_handler(|| {
            if INTERRUPTS.fetch_add(1, Ordering::AcqRel) > 0 {
                std::process::exit(ENDED_BY_INTERRUPT);
            }
        });
        let background_priority = std::env::var_os(BACKGROUND).is_some();
        let options = WorkerOptions { background_priority, models: None };
        let worker = Worker::spawn_with(options, SharedData::default(), || {}).map_err(|error| {
            CliError::Failed(format!(
                "The system could not start a worker thread: {error}. Close other programs and try again."
            ))
        })?;
        Ok(Self { worker, screen: Screen::for_standard_error(), heeded: 0 })
    }

    /// Runs a job to its answer.
    pub(super) fn run<J: Job>(&mut self, job: J) -> Result<J::Answer, CliError> {
        self.run_with(job, |_| ())
    }

    /// Runs a job to its answer; `on_event` shows the next event of the job's own kind.
    pub(super) fn run_with<J: Job>(
        &mut self,
        job: J,
        mut on_event: impl FnMut(&mut Screen),
    ) -> Result<J::Answer, CliError> {
        let mut pending = self.worker.submit(job);
        loop {
            if self.is_interrupted() {
                pending.cancel();
            }
            let answer = pending.wait(LOOK);
            for said in pending.said() {
                match said {
                    Said::Progress(progress) => self.screen.progress(&progress),
                    Said::Log(line) => self.screen.log(&line),
                    Said::Event => on_event(&mut self.screen),
                }
            }
            if let Some(answer) = answer {
                self.screen.clear();
                return Ok(answer?);
            }
        }
    }

    /// Prints a line for the person.
    pub(super) fn say(&mut self, line: &str) {
        self.screen.line(line);
    }

    /// Whether Ctrl-C was pressed since the last call.
    fn is_interrupted(&mut self) -> bool {
        let pressed = INTERRUPTS.load(Ordering::Acquire);
        let interrupted = pressed > self.heeded;
        if interrupted {
            self.heeded = pressed;
            self.screen.line("Stopping cleanly. Press Ctrl-C again to quit now.");
        }
        interrupted
    }
}
