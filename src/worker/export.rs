//! The job that writes a run's model for other tools.

use std::path::PathBuf;

use crate::export::{self, ExportFormat, Exported};
use crate::storage::RunFolder;
use crate::worker::{Context, Job, JobError};

/// Exports a run's model and compares the export with the original.
#[derive(Clone, Debug)]
pub struct Export {
    /// The run's folder.
    pub run: PathBuf,
    /// The format.
    pub format: ExportFormat,
    /// The folder (or file, for a format of one file) to write. It must not exist, or be an empty folder.
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
