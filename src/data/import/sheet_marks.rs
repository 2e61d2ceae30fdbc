//! What a sheet says about its cells besides their values: which are hidden, and which are merged.
//!
//! Sources of the names: ECMA-376, "Office Open XML File Formats", part 1, 18.3.1.13 (col), 18.3.1.55 (mergeCell) and
//! 18.3.1.73 (row); OASIS, "Open Document Format for Office Applications", part 3, 9.1.2 to 9.1.5; Microsoft, "[MS-XLS]:
//! Excel Binary File Format", 2.4.28 (`BoundSheet8`) and 2.4.221 (Row).

use std::collections::HashSet;
use std::io::{BufReader, Cursor, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

/// The largest list of sheets or of parts that is read, in bytes.
const MOST_LIST: u64 = 16 << 20;
/// The most rows of a sheet.
const MOST_ROWS: u32 = 1 << 20;
/// The most merged ranges that are kept: people merge cells by hand.
const MOST_MERGED: usize = 1 << 20;

/// Merged cells of one column. Rows and columns are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MergedRows {
    /// The row with the value.
    pub first: u32,
    /// The last row.
    pub last: u32,
    pub column: usize,
}

/// Hidden and merged cells of a sheet. Rows and columns are counted from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SheetMarks {
    pub hidden_rows: HashSet<u32>,
    /// First and last of each group of hidden columns.
    pub hidden_columns: Vec<(usize, usize)>,
    /// Merged cells of several rows, from top to bottom.
    pub merged: Vec<MergedRows>,
}

impl SheetMarks {
    /// The marks of a sheet; none if they cannot be read: reading the cells gives the better message.
    pub fn of_xlsx(bytes: &[u8], sheet: &str) -> Self {
        let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else { return Self::default() };
        let Some(part) = part_of(&mut archive, sheet) else { return Self::default() };
        let Ok(part) = archive.by_name(&part) else { return Self::default() };
        let mut marks = Self::default();
        each_element(part, |element| marks.take(element));
        marks.merged.sort_unstable();
        marks
    }

    /// The marks of a sheet of an ODS workbook; none if they cannot be read.
    pub fn of_ods(bytes: &[u8], sheet: &str) -> Self {
        let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else { return Self::default() };
        let Ok(content) = archive.by_name("content.xml") else { return Self::default() };
        let mut place = OdsPlace::default();
        let mut marks = Self::default();
        each_element(content, |element| place.take(element, sheet, &mut marks));
        marks.merged.sort_unstable();
        marks
    }

    /// The hidden rows of a sheet of an XLS workbook; none if they cannot be read.
    pub fn of_xls(bytes: &[u8], sheet: &str) -> Self {
        let hidden_rows = workbook_stream(bytes).and_then(|stream| hidden_xls_rows(&stream, sheet));
        Self { hidden_rows: hidden_rows.unwrap_or_default(), ..Self::default() }
    }

    /// Adds a merged range with its first and last row and column.
    pub fn add_merged(&mut self, (first, column): (u32, u32), last: u32) {
        if last > first && self.merged.len() < MOST_MERGED {
            self.merged.push(MergedRows { first, last, column: column as usize });
        }
    }

    fn take(&mut self, element: &BytesStart<'_>) {
        match element.local_name().as_ref() {
            "row" if is_hidden(element) => {
                let row = attribute(element, "r").and_then(|row| row.parse::<u32>().ok());
                self.hidden_rows.extend(row.and_then(|row| row.checked_sub(1)).filter(|row| *row < MOST_ROWS));
            }
            "col" if is_hidden(element) => {
                let column = |name| attribute(element, name)?.parse::<usize>().ok()?.checked_sub(1);
                self.hidden_columns.extend(column("min").zip(column("max")));
            }
            "mergeCell" => {
                let range = attribute(element, "ref");
                let ends = range.as_deref().and_then(|range| range.split_once(':'));
                if let Some((first, last)) = ends.and_then(|(first, last)| Some((place(first)?, place(last)?))) {
                    self.add_merged(first, last.0);
                }
            }
            _ => {}
        }
    }
}

/// The records of an XLS workbook.
fn workbook_stream(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut file = cfb::CompoundFile::open(Cursor::new(bytes)).ok()?;
    let mut stream = Vec::new();
    file.open_stream("/Workbook").ok()?.take(bytes.len() as u64).read_to_end(&mut stream).ok()?;
    Some(stream)
}

