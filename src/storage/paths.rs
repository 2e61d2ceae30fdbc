//! Paths: the platform's folders, and those in a project.

use std::path::{Component, Path, PathBuf};

use directories::{ProjectDirs, UserDirs};

use crate::project::{ModelChoice, Project};
use crate::storage::StorageError;

/// Folder of the app's settings, for example `~/.config/hone`; `None` without a home folder.
#[must_use]
pub fn config_folder() -> Option<PathBuf> {
    Some(platform()?.config_dir().to_owned())
}

/// Folder of what the app unpacks, for example `~/.local/share/hone`.
#[must_use]
pub fn data_folder() -> Option<PathBuf> {
    Some(platform()?.data_dir().to_owned())
}

/// Folder of what can be downloaded or computed again, for example `~/.cache/hone`.
#[must_use]
pub fn cache_folder() -> Option<PathBuf> {
    Some(platform()?.cache_dir().to_owned())
}

/// Folder that new projects are created in, unless the person chooses another: `Hone` among the person's documents.
#[must_use]
pub fn projects_folder() -> PathBuf {
    let documents = UserDirs::new().map(|dirs| dirs.document_dir().unwrap_or(dirs.home_dir()).join("Hone"));
    documents.or_else(|| Some(data_folder()?.join("projects"))).unwrap_or_default()
}

/// The folder for models that do not come from the Hugging Face Hub.
#[must_use]
pub fn own_models_folder() -> Option<PathBuf> {
    Some(cache_folder()?.join("models"))
}

/// The cache that Hugging Face's own tools share: `HF_HUB_CACHE`, or `hub` in [`hugging_face_home`].
#[must_use]
pub fn hub_cache_folder() -> Option<PathBuf> {
    variable("HF_HUB_CACHE").or_else(|| hugging_face_home().map(|home| home.join("hub")))
}

/// `HF_HOME`, or its default below the user's cache folder on every platform.
#[must_use]
pub fn hugging_face_home() -> Option<PathBuf> {
    variable("HF_HOME").or_else(|| {
        let home = || directories::BaseDirs::new().map(|folders| folders.home_dir().join(".cache"));
        Some(variable("XDG_CACHE_HOME").or_else(home)?.join("huggingface"))
    })
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty()).map(PathBuf::from)
}

/// A project's name as a folder name that is valid on every system.
#[must_use]
pub fn folder_name(name: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ') { c } else { '-' };
    name.trim().chars().map(safe).collect::<String>().trim_matches('.').to_owned()
}

/// A folder in `parent` with this name that does not exist yet: `name`, `name 2`, `name 3`.
#[must_use]
pub fn free_folder(parent: &Path, name: &str) -> PathBuf {
    let name = Some(folder_name(name)).filter(|name| !name.is_empty()).unwrap_or_else(|| "Project".to_owned());
    let is_free = |folder: &PathBuf| folder.symlink_metadata().is_err();
    let numbered = (2..u32::MAX).map(|number| parent.join(format!("{name} {number}")));
    let first = parent.join(&name);
    std::iter::once(first.clone()).chain(numbered).find(is_free).unwrap_or(first)
}

fn platform() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "hone")
}

/// `path` made absolute. A relative path is relative to the project's folder.
#[must_use]
pub fn resolve(folder: &Path, path: &Path) -> PathBuf {
    tidy(&absolute(folder).join(path))
}

/// `path` as it is stored in `project.ron`: relative if it is inside the project's folder, otherwise absolute.
///
/// A relative `path` is relative to the project's folder.
#[must_use]
pub fn stored(folder: &Path, path: &Path) -> PathBuf {
    let folder = tidy(&absolute(folder));
    let whole = resolve(&folder, path);
    match whole.strip_prefix(&folder) {
        Ok(inside) if !inside.as_os_str().is_empty() => inside.to_owned(),
        _ => whole,
    }
}

/// The project with absolute paths.
#[must_use]
pub fn with_absolute_paths(project: &Project, folder: &Path) -> Project {
    map_paths(project, |path| resolve(folder, path))
}

