//! Files -> [`Table`], with everything that was wrong kept to be shown.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use arrow_array::builder::StringBuilder;
use sha2::{Digest, Sha256};

use super::records::{Dialect, Reader, Record};
use super::{BadRow, DataError, FileFormat, Imported, ImportedFile, Table, columns, decode, dialect, hashing};
use crate::progress::{Progress, Watch};
use crate::project::{DatasetSettings, Project, SourceFile};

/// Bytes read between two looks at the cancel switch.
const CHUNK: usize = 1 << 20;
/// Records parsed between two looks at the cancel switch.
const RECORDS_PER_LOOK: u64 = 8_192;
/// Characters kept of a bad record.
const RAW_KEPT: usize = 2_000;

/// Reads all files a project names. Relative paths are resolved against `folder`, the project's folder.
///
/// # Errors
/// Whatever [`read_table`] says of a file, and [`DataError::NoFile`] when no main file is chosen.
pub fn import(project: &Project, folder: &Path, watch: &mut Watch) -> Result<Imported, DataError> {
    let settings = &project.dataset;
    let main = settings.main.as_ref().ok_or(DataError::NoFile)?;
    let mut read = |path: &Path, file| read_table(&folder.join(path), file, settings, watch);
    let main = read(main, SourceFile::Main)?;
    let validation = settings.validation.as_ref().map(|path| read(path, SourceFile::Validation)).transpose()?;
    let test = settings.test.as_ref().map(|path| read(path, SourceFile::Test)).transpose()?;
    let (guessed_text, guessed_label) = columns::guess_columns(&main.table);
    Ok(Imported { main, validation, test, guessed_text, guessed_label })
}

/// Reads one delimited text file; what `settings` leave open is detected.
///
/// Records with another number of fields than the header are kept in [`ImportedFile::bad_rows`]. A file with a
/// header and nothing else gives a table without rows.
///
/// # Errors
/// [`DataError::NotFound`], [`DataError::IsFolder`], [`DataError::Unreadable`], [`DataError::Empty`],
/// [`DataError::NotText`], [`DataError::TooLarge`], [`DataError::UnknownEncoding`], [`DataError::BadDelimiter`], and
/// [`DataError::Cancelled`] when the watch is cancelled.
pub fn read_table(
    path: &Path,
    file: SourceFile,
    settings: &DatasetSettings,
    watch: &mut Watch,
) -> Result<ImportedFile, DataError> {
    let delimiter = settings.delimiter.map(check_delimiter).transpose()?;
    let (bytes, sha256) = read_bytes(path, watch)?;
    refuse_binary(path, &bytes)?;
    let decoded = decode::decode(&bytes, settings.encoding.as_deref())?;
    if decoded.is_binary() {
        let (kind, advice) = ("a binary file", "Choose a CSV or TSV file");
        return Err(DataError::NotText { path: path.to_owned(), kind, advice });
    }
    let text = decoded.text.as_ref();
    if text.trim().is_empty() {
        return Err(DataError::Empty(path.to_owned()));
    }
    if i32::try_from(text.len()).is_err() {
        return Err(DataError::TooLarge { path: path.to_owned(), bytes: text.len() as u64 });
    }
    let dialect = dialect::detect(text, path, delimiter, settings.quoting);
    let header = settings.header.unwrap_or_else(|| dialect::has_header(text, dialect));
    let (table, bad_rows) = parse(text, dialect, header, file, watch)?;
    Ok(ImportedFile {
        path: path.to_owned(),
        bytes: bytes.len() as u64,
        table,
        bad_rows,
        format: FileFormat {
            delimiter: char::from(dialect.delimiter),
            quoting: dialect.quoting,
            encoding: decoded.encoding.to_owned(),
            header,
            undecodable: decoded.undecodable,
        },
        sha256,
    })
}

fn check_delimiter(delimiter: char) -> Result<u8, DataError> {
    let usable = delimiter.is_ascii() && !delimiter.is_ascii_alphanumeric() && !matches!(delimiter, '"' | '\n' | '\r');
    if usable { Ok(delimiter as u8) } else { Err(DataError::BadDelimiter(delimiter)) }
}

fn read_bytes(path: &Path, watch: &mut Watch) -> Result<(Vec<u8>, String), DataError> {
    let unreadable = |source: std::io::Error| match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => DataError::NotFound(path.to_owned()),
        _ => DataError::Unreadable { path: path.to_owned(), source },
    };
    if path.is_dir() {
        return Err(DataError::IsFolder(path.to_owned()));
    }
    // Opening a pipe would wait for its other end, and a device may have no end.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        let (kind, advice) = ("a pipe or a device, not a file", "Write it to a file first, and choose that");
        return Err(DataError::NotText { path: path.to_owned(), kind, advice });
    }
    let mut file = File::open(path).map_err(unreadable)?;
    let total = file.metadata().map_err(unreadable)?.len();
    if i32::try_from(total).is_err() {
        return Err(DataError::TooLarge { path: path.to_owned(), bytes: total });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(total).unwrap_or(0).min(1 << 31));
    let mut hasher = Sha256::new();
    loop {
        if watch.is_cancelled() {
            return Err(DataError::Cancelled);
        }
        let start = bytes.len();
        let read = file.by_ref().take(CHUNK as u64).read_to_end(&mut bytes).map_err(unreadable)?;
        if read == 0 {
            break;
        }
        hasher.update(&bytes[start..]);
        watch.progress(progress("Reading the file", bytes.len(), total));
    }
    if bytes.is_empty() {
        return Err(DataError::Empty(path.to_owned()));
    }
    Ok((bytes, hashing::hexadecimal(&hasher.finalize())))
}

