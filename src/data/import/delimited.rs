//! CSV, TSV and similar files.
//!
//! A text is divided where records seem to begin, and the parts are read on all cores. If a part turns out not to end
//! where the next one began (a quotation mark was misread), the next one is read again from there, so the rows are the
//! same as when reading from beginning to end. Texts are not copied: a column holds views into the file's bytes.

use std::ops::Range;
use std::path::Path;

use arrow_array::StringViewArray;
use arrow_array::builder::StringViewBuilder;
use arrow_buffer::Buffer;
use memchr::{memchr_iter, memchr2_iter};
use rayon::prelude::*;

use crate::data::import::decode::Decoded;
use crate::data::import::dialect;
use crate::data::import::head::FileHead;
use crate::data::import::records::{Dialect, Field, Reader, Record};
use crate::data::import::rows::{MOST_COLUMNS, RawRows};
use crate::data::import::start::Start;
use crate::data::import::totals;
use crate::data::{BadRow, DataError, Delimited, FileFormat};
use crate::progress::Watch;
use crate::project::DatasetSettings;
use crate::words::{count, counted, listed};

/// Size of a part in bytes.
const PART: usize = 1 << 20;
/// Parts read between two checks of the cancel switch.
const PARTS_PER_LOOK: usize = 32;
/// The byte order mark of UTF-8.
const MARK: &[u8] = "\u{FEFF}".as_bytes();

/// Checks that the chosen separator can separate fields.
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
/// [`DataError::Cancelled`], [`DataError::BadDelimiter`], [`DataError::NoHeaderRow`], [`DataError::Empty`] where there are
/// only separators, [`DataError::TooManyColumns`].
pub(super) fn read(
    path: &Path,
    settings: &DatasetSettings,
    decoded: &Decoded,
    watch: &mut Watch,
) -> Result<(RawRows, FileFormat), DataError> {
    if dialect::has_only_separators(&decoded.bytes) {
        return Err(DataError::Empty(path.to_owned()));
    }
    let start = Start::of(path, &decoded.bytes, settings)?;
    let text = &decoded.bytes.slice(start.begin);
    let delimiter = settings.delimiter.map(check_delimiter).transpose()?.or(start.delimiter);
    let dialect = dialect::detect(text, path, delimiter, settings.quoting);
    let header = settings.header_row.map(|_| true).or(settings.header);
    let mut head = FileHead::of(text, dialect, header, start.lines);
    if head.names.len() > MOST_COLUMNS {
        return Err(DataError::TooManyColumns { path: path.to_owned(), most: MOST_COLUMNS });
    }
    let header_row = head.header.as_ref().map(|(_, line)| *line);
    let has_title = head.has_title || start.lines > 0;
    let remarks = start.remarks.into_iter().chain(std::mem::take(&mut head.remarks)).collect::<Vec<_>>();
    let mut rows = parse(text, dialect, head, PART, watch)?;
    let ended = totals::remove(&mut rows, char::from(dialect.delimiter), has_title);
    rows.remarks.splice(0..0, remarks.into_iter().chain(ended));
    let format = Delimited {
        delimiter: char::from(dialect.delimiter),
        quoting: dialect.quoting,
        encoding: decoded.encoding.to_owned(),
        header_row,
        undecodable: decoded.undecodable,
    };
    Ok((rows, FileFormat::Delimited(format)))
}

/// What the records of a text are read with.
struct Table<'a> {
    text: &'a Buffer,
    dialect: Dialect,
    names: &'a [String],
    /// The bytes of the header, if there is one and it can be told from a row.
    header: Option<&'a [u8]>,
}

impl Table<'_> {
    /// Whether a record is the header again, where files were joined, perhaps after the byte order mark of the second.
    fn repeats_header(&self, record: &Record) -> bool {
        let raw = &self.text[record.raw.clone()];
        self.header.is_some_and(|header| raw.strip_prefix(MARK).unwrap_or(raw) == header)
    }
}

fn parse(
    text: &Buffer,
    dialect: Dialect,
    head: FileHead,
    part: usize,
    watch: &mut Watch,
) -> Result<RawRows, DataError> {
    let mut gathered = Gathered::new(&head);
    let FileHead { names, header, begin, .. } = head;
    let header = header.filter(|_| names.len() > 1).map(|(place, _)| &text[place]);
    let table = Table { text, dialect, names: &names, header };
    for parts in cut(text, begin, dialect, part).chunks(PARTS_PER_LOOK) {
        watch.advance("Finding rows", gathered.end, text.len(), "bytes")?;
        let read = |place: &Range<usize>| Part::read(&table, place.clone());
        let read: Vec<Part> = parts.par_iter().map(read).collect();
        let mut good = Vec::with_capacity(read.len());
        for (place, part) in parts.iter().zip(read) {
            let part = match gathered.end {
                end if end == place.start => part,
                end if end < place.end => Part::read(&table, end..place.end),
                _ => continue,
            };
            gathered.end = part.end;
            good.push(part);
        }
        gathered.add(good);
    }
    Ok(gathered.into_rows(names))
}

