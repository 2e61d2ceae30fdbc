//! What reading one file gave, on its way to a table.

use std::path::Path;

use crate::data::import::imported::file_name;
use crate::data::import::rows::RawRows;
use crate::data::{FileFormat, FilePart, ImportedFile, Table};
use crate::project::SourceFile;

/// The content of one file.
pub(super) struct FileRows {
    pub rows: RawRows,
    pub format: FileFormat,
    pub bytes: u64,
}

impl FileRows {
    pub fn into_file(self, path: &Path, file: SourceFile) -> ImportedFile {
        let RawRows { names, columns, records, bad_rows, remarks, uncalculated } = self.rows;
        let part = FilePart {
            path: path.to_owned(),
            name: file_name(path),
            bytes: self.bytes,
            format: self.format.clone(),
            names: names.clone(),
            before: 0,
            rows: records.len(),
            bad_rows: bad_rows.len(),
            remarks,
            uncalculated,
        };
        ImportedFile {
            path: path.to_owned(),
            bytes: self.bytes,
            table: Table { file, names, columns, records },
            bad_rows,
            format: self.format,
            parts: vec![part],
            other_parts: Vec::new(),
        }
    }
}
