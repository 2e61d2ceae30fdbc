//! Predictions as CSV.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Write};

use crate::export::labelled::table::{Added, LabelledTable, Written};
use crate::export::{harmless, spreadsheet::unchanged};
use crate::progress::Watch;

/// Tells Excel that the file is UTF-8; without it, Excel takes the letters for those of an older encoding.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Writes the table, see [`write_labelled`](crate::export::write_labelled).
pub(super) fn write(
    labelled: &LabelledTable<'_>,
    raw: bool,
    file: &mut BufWriter<&File>,
    watch: &mut Watch<'_>,
) -> io::Result<Written> {
    if !raw {
        file.write_all(BYTE_ORDER_MARK.as_bytes())?;
    }
    let as_written: fn(&str) -> Cow<'_, str> = if raw { unchanged } else { harmless };
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
