//! Parquet and Arrow files: columns with types, as pandas, Spark and Hugging Face `datasets` write them.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_cast::{can_cast_types, cast};
use arrow_ipc::reader::StreamReader;
use arrow_schema::{ArrowError, DataType, SchemaRef};
use arrow_select::concat::concat;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::super::{DataError, FileFormat};
use super::bytes::{self, progress};
use super::names::unique_names;
use super::rows::Rows;
use super::{Read, arrow_check};
use crate::progress::Watch;

/// Rows decoded at a time.
const BATCH: usize = 8_192;

/// Bytes of the mark that an Arrow file begins with, and of what fills its line.
const MARK: u64 = 8;

/// Columns that programs add for themselves.
const INDEXES: &str = "__index_level_";

/// The containers of Arrow's columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ArrowKind {
    Parquet,
    /// An IPC file, also called Feather.
    File,
    /// An IPC stream, as `datasets` saves it.
    Stream,
}

impl ArrowKind {
    fn name(self) -> &'static str {
        match self {
            Self::Parquet => "a Parquet file",
            Self::File | Self::Stream => "an Arrow file",
        }
    }
}

/// Reads all rows, every value as text.
///
/// # Errors
/// [`DataError::Damaged`], [`DataError::TooLarge`] when a column's texts exceed 2 GiB, [`DataError::Cancelled`], and what
/// opening the file gives.
pub(super) fn read(path: &Path, kind: ArrowKind, watch: &mut Watch) -> Result<Read, DataError> {
    let (size, sha256) = bytes::sha256(path, watch)?;
    // The decoders are fed by whoever made the file, and some damage makes them panic.
    let rows = catch_unwind(AssertUnwindSafe(|| gather(path, kind, watch)))
        .unwrap_or_else(|_| Err(damaged(path, kind, "its bytes contradict each other".to_owned())))?;
    let format = match kind {
        ArrowKind::Parquet => FileFormat::Parquet,
        ArrowKind::File | ArrowKind::Stream => FileFormat::Arrow,
    };
    Ok(Read { rows, format, bytes: size, sha256 })
}

fn damaged(path: &Path, kind: ArrowKind, reason: String) -> DataError {
    let advice = "Copy or download it again, or write it anew with the program it is from";
    DataError::Damaged { path: path.to_owned(), kind: kind.name(), reason, advice }
}

fn gather(path: &Path, kind: ArrowKind, watch: &mut Watch) -> Result<Rows, DataError> {
    let file = File::open(path).map_err(|source| bytes::unreadable(path, source))?;
    let broken = |error: ArrowError| damaged(path, kind, error.to_string());
    match kind {
        ArrowKind::Parquet => {
            let builder = ParquetRecordBatchReaderBuilder::try_new(file)
                .map_err(|error| damaged(path, kind, error.to_string()))?;
            let total = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or_default();
            let schema = builder.schema().clone();
            let reader =
                builder.with_batch_size(BATCH).build().map_err(|error| damaged(path, kind, error.to_string()))?;
            Gather::new(path, kind, &schema, Some(total)).all(reader, watch)
        }
        ArrowKind::File | ArrowKind::Stream => {
            let size = file.metadata().map_err(|source| bytes::unreadable(path, source))?.len();
            let mut file = BufReader::new(file);
            // Behind its mark a file holds a stream, and then where the parts of that lie, which nobody needs who reads
            // them all.
            let begin = if kind == ArrowKind::File { MARK } else { 0 };
            file.seek(SeekFrom::Start(begin)).map_err(|source| bytes::unreadable(path, source))?;
            arrow_check::check(&mut file, size).map_err(|reason| damaged(path, kind, reason))?;
            let reader = StreamReader::try_new(file, None).map_err(broken)?;
            Gather::new(path, kind, &reader.schema(), None).all(reader, watch)
        }
    }
}

/// Columns on their way to texts.
struct Gather<'a> {
    path: &'a Path,
    kind: ArrowKind,
    names: Vec<String>,
    /// The columns taken.
    places: Vec<usize>,
    /// Of each of them, the names that its numbers stand for.
    classes: Vec<Option<Vec<String>>>,
    parts: Vec<Vec<StringArray>>,
    /// Bytes of each column.
    bytes: Vec<usize>,
    rows: u64,
    total: Option<u64>,
}

