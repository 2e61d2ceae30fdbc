//! Collects rows while a file is read.

use std::collections::HashMap;

use std::path::Path;

use arrow_array::StringViewArray;
use arrow_array::builder::StringViewBuilder;

use crate::data::import::bytes::most_memory;
use crate::data::import::names::unique_names;
use crate::data::{BadRow, DataError};

/// Characters kept of a bad record.
const RAW_KEPT: usize = 2_000;

/// The most columns of a table: in some files every value would become a column name.
pub(super) const MOST_COLUMNS: usize = 4_096;

/// The rows of one file.
#[derive(Debug, Default)]
#[allow(clippy::struct_field_names, reason = "bad rows are called so everywhere")]
pub(super) struct RawRows {
    pub names: Vec<String>,
    pub columns: Vec<StringViewArray>,
    /// 1-based record number of each row.
    pub records: Vec<u64>,
    pub bad_rows: Vec<BadRow>,
    /// See [`crate::data::FilePart::remarks`].
    pub remarks: Vec<String>,
    /// See [`crate::data::FilePart::uncalculated`].
    pub uncalculated: Vec<String>,
}

impl BadRow {
    /// A bad record, with its text shortened.
    pub(super) fn new(record: u64, line: u64, reason: impl Into<String>, raw: &str) -> Self {
        Self { record, line, reason: reason.into(), raw: raw.chars().take(RAW_KEPT).collect() }
    }
}

/// Collects rows with named fields. Columns are in the order in which their names first occur.
#[derive(Default)]
pub(super) struct NamedRows {
    place: HashMap<String, usize>,
    names: Vec<String>,
    columns: Vec<StringViewBuilder>,
    records: Vec<u64>,
    /// The values of the current row, by column.
    row: Vec<Option<String>>,
    /// Bytes in each column.
    bytes: Vec<usize>,
    /// Why the table is too large; further rows are ignored then.
    fault: Option<ColumnsFault>,
    /// The most memory for cells, in bytes; `None` if there is no limit.
    most_memory: Option<u64>,
    /// Bytes of text in all columns.
    text: u64,
    pub bad_rows: Vec<BadRow>,
    pub remarks: Vec<String>,
    /// Rows left out because people did not accept them.
    pub not_accepted: u64,
}

#[derive(Clone, Copy)]
enum ColumnsFault {
    Columns,
    Bytes(usize),
    Cells { rows: u64, columns: u64, most: u64 },
}

/// Memory of a cell besides its text, in bytes: a view, in a list that may have grown to twice its length.
const CELL: u64 = 32;

impl NamedRows {
    /// Rows of a file of this many bytes.
    pub fn of_file(bytes: u64) -> Self {
        Self { most_memory: Some(most_memory(bytes)), ..Self::default() }
    }

    /// Sets a field of the current row. If a name occurs twice, the later value counts.
    pub fn set(&mut self, name: &str, value: Option<String>) {
        let place = match self.place.get(name) {
            Some(&place) => place,
            None if self.names.len() >= MOST_COLUMNS => {
                self.fault = Some(ColumnsFault::Columns);
                return;
            }
            None => self.add_column(name),
        };
        self.row[place] = value;
    }

    fn add_column(&mut self, name: &str) -> usize {
        let place = self.names.len();
        self.place.insert(name.to_owned(), place);
        self.names.push(name.to_owned());
        let mut column = StringViewBuilder::new();
        (0..self.records.len()).for_each(|_| column.append_null());
        self.columns.push(column);
        self.row.push(None);
        self.bytes.push(0);
        place
    }

    /// Ends the current row.
    pub fn end_row(&mut self, record: u64) {
        if self.fault.is_some() {
            return self.drop_row();
        }
        // Every column has a cell in every row, however few of them are in the file.
        let (rows, columns) = (self.records.len() as u64 + 1, self.columns.len() as u64);
        self.text += self.row.iter().flatten().map(|value| value.len() as u64).sum::<u64>();
        if let Some(most) = self.most_memory.filter(|&most| rows * columns * CELL + self.text > most) {
            self.fault = Some(ColumnsFault::Cells { rows, columns, most });
            return self.drop_row();
        }
        for (bytes, value) in self.bytes.iter_mut().zip(&self.row) {
            *bytes += value.as_ref().map_or(0, String::len);
            if i32::try_from(*bytes).is_err() {
                self.fault = Some(ColumnsFault::Bytes(*bytes));
                return self.drop_row();
            }
        }
        for (column, value) in self.columns.iter_mut().zip(&mut self.row) {
            column.append_option(value.take());
        }
        self.records.push(record);
    }

    /// Adds a remark, once.
    pub fn remark(&mut self, remark: &str) {
        if !self.remarks.iter().any(|known| known == remark) {
            self.remarks.push(remark.to_owned());
        }
    }

    /// A field of the current row, if it is set.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.row[*self.place.get(name)?].as_deref()
    }

    /// Drops the current row.
    pub fn drop_row(&mut self) {
        self.row.fill(None);
    }

    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// The rows, with unique column names.
    ///
    /// # Errors
    /// [`DataError::TooManyColumns`], [`DataError::TooManyCells`] and [`DataError::TooLarge`].
    pub fn finish(self, path: &Path) -> Result<RawRows, DataError> {
        match self.fault {
            Some(ColumnsFault::Columns) => {
                return Err(DataError::TooManyColumns { path: path.to_owned(), most: MOST_COLUMNS });
            }
            Some(ColumnsFault::Bytes(bytes)) => {
                return Err(DataError::TooLarge { path: path.to_owned(), bytes: bytes as u64 });
            }
            Some(ColumnsFault::Cells { rows, columns, most }) => {
                return Err(DataError::TooManyCells { path: path.to_owned(), rows, columns, most });
            }
            None => {}
        }
        Ok(RawRows {
            names: unique_names(self.names.iter().map(String::as_str)),
            columns: self.columns.into_iter().map(|mut column| column.finish()).collect(),
            records: self.records,
            bad_rows: self.bad_rows,
            remarks: self.remarks,
            uncalculated: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_file_cannot_describe_more_cells_than_fit_into_memory() {
        let mut rows = NamedRows::of_file(1_000);
        for column in 0..4_000 {
            rows.set(&format!("column {column}"), Some("x".to_owned()));
        }
        for record in 1..5_000 {
            rows.end_row(record);
        }
        let error = rows.finish(Path::new("bomb.json")).unwrap_err().to_string();
        assert!(error.contains("4000 columns, which would take more than 512 MiB of memory"), "{error}");
        let mut rows = NamedRows::of_file(1_000);
        rows.set("text", Some("x".to_owned()));
        rows.end_row(1);
        assert_eq!(rows.finish(Path::new("fine.json")).unwrap().records, [1]);
    }
}
