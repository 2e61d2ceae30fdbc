//! Compares a model's files on this machine with the catalogue's hashes before the model is used. A file is hashed once:
//! its hash is remembered with its size and time.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::fetch::FetchError;
use crate::fetch::catalogue::CatalogueEntry;
use crate::fetch::file_hash::FileHash;
use crate::fetch::folders::{Candidate, ModelFolders};
use crate::models::WEIGHTS_FILE;
use crate::progress::{Cancelled, Progress, Watch};
use crate::project::ModelFile;
use crate::storage::write_atomic;

/// Where the hashes are remembered, in Hone's own cache of models.
const MEMORY: &str = "hashes.json";
/// Files remembered at most.
const MOST_REMEMBERED: usize = 10_000;

/// A model on this machine.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Its folder, if every file is the expected one.
    pub folder: Option<PathBuf>,
    /// Files that are not the expected ones, each as a sentence without a full stop.
    pub damaged: Vec<String>,
}

/// The first folder with the model whose files are those of the catalogue.
///
/// # Errors
/// [`FetchError::Cancelled`], or [`FetchError::Cache`] if a file cannot be read.
pub(super) fn find(entry: &CatalogueEntry, folders: &ModelFolders, watch: &mut Watch<'_>) -> Result<Found, FetchError> {
    let mut found = Found::default();
    let mut memory = Memory::read(&folders.own.join(MEMORY));
    for candidate in folders.candidates(entry) {
        let unreadable = |source| FetchError::Cache { folder: candidate.folder.clone(), source };
        let mut is_whole = true;
        for (file, expected) in hashed(entry, &candidate) {
            let path = candidate.folder.join(&file.path);
            let hash = memory.hash_of(&path, (&file.path, expected), watch).map_err(unreadable)?.ok_or(Cancelled)?;
            if hash != expected.digits() {
                is_whole = false;
                found.damaged.push(format!("{} is damaged ({})", path.display(), expected.instead(&hash)));
            }
        }
        if is_whole {
            found.folder = Some(candidate.folder);
            break;
        }
    }
    memory.write();
    Ok(found)
}

impl ModelFolders {
    /// The folder of a model, if all its files are on this machine and none is remembered to be damaged. Only their names, sizes
    /// and times are looked at: they are hashed only before use.
    ///
    /// A snapshot in the Hugging Face cache is used as it is: at the pinned commit, or at another one whose
    /// weights are the pinned ones (blobs there are named by their SHA-256).
    #[must_use]
    pub fn locate(&self, entry: &CatalogueEntry) -> Option<PathBuf> {
        let memory = Memory::read(&self.own.join(MEMORY));
        self.candidates(entry).find(|candidate| !memory.knows_damage(entry, candidate)).map(|found| found.folder)
    }
}

/// The files of a folder whose hashes are known, with these. At another commit than the catalogue's, only the weights are known
/// to be the same.
fn hashed<'a>(
    entry: &'a CatalogueEntry,
    candidate: &Candidate,
) -> impl Iterator<Item = (&'a ModelFile, FileHash<'a>)> + use<'a> {
    let is_pinned = candidate.is_pinned;
    let files = entry.files.iter().filter(move |file| is_pinned || file.path == WEIGHTS_FILE);
    files.filter_map(|file| Some((file, FileHash::of(file)?)))
}

/// Hashes of files.
struct Memory {
    path: PathBuf,
    hashes: BTreeMap<PathBuf, KnownHashes>,
    is_changed: bool,
}

/// The hashes of a file when it had this size and time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct KnownHashes {
    bytes: u64,
    /// Nanoseconds since 1970 when it was last changed.
    changed: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    git_sha1: Option<String>,
}

impl KnownHashes {
    /// Whether the file has not changed since.
    fn is_of(&self, file: &Described) -> bool {
        (self.bytes, self.changed) == (file.bytes, file.changed)
    }
}

/// A file, by what is remembered with its hash.
struct Described {
    path: PathBuf,
    bytes: u64,
    changed: u64,
}

impl Described {
    fn of(path: &Path) -> io::Result<Self> {
        // In the Hugging Face cache, files are links: the file itself is remembered.
        let path = path.canonicalize()?;
        let described = path.metadata()?;
        let changed = described.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64;
        Ok(Self { path, bytes: described.len(), changed })
    }
}

impl Memory {
    /// What is remembered. Without a readable file, files are hashed again.
    fn read(path: &Path) -> Self {
        let hashes = std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Self { path: path.to_owned(), hashes, is_changed: false }
    }

    /// Whether a file of a folder is known to differ from the catalogue's.
    fn knows_damage(&self, entry: &CatalogueEntry, candidate: &Candidate) -> bool {
        hashed(entry, candidate).any(|(file, expected)| {
            let known = Described::of(&candidate.folder.join(&file.path)).ok();
            known.and_then(|described| self.known(&described, expected)).is_some_and(|hash| hash != expected.digits())
        })
    }

    /// The hash of a file that has not changed since it was hashed.
    fn known(&self, file: &Described, expected: FileHash<'_>) -> Option<&str> {
        let known = self.hashes.get(&file.path).filter(|known| known.is_of(file))?;
        match expected {
            FileHash::Sha256(_) => known.sha256.as_deref(),
            FileHash::Git(_) => known.git_sha1.as_deref(),
        }
    }

    /// The hash of a file; `None` if it was cancelled.
    fn hash_of(
        &mut self,
        path: &Path,
        (name, expected): (&str, FileHash<'_>),
        watch: &mut Watch<'_>,
    ) -> io::Result<Option<String>> {
        let file = Described::of(path)?;
        if let Some(hash) = self.known(&file, expected) {
            return Ok(Some(hash.to_owned()));
        }
        watch.progress(Progress::stage(&format!("Checking {name}")));
        let hash = expected.found(&file.path, Some(watch.control))?;
        if let Some(hash) = hash.clone() {
            let mut known = self.hashes.remove(&file.path).filter(|known| known.is_of(&file)).unwrap_or_default();
            (known.bytes, known.changed) = (file.bytes, file.changed);
            match expected {
                FileHash::Sha256(_) => known.sha256 = Some(hash),
                FileHash::Git(_) => known.git_sha1 = Some(hash),
            }
            self.hashes.insert(file.path, known);
            self.is_changed = true;
        }
        Ok(hash)
    }

    /// Writes what is remembered. If that fails, files are hashed again the next time.
    fn write(&mut self) {
        if !self.is_changed {
            return;
        }
        if self.hashes.len() > MOST_REMEMBERED {
            self.hashes.retain(|path, _| path.exists());
        }
        if let Ok(text) = serde_json::to_vec_pretty(&self.hashes) {
            let _ = write_atomic(&self.path, |writer| io::Write::write_all(writer, &text));
        }
    }
}
