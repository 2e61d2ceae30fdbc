//! Model folders, and folders that are taken for one, so that errors say what they are.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::models::ModelError;
use crate::project::ModelChoice;
use crate::storage::{PROJECT_FILE, ProjectFile, hub_cache_folder, own_models_folder};

/// The configuration's file name.
pub const CONFIG_FILE: &str = "config.json";
/// The file that describes an adapter, as `peft` saves it.
pub const ADAPTER_FILE: &str = "adapter_config.json";
/// Folders looked at for a model inside.
const MOST_LOOKED_AT: usize = 1_000;

/// Folders above an adapter in which its base model is looked for: a run's adapter is in `project/runs/<id>/best`.
const MOST_ABOVE: usize = 4;
/// What the Hub's cache puts before the name of a model's folder, and between its owner and its name.
const CACHED: (&str, &str) = ("models--", "--");
/// The folder of a cached model's commits.
const SNAPSHOTS: &str = "snapshots";

/// What a folder without a whole model is instead: an adapter, or the folder above a model. `None` if it is neither.
#[must_use]
pub fn mistaken_for_model(folder: &Path) -> Option<ModelError> {
    let folder = folder.to_owned();
    if folder.join(ADAPTER_FILE).is_file() {
        let base = BaseModel::read(&folder);
        return base.at_hand(&folder).is_none().then(|| base.missing(&folder));
    }
    if let Some(file) = gguf_of(&folder) {
        return Some(ModelError::OnlyGguf(file));
    }
    let inside = if folder.join(CONFIG_FILE).exists() { None } else { model_inside(&folder) };
    inside.map(|inside| ModelError::FolderAbove { folder, inside })
}

/// The error for a folder without `file`, by what the folder is instead of a model.
pub(super) fn without(folder: &Path, file: &'static str) -> ModelError {
    mistaken_for_model(folder).unwrap_or_else(|| ModelError::MissingFile { folder: folder.to_owned(), file })
}

/// The GGUF file that a path is, or that is in a folder without a configuration.
#[must_use]
pub fn gguf_of(path: &Path) -> Option<PathBuf> {
    let is_gguf =
        |path: &PathBuf| path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gguf")) && path.is_file();
    if is_gguf(&path.to_owned()) {
        return Some(path.to_owned());
    }
    if path.join(CONFIG_FILE).exists() {
        return None;
    }
    entries_of(path).into_iter().find(is_gguf)
}

/// What `adapter_config.json` says of an adapter's base model.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct BaseModel {
    /// A path, or a name on the Hub.
    #[serde(rename = "base_model_name_or_path")]
    pub name: Option<String>,
    /// A branch or commit of that name.
    pub revision: Option<String>,
}

