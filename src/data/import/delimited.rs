//! CSV, TSV and the like.

use std::path::Path;

use arrow_array::builder::StringBuilder;

use super::super::{BadRow, DataError, Delimited, FileFormat};
use super::bytes::progress;
use super::decode::Decoded;
use super::dialect;
use super::names::unique_names;
use super::records::{Dialect, Reader, Record};
use super::rows::Rows;
use crate::progress::Watch;
use crate::project::DatasetSettings;

/// Bytes looked at to judge how large the columns will be.
const SAMPLE: usize = 256 * 1024;
/// Records parsed between two looks at the cancel switch.
const RECORDS_PER_LOOK: u64 = 8_192;

/// Whether what the settings ask for makes sense.
///
/// # Errors
/// [`DataError::BadDelimiter`].
pub(super) fn check(settings: &DatasetSettings) -> Result<(), DataError> {
    settings.delimiter.map(check_delimiter).transpose().map(drop)
}

fn check_delimiter(delimiter: char) -> Result<u8, DataError> {
    let usable = delimiter.is_ascii() && !delimiter.is_ascii_alphanumeric() && !matches!(delimiter, '"' | '\n' | '\r');
    if usable { Ok(delimiter as u8) } else { Err(DataError::BadDelimiter(delimiter)) }
}

/// Reads records with a separator between their fields.
///
/// # Errors
/// [`DataError::Cancelled`], [`DataError::BadDelimiter`].
pub(super) fn read(
    path: &Path,
    text: &str,
    settings: &DatasetSettings,
    decoded: &Decoded<'_>,
    watch: &mut Watch,
) -> Result<(Rows, FileFormat), DataError> {
    let delimiter = settings.delimiter.map(check_delimiter).transpose()?;
    let dialect = dialect::detect(text, path, delimiter, settings.quoting);
    let header = settings.header.unwrap_or_else(|| dialect::has_header(text, dialect));
    let rows = parse(text, dialect, header, watch)?;
    let format = Delimited {
        delimiter: char::from(dialect.delimiter),
        quoting: dialect.quoting,
        encoding: decoded.encoding.to_owned(),
        header,
        undecodable: decoded.undecodable,
    };
    Ok((rows, FileFormat::Delimited(format)))
}

fn parse(text: &str, dialect: Dialect, header: bool, watch: &mut Watch) -> Result<Rows, DataError> {
    let mut reader = Reader::new(text, dialect);
    let mut pending = reader.next_record();
    let first = pending.as_ref().map(|record| record.fields.as_slice()).unwrap_or_default();
    let names = unique_names(first.iter().map(|field| if header { field.as_ref() } else { "" }));
    reader.expect(names.len());
    if header {
        pending = reader.next_record();
    }
    let mut columns = builders(text, dialect, names.len());
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
            Some(reason) => bad_rows.push(BadRow::new(number, record.line, reason, record.raw)),
        }
        if number % RECORDS_PER_LOOK == 0 {
            if watch.is_cancelled() {
                return Err(DataError::Cancelled);
            }
            watch.progress(progress("Finding rows", reader.position() as u64, text.len() as u64, "bytes"));
        }
        pending = reader.next_record();
    }
    let columns = columns.into_iter().map(|mut column| column.finish()).collect();
    Ok(Rows { names, columns, records, bad_rows })
}

/// Builders with about the room that the columns will need, judged by the beginning of the text: a builder that grows
/// holds its numbers twice meanwhile.
fn builders(text: &str, dialect: Dialect, columns: usize) -> Vec<StringBuilder> {
    let sample = &text[..text.floor_char_boundary(SAMPLE)];
    let mut reader = Reader::new(sample, dialect);
    let (mut rows, mut bytes) = (0, vec![0; columns]);
    while let Some(record) = reader.next_record() {
        rows += 1;
        bytes.iter_mut().zip(&record.fields).for_each(|(bytes, field)| *bytes += field.len());
    }
    let scale = 1.05 * text.len() as f64 / sample.len().max(1) as f64;
    let room = |count: usize| (count as f64 * scale) as usize;
    bytes.into_iter().map(|bytes| StringBuilder::with_capacity(room(rows), room(bytes))).collect()
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
