//! Writes the unreadable rows to a CSV file, so that they can be repaired.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use crate::data::Imported;
use crate::export::ExportError;
use crate::export::spreadsheet::begin_csv;
use crate::storage::{check_output, write_atomic, write_new};

/// Writes the bad rows of all files of a project to `output`: file, record within it, line, reason and the row as it is
/// in the file (at most 2,000 characters), [`harmless`](crate::export::harmless) in a spreadsheet. Returns the number of rows.
///
/// # Errors
/// [`ExportError::Io`], and [`ExportError::Storage`] if the output is inside a run, or something that must not be replaced.
pub fn write_bad_rows(imported: &Imported, output: &Path, may_replace: bool) -> Result<u64, ExportError> {
    check_output(output, may_replace)?;
    let mut count = 0;
    let write = |writer: &mut BufWriter<&File>| {
        let as_written = begin_csv(writer, false)?;
        let mut table = csv::Writer::from_writer(writer);
        table.write_record(["file", "row", "line", "reason", "raw"])?;
        for file in imported.files() {
            for bad in &file.bad_rows {
                let (path, record) = file.place(bad.record);
                let (row, line) = (record.to_string(), bad.line.to_string());
                let path = path.display().to_string();
                let cells = [&path, &row, &line, &bad.reason, &bad.raw];
                table.write_record(cells.map(|cell| as_written(cell).into_owned()))?;
                count += 1;
            }
        }
        table.flush()
    };
    let written = if may_replace { write_atomic(output, write) } else { write_new(output, write) };
    written.map_err(ExportError::io("write", output))?;
    Ok(count)
}
