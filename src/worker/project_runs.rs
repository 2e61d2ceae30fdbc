//! The jobs that list a project's runs, move them to the bin and back, and free their disk space.

use std::path::PathBuf;
use std::sync::Arc;

use crate::storage::{AdaptedModel, FreePolicy, Freeable, RunFolder, RunRecords, adapted_models, empty_bin};
use crate::words::{bytes, counted, joined};
use crate::worker::{Context, Job, JobError};

/// Lists the runs of a project. It is asked often: what has not changed is not read again.
#[derive(Clone, Debug)]
pub struct ListRuns {
    /// The project's folder.
    pub folder: PathBuf,
    /// What was listed before.
    pub before: Option<Arc<ListedRuns>>,
    /// Projects to look for adapted models in; `None` keeps those that were found before.
    pub recent: Option<Vec<PathBuf>>,
}

/// The runs of a project, and what of them can be freed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListedRuns {
    /// The runs.
    pub records: RunRecords,
    /// What a person can do without.
    pub freeable: Vec<Freeable>,
    /// Adapted models of recent projects.
    pub adapted: Vec<AdaptedModel>,
}

impl ListedRuns {
    /// How many bytes can be freed.
    #[must_use]
    pub fn freeable_bytes(&self) -> u64 {
        self.freeable.iter().map(|part| part.bytes).sum()
    }
}

impl Job for ListRuns {
    /// The same as before if nothing has changed.
    type Answer = Arc<ListedRuns>;
    const TITLE: &'static str = "Listing the runs";

    fn run(self, _: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        let records = RunRecords::read(&self.folder, self.before.as_ref().map(|before| &before.records))?;
        let known = || self.before.as_ref().map(|before| before.adapted.clone()).unwrap_or_default();
        let adapted = self.recent.as_deref().map_or_else(known, adapted_models);
        let is_same = |before: &Arc<ListedRuns>| before.records.is_same(&records) && before.adapted == adapted;
        if let Some(before) = self.before.as_ref().filter(|before| is_same(before)) {
            return Ok(Arc::clone(before));
        }
        let freeable = FreePolicy::default().freeable(&records);
        Ok(Arc::new(ListedRuns { records, freeable, adapted }))
    }
}

/// Something to do with runs.
#[derive(Clone, Debug, PartialEq)]
pub enum RunChange {
    /// Move them to the bin.
    Delete(Vec<RunFolder>),
    /// Move them from the bin back.
    Restore(Vec<RunFolder>),
    /// Delete the runs in the bin of the project in this folder for good.
    EmptyBin(PathBuf),
    /// Remove these parts of runs from the disk.
    Free(Vec<Freeable>),
}

/// Changes runs, and says what was done.
#[derive(Clone, Debug)]
pub struct ChangeRuns {
    /// What to do.
    pub change: RunChange,
}

impl Job for ChangeRuns {
    type Answer = String;
    const TITLE: &'static str = "Changing the runs";

    fn run(self, _: &mut Context<'_>) -> Result<String, JobError> {
        let runs = |number: usize| counted(number, "run", "runs");
        Ok(match self.change {
            RunChange::Delete(folders) => {
                let number = folders.len();
                folders.into_iter().try_for_each(|run| run.delete().map(drop))?;
                format!("Moved {} to the bin", runs(number))
            }
            RunChange::Restore(folders) => {
                let number = folders.len();
                folders.into_iter().try_for_each(|run| run.restore().map(drop))?;
                format!("Restored {}", runs(number))
            }
            RunChange::EmptyBin(project) => format!("Deleted {} for good", runs(empty_bin(&project)?)),
            RunChange::Free(parts) => {
                parts.iter().try_for_each(Freeable::free)?;
                let mut numbers: Vec<u64> = parts.iter().map(|part| part.number).collect();
                numbers.dedup();
                let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
                let size = bytes(parts.iter().map(|part| part.bytes).sum());
                format!("Freed {size} of run {}", joined(&numbers))
            }
        })
    }
}
