//! `split.parquet`: the side of each row, written down when a project's first model is trained.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::data::{DrawnFrom, DrawnRow, DrawnSplit, RowKeys, Side, check_parquet_footer};
use crate::storage::{StorageError, write_atomic};

/// Name of the file in a project's folder.
pub const SPLIT_FILE: &str = "split.parquet";

/// Name of the settings in the file's metadata.
const DRAWN_FROM: &str = "hone.drawn_from";
/// Rows that any file may have, and how many more each of its bytes may describe: rows whose texts differ take eight bytes or
/// more, but a few damaged bytes can claim any number.
const FEW_ROWS: u64 = 1 << 20;
const ROWS_PER_BYTE: u64 = 64;
const ADVICE: &str =
    "Delete it to draw a new split. The results of older runs are then not comparable with those of new ones.";

/// Reads the split of a project's folder; `None` if none has been written.
///
/// # Errors
/// Errors of the file system, or a damaged file.
pub fn read_split(folder: &Path) -> Result<Option<DrawnSplit>, StorageError> {
    let path = folder.join(SPLIT_FILE);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StorageError::io("read", &path)(error)),
    };
    parse(file).map(Some).map_err(|reason| StorageError::Damaged { path, reason, advice: ADVICE })
}

fn parse(file: File) -> Result<DrawnSplit, String> {
    let bytes = file.metadata().map_err(|error| error.to_string())?.len();
    check_parquet_footer(&file)?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| error.to_string())?;
    let metadata = builder.metadata().file_metadata().key_value_metadata();
    let entry = metadata.and_then(|entries| entries.iter().find(|entry| entry.key == DRAWN_FROM));
    let text = entry.and_then(|entry| entry.value.as_deref()).ok_or("it does not say how the split was drawn")?;
    let from: DrawnFrom = ron::from_str(text).map_err(|error| error.to_string())?;
    let described = builder.metadata().file_metadata().num_rows();
    let most = FEW_ROWS.saturating_add(bytes.saturating_mul(ROWS_PER_BYTE));
    if u64::try_from(described).is_ok_and(|rows| rows > most) {
        return Err(format!("it claims to have {described} rows"));
    }
    let mut rows = Vec::new();
    for batch in builder.build().map_err(|error| error.to_string())? {
        rows_of(&batch.map_err(|error| error.to_string())?, &mut rows)?;
    }
    Ok(DrawnSplit { from, rows })
}

fn rows_of(batch: &RecordBatch, rows: &mut Vec<DrawnRow>) -> Result<(), String> {
    let column = |name: &str| batch.column_by_name(name).ok_or_else(|| format!("the column '{name}' is missing"));
    let numbers = |name: &str| {
        let column = column(name)?.as_primitive_opt::<UInt64Type>();
        column.ok_or_else(|| format!("the column '{name}' has another type"))
    };
    let (content, id) = (numbers("content")?, numbers("id")?);
    let side = column("side")?.as_string_opt::<i32>().ok_or("the column 'side' has another type")?;
    for row in 0..batch.num_rows() {
        let name = side.value(row);
        let side = Side::ALL.into_iter().find(|side| side.name() == name);
        let side = side.ok_or_else(|| format!("'{name}' is no side of a split"))?;
        let id = id.is_valid(row).then(|| id.value(row));
        rows.push(DrawnRow { keys: RowKeys { content: content.value(row), id }, side });
    }
    Ok(())
}

/// Writes the split of a project's folder, in place of an older one.
///
/// # Errors
/// Errors of the file system.
pub fn write_split(folder: &Path, split: &DrawnSplit) -> Result<(), StorageError> {
    let path = folder.join(SPLIT_FILE);
    let write_error = |error: String| StorageError::io("write", &path)(std::io::Error::other(error));
    let from = ron::to_string(&split.from).map_err(|error| write_error(error.to_string()))?;
    let batch = batch_of(&split.rows).map_err(|error| write_error(error.to_string()))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_key_value_metadata(Some(vec![KeyValue::new(DRAWN_FROM.to_owned(), from)]))
        .build();
    let written = write_atomic(&path, |file| {
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties))?;
        writer.write(&batch)?;
        writer.close()?;
        Ok(())
    });
    written.map_err(StorageError::io("write", &path))
}

fn batch_of(rows: &[DrawnRow]) -> Result<RecordBatch, arrow_schema::ArrowError> {
    let content: UInt64Array = rows.iter().map(|row| Some(row.keys.content)).collect();
    let id: UInt64Array = rows.iter().map(|row| row.keys.id).collect();
    let side: StringArray = rows.iter().map(|row| Some(row.side.name())).collect();
    let schema = Schema::new(vec![
        Field::new("content", DataType::UInt64, false),
        Field::new("id", DataType::UInt64, true),
        Field::new("side", DataType::Utf8, false),
    ]);
    let columns: Vec<ArrayRef> = vec![Arc::new(content), Arc::new(id), Arc::new(side)];
    RecordBatch::try_new(Arc::new(schema), columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split() -> DrawnSplit {
        let from = "(split:(seed:7),column:Some(\"customer\"),separate:(false,true))";
        let row = |content, id, side| DrawnRow { keys: RowKeys { content, id }, side };
        let rows = vec![row(u64::MAX, None, Side::Test), row(0, Some(1), Side::Train), row(5, None, Side::Validation)];
        DrawnSplit { from: ron::from_str(from).unwrap(), rows }
    }

    #[test]
    fn a_split_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read_split(folder.path()).unwrap(), None);
        write_split(folder.path(), &split()).unwrap();
        assert_eq!(read_split(folder.path()).unwrap(), Some(split()));
        let empty = DrawnSplit { rows: Vec::new(), ..split() };
        write_split(folder.path(), &empty).unwrap();
        assert_eq!(read_split(folder.path()).unwrap(), Some(empty));
    }

    #[test]
    fn a_damaged_file_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        write_split(folder.path(), &split()).unwrap();
        let path = folder.path().join(SPLIT_FILE);
        let bytes = std::fs::read(&path).unwrap();
        for damaged in [&bytes[..bytes.len() / 2], b"", b"PAR1 is no table PAR1"] {
            std::fs::write(&path, damaged).unwrap();
            let error = read_split(folder.path()).unwrap_err().to_string();
            assert!(error.contains("split.parquet is damaged (") && error.contains("Delete it to draw"), "{error}");
        }
    }

    #[test]
    fn a_small_file_that_claims_many_rows_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let one = split().rows[0];
        write_split(folder.path(), &DrawnSplit { rows: vec![one; 3_000_000], ..split() }).unwrap();
        let bytes = std::fs::metadata(folder.path().join(SPLIT_FILE)).unwrap().len();
        let error = read_split(folder.path()).unwrap_err().to_string();
        assert!(error.contains("it claims to have 3000000 rows"), "{bytes} bytes: {error}");
    }
}
