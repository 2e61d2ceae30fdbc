//! What each command does: a few lines each, over the other rooms.

use crate::progress::Control;

use super::reporter::Reporter;
use super::{Answer, Command};

/// What a job is given.
pub(super) struct Context<'a> {
    /// Stop and pause switches.
    pub control: &'a Control,
    /// Where it speaks.
    pub reporter: &'a mut Reporter,
    /// What earlier jobs left.
    pub kept: &'a mut Kept,
}

/// What is kept from one job for the next.
#[derive(Default)]
pub(super) struct Kept {}

/// Why a job ended without an answer of its own.
#[derive(Debug)]
pub(super) enum JobError {
    /// It was told to stop.
    Cancelled,
    /// What happened, why, and what to do next.
    Failed(String),
}

/// Runs a command to its final answer.
pub(super) fn run(command: Command, context: &mut Context<'_>) -> Result<Answer, JobError> {
    let _ = (command, context);
    Err(JobError::Failed("This build of Hone cannot do this yet.".to_owned()))
}
