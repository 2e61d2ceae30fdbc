//! A folder of documents: each `.txt`, `.md` or `.docx` file is a row, with its name and its text.

use std::path::{Path, PathBuf};

use crate::data::import::docx;
use crate::data::import::file_rows::FileRows;
use crate::data::import::folder_files::{ends_in, name_in, side_of, text_of};
use crate::data::import::rows::NamedRows;
use crate::data::{BadRow, DataError, FileFormat};
use crate::progress::Watch;
use crate::project::SourceFile;

/// How many levels of folders are searched for documents.
pub(super) const LEVELS: usize = 8;
/// Extensions of documents that are read.
const READ: [&str; 4] = ["txt", "text", "md", "docx"];
/// Extensions of documents that are not read, each with what to do.
const NOT_READ: [(&str, &str); 4] = [
    ("pdf", "PDF files are not read. Save it as .docx or .txt"),
    ("doc", "Old Word documents are not read. Save it as .docx"),
    ("rtf", "RTF files are not read. Save it as .docx"),
    ("odt", "OpenDocument files are not read. Save it as .docx"),
];

/// The documents among `files`, also of kinds that cannot be read.
pub(super) fn among(files: &[PathBuf]) -> Vec<PathBuf> {
    let not_read = NOT_READ.map(|(ending, _)| ending);
    let is_any = |path: &&PathBuf| is_document(path) || ends_in(path, &not_read) && !is_lock(path);
    files.iter().filter(is_any).cloned().collect()
}

/// Whether a file is a document that can be read.
pub(super) fn is_document(path: &Path) -> bool {
    ends_in(path, &READ) && !is_lock(path)
}

/// Whether this is a file that Word creates while a document is open.
fn is_lock(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("~$"))
}

/// The documents of one side, if all of them are in folders such as `train` and `test`; otherwise all. The names of the
/// documents themselves do not count: a "Training agreement.docx" is just a contract.
///
/// # Errors
/// [`DataError::NoSide`] when other sides have documents and this one has none.
pub(super) fn of_side(folder: &Path, documents: Vec<PathBuf>, file: SourceFile) -> Result<Vec<PathBuf>, DataError> {
    let side = |path: &PathBuf| {
        let first = path.strip_prefix(folder).ok()?.parent()?.components().next()?;
        side_of(Path::new(&first))
    };
    let sides: Option<Vec<SourceFile>> = documents.iter().map(side).collect();
    let Some(sides) = sides.filter(|sides| !sides.is_empty()) else { return Ok(documents) };
    let chosen = documents.into_iter().zip(sides).filter(|(_, side)| *side == file);
    let chosen: Vec<PathBuf> = chosen.map(|(path, _)| path).collect();
    if chosen.is_empty() { Err(DataError::no_side(folder, file)) } else { Ok(chosen) }
}

/// Reads the documents of a folder into the columns `file` and `text`.
///
/// # Errors
/// [`DataError::NoRowsInFolder`] when there are no documents, [`DataError::NoDocumentRead`] when none of them can be read,
/// [`DataError::Cancelled`] and [`DataError::TooLarge`].
pub(super) fn read(folder: &Path, documents: &[PathBuf], watch: &mut Watch) -> Result<FileRows, DataError> {
    if documents.is_empty() {
        return Err(DataError::NoRowsInFolder(folder.to_owned()));
    }
    let (mut rows, mut bytes) = (NamedRows::default(), 0);
    for (record, path) in (1_u64..).zip(documents) {
        watch.advance("Reading documents", record as usize, documents.len(), "files")?;
        let name = name_in(folder, path);
        match read_document(path) {
            Ok((text, size)) => {
                bytes += size;
                rows.set("file", Some(name));
                rows.set("text", Some(text));
                rows.end_row(record);
            }
            Err(reason) => rows.bad_rows.push(unread(record, &reason, &name)),
        }
    }
    if rows.bad_rows.len() == documents.len() {
        let (folder, reason) = (folder.to_owned(), rows.bad_rows.swap_remove(0).reason);
        return Err(DataError::NoDocumentRead { folder, documents: documents.len(), reason });
    }
    let format = FileFormat::DocumentFolder { files: documents.len() as u64 };
    Ok(FileRows { rows: rows.finish(folder)?, format, bytes })
}

/// A file of a folder that gives no row. Its name is more use than its number.
pub(super) fn unread(record: u64, reason: &str, name: &str) -> BadRow {
    BadRow::new(record, record, format!("'{name}': {reason}"), name)
}

/// A document's text and its size in bytes, or why it cannot be read.
fn read_document(path: &Path) -> Result<(String, u64), String> {
    if let Some((_, advice)) = NOT_READ.iter().find(|(ending, _)| ends_in(path, &[ending])) {
        return Err((*advice).to_owned());
    }
    let (text, size) = if ends_in(path, &["docx"]) { docx::read(path)? } else { text_of(path)? };
    if text.trim().is_empty() {
        return Err("There is no text in it".to_owned());
    }
    Ok((text, size))
}
