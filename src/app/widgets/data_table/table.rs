//! What a table shows, and where it is.

use std::borrow::Cow;

use egui::{Align, Id, Rect, Sense, Ui, pos2, vec2};

use crate::app::theme::Theme;
use crate::app::widgets::data_table::columns::{Arranged, TableColumn, changing};
use crate::storage::{TableLayout, TableLayouts};

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
    pub columns: &'a [TableColumn<'a>],
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
    pub(super) fn layout(&self) -> &TableLayout {
        const NONE: &TableLayout =
            &TableLayout { widths: std::collections::BTreeMap::new(), shown: std::collections::BTreeMap::new() };
        self.layouts.get(self.key).unwrap_or(NONE)
    }
}

/// Where a table is, and how high its rows are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub area: Rect,
    pub row: f32,
    /// Width for the columns.
    pub room: f32,
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
    pub fn allocate(ui: &mut Ui, theme: &Theme, table: &DataTable<'_>) -> Self {
        let (all, bar) = (theme.size.row * table.rows as f32, ui.spacing().scroll.allocated_width());
        let grain = grain(all);
        let row = grain.map_or(theme.size.row, |grain| (theme.size.row / grain).ceil() * grain);
        let width = ui.available_width();
        let tall = table.rows as f32 * row > table.height;
        let room = if tall { width - bar } else { width };
        let id = table_id(ui, table);
        let total = Arranged::of(table.columns, table.layout(), &changing(ui, id), room).total();
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
pub(super) fn table_id(ui: &Ui, table: &DataTable<'_>) -> Id {
    ui.make_persistent_id(("table", table.key))
}
