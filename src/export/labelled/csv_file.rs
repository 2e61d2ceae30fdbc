//! Predictions as CSV.

use std::fs::File;
use std::io::{self, BufWriter};

use crate::export::labelled::table::{Added, LabelledTable, Written};
use crate::export::spreadsheet::begin_csv;
use crate::progress::Watch;

/// Writes the table, see [`write_labelled`](crate::export::write_labelled).
pub(super) fn write(
    labelled: &LabelledTable<'_>,
    raw: bool,
    file: &mut BufWriter<&File>,
    watch: &mut Watch<'_>,
) -> io::Result<Written> {
    let as_written = begin_csv(file, raw)?;
    let (table, undecided) = (labelled.table, labelled.undecided());
    let mut writer = csv::Writer::from_writer(file);
    for name in labelled.names() {
        writer.write_field(as_written(&name).as_bytes())?;
    }
    writer.write_record(None::<&[u8]>)?;
    for row in 0..table.len() {
        LabelledTable::look(row, table.len(), watch)?;
        for column in 0..table.columns.len() {
            writer.write_field(as_written(table.cell(column, row)).as_bytes())?;
        }
        for cell in labelled.added(row, &undecided) {
            match cell {
                Added::Empty => writer.write_field("")?,
                Added::Text(text) => writer.write_field(as_written(text).as_bytes())?,
                Added::Probability(probability) => writer.write_field(format!("{probability:.6}"))?,
            }
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.flush()?;
    Ok(Written::default())
}
