//! How jobs get the project's data: read, prepared and compared now, or kept from before.

use std::path::Path;
use std::sync::Arc;

use crate::data::{self, Example, Imported, LeakageReport, Likeness, NearGroups, Prepared};
use crate::progress::Watch;
use crate::project::Project;
use crate::worker::dataset::FilesKey;
use crate::worker::{Context, JobError};

impl Context<'_> {
    /// The project's data, read and prepared now, or kept from before if nothing on disk has changed.
    pub(super) fn prepared(&mut self, project: &Project, folder: &Path) -> Result<Arc<Prepared>, JobError> {
        Ok(self.read_and_prepared(project, folder)?.1)
    }

    /// The same, together with the rows as read.
    pub(super) fn read_and_prepared(
        &mut self,
        project: &Project,
        folder: &Path,
    ) -> Result<(Arc<Imported>, Arc<Prepared>), JobError> {
        let imported = if let Some(imported) = self.cache.data.imported(&FilesKey::of(project, folder)) {
            imported
        } else {
            self.import(project, folder)?
        };
        if let Some(prepared) = self.cache.data.prepared(project, &imported) {
            return Ok((imported, prepared));
        }
        let prepared = self.prepare(project, &imported)?;
        let prepared = self.cache.data.keep_prepared(project, &imported, prepared);
        Ok((imported, prepared))
    }

    /// Prepares rows. Texts that have been compared already are not compared again.
    pub(super) fn prepare(&mut self, project: &Project, imported: &Imported) -> Result<Prepared, JobError> {
        let comparisons = self.cache.data.comparisons.clone();
        let mut find_near = |examples: &[Example], watch: &mut Watch<'_>| comparisons.near_groups(examples, watch);
        let cleaned = self.cache.data.cleaned(project, imported);
        Ok(self.watched(|watch| match cleaned {
            Some(cleaned) => data::split_again(project, imported, cleaned, &mut find_near, watch),
            None => data::prepare_with(project, imported, &mut find_near, watch),
        })?)
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
