//! The head of a delimited text: the column names, and where the rows begin.

use std::ops::Range;

use crate::data::import::header::{FOUND, Layout, SAMPLE, quoted};
use crate::data::import::names::unique_names;
use crate::data::import::records::{Dialect, Reader, Record};
use crate::words::counted;

/// One of the first records.
struct FirstRow {
    /// 1-based line where it begins.
    line: u64,
    raw: Range<usize>,
    /// Byte and line where the next record begins.
    next: (usize, u64),
}

/// The column names, and where the rows begin.
pub(super) struct FileHead {
    /// Unique names.
    pub names: Vec<String>,
    /// The bytes of the header, and its 1-based line; `None` without a header.
    pub header: Option<(Range<usize>, u64)>,
    /// Byte in the text and 1-based line in the file of the first row.
    pub begin: usize,
    pub line: u64,
    /// Whether lines before the header are no rows.
    pub has_title: bool,
    /// What a person should know about the header.
    pub remarks: Vec<String>,
}

impl FileHead {
    /// Reads the head. `header` says whether the first record names the columns; `None` searches for the header. There
    /// are `above` lines of the file before the text.
    pub fn of(text: &[u8], dialect: Dialect, header: Option<bool>, above: u64) -> Self {
        let (rows, fields) = first_rows(text, dialect);
        let layout = header.map_or_else(|| Layout::find(&fields), |header| Layout::told(&fields, header));
        let next = |row: usize| row.checked_sub(1).and_then(|row| rows.get(row)).map_or((0, 1), |row| row.next);
        let (begin, line) = next(layout.first());
        let at = rows.get(layout.before).filter(|_| layout.has_names);
        let text_of = |row: &FirstRow| String::from_utf8_lossy(&text[row.raw.clone()]).into_owned();
        let mut remarks = Vec::new();
        if let Some(header) = at {
            let before: Vec<String> = rows[..layout.before].iter().map(text_of).collect();
            let line = above + header.line;
            remarks.extend(skipped(&before).map(|lines| format!("{FOUND} line {line}. Skipped {lines} before it")));
            let under: Vec<String> = rows[layout.before + 1..layout.first()].iter().map(text_of).collect();
            remarks.extend(
                skipped(&under)
                    .map(|lines| format!("The header has more than one line. Skipped {lines} below the names")),
            );
        } else {
            let before: Vec<String> = rows[..layout.before].iter().map(text_of).collect();
            remarks.extend(skipped(&before).map(|lines| format!("Skipped {lines} before the first row")));
        }
        remarks.extend(layout.fewer.map(|names| {
            let names = counted(names, "column", "columns");
            format!("The header names {names}, but the rows have {}", layout.width)
        }));
        Self {
            names: unique_names(layout.names.iter().map(String::as_str)),
            header: at.map(|row| (row.raw.clone(), above + row.line)),
            begin,
            line: above + line,
            has_title: layout.before > 0,
            remarks,
        }
    }
}

/// The first records that are not empty, each with its trimmed fields.
fn first_rows(text: &[u8], dialect: Dialect) -> (Vec<FirstRow>, Vec<Vec<String>>) {
    let (mut reader, mut record) = (Reader::new(text, dialect), Record::default());
    let (mut rows, mut fields) = (Vec::new(), Vec::new());
    while rows.len() < SAMPLE && reader.read(&mut record) {
        if !record.has_only_empty_fields(text) {
            let next = (reader.position(), reader.line());
            rows.push(FirstRow { line: record.line, raw: record.raw.clone(), next });
            fields.push(record.contents(text).map(|field| field.trim().to_owned()).collect());
        }
    }
    (rows, fields)
}

/// `2 lines ('First', 'second')`; `None` without lines.
pub(super) fn skipped(lines: &[String]) -> Option<String> {
    Some(format!("{} ({})", counted(lines.len(), "line", "lines"), quoted(lines)?))
}

/// The layout of the columns in a sample of a text, and where its table begins.
pub(super) fn table_of(sample: &[u8], dialect: Dialect) -> (usize, usize) {
    let (rows, fields) = first_rows(sample, dialect);
    let layout = Layout::find(&fields);
    let begin = layout.before.checked_sub(1).map_or(0, |before| rows[before].next.0);
    (layout.width, begin)
}
