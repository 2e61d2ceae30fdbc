//! From files to examples: reading people's files, and what can be wrong with them.

mod bad_input;
mod disguised;
mod documents;
mod findings;
mod formats;
mod fuzz;
mod hostile;
mod leakage;
mod needs_shared;
mod patterns;
mod prepare;
mod roles;
mod several;
mod search;
mod split;
mod unlabelled;
mod workbooks;

use std::path::Path;

use hone::data::{DataError, Imported, ImportedFile, Prepared, import, prepare, read_table};
use hone::progress::{Control, Watch};
use hone::project::{ColumnRole, DatasetSettings, Project, SourceFile};
use tempfile::TempDir;

/// Runs `work` with a watch that nobody stops.
fn watched<T>(work: impl FnOnce(&mut Watch) -> T) -> T {
    let (control, mut report) = (Control::default(), |_| {});
    work(&mut Watch { control: &control, report: &mut report })
}

/// Writes a file to a new folder.
fn written(name: &str, bytes: impl AsRef<[u8]>) -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn read_with(bytes: impl AsRef<[u8]>, settings: &DatasetSettings) -> Result<ImportedFile, DataError> {
    let (_folder, path) = written("rows.csv", bytes);
    watched(|watch| read_table(&path, SourceFile::Main, settings, watch))
}

fn read(bytes: impl AsRef<[u8]>) -> ImportedFile {
    read_with(bytes, &DatasetSettings::default()).unwrap()
}

fn delimited(file: &ImportedFile) -> &hone::data::Delimited {
    file.format.delimited().unwrap()
}

fn cells(file: &ImportedFile) -> Vec<Vec<&str>> {
    let columns = 0..file.table.names.len();
    (0..file.table.len()).map(|row| columns.clone().map(|column| file.table.cell(column, row)).collect()).collect()
}

/// A project on files in a folder, with the columns `text` and `label`.
fn project(folder: &Path, main: &str, validation: Option<&str>, test: Option<&str>) -> Project {
    let save = |name: &str, content: &str| {
        std::fs::write(folder.join(name), content).unwrap();
        std::path::PathBuf::from(name)
    };
    Project {
        dataset: DatasetSettings {
            main: Some(save("main.csv", main)),
            validation: validation.map(|content| save("validation.csv", content)),
            test: test.map(|content| save("test.csv", content)),
            ..DatasetSettings::default()
        }
        .with_columns(&[("text", ColumnRole::Text), ("label", ColumnRole::Label)]),
        ..Project::default()
    }
}

fn prepared(project: &Project, folder: &Path) -> (Imported, Prepared) {
    let imported = watched(|watch| import(project, folder, watch)).unwrap();
    let prepared = watched(|watch| prepare(project, &imported, watch)).unwrap();
    (imported, prepared)
}

/// A file of `rows` rows for each of the labels, all texts different.
fn balanced(labels: &[&str], rows: usize) -> String {
    let mut text = "text,label\n".to_owned();
    for row in 0..rows {
        for label in labels {
            text += &format!("text {row} of {label},{label}\n");
        }
    }
    text
}
