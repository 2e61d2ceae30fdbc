//! Tables in HTML pages and in XML spreadsheets of 2003: some programs save them under the name `.xls`.
//!
//! Source of the names of the second: Microsoft, "XML Spreadsheet Reference" (Office 2003).

use std::borrow::Cow;
use std::path::Path;

use crate::data::import::folder_files::ends_in;
use crate::data::import::rows::RawRows;
use crate::data::import::sheet_cells::CellValue;
use crate::data::import::sheet_head::SheetHeader;
use crate::data::import::sheet_marks::SheetMarks;
use crate::data::import::sheet_rows::{MOST_REPEATED, SheetRows};
use crate::data::{DataError, FileFormat};
use crate::progress::Watch;
use crate::project::DatasetSettings;
use crate::words::counted;

/// The most columns of a table: one that spans more is damaged.
const MOST_COLUMNS: usize = 16_384;
/// Characters looked at to recognise the kind of file.
const HEAD: usize = 4_000;
/// Tags between two checks of the cancel switch.
const TAGS_PER_LOOK: u64 = 65_536;
/// The longest tag whose quotation marks are heeded, in characters.
const MOST_TAG: usize = 65_536;
/// Names of spreadsheet files.
const SPREADSHEETS: [&str; 6] = ["xls", "xlsx", "xlsb", "ods", "htm", "html"];
/// Elements whose content is no text.
const SKIPPED: [&str; 3] = ["script", "style", "head"];

/// The kinds of markup with tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MarkupKind {
    Html,
    XmlSpreadsheet,
}

/// Recognises an HTML page or an XML spreadsheet by its beginning.
pub(super) fn kind(path: &Path, text: &str) -> Option<MarkupKind> {
    let head: String = text.trim_start().chars().take(HEAD).flat_map(char::to_lowercase).collect();
    if !head.starts_with('<') {
        return None;
    }
    let is_spreadsheet = head.contains("urn:schemas-microsoft-com:office:spreadsheet") && head.contains("workbook");
    if is_spreadsheet && head.starts_with("<?xml") {
        return Some(MarkupKind::XmlSpreadsheet);
    }
    let is_page = ["<!doctype html", "<html"].iter().any(|begin| head.starts_with(begin));
    let parts = ["<table", "<meta", "<head", "<body", "<style", "<div"];
    let is_part = || ends_in(path, &SPREADSHEETS) && parts.iter().any(|begin| head.starts_with(begin));
    (is_page || is_part()).then_some(MarkupKind::Html)
}

/// Reads the sheet asked for of an XML spreadsheet or else the first with rows, or the largest table of a page.
///
/// # Errors
/// [`DataError::NotText`] without a table, [`DataError::NoSheet`], [`DataError::TooManyColumns`] and
/// [`DataError::Cancelled`].
pub(super) fn read(
    path: &Path,
    text: &str,
    kind: MarkupKind,
    settings: &DatasetSettings,
    must_have_sheet: bool,
    watch: &mut Watch,
) -> Result<(RawRows, FileFormat), DataError> {
    let tables = Tables::read(text, kind, SheetHeader::of(settings), watch)?;
    let sheets: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
    let found = tables.len();
    let chosen = match &settings.sheet {
        Some(asked) if sheets.contains(asked) => tables.into_iter().find(|table| &table.name == asked),
        Some(asked) if must_have_sheet => {
            return Err(DataError::NoSheet { path: path.to_owned(), asked: asked.clone(), sheets });
        }
        _ if kind == MarkupKind::XmlSpreadsheet => tables.into_iter().find(|table| !table.rows.is_empty()),
        // Of two that are as large, the first.
        _ => tables.into_iter().rev().max_by_key(|table| table.rows.len()),
    };
    let Some(Table { name: sheet, rows, .. }) = chosen.filter(|table| !table.rows.is_empty()) else {
        let (kind, advice) = match kind {
            MarkupKind::Html => (
                "a web page (HTML) without a table",
                "It may be an error or log-in page that was saved in place of the file: open it in a browser, and download the \
                 file again",
            ),
            MarkupKind::XmlSpreadsheet => ("an empty XML spreadsheet", "Choose a file with one row for each text"),
        };
        return Err(DataError::NotText { path: path.to_owned(), kind, advice });
    };
    let header_row = rows.header_row();
    let mut rows = rows.finish(path)?;
    if kind == MarkupKind::Html {
        let which = if found > 1 { format!(", and its largest table of {found} was read") } else { String::new() };
        rows.remarks.insert(0, format!("The file is a web page (HTML){which}"));
    } else if found > 1 {
        let others = counted(found - 1, "other sheet was", "other sheets were");
        rows.remarks.insert(0, format!("The sheet '{sheet}' was read. {others} not"));
    }
    Ok((rows, FileFormat::Workbook { sheet, sheets, header_row }))
}

