//! Model folders, and folders that are taken for one, so that errors say what they are.

use std::path::{Path, PathBuf};

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

/// What a folder without a whole model is instead: an adapter, or the folder above a model. `None` if it is neither.
#[must_use]
pub fn mistaken_for_model(folder: &Path) -> Option<ModelError> {
    let folder = folder.to_owned();
    if folder.join(ADAPTER_FILE).is_file() {
        let base = base_of(&folder);
        return base_at_hand(&folder, base.as_deref()).is_none().then_some(ModelError::Adapter { folder, base });
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

/// The model that an adapter belongs to, if it says so.
fn base_of(folder: &Path) -> Option<String> {
    let text = std::fs::read(folder.join(ADAPTER_FILE)).ok()?;
    let adapter: serde_json::Value = serde_json::from_slice(&text).ok()?;
    Some(adapter.get("base_model_name_or_path")?.as_str()?.to_owned()).filter(|base| !base.is_empty())
}

/// The folder of an adapter's base model, if it is on this machine: where the adapter says, or else in a folder of the same name
/// that is at hand. A relative path counts from the adapter's folder.
pub(super) fn base_at_hand(folder: &Path, base: Option<&str>) -> Option<PathBuf> {
    // It may be an adapter itself: that of a model adapted to a person's texts, from which a classifier was trained.
    let is_model = |path: &PathBuf| path.join(CONFIG_FILE).is_file();
    let base = base?;
    [folder.join(base)].into_iter().chain(moved_to(folder, base)).find(is_model)
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
        && let [.., repo, "snapshots", commit] = parts[..]
    {
        places.push(cache.join(repo).join("snapshots").join(commit));
    }
    places.extend(own_models_folder().map(|own| own.join(name)));
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

    #[test]
    fn an_adapter_is_no_whole_model() {
        let of_example = r#"{"peft_type": "LORA", "r": 8, "lora_alpha": 8, "base_model_name_or_path": "example/base"}"#;
        let named = place(&[(ADAPTER_FILE, of_example)]);
        let message_of_named = message(named.path());
        assert!(message_of_named.contains("holds an adapter (adapter_config.json)"), "{message_of_named}");
        assert!(message_of_named.contains("its base model, example/base, is not a model folder"), "{message_of_named}");
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
            let found = base_at_hand(&adapter, Some(base)).unwrap();
            assert_eq!(found, beside.path().canonicalize().unwrap().join("my-bert"), "{base}");
            assert!(mistaken_for_model(&adapter).is_none());
            // A name on the Hub is no path, and another name is another model.
            assert_eq!(base_at_hand(&adapter, Some("gone/my-bert")), None);
            assert_eq!(base_at_hand(&adapter, Some("/gone/other-bert")), None);
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
        assert_eq!(base_at_hand(&adapter, Some("/gone/my-bert")), Some(outside.path().join("my-bert")));
        assert_eq!(base_at_hand(&adapter, Some("/gone/..")), None);
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
