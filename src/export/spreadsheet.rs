//! CSV files that a person may open in a spreadsheet program: their letters are right, and no cell is run as a formula.

use std::borrow::Cow;
use std::io::{self, Write};

/// Tells Excel that the file is UTF-8; without it, Excel takes the letters for those of an older encoding.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// How a cell is written.
pub(super) type AsWritten = for<'c> fn(&'c str) -> Cow<'c, str>;

/// Begins a CSV file, and says how its cells are written: for spreadsheets, or, if `raw`, for programs, as they are.
pub(super) fn begin_csv(writer: &mut impl Write, raw: bool) -> io::Result<AsWritten> {
    if !raw {
        writer.write_all(BYTE_ORDER_MARK.as_bytes())?;
    }
    Ok(as_written(raw))
}

/// How the cells of such a file are written.
pub(super) fn as_written(raw: bool) -> AsWritten {
    if raw { unchanged } else { harmless }
}

/// A cell as it is written to a CSV file that a person may open in a spreadsheet: an apostrophe before a cell that begins as
/// a formula does makes it a text. Such texts come from strangers, and a formula can send what is in the table elsewhere.
///
/// Numbers, such as -5, stay.
#[must_use]
pub fn harmless(cell: &str) -> Cow<'_, str> {
    let begins_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let is_number = || cell.parse::<f64>().is_ok_and(f64::is_finite);
    if begins_formula && !is_number() { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// A cell as it is.
fn unchanged(cell: &str) -> Cow<'_, str> {
    Cow::Borrowed(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_texts_and_everything_else_stays() {
        for formula in ["=1+1", "+49 170", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=", "-", "+inf"] {
            assert_eq!(harmless(formula), format!("'{formula}"));
        }
        for plain in ["", "a=b", "-5", "+1.5e3", "'=1", " =1", "good", "–5"] {
            assert!(matches!(harmless(plain), Cow::Borrowed(same) if same == plain), "{plain}");
        }
    }
}
