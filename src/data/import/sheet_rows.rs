//! Collects the rows of a sheet from its cells, and what a person should know about them.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use crate::data::DataError;
use crate::data::import::names::unique_names;
use crate::data::import::rows::{NamedRows, RawRows};
use crate::data::import::sheet_cells::{CellValue, SheetRow};
use crate::data::import::sheet_head::{SheetHead, SheetHeader};
use crate::data::import::sheet_marks::SheetMarks;
use crate::words::{count, counted, joined, plural, upper_first};

/// The longest value, in bytes, that the other rows of a merged cell get: a label, not a text.
pub(super) const MOST_REPEATED: usize = 256;
/// With more different dates than this, a column holds dates and no labels.
const MOST_DATE_LABELS: usize = 20;

/// What the cells of a column hold that is no plain value, over all rows below the header.
#[derive(Default)]
struct ColumnCounts {
    errors: u64,
    uncalculated: u64,
    /// Cells that got the value of a merged one.
    merged: u64,
    texts: u64,
    dates: u64,
    /// The first few different dates.
    different_dates: HashSet<String>,
}

/// A merged cell whose last row has not come yet.
struct Merged {
    column: usize,
    last: u32,
    text: String,
}

/// Rows of a sheet, collected from its cells, which come row by row.
#[derive(Default)]
pub(super) struct SheetRows {
    header: SheetHeader,
    marks: SheetMarks,
    /// The first rows with values, until it is known which of them is the header.
    head: Vec<(u32, SheetRow)>,
    is_begun: bool,
    has_values: bool,
    /// The current row, 0-based.
    row: Option<u32>,
    values: SheetRow,
    /// Column names, once the header has been read.
    names: Option<Vec<String>>,
    header_row: Option<u32>,
    rows: NamedRows,
    record: u64,
    hidden: u64,
    counts: BTreeMap<usize, ColumnCounts>,
    /// How many of the merged ranges have begun.
    begun: usize,
    merged: Vec<Merged>,
    remarks: Vec<String>,
}

impl SheetRows {
    pub fn new(header: SheetHeader, marks: SheetMarks) -> Self {
        Self { header, marks, ..Self::default() }
    }

    /// [`Self::new`] of a file of this many bytes, which limits the memory for its cells.
    pub fn of_file(header: SheetHeader, marks: SheetMarks, bytes: u64) -> Self {
        Self { rows: NamedRows::of_file(bytes), ..Self::new(header, marks) }
    }

    /// Takes the next cell.
    pub fn cell(&mut self, row: u32, column: usize, value: CellValue) {
        if value == CellValue::Empty {
            return;
        }
        if self.row != Some(row) {
            self.end_row();
            self.row = Some(row);
        }
        self.values.push((column, value));
    }

    /// Whether no cell with a value has come.
    pub fn is_empty(&self) -> bool {
        !self.has_values && !self.values.iter().any(|(_, value)| value.text().is_some())
    }

    /// Number of rows that are complete, once it is known which row is the header.
    pub fn len(&self) -> u64 {
        self.record
    }

    /// The column names, once it is known which row is the header.
    pub fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    /// 1-based row of the header; `None` if there is none, or it is not known yet.
    pub fn header_row(&self) -> Option<u64> {
        self.header_row.map(|row| u64::from(row) + 1)
    }

    /// Whether it is known which row is the header.
    pub fn is_begun(&self) -> bool {
        self.is_begun
    }

    /// Completes the current row.
    pub fn end_row(&mut self) {
        let values = std::mem::take(&mut self.values);
        let (Some(row), true) = (self.row, values.iter().any(|(_, value)| value.text().is_some())) else { return };
        self.has_values = true;
        if self.is_begun {
            return self.take_row(row, values);
        }
        self.head.push((row, values));
        // A chosen header may come later than a searched one.
        let is_enough = match self.header {
            SheetHeader::Row(number) => u64::from(row) + 1 >= number,
            SheetHeader::Found | SheetHeader::Missing => self.head.len() >= SheetHead::MOST,
        };
        if is_enough {
            self.begin();
        }
    }