/// Divides a text from byte `begin` on into parts of about `size` bytes, at line ends that seem to end a record: those
/// with an even number of quotation marks before them.
fn cut(text: &[u8], begin: usize, dialect: Dialect, size: usize) -> Vec<Range<usize>> {
    let pieces: Vec<&[u8]> = text[begin..].chunks(size).collect();
    let quotes = |piece: &&[u8]| if dialect.quoting { memchr_iter(b'"', piece).count() } else { 0 };
    let quotes: Vec<usize> = pieces.par_iter().map(quotes).collect();
    let (mut parts, mut start, mut within) = (Vec::with_capacity(pieces.len()), begin, false);
    for (number, piece) in pieces.iter().enumerate() {
        let after_line = if number > 0 { first_line_end(piece, within && dialect.quoting, dialect) } else { None };
        if let Some(offset) = after_line {
            let end = begin + number * size + offset;
            parts.push(start..end);
            start = end;
        }
        within ^= quotes[number] % 2 == 1;
    }
    parts.push(start..text.len());
    parts
}

/// The byte after the first line end outside quotation marks.
fn first_line_end(piece: &[u8], mut within: bool, dialect: Dialect) -> Option<usize> {
    for place in memchr2_iter(b'"', b'\n', piece) {
        if piece[place] == b'"' {
            within ^= dialect.quoting;
        } else if !within {
            return Some(place + 1);
        }
    }
    None
}

/// The rows of a part of a text. Records and lines are numbered from the part's beginning.
struct Part {
    columns: Vec<StringViewArray>,
    bad_rows: Vec<BadRow>,
    /// Records whose fields are all empty, and those that repeat the header.
    empty: Vec<u64>,
    headers: Vec<u64>,
    records: u64,
    lines: u64,
    /// The byte after its last record.
    end: usize,
}

impl Part {
    /// Reads the records that begin within `place`.
    fn read(table: &Table<'_>, place: Range<usize>) -> Self {
        let &Table { text, dialect, names, .. } = table;
        let mut reader = Reader::within(text, place, dialect);
        reader.expect(names.len());
        let mut columns: Vec<StringViewBuilder> = names.iter().map(|_| StringViewBuilder::new()).collect();
        let blocks: Vec<u32> = columns.iter_mut().map(|column| column.append_block(text.clone())).collect();
        let (mut record, mut records, mut bad_rows) = (Record::default(), 0, Vec::new());
        let (mut empty, mut headers) = (Vec::new(), Vec::new());
        while reader.read(&mut record) {
            records += 1;
            if record.has_only_empty_fields(text) {
                empty.push(records);
                continue;
            }
            if table.repeats_header(&record) {
                headers.push(records);
                continue;
            }
            if let Some(reason) = fault(&record, names) {
                let raw = String::from_utf8_lossy(&text[record.raw.clone()]);
                bad_rows.push(BadRow::new(records, record.line, reason, &raw));
                continue;
            }
            for ((column, &block), field) in columns.iter_mut().zip(&blocks).zip(&record.fields) {
                append(column, block, &record, field, text);
            }
        }
        let columns = columns.iter_mut().map(StringViewBuilder::finish).collect();
        Self { columns, bad_rows, empty, headers, records, lines: reader.line() - 1, end: reader.position() }
    }
}

fn append(column: &mut StringViewBuilder, block: u32, record: &Record, field: &Field, text: &[u8]) {
    if let Field::InText(place) = field
        && let (Ok(begin), Ok(length)) = (u32::try_from(place.start), u32::try_from(place.len()))
        && column.try_append_view(block, begin, length).is_ok()
    {
        return;
    }
    column.append_value(record.content(field, text));
}

/// The parts read so far.
struct Gathered {
    columns: Vec<StringViewBuilder>,
    numbers: Vec<u64>,
    bad_rows: Vec<BadRow>,
    /// Number of records whose fields are all empty.
    empty: usize,
    /// Records that repeat the header.
    headers: Vec<u64>,
    records: u64,
    lines: u64,
    /// The byte after the last record.
    end: usize,
}

impl Gathered {
    fn new(head: &FileHead) -> Self {
        Self {
            columns: head.names.iter().map(|_| StringViewBuilder::new()).collect(),
            numbers: Vec::new(),
            bad_rows: Vec::new(),
            empty: 0,
            headers: Vec::new(),
            records: 0,
            lines: head.line - 1,
            end: head.begin,
        }
    }