/// A table, collected row by row.
#[derive(Default)]
struct Table {
    name: String,
    rows: SheetRows,
    row: u32,
    column: usize,
    /// For each column the value of a cell that spans rows, and the last of these.
    spans: Vec<Option<(u32, String)>>,
    /// The open cell.
    cell: Option<Cell>,
    is_row_open: bool,
}

#[derive(Default)]
struct Cell {
    text: String,
    columns: usize,
    /// Rows below that it spans.
    rows: u32,
}

impl Table {
    fn new(name: String, header: SheetHeader, file_bytes: u64) -> Self {
        Self { name, rows: SheetRows::of_file(header, SheetMarks::default(), file_bytes), ..Self::default() }
    }

    fn open_row(&mut self, tag: &Tag<'_>) {
        self.close_row();
        self.is_row_open = true;
        // XML spreadsheets leave empty rows out.
        if let Some(row) = tag.number("index").and_then(|row| u32::try_from(row).ok()).filter(|row| *row > self.row) {
            self.row = row - 1;
        }
    }

    fn close_row(&mut self) {
        self.close_cell();
        if std::mem::take(&mut self.is_row_open) {
            self.take_spans(MOST_COLUMNS);
            self.row = self.row.saturating_add(1);
            self.column = 0;
        }
    }

    fn open_cell(&mut self, tag: &Tag<'_>) {
        self.close_cell();
        if !self.is_row_open {
            self.open_row(&Tag::default());
        }
        if let Some(column) = tag.number("index").filter(|column| (1..=MOST_COLUMNS).contains(column)) {
            self.take_spans(column - 1);
            self.column = self.column.max(column - 1);
        }
        self.take_spans(self.column);
        let columns = tag.number("colspan").unwrap_or(1).max(1) + tag.number("mergeacross").unwrap_or(0);
        let rows = tag.number("rowspan").unwrap_or(1).max(1) - 1 + tag.number("mergedown").unwrap_or(0);
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        self.cell = Some(Cell { text: String::new(), columns: columns.min(MOST_COLUMNS), rows });
    }

    /// Puts the values of cells that span this row in their place, up to column `until` and where the next cell would be.
    fn take_spans(&mut self, until: usize) {
        while self.column < self.spans.len() {
            let Some((_, text)) = self.spans[self.column].as_ref().filter(|(last, _)| *last >= self.row) else {
                if self.column >= until {
                    return;
                }
                self.column += 1;
                continue;
            };
            self.rows.cell(self.row, self.column, CellValue::Repeated(text.clone()));
            self.column += 1;
        }
    }

    fn close_cell(&mut self) {
        let Some(Cell { text, columns, rows }) = self.cell.take() else { return };
        if self.column >= MOST_COLUMNS {
            return;
        }
        let text = text.trim().to_owned();
        if rows > 0 && !text.is_empty() && text.len() <= MOST_REPEATED {
            self.spans.resize(self.spans.len().max(self.column + 1), None);
            self.spans[self.column] = Some((self.row.saturating_add(rows), text.clone()));
        }
        let value = if text.is_empty() { CellValue::Empty } else { CellValue::Text(text) };
        self.rows.cell(self.row, self.column, value);
        self.column += columns;
    }

    fn push(&mut self, text: &str) {
        if let Some(cell) = &mut self.cell {
            cell.text.push_str(text);
        }
    }
}

/// All tables of a file. A table inside a cell counts as a separate table.
struct Tables {
    done: Vec<Table>,
    open: Vec<Table>,
    header: SheetHeader,
    /// Size of the file, which limits the memory for cells.
    file_bytes: u64,
    is_html: bool,
    /// The name of the sheet that begins.
    sheet: Option<String>,
}

impl Tables {
    fn read(text: &str, kind: MarkupKind, header: SheetHeader, watch: &mut Watch) -> Result<Vec<Table>, DataError> {
        let is_html = kind == MarkupKind::Html;
        let mut tables =
            Self { done: Vec::new(), open: Vec::new(), header, file_bytes: text.len() as u64, is_html, sheet: None };
        let (mut rest, mut tags) = (text, 0_u64);
        while let Some(at) = rest.find('<') {
            tags += 1;
            if tags.is_multiple_of(TAGS_PER_LOOK) {
                watch.advance("Reading rows", text.len() - rest.len(), text.len(), "bytes")?;
            }
            tables.text(&rest[..at]);
            rest = &rest[at..];
            if let Some(data) = rest.strip_prefix("<![CDATA[") {
                let (data, behind) = data.split_once("]]>").unwrap_or((data, ""));
                tables.push(data);
                rest = behind;
            } else if let Some(comment) = rest.strip_prefix("<!--") {
                rest = comment.split_once("-->").map_or("", |(_, behind)| behind);
            } else {
                let (tag, behind) = Tag::read(rest);
                rest = if SKIPPED.contains(&tag.name.as_str()) && is_html && !tag.is_end {
                    after_element(behind, &tag.name)
                } else {
                    behind
                };
                tables.take(&tag);
            }
        }
        tables.text(rest);
        while !tables.open.is_empty() {
            tables.close_table();
        }
        Ok(tables.done)
    }