/// The project with paths as they are stored in the project file of `folder`.
#[must_use]
pub fn with_stored_paths(project: &Project, folder: &Path) -> Project {
    map_paths(project, |path| stored(folder, path))
}

fn map_paths(project: &Project, mut map: impl FnMut(&Path) -> PathBuf) -> Project {
    let mut project = project.clone();
    let dataset = &mut project.dataset;
    let named = [&mut dataset.main, &mut dataset.validation, &mut dataset.test].into_iter().flatten();
    for path in named.chain(&mut dataset.more) {
        *path = map(path);
    }
    if let ModelChoice::Folder(path) = &mut project.model {
        *path = map(path);
    }
    project
}

/// Checks that a project file can hold every path of the project.
///
/// # Errors
/// [`StorageError::NotUtf8`].
pub(super) fn check_paths(project: &Project) -> Result<(), StorageError> {
    let mut wrong = None;
    map_paths(project, |path| {
        if path.to_str().is_none() {
            wrong.get_or_insert_with(|| path.to_owned());
        }
        path.to_owned()
    });
    wrong.map_or(Ok(()), |path| Err(StorageError::NotUtf8(path)))
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Removes `.` and resolves `..` by name, without reading the disk.
fn tidy(path: &Path) -> PathBuf {
    let mut tidied = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(tidied.components().next_back(), Some(Component::Normal(_))) => {
                tidied.pop();
            }
            other => tidied.push(other),
        }
    }
    tidied
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_names_are_safe_and_free() {
        assert_eq!(folder_name(" Reviews: 2026/Q1? "), "Reviews- 2026-Q1-");
        assert_eq!(folder_name("../x"), "-x");
        let place = tempfile::tempdir().unwrap();
        for name in ["reviews", "reviews 2", "reviews 3"] {
            assert_eq!(free_folder(place.path(), "reviews"), place.path().join(name));
            std::fs::create_dir(place.path().join(name)).unwrap();
        }
        assert_eq!(free_folder(place.path(), "..."), place.path().join("Project"));
    }

    #[test]
    fn inside_is_relative_and_outside_absolute() {
        let folder = std::env::temp_dir().join("shop");
        assert_eq!(stored(&folder, &folder.join("data/reviews.csv")), Path::new("data/reviews.csv"));
        assert_eq!(stored(&folder, Path::new("./reviews.csv")), Path::new("reviews.csv"));
        assert_eq!(stored(&folder, Path::new("../other/reviews.csv")), std::env::temp_dir().join("other/reviews.csv"));
        assert_eq!(resolve(&folder, Path::new("reviews.csv")), folder.join("reviews.csv"));
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_not_utf_8_is_named() {
        let odd = Path::new(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"shop/d\xFF.csv"));
        let mut project = Project::default();
        assert!(check_paths(&project).is_ok());
        project.dataset.test = Some(odd.to_owned());
        let error = check_paths(&project).unwrap_err().to_string();
        assert!(
            error.contains("shop/d\u{FFFD}.csv cannot be used in a project") && error.contains("Rename it"),
            "{error}"
        );
    }

    #[test]
    fn a_project_keeps_its_meaning_in_another_folder() {
        let folder = std::env::temp_dir().join("shop");
        let mut project = Project::default();
        project.dataset.main = Some("reviews.csv".into());
        project.dataset.more = vec!["march/reviews.csv".into()];
        project.model = ModelChoice::Folder("model".into());
        let absolute = with_absolute_paths(&project, &folder);
        assert_eq!(absolute.dataset.main, Some(folder.join("reviews.csv")));
        assert_eq!(absolute.dataset.more, [folder.join("march/reviews.csv")]);
        assert_eq!(absolute.model, ModelChoice::Folder(folder.join("model")));
        assert_eq!(with_stored_paths(&absolute, &folder), project);
        let elsewhere = std::env::temp_dir().join("elsewhere");
        assert_eq!(with_stored_paths(&absolute, &elsewhere), absolute);
    }
}