impl BaseModel {
    /// The base model of the adapter in a folder, as far as that can be read.
    #[must_use]
    pub fn read(folder: &Path) -> Self {
        let text = std::fs::read(folder.join(ADAPTER_FILE)).ok();
        text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    /// `owner/name` of the Hub, if it may be that, and otherwise `None`.
    fn hub_name(&self) -> Option<&str> {
        let name = self.name.as_deref()?;
        let is_part = |part: &str| {
            let is_known = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
            !part.is_empty() && !part.starts_with('.') && part.chars().all(is_known)
        };
        let parts: Vec<&str> = name.split('/').collect();
        (parts.len() <= 2 && parts.into_iter().all(is_part)).then_some(name)
    }

    /// Its folder, if it is on this machine: where the adapter says, in the Hub's cache, or else in a folder of the same name that
    /// is at hand. A relative path counts from the adapter's folder.
    pub(super) fn at_hand(&self, folder: &Path) -> Option<PathBuf> {
        // It may be an adapter itself: that of a model adapted to a person's texts, from which a classifier was trained.
        let is_model = |path: &PathBuf| path.join(CONFIG_FILE).is_file();
        let name = self.name.as_deref().filter(|name| !name.is_empty())?;
        let cached = hub_cache_folder().and_then(|cache| self.in_cache(&cache));
        [folder.join(name)].into_iter().chain(cached).chain(moved_to(folder, name)).find(is_model)
    }

    /// The folder of the model in a cache of the Hub: the commit that is named, or else that of the branch `main`, or any.
    fn in_cache(&self, cache: &Path) -> Option<PathBuf> {
        let (start, between) = CACHED;
        let folder = cache.join(format!("{start}{}", self.hub_name()?.replace('/', between)));
        let commit = self.revision.as_ref().map(|commit| folder.join(SNAPSHOTS).join(commit));
        commit.filter(|commit| commit.join(CONFIG_FILE).is_file()).or_else(|| model_inside(&folder))
    }

    /// The same model by its name and commit on the Hub, if its path is in a cache of the Hub. Another machine has another path.
    #[must_use]
    pub fn on_hub(&self) -> Option<Self> {
        let path = Path::new(self.name.as_deref()?);
        let parts: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
        let [.., repo, SNAPSHOTS, commit] = parts[..] else { return None };
        let name = repo.strip_prefix(CACHED.0)?.replacen(CACHED.1, "/", 1);
        let on_hub = Self { name: Some(name), revision: Some(commit.to_owned()) };
        (path.is_absolute() && on_hub.hub_name().is_some()).then_some(on_hub)
    }

    /// The error if it is not on this machine, with what a person does then. `folder` holds the adapter.
    pub(super) fn missing(self, folder: &Path) -> ModelError {
        let advice = match (self.hub_name(), &self.revision) {
            (Some(name), Some(revision)) => format!("Download it (`hone models fetch {name}@{revision}`)"),
            (Some(name), None) => format!("Download it (`hone models fetch {name}`)"),
            (None, _) => "Put the base model there".to_owned(),
        };
        ModelError::Adapter { folder: folder.to_owned(), base: self.name, advice }
    }
}

/// Where the model that an absolute path named may be now: beside the adapter or a folder above it, as the model of the project
/// that the adapter is in, or in the caches of models.
fn moved_to(folder: &Path, base: &str) -> Vec<PathBuf> {
    // The path may be of another system.
    let parts: Vec<&str> = base.split(['/', '\\']).filter(|part| !part.is_empty()).collect();
    let is_path = Path::new(base).is_absolute() || base.contains('\\') || base.starts_with('/');
    let Some(name) = parts.last().filter(|name| is_path && !matches!(**name, "." | "..")) else { return Vec::new() };
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let above: Vec<&Path> = folder.ancestors().skip(1).take(MOST_ABOVE).collect();
    let mut places: Vec<PathBuf> = above.iter().map(|above| above.join(name)).collect();
    let projects = above.iter().filter(|above| above.join(PROJECT_FILE).is_file());
    let of_projects = projects.filter_map(|above| {
        let (folder, project) = ProjectFile::read(above).ok()?;
        let ModelChoice::Folder(model) = project.model else { return None };
        Some(folder.join(model))
    });
    places.extend(of_projects.filter(|model| model.file_name().is_some_and(|own| own == *name)));
    if let Some(cache) = hub_cache_folder()
        && let [.., repo, SNAPSHOTS, commit] = parts[..]
    {
        places.push(cache.join(repo).join(SNAPSHOTS).join(commit));
    }
    places.extend(own_models_folder().map(|own| own.join(name)));
    // The adapter may have its base model's name: every run's model is in a folder called `best`.
    places.retain(|place| *place != folder);
    places
}

/// A model in one of the folder's own folders. In a Hugging Face cache it is the snapshot of the branch `main`, or else
/// any snapshot.
fn model_inside(folder: &Path) -> Option<PathBuf> {
    let is_model = |folder: &PathBuf| folder.join(CONFIG_FILE).is_file();
    let snapshots = folder.join("snapshots");
    let main = std::fs::read_to_string(folder.join("refs/main")).ok();
    let main = main.map(|commit| snapshots.join(commit.trim())).filter(is_model);
    main.or_else(|| entries_of(&snapshots).into_iter().find(is_model))
        .or_else(|| entries_of(folder).into_iter().find(is_model))
}

fn entries_of(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().take(MOST_LOOKED_AT);
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort_unstable();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::ModelConfig;

    fn message(folder: &Path) -> String {
        ModelConfig::read(folder).unwrap_err().to_string()
    }

    fn place(files: &[(&str, &str)]) -> tempfile::TempDir {
        let place = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = place.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        place
    }

    fn named(name: &str) -> BaseModel {
        BaseModel { name: Some(name.to_owned()), revision: None }
    }

    #[test]
    fn an_adapter_is_no_whole_model() {
        let of_example = r#"{"peft_type": "LORA", "r": 8, "lora_alpha": 8, "base_model_name_or_path": "example/base"}"#;
        let named = place(&[(ADAPTER_FILE, of_example)]);
        let message_of_named = message(named.path());
        assert!(message_of_named.contains("holds an adapter (adapter_config.json)"), "{message_of_named}");
        assert!(message_of_named.contains("its base model, example/base, is not a model folder"), "{message_of_named}");
        assert!(message_of_named.contains("Download it (`hone models fetch example/base`), or"), "{message_of_named}");
        assert!(mistaken_for_model(named.path()).is_some());
        let unnamed = place(&[(ADAPTER_FILE, r#"{"peft_type": "LORA", "r": 8, "lora_alpha": 8}"#)]);
        assert!(message(unnamed.path()).contains("its base model is not"), "{}", message(unnamed.path()));
        let at_hand = place(&[("base/config.json", "{}"), (ADAPTER_FILE, r#"{"base_model_name_or_path": "base"}"#)]);
        assert!(mistaken_for_model(at_hand.path()).is_none());
    }

    #[test]
    fn a_base_model_that_moved_is_found_by_the_name_of_its_folder() {
        let of = |base: &str| format!("{{\"base_model_name_or_path\": {base:?}}}");
        for base in ["/gone/models/my-bert", "C:\\gone\\my-bert", "/gone/my-bert/"] {
            let config = of(base);
            let beside = place(&[("my-bert/config.json", "{}"), ("adapter/adapter_config.json", config.as_str())]);
            let adapter = beside.path().join("adapter");
            let found = named(base).at_hand(&adapter).unwrap();
            assert_eq!(found, beside.path().canonicalize().unwrap().join("my-bert"), "{base}");
            assert!(mistaken_for_model(&adapter).is_none());
            // A name on the Hub is no path, and another name is another model.
            assert_eq!(named("gone/my-bert").at_hand(&adapter), None);
            assert_eq!(named("/gone/other-bert").at_hand(&adapter), None);
        }
        let outside = place(&[("my-bert/config.json", "{}")]);
        let project = crate::project::Project {
            model: ModelChoice::Folder(outside.path().join("my-bert")),
            ..crate::project::Project::default()
        };
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("project");
        ProjectFile::create(&folder, &project, false).unwrap();
        let adapter = folder.join("runs/1/best");
        std::fs::create_dir_all(&adapter).unwrap();
        assert_eq!(named("/gone/my-bert").at_hand(&adapter), Some(outside.path().join("my-bert")));
        assert_eq!(named("/gone/..").at_hand(&adapter), None);
        std::fs::write(adapter.join(CONFIG_FILE), "{}").unwrap();
        assert_eq!(named("/gone/runs/0/best").at_hand(&adapter), None, "it is not its own base model");
    }

    #[test]
    fn a_name_of_the_hub_is_looked_for_in_its_cache() {
        let cache = place(&[
            ("models--owner--small-bert/snapshots/c0/config.json", "{}"),
            ("models--owner--small-bert/snapshots/c1/config.json", "{}"),
            ("models--owner--small-bert/refs/main", "c1\n"),
            ("models--gpt2/snapshots/c2/config.json", "{}"),
        ]);
        let of = |name: &str, revision: Option<&str>| {
            let base = BaseModel { revision: revision.map(str::to_owned), ..named(name) };
            base.in_cache(cache.path()).map(|found| found.file_name().unwrap().to_str().unwrap().to_owned())
        };
        assert_eq!(of("owner/small-bert", None).as_deref(), Some("c1"));
        assert_eq!(of("owner/small-bert", Some("c0")).as_deref(), Some("c0"));
        assert_eq!(of("owner/small-bert", Some("gone")).as_deref(), Some("c1"));
        assert_eq!(of("gpt2", None).as_deref(), Some("c2"));
        for no_name in ["owner/other", "../small-bert", "/owner/small-bert", "a/b/c", "owner\\small-bert", ""] {
            assert_eq!(of(no_name, None), None, "{no_name}");
        }
    }

    #[test]
    fn a_path_in_a_cache_of_the_hub_is_a_name_and_a_commit() {
        let cached = named("/home/ana/.cache/huggingface/hub/models--owner--small-bert/snapshots/c0").on_hub().unwrap();
        assert_eq!(cached, BaseModel { name: Some("owner/small-bert".to_owned()), revision: Some("c0".to_owned()) });
        for other in ["/home/ana/models/small-bert", "owner/small-bert", "/models--owner--small-bert/refs/main"] {
            assert_eq!(named(other).on_hub(), None, "{other}");
        }
    }

    #[test]
    fn a_gguf_file_says_how_it_is_converted() {
        let file = place(&[("small.Q4.gguf", "GGUF")]);
        let path = file.path().join("small.Q4.gguf");
        for chosen in [file.path(), &path] {
            let said = message(chosen);
            assert!(said.contains(&format!("hone models convert \"{}\" --out", path.display())), "{said}");
        }
    }

    #[test]
    fn the_folder_above_a_model_names_the_model() {
        let cache = place(&[("snapshots/c0/config.json", "{}"), ("snapshots/c1/config.json", "{}")]);
        let inside = |commit: &str| cache.path().join("snapshots").join(commit).display().to_string();
        assert!(message(cache.path()).contains(&inside("c0")), "{}", message(cache.path()));
        std::fs::create_dir(cache.path().join("refs")).unwrap();
        std::fs::write(cache.path().join("refs/main"), "c1\n").unwrap();
        assert!(message(cache.path()).ends_with(&format!("Choose {} instead.", inside("c1"))));
        let run = place(&[("best/config.json", "{}")]);
        assert!(message(run.path()).contains(&run.path().join("best").display().to_string()));
        assert!(message(place(&[]).path()).contains("has no config.json. It must hold"));
    }
}
