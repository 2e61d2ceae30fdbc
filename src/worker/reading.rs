//! How jobs get the project's data: read, prepared and compared now, or kept from before.

use std::path::Path;
use std::sync::Arc;

use crate::data::{self, Example, Imported, LeakageReport, Likeness, NearGroups, Prepared, RowsToSplit};
use crate::progress::Watch;
use crate::project::{Project, RowsUsed};
use crate::worker::dataset::FilesKey;
use crate::worker::{Context, JobError};

impl Context<'_> {
    /// The project's data, read and prepared now, or kept from before if nothing on disk has changed. Relative paths
    /// are those of `folder`; `home` is the project's folder, where the split of the last run is.
    pub(super) fn prepared(
        &mut self,
        project: &Project,
        folder: &Path,
        home: &Path,
    ) -> Result<Arc<Prepared>, JobError> {
        Ok(self.read_and_prepared(project, folder, home)?.1)
    }

    /// The same, together with the rows as read.
    pub(super) fn read_and_prepared(
        &mut self,
        project: &Project,
        folder: &Path,
        home: &Path,
    ) -> Result<(Arc<Imported>, Arc<Prepared>), JobError> {
        let imported = if let Some(imported) = self.cache.data.imported(&FilesKey::of(project, folder)) {
            imported
        } else {
            self.import(project, folder)?
        };
        let prepared = self.prepare(project, &imported, Some(home))?;
        Ok((imported, prepared))
    }

    /// Prepares rows, if that has not been done. Texts that have been compared already are not compared again. Without
    /// a project's folder there is no split of a last run.
    pub(super) fn prepare(
        &mut self,
        project: &Project,
        imported: &Arc<Imported>,
        home: Option<&Path>,
    ) -> Result<Arc<Prepared>, JobError> {
        let drawn = home.map(|home| self.cache.data.drawn(home)).transpose()?.flatten();
        if let Some(prepared) = self.cache.data.prepared(project, imported, drawn.as_ref()) {
            return Ok(prepared);
        }
        let comparisons = self.cache.data.comparisons.clone();
        let mut find_near = |examples: &[Example], watch: &mut Watch<'_>| comparisons.near_groups(examples, watch);
        let cleaned = self.cache.data.cleaned(project, imported);
        let from = RowsToSplit { project, imported, drawn: drawn.as_deref() };
        let prepared = self.watched(|watch| match cleaned {
            Some(cleaned) => data::split_again(from, cleaned, &mut find_near, watch),
            None => data::prepare_with(from, &mut find_near, watch),
        })?;
        Ok(self.cache.data.keep_prepared(project, imported, drawn, prepared))
    }

    /// The part of a project's rows that a run used.
    pub(super) fn rows_used(
        &mut self,
        (project, imported): (&Project, &Imported),
        prepared: &Arc<Prepared>,
        used: RowsUsed,
    ) -> Result<Arc<Prepared>, JobError> {
        if used == RowsUsed::All {
            return Ok(Arc::clone(prepared));
        }
        let from = RowsToSplit { project, imported, drawn: None };
        Ok(Arc::new(data::rows_used(from, prepared, used, self.control)?))
    }

    /// The near-duplicates among the texts of prepared rows, compared now if they have not been compared yet.
    pub(super) fn near_groups(&mut self, prepared: &Prepared) -> Result<Arc<NearGroups>, JobError> {
        if let Some(near) = &prepared.near {
            return Ok(Arc::clone(near));
        }
        let comparisons = self.cache.data.comparisons.clone();
        Ok(self.watched(|watch| comparisons.near_groups(&prepared.examples, watch))?)
    }

    /// The same, as rows.
    pub(super) fn likeness(&mut self, prepared: &Prepared) -> Result<Likeness, JobError> {
        Ok(Likeness::of(prepared, &*self.near_groups(prepared)?))
    }

    /// Finds leakage in prepared rows.
    pub(super) fn leaks(
        &mut self,
        project: &Project,
        imported: &Imported,
        prepared: &Prepared,
    ) -> Result<LeakageReport, JobError> {
        let near = self.near_groups(prepared)?;
        Ok(self.watched(|watch| data::find_leaks(project, imported, prepared, &near, watch))?)
    }

    /// Reads the project's data again.
    pub(super) fn import(&mut self, project: &Project, folder: &Path) -> Result<Arc<Imported>, JobError> {
        let imported = self.watched(|watch| data::import(project, folder, watch))?;
        Ok(self.cache.data.keep_imported(project, folder, imported))
    }
}
