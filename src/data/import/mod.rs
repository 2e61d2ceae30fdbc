//! Reads files into a [`Table`](crate::data::Table), and keeps every bad row so that it can be shown. Each file format has
//! its own module.

pub mod bytes;
pub mod imported;

mod annotations;
mod append;
mod arff;
mod arrow_check;
mod arrow_columns;
mod arrow_files;
mod azure;
mod decode;
mod delimited;
mod dialect;
mod documents;
mod docx;
mod fast_text;
mod file_rows;
mod folder;
mod folder_files;
pub mod guarded;
mod head;
mod header;
mod json;
mod json_layouts;
mod json_node;
mod json_repair;
mod json_values;
mod markup;
mod names;
mod ods_check;
mod parquet_file;
pub(crate) mod parquet_footer;
mod records;
mod rows;
mod sheet_cells;
mod sheet_head;
mod sheet_marks;
mod sheet_rows;
mod start;
mod totals;
mod utf8;
mod western;
mod workbook;
mod xls_check;

use std::path::{Path, PathBuf};

use crate::data::{DataError, FileFormat, Imported, ImportedFile, table::columns};
use crate::progress::Watch;
use crate::project::{DatasetSettings, Project, SourceFile};
use bytes::{FileBytes, Kind};
use file_rows::FileRows;
use rows::RawRows;

/// Reads all files a project names. Relative paths are resolved against `folder`, the project's folder.
///
/// # Errors
/// Errors of [`read_table`], [`DataError::NoFile`] if no main file is chosen, and [`DataError::SameFile`] if a file is
/// listed twice.
pub fn import(project: &Project, folder: &Path, watch: &mut Watch) -> Result<Imported, DataError> {
    let settings = &project.dataset;
    let main = read_main(settings, folder, watch)?;
    let mut read = |path: &Path, file| read_table(&folder.join(path), file, settings, watch);
    let validation = settings.validation.as_ref().map(|path| read(path, SourceFile::Validation)).transpose()?;
    let test = settings.test.as_ref().map(|path| read(path, SourceFile::Test)).transpose()?;
    let (guessed_text, guessed_label, guessed) = columns::guess_columns(&main.table, main.own_columns());
    let mut imported = Imported { main, validation, test, guessed_text, guessed_label, guessed };
    if imported.uncalculated_labels().next().is_some() {
        // Another column would be taken for the label.
        imported.guessed_label = None;
    }
    Ok(imported)
}

/// Reads the main file, and those to be appended to it.
fn read_main(settings: &DatasetSettings, folder: &Path, watch: &mut Watch) -> Result<ImportedFile, DataError> {
    let main = settings.main.as_ref().ok_or(DataError::NoFile)?;
    let paths: Vec<PathBuf> = settings.main_files().map(|path| folder.join(path)).collect();
    if let Some(twice) = (1..paths.len()).find(|&place| paths[..place].contains(&paths[place])) {
        return Err(DataError::SameFile(paths[twice].clone()));
    }
    let first = read_table(&folder.join(main), SourceFile::Main, settings, watch)?;
    if settings.more.is_empty() {
        return Ok(first);
    }
    // The other workbooks need not have a sheet with the same name.
    let more = paths[1..].iter().map(|path| read_one(path, SourceFile::Main, settings, false, watch));
    Ok(append::together(first, more.collect::<Result<_, _>>()?))
}

/// Reads a file of any supported format, or a folder of them. What `settings` do not say is detected.
///
/// Records that cannot be used are kept in [`ImportedFile::bad_rows`]. A file with only a header gives a table
/// without rows.
///
/// # Errors
/// [`DataError::NotFound`], [`DataError::NoRowsInFolder`], [`DataError::FolderOfFiles`], [`DataError::NoDocumentRead`], [`DataError::Unreadable`], [`DataError::Empty`],
/// [`DataError::NotText`], [`DataError::Damaged`], [`DataError::TooLarge`], [`DataError::UnknownEncoding`],
/// [`DataError::BadDelimiter`], [`DataError::NoHeaderRow`], [`DataError::NoSheet`] of the main file, [`DataError::TooManyColumns`],
/// [`DataError::NoSide`], and [`DataError::Cancelled`] when the watch is cancelled.
pub fn read_table(
    path: &Path,
    file: SourceFile,
    settings: &DatasetSettings,
    watch: &mut Watch,
) -> Result<ImportedFile, DataError> {
    read_one(path, file, settings, file == SourceFile::Main, watch)
}

fn read_one(
    path: &Path,
    file: SourceFile,
    settings: &DatasetSettings,
    must_have_sheet: bool,
    watch: &mut Watch,
) -> Result<ImportedFile, DataError> {
    if path.is_dir() {
        return folder::read(path, file, watch);
    }
    delimited::check(settings)?;
    let read = match bytes::kind(path)? {
        Kind::Arrow(kind) => arrow_files::read(path, kind, watch)?,
        Kind::Workbook => {
            let bytes = bytes::read(path, watch)?.buffer;
            let (rows, format) = workbook::read(path, &bytes, settings, must_have_sheet, watch)?;
            FileRows { rows, format, bytes: bytes.len() as u64 }
        }
        Kind::Text => {
            let bytes = bytes::read(path, watch)?;
            let size = bytes.buffer.len() as u64;
            let (rows, format) = read_text(path, bytes, settings, must_have_sheet, watch)?;
            FileRows { rows, format, bytes: size }
        }
    };
    Ok(read.into_file(path, file))
}

fn read_text(
    path: &Path,
    bytes: FileBytes,
    settings: &DatasetSettings,
    must_have_sheet: bool,
    watch: &mut Watch,
) -> Result<(RawRows, FileFormat), DataError> {
    let decoded = decode::decode(bytes, settings.encoding.as_deref())?;
    if decoded.is_binary() {
        let (kind, advice) = ("a binary file", "Choose a table of rows: CSV, TSV, JSON, Parquet or a workbook");
        return Err(DataError::NotText { path: path.to_owned(), kind, advice });
    }
    if decoded.is_empty() {
        return Err(DataError::Empty(path.to_owned()));
    }
    if i32::try_from(decoded.bytes.len()).is_err() {
        return Err(DataError::TooLarge { path: path.to_owned(), bytes: decoded.bytes.len() as u64 });
    }
    if decoded.bytes.trim_ascii_start().starts_with(b"<") {
        let text = decoded.text();
        if let Some(kind) = markup::kind(path, &text) {
            return markup::read(path, &text, kind, settings, must_have_sheet, watch);
        }
    }
    if fast_text::is(&decoded.bytes) {
        return fast_text::read(path, &decoded, watch);
    }
    if arff::is(&decoded.bytes) {
        return arff::read(path, &decoded, watch);
    }
    if json::may_be(path, &decoded.bytes)
        && let Some(read) = json::read(path, &decoded, watch)?
    {
        return Ok(read);
    }
    delimited::read(path, settings, &decoded, watch)
}