    /// Adds the rows of parts that follow one another.
    fn add(&mut self, mut parts: Vec<Part>) {
        for part in &mut parts {
            let mut bad = part.bad_rows.iter().map(|bad| bad.record).peekable();
            let mut empty = part.empty.iter().copied().peekable();
            let mut headers = part.headers.iter().copied().peekable();
            let is_row = |number: &u64| {
                bad.next_if_eq(number).or(empty.next_if_eq(number)).or(headers.next_if_eq(number)).is_none()
            };
            self.numbers.extend((1..=part.records).filter(is_row).map(|number| self.records + number));
            self.empty += part.empty.len();
            self.headers.extend(part.headers.iter().map(|number| self.records + number));
            for bad in &mut part.bad_rows {
                bad.record += self.records;
                bad.line += self.lines;
            }
            self.bad_rows.append(&mut part.bad_rows);
            self.records += part.records;
            self.lines += part.lines;
        }
        self.columns.par_iter_mut().enumerate().for_each(|(place, column)| {
            for part in &parts {
                column.append_array(&part.columns[place]);
            }
        });
    }

    fn into_rows(mut self, names: Vec<String>) -> RawRows {
        let columns = self.columns.iter_mut().map(StringViewBuilder::finish).collect();
        let remarks = self.remarks();
        RawRows { names, columns, records: self.numbers, bad_rows: self.bad_rows, remarks, ..RawRows::default() }
    }

    /// The records that are no rows, in words.
    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.empty > 0 {
            remarks.push(format!("Skipped {}", counted(self.empty, "empty row", "empty rows")));
        }
        match self.headers.as_slice() {
            [] => {}
            [row] => remarks.push(format!("Skipped row {}, which repeats the header", count(*row))),
            rows => remarks.push(format!("Skipped rows that repeat the header: {}", listed(rows))),
        }
        remarks
    }
}

/// Why a record cannot be used, if it cannot.
fn fault(record: &Record, names: &[String]) -> Option<String> {
    let (found, expected) = (record.fields.len(), names.len());
    let fields = |found: usize| counted(found, "field", "fields");
    if record.unclosed {
        Some("A quotation mark is not closed".to_owned())
    } else if found < expected {
        Some(format!("{} instead of {expected}: '{}' is missing", fields(found), names[found]))
    } else if found > expected {
        Some(format!(
            "{} instead of {expected}: does a field contain the separator without quotation marks?",
            fields(found)
        ))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Control;
    use crate::random::Rng;

    fn rows(text: &str, quoting: bool, header: bool, part: usize) -> RawRows {
        let (control, mut report) = (Control::default(), |_| {});
        let dialect = Dialect { delimiter: b',', quoting, escaping: false };
        let text = Buffer::from_vec(text.as_bytes().to_vec());
        let head = FileHead::of(&text, dialect, Some(header), 0);
        parse(&text, dialect, head, part, &mut Watch { control: &control, report: &mut report }).unwrap()
    }

    /// Text made mostly of separators, quotation marks and line ends, so that everything that can go wrong does.
    fn hostile(rng: &mut Rng) -> String {
        let pieces = [
            "\"",
            "\"",
            "\"\"",
            ",",
            "\n",
            "\r\n",
            "\r",
            "a",
            "é",
            " ",
            "b,c\n",
            "\"d\ne\",f\n",
            "a longer field of text,",
        ];
        (0..rng.below(60)).map(|_| pieces[rng.below(pieces.len() as u64) as usize]).collect()
    }

    #[test]
    fn reading_in_parts_gives_the_same_rows_as_reading_at_once() {
        let mut rng = Rng::new(3);
        for _ in 0..4_000 {
            let (text, quoting, header) = (hostile(&mut rng), rng.below(4) > 0, rng.below(2) > 0);
            let whole = rows(&text, quoting, header, usize::MAX);
            for part in [1, 5, 16] {
                let parted = rows(&text, quoting, header, part);
                assert_eq!(parted.names, whole.names, "{text:?}");
                assert_eq!(parted.records, whole.records, "{text:?}");
                assert_eq!(parted.bad_rows, whole.bad_rows, "{text:?}");
                for (parted, whole) in parted.columns.iter().zip(&whole.columns) {
                    assert!(parted.iter().eq(whole.iter()), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn a_well_formed_table_is_divided_only_between_records() {
        let text = "text,label\n".to_owned() + &"\"two\nlines, \"\"quoted\"\"\",good\n".repeat(500);
        let dialect = Dialect { delimiter: b',', quoting: true, escaping: false };
        let parts = cut(text.as_bytes(), 11, dialect, 64);
        assert!(parts.len() > 100);
        assert!(parts.iter().all(|part| text[part.clone()].starts_with("\"two")));
        assert_eq!(rows(&text, true, true, 64).columns[0].value(499), "two\nlines, \"quoted\"");
    }
}
