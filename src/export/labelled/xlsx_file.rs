//! Predictions as an Excel workbook.
//!
//! Written row by row into the zip archive, so that a large table needs no memory for a second copy. Texts are stored as
//! texts, so that no cell is run as a formula.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::export::labelled::number::ColumnType;
use crate::export::labelled::table::{Added, LabelledTable, Written};
use crate::progress::Watch;
use crate::words::count;

/// Most rows of a sheet, with the header.
const MOST_ROWS: usize = 1_048_576;
/// Most columns of a sheet.
const MOST_COLUMNS: usize = 16_384;
/// Most UTF-16 code units of a cell.
const MOST_UNITS: usize = 32_767;

const CONTENT_TYPES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>"#;
const RELATIONS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const WORKBOOK: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Predictions" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const WORKBOOK_RELATIONS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#;
/// Style 0 is plain; style 1 is bold, for the header; style 2 has three decimals, for probabilities.
const STYLES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="1"><numFmt numFmtId="164" formatCode="0.000"/></numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/><xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>"#;
/// The first row stays in view.
const SHEET_START: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>"#;
const SHEET_END: &str = "</sheetData></worksheet>";

/// Writes the table, see [`write_labelled`](crate::export::write_labelled).
pub(super) fn write(
    labelled: &LabelledTable<'_>,
    file: &mut BufWriter<&File>,
    watch: &mut Watch<'_>,
) -> io::Result<Written> {
    let names = labelled.names();
    check_size(labelled.table.len() + 1, names.len())?;
    let mut archive = ZipWriter::new(file);
    let options = SimpleFileOptions::default();
    for (name, text) in [
        ("[Content_Types].xml", CONTENT_TYPES),
        ("_rels/.rels", RELATIONS),
        ("xl/workbook.xml", WORKBOOK),
        ("xl/_rels/workbook.xml.rels", WORKBOOK_RELATIONS),
        ("xl/styles.xml", STYLES),
    ] {
        archive.start_file(name, options)?;
        archive.write_all(text.as_bytes())?;
    }
    // A large sheet is over 4 GiB before it is compressed.
    archive.start_file("xl/worksheets/sheet1.xml", options.large_file(labelled.table.len() > 100_000))?;
    let written = write_sheet(labelled, &names, &mut archive, watch)?;
    archive.finish()?;
    Ok(written)
}

fn check_size(rows: usize, columns: usize) -> io::Result<()> {
    let (what, most) = match (rows > MOST_ROWS, columns > MOST_COLUMNS) {
        (true, _) => ("rows", MOST_ROWS),
        (_, true) => ("columns", MOST_COLUMNS),
        _ => return Ok(()),
    };
    let most = count(most as u64);
    Err(io::Error::other(format!("a sheet of a workbook has at most {most} {what}. Save it as CSV or Parquet instead")))
}

fn write_sheet(
    labelled: &LabelledTable<'_>,
    names: &[String],
    archive: &mut impl Write,
    watch: &mut Watch<'_>,
) -> io::Result<Written> {
    let table = labelled.table;
    let types: Vec<ColumnType> = table.columns.iter().map(ColumnType::of).collect();
    let (columns, undecided) = ((0..names.len()).map(letters).collect::<Vec<_>>(), labelled.undecided());
    let mut sheet = Sheet { xml: String::from(SHEET_START), columns, cut_cells: 0 };
    sheet.row(0, |sheet| names.iter().enumerate().for_each(|(column, name)| sheet.text(0, column, 1, name)));
    for row in 0..table.len() {
        LabelledTable::look(row, table.len(), watch)?;
        sheet.row(row + 1, |sheet| {
            for (column, of) in types.iter().enumerate() {
                match (table.cell(column, row), of) {
                    ("", _) => {}
                    (cell, ColumnType::Text) => sheet.text(row + 1, column, 0, cell),
                    (cell, _) => sheet.number(row + 1, column, 0, cell),
                }
            }
            for (column, cell) in (types.len()..).zip(labelled.added(row, &undecided)) {
                match cell {
                    Added::Empty => {}
                    Added::Text(text) => sheet.text(row + 1, column, 0, text),
                    Added::Probability(probability) => sheet.number(row + 1, column, 2, &probability.to_string()),
                }
            }
        });
        archive.write_all(sheet.xml.as_bytes())?;
        sheet.xml.clear();
    }
    sheet.xml.push_str(SHEET_END);
    archive.write_all(sheet.xml.as_bytes())?;
    Ok(Written { cut_cells: sheet.cut_cells })
}

