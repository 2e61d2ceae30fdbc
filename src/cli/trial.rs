//! `hone trial`: what a job of a Ray cluster runs.

use std::io::Write;
use std::path::Path;

use crate::cli::CliError;
use crate::cli::job_runner::JobRunner;
use crate::cli::study_args::TrialArguments;
use crate::worker::{RunTrial, TrialMessage, TrialTask};

/// Where Ray unpacks a job's packages, besides the working directory.
const PACKAGES: &str = "PYTHONPATH";

/// Trains a trial, and prints its run line by line for the process that follows the job. What is for people goes to standard error,
/// which is in the job's log too.
pub(super) fn run(arguments: &TrialArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let task = TrialTask::from_word(&arguments.task);
    let task = task.ok_or_else(|| CliError::Usage("this is no trial as `hone search --ray` writes it".to_owned()))?;
    let mut packages = vec![std::env::current_dir()?];
    packages.extend(std::env::split_paths(&std::env::var_os(PACKAGES).unwrap_or_default()).filter(|path| is_set(path)));
    let (messages, told) = crossbeam_channel::unbounded();
    let job = RunTrial { task, place: arguments.place.clone(), packages, messages };
    let mut printed = Ok(());
    let ended = JobRunner::begin()?.run_with(job, |_| {
        for message in told.try_iter().take(1) {
            if printed.is_ok() {
                printed = print(out, &message);
            }
        }
    });
    printed?;
    if let Err(CliError::Failed(why)) = &ended {
        print(out, &TrialMessage::Failed(why.clone()))?;
    }
    ended
}

fn is_set(path: &Path) -> bool {
    !path.as_os_str().is_empty()
}

/// Prints a line at once: who follows the job waits for it.
fn print(out: &mut dyn Write, message: &TrialMessage) -> Result<(), CliError> {
    writeln!(out, "{}", message.to_line())?;
    Ok(out.flush()?)
}
