//! The last data read and prepared, kept so that neither another job nor another worker reads it again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::data::{self, Example, Imported, LeakageReport, Likeness, NearGroups, Prepared};
use crate::progress::Watch;
use crate::project::{DatasetSettings, Project};

use crate::worker::comparing::Comparisons;
use crate::worker::{Context, JobError};

/// The data of the project that is worked on. Workers given clones of it share what any of them reads.
#[derive(Clone, Default)]
pub struct SharedData {
    kept: Arc<Mutex<Kept>>,
    comparisons: Comparisons,
}

/// One entry each: a person works on one project at a time. Entries are shared and never change.
#[derive(Default)]
struct Kept {
    imported: Option<(FilesKey, Arc<Imported>)>,
    prepared: Option<(Project, Arc<Imported>, Arc<Prepared>)>,
}

/// What the rows read depend on: the settings and each file as it stands on disk.
#[derive(PartialEq)]
struct FilesKey {
    folder: PathBuf,
    dataset: DatasetSettings,
    stamps: Vec<Option<(u64, SystemTime)>>,
}

impl FilesKey {
    fn of(project: &Project, folder: &Path) -> Self {
        let dataset = project.dataset.as_read();
        let stamps = dataset.files().map(|path| stamp(&folder.join(path), FOLDER_LEVELS)).collect();
        Self { folder: folder.to_owned(), dataset, stamps }
    }
}

/// Levels of folders in a folder of data that are looked at.
const FOLDER_LEVELS: usize = 3;

/// Size and time of the last change; of a folder, those of all its files.
fn stamp(path: &Path, levels: usize) -> Option<(u64, SystemTime)> {
    let metadata = std::fs::metadata(path).ok()?;
    let (mut bytes, mut changed) = (metadata.len(), metadata.modified().ok()?);
    if metadata.is_dir() && levels > 0 {
        for entry in std::fs::read_dir(path).ok()?.flatten() {
            if let Some((more, later)) = stamp(&entry.path(), levels - 1) {
                (bytes, changed) = (bytes.wrapping_add(more), changed.max(later));
            }
        }
    }
    Some((bytes, changed))
}

impl SharedData {
    /// Keeps rows just read.
    pub(super) fn keep_imported(&self, project: &Project, folder: &Path, imported: Imported) -> Arc<Imported> {
        let imported = Arc::new(imported);
        self.lock().imported = Some((FilesKey::of(project, folder), Arc::clone(&imported)));
        imported
    }

    /// Keeps rows just prepared.
    pub(super) fn keep_prepared(
        &self,
        project: &Project,
        imported: &Arc<Imported>,
        prepared: Prepared,
    ) -> Arc<Prepared> {
        let prepared = Arc::new(prepared);
        let mut key = project.clone();
        key.edits.follow(&prepared.moved_edits);
        self.lock().prepared = Some((key, Arc::clone(imported), Arc::clone(&prepared)));
        prepared
    }

    fn imported(&self, key: &FilesKey) -> Option<Arc<Imported>> {
        self.lock().imported.as_ref().filter(|(kept, _)| kept == key).map(|(_, imported)| Arc::clone(imported))
    }

    fn prepared(&self, project: &Project, imported: &Arc<Imported>) -> Option<Arc<Prepared>> {
        let kept = self.lock();
        kept.prepared
            .as_ref()
            .filter(|(kept, rows, _)| Arc::ptr_eq(rows, imported) && kept.prepared_from() == project.prepared_from())
            .map(|(.., prepared)| Arc::clone(prepared))
    }

    /// The rows kept, if only the settings of the split differ; a copy if somebody uses them.
    fn cleaned(&self, project: &Project, imported: &Imported) -> Option<Prepared> {
        let prepared = {
            let mut kept = self.lock();
            let (key, rows, prepared) = kept.prepared.as_ref()?;
            let key = Project { split: project.split.clone(), ..key.clone() };
            let is_of = std::ptr::eq(rows.as_ref(), imported) && key.prepared_from() == project.prepared_from();
            if !is_of || !prepared.moved_edits.is_empty() {
                return None;
            }
            let prepared = Arc::clone(prepared);
            if Arc::strong_count(&prepared) == 2 {
                kept.prepared = None;
            }
            prepared
        };
        Some(Arc::unwrap_or_clone(prepared))
    }

    /// Held for a moment only, never while data is read.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Context<'_> {
    /// The project's data as it stands on disk now, read and prepared, or kept from before if nothing changed.
    pub(super) fn prepared(&mut self, project: &Project, folder: &Path) -> Result<Arc<Prepared>, JobError> {
        Ok(self.read_and_prepared(project, folder)?.1)
    }

    /// The same with the rows as read.
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

    /// Prepares rows. Texts that somebody has compared already are not compared again.
    pub(super) fn prepare(&mut self, project: &Project, imported: &Imported) -> Result<Prepared, JobError> {
        let comparisons = self.cache.data.comparisons.clone();
        let mut find_near = |examples: &[Example], watch: &mut Watch<'_>| comparisons.near_groups(examples, watch);
        let cleaned = self.cache.data.cleaned(project, imported);
        Ok(self.watched(|watch| match cleaned {
            Some(cleaned) => data::split_again(project, imported, cleaned, &mut find_near, watch),
            None => data::prepare_with(project, imported, &mut find_near, watch),
        })?)
    }

    /// The texts of prepared rows that are nearly the same; compared now if nobody has done so.
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

    /// Looks for leakage among prepared rows.
    pub(super) fn leaks(
        &mut self,
        project: &Project,
        imported: &Imported,
        prepared: &Prepared,
    ) -> Result<LeakageReport, JobError> {
        let near = self.near_groups(prepared)?;
        Ok(self.watched(|watch| data::find_leaks(project, imported, prepared, &near, watch))?)
    }

    /// Reads the project's data anew.
    pub(super) fn import(&mut self, project: &Project, folder: &Path) -> Result<Arc<Imported>, JobError> {
        let imported = self.watched(|watch| data::import(project, folder, watch))?;
        Ok(self.cache.data.keep_imported(project, folder, imported))
    }
}
