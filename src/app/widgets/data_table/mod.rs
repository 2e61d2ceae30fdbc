//! A table of many rows: a header and a first column that stay in place, columns that can be resized and hidden, and rows that
//! can be selected and copied. Only visible cells are laid out.

mod columns;
mod copy;
mod draw;
mod keys;
mod selection;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use egui::{Align, Id, Layout, Rect, Role, Sense, Ui, UiBuilder, pos2, vec2};
use egui_table::HeaderRow;

use crate::app::messages::{AppCommand, CommandSender};
use crate::app::theme::Theme;
use crate::app::widgets::data_table::columns::{Arranged, changing, note_widths};
use crate::app::widgets::data_table::copy::note_rows;
use crate::app::widgets::data_table::draw::Drawing;
use crate::storage::{TableLayout, TableLayouts};

pub use columns::{ColumnWidth, TableColumn};
pub use copy::{TableAsk, ask_table, rows_in_use, tab_separated};
pub use selection::RowSelection;

/// The rows of a table.
pub trait TableRows {
    /// The accessible name of a row.
    fn name(&self, row: usize) -> String;

    /// The whole text of a cell, to copy and to measure.
    fn text(&self, row: usize, column: usize) -> Cow<'_, str>;

    /// Draws the header of a column.
    fn header_ui(&mut self, ui: &mut Ui, column: usize);

    /// Draws a cell.
    fn cell_ui(&mut self, ui: &mut Ui, row: usize, column: usize);
}

/// A table to draw.
#[derive(Clone, Debug)]
pub struct DataTable<'a> {
    /// Its accessible name.
    pub name: &'static str,
    /// What its layout is kept under.
    pub key: &'static str,
    /// All its columns. The first one stays in place while the others scroll sideways.
    pub columns: Vec<TableColumn<'a>>,
    /// Number of rows.
    pub rows: usize,
    /// Greatest height of its rows.
    pub height: f32,
    /// The kept layouts.
    pub layouts: &'a TableLayouts,
    /// A row to scroll to.
    pub scroll_to: Option<(usize, Option<Align>)>,
}

impl DataTable<'_> {
    fn layout(&self) -> &TableLayout {
        const NONE: &TableLayout =
            &TableLayout { widths: std::collections::BTreeMap::new(), shown: std::collections::BTreeMap::new() };
        self.layouts.get(self.key).unwrap_or(NONE)
    }
}

/// Where a table is, and how high its rows are.
#[derive(Clone, Copy, Debug)]
struct Place {
    area: Rect,
    row: f32,
    /// Width for the columns.
    room: f32,
}

/// Distance between two neighbouring numbers around `points`, if it is so large that rows would jump.
fn grain(points: f32) -> Option<f32> {
    let grain = points.next_up() - points;
    (grain >= 0.25).then_some(grain)
}

impl Place {
    /// Allocates the table.
    ///
    /// Positions are numbers of 32 bits. Thirty million points down, where a table of a million rows ends, only even ones
    /// exist, and rows anywhere else would be drawn, and clicked, beside their place. So a long table begins and ends at
    /// multiples of that distance, and so do its rows.
    fn allocate(ui: &mut Ui, theme: &Theme, table: &DataTable<'_>) -> Self {
        let (all, bar) = (theme.size.row * table.rows as f32, ui.spacing().scroll.allocated_width());
        let grain = grain(all);
        let row = grain.map_or(theme.size.row, |grain| (theme.size.row / grain).ceil() * grain);
        let width = ui.available_width();
        let tall = table.rows as f32 * row > table.height;
        let room = if tall { width - bar } else { width };
        let id = table_id(ui, table);
        let total = Arranged::of(&table.columns, table.layout(), &changing(ui, id), room).total();
        let wide = if total > room + 0.5 { bar } else { 0.0 };
        // A point more than the rows need, so that a table that fits does not scroll by a rounding error.
        let height = row + (row * table.rows as f32 + wide + 1.0).min(table.height.max(3.0 * row));
        let (rect, _) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
        let Some(grain) = grain else { return Self { area: rect, row, room } };
        let top = (rect.top() / grain).ceil() * grain;
        let height = ((rect.bottom() - top) / grain).floor() * grain;
        Self { area: Rect::from_min_size(pos2(rect.left(), top), vec2(width, height)), row, room }
    }
}

/// The id of a table.
fn table_id(ui: &Ui, table: &DataTable<'_>) -> Id {
    ui.make_persistent_id(("table", table.key))
}

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
    let arranged = Arranged::of(&table.columns, table.layout(), &changing(ui, id), place.room);
    let before = selection.clone();
    let copy = keys::take(ui, id, (table.rows, place), selection);

    let builder = UiBuilder::new().id_salt(("table area", table.key)).max_rect(place.area);
    let builder = builder.layout(Layout::top_down(Align::Min));
    let mut inside = ui.new_child(builder.accessibility_role(Role::Table).accessibility_label(table.name));
    draw::describe_table(&inside, place.area, table.rows);
    let egui_id = egui_table::TableState::id(&inside, egui::IdSalt::new("columns"));
    let columns = arranged.tell(&inside, egui_id, &table.columns);
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

    let kept = note_widths(&inside, (id, egui_id), (&arranged, &table.columns), table.layout());
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
