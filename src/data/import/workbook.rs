//! Workbooks: XLSX, XLSB, XLS and ODS.

use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use calamine::{Data, DataRef, ExcelDateTime, Reader, Sheets, open_workbook_auto_from_rs};
use zip::ZipArchive;

use crate::data::import::names::unique_names;
use crate::data::import::rows::{NamedRows, RawRows};
use crate::data::import::{ods_check, xls_check};
use crate::data::{DataError, FileFormat};
use crate::progress::Watch;
use crate::project::DatasetSettings;

/// The most bytes a workbook may unpack to.
const MOST_UNPACKED: u64 = 4 << 30;
/// Bytes a workbook may always unpack to, however small it is.
const FEW_UNPACKED: u64 = 64 << 20;
/// The largest accepted ratio of a workbook's unpacked size to its file size: sheets of real rows reach 10 to 30.
const MOST_RATIO: u64 = 200;
/// Cells read between two checks of the cancel switch.
const CELLS_PER_LOOK: u64 = 65_536;

type Bytes<'a> = Cursor<&'a [u8]>;

/// Reads one sheet: the one asked for, or the first that is not empty. Its first row that is not empty names the
/// columns, unless the settings say that there is no header.
///
/// # Errors
/// [`DataError::NoSheet`], [`DataError::Damaged`], [`DataError::NotText`] when the file is another archive or document,
/// and [`DataError::Cancelled`].
pub(super) fn read(
    path: &Path,
    bytes: &[u8],
    settings: &DatasetSettings,
    must_have_sheet: bool,
    watch: &mut Watch,
) -> Result<(RawRows, FileFormat), DataError> {
    check_archive(path, bytes, watch)?;
    let read = AssertUnwindSafe(|| read_sheet(path, bytes, settings, must_have_sheet, watch));
    // Some damaged files make the decoders panic.
    catch_unwind(read).unwrap_or_else(|_| Err(damaged(path, "its contents contradict each other".to_owned())))
}

fn damaged(path: &Path, reason: String) -> DataError {
    let advice =
        "Open it in the program that made it and save it again, as a workbook without a password or as CSV (UTF-8)";
    DataError::Damaged { path: path.to_owned(), kind: "a workbook", reason, advice }
}

/// Unpacks an archive without keeping the result, to check that it is a workbook and fits into memory: the sizes stated
/// in the file may be wrong.
fn check_archive(path: &Path, bytes: &[u8], watch: &mut Watch) -> Result<(), DataError> {
    if !bytes.starts_with(b"PK") {
        return xls_check::check(bytes).map_err(|reason| damaged(path, reason));
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(path, error.to_string()))?;
    let is_workbook = archive.file_names().flatten().any(|name| {
        let name = name.to_lowercase();
        name.starts_with("xl/") || name == "content.xml"
    });
    if !is_workbook {
        let (kind, advice) = ("a ZIP archive", "Unpack it and choose a table of rows inside it");
        return Err(DataError::NotText { path: path.to_owned(), kind, advice });
    }
    let mut unpacked = 0;
    let mut chunk = vec![0; 1 << 20];
    for number in 0..archive.len() {
        let mut entry = archive.by_index(number).map_err(|error| damaged(path, error.to_string()))?;
        loop {
            watch.look()?;
            match entry.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => unpacked += read as u64,
                Err(error) => return Err(damaged(path, error.to_string())),
            }
            if unpacked > MOST_UNPACKED || unpacked > FEW_UNPACKED.max(MOST_RATIO * bytes.len() as u64) {
                return Err(damaged(path, format!("it unpacks to more than {} MiB", unpacked >> 20)));
            }
        }
    }
    ods_check::check(&mut archive).map_err(|reason| damaged(path, reason))
}

fn read_sheet(
    path: &Path,
    bytes: &[u8],
    settings: &DatasetSettings,
    must_have_sheet: bool,
    watch: &mut Watch,
) -> Result<(RawRows, FileFormat), DataError> {
    let mut workbook: Sheets<Bytes<'_>> =
        open_workbook_auto_from_rs(Cursor::new(bytes)).map_err(|_| unknown(path, bytes))?;
    let sheets = workbook.sheet_names();
    let candidates: Vec<String> = match &settings.sheet {
        Some(asked) if sheets.contains(asked) => vec![asked.clone()],
        Some(asked) if must_have_sheet => {
            return Err(DataError::NoSheet { path: path.to_owned(), asked: asked.clone(), sheets });
        }
        _ => sheets.clone(),
    };
    let mut found = None;
    for sheet in candidates {
        let mut rows = SheetRows::new(settings.header.unwrap_or(true));
        read_cells(&mut workbook, &sheet, &mut rows, path, watch)?;
        if !rows.is_empty() {
            found = Some((sheet, rows));
            break;
        }
    }
    let Some((sheet, rows)) = found else { return Err(DataError::Empty(path.to_owned())) };
    Ok((rows.finish(path)?, FileFormat::Workbook { sheet, sheets }))
}

fn unknown(path: &Path, bytes: &[u8]) -> DataError {
    if bytes.starts_with(b"PK") {
        return damaged(path, "Hone cannot open this kind".to_owned());
    }
    let (kind, advice) = ("an old Office document", "Open it in the program that made it and save it as CSV (UTF-8)");
    DataError::NotText { path: path.to_owned(), kind, advice }
}

