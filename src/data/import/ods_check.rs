//! Adds up the repeated cells of an ODS workbook before it is read.
//!
//! Repeated rows, cells and spaces are written once with a count: a few bytes can describe more than fits into memory.
//! Source of the names: OASIS, "Open Document Format for Office Applications", part 3, 6.1.3, 9.1.3 and 9.1.4.

use std::io::{BufRead, BufReader, Cursor};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

/// The most memory that the cells of a workbook may take, in bytes, and of one of a few megabytes. Reading it takes up to
/// twice as much.
const MOST_BYTES: u64 = 2 << 30;
const FEW_BYTES: u64 = 256 << 20;
/// Memory of a cell besides its text, in bytes.
const CELL: u64 = 32;
/// The most columns and rows of a sheet: repeats beyond them are not read.
const COLUMNS: u64 = 16_384;
const ROWS: u64 = 1_048_576;

/// Checks the cells of a workbook.
///
/// # Errors
/// Says what is wrong, for a person to read.
pub(super) fn check(archive: &mut ZipArchive<Cursor<&[u8]>>, file_bytes: u64) -> Result<(), String> {
    let most = FEW_BYTES.max(file_bytes.saturating_mul(32)).min(MOST_BYTES);
    let Ok(content) = archive.by_name("content.xml") else { return Ok(()) };
    let mut sizes = SheetSizes::default();
    let mut reader = Reader::from_reader(BufReader::new(content));
    each_event(&mut reader, |event| {
        sizes.take(event);
        if sizes.all <= most { Ok(()) } else { Err(format!("its cells take more than {} MiB", most >> 20)) }
    })
}

fn each_event(
    reader: &mut Reader<impl BufRead>,
    mut take: impl FnMut(&Event<'_>) -> Result<(), String>,
) -> Result<(), String> {
    let (mut buffer, mut depth) = (Vec::new(), 0_u64);
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer).map_err(|error| format!("its content is damaged: {error}"))?;
        match &event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            // The reader of sheets would wait for their end for ever.
            Event::Eof if depth > 0 => return Err("its content ends in the middle".to_owned()),
            Event::Eof => return Ok(()),
            _ => {}
        }
        take(&event)?;
    }
}

/// The sizes added up so far.
#[derive(Default)]
struct SheetSizes {
    /// Bytes of the rows so far.
    all: u64,
    rows: u64,
    row: u64,
    /// Bytes of empty cells, which count only if another cell follows.
    empty: u64,
    cells: u64,
    /// Bytes of the cell's text; `None` while it is empty.
    cell: Option<u64>,
}

impl SheetSizes {
    fn take(&mut self, event: &Event<'_>) {
        match event {
            Event::Start(start) => self.begin(start),
            Event::Empty(start) => {
                self.begin(start);
                self.end(start.name().as_ref());
            }
            Event::End(end) => self.end(end.name().as_ref()),
            Event::Text(text) => self.add_text(text.len() as u64),
            _ => {}
        }
    }

    fn begin(&mut self, start: &BytesStart<'_>) {
        match start.name().as_ref() {
            "table:table-row" => {
                self.rows = times(start, "table:number-rows-repeated").min(ROWS);
                (self.row, self.empty) = (0, 0);
            }
            "table:table-cell" | "table:covered-table-cell" => {
                self.cells = times(start, "table:number-columns-repeated").min(COLUMNS);
                self.cell = value(start);
            }
            "text:s" => self.add_text(times(start, "text:c")),
            _ => {}
        }
        // One cell of spaces alone may be too much.
        self.all = self.all.saturating_add(self.cell.filter(|&bytes| bytes > FEW_BYTES).unwrap_or(0));
    }

    fn add_text(&mut self, bytes: u64) {
        self.cell = Some(self.cell.unwrap_or(0).saturating_add(bytes));
    }

    fn end(&mut self, name: &str) {
        match name {
            "table:table-cell" | "table:covered-table-cell" => match self.cell.take() {
                Some(bytes) => {
                    let cells = self.cells.saturating_mul(CELL.saturating_add(bytes));
                    self.row = self.row.saturating_add(self.empty).saturating_add(cells);
                    self.empty = 0;
                }
                None => self.empty += self.cells * CELL,
            },
            "table:table-row" => self.all = self.all.saturating_add(self.rows.saturating_mul(self.row)),
            _ => {}
        }
    }
}

/// Bytes of the value in a cell's attributes.
fn value(start: &BytesStart<'_>) -> Option<u64> {
    let mut attributes = start.attributes();
    let attributes = attributes.with_checks(false).flatten();
    let values = attributes.filter(|attribute| attribute.key.as_ref().starts_with("office:"));
    values.map(|attribute| attribute.value.len() as u64).reduce(|a, b| a + b)
}

fn times(start: &BytesStart<'_>, attribute: &str) -> u64 {
    let attribute = start.try_get_attribute(attribute).ok().flatten();
    attribute.map_or(1, |attribute| attribute.value.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_that_is_cut_off_or_closes_other_elements_is_damaged() {
        let check = |text: &str| each_event(&mut Reader::from_reader(text.as_bytes()), |_| Ok(()));
        assert_eq!(check("<a><b/>text</a>"), Ok(()));
        assert_eq!(check("<a><b>"), Err("its content ends in the middle".to_owned()));
        assert!(check("<a><b></a>").unwrap_err().starts_with("its content is damaged"));
    }
}