    /// Completes the current row, and finds the header among the rows so far.
    pub fn begin(&mut self) {
        if self.is_begun {
            return;
        }
        self.end_row();
        if self.is_begun {
            return;
        }
        self.is_begun = true;
        let rows = std::mem::take(&mut self.head);
        let head = SheetHead::of(self.header, &rows);
        let first = head.before + usize::from(head.has_names) + head.under;
        for (place, (row, values)) in rows.into_iter().enumerate() {
            if place == head.before && head.has_names {
                self.take_names(row, &values);
            }
            if place >= first {
                self.take_row(row, values);
            }
        }
        self.remarks.extend(head.remarks);
    }

    fn take_row(&mut self, row: u32, mut values: SheetRow) {
        self.record += 1;
        self.hidden += u64::from(self.marks.hidden_rows.contains(&row));
        let repeated = self.repeat_merged(row, &values);
        values.extend(repeated);
        for (column, value) in values {
            let counts = self.counts.entry(column).or_default();
            match &value {
                CellValue::Error => counts.errors += 1,
                CellValue::Uncalculated => counts.uncalculated += 1,
                CellValue::Date(date) => counts.add_date(date),
                CellValue::Text(_) => counts.texts += 1,
                CellValue::Repeated(_) => counts.merged += 1,
                CellValue::Empty => {}
            }
            if let CellValue::Text(text) | CellValue::Date(text) | CellValue::Repeated(text) = value {
                let name = self.name(column);
                self.rows.set(&name, Some(text));
            }
        }
        self.rows.end_row(self.record);
    }

    /// The values that this row's empty cells have from merged cells above them.
    fn repeat_merged(&mut self, row: u32, values: &[(usize, CellValue)]) -> SheetRow {
        let value_in = |column: usize| values.iter().find(|(at, _)| *at == column).and_then(|(_, value)| value.text());
        self.merged.retain(|merged| merged.last >= row);
        let repeated: SheetRow = self
            .merged
            .iter()
            .filter(|merged| value_in(merged.column).is_none())
            .map(|merged| (merged.column, CellValue::Repeated(merged.text.clone())))
            .collect();
        while let Some(range) = self.marks.merged.get(self.begun).filter(|range| range.first <= row) {
            self.begun += 1;
            let text = value_in(range.column).filter(|text| range.first == row && text.len() <= MOST_REPEATED);
            if let Some(text) = text {
                self.merged.push(Merged { column: range.column, last: range.last, text: text.to_owned() });
            }
        }
        repeated
    }

