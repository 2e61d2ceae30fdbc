//! Keeps the data that was read and prepared last, so that no other job or worker reads it again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::data::{DrawnSplit, Imported, Prepared};
use crate::project::{DatasetSettings, Project};
use crate::storage::{SPLIT_FILE, StorageError, read_split, write_split};

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
    prepared: Option<(PreparedKey, Arc<Prepared>)>,
    drawn: Option<LastDrawn>,
}

/// The split of a project's folder, as it was when its file had this stamp.
struct LastDrawn {
    folder: PathBuf,
    stamp: Stamp,
    drawn: Option<Arc<DrawnSplit>>,
}

/// Size and time of the last change of a file; `None` if it is not there.
type Stamp = Option<(u64, SystemTime)>;

/// What prepared rows depend on.
struct PreparedKey {
    project: Project,
    imported: Arc<Imported>,
    drawn: Option<Arc<DrawnSplit>>,
}

impl PreparedKey {
    /// Whether rows prepared now would be the same.
    fn is_of(&self, project: &Project, imported: &Imported, drawn: Option<&Arc<DrawnSplit>>) -> bool {
        let same_split = match (&self.drawn, drawn) {
            (Some(kept), Some(now)) => Arc::ptr_eq(kept, now),
            (kept, now) => kept.is_none() && now.is_none(),
        };
        same_split
            && std::ptr::eq(self.imported.as_ref(), imported)
            && self.project.prepared_from() == project.prepared_from()
    }
}

/// What the rows depend on: the settings, and the state of each file on disk.
#[derive(PartialEq)]
pub(super) struct FilesKey {
    folder: PathBuf,
    dataset: DatasetSettings,
    stamps: Vec<Stamp>,
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
fn stamp(path: &Path, levels: usize) -> Stamp {
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
    /// Forgets what is kept. Whoever uses it now can go on.
    pub fn forget(&self) {
        *self.lock() = LastData::default();
        self.comparisons.forget();
    }

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
        drawn: Option<Arc<DrawnSplit>>,
        prepared: Prepared,
    ) -> Arc<Prepared> {
        let prepared = Arc::new(prepared);
        let mut project = project.clone();
        project.edits.follow(&prepared.moved_edits);
        let key = PreparedKey { project, imported: Arc::clone(imported), drawn };
        self.lock().prepared = Some((key, Arc::clone(&prepared)));
        prepared
    }

    /// The split of the last run in a project's folder, read now or kept from before if the file has not changed.
    ///
    /// # Errors
    /// Errors of the file.
    pub(super) fn drawn(&self, folder: &Path) -> Result<Option<Arc<DrawnSplit>>, StorageError> {
        let stamp = stamp(&folder.join(SPLIT_FILE), 0);
        if let Some(last) = self.lock().drawn.as_ref().filter(|last| last.folder == folder && last.stamp == stamp) {
            return Ok(last.drawn.clone());
        }
        let drawn = read_split(folder)?.map(Arc::new);
        self.lock().drawn = Some(LastDrawn { folder: folder.to_owned(), stamp, drawn: drawn.clone() });
        Ok(drawn)
    }

    /// Writes down the split of prepared rows, which stay valid.
    ///
    /// # Errors
    /// Errors of the file system.
    pub(super) fn keep_drawn(
        &self,
        folder: &Path,
        drawn: DrawnSplit,
        prepared: &Arc<Prepared>,
    ) -> Result<(), StorageError> {
        write_split(folder, &drawn)?;
        let (drawn, stamp) = (Arc::new(drawn), stamp(&folder.join(SPLIT_FILE), 0));
        let mut kept = self.lock();
        kept.drawn = Some(LastDrawn { folder: folder.to_owned(), stamp, drawn: Some(Arc::clone(&drawn)) });
        if let Some((key, _)) = kept.prepared.as_mut().filter(|(_, of)| Arc::ptr_eq(of, prepared)) {
            key.drawn = Some(drawn);
        }
        Ok(())
    }

    pub(super) fn imported(&self, key: &FilesKey) -> Option<Arc<Imported>> {
        self.lock().imported.as_ref().filter(|(kept, _)| kept == key).map(|(_, imported)| Arc::clone(imported))
    }

    pub(super) fn prepared(
        &self,
        project: &Project,
        imported: &Imported,
        drawn: Option<&Arc<DrawnSplit>>,
    ) -> Option<Arc<Prepared>> {
        let kept = self.lock();
        let is_of = |(key, _): &&(PreparedKey, _)| key.is_of(project, imported, drawn);
        kept.prepared.as_ref().filter(is_of).map(|(_, prepared)| Arc::clone(prepared))
    }

    /// The rows kept, if only the settings of the split differ, or the split of the last run; a copy if somebody uses
    /// them.
    pub(super) fn cleaned(&self, project: &Project, imported: &Imported) -> Option<Prepared> {
        let prepared = {
            let mut kept = self.lock();
            let (key, prepared) = kept.prepared.as_ref()?;
            let with_split = Project { split: project.split.clone(), ..key.project.clone() };
            let is_of =
                std::ptr::eq(key.imported.as_ref(), imported) && with_split.prepared_from() == project.prepared_from();
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