/// Rows of a sheet whose height is zero, counted from 0.
fn hidden_xls_rows(stream: &[u8], sheet: &str) -> Option<HashSet<u32>> {
    const BOUND_SHEET: u16 = 0x0085;
    const ROW: u16 = 0x0208;
    const END: u16 = 0x000A;
    let word = |record: &[u8], at: usize| record.get(at..at + 2).map(|two| u16::from_le_bytes([two[0], two[1]]));
    let named = |record: &&[u8]| xls_name(record).is_some_and(|name| name == sheet);
    let found = records(stream).find(|(kind, record)| *kind == BOUND_SHEET && named(record))?.1;
    let begin = usize::try_from(u32::from_le_bytes(found.get(..4)?.try_into().ok()?)).ok()?;
    let rows = records(stream.get(begin..)?).take_while(|(kind, _)| *kind != END).filter(|(kind, _)| *kind == ROW);
    // The bit says that the row has no height.
    let hidden = rows.filter(|(_, record)| word(record, 12).is_some_and(|bits| bits & 0x20 != 0));
    Some(hidden.filter_map(|(_, record)| word(record, 0).map(u32::from)).collect())
}

/// The kinds and contents of records.
fn records(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (&[kind_low, kind_high, length_low, length_high], behind) = rest.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_le_bytes([length_low, length_high]));
        let (record, next) = behind.split_at_checked(length)?;
        rest = next;
        Some((u16::from_le_bytes([kind_low, kind_high]), record))
    })
}

/// The name in the record of a sheet.
fn xls_name(record: &[u8]) -> Option<String> {
    let (length, is_wide, letters) = (usize::from(*record.get(6)?), record.get(7)? & 1 == 1, record.get(8..)?);
    if !is_wide {
        return Some(letters.get(..length)?.iter().map(|&letter| char::from(letter)).collect());
    }
    let units = letters.get(..2 * length)?.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]]));
    String::from_utf16(&units.collect::<Vec<u16>>()).ok()
}

/// Where the next cell of an ODS sheet is.
#[derive(Default)]
struct OdsPlace {
    is_sheet: bool,
    /// The row after those of the current element, and the first of those.
    next_row: u32,
    row: u32,
    column: u32,
}

impl OdsPlace {
    fn take(&mut self, element: &BytesStart<'_>, sheet: &str, marks: &mut SheetMarks) {
        let number = |name| attribute(element, name).and_then(|number| number.parse::<u32>().ok()).unwrap_or(1);
        match element.name().as_ref() {
            "table:table" => {
                let name = attribute(element, "table:name");
                let name = name.as_deref().and_then(|name| quick_xml::escape::unescape(name).ok());
                *self = Self { is_sheet: name.is_some_and(|name| name == sheet), ..Self::default() };
            }
            "table:table-row" if self.is_sheet => {
                (self.row, self.column) = (self.next_row, 0);
                self.next_row = self.row.saturating_add(number("table:number-rows-repeated")).min(MOST_ROWS);
                let visibility = attribute(element, "table:visibility");
                if visibility.is_some_and(|visibility| visibility != "visible") {
                    marks.hidden_rows.extend(self.row..self.next_row);
                }
            }
            "table:table-cell" | "table:covered-table-cell" if self.is_sheet => {
                let last = self.row.saturating_add(number("table:number-rows-spanned").saturating_sub(1));
                marks.add_merged((self.row, self.column), last);
                self.column = self.column.saturating_add(number("table:number-columns-repeated"));
            }
            _ => {}
        }
    }
}

fn is_hidden(element: &BytesStart<'_>) -> bool {
    attribute(element, "hidden").is_some_and(|hidden| hidden == "1" || hidden == "true")
}

/// Row and column of a cell such as `B12`, counted from 0.
fn place(cell: &str) -> Option<(u32, u32)> {
    let letters = cell.len() - cell.trim_start_matches(|letter: char| letter.is_ascii_alphabetic()).len();
    let (column, row) = cell.split_at(letters);
    let column = column.bytes().try_fold(0_u32, |column, letter| {
        column.checked_mul(26)?.checked_add(u32::from(letter.to_ascii_uppercase() - b'A') + 1)
    });
    Some((row.parse::<u32>().ok()?.checked_sub(1)?, column?.checked_sub(1)?))
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    Some(element.try_get_attribute(name).ok()??.value.into_owned())
}

