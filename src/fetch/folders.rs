//! Where models are kept on this machine, and which addresses they come from.
//!
//! The variables are those of `huggingface_hub` (`HF_HOME`, `HF_HUB_CACHE`, `HF_ENDPOINT`, `HF_TOKEN`,
//! `HF_HUB_OFFLINE`) and of pip and uv (`PIP_INDEX_URL`, `UV_DEFAULT_INDEX`, `UV_INDEX_URL`, `PIP_NO_INDEX`,
//! pip's configuration files).

use std::path::{Path, PathBuf};

use crate::fetch::catalogue::{CatalogueEntry, Source};
use crate::models::WEIGHTS_FILE;
use crate::project::ModelFile;
use crate::storage::{hub_cache_folder, hugging_face_home, own_models_folder};

/// Address of the Hub unless `HF_ENDPOINT` is set.
const HUB: &str = "https://huggingface.co";
/// Address of the package index unless another is configured.
const PYTHON_INDEX: &str = "https://pypi.org/simple";

/// Addresses to download models from.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// The Hugging Face Hub, or a mirror of it.
    pub hub: String,
    /// Access token for the Hub; only needed for private or gated models.
    pub token: Option<String>,
    /// Simple index of Python packages (PEP 503, PEP 691); `None` if no index may be used.
    pub python_index: Option<String>,
    /// Do not use the network.
    pub offline: bool,
}

/// Folders that hold models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFolders {
    /// The cache shared with Hugging Face's own tools.
    pub hub_cache: PathBuf,
    /// Hone's own cache, for models that do not come from the Hub.
    pub own: PathBuf,
}

/// A folder with all files of a model, by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub folder: PathBuf,
    /// Whether it is at the catalogue's commit, so that every file has the catalogue's hash.
    pub is_pinned: bool,
}

impl std::fmt::Debug for Endpoints {
    // The token is a secret and must not get into a log.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Endpoints")
            .field("hub", &crate::fetch::address::without_password(&self.hub))
            .field("token", &self.token.as_ref().map(|_| "…"))
            .field("python_index", &self.python_index.as_deref().map(crate::fetch::address::without_password))
            .field("offline", &self.offline)
            .finish()
    }
}

impl Endpoints {
    /// The addresses set in the environment and in pip's configuration.
    #[must_use]
    pub fn from_environment() -> Self {
        let token = variable("HF_TOKEN").or_else(|| {
            let path = variable("HF_TOKEN_PATH")
                .map_or_else(|| hugging_face_home().map(|home| home.join("token")), |path| Some(path.into()))?;
            let token = std::fs::read_to_string(path).ok()?.trim().to_owned();
            (!token.is_empty()).then_some(token)
        });
        let index = ["PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"]
            .into_iter()
            .find_map(variable)
            .or_else(pip_configured_index)
            .unwrap_or_else(|| PYTHON_INDEX.to_owned());
        let hub = variable("HF_ENDPOINT").unwrap_or_else(|| HUB.to_owned());
        Self {
            hub: hub.trim_end_matches('/').to_owned(),
            token,
            python_index: (!is_on("PIP_NO_INDEX")).then_some(index),
            offline: is_on("HF_HUB_OFFLINE"),
        }
    }
}

impl ModelFolders {
    /// The folders set in the environment, or the platform's defaults.
    ///
    /// `None` if the platform has no home folder.
    #[must_use]
    pub fn from_environment() -> Option<Self> {
        Some(Self { hub_cache: hub_cache_folder()?, own: own_models_folder()? })
    }

    /// Folder for a model that did not come from the Hub.
    #[must_use]
    pub fn own_folder(&self, entry: &CatalogueEntry) -> PathBuf {
        self.own.join(&entry.id)
    }

