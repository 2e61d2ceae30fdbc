//! Reads Parquet files on all cores: each column of each row group is a piece of work.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::StringViewArray;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use rayon::prelude::*;

use crate::data::DataError;
use crate::data::import::arrow_columns::{CELL, Columns, Room, Texts, damaged, to_texts};
use crate::data::import::bytes::{self, ArrowKind, FileState};
use crate::data::import::parquet_footer::check_parquet_footer;
use crate::data::import::rows::RawRows;
use crate::progress::{Control, Watch};

/// Rows decoded at a time.
const BATCH: usize = 8_192;
/// Column chunks decoded between two progress reports.
const COLUMNS_PER_REPORT: usize = 16;

/// Reads all rows, every value as text.
///
/// # Errors
/// [`DataError::Damaged`], [`DataError::TooLarge`] when a column's texts exceed 2 GiB, [`DataError::TooManyCells`],
/// [`DataError::Changed`], [`DataError::Cancelled`], and errors of opening the file.
pub(super) fn read(path: &Path, watch: &mut Watch) -> Result<RawRows, DataError> {
    let unreadable = |source| bytes::unreadable(path, source);
    let first = File::open(path).map_err(unreadable)?;
    let state = FileState::of(&first).map_err(unreadable)?;
    let metadata = metadata(path, &first)?;
    let columns = Columns::of(metadata.schema());
    let sizes = metadata.metadata().row_groups().iter().map(RowGroupMetaData::num_rows);
    let sizes: Vec<usize> = sizes.map(|rows| usize::try_from(rows).unwrap_or_default()).collect();
    let tasks: Vec<(usize, usize)> =
        (0..sizes.len()).flat_map(|group| (0..columns.places.len()).map(move |column| (group, column))).collect();
    let mut texts: Vec<Texts> = columns.places.iter().map(|_| Texts::default()).collect();
    let rows =
        if columns.places.is_empty() { 0 } else { sizes.iter().fold(0, |sum: usize, &rows| sum.saturating_add(rows)) };
    let room = Room::new(path, state.bytes, columns.places.len() as u64);
    room.has(
        rows as u64,
        described(metadata.metadata().row_groups(), (rows as u64).saturating_mul(columns.places.len() as u64)),
    )?;
    let file = RowGroups { path, state, metadata, rows: rows as u64, room };
    let control = watch.control;
    for tasks in tasks.chunks(COLUMNS_PER_REPORT) {
        let read = |&(group, column): &(usize, usize)| {
            let classes = columns.classes[column].as_deref();
            file.column(group, sizes[group], columns.places[column], classes, control)
        };
        let read: Vec<Texts> = tasks.par_iter().map(read).collect::<Result<_, _>>()?;
        for (&(_, column), read) in tasks.iter().zip(read) {
            texts[column].append(path, read)?;
        }
        let done: usize = tasks.last().map_or(0, |&(group, _)| sizes[..group].iter().sum());
        watch.advance("Reading rows", done, rows, "rows")?;
    }
    if FileState::of(&first).map_err(unreadable)? != state {
        return Err(DataError::Changed(path.to_owned()));
    }
    let columns_joined = texts.par_iter().map(Texts::joined).collect();
    let records = (1..=rows as u64).collect();
    Ok(RawRows { names: columns.names, columns: columns_joined, records, ..RawRows::default() })
}

/// The memory that the values of row groups take by their metadata, in bytes; at least that of so many cells.
fn described(groups: &[RowGroupMetaData], cells: u64) -> u64 {
    let sum = |of: fn(&ColumnChunkMetaData) -> i64| {
        let columns = groups.iter().flat_map(RowGroupMetaData::columns);
        columns.map(|column| u64::try_from(of(column)).unwrap_or_default()).fold(0, u64::saturating_add)
    };
    // A row may be a list of many values.
    let values = sum(ColumnChunkMetaData::num_values).max(cells);
    values.saturating_mul(CELL).max(sum(ColumnChunkMetaData::uncompressed_size))
}

/// The file's metadata, with texts to be read as views.
fn metadata(path: &Path, file: &File) -> Result<ArrowReaderMetadata, DataError> {
    check_parquet_footer(file).map_err(|reason| damaged(path, ArrowKind::Parquet, reason))?;
    let metadata = ArrowReaderMetadata::load(file, ArrowReaderOptions::new())
        .map_err(|error| damaged(path, ArrowKind::Parquet, error.to_string()))?;
    let options = ArrowReaderOptions::new().with_schema(with_views(metadata.schema()));
    // Types that cannot be read as views are converted later.
    Ok(ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options).unwrap_or(metadata))
}

/// The schema with string views in place of strings: the decoder does not copy their texts.
fn with_views(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => Field::clone(field).with_data_type(DataType::Utf8View),
        _ => Field::clone(field),
    });
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

/// The row groups of a file.
struct RowGroups<'a> {
    path: &'a Path,
    state: FileState,
    metadata: ArrowReaderMetadata,
    /// Rows in all groups.
    rows: u64,
    room: Room<'a>,
}

impl RowGroups<'_> {
    /// Reads one column of a row group with `rows` rows.
    fn column(
        &self,
        group: usize,
        rows: usize,
        place: usize,
        classes: Option<&[String]>,
        control: &Control,
    ) -> Result<Texts, DataError> {
        let broken = |reason: String| damaged(self.path, ArrowKind::Parquet, reason);
        // Each reader opens the file itself: readers of one file would move each other's position.
        let unreadable = |source| bytes::unreadable(self.path, source);
        let file = File::open(self.path).map_err(unreadable)?;
        if FileState::of(&file).map_err(unreadable)? != self.state {
            return Err(DataError::Changed(self.path.to_owned()));
        }
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), [place]);
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
            .with_row_groups(vec![group])
            .with_projection(mask)
            .with_batch_size(BATCH)
            .build()
            .map_err(|error| broken(error.to_string()))?;
        let (mut texts, mut found) = (Texts::default(), 0);
        for batch in reader {
            control.look()?;
            let batch = batch.map_err(|error| broken(error.to_string()))?;
            let column: StringViewArray =
                to_texts(batch.column(0), classes).map_err(|error| broken(error.to_string()))?;
            found += batch.num_rows();
            self.room.take(self.rows, &column)?;
            texts.add(self.path, column)?;
        }
        if found == rows { Ok(texts) } else { Err(broken(format!("it claims {rows} rows and has {found}"))) }
    }
}