    fn take(&mut self, tag: &Tag<'_>) {
        match (tag.name.as_str(), tag.is_end) {
            ("worksheet", false) => self.sheet = tag.text("name"),
            ("table", false) => {
                let name =
                    self.sheet.take().unwrap_or_else(|| format!("table {}", self.done.len() + self.open.len() + 1));
                self.open.push(Table::new(name, self.header, self.file_bytes));
                if tag.is_whole {
                    self.close_table();
                }
            }
            ("table", true) => self.close_table(),
            (name, is_end) => {
                let Some(table) = self.open.last_mut() else { return };
                match (name, is_end) {
                    ("tr" | "row", false) => {
                        table.open_row(tag);
                        if tag.is_whole {
                            table.close_row();
                        }
                    }
                    ("tr" | "row", true) => table.close_row(),
                    ("td" | "th" | "cell", false) => {
                        table.open_cell(tag);
                        if tag.is_whole {
                            table.close_cell();
                        }
                    }
                    ("td" | "th" | "cell", true) => table.close_cell(),
                    ("br", false) | ("p" | "div" | "li", true) => table.push("\n"),
                    _ => {}
                }
            }
        }
    }

    fn close_table(&mut self) {
        if let Some(mut table) = self.open.pop() {
            table.close_row();
            table.rows.begin();
            table.rows.end_row();
            self.done.push(table);
        }
    }

    /// Takes text between two tags.
    fn text(&mut self, text: &str) {
        if !self.open.is_empty() && !text.is_empty() {
            let text = if self.is_html { html_space(text) } else { Cow::Borrowed(text) };
            self.push(&html_escape::decode_html_entities(&text));
        }
    }

    fn push(&mut self, text: &str) {
        if let Some(table) = self.open.last_mut() {
            table.push(text);
        }
    }
}

/// The text with its white space as a browser shows it.
fn html_space(text: &str) -> Cow<'_, str> {
    if !text.contains(['\n', '\r', '\t']) && !text.contains("  ") {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        let is_space = matches!(letter, ' ' | '\n' | '\r' | '\t');
        if !is_space {
            shown.push(letter);
        } else if !shown.ends_with(' ') {
            shown.push(' ');
        }
    }
    Cow::Owned(shown)
}

/// What follows an element that has just begun.
fn after_element<'a>(text: &'a str, name: &str) -> &'a str {
    let mut rest = text;
    while let Some(at) = rest.find("</") {
        rest = &rest[at..];
        if rest[2..].get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            return rest;
        }
        rest = &rest[2..];
    }
    ""
}

/// A tag; names are in lower case and without a prefix.
#[derive(Default)]
struct Tag<'a> {
    name: String,
    is_end: bool,
    /// Whether the element is empty: `<td/>`.
    is_whole: bool,
    attributes: &'a str,
}

impl<'a> Tag<'a> {
    /// Reads the tag at the beginning of a text; gives what follows it too.
    fn read(text: &'a str) -> (Self, &'a str) {
        let mut quote = None;
        let end = text.char_indices().skip(1).take(MOST_TAG).find(|&(_, letter)| match (quote, letter) {
            (None, '>') => true,
            (None, '"' | '\'') => {
                quote = Some(letter);
                false
            }
            (Some(open), letter) if open == letter => {
                quote = None;
                false
            }
            _ => false,
        });
        // Without an end, a quotation mark was part of a text.
        let end = end.map(|(at, _)| at).or_else(|| text.find('>')).unwrap_or(text.len());
        let inside = text[1..end].trim();
        let behind = text.get(end + 1..).unwrap_or_default();
        let (is_end, inside) = inside.strip_prefix('/').map_or((false, inside), |inside| (true, inside));
        let (is_whole, inside) = inside.strip_suffix('/').map_or((false, inside), |inside| (true, inside));
        let (name, attributes) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
        let name = name.rsplit(':').next().unwrap_or_default().to_lowercase();
        (Self { name, is_end, is_whole, attributes }, behind)
    }

