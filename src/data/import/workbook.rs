//! Workbooks: XLSX, XLSB, XLS and ODS.

use std::io::{Cursor, Read};
use std::path::Path;

use calamine::{Data, DataRef, ExcelDateTime, Reader, Sheet, SheetVisible, Sheets, open_workbook_auto_from_rs};
use zip::ZipArchive;

use crate::data::import::guarded::guarded;
use crate::data::import::rows::RawRows;
use crate::data::import::sheet_cells::CellValue;
use crate::data::import::sheet_head::SheetHeader;
use crate::data::import::sheet_marks::SheetMarks;
use crate::data::import::sheet_rows::SheetRows;
use crate::data::import::{ods_check, xls_check};
use crate::data::{DataError, FileFormat};
use crate::progress::Watch;
use crate::project::DatasetSettings;
use crate::words::{counted, plural, quoted};

/// The most bytes a workbook may unpack to.
const MOST_UNPACKED: u64 = 4 << 30;
/// Bytes a workbook may always unpack to, however small it is.
const FEW_UNPACKED: u64 = 64 << 20;
/// The largest accepted ratio of a workbook's unpacked size to its file size: sheets of real rows reach 10 to 30.
const MOST_RATIO: u64 = 200;
/// Cells read between two checks of the cancel switch.
const CELLS_PER_LOOK: u64 = 65_536;
/// A sheet with fewer rows may be a cover, if a sheet behind it has ten times as many and no fewer than this.
const COVER_ROWS: u64 = 10;

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
    guarded(|| read_sheet(path, bytes, settings, must_have_sheet, watch))
        .unwrap_or_else(|| Err(damaged(path, "its contents contradict each other".to_owned())))
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
    ods_check::check(&mut archive, bytes.len() as u64).map_err(|reason| damaged(path, reason))
}

fn read_sheet(
    path: &Path,
    bytes: &[u8],
    settings: &DatasetSettings,
    must_have_sheet: bool,
    watch: &mut Watch,
) -> Result<(RawRows, FileFormat), DataError> {
    let workbook: Sheets<Bytes<'_>> =
        open_workbook_auto_from_rs(Cursor::new(bytes)).map_err(|_| unknown(path, bytes))?;
    let sheets = workbook.sheet_names();
    let mut book = Book { path, bytes, workbook, header: SheetHeader::of(settings) };
    let chosen = match &settings.sheet {
        Some(asked) if sheets.contains(asked) => {
            let rows = book.rows(asked, watch)?;
            (!rows.is_empty()).then(|| (asked.clone(), rows, Vec::new()))
        }
        Some(asked) if must_have_sheet => {
            return Err(DataError::NoSheet { path: path.to_owned(), asked: asked.clone(), sheets });
        }
        _ => book.choose(watch)?,
    };
    let Some((sheet, rows, remarks)) = chosen else { return Err(DataError::Empty(path.to_owned())) };
    let header_row = rows.header_row();
    let mut rows = rows.finish(path)?;
    rows.remarks.splice(0..0, remarks);
    Ok((rows, FileFormat::Workbook { sheet, sheets, header_row }))
}

/// An open workbook.
struct Book<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    workbook: Sheets<Bytes<'a>>,
    header: SheetHeader,
}

