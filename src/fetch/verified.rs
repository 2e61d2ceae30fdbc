//! Compares a model's files on this machine with the catalogue's hashes before the model is used. A file is hashed once:
//! its hash is remembered with its size and time.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::data::file_sha256;
use crate::fetch::FetchError;
use crate::fetch::catalogue::{CatalogueEntry, ModelFile};
use crate::fetch::folders::{Candidate, ModelFolders};
use crate::models::WEIGHTS_FILE;
use crate::progress::{Cancelled, Progress, Watch};
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
            let sha256 = memory.hash_of(&path, &file.path, watch).map_err(unreadable)?.ok_or(Cancelled)?;
            if sha256 != expected {
                is_whole = false;
                let short = |hash: &str| hash.get(..12).unwrap_or(hash).to_owned();
                let (sha256, expected) = (short(&sha256), short(expected));
                let path = path.display();
                found.damaged.push(format!("{path} is damaged (SHA-256 {sha256}… instead of {expected}…)"));
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
) -> impl Iterator<Item = (&'a ModelFile, &'a str)> + use<'a> {
    let is_pinned = candidate.is_pinned;
    let files = entry.files.iter().filter(move |file| is_pinned || file.path == WEIGHTS_FILE);
    files.filter_map(|file| Some((file, file.sha256.as_deref()?)))
}

/// Hashes of files.
struct Memory {
    path: PathBuf,
    hashes: BTreeMap<PathBuf, FileHash>,
    is_changed: bool,
}

/// The hash of a file when it had this size and time.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct FileHash {
    bytes: u64,
    /// Nanoseconds since 1970 when it was last changed.
    changed: u64,
    sha256: String,
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
            known.and_then(|described| self.known(&described)).is_some_and(|sha256| sha256 != expected)
        })
    }

    /// The hash of a file that has not changed since it was hashed.
    fn known(&self, file: &Described) -> Option<&str> {
        let known = self.hashes.get(&file.path)?;
        ((known.bytes, known.changed) == (file.bytes, file.changed)).then_some(known.sha256.as_str())
    }

    /// The hash of a file; `None` if it was cancelled.
    fn hash_of(&mut self, path: &Path, name: &str, watch: &mut Watch<'_>) -> io::Result<Option<String>> {
        let described = Described::of(path)?;
        if let Some(sha256) = self.known(&described) {
            return Ok(Some(sha256.to_owned()));
        }
        let Described { path, bytes, changed } = described;
        watch.progress(Progress::stage(&format!("Checking {name}")));
        let sha256 = file_sha256(&path, Some(watch.control))?;
        if let Some(sha256) = sha256.clone() {
            self.hashes.insert(path, FileHash { bytes, changed, sha256 });
            self.is_changed = true;
        }
        Ok(sha256)
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
