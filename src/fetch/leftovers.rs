//! What a killed download leaves. The parts of files are kept for the next try; once the model is whole, nothing is.

use std::path::{Path, PathBuf};

use crate::fetch::catalogue::{CatalogueEntry, Source};
use crate::fetch::folders::ModelFolders;
use crate::fetch::python_package;
use crate::storage::{FileLock, PART, needs_recovery, recover_folder, remove_file};

/// Puts back the model's own folder if the process that replaced it was killed, unless another one is downloading the model.
pub(super) fn recover(entry: &CatalogueEntry, folders: &ModelFolders) {
    let own = folders.own_folder(entry);
    if needs_recovery(&own)
        && let Ok(Some(_lock)) = FileLock::try_take(&folders.lock_of(entry))
    {
        // What cannot be removed only takes space.
        let _ = recover_folder(&own);
    }
}

/// [`remove`], unless another process is downloading the model.
pub(super) fn remove_unless_in_use(entry: &CatalogueEntry, folders: &ModelFolders) {
    if !files(entry, folders).is_empty()
        && let Ok(Some(_lock)) = FileLock::try_take(&folders.lock_of(entry))
    {
        remove(entry, folders);
    }
}

/// Removes the parts of files that killed downloads left of a model that is whole. The model's lock must be held. What
/// cannot be removed only takes space.
pub(super) fn remove(entry: &CatalogueEntry, folders: &ModelFolders) {
    for file in files(entry, folders) {
        let _ = remove_file(&file);
    }
}

/// Parts of the model's files, and its wheels.
fn files(entry: &CatalogueEntry, folders: &ModelFolders) -> Vec<PathBuf> {
    let of_source = |source: &Source| match source {
        Source::Hub { repo, .. } => {
            let is_part = |path: &Path| path.extension().is_some_and(|ending| ending == PART);
            matching(&folders.repo_folder(repo).join("blobs"), is_part)
        }
        Source::PythonPackage { name, version, .. } => {
            let start = python_package::start_of_wheels(name, version);
            let is_wheel = |path: &Path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
                name.starts_with(&start) && [".whl", ".whl.part"].iter().any(|ending| name.ends_with(ending))
            };
            matching(&python_package::downloads(folders), is_wheel)
        }
    };
    entry.sources.iter().flat_map(of_source).collect()
}

fn matching(folder: &Path, is_wanted: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().map(|entry| entry.path()).filter(|path| is_wanted(path)).collect()
}
