//! The job that writes a run's model for other tools.

use std::path::PathBuf;

use crate::export::{self, ExportFormat, Exported};
use crate::storage::RunFolder;
use crate::worker::{Context, Job, JobError};

/// Writes a run's model to another place and compares it with the original.
#[derive(Clone, Debug)]
pub struct Export {
    /// The run's folder.
    pub run: PathBuf,
    /// What to write.
    pub format: ExportFormat,
    /// Folder (or file, for one file) to write; must not exist or be empty.
    pub output: PathBuf,
}

impl Job for Export {
    type Answer = Exported;
    const TITLE: &'static str = "Exporting";

    fn run(self, context: &mut Context<'_>) -> Result<Exported, JobError> {
        let run = RunFolder::open(&self.run)?;
        Ok(context.watched(|watch| export::export(&run, self.format, &self.output, watch))?)
    }
}
