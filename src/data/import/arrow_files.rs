//! Parquet and Arrow files: columns with types, as pandas, Spark and Hugging Face `datasets` write them.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow_array::builder::StringViewBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringViewArray};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_cast::{can_cast_types, cast};
use arrow_ipc::reader::StreamReader;
use arrow_schema::{ArrowError, DataType, SchemaRef};

use crate::data::import::bytes;
use crate::data::import::names::unique_names;
use crate::data::import::rows::RawRows;
use crate::data::import::{Read, arrow_check, parquet_file};
use crate::data::{DataError, FileFormat};
use crate::progress::{Progress, Watch};

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
    let size = std::fs::metadata(path).map_err(|source| bytes::unreadable(path, source))?.len();
    // The decoders are fed by whoever made the file, and some damage makes them panic.
    let rows = catch_unwind(AssertUnwindSafe(|| gather(path, kind, watch)))
        .unwrap_or_else(|_| Err(damaged(path, kind, "its contents contradict each other".to_owned())))?;
    let format = match kind {
        ArrowKind::Parquet => FileFormat::Parquet,
        ArrowKind::File | ArrowKind::Stream => FileFormat::Arrow,
    };
    Ok(Read { rows, format, bytes: size })
}

pub(super) fn damaged(path: &Path, kind: ArrowKind, reason: String) -> DataError {
    let advice = "Copy or download it again, or save it again with the program that made it";
    DataError::Damaged { path: path.to_owned(), kind: kind.name(), reason, advice }
}

fn gather(path: &Path, kind: ArrowKind, watch: &mut Watch) -> Result<RawRows, DataError> {
    match kind {
        ArrowKind::Parquet => parquet_file::read(path, watch),
        ArrowKind::File | ArrowKind::Stream => {
            let broken = |error: ArrowError| damaged(path, kind, error.to_string());
            let file = File::open(path).map_err(|source| bytes::unreadable(path, source))?;
            let size = file.metadata().map_err(|source| bytes::unreadable(path, source))?.len();
            let mut file = BufReader::new(file);
            // Behind its mark a file holds a stream, and then where the parts of that lie, which nobody needs who reads
            // them all.
            let begin = if kind == ArrowKind::File { MARK } else { 0 };
            file.seek(SeekFrom::Start(begin)).map_err(|source| bytes::unreadable(path, source))?;
            arrow_check::check(&mut file, size).map_err(|reason| damaged(path, kind, reason))?;
            let reader = StreamReader::try_new(file, None).map_err(broken)?;
            Gather::new(path, kind, &reader.schema()).all(reader, watch)
        }
    }
}

/// The columns of a file that are read.
pub(super) struct Columns {
    /// Unique names.
    pub names: Vec<String>,
    /// Their places in the file.
    pub places: Vec<usize>,
    /// Of each, the names that its numbers represent.
    pub classes: Vec<Option<Vec<String>>>,
}

impl Columns {
    pub fn of(schema: &SchemaRef) -> Self {
        let class_names = class_names(schema);
        let fields = schema.fields().iter().enumerate().filter(|(_, field)| !field.name().starts_with(INDEXES));
        let (places, names): (Vec<usize>, Vec<&str>) =
            fields.map(|(place, field)| (place, field.name().as_str())).unzip();
        let classes = names.iter().map(|&name| class_names.get(name).cloned()).collect();
        Self { classes, names: unique_names(names.into_iter()), places }
    }
}

/// A column on its way to texts.
#[derive(Default)]
pub(super) struct Texts {
    parts: Vec<StringViewArray>,
    bytes: usize,
}

impl Texts {
    /// Adds rows.
    ///
    /// # Errors
    /// [`DataError::TooLarge`] when there would be more than 2 GiB of texts, each with 16 bytes for its place.
    pub fn add(&mut self, path: &Path, texts: StringViewArray) -> Result<(), DataError> {
        // A few bytes of a file can describe any number of rows.
        self.bytes += texts.len() * size_of::<u128>() + texts.lengths().map(|length| length as usize).sum::<usize>();
        if i32::try_from(self.bytes).is_err() {
            return Err(DataError::TooLarge { path: path.to_owned(), bytes: self.bytes as u64 });
        }
        self.parts.push(texts);
        Ok(())
    }

    /// Adds the rows of another part of the column.
    ///
    /// # Errors
    /// [`DataError::TooLarge`] when there would be more than 2 GiB of texts.
    pub fn append(&mut self, path: &Path, other: Self) -> Result<(), DataError> {
        other.parts.into_iter().try_for_each(|part| self.add(path, part))
    }

    /// All rows.
    pub fn joined(&self) -> StringViewArray {
        let mut column = StringViewBuilder::with_capacity(self.parts.iter().map(Array::len).sum());
        self.parts.iter().for_each(|part| column.append_array(part));
        column.finish()
    }
}

/// Columns on their way to texts, batch by batch.
struct Gather<'a> {
    path: &'a Path,
    kind: ArrowKind,
    columns: Columns,
    texts: Vec<Texts>,
    rows: u64,
}

impl<'a> Gather<'a> {
    fn new(path: &'a Path, kind: ArrowKind, schema: &SchemaRef) -> Self {
        let columns = Columns::of(schema);
        Self { path, kind, texts: columns.places.iter().map(|_| Texts::default()).collect(), columns, rows: 0 }
    }

    fn all(
        mut self,
        batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
        watch: &mut Watch,
    ) -> Result<RawRows, DataError> {
        for batch in batches {
            watch.look()?;
            let broken = |error: ArrowError| damaged(self.path, self.kind, error.to_string());
            let batch = batch.map_err(broken)?;
            self.rows += batch.num_rows() as u64;
            let columns = self.columns.places.iter().zip(&self.columns.classes);
            for ((&place, classes), gathered) in columns.zip(&mut self.texts) {
                let Some(column) = batch.columns().get(place) else { continue };
                gathered.add(self.path, to_texts(column, classes.as_deref()).map_err(broken)?)?;
            }
            watch.progress(Progress::of("Reading rows", self.rows as usize, self.rows as usize, "rows"));
        }
        Ok(RawRows {
            names: self.columns.names,
            columns: self.texts.iter().map(Texts::joined).collect(),
            records: (1..=self.rows).collect(),
            bad_rows: Vec::new(),
        })
    }
}

/// A column's values as texts; numbers of classes as the classes' names.
pub(super) fn to_texts(column: &ArrayRef, classes: Option<&[String]>) -> Result<StringViewArray, ArrowError> {
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
    if !is_nested && can_cast_types(column.data_type(), &DataType::Utf8View) {
        return Ok(cast(column, &DataType::Utf8View)?.as_string_view().clone());
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
