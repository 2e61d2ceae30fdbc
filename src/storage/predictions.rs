//! `predictions.parquet`: what the best checkpoint said of every row it was not trained on.
//!
//! Columns: `side`, `row` (as `main:12`), `text`, `label`, `predicted`, then `probability_<label>` for each label in
//! class-id order, and `id`, what the project's id column says of the row. One file for all sides, so that other tools read it in one go.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float32Type;
use arrow_array::{Array, ArrayRef, Float32Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use crate::evaluation::Prediction;
use crate::storage::{RunFolder, StorageError, write_atomic};

const FILE: &str = "predictions.parquet";
const PROBABILITY: &str = "probability_";
const ID: &str = "id";
const TEXT_COLUMNS: [&str; 5] = ["side", "row", "text", "label", "predicted"];
const ADVICE: &str = "Evaluate the run again to write its predictions anew.";

impl RunFolder {
    /// The predictions' file.
    #[must_use]
    pub fn predictions_path(&self) -> PathBuf {
        self.path().join(FILE)
    }

    /// Writes the predictions of one side ("validation", "test"); those of other sides are kept.
    ///
    /// # Errors
    /// The file system's; predictions whose label or probabilities do not fit `labels`.
    pub fn write_predictions(
        &self,
        side: &str,
        predictions: &[Prediction],
        labels: &[String],
    ) -> Result<(), StorageError> {
        let path = self.predictions_path();
        let write_error = |error: String| StorageError::io("write", &path)(std::io::Error::other(error));
        let batch = to_batch(side, predictions, labels).map_err(write_error)?;
        let mut batches: Vec<RecordBatch> = Vec::new();
        if path.exists() {
            let kept = read_batches(&path)?.into_iter().map(with_ids);
            let kept = kept.collect::<Result<Vec<_>, _>>().map_err(write_error)?.into_iter();
            batches.extend(kept.filter(|kept| kept.schema() == batch.schema() && !is_of_side(kept, side)));
        }
        batches.push(batch);
        write_atomic(&path, |file| write_batches(file, &batches)).map_err(StorageError::io("write", &path))
    }

    /// Reads the predictions of one side; none when the side was never written.
    ///
    /// # Errors
    /// The file system's, or a damaged file.
    pub fn read_predictions(&self, side: &str) -> Result<Vec<Prediction>, StorageError> {
        let path = self.predictions_path();
        if !path.exists() {
            return Ok(Vec::new());
        }
        let mut predictions = Vec::new();
        for batch in read_batches(&path)?.iter().filter(|batch| is_of_side(batch, side)) {
            from_batch(batch, &mut predictions).map_err(|reason| damaged(&path, reason))?;
        }
        Ok(predictions)
    }
}

fn damaged(path: &Path, reason: String) -> StorageError {
    StorageError::Damaged { path: path.to_owned(), reason, advice: ADVICE }
}

/// Each side is a row group of its own, so a batch belongs to one side.
fn is_of_side(batch: &RecordBatch, side: &str) -> bool {
    batch.num_rows() > 0 && text_column(batch, "side").is_ok_and(|sides| sides.value(0) == side)
}

fn to_batch(side: &str, predictions: &[Prediction], labels: &[String]) -> Result<RecordBatch, String> {
    let name = |id: u32| {
        labels.get(id as usize).map(String::as_str).ok_or_else(|| format!("there is no label with class id {id}"))
    };
    if let Some(odd) = predictions.iter().find(|prediction| prediction.probabilities.len() != labels.len()) {
        return Err(format!(
            "row {} has {} probabilities for {} labels",
            odd.id,
            odd.probabilities.len(),
            labels.len()
        ));
    }
    let truth: Vec<Option<&str>> =
        predictions.iter().map(|prediction| prediction.label.map(name).transpose()).collect::<Result<_, _>>()?;
    let predicted: Vec<&str> =
        predictions.iter().map(|prediction| name(prediction.predicted)).collect::<Result<_, _>>()?;
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![side; predictions.len()])),
        Arc::new(StringArray::from_iter_values(predictions.iter().map(|prediction| prediction.id.to_string()))),
        Arc::new(StringArray::from_iter_values(predictions.iter().map(|prediction| &prediction.text))),
        Arc::new(StringArray::from(truth)),
        Arc::new(StringArray::from(predicted)),
    ];
    let mut fields: Vec<Field> =
        TEXT_COLUMNS.iter().map(|name| Field::new(*name, DataType::Utf8, *name == "label")).collect();
    for (class, label) in labels.iter().enumerate() {
        let values = predictions.iter().map(|prediction| prediction.probabilities[class]);
        columns.push(Arc::new(Float32Array::from_iter_values(values)));
        fields.push(Field::new(format!("{PROBABILITY}{label}"), DataType::Float32, false));
    }
    let keys: StringArray = predictions.iter().map(|prediction| prediction.key.as_deref()).collect();
    columns.push(Arc::new(keys));
    fields.push(Field::new(ID, DataType::Utf8, true));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(|error| error.to_string())
}