    fn take_names(&mut self, row: u32, values: &[(usize, CellValue)]) {
        // What is merged with a name is no value.
        let merged = &self.marks.merged;
        self.begun = merged.iter().take_while(|range| range.first <= row).count();
        self.header_row = Some(row);
        let mut header = vec![""; values.iter().map(|(column, _)| column + 1).max().unwrap_or_default()];
        for (column, value) in values {
            header[*column] = value.text().unwrap_or_default();
        }
        let names = unique_names(header.iter().copied());
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

    /// The rows, with remarks.
    ///
    /// # Errors
    /// [`DataError::NoHeaderRow`], [`DataError::TooManyColumns`] and [`DataError::TooLarge`].
    pub fn finish(mut self, path: &Path) -> Result<RawRows, DataError> {
        self.begin();
        self.end_row();
        if let SheetHeader::Row(line) = self.header
            && self.header_row.is_none_or(|row| u64::from(row) + 1 != line)
        {
            let why = "that row of the sheet has no values".to_owned();
            return Err(DataError::NoHeaderRow { path: path.to_owned(), line, why });
        }
        let mut remarks = std::mem::take(&mut self.remarks);
        remarks.extend(self.hidden_in_words());
        let mut uncalculated = Vec::new();
        for (column, counts) in &self.counts {
            let name = self.name(*column);
            remarks.extend(counts.in_words(&name));
            if counts.uncalculated > 0 && counts.texts + counts.dates == 0 {
                uncalculated.push(name);
            }
        }
        let mut rows = self.rows.finish(path)?;
        rows.remarks.extend(remarks);
        rows.uncalculated = uncalculated;
        Ok(rows)
    }

    fn hidden_in_words(&self) -> Option<String> {
        let mut columns: Vec<String> = Vec::new();
        for (column, name) in self.names.iter().flatten().enumerate() {
            if self.marks.hidden_columns.iter().any(|&(first, last)| (first..=last).contains(&column)) {
                columns.push(format!("'{name}'"));
            }
        }
        let rows = (self.hidden > 0).then(|| counted(self.hidden, "row", "rows"));
        let names = (!columns.is_empty())
            .then(|| format!("the {} {}", plural(columns.len(), "column", "columns"), joined(&columns)));
        let hidden: Vec<String> = rows.into_iter().chain(names).collect();
        let is_one = self.hidden.min(2) + columns.len().min(2) as u64 == 1;
        (!hidden.is_empty()).then(|| {
            let (are, they) = if is_one { ("is", "It is") } else { ("are", "They are") };
            let what = upper_first(&joined(&hidden));
            format!("{what} {are} hidden in the workbook, by a filter or by hand. {they} read like the others")
        })
    }
}

impl ColumnCounts {
    fn add_date(&mut self, date: &str) {
        self.dates += 1;
        if self.different_dates.len() <= MOST_DATE_LABELS && !self.different_dates.contains(date) {
            self.different_dates.insert(date.to_owned());
        }
    }

    /// What a person should know about the column.
    fn in_words(&self, name: &str) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.uncalculated > 0 {
            let formulas = counted(self.uncalculated, "formula", "formulas");
            remarks.push(format!(
                "{formulas} in '{name}' {} no calculated value, so the {} empty. Open the file in a spreadsheet program, save it, \
                 and read it again",
                plural(self.uncalculated, "has", "have"),
                plural(self.uncalculated, "cell is", "cells are"),
            ));
        }
        if self.errors > 0 {
            let cells = counted(self.errors, "cell", "cells");
            let hold = plural(self.errors, "holds", "hold");
            remarks.push(format!("{cells} in '{name}' {hold} an error such as #N/A, which counts as empty"));
        }
        if self.merged > 0 {
            let cells = counted(self.merged, "cell", "cells");
            remarks.push(format!("{cells} in '{name}' got the value of the merged cell they are part of"));
        }
        let different = self.different_dates.len();
        // Dates that repeat, among other values, are what became of codes.
        if self.texts > 0 && different <= MOST_DATE_LABELS && self.dates >= 2 * different as u64 && self.dates > 0 {
            let mut dates: Vec<&String> = self.different_dates.iter().collect();
            dates.sort_unstable();
            remarks.push(format!(
                "{} of {} values in '{name}' are dates, such as {}, and the others are not. Spreadsheet programs turn codes such as \
                 3-5 into dates: if these were codes, enter them again in cells formatted as text",
                count(self.dates),
                count(self.dates + self.texts),
                dates[0]
            ));
        }
        remarks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::import::sheet_marks::MergedRows;

    fn text(text: &str) -> CellValue {
        if text.is_empty() { CellValue::Empty } else { CellValue::Text(text.to_owned()) }
    }

    fn read(marks: SheetMarks, rows: &[&[CellValue]]) -> RawRows {
        let mut sheet = SheetRows::new(SheetHeader::Found, marks);
        for (row, cells) in (0..).zip(rows) {
            for (column, cell) in cells.iter().enumerate() {
                sheet.cell(row, column, cell.clone());
            }
        }
        sheet.finish(Path::new("a.xlsx")).unwrap()
    }

