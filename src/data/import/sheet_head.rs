//! Finds the header of a sheet: titles may come before it, and questions or types below it.

use crate::data::import::header::{FOUND, Layout, SAMPLE, quoted};
use crate::data::import::sheet_cells::SheetRow;
use crate::project::DatasetSettings;
use crate::words::counted;

/// Columns that are looked at.
const MOST_COLUMNS: usize = 256;

/// Which row of a sheet names the columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SheetHeader {
    /// None.
    Missing,
    /// The row with this 1-based number.
    Row(u64),
    /// The one that looks like it: mostly the first.
    #[default]
    Found,
}

impl SheetHeader {
    pub fn of(settings: &DatasetSettings) -> Self {
        match (settings.header_row, settings.header) {
            (Some(row), _) => Self::Row(row),
            (None, Some(false)) => Self::Missing,
            (None, _) => Self::Found,
        }
    }
}

/// What the first rows with values are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SheetHead {
    /// Number of rows before the header.
    pub before: usize,
    /// Whether there is a header.
    pub has_names: bool,
    /// Number of rows below the header that belong to it.
    pub under: usize,
    /// What a person should know about them.
    pub remarks: Vec<String>,
}

impl SheetHead {
    /// The most rows that are needed.
    pub const MOST: usize = SAMPLE;

    /// Finds the header among the first rows, which are given with their 0-based places in the sheet.
    pub fn of(header: SheetHeader, rows: &[(u32, SheetRow)]) -> Self {
        match header {
            SheetHeader::Missing => Self::default(),
            SheetHeader::Row(number) => {
                let before = rows.iter().take_while(|(row, _)| u64::from(*row) + 1 < number).count();
                Self { before, has_names: true, ..Self::default() }
            }
            SheetHeader::Found => Self::found(rows),
        }
    }

    fn found(rows: &[(u32, SheetRow)]) -> Self {
        let fields = fields(rows);
        let layout = Layout::find(&fields);
        if !layout.has_names || layout.before + layout.under == 0 {
            return Self { has_names: true, ..Self::default() };
        }
        let (header, first) = (layout.before, layout.first());
        let mut remarks = Vec::new();
        if let Some(quoted) = quoted_rows(&fields[..header]) {
            let (row, skipped) = (rows[header].0 + 1, counted(header as u64, "row", "rows"));
            remarks.push(format!("{FOUND} row {row}. Skipped {skipped} before it ({quoted})"));
        }
        if let Some(quoted) = quoted_rows(&fields[header + 1..first]) {
            let skipped = counted(layout.under as u64, "row", "rows");
            remarks.push(format!("The header has more than one row. Skipped {skipped} below the names ({quoted})"));
        }
        Self { before: header, has_names: true, under: layout.under, remarks }
    }
}

/// The rows as lists of fields of one length, but for titles: rows of one cell above all others.
fn fields(rows: &[(u32, SheetRow)]) -> Vec<Vec<String>> {
    let columns = rows.iter().flat_map(|(_, row)| row).map(|(column, _)| column + 1);
    let width = columns.max().unwrap_or_default().min(MOST_COLUMNS);
    let of_row = |(_, row): &(u32, SheetRow)| {
        let mut fields = vec![String::new(); width];
        for (column, value) in row.iter().filter(|(column, _)| *column < width) {
            value.text().unwrap_or_default().trim().clone_into(&mut fields[*column]);
        }
        fields
    };
    let mut fields: Vec<Vec<String>> = rows.iter().map(of_row).collect();
    let titles = rows.iter().take_while(|(_, row)| row.len() == 1 && row[0].0 == 0).count();
    if titles < rows.len() {
        fields[..titles].iter_mut().for_each(|title| title.truncate(1));
    }
    fields
}

/// The beginnings of the first few rows; `None` without rows.
fn quoted_rows(rows: &[Vec<String>]) -> Option<String> {
    let shown = |row: &Vec<String>| {
        let filled: Vec<&str> = row.iter().map(String::as_str).filter(|field| !field.is_empty()).collect();
        filled.join(", ")
    };
    quoted(&rows.iter().map(shown).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::import::sheet_cells::CellValue;

    fn rows(lines: &[String]) -> Vec<(u32, SheetRow)> {
        let cells = |line: &String| -> SheetRow {
            let cells = line.split('|').enumerate().filter(|(_, cell)| !cell.is_empty());
            cells.map(|(column, cell)| (column, CellValue::Text(cell.to_owned()))).collect()
        };
        (0..).zip(lines).map(|(row, line)| (row * 2, cells(line))).collect()
    }

    fn table(head: &[&str]) -> Vec<(u32, SheetRow)> {
        let body = (0..20).map(|row| format!("{row}|It is number {row}|{}", ["good", "bad", "fair"][row % 3]));
        rows(&head.iter().map(|&line| line.to_owned()).chain(body).collect::<Vec<_>>())
    }

    #[test]
    fn titles_before_the_header_are_skipped_and_quoted() {
        let found =
            SheetHead::of(SheetHeader::Found, &table(&["Report of April", "Made by|the shop", "id|text|label"]));
        assert_eq!((found.before, found.has_names, found.under), (2, true, 0));
        let remark = "The header is row 5. Skipped 2 rows before it ('Report of April', 'Made by, the shop')";
        assert_eq!(found.remarks, [remark]);
        let body = (0..20).map(|row| format!("It is number {row}|{}", ["good", "", "bad"][row % 3]));
        let narrow: Vec<String> = ["Report", "what|how"].map(str::to_owned).into_iter().chain(body).collect();
        assert_eq!(SheetHead::of(SheetHeader::Found, &rows(&narrow)).before, 1);
    }

    #[test]
    fn the_first_row_is_the_header_unless_it_is_told_otherwise() {
        let first = SheetHead { has_names: true, ..SheetHead::default() };
        for rows in [table(&["id|text|label"]), table(&[]), rows(&["text".to_owned()]), Vec::new()] {
            assert_eq!(SheetHead::of(SheetHeader::Found, &rows), first);
        }
        let rows = table(&["a|b|c", "id|text|label"]);
        assert_eq!(SheetHead::of(SheetHeader::Row(3), &rows), SheetHead { before: 1, ..first });
        assert_eq!(SheetHead::of(SheetHeader::Missing, &rows), SheetHead::default());
    }
}
