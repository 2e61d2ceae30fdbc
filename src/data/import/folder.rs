//! Reads folders: one folder of texts for each label, datasets of Parquet or Arrow files, and documents.

use std::path::{Path, PathBuf};

use crate::data::import::bytes::{self, Kind};
use crate::data::import::file_rows::FileRows;
use crate::data::import::folder_files::{
    self, ends_in, for_training, is_about, list, name_in, side_of, text_of, with_rows,
};
use crate::data::import::rows::{NamedRows, RawRows};
use crate::data::import::{append, arrow_files, documents};
use crate::data::{DataError, FileFormat, ImportedFile};
use crate::progress::Watch;
use crate::project::SourceFile;

/// Files between two checks of the cancel switch.
const FILES_PER_LOOK: u64 = 256;
/// File extensions of texts.
const TEXTS: [&str; 3] = ["txt", "text", "md"];
/// File extensions of columnar files.
const COLUMNS: [&str; 3] = ["parquet", "arrow", "feather"];

/// Reads a folder's rows.
///
/// # Errors
/// [`DataError::NoRowsInFolder`], [`DataError::FolderOfFiles`], [`DataError::Cancelled`], and errors of reading its files.
pub(super) fn read(folder: &Path, file: SourceFile, watch: &mut Watch) -> Result<ImportedFile, DataError> {
    let files = list(folder, 2)?;
    let with =
        |endings: &[&str]| -> Vec<PathBuf> { files.iter().filter(|path| ends_in(path, endings)).cloned().collect() };
    let mut columns = with(&COLUMNS);
    // `datasets` keeps cached results beside the files they were computed from.
    columns.retain(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("cache-")));
    let (mut other_parts, mut passed_over) = (Vec::new(), with_rows(&files));
    let mut read = if columns.is_empty() {
        // The name of a text's folder is its label.
        let is_labelled =
            |path: &PathBuf| path.parent().is_some_and(|parent| parent != folder && side_of(parent).is_none());
        let labelled = with(&TEXTS).iter().filter(|path| is_labelled(path)).count();
        let all = files.iter().filter(|path| documents::is_document(path)).count();
        // A folder of labelled texts may contain a note or two besides, and documents may be in subfolders.
        if all - labelled > labelled || labelled == 0 {
            let files = list(folder, documents::LEVELS)?;
            passed_over = with_rows(&files);
            let mut found = documents::among(&files);
            if let Some(first) = for_training(&passed_over) {
                found.retain(|path| !is_about(path));
                if found.is_empty() {
                    let (files, first) = (passed_over.len(), first.clone());
                    return Err(DataError::FolderOfFiles { folder: folder.to_owned(), files, first });
                }
            }
            documents::read(folder, &documents::of_side(folder, found, file)?, watch)?
        } else {
            let (mut texts, others) = of_side(folder, &with(&TEXTS), file)?;
            other_parts = others;
            texts.retain(is_labelled);
            if texts.is_empty() {
                return Err(DataError::NoRowsInFolder(folder.to_owned()));
            }
            read_texts(folder, &texts, watch)?
        }
    } else {
        let (files, others) = of_side(folder, &columns, file)?;
        other_parts = others;
        read_dataset(&files, watch)?
    };
    read.rows.remarks.extend(folder_files::passed_over(folder, &passed_over));
    Ok(ImportedFile { other_parts, ..read.into_file(folder, file) })
}

/// Each text is a row; its label is the name of its folder.
fn read_texts(folder: &Path, texts: &[PathBuf], watch: &mut Watch) -> Result<FileRows, DataError> {
    let (mut rows, mut total) = (NamedRows::default(), 0);
    for (record, path) in (1_u64..).zip(texts) {
        if record.is_multiple_of(FILES_PER_LOOK) {
            watch.advance("Reading texts", record as usize, texts.len(), "files")?;
        }
        let name = name_in(folder, path);
        match text_of(path) {
            Ok((text, bytes)) => {
                total += bytes;
                let label = path.parent().and_then(Path::file_name).map(|label| label.to_string_lossy().into_owned());
                rows.set("text", Some(text));
                rows.set("label", label);
                rows.set("file", Some(name));
                rows.end_row(record);
            }
            Err(reason) => rows.bad_rows.push(documents::unread(record, &reason, &name)),
        }
    }
    let format = FileFormat::TextFolder { files: texts.len() as u64 };
    Ok(FileRows { rows: rows.finish(folder)?, format, bytes: total })
}

/// The files of one side, if their names give it (`train-00000-of-00002.parquet`, `test/data.arrow`), otherwise all; and
/// the other sides that there are files for.
fn of_side(folder: &Path, files: &[PathBuf], file: SourceFile) -> Result<(Vec<PathBuf>, Vec<SourceFile>), DataError> {
    let side = |path: &Path| {
        let within = path.strip_prefix(folder).unwrap_or(path);
        within.ancestors().filter(|part| !part.as_os_str().is_empty()).find_map(side_of)
    };
    let is_other = |other: &SourceFile| *other != file && files.iter().any(|path| side(path) == Some(*other));
    let others = SourceFile::ALL.into_iter().filter(is_other).collect();
    let mut of_side: Vec<PathBuf> = files.iter().filter(|path| side(path) == Some(file)).cloned().collect();
    if of_side.is_empty() {
        if files.iter().any(|path| side(path).is_some()) {
            return Err(DataError::no_side(folder, file));
        }
        of_side = files.to_vec();
    }
    Ok((of_side, others))
}

/// The rows of several columnar files, one after another; a column that a file lacks is empty for its rows.
fn read_dataset(files: &[PathBuf], watch: &mut Watch) -> Result<FileRows, DataError> {
    let (mut parts, mut total) = (Vec::with_capacity(files.len()), 0);
    for path in files {
        let Kind::Arrow(kind) = bytes::kind(path)? else {
            let (kind, advice) = ("neither Parquet nor Arrow", "Remove it from the folder, or download it again");
            return Err(DataError::NotText { path: path.clone(), kind, advice });
        };
        let part = arrow_files::read(path, kind, watch)?;
        total += part.bytes;
        parts.push(part.rows);
    }
    let format = FileFormat::DatasetFolder { files: files.len() as u64 };
    let all: usize = parts.iter().map(|part: &RawRows| part.records.len()).sum();
    let (names, columns) = append::united(&mut parts);
    let rows = RawRows { names, columns, records: (1..=all as u64).collect(), ..RawRows::default() };
    Ok(FileRows { rows, format, bytes: total })
}
