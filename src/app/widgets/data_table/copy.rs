//! The selected rows of a table as text for a spreadsheet, and which table the commands of the Edit menu are for.

use std::borrow::Cow;

use egui::{Context, Id};

use crate::app::widgets::data_table::columns::TableColumn;
use crate::app::widgets::data_table::selection::RowSelection;
use crate::app::widgets::data_table::table::TableRows;
use crate::export::harmless;

/// Most rows that are copied at once: a clipboard is no place for a whole file.
pub const MOST_COPIED: usize = 100_000;

/// The selected rows, with the names of the columns above them.
pub(super) fn copied(
    rows: &dyn TableRows,
    columns: &[TableColumn<'_>],
    visible: &[usize],
    selection: &RowSelection,
) -> String {
    let names = tab_separated(visible.iter().map(|&column| columns[column].title.clone()));
    let lines = selection.iter().map(|row| tab_separated(visible.iter().map(|&column| rows.text(row, column))));
    std::iter::once(names).chain(lines).collect::<Vec<_>>().join("\n")
}

/// One line of a table to paste into a spreadsheet.
pub fn tab_separated<'a>(cells: impl IntoIterator<Item = Cow<'a, str>>) -> String {
    cells.into_iter().map(|text| cell(&text)).collect::<Vec<_>>().join("\t")
}

/// A text as one cell: a tab or a line break would begin another one, a quotation mark in front would be taken for the
/// beginning of several, and a formula would be run.
fn cell(text: &str) -> String {
    let flat = harmless(text).replace("\r\n", " ").replace(['\t', '\n', '\r', '\u{B}', '\u{C}'], " ");
    if flat.starts_with('"') { format!("\"{}\"", flat.replace('"', "\"\"")) } else { flat }
}

/// What a command of the Edit menu asks of the table whose rows are selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableAsk {
    /// Copy the selected rows.
    Copy,
    /// Select all rows.
    SelectAll,
}

/// The frame in which a table with selected rows was drawn last.
#[derive(Clone, Copy, Debug)]
struct InUse(u64);

fn id() -> Id {
    Id::unique("table whose rows are selected")
}

/// Notes that a table with selected rows is on the page.
pub(super) fn note_rows(ctx: &Context) {
    let frame = ctx.cumulative_frame_nr();
    ctx.data_mut(|data| data.insert_temp(id(), InUse(frame)));
}

/// Whether rows are selected in a table on the page.
#[must_use]
pub fn rows_in_use(ctx: &Context) -> bool {
    let drawn = ctx.data(|data| data.get_temp::<InUse>(id()));
    drawn.is_some_and(|InUse(frame)| frame + 1 >= ctx.cumulative_frame_nr())
}

/// Asks the table whose rows are selected.
pub fn ask_table(ctx: &Context, ask: TableAsk) {
    ctx.data_mut(|data| data.insert_temp(id(), ask));
}

/// What was asked, once.
pub(super) fn asked(ctx: &Context) -> Option<TableAsk> {
    ctx.data_mut(|data| {
        let asked = data.get_temp(id());
        data.remove::<TableAsk>(id());
        asked
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_stays_one_cell_and_is_never_a_formula() {
        assert_eq!(cell("plain"), "plain");
        assert_eq!(cell("two\r\nlines\tand\na tab"), "two lines and a tab");
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("\t=1"), "' =1");
        assert_eq!(cell("-5"), "-5");
        assert_eq!(cell("\"Late\" again"), "\"\"\"Late\"\" again\"");
        assert_eq!(cell("5\" pipe"), "5\" pipe");
    }
}