/// The XML of the sheet that is not written yet.
struct Sheet {
    xml: String,
    /// Names of the columns: A, B, ...
    columns: Vec<String>,
    cut_cells: u64,
}

impl Sheet {
    fn row(&mut self, row: usize, cells: impl FnOnce(&mut Self)) {
        let _ = write!(self.xml, "<row r=\"{}\">", row + 1);
        cells(self);
        self.xml.push_str("</row>");
    }

    fn number(&mut self, row: usize, column: usize, style: u8, value: &str) {
        let name = &self.columns[column];
        let _ = write!(self.xml, "<c r=\"{name}{}\" s=\"{style}\"><v>{value}</v></c>", row + 1);
    }

    fn text(&mut self, row: usize, column: usize, style: u8, text: &str) {
        let name = &self.columns[column];
        let _ =
            write!(self.xml, "<c r=\"{name}{}\" s=\"{style}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">", row + 1);
        let kept = cut(text);
        self.cut_cells += u64::from(kept.len() < text.len());
        escape(&mut self.xml, kept);
        self.xml.push_str("</t></is></c>");
    }
}

/// The beginning of a text that fits into a cell.
fn cut(text: &str) -> &str {
    if text.len() <= MOST_UNITS {
        return text;
    }
    let mut units = 0;
    let end = text.char_indices().find(|(_, letter)| {
        units += letter.len_utf16();
        units > MOST_UNITS
    });
    end.map_or(text, |(end, _)| &text[..end])
}

/// Appends a text as XML. Characters that XML cannot hold are written as Excel does: `_x0001_`.
fn escape(xml: &mut String, text: &str) {
    for (place, letter) in text.char_indices() {
        match letter {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '\n' | '\t' => xml.push(letter),
            '\0'..' ' | '\u{FFFE}' | '\u{FFFF}' => {
                let _ = write!(xml, "_x{:04X}_", letter as u32);
            }
            '_' if is_escape(&text[place..]) => xml.push_str("_x005F_"),
            _ => xml.push(letter),
        }
    }
}

/// Whether a text begins like an escaped character, `_x0041_`.
fn is_escape(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() > 6 && bytes[1] == b'x' && bytes[2..6].iter().all(u8::is_ascii_hexdigit) && bytes[6] == b'_'
}

/// The name of a column: A, B, ..., Z, AA, ...
fn letters(column: usize) -> String {
    let mut letters = Vec::new();
    let mut left = column + 1;
    while left > 0 {
        letters.push(b'A' + ((left - 1) % 26) as u8);
        left = (left - 1) / 26;
    }
    letters.into_iter().rev().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_named_as_in_excel() {
        assert_eq!([0, 25, 26, 701, 702, 16_383].map(letters), ["A", "Z", "AA", "ZZ", "AAA", "XFD"]);
    }

    #[test]
    fn characters_that_xml_cannot_hold_are_escaped() {
        let mut xml = String::new();
        escape(&mut xml, "a<b&\u{1}\r_x0041_ _x_");
        assert_eq!(xml, "a&lt;b&amp;_x0001__x000D__x005F_x0041_ _x_");
    }

    #[test]
    fn a_table_that_is_too_large_for_a_sheet_is_refused_with_advice() {
        assert!(check_size(MOST_ROWS, MOST_COLUMNS).is_ok());
        let error = check_size(MOST_ROWS + 1, 3).unwrap_err().to_string();
        assert!(error.contains("1,048,576 rows") && error.contains("CSV or Parquet"), "{error}");
        assert!(check_size(2, MOST_COLUMNS + 1).unwrap_err().to_string().contains("columns"));
    }
}
