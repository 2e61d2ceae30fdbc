//! Columns with types -> columns of texts, as Parquet and Arrow files share them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::builder::StringViewBuilder;
use arrow_array::cast::AsArray;
use arrow_array::timezone::Tz;
use arrow_array::{Array, ArrayRef, StringViewArray};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_cast::{can_cast_types, cast};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, SchemaRef};

use crate::data::DataError;
use crate::data::import::bytes::{ArrowKind, most_memory};
use crate::data::import::names::unique_names;

/// Prefix of the index columns that pandas adds.
const INDEXES: &str = "__index_level_";

pub(super) fn damaged(path: &Path, kind: ArrowKind, reason: String) -> DataError {
    let advice = "Copy or download it again, or save it again with the program that made it";
    DataError::Damaged { path: path.to_owned(), kind: kind.name(), reason, advice }
}

/// The columns of a file that are read.
pub(super) struct Columns {
    /// Unique names.
    pub names: Vec<String>,
    /// Their places in the file.
    pub places: Vec<usize>,
    /// For each column, the class names that its numbers stand for.
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

/// Memory of a cell besides its text, in bytes.
pub(super) const CELL: u64 = size_of::<u128>() as u64;

/// The room for the cells of one file: a few bytes of a file can describe any number of rows, and repeat any text.
pub(super) struct Room<'a> {
    path: &'a Path,
    columns: u64,
    /// The most memory, in bytes.
    most: u64,
    used: AtomicU64,
}

impl<'a> Room<'a> {
    /// The room for a file of this many bytes and columns.
    pub fn new(path: &'a Path, bytes: u64, columns: u64) -> Self {
        Self { path, columns, most: most_memory(bytes), used: AtomicU64::new(0) }
    }

    /// Checks that there is room for cells of so many bytes, in a file of so many rows.
    ///
    /// # Errors
    /// [`DataError::TooManyCells`].
    pub fn has(&self, rows: u64, bytes: u64) -> Result<(), DataError> {
        let (path, columns, most) = (self.path.to_owned(), self.columns, self.most);
        if bytes > most { Err(DataError::TooManyCells { path, rows, columns, most }) } else { Ok(()) }
    }

    /// Takes the room for a part of a column.
    ///
    /// # Errors
    /// [`DataError::TooManyCells`].
    pub fn take(&self, rows: u64, part: &StringViewArray) -> Result<(), DataError> {
        let bytes = bytes_of(part);
        self.has(rows, self.used.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes))
    }
}

/// Bytes of the cells, with their texts.
fn bytes_of(texts: &StringViewArray) -> u64 {
    texts.len() as u64 * CELL + texts.lengths().map(u64::from).sum::<u64>()
}

/// A column that is being converted to texts.
#[derive(Default)]
pub(super) struct Texts {
    parts: Vec<StringViewArray>,
    bytes: u64,
}

impl Texts {
    /// Adds rows.
    ///
    /// # Errors
    /// [`DataError::TooLarge`] when there would be more than 2 GiB of texts, each with 16 bytes for its place.
    pub fn add(&mut self, path: &Path, texts: StringViewArray) -> Result<(), DataError> {
        self.bytes += bytes_of(&texts);
        if i32::try_from(self.bytes).is_err() {
            return Err(DataError::TooLarge { path: path.to_owned(), bytes: self.bytes });
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

/// The type with time zones that are known by their offset alone in place of those known by name: the library knows no
/// names. The moments stay the same; their times are then those of UTC.
fn without_zone_names(data_type: &DataType) -> DataType {
    let of_field = |field: &FieldRef| -> FieldRef {
        Arc::new(Field::clone(field).with_data_type(without_zone_names(field.data_type())))
    };
    match data_type {
        DataType::Timestamp(unit, Some(zone)) if zone.parse::<Tz>().is_err() => {
            DataType::Timestamp(*unit, Some("+00:00".into()))
        }
        DataType::List(field) => DataType::List(of_field(field)),
        DataType::LargeList(field) => DataType::LargeList(of_field(field)),
        DataType::FixedSizeList(field, length) => DataType::FixedSizeList(of_field(field), *length),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(of_field).collect()),
        DataType::Dictionary(key, value) => DataType::Dictionary(key.clone(), Box::new(without_zone_names(value))),
        other => other.clone(),
    }
}

/// A column's values as texts; class numbers become class names.
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
    let known = without_zone_names(column.data_type());
    let column = &if known == *column.data_type() { Arc::clone(column) } else { cast(column, &known)? };
    let is_nested = column.data_type().is_nested();
    if !is_nested && can_cast_types(column.data_type(), &DataType::Utf8View) {
        return Ok(cast(column, &DataType::Utf8View)?.as_string_view().clone());
    }
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(column, &options)?;
    let value = |row: usize| column.is_valid(row).then(|| formatter.value(row).try_to_string()).transpose();
    (0..column.len()).map(value).collect()
}

/// Class names by column, if Hugging Face `datasets` wrote them into the file.
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

#[cfg(test)]
mod tests {
    use arrow_array::{ListArray, StructArray, TimestampMillisecondArray};

    use super::*;

    fn texts(column: impl Array + 'static) -> Vec<String> {
        let texts = to_texts(&(Arc::new(column) as ArrayRef), None).unwrap();
        texts.iter().map(|text| text.unwrap_or("-").to_owned()).collect()
    }

    #[test]
    fn moments_in_any_time_zone_are_read() {
        let moments = || TimestampMillisecondArray::from(vec![Some(1_711_956_600_000), None]);
        assert_eq!(texts(moments()), ["2024-04-01T07:30:00", "-"]);
        for (zone, text) in [
            ("UTC", "2024-04-01T07:30:00Z"),
            ("Europe/Berlin", "2024-04-01T07:30:00Z"),
            ("+02:00", "2024-04-01T09:30:00+02:00"),
        ] {
            assert_eq!(texts(moments().with_timezone(zone)), [text, "-"], "{zone}");
        }
    }

    #[test]
    fn moments_within_other_values_are_read() {
        let moments: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![0]).with_timezone("Asia/Tokyo"));
        let field = Arc::new(Field::new("at", moments.data_type().clone(), true));
        let inner = StructArray::from(vec![(Arc::clone(&field), Arc::clone(&moments))]);
        assert_eq!(texts(inner), ["{at: 1970-01-01T00:00:00Z}"]);
        let offsets = arrow_buffer::OffsetBuffer::from_lengths([1]);
        assert_eq!(texts(ListArray::new(field, offsets, moments, None)), ["[1970-01-01T00:00:00Z]"]);
    }
}
