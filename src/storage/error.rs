//! Errors of files, each with what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::project::{Project, SCHEMA_VERSION};

/// A file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The file system reported an error.
    #[error("Could not {action} {}: {}. {}", path.display(), reason(source), advice(source))]
    Io {
        /// What was tried: "read", "write", "create".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The file is damaged or was not written by Hone.
    #[error("{} is damaged ({reason}). {advice}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
        /// What to do next.
        advice: &'static str,
    },
    /// The file was written by a later version of Hone.
    #[error(
        "{} was written by a newer version of Hone ({found}; this version reads up to {known}). Update Hone to read it; \
         nothing was changed.",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format, and the version of Hone that wrote it: "study format 2 of Hone 1.4.0".
        found: String,
        /// The newest version of this format that can be read.
        known: u32,
    },
    /// A folder that Hone writes to does not exist any more.
    #[error(
        "The folder {} is gone: it was moved, renamed or removed. Move it back, or open the project where it is now.",
        .0.display()
    )]
    Gone(PathBuf),
    /// A path that a project file cannot hold.
    #[error(
        "{} cannot be used in a project, because its name has bytes that are not UTF-8. Rename it, or the folder it is in.",
        .0.display()
    )]
    NotUtf8(PathBuf),
    /// There is no such run.
    #[error("There is {run} in {}. {known}", folder.display())]
    NoRun {
        /// What is missing, to follow "There is".
        run: String,
        /// The project's folder.
        folder: PathBuf,
        /// What there is instead, as a sentence.
        known: String,
    },
    /// The run is still training.
    #[error("The run {0} is still being trained. Wait for it to end, or stop it, and try again.")]
    UnderWay(String),
    /// A run or study is to be stopped that no process runs.
    #[error("{0} is not running now, so there is nothing to stop.")]
    NotUnderWay(String),
    /// The run ended before its first evaluation.
    #[error(
        "The run {run} has no trained model, because it ended too early: {why} Choose another run, or train again."
    )]
    NoModel {
        /// Run id.
        run: String,
        /// Why it ended, as a sentence.
        why: String,
    },
    /// The weights of the run were freed.
    #[error(
        "The weights of run {0} were freed to save disk space, so its model cannot be used any more. Its metrics and predictions \
         are still there. Choose another run, or train again."
    )]
    WeightsFreed(String),
    /// The project starts from the run's model.
    #[error("This project starts from the model of run {0}. Choose another model first, in the Model step.")]
    InUse(String),
    /// Something that a person wrote about a run is too long.
    #[error("The {what} has {found} characters; at most {most} are allowed. Shorten it.")]
    TooLong {
        /// What is too long: "name".
        what: &'static str,
        /// How long it is.
        found: String,
        /// How long it may be.
        most: String,
    },
    /// There is no interrupted run.
    #[error("{0}, so there is nothing to resume. Leave out --resume.")]
    NothingToResume(String),
    /// There is no such study.
    #[error("There is {study} in {}. {known}", folder.display())]
    NoStudy {
        /// What is missing, to follow "There is".
        study: String,
        /// The project's folder.
        folder: PathBuf,
        /// What there is instead, as a sentence.
        known: String,
    },
    /// The study is still running.
    #[error("The study {0} is still running. Wait for it to end, or stop it, and try again.")]
    StudyUnderWay(String),
    /// An output would be written among the files of a run.
    #[error("{} is inside the run {run}, whose files Hone does not change. Choose another path.", path.display())]
    InsideRun {
        /// The output.
        path: PathBuf,
        /// Run id.
        run: String,
    },
    /// Something has the name of an output.
    #[error("{} is {what}, which is not replaced. Choose another path.", path.display())]
    NotReplaced {
        /// The output.
        path: PathBuf,
        /// What it is, for example "a link".
        what: &'static str,
    },
    /// A new folder would overwrite something.
    #[error("The folder {} is not empty. Choose a new or an empty folder, so that nothing is overwritten.", .0.display())]
    NotEmpty(PathBuf),
    /// An output would overwrite a file.
    #[error("The file {} already exists. Choose another name, so that nothing is overwritten.", .0.display())]
    OutputExists(PathBuf),
    /// The project is open for reading only.
    #[error("{0}. Save a copy to keep your changes.")]
    ReadOnly(String),
    /// A project would be overwritten.
    #[error(
        "The folder {} already holds a project. Choose another folder, or open that project (`hone new --force` replaces it).",
        .0.display()
    )]
    ProjectExists(PathBuf),
    /// The platform has no folder for the app's data.
    #[error("There is no home folder for the sample project. Set HOME, or create your own project with `hone new`.")]
    NoHome,
}

impl StorageError {
    /// Checks that a folder still exists, so that nothing is written to the old place of one that was moved.
    pub(super) fn unless_gone(folder: &Path) -> Result<(), Self> {
        if folder.is_dir() { Ok(()) } else { Err(Self::Gone(folder.to_owned())) }
    }