fn read_cells(
    workbook: &mut Sheets<Bytes<'_>>,
    sheet: &str,
    rows: &mut SheetRows,
    path: &Path,
    watch: &mut Watch,
) -> Result<(), DataError> {
    let mut cells = 0;
    let mut count_cell = |row: u32| {
        cells += 1;
        let (is_time, row) = (cells % CELLS_PER_LOOK == 0, row as usize);
        if is_time { watch.advance("Reading rows", row, row, "rows") } else { Ok(()) }
    };
    // Cell by cell if the library can: a sheet whose only cell is the very last must not take all memory.
    if let Sheets::Xlsx(workbook) = workbook {
        let broken = |error: calamine::XlsxError| damaged(path, error.to_string());
        let mut reader = match workbook.worksheet_cells_reader(sheet) {
            // A chart sheet has no cells.
            Err(calamine::XlsxError::NotAWorksheet(_)) => return Ok(()),
            reader => reader.map_err(broken)?,
        };
        while let Some(cell) = reader.next_cell().map_err(broken)? {
            let (row, column) = cell.get_position();
            count_cell(row)?;
            rows.cell(row, column as usize, text_of_ref(cell.get_value()));
        }
        return Ok(());
    }
    if let Sheets::Xlsb(workbook) = workbook {
        let broken = |error: calamine::XlsbError| damaged(path, error.to_string());
        let mut reader = workbook.worksheet_cells_reader(sheet).map_err(broken)?;
        while let Some(cell) = reader.next_cell().map_err(broken)? {
            let (row, column) = cell.get_position();
            count_cell(row)?;
            rows.cell(row, column as usize, text_of_ref(cell.get_value()));
        }
        return Ok(());
    }
    let range = workbook.worksheet_range(sheet).map_err(|error| damaged(path, error.to_string()))?;
    let (first_row, first_column) = range.start().unwrap_or_default();
    for (row, column, value) in range.used_cells() {
        let row = first_row + row as u32;
        count_cell(row)?;
        rows.cell(row, first_column as usize + column, text_of(value));
    }
    Ok(())
}

/// Rows of a sheet, collected from its cells, which come row by row.
struct SheetRows {
    header: bool,
    /// The current row, 0-based.
    row: Option<u32>,
    values: Vec<(usize, String)>,
    /// Column names, once the header has been read.
    names: Option<Vec<String>>,
    rows: NamedRows,
    record: u64,
}

impl SheetRows {
    fn new(header: bool) -> Self {
        Self { header, row: None, values: Vec::new(), names: None, rows: NamedRows::default(), record: 0 }
    }

    fn cell(&mut self, row: u32, column: usize, text: Option<String>) {
        let Some(text) = text else { return };
        if self.row != Some(row) {
            self.end_row();
            self.row = Some(row);
        }
        self.values.push((column, text));
    }

    fn end_row(&mut self) {
        let values = std::mem::take(&mut self.values);
        if values.is_empty() {
            return;
        }
        if self.header && self.names.is_none() {
            self.take_names(values);
            return;
        }
        self.record += 1;
        for (column, text) in values {
            let name = self.name(column);
            self.rows.set(&name, Some(text));
        }
        self.rows.end_row(self.record);
    }

    fn take_names(&mut self, values: Vec<(usize, String)>) {
        let mut header = vec![String::new(); values.iter().map(|(column, _)| column + 1).max().unwrap_or_default()];
        for (column, text) in values {
            header[column] = text;
        }
        let names = unique_names(header.iter().map(String::as_str));
        for (name, _) in names.iter().zip(&header).filter(|(_, text)| !text.trim().is_empty()) {
            // So that a column without any value exists too.
            self.rows.set(name, None);
        }
        self.names = Some(names);
    }

    fn name(&self, column: usize) -> String {
        let named = self.names.as_ref().and_then(|names| names.get(column)).cloned();
        named.unwrap_or_else(|| format!("column_{}", column + 1))
    }

    fn is_empty(&self) -> bool {
        self.names.is_none() && self.record == 0 && self.values.is_empty()
    }

    fn finish(mut self, path: &Path) -> Result<RawRows, DataError> {
        self.end_row();
        self.rows.finish(path)
    }
}

fn text_of_ref(value: &DataRef<'_>) -> Option<String> {
    match value {
        DataRef::SharedString(text) => text_of(&Data::String((*text).to_owned())),
        other => text_of(&Data::from(other.clone())),
    }
}

/// A cell as the sheet shows it; an error such as `#N/A` is not a value.
fn text_of(value: &Data) -> Option<String> {
    match value {
        Data::Empty | Data::Error(_) => None,
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => {
            (!text.is_empty()).then(|| text.clone())
        }
        Data::Int(number) => Some(number.to_string()),
        // A whole number is written without a fraction, as the sheet shows it.
        Data::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => Some(format!("{number:.0}")),
        Data::Float(number) => Some(number.to_string()),
        Data::Bool(value) => Some(value.to_string()),
        Data::DateTime(moment) => Some(date(moment)),
    }
}

fn date(moment: &ExcelDateTime) -> String {
    if moment.is_duration() {
        return moment.as_f64().to_string();
    }
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    if (hour, minute, second) == (0, 0, 0) { date } else { format!("{date} {hour:02}:{minute:02}:{second:02}") }
}
