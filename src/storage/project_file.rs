//! `project.ron`: a project's folder, opened by one window at a time.

use std::io;
use std::path::{Path, PathBuf};

use crate::project::{Project, SCHEMA_VERSION};
use crate::storage::migrations::{MIGRATIONS, migrate, version_of};
use crate::storage::paths::with_stored_paths;
use crate::storage::{FileLock, OpenError, StorageError, remove_file, ron_file};

/// Name of the project file in its folder.
pub const PROJECT_FILE: &str = "project.ron";

/// Locked by the one window that may write the project.
const LOCK_FILE: &str = ".project.lock";
/// Name of the autosave beside it.
const AUTOSAVE_FILE: &str = ".project.autosave.ron";
/// A second copy of the last save.
const LAST_SAVED_FILE: &str = ".project.last.ron";

/// A project's folder, locked for writing as long as this lives, unless another window has it.
#[derive(Debug)]
pub struct ProjectFile {
    folder: PathBuf,
    /// Dropping it lets another window write.
    _lock: Option<FileLock>,
    read_only: Option<String>,
}

/// A project that was opened.
#[derive(Debug)]
pub struct Opened {
    /// Where it is saved.
    pub file: ProjectFile,
    /// What was saved last.
    pub project: Project,
    /// Changes that were autosaved and never saved, because the app crashed.
    pub autosave: Option<Box<Project>>,
}

impl ProjectFile {
    /// Opens the project of a folder (or of the `project.ron` in it).
    ///
    /// If another window has it, or it cannot be written, it opens read-only: see [`Self::read_only`].
    ///
    /// # Errors
    /// No project there, a damaged one (with the last good autosave), one of a newer version, or the file system's.
    pub fn open(path: &Path) -> Result<Opened, OpenError> {
        let folder = folder_of(path);
        // Nothing is left behind in a folder that holds no project.
        read_project(&folder)?;
        let file = Self::lock(folder);
        // Read only now: until it was locked, another window could have saved.
        let project = read_project(&file.folder)?;
        // While another window has the project, what lies beside it is that window's, and no crash's.
        let autosave = if file.read_only.is_some() { None } else { parse(&file.folder, AUTOSAVE_FILE) };
        Ok(Opened { autosave: autosave.filter(|autosave| **autosave != project), project, file })
    }

    /// Opens the last good autosave of a project whose file is damaged. The damaged file stays until the next save.
    ///
    /// # Errors
    /// As [`Self::open`], and when the autosave is gone.
    pub fn open_autosave(path: &Path) -> Result<Opened, OpenError> {
        let folder = folder_of(path);
        match last_good(&folder) {
            Some(project) => Ok(Opened { file: Self::lock(folder), project: *project, autosave: None }),
            None => Err(OpenError::NoProject(folder)),
        }
    }

    /// Reads a project without locking it, for work that does not change it.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn read(path: &Path) -> Result<(PathBuf, Project), OpenError> {
        let folder = folder_of(path);
        let project = read_project(&folder)?;
        Ok((folder, project))
    }

    /// Makes a folder with a new project in it and locks it. If that fails, nothing of it is left.
    ///
    /// # Errors
    /// [`StorageError::ProjectExists`] when one is there and `replace` is false; the file system's.
    pub fn create(folder: &Path, project: &Project, replace: bool) -> Result<Self, StorageError> {
        if !replace && folder.join(PROJECT_FILE).exists() {
            return Err(StorageError::ProjectExists(folder.to_owned()));
        }
        let mut made = Made::none_yet(folder);
        let created = std::fs::create_dir_all(folder)
            .map_err(StorageError::io("create", folder))
            .and_then(|()| Self::create_in(folder, project, replace, &mut made));
        if created.is_err() {
            made.take_back();
        }
        created
    }

    fn create_in(folder: &Path, project: &Project, replace: bool, made: &mut Made) -> Result<Self, StorageError> {
        let file = Self::lock(folder.to_owned());
        if let Some(reason) = file.read_only() {
            // Whoever holds the folder made its files.
            made.files.clear();
            return Err(StorageError::ReadOnly(reason.to_owned()));
        }
        // Another process may have made one, and ended, since the first look.
        if !replace && folder.join(PROJECT_FILE).exists() {
            made.files.clear();
            return Err(StorageError::ProjectExists(folder.to_owned()));
        }
        file.save(project)?;
        Ok(file)
    }

    /// The project's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Why it cannot be saved here, as a sentence without a full stop; `None` if it can.
    #[must_use]
    pub fn read_only(&self) -> Option<&str> {
        self.read_only.as_deref()
    }

    /// Saves the project and removes its autosave. Paths inside the folder are stored relative to it.
    ///
    /// # Errors
    /// [`StorageError::ReadOnly`] when it was opened for reading; the file system's.
    pub fn save(&self, project: &Project) -> Result<(), StorageError> {
        self.write(PROJECT_FILE, project)?;
        // A second copy, to be offered if another program damages the first.
        self.write(LAST_SAVED_FILE, project)?;
        self.discard_autosave()
    }

    /// Writes the project beside the project file, to be offered after a crash.
    ///
    /// # Errors
    /// As [`Self::save`].
    pub fn autosave(&self, project: &Project) -> Result<(), StorageError> {
        self.write(AUTOSAVE_FILE, project)
    }

    /// Discards autosaved changes.
    ///
    /// # Errors
    /// The file system's.
    pub fn discard_autosave(&self) -> Result<(), StorageError> {
        let path = self.folder.join(AUTOSAVE_FILE);
        remove_file(&path).map_err(StorageError::io("remove", &path))
    }

    fn lock(folder: PathBuf) -> Self {
        let (lock, read_only) = match FileLock::try_take(&folder.join(LOCK_FILE)) {
            Ok(Some(lock)) => (Some(lock), None),
            Ok(None) => (None, Some("The project is open in another window of Hone".to_owned())),
            // This file system has no locks. Unlocked is better than unusable.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => (None, None),
            Err(error) => (None, Some(format!("The project's folder cannot be written ({error})"))),
        };
        Self { folder, _lock: lock, read_only }
    }

    fn write(&self, name: &str, project: &Project) -> Result<(), StorageError> {
        if let Some(reason) = &self.read_only {
            return Err(StorageError::ReadOnly(reason.clone()));
        }
        let mut project = with_stored_paths(project, &self.folder);
        project.schema_version = SCHEMA_VERSION;
        ron_file::write(&self.folder.join(name), &project)
    }
}

