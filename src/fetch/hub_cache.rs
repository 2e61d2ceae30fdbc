//! Models in the cache that Hugging Face's own tools share, looked up without the Hub.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::data::{file_git_sha1, file_sha256};
use crate::fetch::catalogue::Catalogue;
use crate::fetch::file_hash::{FileHash, is_hex};
use crate::fetch::folders::ModelFolders;
use crate::fetch::hub_error::HubError;
use crate::fetch::hub_files::{Weights, has_tokenizer, small_files, weights_of};
use crate::fetch::hub_name::HubName;
use crate::fetch::untrainable::Untrainable;
use crate::models::{CONFIG_FILE, ModelConfig, parts_of_index};
use crate::progress::{Progress, Watch};
use crate::project::{HubModel, ModelFile};

/// Snapshots of a model that are looked at.
const MOST_SNAPSHOTS: usize = 1_000;

impl ModelFolders {
    /// The snapshot of a model in the cache, if it has all files that Hone needs: that of the named revision, or else, if none was
    /// named, the one that was downloaded last.
    #[must_use]
    pub fn cached(&self, name: &HubName) -> Option<PathBuf> {
        let snapshots = self.repo_folder(name.repo()).join("snapshots");
        let is_whole = |folder: &PathBuf| commit_of(folder).is_some() && is_model(folder);
        let reference = self.repo_folder(name.repo()).join("refs").join(name.revision());
        let named = std::fs::read_to_string(reference).ok().map(|commit| snapshots.join(commit.trim()));
        // A commit can be named too.
        let named = named.or_else(|| Some(snapshots.join(name.revision())));
        named.filter(is_whole).or_else(|| {
            let entries = std::fs::read_dir(&snapshots).ok().filter(|_| !name.has_revision())?;
            let folders = entries.take(MOST_SNAPSHOTS).filter_map(|entry| Some(entry.ok()?.path())).filter(is_whole);
            folders.max_by_key(|folder| (changed(folder), folder.clone()))
        })
    }
}

fn changed(folder: &Path) -> SystemTime {
    folder.metadata().and_then(|found| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The commit that a snapshot's folder is named after.
fn commit_of(folder: &Path) -> Option<String> {
    let name = folder.file_name()?.to_str()?;
    is_hex(name, 40).then(|| name.to_owned())
}

/// Whether a folder has all files that Hone needs.
fn is_model(folder: &Path) -> bool {
    let has = |file: &str| folder.join(file).is_file();
    has(CONFIG_FILE) && has_tokenizer(has) && weights_in(folder).is_some_and(|files| files.iter().all(|file| has(file)))
}

/// The files that hold a folder's weights.
fn weights_in(folder: &Path) -> Option<Vec<String>> {
    match weights_of(|file| folder.join(file).is_file())? {
        Weights::File(file) => Some(vec![file.to_owned()]),
        Weights::Index(index) => {
            let parts = parts_of_index(&std::fs::read(folder.join(&index)).ok()?).ok()?;
            Some([index].into_iter().chain(parts).collect())
        }
    }
}

/// A model of the cache, pinned to its commit and to the hashes that its files have: `None` if the cache does not have it.
///
/// # Errors
/// [`HubError::Untrainable`] if Hone cannot train it, [`HubError::Cache`] if a file cannot be read or is damaged.
pub(super) fn pin(name: &HubName, folders: &ModelFolders, watch: &mut Watch<'_>) -> Result<Option<HubModel>, HubError> {
    let Some(folder) = folders.cached(name) else { return Ok(None) };
    let Some(commit) = commit_of(&folder) else { return Ok(None) };
    let untrainable = |error: crate::models::ModelError| HubError::Untrainable {
        repo: name.repo().to_owned(),
        why: Untrainable::Config(error.to_string()),
    };
    let config = ModelConfig::read(&folder).map_err(untrainable)?;
    let has = |file: &str| folder.join(file).is_file();
    let mut paths: Vec<String> = small_files(has).map(str::to_owned).collect();
    paths.extend(weights_in(&folder).unwrap_or_default());
    let files = paths.iter().map(|path| described(&folder, path, watch)).collect::<Result<_, _>>()?;
    let suggested = Catalogue::bundled().ok().and_then(|catalogue| catalogue.suggestion_of(name.repo()));
    Ok(Some(HubModel {
        repo: name.repo().to_owned(),
        commit,
        architecture: config.model_type.clone(),
        licence: suggested.map(|suggested| suggested.licence.to_lowercase()),
        parameters: config.parameters_without_head(),
        files,
    }))
}

/// A file with its size and its hash. Blobs of the cache are named by their hashes: one that has another hash is damaged.
fn described(folder: &Path, path: &str, watch: &mut Watch<'_>) -> Result<ModelFile, HubError> {
    let file = folder.join(path);
    let failed = |reason: String| HubError::Cache { path: file.clone(), reason };
    watch.progress(Progress::stage(&format!("Checking {path}")));
    let blob = file.canonicalize().map_err(|error| failed(error.to_string()))?;
    let bytes = blob.metadata().map_err(|error| failed(error.to_string()))?.len();
    let stated = blob.file_name().and_then(|name| name.to_str()).filter(|name| is_hex(name, 40) || is_hex(name, 64));
    let is_small = stated.is_some_and(|stated| stated.len() == 40);
    let hash = if is_small { file_git_sha1 } else { file_sha256 };
    let found = hash(&blob, Some(watch.control)).map_err(|error| failed(error.to_string()))?;
    let found = found.ok_or(HubError::Cancelled)?;
    let described = if is_small {
        ModelFile { path: path.to_owned(), bytes: Some(bytes), git_sha1: Some(found), sha256: None }
    } else {
        ModelFile { path: path.to_owned(), bytes: Some(bytes), sha256: Some(found), git_sha1: None }
    };
    match (stated, FileHash::of(&described)) {
        (Some(stated), Some(hash)) if hash.digits() != stated => Err(failed("it is damaged".to_owned())),
        _ => Ok(described),
    }
}
