//! Predictions as Parquet.

use std::fs::File;
use std::io::{self, BufWriter};
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, Float32Array, Float64Array, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use crate::export::labelled::number::{ColumnType, numbers};
use crate::export::labelled::table::{Added, LabelledTable, Written};
use crate::progress::Watch;

/// Rows written at a time.
const BATCH: usize = 16_384;

/// Writes the table, see [`write_labelled`](crate::export::write_labelled). Probabilities are 32-bit floats; columns of numbers are numbers.
pub(super) fn write(
    labelled: &LabelledTable<'_>,
    file: &mut BufWriter<&File>,
    watch: &mut Watch<'_>,
) -> io::Result<Written> {
    let types: Vec<ColumnType> = labelled.table.columns.iter().map(ColumnType::of).collect();
    let schema = schema(labelled, &types);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    // Without Arrow's own schema, every reader sees plain strings, also one that does not know string views.
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(file, Arc::clone(&schema), options)?;
    let rows = labelled.table.len();
    for from in (0..rows).step_by(BATCH) {
        LabelledTable::look(from, rows, watch)?;
        writer.write(&batch(labelled, &types, &schema, from..(from + BATCH).min(rows))?)?;
    }
    writer.close()?;
    Ok(Written::default())
}

fn schema(labelled: &LabelledTable<'_>, types: &[ColumnType]) -> SchemaRef {
    let own = types.iter().map(|of| match of {
        ColumnType::Integer => DataType::Int64,
        ColumnType::Decimal => DataType::Float64,
        ColumnType::Text => DataType::Utf8View,
    });
    let texts = 1 + usize::from(labelled.threshold.is_some());
    let added =
        std::iter::repeat_n(DataType::Utf8, texts).chain(std::iter::repeat_n(DataType::Float32, labelled.labels.len()));
    let fields = labelled.names().into_iter().zip(own.chain(added)).map(|(name, of)| Field::new(name, of, true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn batch(
    labelled: &LabelledTable<'_>,
    types: &[ColumnType],
    schema: &SchemaRef,
    rows: std::ops::Range<usize>,
) -> io::Result<RecordBatch> {
    let own = labelled.table.columns.iter().zip(types).map(|(column, of)| -> ArrayRef {
        let column = column.slice(rows.start, rows.len());
        match of {
            ColumnType::Integer => Arc::new(numbers(&column).collect::<Int64Array>()),
            ColumnType::Decimal => Arc::new(numbers(&column).collect::<Float64Array>()),
            ColumnType::Text => Arc::new(column),
        }
    });
    let undecided = labelled.undecided();
    let cells: Vec<Vec<Added<'_>>> = rows.clone().map(|row| labelled.added(row, &undecided)).collect();
    let first = labelled.table.columns.len();
    let added = schema.fields().iter().skip(first).enumerate().map(|(place, field)| -> ArrayRef {
        if field.data_type() == &DataType::Float32 {
            let probability = |row: &Vec<Added<'_>>| match row[place] {
                Added::Probability(probability) => Some(probability),
                Added::Empty | Added::Text(_) => None,
            };
            return Arc::new(cells.iter().map(probability).collect::<Float32Array>());
        }
        let mut texts = StringBuilder::new();
        for row in &cells {
            texts.append_option(match row[place] {
                Added::Text(text) => Some(text),
                Added::Empty | Added::Probability(_) => None,
            });
        }
        Arc::new(texts.finish())
    });
    RecordBatch::try_new(Arc::clone(schema), own.chain(added).collect()).map_err(io::Error::other)
}
