//! A project's folder with `project.ron`, which one window at a time can write.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::project::{Project, SCHEMA_VERSION};
use crate::storage::paths::{check_paths, with_stored_paths};
use crate::storage::project_text::parse_project;
use crate::storage::project_window::{ProjectWindow, WINDOW_FILE};
use crate::storage::{
    FileLock, OpenError, StorageError, remove_file, remove_leftovers, ron_file, token_cache, versions, write_atomic,
};

/// Name of the project file in its folder.
pub const PROJECT_FILE: &str = "project.ron";

/// Locked by the one window that may write the project.
const LOCK_FILE: &str = ".project.lock";
/// A copy of a project file that could not be read, made before it was replaced.
const DAMAGED_FILE: &str = "project.damaged.ron";
/// Unsaved changes, as earlier versions of Hone left them when they crashed.
const AUTOSAVE_FILE: &str = ".project.autosave.ron";
/// A second copy of the last save.
const LAST_SAVED_FILE: &str = ".project.last.ron";

/// A project's folder. It is locked for writing until this is dropped, unless another window has locked it.
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
    /// Changes that an earlier version of Hone autosaved and never saved, because it crashed.
    pub autosave: Option<Box<Project>>,
}

impl ProjectFile {
    /// Opens the project of a folder (or of the `project.ron` in it).
    ///
    /// If another window has it open, or it cannot be written, it is opened read-only: see [`Self::read_only`].
    ///
    /// # Errors
    /// No project there, a damaged one (with its last good state), one of a newer version, or errors of the file
    /// system.
    pub fn open(path: &Path) -> Result<Opened, OpenError> {
        let folder = folder_of(path);
        // Checked first, so that no lock file is left in a folder without a project.
        read_project(&folder)?;
        remove_leftovers_of(&folder);
        let file = Self::lock(folder);
        // Read again, because another window could have saved until it was locked.
        let project = read_project(&file.folder)?;
        // While another window has the project open, the autosave belongs to that window, and not to a crash.
        let autosave = if file.read_only.is_some() { None } else { parse(&file.folder, AUTOSAVE_FILE) };
        Ok(Opened { autosave: autosave.filter(|autosave| **autosave != project), project, file })
    }

    /// Opens the last good state of a project whose file is damaged. The damaged file stays until the next save.
    ///
    /// # Errors
    /// As [`Self::open`], and if there is no good state.
    pub fn open_last_good(path: &Path) -> Result<Opened, OpenError> {
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
        remove_leftovers_of(&folder);
        Ok((folder, project))
    }

    /// Whether a window has the project in `folder` open.
    #[must_use]
    pub fn is_open(folder: &Path) -> bool {
        FileLock::is_held(&folder.join(LOCK_FILE))
    }