/// Calls `take` for each element that begins, until the end or damage.
fn each_element(xml: impl Read, mut take: impl FnMut(&BytesStart<'_>)) {
    let mut reader = Reader::from_reader(BufReader::new(xml));
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(element) | Event::Empty(element)) => take(&element),
            Ok(Event::Eof) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// The part of the archive that holds a sheet.
fn part_of(archive: &mut ZipArchive<Cursor<&[u8]>>, sheet: &str) -> Option<String> {
    let mut id = None;
    let workbook = archive.by_name("xl/workbook.xml").ok()?.take(MOST_LIST);
    each_element(workbook, |element| {
        let named = |name: &str| {
            let value = attribute(element, name)?;
            quick_xml::escape::unescape(&value).ok().map(std::borrow::Cow::into_owned)
        };
        if element.local_name().as_ref() == "sheet" && named("name").is_some_and(|name| name == sheet) {
            let mut attributes = element.attributes();
            let mut attributes = attributes.with_checks(false).flatten();
            id = attributes
                .find(|attribute| attribute.key.local_name().as_ref() == "id")
                .map(|id| id.value.into_owned());
        }
    });
    let id = id?;
    let mut target = None;
    each_element(archive.by_name("xl/_rels/workbook.xml.rels").ok()?.take(MOST_LIST), |element| {
        if attribute(element, "Id").is_some_and(|own| own == id) {
            target = attribute(element, "Target");
        }
    });
    let target = target?;
    Some(target.strip_prefix('/').map_or_else(|| format!("xl/{target}"), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_found_by_their_names() {
        assert_eq!([place("A1"), place("B12"), place("aa3")], [Some((0, 0)), Some((11, 1)), Some((2, 26))]);
        assert_eq!([place("A0"), place("12"), place("ABCDEFGHIJ1"), place("")], [None; 4]);
    }

    #[test]
    fn hidden_rows_of_an_xls_sheet_are_found() {
        let record = |kind: u16, content: &[u8]| -> Vec<u8> {
            [&kind.to_le_bytes()[..], &(content.len() as u16).to_le_bytes(), content].concat()
        };
        let row = |number: u16, bits: u16| {
            let mut content = [0; 16];
            content[..2].copy_from_slice(&number.to_le_bytes());
            content[12..14].copy_from_slice(&bits.to_le_bytes());
            record(0x0208, &content)
        };
        let sheet = |begin: u32, name: &[u8]| record(0x0085, &[&begin.to_le_bytes()[..], &[0, 0], name].concat());
        let list = |first: u32, second: u32| [sheet(first, b"\x01\x00A"), sheet(second, b"\x01\x01\xE9\x00")].concat();
        let end = record(0x000A, &[]);
        let begin = list(0, 0).len() as u32 + 4;
        let first = [row(1, 0x20), row(2, 0x100), end.clone()].concat();
        let second = [row(5, 0x120), end.clone()].concat();
        let stream = [list(begin, begin + first.len() as u32), end, first, second].concat();
        assert_eq!(hidden_xls_rows(&stream, "A"), Some(HashSet::from([1])));
        assert_eq!(hidden_xls_rows(&stream, "\u{E9}"), Some(HashSet::from([5])));
        assert_eq!(hidden_xls_rows(&stream, "B"), None);
    }

    #[test]
    fn hidden_and_merged_cells_of_an_ods_sheet_are_found() {
        let xml = r#"<x><table:table table:name="Other"><table:table-row table:visibility="collapse"/></table:table>
            <table:table table:name="A &amp; B"><table:table-row table:number-rows-repeated="2"><table:table-cell/></table:table-row>
            <table:table-row table:visibility="filter" table:number-rows-repeated="2"/>
            <table:table-row><table:table-cell table:number-columns-repeated="2"/><table:table-cell table:number-rows-spanned="3"/>
            </table:table-row></table:table></x>"#;
        let (mut place, mut marks) = (OdsPlace::default(), SheetMarks::default());
        each_element(xml.as_bytes(), |element| place.take(element, "A & B", &mut marks));
        assert_eq!(marks.hidden_rows, HashSet::from([2, 3]));
        assert_eq!(marks.merged, [MergedRows { first: 4, last: 6, column: 2 }]);
    }

    #[test]
    fn hidden_and_merged_cells_are_found() {
        let xml = r#"<worksheet><cols><col min="3" max="4" hidden="1"/><col min="5" max="5"/></cols><sheetData>
            <row r="1"/><row r="2" hidden="1"><c r="A2"><v>row hidden="1"</v></c></row><row r="5" hidden="true"/>
            </sheetData><mergeCells><mergeCell ref="B4:C9"/><mergeCell ref="A1:D1"/><mergeCell ref="A2:A3"/></mergeCells>"#;
        let mut marks = SheetMarks::default();
        each_element(xml.as_bytes(), |element| marks.take(element));
        marks.merged.sort_unstable();
        assert_eq!(marks.hidden_rows, HashSet::from([1, 4]));
        assert_eq!(marks.hidden_columns, [(2, 3)]);
        let merged = |first, last, column| MergedRows { first, last, column };
        assert_eq!(marks.merged, [merged(1, 2, 0), merged(3, 8, 1)]);
    }
}
