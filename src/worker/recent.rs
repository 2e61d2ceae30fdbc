//! The job that looks at the recent projects on disk.

use std::path::PathBuf;

use crate::storage::{RecentProject, recent_projects};
use crate::worker::{Context, Job, JobError};

/// Reads what a person recognises recent projects by. Their folders may be on a slow disk, or on another machine.
#[derive(Clone, Debug)]
pub struct ReadRecent {
    /// The projects' folders.
    pub folders: Vec<PathBuf>,
}

impl Job for ReadRecent {
    type Answer = Vec<RecentProject>;
    const TITLE: &'static str = "Reading the recent projects";

    fn run(self, _: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        Ok(recent_projects(&self.folders))
    }
}