/// Rows of a file written before there were ids, without any.
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

/// One batch for each side. The reader's batches must not span row groups, so each group is read by itself.
fn read_batches(path: &Path) -> Result<Vec<RecordBatch>, StorageError> {
    let open = || File::open(path).map_err(StorageError::io("read", path));
    let wrong = |error: String| damaged(path, error);
    let builder = ParquetRecordBatchReaderBuilder::try_new(open()?).map_err(|error| wrong(error.to_string()))?;
    let groups: Vec<usize> =
        builder.metadata().row_groups().iter().map(|group| group.num_rows().max(1) as usize).collect();
    let mut batches = Vec::new();
    for (group, rows) in groups.into_iter().enumerate() {
        let builder = ParquetRecordBatchReaderBuilder::try_new(open()?).map_err(|error| wrong(error.to_string()))?;
        let reader = builder.with_row_groups(vec![group]).with_batch_size(rows).build();
        for batch in reader.map_err(|error| wrong(error.to_string()))? {
            batches.push(batch.map_err(|error| wrong(error.to_string()))?);
        }
    }
    Ok(batches)
}

fn text_column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray, String> {
    let column = batch.column_by_name(name).ok_or_else(|| format!("the column '{name}' is missing"))?;
    column.as_string_opt::<i32>().ok_or_else(|| format!("the column '{name}' is not text"))
}

fn from_batch(batch: &RecordBatch, predictions: &mut Vec<Prediction>) -> Result<(), String> {
    let schema = batch.schema();
    let labels: Vec<&str> = schema.fields().iter().filter_map(|field| field.name().strip_prefix(PROBABILITY)).collect();
    let class_id = |label: &str| {
        let found = labels.iter().position(|known| *known == label);
        found.map(|id| id as u32).ok_or_else(|| format!("there is no probability for the label '{label}'"))
    };
    let probabilities: Vec<&Float32Array> = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .filter(|(field, _)| field.name().starts_with(PROBABILITY))
        .map(|(_, column)| column.as_primitive_opt::<Float32Type>().ok_or("a probability is not a number".to_owned()))
        .collect::<Result<_, _>>()?;
    let [row, text, label, predicted] = ["row", "text", "label", "predicted"].map(|name| text_column(batch, name));
    let (row, text, label, predicted) = (row?, text?, label?, predicted?);
    let key = batch.column_by_name(ID).map(|_| text_column(batch, ID)).transpose()?;
    for index in 0..batch.num_rows() {
        let truth = (!label.is_null(index)).then(|| class_id(label.value(index))).transpose()?;
        predictions.push(Prediction {
            id: row.value(index).parse()?,
            key: key.filter(|key| !key.is_null(index)).map(|key| key.value(index).to_owned()),
            text: text.value(index).to_owned(),
            label: truth,
            predicted: class_id(predicted.value(index))?,
            probabilities: probabilities.iter().map(|column| column.value(index)).collect(),
        });
    }
    Ok(())
}