impl<'a> Gather<'a> {
    fn new(path: &'a Path, kind: ArrowKind, schema: &SchemaRef, total: Option<u64>) -> Self {
        let class_names = class_names(schema);
        let fields = schema.fields().iter().enumerate().filter(|(_, field)| !field.name().starts_with(INDEXES));
        let (places, names): (Vec<usize>, Vec<&str>) =
            fields.map(|(place, field)| (place, field.name().as_str())).unzip();
        Self {
            path,
            kind,
            classes: names.iter().map(|&name| class_names.get(name).cloned()).collect(),
            names: unique_names(names.into_iter()),
            parts: vec![Vec::new(); places.len()],
            bytes: vec![0; places.len()],
            places,
            rows: 0,
            total,
        }
    }

    fn all(
        mut self,
        batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
        watch: &mut Watch,
    ) -> Result<Rows, DataError> {
        for batch in batches {
            if watch.is_cancelled() {
                return Err(DataError::Cancelled);
            }
            let batch = batch.map_err(|error| damaged(self.path, self.kind, error.to_string()))?;
            self.rows += batch.num_rows() as u64;
            let gathered = self.parts.iter_mut().zip(&mut self.bytes);
            for ((&place, classes), (parts, bytes)) in self.places.iter().zip(&self.classes).zip(gathered) {
                let Some(column) = batch.columns().get(place) else { continue };
                let texts = to_texts(column, classes.as_deref());
                let texts = texts.map_err(|error| damaged(self.path, self.kind, error.to_string()))?;
                *bytes += texts.value_data().len();
                if i32::try_from(*bytes).is_err() {
                    return Err(DataError::TooLarge { path: self.path.to_owned(), bytes: *bytes as u64 });
                }
                parts.push(texts);
            }
            watch.progress(progress("Reading rows", self.rows, self.total.unwrap_or_default().max(self.rows), "rows"));
        }
        let columns = self.parts.into_iter().map(|parts| {
            let parts: Vec<&dyn Array> = parts.iter().map(|part| part as &dyn Array).collect();
            if parts.is_empty() {
                return Ok(StringArray::from(Vec::<String>::new()));
            }
            let too_large = |_| DataError::TooLarge { path: self.path.to_owned(), bytes: i32::MAX as u64 + 1 };
            Ok(concat(&parts).map_err(too_large)?.as_string::<i32>().clone())
        });
        Ok(Rows {
            names: self.names,
            columns: columns.collect::<Result<_, DataError>>()?,
            records: (1..=self.rows).collect(),
            bad_rows: Vec::new(),
        })
    }
}

/// A column's values as texts; numbers of classes as the classes' names.
fn to_texts(column: &ArrayRef, classes: Option<&[String]>) -> Result<StringArray, ArrowError> {
    if let (Some(classes), true) = (classes, column.data_type().is_integer()) {
        let numbers = cast(column, &DataType::Int64)?;
        let numbers = numbers.as_primitive::<arrow_array::types::Int64Type>();
        let name = |number: Option<i64>| {
            // `datasets` writes -1 where a class is not known.
            let number = usize::try_from(number?).ok()?;
            Some(classes.get(number).cloned().unwrap_or_else(|| number.to_string()))
        };
        return Ok(numbers.iter().map(name).collect());
    }
    let is_nested = column.data_type().is_nested();
    if !is_nested && can_cast_types(column.data_type(), &DataType::Utf8) {
        return Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone());
    }
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(column, &options)?;
    let value = |row: usize| column.is_valid(row).then(|| formatter.value(row).try_to_string()).transpose();
    (0..column.len()).map(value).collect()
}

/// The names of classes by column, where Hugging Face `datasets` wrote them into the file.
fn class_names(schema: &SchemaRef) -> HashMap<String, Vec<String>> {
    let parse = |text: &String| serde_json::from_str::<serde_json::Value>(text).ok();
    let Some(info) = schema.metadata().get("huggingface").and_then(parse) else { return HashMap::new() };
    let Some(features) = info.pointer("/info/features").and_then(|features| features.as_object()) else {
        return HashMap::new();
    };
    let names = |feature: &serde_json::Value| -> Option<Vec<String>> {
        let names = feature.get("names")?;
        if let Some(list) = names.as_array() {
            return list.iter().map(|name| name.as_str().map(str::to_owned)).collect();
        }
        // Older versions number them.
        let numbered = names.as_object()?.iter();
        let numbered = numbered.map(|(number, name)| Some((number.parse().ok()?, name.as_str()?)));
        let mut numbered: Vec<(usize, &str)> = numbered.collect::<Option<_>>()?;
        numbered.sort_unstable();
        Some(numbered.into_iter().map(|(_, name)| name.to_owned()).collect())
    };
    features.iter().filter_map(|(column, feature)| Some((column.clone(), names(feature)?))).collect()
}