    fn cells(rows: &RawRows, name: &str) -> Vec<String> {
        let column = rows.names.iter().position(|column| column == name).unwrap();
        rows.columns[column].iter().map(|cell| cell.unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn rows_of_a_merged_cell_have_its_value() {
        let merged = |first, last, column| MergedRows { first, last, column };
        // The header is merged with the row below it; the last range reaches beyond the rows.
        let marks =
            SheetMarks { merged: vec![merged(0, 1, 1), merged(1, 3, 0), merged(4, 9, 0)], ..SheetMarks::default() };
        let row = |label: &str, words: &str| [text(label), text(words)];
        let rows = [row("label", "text"), row("good", "a"), row("", "b"), row("", ""), row("bad", "c"), row("", "d")];
        let rows = read(marks, &rows.iter().map(<[CellValue; 2]>::as_slice).collect::<Vec<_>>());
        assert_eq!(cells(&rows, "label"), ["good", "good", "bad", "bad"]);
        assert_eq!(cells(&rows, "text"), ["a", "b", "c", "d"]);
        assert_eq!(rows.remarks, ["2 cells in 'label' got the value of the merged cell they are part of"]);
    }

    #[test]
    fn a_long_text_is_not_repeated() {
        let marks = SheetMarks { merged: vec![MergedRows { first: 1, last: 2, column: 0 }], ..SheetMarks::default() };
        let long = "long ".repeat(60);
        let rows: [&[CellValue]; 3] =
            [&[text("note"), text("text")], &[text(&long), text("a")], &[CellValue::Empty, text("b")]];
        assert_eq!(cells(&read(marks, &rows), "note"), [long.as_str(), ""]);
    }

    #[test]
    fn errors_formulas_and_dates_among_labels_are_remarked() {
        let date = || CellValue::Date("2024-03-05".to_owned());
        let rows: [&[CellValue]; 4] = [
            &[text("text"), text("code"), text("label"), text("sum")],
            &[text("a"), date(), CellValue::Uncalculated, CellValue::Error],
            &[text("b"), date(), CellValue::Uncalculated, text("1")],
            &[text("c"), text("4-9"), CellValue::Empty, CellValue::Empty],
        ];
        let rows = read(SheetMarks::default(), &rows);
        assert_eq!(rows.uncalculated, ["label"]);
        assert_eq!(cells(&rows, "sum"), ["", "1", ""]);
        let [dates, formulas, errors] = rows.remarks.as_slice() else { panic!("{:?}", rows.remarks) };
        assert!(dates.starts_with("2 of 3 values in 'code' are dates, such as 2024-03-05, and the others"), "{dates}");
        assert!(formulas.starts_with("2 formulas in 'label' have no calculated value"), "{formulas}");
        assert_eq!(errors, "1 cell in 'sum' holds an error such as #N/A, which counts as empty");
    }

    #[test]
    fn hidden_rows_and_columns_are_remarked() {
        let marks = |rows: &[u32], columns: &[(usize, usize)]| {
            let (hidden_rows, hidden_columns) = (rows.iter().copied().collect(), columns.to_vec());
            let row = [text("x"), text("y")];
            let rows = [[text("a"), text("b")], row.clone(), row.clone(), row];
            let rows: Vec<&[CellValue]> = rows.iter().map(<[CellValue; 2]>::as_slice).collect();
            read(SheetMarks { hidden_rows, hidden_columns, ..SheetMarks::default() }, &rows).remarks
        };
        assert_eq!(marks(&[], &[(2, 5)]), [""; 0]);
        let end = "hidden in the workbook, by a filter or by hand.";
        assert_eq!(marks(&[0, 2], &[]), [format!("1 row is {end} It is read like the others")]);
        assert_eq!(marks(&[], &[(1, 9)]), [format!("The column 'b' is {end} It is read like the others")]);
        let both = format!("2 rows and the columns 'a' and 'b' are {end} They are read like the others");
        assert_eq!(marks(&[1, 2, 70], &[(0, 1)]), [both]);
    }
}