    /// Wraps an error of the file system with what was tried.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

/// A project could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no `project.ron`.
    #[error(
        "There is no project in {}. Choose a folder with a project.ron, or create a project with `hone new`.",
        .0.display()
    )]
    NoProject(PathBuf),
    /// The file was written by a later version of Hone.
    #[error(
        "{} was written by a newer version of Hone (project format {found}; this version reads up to {SCHEMA_VERSION}). \
         Update Hone to open it; nothing was changed.",
        path.display()
    )]
    Newer {
        /// The project file.
        path: PathBuf,
        /// The format version it has.
        found: u32,
    },
    /// The file is not a readable project.
    #[error(
        "{} is damaged at line {line}, column {column}: {reason}. {}",
        path.display(),
        if last_good.is_some() {
            "Fix that line in a text editor, or open the project in Hone's window to restore its last good state."
        } else {
            "Fix that line in a text editor, or restore the file from a backup."
        }
    )]
    Damaged {
        /// The project file.
        path: PathBuf,
        /// 1-based line of the damage.
        line: usize,
        /// 1-based column of the damage.
        column: usize,
        /// What is wrong there.
        reason: String,
        /// The last good state, if there is one.
        last_good: Option<Box<Project>>,
    },
    /// The file system reported an error.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The number of the system's error.
fn system_code(error: &io::Error) -> Option<i32> {
    // A library that adds the path to an error passes the number on as text only.
    error.raw_os_error().or_else(|| system_code_in(&error.to_string()))
}

/// The number of the system's error in a message about it.
pub(super) fn system_code_in(message: &str) -> Option<i32> {
    message.rsplit_once("(os error ")?.1.split(')').next()?.parse().ok()
}

/// Whether the process, or the machine, has as many files open as it may.
fn is_too_many_files(error: &io::Error) -> bool {
    // EMFILE and ENFILE, the same on Linux and macOS. The standard library has no kind for them.
    cfg!(unix) && matches!(system_code(error), Some(23 | 24))
}

/// Whether the disk itself failed.
fn is_disk_failure(error: &io::Error) -> bool {
    // EIO, the same on Linux and macOS. The standard library has no kind for it.
    cfg!(unix) && system_code(error) == Some(5)
}

/// The reason in plain words.
#[must_use]
pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        _ if is_too_many_files(error) => "too many files are open".to_owned(),
        _ if is_disk_failure(error) => "the disk failed (input/output error)".to_owned(),
        io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "permission was denied".to_owned(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk is full".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the disk is read-only".to_owned(),
        io::ErrorKind::NotADirectory => "a part of the path is a file, not a folder".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder, not a file".to_owned(),
        io::ErrorKind::AlreadyExists => "a file with that name already exists".to_owned(),
        io::ErrorKind::FileTooLarge => "the file would be larger than is allowed".to_owned(),
        _ => error.to_string(),
    }
}

/// What a person can do about an error of the file system.
#[must_use]
pub fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        _ if is_too_many_files(error) => "Close other programs, or raise the limit (ulimit -n), and try again.",
        io::ErrorKind::FileTooLarge => "Raise the limit on the size of files (ulimit -f), or choose another disk.",
        io::ErrorKind::NotFound => "Check the path.",
        io::ErrorKind::PermissionDenied => "Choose a folder you may write to, or change its permissions.",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "Free some space and try again.",
        io::ErrorKind::ReadOnlyFilesystem => "Choose a folder on another disk.",
        io::ErrorKind::AlreadyExists => "Rename or delete it, or choose another path.",
        io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => "Choose another path.",
        _ => "Check that the disk is connected and try again.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_says_what_to_do() {
        let message = |kind: io::ErrorKind| {
            StorageError::io("write", Path::new("projects/a/project.ron"))(io::Error::from(kind)).to_string()
        };
        assert_eq!(
            message(io::ErrorKind::StorageFull),
            "Could not write projects/a/project.ron: the disk is full. Free some space and try again."
        );
        assert!(message(io::ErrorKind::ReadOnlyFilesystem).ends_with("Choose a folder on another disk."));
        assert!(message(io::ErrorKind::PermissionDenied).contains("permission was denied. Choose a folder"));
        if cfg!(unix) {
            let too_many = StorageError::io("read", Path::new("a"))(io::Error::from_raw_os_error(24)).to_string();
            assert!(too_many.contains("too many files are open. Close other programs"), "{too_many}");
        }
        if cfg!(target_os = "linux") {
            let folder = tempfile::tempdir().unwrap();
            let error = std::fs::File::open(folder.path().join("gone")).unwrap_err();
            assert_eq!(system_code(&error), Some(2));
            // The library wraps the system's error and its path.
            let wrapped = tempfile::NamedTempFile::new_in(folder.path().join("gone")).unwrap_err();
            assert_eq!((wrapped.raw_os_error(), system_code(&wrapped)), (None, Some(2)));
            let failed = StorageError::io("write", Path::new("a"))(io::Error::from_raw_os_error(5)).to_string();
            assert_eq!(
                failed,
                "Could not write a: the disk failed (input/output error). Check that the disk is connected and try again."
            );
        }
        assert!(message(io::ErrorKind::TimedOut).contains("Check that the disk is connected"));
    }
}