    /// Locked by the process that downloads the model. All revisions of a repository share one: they share its blobs.
    pub(super) fn lock_of(&self, entry: &CatalogueEntry) -> PathBuf {
        let repo = entry.sources.iter().find_map(|source| match source {
            Source::Hub { repo, .. } => Some(folder_name(repo)),
            Source::PythonPackage { .. } => None,
        });
        self.own.join(format!("{}.lock", repo.as_ref().unwrap_or(&entry.id)))
    }

    /// All folders that have the model's files, by their names and sizes.
    pub(super) fn candidates(&self, entry: &CatalogueEntry) -> impl Iterator<Item = Candidate> {
        let snapshots = entry.sources.iter().filter_map(|source| match source {
            Source::Hub { repo, revision } => self.snapshot(entry, repo, revision.as_deref()),
            Source::PythonPackage { .. } => None,
        });
        let own = self.own_folder(entry);
        let own = is_whole(&own, &entry.files).then_some(Candidate { folder: own, is_pinned: true });
        snapshots.chain(own)
    }

    fn snapshot(&self, entry: &CatalogueEntry, repo: &str, revision: Option<&str>) -> Option<Candidate> {
        if let Some(revision) = revision {
            let folder = self.snapshot_folder(repo, revision);
            if is_whole(&folder, &entry.files) {
                return Some(Candidate { folder, is_pinned: true });
            }
            if entry.exact {
                return None;
            }
        }
        let commit = std::fs::read_to_string(self.main_reference(repo)).ok()?;
        let folder = self.snapshot_folder(repo, &commit);
        let main = folder.join(WEIGHTS_FILE);
        let right_weights = revision.is_none() || {
            let pinned = entry.files.iter().find(|file| file.path == WEIGHTS_FILE)?.sha256.as_deref()?;
            main.canonicalize().ok()?.file_name()?.to_str()? == pinned
        };
        let present = entry.files.iter().all(|file| folder.join(&file.path).is_file());
        (right_weights && present).then_some(Candidate { folder, is_pinned: false })
    }

    /// The folder of a model in the Hugging Face cache: `models--owner--name`.
    pub(super) fn repo_folder(&self, repo: &str) -> PathBuf {
        self.hub_cache.join(folder_name(repo))
    }

    /// The folder of a model's files at a commit.
    pub(super) fn snapshot_folder(&self, repo: &str, commit: &str) -> PathBuf {
        self.repo_folder(repo).join("snapshots").join(commit)
    }

    /// The file that names the commit of the branch `main`.
    pub(super) fn main_reference(&self, repo: &str) -> PathBuf {
        self.repo_folder(repo).join("refs/main")
    }
}

/// The name of a repository's folder in the Hugging Face cache.
pub(super) fn folder_name(repo: &str) -> String {
    format!("models--{}", repo.replace('/', "--"))
}

