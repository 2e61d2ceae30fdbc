//! Writes the unreadable rows to a CSV file, so that they can be repaired.

use std::path::Path;

use crate::data::Imported;
use crate::export::ExportError;
use crate::storage::write_atomic;

/// Writes the bad rows of all files of a project to `output`: file, record within it, line, reason and the row as it is
/// in the file (at most 2,000 characters). Returns the number of rows.
///
/// # Errors
/// [`ExportError::Io`].
pub fn write_bad_rows(imported: &Imported, output: &Path) -> Result<u64, ExportError> {
    let mut count = 0;
    write_atomic(output, |writer| {
        let mut table = csv::Writer::from_writer(writer);
        table.write_record(["file", "row", "line", "reason", "raw"])?;
        for file in imported.files() {
            for bad in &file.bad_rows {
                let (path, record) = file.place(bad.record);
                let (row, line) = (record.to_string(), bad.line.to_string());
                table.write_record([&path.display().to_string(), &row, &line, &bad.reason, &bad.raw])?;
                count += 1;
            }
        }
        table.flush()
    })
    .map_err(ExportError::io("write", output))?;
    Ok(count)
}
