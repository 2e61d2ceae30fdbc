//! Keeps the data that was read and prepared last, so that no other job or worker reads it again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::data::{Imported, Prepared};
use crate::project::{DatasetSettings, Project};

use crate::worker::comparing::Comparisons;

/// The data of the current project. Workers with clones of it share what any of them reads.
#[derive(Clone, Default)]
pub struct SharedData {
    kept: Arc<Mutex<LastData>>,
    pub(super) comparisons: Comparisons,
}

/// One entry of each kind, since a person works on one project at a time. Entries are shared and never change.
#[derive(Default)]
struct LastData {
    imported: Option<(FilesKey, Arc<Imported>)>,
    prepared: Option<(Project, Arc<Imported>, Arc<Prepared>)>,
}

/// What the rows depend on: the settings, and the state of each file on disk.
#[derive(PartialEq)]
pub(super) struct FilesKey {
    folder: PathBuf,
    dataset: DatasetSettings,
    stamps: Vec<Option<(u64, SystemTime)>>,
}

impl FilesKey {
    pub fn of(project: &Project, folder: &Path) -> Self {
        let dataset = project.dataset.as_read();
        let stamps = dataset.files().map(|path| stamp(&folder.join(path), FOLDER_LEVELS)).collect();
        Self { folder: folder.to_owned(), dataset, stamps }
    }
}

/// How many levels of folders within a data folder are checked.
const FOLDER_LEVELS: usize = 3;

/// Size and time of the last change; for a folder, the sum and the latest of its files.
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

    pub(super) fn imported(&self, key: &FilesKey) -> Option<Arc<Imported>> {
        self.lock().imported.as_ref().filter(|(kept, _)| kept == key).map(|(_, imported)| Arc::clone(imported))
    }

    pub(super) fn prepared(&self, project: &Project, imported: &Arc<Imported>) -> Option<Arc<Prepared>> {
        let kept = self.lock();
        kept.prepared
            .as_ref()
            .filter(|(kept, rows, _)| Arc::ptr_eq(rows, imported) && kept.prepared_from() == project.prepared_from())
            .map(|(.., prepared)| Arc::clone(prepared))
    }

    /// The rows kept, if only the settings of the split differ; a copy if somebody uses them.
    pub(super) fn cleaned(&self, project: &Project, imported: &Imported) -> Option<Prepared> {
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
    fn lock(&self) -> MutexGuard<'_, LastData> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