/// Whether every file exists and, if its size is known, has that size.
pub(super) fn is_whole(folder: &Path, files: &[ModelFile]) -> bool {
    files.iter().all(|file| {
        std::fs::metadata(folder.join(&file.path))
            .is_ok_and(|found| found.is_file() && file.bytes.is_none_or(|bytes| bytes == found.len()))
    })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// Whether an environment variable is a true value, as `huggingface_hub` decides it.
fn is_on(name: &str) -> bool {
    variable(name)
        .is_some_and(|value| matches!(value.trim().to_ascii_uppercase().as_str(), "1" | "ON" | "YES" | "TRUE"))
}

/// `index-url` of the first of pip's configuration files that has one: the environment's, the user's, the machine's.
fn pip_configured_index() -> Option<String> {
    let mut files: Vec<PathBuf> = variable("PIP_CONFIG_FILE").map(PathBuf::from).into_iter().collect();
    for folder in ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(variable) {
        files.push(Path::new(&folder).join("pip.conf"));
    }
    if let Some(folders) = directories::BaseDirs::new() {
        files.push(folders.config_dir().join("pip/pip.conf"));
        files.push(folders.config_dir().join("pip/pip.ini"));
        files.push(folders.home_dir().join(".config/pip/pip.conf"));
        files.push(folders.home_dir().join(".pip/pip.conf"));
    }
    files.push("/etc/pip.conf".into());
    files.iter().filter_map(|path| std::fs::read_to_string(path).ok()).find_map(|text| index_url(&text))
}

/// `index-url` of the section `[global]` or `[install]` of an INI file.
fn index_url(text: &str) -> Option<String> {
    let mut in_section = false;
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            in_section = matches!(section.trim(), "global" | "install");
        } else if in_section
            && let Some((key, value)) = line.split_once(['=', ':'])
            && key.trim().replace('_', "-") == "index-url"
            && !value.trim().is_empty()
        {
            return Some(value.trim().to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pip_configuration_names_the_index() {
        let text = "[list]\nindex-url = https://no\n[global]\ncert = /a\nindex_url = https://mirror/simple\n";
        assert_eq!(index_url(text).as_deref(), Some("https://mirror/simple"));
        assert_eq!(index_url("[global]\ncert = /a\n"), None);
    }

    #[test]
    fn debug_output_hides_the_token() {
        let endpoints = Endpoints {
            hub: "https://me:secret@mirror".to_owned(),
            token: Some("hf_secret".to_owned()),
            python_index: Some("https://me:secret@mirror/simple".to_owned()),
            offline: false,
        };
        assert!(!format!("{endpoints:?}").contains("secret"));
    }

    #[test]
    fn an_incomplete_folder_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let folders = ModelFolders { hub_cache: folder.path().join("hub"), own: folder.path().join("own") };
        let entry = entry("None");
        let own = folders.own_folder(&entry);
        std::fs::create_dir_all(&own).unwrap();
        std::fs::write(own.join("config.json"), "{}").unwrap();
        assert_eq!(folders.locate(&entry), None);
        std::fs::write(own.join(WEIGHTS_FILE), "12").unwrap();
        assert_eq!(folders.locate(&entry), None, "two bytes are not three");
        std::fs::write(own.join(WEIGHTS_FILE), "123").unwrap();
        assert_eq!(folders.locate(&entry), Some(own));
    }

    #[cfg(unix)]
    #[test]
    fn a_snapshot_of_another_commit_with_the_pinned_weights_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let folders = ModelFolders { hub_cache: folder.path().to_path_buf(), own: folder.path().join("own") };
        let entry = entry("\"c0\"");
        let repo = folder.path().join("models--a--b");
        let snapshot = repo.join("snapshots/c1");
        for made in [&snapshot, &repo.join("blobs"), &repo.join("refs")] {
            std::fs::create_dir_all(made).unwrap();
        }
        std::fs::write(repo.join("refs/main"), "c1").unwrap();
        std::fs::write(snapshot.join("config.json"), "{ }").unwrap();
        std::fs::write(repo.join("blobs/feed"), "123").unwrap();
        std::os::unix::fs::symlink("../../blobs/feed", snapshot.join(WEIGHTS_FILE)).unwrap();
        assert_eq!(folders.locate(&entry), Some(snapshot.clone()));
        std::fs::remove_file(snapshot.join(WEIGHTS_FILE)).unwrap();
        std::fs::write(repo.join("blobs/beef"), "123").unwrap();
        std::os::unix::fs::symlink("../../blobs/beef", snapshot.join(WEIGHTS_FILE)).unwrap();
        assert_eq!(folders.locate(&entry), None, "other weights");
    }

    fn entry(revision: &str) -> CatalogueEntry {
        let text = format!(
            r#"#![enable(implicit_some)]
            [(id: "m", name: "M", architecture: "bert", parameters: 3, licence: "MIT",
              description: "", files: [(path: "config.json"), (path: "{WEIGHTS_FILE}", bytes: 3, sha256: "feed")],
              sources: [Hub(repo: "a/b", revision: {revision})])]"#
        );
        crate::fetch::Catalogue::parse(&text).unwrap().entries()[0].clone()
    }
}
