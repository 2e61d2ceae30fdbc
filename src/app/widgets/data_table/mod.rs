//! A table of many rows: a header and a first column that stay in place, columns that can be resized and hidden, and rows that
//! can be selected and copied. Only visible cells are laid out.

mod columns;
mod copy;
mod draw;
mod keys;
mod selection;
mod table;
#[cfg(test)]
mod tests;

use egui::{Align, Layout, Role, Ui, UiBuilder};
use egui_table::HeaderRow;

use crate::app::messages::{AppCommand, CommandSender};
use crate::app::theme::Theme;
use crate::app::widgets::data_table::columns::{Arranged, changing, note_widths};
use crate::app::widgets::data_table::copy::note_rows;
use crate::app::widgets::data_table::draw::Drawing;
use crate::app::widgets::data_table::table::{Place, table_id};

pub use columns::{ColumnWidth, TableColumn};
pub use copy::{TableAsk, ask_table, rows_in_use, tab_separated};
pub use selection::RowSelection;
pub use table::{DataTable, TableRows};

/// Draws a table. Returns whether a person changed the selection in this frame.
pub fn data_table_ui(
    ui: &mut Ui,
    theme: &Theme,
    table: &DataTable<'_>,
    rows: &mut dyn TableRows,
    selection: &mut RowSelection,
    sender: &mut CommandSender,
) -> bool {
    selection.keep_within(table.rows);
    let id = table_id(ui, table);
    let place = Place::allocate(ui, theme, table);
    let arranged = Arranged::of(table.columns, table.layout(), &changing(ui, id), place.room);
    let before = selection.clone();
    let copy = keys::take(ui, id, (table.rows, place), selection);

    let builder = UiBuilder::new().id_salt(("table area", table.key)).max_rect(place.area);
    let builder = builder.layout(Layout::top_down(Align::Min));
    let mut inside = ui.new_child(builder.accessibility_role(Role::Table).accessibility_label(table.name));
    draw::describe_table(&inside, place, &arranged, table.rows);
    // The cells draw the lines between the columns; egui's would also be beside the scroll bar.
    inside.visuals_mut().widgets.noninteractive.bg_stroke = egui::Stroke::NONE;
    let egui_id = egui_table::TableState::id(&inside, egui::IdSalt::new("columns"));
    let columns = arranged.tell(&inside, egui_id, table.columns);
    let head = place.area.with_max_y(place.area.top() + place.row);
    // Its node comes before those of the rows, as a screen reader reads them.
    let header = inside.new_child(UiBuilder::new().max_rect(head).accessibility_role(Role::Row)).unique_id();
    let mut shown = egui_table::Table::new()
        .id_salt("columns")
        .num_rows(table.rows as u64)
        .columns(columns)
        .num_sticky_cols(1)
        .headers([HeaderRow::new(place.row)]);
    let to_cursor = selection.cursor().filter(|_| selection.take_follow()).map(|row| (row, None));
    if let Some((row, align)) = table.scroll_to.or(to_cursor) {
        shown = shown.scroll_to_row(row as u64, align);
    }
    let mut drawing = Drawing::new(theme, table, (&arranged, place), rows, selection, (id, header));
    shown.show(&mut inside, &mut drawing);
    let (chosen, asked_copy) = (drawing.layout.take(), drawing.copy);
    draw::describe_edges(&inside, egui_id, table, &arranged);

    let kept = note_widths(&inside, (id, egui_id), (&arranged, table.columns), table.layout());
    if let Some(layout) = chosen.or(kept) {
        sender.send(AppCommand::KeepTable(table.key.to_owned(), layout));
    }
    if copy || asked_copy {
        keys::copy(ui, rows, (table, &arranged), selection, sender);
    }
    if !selection.is_empty() {
        note_rows(ui.ctx());
    }
    let changed = !selection.is_same(&before);
    if changed {
        ui.ctx().request_repaint();
    }
    changed
}
