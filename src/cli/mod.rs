//! The terminal commands: a thin layer over the same worker as the window.

mod args;
mod bench;
mod compare;
mod compute_args;
mod continuing;
mod dry_run;
mod find_rate;
mod inspect;
mod lists;
mod hub_search;
mod model_choice;
mod model_commands;
mod model_list;
mod new;
mod outcome;
mod predict;
mod run_args;
mod run_changes;
mod run_entry;
mod run_list;
mod profile;
mod run_files;
mod sample;
mod screen;
mod job_runner;
mod shell;
mod study;
mod study_args;
mod study_results;
mod table;
mod texts;
mod train;
mod trial;
mod values;

use std::io::{self, Write};

pub use args::{Arguments, TerminalCommand};
pub use sample::train_sample;
pub use shell::{no_such_command, parse, shell_word};

use crate::project::SettingError;
use crate::storage::{OpenError, StorageError};
use crate::words::{full_stop, sentence_case};
use crate::worker::JobError;

/// Exit code of a command that succeeded.
pub const DONE: u8 = 0;
/// Exit code of a command that failed.
pub const FAILED: u8 = 1;
/// Exit code of a usage error.
pub const USAGE: u8 = 2;
/// Exit code of training that a person stopped, or that diverged, with its best checkpoint kept.
pub const STOPPED_EARLY: u8 = 3;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A usage error.
    #[error("{0}")]
    Usage(String),
    /// A failure: what happened, why, and what to do next.
    #[error("{0}")]
    Failed(String),
    /// The person stopped it before there was a result.
    #[error("Stopped before there was a result.")]
    Stopped,
    /// The person stopped training, or it diverged. The result of its best checkpoint was printed.
    #[error("Training was stopped early, and the best checkpoint is kept.")]
    StoppedEarly,
    /// The result could not be printed.
    #[error("The result could not be printed: {0}.")]
    Output(#[from] io::Error),
}

impl From<OpenError> for CliError {
    fn from(error: OpenError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<StorageError> for CliError {
    fn from(error: StorageError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<JobError> for CliError {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Cancelled => Self::Stopped,
            JobError::Failed(message) => Self::Failed(message),
        }
    }
}

impl From<SettingError> for CliError {
    fn from(error: SettingError) -> Self {
        Self::Usage(error.to_string())
    }
}

/// Runs a terminal command: results go to `out`, progress and errors to standard error. Returns the exit code.
#[must_use]
pub fn run(command: &TerminalCommand, out: &mut dyn Write) -> u8 {
    let ended = execute(command, out);
    let has_result = matches!(ended, Ok(()) | Err(CliError::StoppedEarly));
    report(if has_result { out.flush().map_err(CliError::from).and(ended) } else { ended })
}

/// Prints the error, if any, to standard error and returns the exit code.
#[must_use]
pub fn report(result: Result<(), CliError>) -> u8 {
    let error = match result {
        Ok(()) => return DONE,
        // The reader, such as `head`, closed the pipe.
        Err(CliError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => return DONE,
        // The result says so.
        Err(CliError::StoppedEarly) => return STOPPED_EARLY,
        Err(error) => error,
    };
    let _ = writeln!(io::stderr(), "Error: {}", sentence(&error.to_string()));
    if matches!(error, CliError::Usage(_)) { USAGE } else { FAILED }
}

fn execute(command: &TerminalCommand, out: &mut dyn Write) -> Result<(), CliError> {
    match command {
        TerminalCommand::New(arguments) => new::run(arguments, out),
        TerminalCommand::Train(arguments) => train::run(arguments, out),
        TerminalCommand::Evaluate(arguments) => model_commands::evaluate(arguments, out),
        TerminalCommand::Predict(arguments) => predict::run(arguments, out),
        TerminalCommand::Continue(arguments) => continuing::run(arguments, out),
        TerminalCommand::Export(arguments) => model_commands::export(arguments, out),
        TerminalCommand::Inspect(arguments) => inspect::run(arguments, out),
        TerminalCommand::Models(arguments) => model_commands::models(arguments, out),
        TerminalCommand::FindLr(arguments) => find_rate::run(arguments, out),
        TerminalCommand::Cv(arguments) => study::cross_validate(arguments, out),
        TerminalCommand::Seeds(arguments) => study::seeds(arguments, out),
        TerminalCommand::LearningCurve(arguments) => study::learning_curve(arguments, out),
        TerminalCommand::Search(arguments) => study::search(arguments, out),
        TerminalCommand::Best(arguments) => study::best(arguments, out),
        TerminalCommand::Trial(arguments) => trial::run(arguments, out),
        TerminalCommand::Studies(arguments) => study::list(arguments, out),
        TerminalCommand::Runs(arguments) => run_changes::run(arguments, out),
        TerminalCommand::Compare(arguments) => compare::run(arguments, out),
        TerminalCommand::Report(arguments) => run_files::report(arguments, out),
        TerminalCommand::Curves(arguments) => run_files::curves(arguments, out),
        TerminalCommand::Bench(command) => bench::run(command, out),
    }
}

/// Turns a message into a sentence: with a capital letter (see [`sentence_case`]) and a full stop.
fn sentence(message: &str) -> String {
    sentence_case(&full_stop(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_error_has_its_exit_code() {
        assert_eq!(report(Ok(())), 0);
        assert_eq!(report(Err(CliError::Failed("a".into()))), 1);
        assert_eq!(report(Err(CliError::Stopped)), 1);
        assert_eq!(report(Err(CliError::Usage("a".into()))), 2);
        assert_eq!(report(Err(CliError::StoppedEarly)), 3);
        assert_eq!(report(Err(CliError::Output(io::ErrorKind::BrokenPipe.into()))), 0);
        assert_eq!(report(Err(CliError::Output(io::ErrorKind::StorageFull.into()))), 1);
    }

    #[test]
    fn messages_are_sentences() {
        assert_eq!(sentence("there is no file at a.csv"), "There is no file at a.csv.");
        assert_eq!(sentence("Was it moved?"), "Was it moved?");
        assert_eq!(sentence("reviews.csv is empty"), "reviews.csv is empty.");
    }
}
