//! `predictions.parquet`: the best checkpoint's predictions for every row it was not trained on.
//!
//! All splits are in one file, so that other tools can read it in one go. Its columns depend on the task, see
//! `prediction_columns`.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::data::check_parquet_footer;
use crate::evaluation::Prediction;
use crate::storage::error::system_code_in;
use crate::storage::prediction_columns::{ID, from_batch, text_column, to_batch};
use crate::storage::{RunFolder, StorageError, write_atomic};

pub(super) const FILE: &str = "predictions.parquet";
const ADVICE: &str = "Evaluate the run again to rewrite its predictions.";

impl RunFolder {
    /// The predictions' file.
    #[must_use]
    pub fn predictions_path(&self) -> PathBuf {
        self.path().join(FILE)
    }

    /// Writes the predictions of one split ("validation", "test"); those of other splits are kept. `labels` are the
    /// class names in order, none unless the task is text classification.
    ///
    /// # Errors
    /// Errors of the file system; predictions whose label or probabilities do not match `labels`, or of different
    /// tasks.
    pub fn write_predictions(
        &self,
        side: &str,
        predictions: &[Prediction],
        labels: &[String],
    ) -> Result<(), StorageError> {
        self.unless_gone()?;
        write_predictions_to(&self.predictions_path(), side, predictions, labels)
    }

    /// Reads the predictions of one split; none if it was never written.
    ///
    /// # Errors
    /// Errors of the file system, or a damaged file.
    pub fn read_predictions(&self, side: &str) -> Result<Vec<Prediction>, StorageError> {
        read_predictions_of(&self.predictions_path(), side)
    }
}

/// [`RunFolder::write_predictions`] to another file.
///
/// # Errors
/// As there.
pub fn write_predictions_to(
    path: &Path,
    side: &str,
    predictions: &[Prediction],
    labels: &[String],
) -> Result<(), StorageError> {
    let write_error = |error: String| StorageError::io("write", path)(std::io::Error::other(error));
    let batch = to_batch(side, predictions, labels).map_err(write_error)?;
    let mut batches: Vec<RecordBatch> = Vec::new();
    if path.exists() {
        let kept = read_batches(path)?.into_iter().map(with_ids);
        let kept = kept.collect::<Result<Vec<_>, _>>().map_err(write_error)?.into_iter();
        batches.extend(kept.filter(|kept| kept.schema() == batch.schema() && !is_of_side(kept, side)));
    }
    batches.push(batch);
    // In memory first: the library hides that a disk is full, which a run waits for.
    let mut bytes = Vec::new();
    write_batches(&mut bytes, &batches).map_err(StorageError::io("write", path))?;
    write_atomic(path, |file| file.write_all(&bytes)).map_err(StorageError::io("write", path))
}

/// [`RunFolder::read_predictions`] of another file.
///
/// # Errors
/// As there.
pub fn read_predictions_of(path: &Path, side: &str) -> Result<Vec<Prediction>, StorageError> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let mut predictions = Vec::new();
    for batch in read_batches(path)?.iter().filter(|batch| is_of_side(batch, side)) {
        from_batch(batch, &mut predictions).map_err(|reason| damaged(path, reason))?;
    }
    Ok(predictions)
}

fn damaged(path: &Path, reason: String) -> StorageError {
    StorageError::Damaged { path: path.to_owned(), reason, advice: ADVICE }
}

/// Each split is one row group, so a batch belongs to one split.
fn is_of_side(batch: &RecordBatch, side: &str) -> bool {
    batch.num_rows() > 0 && text_column(batch, "side").is_ok_and(|sides| sides.value(0) == side)
}

/// Adds an empty id column to the rows of a file written before there was one.
fn with_ids(batch: RecordBatch) -> Result<RecordBatch, String> {
    if batch.column_by_name(ID).is_some() {
        return Ok(batch);
    }
    let schema = batch.schema();
    let fields = schema.fields().iter().map(|field| field.as_ref().clone());
    let fields: Vec<Field> = fields.chain([Field::new(ID, DataType::Utf8, true)]).collect();
    let ids: ArrayRef = Arc::new(StringArray::new_null(batch.num_rows()));
    let columns = batch.columns().iter().cloned().chain([ids]).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(|error| error.to_string())
}

fn write_batches(file: impl std::io::Write + Send, batches: &[RecordBatch]) -> std::io::Result<()> {
    let Some(first) = batches.first() else { return Ok(()) };
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = ArrowWriter::try_new(file, first.schema(), Some(properties))?;
    for batch in batches {
        writer.write(batch)?;
        writer.flush()?;
    }
    writer.close()?;
    Ok(())
}

/// One batch for each split. The reader's batches must not span row groups, so each group is read by itself.
fn read_batches(path: &Path) -> Result<Vec<RecordBatch>, StorageError> {
    let open = || File::open(path).map_err(StorageError::io("read", path));
    let unreadable = |error: ParquetError| unreadable(path, &error);
    check_parquet_footer(&open()?).map_err(|reason| unreadable_text(path, reason))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(open()?).map_err(unreadable)?;
    let groups: Vec<usize> =
        builder.metadata().row_groups().iter().map(|group| group.num_rows().max(1) as usize).collect();
    let mut batches = Vec::new();
    for (group, rows) in groups.into_iter().enumerate() {
        let builder = ParquetRecordBatchReaderBuilder::try_new(open()?).map_err(unreadable)?;
        let reader = builder.with_row_groups(vec![group]).with_batch_size(rows).build();
        for batch in reader.map_err(unreadable)? {
            batches.push(batch.map_err(|error| unreadable_text(path, error.to_string()))?);
        }
    }
    Ok(batches)
}

/// A file that the system could not read, or else one that is damaged.
fn unreadable(path: &Path, error: &ParquetError) -> StorageError {
    let system = match error {
        ParquetError::External(source) => {
            source.downcast_ref::<std::io::Error>().and_then(std::io::Error::raw_os_error)
        }
        _ => None,
    };
    match system {
        Some(code) => StorageError::io("read", path)(std::io::Error::from_raw_os_error(code)),
        None => unreadable_text(path, error.to_string()),
    }
}

/// As [`unreadable`], of an error that the library passes on as text only.
fn unreadable_text(path: &Path, reason: String) -> StorageError {
    match system_code_in(&reason) {
        Some(code) => StorageError::io("read", path)(std::io::Error::from_raw_os_error(code)),
        None => damaged(path, reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_refuses_is_no_damage() {
        let path = Path::new("predictions.parquet");
        let refused = ParquetError::External(Box::new(std::io::Error::from_raw_os_error(24)));
        assert!(matches!(unreadable(path, &refused), StorageError::Io { .. }));
        let text = "External: Too many open files (os error 24)";
        assert!(matches!(unreadable_text(path, text.to_owned()), StorageError::Io { .. }));
        assert!(matches!(unreadable(path, &ParquetError::EOF("end".to_owned())), StorageError::Damaged { .. }));
    }
}