/// What was not there before a project was made.
struct Made {
    files: Vec<PathBuf>,
    /// The innermost first.
    folders: Vec<PathBuf>,
}

impl Made {
    /// Looks before anything is made.
    fn none_yet(folder: &Path) -> Self {
        let files = [LOCK_FILE, PROJECT_FILE, LAST_SAVED_FILE].map(|name| folder.join(name));
        let is_new = |path: &PathBuf| path.symlink_metadata().is_err();
        let folders = folder.ancestors().filter(|folder| !folder.as_os_str().is_empty()).map(Path::to_owned);
        Self { files: files.into_iter().filter(is_new).collect(), folders: folders.take_while(is_new).collect() }
    }

    /// Removes it. What cannot be removed stays: the error that made it useless is the one to tell.
    fn take_back(&self) {
        for file in &self.files {
            let _ = remove_file(file);
        }
        for folder in &self.folders {
            // Only an empty one goes: what others put there meanwhile is theirs.
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// The folder a person means: the folder itself, or the one that holds the project file they named.
fn folder_of(path: &Path) -> PathBuf {
    if path.file_name().is_some_and(|name| name == PROJECT_FILE) && !path.is_dir() {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        return folder.unwrap_or(Path::new(".")).to_owned();
    }
    path.to_owned()
}

fn read_project(folder: &Path) -> Result<Project, OpenError> {
    let path = folder.join(PROJECT_FILE);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Err(OpenError::NoProject(folder.to_owned()));
        }
        Err(error) => return Err(StorageError::io("read", &path)(error).into()),
    };
    parse_project(&path, &bytes).map_err(|error| match error {
        OpenError::Damaged { path, line, column, reason, .. } => {
            OpenError::Damaged { path, line, column, reason, autosave: last_good(folder) }
        }
        other => other,
    })
}

/// What a damaged project can be restored from: unsaved changes, or else the last save.
fn last_good(folder: &Path) -> Option<Box<Project>> {
    parse(folder, AUTOSAVE_FILE).or_else(|| parse(folder, LAST_SAVED_FILE))
}

/// A project beside the project file, if it is there and whole.
fn parse(folder: &Path, name: &str) -> Option<Box<Project>> {
    let path = folder.join(name);
    let bytes = std::fs::read(&path).ok()?;
    parse_project(&path, &bytes).ok().map(Box::new)
}

fn parse_project(path: &Path, bytes: &[u8]) -> Result<Project, OpenError> {
    let damaged =
        |line, column, reason| OpenError::Damaged { path: path.to_owned(), line, column, reason, autosave: None };
    let spanned =
        |error: ron::error::SpannedError| damaged(error.span.start.line, error.span.start.col, error.code.to_string());
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = &bytes[..error.valid_up_to()];
            let line = good.split(|&byte| byte == b'\n').count();
            let column = 1 + good.iter().rev().take_while(|&&byte| byte != b'\n').count();
            return Err(damaged(line, column, "these bytes are not UTF-8 text".to_owned()));
        }
    };
    if text.trim().is_empty() {
        return Err(damaged(1, 1, "the file is empty".to_owned()));
    }
    let version = version_of(text).map_err(spanned)?;
    if version > SCHEMA_VERSION {
        return Err(OpenError::Newer { path: path.to_owned(), found: version });
    }
    let text = migrate(text, version, &MIGRATIONS).map_err(spanned)?;
    let project: Project = ron::from_str(&text).map_err(spanned)?;
    Ok(Project { schema_version: SCHEMA_VERSION, ..project })
}