fn progress(stage: &str, done: usize, total: u64) -> Progress {
    Progress { stage: stage.to_owned(), done: done as u64, total: Some(total), unit: "bytes", eta_seconds: None }
}

/// Files people take for tables by mistake, known by their first bytes.
fn refuse_binary(path: &Path, bytes: &[u8]) -> Result<(), DataError> {
    const SAVE_AS: &str = "Open it in its program and save it as CSV (UTF-8)";
    const UNPACK: &str = "Unpack it and choose a CSV or TSV file from it";
    let spreadsheet = path
        .extension()
        .is_some_and(|extension| ["xlsx", "xlsm", "ods"].iter().any(|known| extension.eq_ignore_ascii_case(known)));
    let known: [(&[u8], &'static str, &'static str); 8] = [
        (b"PK\x03\x04", if spreadsheet { "a spreadsheet" } else { "a ZIP archive or a spreadsheet" }, SAVE_AS),
        (b"\xD0\xCF\x11\xE0", "an old Office document", SAVE_AS),
        (b"%PDF-", "a PDF", "Choose a CSV or TSV file"),
        (b"PAR1", "a Parquet file", "Convert it to CSV"),
        (b"\x1F\x8B", "a gzip archive", UNPACK),
        (b"7z\xBC\xAF", "a 7z archive", UNPACK),
        (b"\x89PNG", "a picture", "Choose a CSV or TSV file"),
        (b"\xFF\xD8\xFF", "a picture", "Choose a CSV or TSV file"),
    ];
    match known.iter().find(|(magic, ..)| bytes.starts_with(magic)) {
        Some(&(_, kind, advice)) => Err(DataError::NotText { path: path.to_owned(), kind, advice }),
        None => Ok(()),
    }
}

fn parse(
    text: &str,
    dialect: Dialect,
    header: bool,
    file: SourceFile,
    watch: &mut Watch,
) -> Result<(Table, Vec<BadRow>), DataError> {
    let mut reader = Reader::new(text, dialect);
    let mut pending = reader.next_record();
    let first = pending.as_ref().map(|record| record.fields.as_slice()).unwrap_or_default();
    let names = if header { unique_names(first) } else { unique_names(&vec![Cow::Borrowed(""); first.len()]) };
    reader.expect(names.len());
    if header {
        pending = reader.next_record();
    }
    let mut columns: Vec<StringBuilder> = names.iter().map(|_| StringBuilder::new()).collect();
    let (mut records, mut bad_rows) = (Vec::new(), Vec::new());
    let mut number = 0;
    while let Some(record) = pending {
        number += 1;
        match fault(&record, &names) {
            None => {
                records.push(number);
                for (column, field) in columns.iter_mut().zip(&record.fields) {
                    column.append_value(field);
                }
            }
            Some(reason) => bad_rows.push(bad_row(&record, number, reason)),
        }
        if number % RECORDS_PER_LOOK == 0 {
            if watch.is_cancelled() {
                return Err(DataError::Cancelled);
            }
            watch.progress(progress("Finding rows", reader.position(), text.len() as u64));
        }
        pending = reader.next_record();
    }
    let columns = columns.into_iter().map(|mut column| column.finish()).collect();
    Ok((Table { file, names, columns, records }, bad_rows))
}

/// What makes a record unusable.
fn fault(record: &Record, names: &[String]) -> Option<String> {
    let (found, expected) = (record.fields.len(), names.len());
    let fields = |count: usize| if count == 1 { "1 field".to_owned() } else { format!("{count} fields") };
    if record.unclosed {
        Some("A quotation mark is opened and not closed".to_owned())
    } else if found < expected {
        Some(format!("{} where {expected} are needed: '{}' is missing", fields(found), names[found]))
    } else if found > expected {
        Some(format!("{} where {expected} are needed: is a field that holds the separator not quoted?", fields(found)))
    } else {
        None
    }
}

fn bad_row(record: &Record, number: u64, reason: String) -> BadRow {
    BadRow { record: number, line: record.line, reason, raw: record.raw.chars().take(RAW_KEPT).collect() }
}

/// Column names as in the file, trimmed; empty ones become `column_3`, repeated ones get a number.
fn unique_names(fields: &[Cow<str>]) -> Vec<String> {
    let mut taken: HashSet<String> = fields.iter().map(|field| field.trim().to_owned()).collect();
    let mut used = HashSet::new();
    let mut names = Vec::with_capacity(fields.len());
    for (column, field) in fields.iter().enumerate() {
        let field = field.trim();
        let wanted = if field.is_empty() { format!("column_{}", column + 1) } else { field.to_owned() };
        let mut name = wanted.clone();
        let mut copy = 2;
        // A name made up here must not be one that stands further right in the file.
        while used.contains(&name) || (name != field && taken.contains(&name)) {
            name = format!("{wanted}_{copy}");
            copy += 1;
        }
        taken.insert(name.clone());
        used.insert(name.clone());
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_unique() {
        let fields = ["text", "text", "", "text_2", "", "column_3"].map(Cow::Borrowed);
        assert_eq!(unique_names(&fields), ["text", "text_3", "column_3_2", "text_2", "column_5", "column_3"]);
    }
}
