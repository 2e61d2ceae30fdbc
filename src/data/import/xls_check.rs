//! Checks the sizes and places in an XLS workbook before it is read.
//!
//! The library makes a table that reaches to the farthest cell: one damaged byte can mean a hundred gigabytes. Source
//! of the records: Microsoft, "[MS-XLS]: Excel Binary File Format", 2.4.

use std::io::{Cursor, Read};

/// The most columns of an XLS sheet.
const COLUMNS: u16 = 256;

/// The most rows of an XLS sheet.
const ROWS: u32 = 65_536;

/// The record that says how large a sheet is.
const DIMENSIONS: u16 = 0x0200;

/// Records that begin with the row and the column of a cell: FORMULA, BLANK, MULBLANK, MULRK, LABEL, NUMBER, BOOLERR,
/// RSTRING, LABELSST, RK.
const CELLS: [u16; 14] =
    [0x0006, 0x0201, 0x00BE, 0x00BD, 0x0204, 0x0203, 0x0205, 0x00D6, 0x00FD, 0x027E, 0x0001, 0x0003, 0x0004, 0x0005];

/// Checks the cells of a workbook.
///
/// # Errors
/// Says what is wrong, for a person to read.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    let mut file = cfb::CompoundFile::open(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let mut book = Vec::new();
    let name = ["/Workbook", "/Book"].into_iter().find(|name| file.is_stream(name));
    let Some(name) = name else { return Err("it contains no workbook".to_owned()) };
    let stream = file.open_stream(name).map_err(|error| error.to_string())?;
    stream.take(bytes.len() as u64).read_to_end(&mut book).map_err(|error| error.to_string())?;
    let mut rest = book.as_slice();
    while let Some((&[kind_low, kind_high, length_low, length_high], behind)) = rest.split_first_chunk::<4>() {
        let kind = u16::from_le_bytes([kind_low, kind_high]);
        let length = usize::from(u16::from_le_bytes([length_low, length_high]));
        let Some((record, next)) = behind.split_at_checked(length) else { break };
        if let (true, Some(column)) = (CELLS.contains(&kind), record.get(2..4)) {
            let column = u16::from_le_bytes([column[0], column[1]]);
            if column >= COLUMNS {
                return Err(format!("a cell is in column {}, but an XLS sheet has {COLUMNS}", u32::from(column) + 1));
            }
        }
        if kind == DIMENSIONS {
            let word = |at: usize| record.get(at..at + 2).map_or(0, |bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
            // Row numbers have 32 bits since Excel 97. The record states the first row and column after the cells.
            let (rows, columns) = if length < 12 {
                (u32::from(word(2)), word(6))
            } else {
                (u32::from(word(4)) | u32::from(word(6)) << 16, word(10))
            };
            if rows > ROWS || columns > COLUMNS {
                return Err(format!(
                    "a sheet has {rows} rows and {columns} columns, but XLS allows {ROWS} and {COLUMNS}"
                ));
            }
        }
        rest = next;
    }
    Ok(())
}