    /// The value of an attribute, named in lower case and without a prefix.
    fn text(&self, name: &str) -> Option<String> {
        let mut rest = self.attributes;
        while let Some((key, value)) = rest.split_once('=') {
            let key = key.trim().rsplit([':', ' ', '\n', '\t']).next().unwrap_or_default();
            let value = value.trim_start();
            let (value, behind) = match value.chars().next() {
                Some(quote @ ('"' | '\'')) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
                _ => value.split_once(char::is_whitespace).unwrap_or((value, "")),
            };
            if key.eq_ignore_ascii_case(name) {
                return Some(html_escape::decode_html_entities(value).into_owned());
            }
            rest = behind;
        }
        None
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.text(name)?.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Control;

    fn rows(text: &str, kind: MarkupKind) -> Result<(RawRows, FileFormat), DataError> {
        let (control, mut report) = (Control::default(), |_| {});
        let mut watch = Watch { control: &control, report: &mut report };
        read(Path::new("a.xls"), text, kind, &DatasetSettings::default(), true, &mut watch)
    }

    fn table(text: &str, kind: MarkupKind) -> Vec<String> {
        let rows = rows(text, kind).unwrap().0;
        let cells = |row: usize| {
            rows.columns
                .iter()
                .map(|column| if arrow_array::Array::is_null(column, row) { "-" } else { column.value(row) })
                .collect::<Vec<_>>()
                .join("|")
        };
        std::iter::once(rows.names.join("|")).chain((0..rows.records.len()).map(cells)).collect()
    }

    #[test]
    fn the_largest_table_of_a_page_is_read() {
        let page = "<!DOCTYPE html><html><head><title><table></title></head><body><table><tr><td>Report</table>
            <!-- <table> --><TABLE border=1><tr><th>id<th>text</th><th>label</tr>
            <tr><td>1<td><b>good</b> &amp; <i>cheap</i>,\n   very<br>nice</td><td rowspan='2'>fine</td></tr>
            <tr><td>2</td><td colspan=\"1\">ok &lt;3</td></tr><tr><td>3</td><td><script>x < y</script>bad</td><td>&nbsp;</td></tr></table>";
        assert_eq!(
            table(page, MarkupKind::Html),
            ["id|text|label", "1|good & cheap, very\nnice|fine", "2|ok <3|fine", "3|bad|-"]
        );
        let remarks = rows(page, MarkupKind::Html).unwrap().0.remarks;
        assert_eq!(remarks[0], "The file is a web page (HTML), and its largest table of 2 was read");
        assert!(remarks[1].contains("1 cell in 'label' got the value of the merged cell"), "{remarks:?}");
    }

    #[test]
    fn a_small_page_cannot_describe_more_cells_than_fit_into_memory() {
        let page = format!("<html><table><tr>{}{}</table>", "<td>x".repeat(4_000), "<tr><td>x".repeat(9_000));
        let error = rows(&page, MarkupKind::Html).unwrap_err().to_string();
        assert!(error.contains("more than 512 MiB of memory"), "{error}");
    }

    #[test]
    fn a_page_without_a_table_is_refused() {
        for page in ["<html><body>Please log in</body></html>", "<html><table></table></html>", "<html"] {
            let error = rows(page, MarkupKind::Html).unwrap_err().to_string();
            assert!(
                error.contains("is a web page (HTML) without a table") && error.contains("download the file again"),
                "{error}"
            );
        }
    }

    #[test]
    fn an_xml_spreadsheet_is_read() {
        let book = r#"<?xml version="1.0"?><Workbook xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">
            <Worksheet ss:Name="Empty"><Table/></Worksheet><Worksheet ss:Name="A &amp; B"><Table>
            <Row><Cell><Data ss:Type="String">text</Data></Cell><Cell ss:Index="3"><Data>label</Data></Cell></Row>
            <Row ss:Index="5"><Cell><Data ss:Type="String">one &#10;&lt;two&gt;</Data></Cell><Cell ss:Index="3" ss:MergeDown="1"><Data>good</Data></Cell></Row>
            <Row><Cell><Data ss:Type="Number">3</Data></Cell></Row></Table></Worksheet></Workbook>"#;
        assert_eq!(kind(Path::new("a.csv"), book), Some(MarkupKind::XmlSpreadsheet));
        assert_eq!(table(book, MarkupKind::XmlSpreadsheet), ["text|label", "one \n<two>|good", "3|good"]);
        let (rows, format) = rows(book, MarkupKind::XmlSpreadsheet).unwrap();
        assert!(matches!(format, FileFormat::Workbook { sheet, sheets, .. } if sheet == "A & B" && sheets.len() == 2));
        assert_eq!(rows.remarks[0], "The sheet 'A & B' was read. 1 other sheet was not");
    }

    #[test]
    fn only_pages_and_spreadsheets_are_recognised() {
        let of = |name: &str, text: &str| kind(Path::new(name), text);
        assert_eq!(of("a.csv", "\n<!DOCTYPE HTML><p>"), Some(MarkupKind::Html));
        assert_eq!([of("a.xls", "<table>"), of("a.csv", "<table>")], [Some(MarkupKind::Html), None]);
        assert_eq!([of("a.csv", "text,<html>"), of("a.xml", "<?xml version='1.0'?><feed/>")], [None, None]);
    }
}
