//! What each command does: a few lines each, over the other rooms.

use std::path::Path;
use std::sync::Arc;

use crate::data::{self, DataError, Imported};
use crate::progress::{Control, Watch};
use crate::project::Project;

use super::dataset::KeptData;
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
pub(super) struct Kept {
    pub data: KeptData,
}

/// Why a job ended without an answer of its own.
#[derive(Debug)]
pub(super) enum JobError {
    /// It was told to stop.
    Cancelled,
    /// What happened, why, and what to do next.
    Failed(String),
}

impl From<DataError> for JobError {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Cancelled => Self::Cancelled,
            other => Self::Failed(other.to_string()),
        }
    }
}

impl Context<'_> {
    /// Runs a long function of another room with this job's switches and voice.
    pub fn watched<T>(&mut self, work: impl FnOnce(&mut Watch<'_>) -> T) -> T {
        let reporter = &mut *self.reporter;
        work(&mut Watch { control: self.control, report: &mut |progress| reporter.progress(progress) })
    }
}

/// Runs a command to its final answer.
pub(super) fn run(command: Command, context: &mut Context<'_>) -> Result<Answer, JobError> {
    match command {
        Command::Import { project, folder } => import(context, &project, &folder),
        Command::Prepare { project, imported } => prepare(context, &project, &imported),
        Command::FetchModel { .. }
        | Command::Train { .. }
        | Command::Evaluate { .. }
        | Command::LoadRun { .. }
        | Command::PredictFile { .. }
        | Command::Classify { .. }
        | Command::Export { .. } => Err(JobError::Failed("This build of Hone cannot do this yet.".to_owned())),
    }
}

fn import(context: &mut Context<'_>, project: &Project, folder: &Path) -> Result<Answer, JobError> {
    let imported = context.watched(|watch| data::import(project, folder, watch))?;
    Ok(Answer::Imported(context.kept.data.keep_imported(project, folder, imported)))
}

fn prepare(context: &mut Context<'_>, project: &Project, imported: &Arc<Imported>) -> Result<Answer, JobError> {
    let prepared = context.watched(|watch| data::prepare(project, imported, watch))?;
    Ok(Answer::Prepared(context.kept.data.keep_prepared(project, imported, prepared)))
}