    /// Creates a folder with a new project and locks it. If that fails, everything created is removed.
    ///
    /// # Errors
    /// [`StorageError::ProjectExists`] when one is there and `replace` is false; errors of the file system.
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
            // Another process holds the lock, so the files are its own.
            made.files.clear();
            return Err(StorageError::ReadOnly(reason.to_owned()));
        }
        // Another process may have created one, and ended, since the first check.
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

    /// Saves the project. Paths inside the folder are stored relative to it.
    ///
    /// # Errors
    /// [`StorageError::ReadOnly`] when it was opened read-only; errors of the file system.
    pub fn save(&self, project: &Project) -> Result<(), StorageError> {
        self.write(PROJECT_FILE, project)?;
        // A second copy, in case another program damages the first.
        self.write(LAST_SAVED_FILE, project)?;
        self.discard_autosave()
    }

    /// When the project was saved last, if the file system tells.
    #[must_use]
    pub fn saved_at(&self) -> Option<SystemTime> {
        std::fs::metadata(self.folder.join(PROJECT_FILE)).and_then(|file| file.modified()).ok()
    }

    /// Keeps a state of the project among its versions, unless it is the newest version already.
    ///
    /// # Errors
    /// As [`Self::save`].
    pub fn keep_version(&self, project: &Project, saved_at: SystemTime) -> Result<(), StorageError> {
        let stored = with_stored_paths(project, &self.folder);
        if versions::newest(&self.folder).is_some_and(|newest| with_stored_paths(&newest, &self.folder) == stored) {
            return Ok(());
        }
        self.write(&versions::name_of(saved_at), project)?;
        versions::thin_out(&self.folder, SystemTime::now());
        Ok(())
    }

    /// Copies a project file that could not be read to `project.damaged.ron`, before it is replaced.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn keep_damaged(&self) -> Result<(), StorageError> {
        let [from, to] = [PROJECT_FILE, DAMAGED_FILE].map(|name| self.folder.join(name));
        let bytes = match std::fs::read(&from) {
            // It was removed meanwhile, so that nothing is lost by writing another.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            read => read.map_err(StorageError::io("read", &from))?,
        };
        write_atomic(&to, |file| io::Write::write_all(file, &bytes)).map_err(StorageError::io("write", &to))
    }

    /// How the window showed the project last; the defaults if that cannot be read.
    #[must_use]
    pub fn window(&self) -> ProjectWindow {
        ron_file::read(&self.folder.join(WINDOW_FILE), "").unwrap_or_default()
    }

    /// Remembers how the window shows the project. Does nothing in a project that cannot be written.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn save_window(&self, window: &ProjectWindow) -> Result<(), StorageError> {
        if self.read_only.is_some() || !self.folder.is_dir() {
            return Ok(());
        }
        ron_file::write(&self.folder.join(WINDOW_FILE), window)
    }

    fn discard_autosave(&self) -> Result<(), StorageError> {
        let path = self.folder.join(AUTOSAVE_FILE);
        remove_file(&path).map_err(StorageError::io("remove", &path))
    }

    fn lock(folder: PathBuf) -> Self {
        let (lock, read_only) = match FileLock::try_take(&folder.join(LOCK_FILE)) {
            Ok(Some(lock)) => (Some(lock), None),
            Ok(None) => (None, Some("The project is open in another window of Hone".to_owned())),
            // This file system has no locks. Working without one is better than not at all.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => (None, None),
            Err(error) => (None, Some(format!("The project's folder cannot be written ({error})"))),
        };
        Self { folder, _lock: lock, read_only }
    }

    pub(super) fn write(&self, name: &str, project: &Project) -> Result<(), StorageError> {
        if let Some(reason) = &self.read_only {
            return Err(StorageError::ReadOnly(reason.clone()));
        }
        let mut project = with_stored_paths(project, &self.folder);
        check_paths(&project)?;
        StorageError::unless_gone(&self.folder)?;
        project.schema_version = SCHEMA_VERSION;
        ron_file::write(&self.folder.join(name), &project)
    }
}

/// The files and folders that did not exist before a project was created.
struct Made {
    files: Vec<PathBuf>,
    /// The innermost first.
    folders: Vec<PathBuf>,
}

impl Made {
    /// Checks what exists before anything is created.
    fn none_yet(folder: &Path) -> Self {
        let files = [LOCK_FILE, PROJECT_FILE, LAST_SAVED_FILE].map(|name| folder.join(name));
        let is_new = |path: &PathBuf| path.symlink_metadata().is_err();
        let folders = folder.ancestors().filter(|folder| !folder.as_os_str().is_empty()).map(Path::to_owned);
        Self { files: files.into_iter().filter(is_new).collect(), folders: folders.take_while(is_new).collect() }
    }

    /// Removes what was created. What cannot be removed stays, since the first error is the one to report.
    fn take_back(&self) {
        for file in &self.files {
            let _ = remove_file(file);
        }
        for folder in &self.folders {
            // Only an empty folder is removed: others may have put files there meanwhile.
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// Removes what killed processes left in a project's folder and its cache. [`RunFolder::list`](crate::storage::RunFolder::list)
/// does so in the runs.
fn remove_leftovers_of(folder: &Path) {
    remove_leftovers(folder);
    for inside in [token_cache::FOLDER, versions::FOLDER] {
        remove_leftovers(&folder.join(inside));
    }
}

/// The project's folder, given by itself or by the project file in it.
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
            OpenError::Damaged { path, line, column, reason, last_good: last_good(folder) }
        }
        other => other,
    })
}

/// What a damaged project can be restored from: unsaved changes of an earlier version of Hone, or else the last save.
fn last_good(folder: &Path) -> Option<Box<Project>> {
    parse(folder, AUTOSAVE_FILE).or_else(|| parse(folder, LAST_SAVED_FILE))
}

/// Reads one of the copies beside the project file, if it exists and is intact.
fn parse(folder: &Path, name: &str) -> Option<Box<Project>> {
    let path = folder.join(name);
    let bytes = std::fs::read(&path).ok()?;
    parse_project(&path, &bytes).ok().map(Box::new)
}
