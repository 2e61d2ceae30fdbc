//! What the fuzz targets share: reading damaged files the way the program does.

use std::cell::RefCell;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::Once;

use hone::data::{import, keep_panics_of_decoders_quiet, prepare};
use hone::progress::{Control, Watch};
use hone::project::{Project, Task, TaskKind};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

thread_local! {
    /// A folder for the whole run: one for each input would take more time than reading it.
    static FOLDER: RefCell<TempDir> = RefCell::new(tempfile::tempdir().expect("a folder for the input"));
}

/// Writes the input to a file of this name, and returns its path.
pub fn written(name: &str, bytes: &[u8]) -> PathBuf {
    // libFuzzer would end at a panic of a decoder, which is an error of the file.
    static ONCE: Once = Once::new();
    ONCE.call_once(keep_panics_of_decoders_quiet);
    let path = FOLDER.with_borrow(|folder| folder.path().join(name));
    std::fs::write(&path, bytes).expect("the input can be written");
    path
}

/// Imports the file and prepares its rows, as the window does when a person opens it. Errors are fine; panics are not.
pub fn import_and_prepare(name: &str, bytes: &[u8]) {
    let path = written(name, bytes);
    open(&path, &Project::default());
}

/// Imports a folder that holds only this document, and prepares its text.
pub fn import_document(name: &str, bytes: &[u8]) {
    let path = written(name, bytes);
    let folder = path.parent().expect("the file is in a folder");
    open(folder, &Project { task: Task::new(TaskKind::LanguageModelling), ..Project::default() });
}

fn open(path: &Path, project: &Project) {
    let mut project = project.clone();
    project.dataset.main = Some(path.to_owned());
    let (control, mut report) = (Control::default(), |_| {});
    let mut watch = Watch { control: &control, report: &mut report };
    let Ok(imported) = import(&project, Path::new(""), &mut watch) else { return };
    imported.fill_in(project.task.kind(), &mut project.dataset);
    imported.split_by_guess(&mut project);
    _ = prepare(&project, &imported, &mut watch);
}

/// A ZIP archive of parts. The input's pieces, separated by a byte 0, become the parts `damaged`; `whole` are added.
pub fn archive(bytes: &[u8], damaged: &[&str], whole: &[(&str, &str)]) -> Vec<u8> {
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, bytes: &[u8]| {
        archive.start_file(name, stored).expect("a part can be begun");
        archive.write_all(bytes).expect("a part can be written");
    };
    whole.iter().for_each(|(name, text)| add(name, text.as_bytes()));
    damaged.iter().zip(bytes.split(|&byte| byte == 0)).for_each(|(name, part)| add(name, part));
    archive.finish().expect("the archive can be finished").into_inner()
}