impl Book<'_> {
    /// The first sheet with rows, its rows, and remarks about other sheets. Hidden sheets count only if all are hidden, and
    /// a cover before a much larger sheet does not. `None` if all sheets are empty.
    fn choose(&mut self, watch: &mut Watch) -> Result<Option<(String, SheetRows, Vec<String>)>, DataError> {
        let is_visible = |sheet: &&Sheet| sheet.visible == SheetVisible::Visible;
        let name = |sheet: &Sheet| sheet.name.clone();
        let visible: Vec<String> = self.workbook.sheets_metadata().iter().filter(is_visible).map(name).collect();
        let hidden: Vec<String> =
            self.workbook.sheets_metadata().iter().filter(|sheet| !is_visible(sheet)).map(name).collect();
        let mut first: Option<(String, SheetRows)> = None;
        let mut remarks = Vec::new();
        for sheet in visible.iter().chain(&hidden) {
            if first.is_some() && hidden.contains(sheet) {
                break;
            }
            let rows = self.rows(sheet, watch)?;
            if rows.is_empty() {
                continue;
            }
            match &first {
                None => first = Some((sheet.clone(), rows)),
                Some((cover, small)) if rows.len() >= COVER_ROWS.max(10 * small.len()) => {
                    let small = counted(small.len(), "row", "rows");
                    remarks.push(format!(
                        "The sheet '{sheet}' was read. '{cover}' comes before it, but has only {small}. If that is the table, choose \
                         it in Data, or with --sheet"
                    ));
                    first = Some((sheet.clone(), rows));
                }
                Some(_) => {}
            }
            if first.as_ref().is_some_and(|(_, rows)| rows.len() >= COVER_ROWS) {
                break;
            }
        }
        let Some((sheet, rows)) = first else { return Ok(None) };
        remarks.extend(self.sheets_like(&sheet, &rows, &visible, watch)?);
        Ok(Some((sheet, rows, remarks)))
    }

    /// A remark about visible sheets with the same columns as the one that is read.
    fn sheets_like(
        &mut self,
        read: &str,
        rows: &SheetRows,
        visible: &[String],
        watch: &mut Watch,
    ) -> Result<Option<String>, DataError> {
        let Some(names) = rows.names().filter(|names| names.len() > 1) else { return Ok(None) };
        let mut like = Vec::new();
        for sheet in visible.iter().filter(|sheet| *sheet != read) {
            let mut head = SheetRows::new(SheetHeader::Found, SheetMarks::default());
            self.cells(sheet, &mut head, true, watch)?;
            head.begin();
            if head.names() == Some(names) {
                like.push(sheet.clone());
            }
        }
        Ok((!like.is_empty()).then(|| {
            format!(
                "Only the sheet '{read}' was read. {} {} the same columns: {}. To use the rows of all of them, copy them into one \
                 sheet, or save each sheet as a file and add the files",
                counted(like.len(), "other sheet", "other sheets"),
                plural(like.len(), "has", "have"),
                quoted(&like)
            )
        }))
    }

    /// All rows of a sheet.
    fn rows(&mut self, sheet: &str, watch: &mut Watch) -> Result<SheetRows, DataError> {
        let marks = self.marks(sheet);
        let mut rows = SheetRows::of_file(self.header, marks, self.bytes.len() as u64);
        self.cells(sheet, &mut rows, false, watch)?;
        rows.begin();
        rows.end_row();
        Ok(rows)
    }

    fn marks(&self, sheet: &str) -> SheetMarks {
        match &self.workbook {
            Sheets::Xlsx(_) => SheetMarks::of_xlsx(self.bytes, sheet),
            Sheets::Xls(workbook) => {
                let mut marks = SheetMarks::of_xls(self.bytes, sheet);
                for range in workbook.merge_cells_by_sheet_name(sheet).unwrap_or_default() {
                    marks.add_merged(range.start, range.end.0);
                }
                marks.merged.sort_unstable();
                marks
            }
            Sheets::Ods(_) => SheetMarks::of_ods(self.bytes, sheet),
            Sheets::Xlsb(_) => SheetMarks::default(),
        }
    }

    /// Gives the cells of a sheet to `rows`, or only those of its first rows.
    fn cells(
        &mut self,
        sheet: &str,
        rows: &mut SheetRows,
        only_head: bool,
        watch: &mut Watch,
    ) -> Result<(), DataError> {
        let path = self.path;
        let mut cells = 0;
        let mut count_cell = |row: u32| {
            cells += 1;
            let (is_time, row) = (cells % CELLS_PER_LOOK == 0, row as usize);
            if is_time { watch.advance("Reading rows", row, row, "rows") } else { Ok(()) }
        };
        // Cell by cell if the library can: a sheet whose only cell is the very last must not take all memory.
        if let Sheets::Xlsx(workbook) = &mut self.workbook {
            let broken = |error: calamine::XlsxError| damaged(path, error.to_string());
            let mut reader = match workbook.worksheet_cells_reader(sheet) {
                // A chart sheet has no cells.
                Err(calamine::XlsxError::NotAWorksheet(_)) => return Ok(()),
                reader => reader.map_err(broken)?,
            };
            while let Some(cell) = reader.next_cell_with_formula_metadata().map_err(broken)? {
                let (row, column) = cell.pos;
                count_cell(row)?;
                let value = match value_of_ref(&cell.value) {
                    CellValue::Empty if cell.formula.is_some() => CellValue::Uncalculated,
                    value => value,
                };
                rows.cell(row, column as usize, value);
                if only_head && rows.is_begun() {
                    break;
                }
            }
            return Ok(());
        }
        if let Sheets::Xlsb(workbook) = &mut self.workbook {
            let broken = |error: calamine::XlsbError| damaged(path, error.to_string());
            let mut reader = workbook.worksheet_cells_reader(sheet).map_err(broken)?;
            while let Some(cell) = reader.next_cell().map_err(broken)? {
                let (row, column) = cell.get_position();
                count_cell(row)?;
                rows.cell(row, column as usize, value_of_ref(cell.get_value()));
                if only_head && rows.is_begun() {
                    break;
                }
            }
            return Ok(());
        }
        let range = self.workbook.worksheet_range(sheet).map_err(|error| damaged(path, error.to_string()))?;
        let (first_row, first_column) = range.start().unwrap_or_default();
        for (row, column, value) in range.used_cells() {
            let row = first_row + row as u32;
            count_cell(row)?;
            rows.cell(row, first_column as usize + column, value_of(value));
            if only_head && rows.is_begun() {
                break;
            }
        }
        Ok(())
    }
}

fn unknown(path: &Path, bytes: &[u8]) -> DataError {
    if bytes.starts_with(b"PK") {
        return damaged(path, "Hone cannot open this kind".to_owned());
    }
    let (kind, advice) = ("an old Office document", "Open it in the program that made it and save it as CSV (UTF-8)");
    DataError::NotText { path: path.to_owned(), kind, advice }
}

fn value_of_ref(value: &DataRef<'_>) -> CellValue {
    match value {
        DataRef::SharedString(text) => value_of(&Data::String((*text).to_owned())),
        other => value_of(&Data::from(other.clone())),
    }
}

/// A cell as the sheet shows it.
fn value_of(value: &Data) -> CellValue {
    match value {
        Data::Empty => CellValue::Empty,
        Data::Error(_) => CellValue::Error,
        Data::String(text) if text.is_empty() => CellValue::Empty,
        Data::String(text) | Data::DurationIso(text) => CellValue::Text(text.clone()),
        Data::DateTimeIso(text) => CellValue::Date(text.clone()),
        Data::Int(number) => CellValue::Text(number.to_string()),
        // A whole number is written without a fraction, as the sheet shows it.
        Data::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => CellValue::Text(format!("{number:.0}")),
        Data::Float(number) => CellValue::Text(number.to_string()),
        Data::Bool(value) => CellValue::Text(value.to_string()),
        Data::DateTime(moment) if moment.is_duration() => CellValue::Text(moment.as_f64().to_string()),
        Data::DateTime(moment) => CellValue::Date(date(moment)),
    }
}

fn date(moment: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    if (hour, minute, second) == (0, 0, 0) { date } else { format!("{date} {hour:02}:{minute:02}:{second:02}") }
}
