//! Draws the header, the rows and the cells of a table, and says what they are to a screen reader.

use egui::{
    Align, EventFilter, Id, Key, Layout, Modifiers, PointerButton, Rect, Response, Role, Sense, Stroke, Ui, UiBuilder,
    WidgetInfo, vec2,
};
use egui_table::{CellInfo, HeaderCellInfo, TableDelegate, TableState};

use crate::app::shell::FocusKeeper;
use crate::app::theme::Theme;
use crate::app::widgets::data_table::columns::{Arranged, chooser_ui, list_ui};
use crate::app::widgets::data_table::selection::RowSelection;
use crate::app::widgets::data_table::table::{DataTable, Place, TableRows};
use crate::storage::TableLayout;
use crate::words::{counted, one_line};

/// Between a cell's edge and its text.
const PADDING: f32 = 8.0;
/// Width of the button that chooses columns.
const CHOOSER: f32 = 24.0;
/// Characters that a column is made wide enough for.
const MEASURED: usize = 200;
/// Widest column that is fitted to its texts.
const FITTED: f32 = 640.0;
/// Width by which an arrow key changes a column.
const STEP: f32 = 16.0;

/// The id of a row, which has the focus when the row has it.
pub(super) fn row_id(table: Id, row: usize) -> Id {
    table.with(("row", row))
}

/// Draws a table for egui.
pub(super) struct Drawing<'a> {
    theme: &'a Theme,
    table: &'a DataTable<'a>,
    arranged: &'a Arranged,
    place: Place,
    rows: &'a mut dyn TableRows,
    selection: &'a mut RowSelection,
    id: Id,
    /// The header's node.
    header: Id,
    /// A layout chosen in the menu of the columns.
    pub layout: Option<TableLayout>,
    /// The selected rows are to be copied.
    pub copy: bool,
}

impl<'a> Drawing<'a> {
    pub fn new(
        theme: &'a Theme,
        table: &'a DataTable<'a>,
        (arranged, place): (&'a Arranged, Place),
        rows: &'a mut dyn TableRows,
        selection: &'a mut RowSelection,
        (id, header): (Id, Id),
    ) -> Self {
        Self { theme, table, arranged, place, rows, selection, id, header, layout: None, copy: false }
    }

    /// Whether this is the part of a row in the first column, which does not scroll sideways.
    fn is_first_column(&self, ui: &Ui) -> bool {
        let first = self.arranged.widths.first().copied().unwrap_or_default();
        ui.clip_rect().right() <= self.place.area.left() + first + 0.5
    }

    /// What can be seen of a row in the part of the table that `ui` is in.
    fn seen(&self, ui: &Ui) -> Rect {
        Rect::from_x_y_ranges(self.place.area.x_range(), ui.max_rect().y_range()).intersect(ui.clip_rect())
    }

    fn clicked(&mut self, ui: &Ui, row: usize) {
        let modifiers = ui.input(|input| input.modifiers);
        match (modifiers.shift, modifiers.command) {
            (true, _) => self.selection.extend(row),
            (false, true) => self.selection.toggle(row),
            (false, false) => self.selection.only(row),
        }
        // What is shown about the row may leave less room for the table.
        self.selection.follow();
        let id = row_id(self.id, row);
        ui.memory_mut(|memory| memory.request_focus(id));
        FocusKeeper::leave_text_field(ui.ctx());
    }

    fn menu(&mut self, response: &Response, row: usize) {
        let theme = self.theme;
        if response.clicked_by(PointerButton::Secondary) && !self.selection.contains(row) {
            self.selection.only(row);
        }
        let (selection, copy, rows) = (&mut *self.selection, &mut self.copy, self.table.rows);
        response.context_menu(|ui| {
            let many = counted(selection.len().max(1), "row", "rows");
            if ui.button(format!("Copy {many}")).clicked() {
                *copy = true;
                ui.close();
            }
            ui.label(theme.small("With the names of the columns, for a spreadsheet"));
            ui.separator();
            if ui.button("Select all rows").clicked() {
                selection.all(rows);
                ui.close();
            }
            if ui.button("Clear the selection").clicked() {
                selection.clear();
                ui.close();
            }
        });
    }

    fn focus(&mut self, ui: &Ui, response: &Response, row: usize) {
        if response.gained_focus() && !response.clicked() {
            self.selection.point_at(row);
        }
        if response.has_focus() {
            let escape = !self.selection.is_empty();
            let filter = EventFilter { vertical_arrows: true, escape, ..EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        }
    }

    fn paint_ground(&self, ui: &Ui, seen: Rect, row: usize) {
        let palette = &self.theme.palette;
        let whole = Rect::from_x_y_ranges(self.place.area.x_range(), seen.y_range());
        let hovered = ui.ctx().rect_contains_pointer(ui.layer_id(), whole);
        if self.selection.contains(row) {
            ui.painter().rect_filled(seen, 0.0, palette.accent_soft);
        } else if hovered && ui.is_enabled() {
            ui.painter().rect_filled(seen, 0.0, palette.hover);
        }
        if ui.memory(|memory| memory.has_focus(row_id(self.id, row))) {
            // Its left and right edge are in different parts of the table.
            let ring = Rect::from_x_y_ranges(self.place.area.x_range(), ui.max_rect().y_range());
            let ring = ring.with_max_x(ring.right().min(self.place.area.left() + self.place.room));
            ui.painter().rect_stroke(ring, 0.0, Stroke::new(1.5, palette.accent), egui::StrokeKind::Inside);
        }
    }

    /// Draws the line after a column; the last one ends beside the scroll bar, or where the table does.
    fn paint_edge(&self, ui: &Ui, nth: usize) {
        let is_last = nth + 1 == self.arranged.visible.len();
        if is_last && self.arranged.total() + 1.0 >= self.place.room {
            return;
        }
        let line = Stroke::new(1.0, self.theme.palette.border);
        ui.painter().vline(ui.max_rect().right() - 0.5, ui.max_rect().y_range(), line);
    }

    /// Makes a column as wide as a text, while egui measures it.
    fn fit(&self, ui: &mut Ui, text: &str, more: f32) {
        let font = egui::TextStyle::Body.resolve(ui.style());
        let ink = self.theme.palette.text;
        let width = ui.painter().layout_no_wrap(one_line(text, MEASURED), font, ink).size().x;
        ui.set_min_width((width + 2.0 * PADDING + more).ceil().min(FITTED));
    }
}

impl TableDelegate for Drawing<'_> {
    fn header_cell_ui(&mut self, ui: &mut Ui, cell: &HeaderCellInfo) {
        let column = self.arranged.visible[cell.col_range.start];
        let (table, is_first) = (self.table, cell.col_range.start == 0);
        let title = table.columns[column].title.as_ref();
        if ui.is_sizing_pass() {
            return self.fit(ui, title, self.theme.size.control);
        }
        let mut rect = ui.max_rect().shrink2(vec2(PADDING, 0.0));
        let line = Stroke::new(1.0, self.theme.palette.border);
        ui.painter().hline(ui.max_rect().x_range(), ui.max_rect().bottom() - 0.5, line);
        self.paint_edge(ui, cell.col_range.start);
        if is_first {
            let corner = rect.with_min_x(rect.right() + PADDING - CHOOSER - 2.0);
            rect.max.x = corner.left();
            let builder = UiBuilder::new().max_rect(corner).accessibility_parent(self.header);
            let mut corner = ui.new_child(builder.layout(Layout::left_to_right(Align::Center)));
            let chosen = chooser_ui(&mut corner, self.theme, table.columns, table.layout());
            self.layout = chosen.or(self.layout.take());
        }
        let builder = UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center));
        let builder = builder.accessibility_parent(self.header).accessibility_role(Role::ColumnHeader);
        let mut inner = ui.new_child(builder.accessibility_label(title));
        bounds(&inner, rect.intersect(ui.clip_rect()));
        self.rows.header_ui(&mut inner, column);
        inner.response().container_context_menu(|ui| {
            if let Some(chosen) = list_ui(ui, self.theme, table.columns, table.layout()) {
                self.layout = Some(chosen);
            }
        });
    }

    fn row_ui(&mut self, ui: &mut Ui, row: u64) {
        let (row, seen) = (row as usize, self.seen(ui));
        if !seen.is_positive() {
            return;
        }
        let (first, id) = (self.is_first_column(ui), row_id(self.id, row));
        // Tab stops once at a row.
        let response = if first {
            ui.interact(seen, id.with("first"), Sense::CLICK)
        } else {
            ui.interact(seen, id, Sense::click())
        };
        if response.clicked() {
            self.clicked(ui, row);
        }
        self.menu(&response, row);
        if !first {
            self.focus(ui, &response, row);
            let selected = self.selection.contains(row);
            response.widget_info(|| WidgetInfo::labeled(Role::Row, ui.is_enabled(), self.rows.name(row)));
            ui.ctx().accesskit_node_builder(id, |node| {
                node.set_selected(selected);
                node.set_row_index(row + 1);
            });
        }
        self.paint_ground(ui, seen, row);
    }

    fn cell_ui(&mut self, ui: &mut Ui, cell: &CellInfo) {
        let (column, row) = (self.arranged.visible[cell.col_nr], cell.row_nr as usize);
        if ui.is_sizing_pass() {
            let text = self.rows.text(row, column).into_owned();
            return self.fit(ui, &text, 0.0);
        }
        if !ui.max_rect().intersect(ui.clip_rect()).is_positive() {
            return;
        }
        self.paint_edge(ui, cell.col_nr);
        let rect = ui.max_rect().shrink2(vec2(PADDING, 0.0));
        let builder = UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center));
        let builder = builder.accessibility_parent(row_id(self.id, row)).accessibility_role(Role::Cell);
        self.rows.cell_ui(&mut ui.new_child(builder), row, column);
    }

    fn default_row_height(&self) -> f32 {
        self.place.row
    }
}

/// Tells a screen reader where the thing that `ui` draws is.
fn bounds(ui: &Ui, rect: Rect) {
    ui.ctx().accesskit_node_builder(ui.unique_id(), |node| {
        let [x0, y0, x1, y1] = [rect.left(), rect.top(), rect.right(), rect.bottom()].map(f64::from);
        node.set_bounds(egui::accesskit::Rect { x0, y0, x1, y1 });
    });
}

/// Tells a screen reader how large a table is, and how far it scrolls sideways. It has the rows and the header as well.
pub(super) fn describe_table(ui: &Ui, place: Place, arranged: &Arranged, rows: usize) {
    bounds(ui, place.area);
    let beyond = arranged.total() - place.room;
    ui.ctx().accesskit_node_builder(ui.unique_id(), |node| {
        node.set_row_count(rows + 1);
        node.set_multiselectable();
        if beyond > 0.5 {
            node.set_scroll_x_max(f64::from(beyond));
        }
    });
}

/// Names the edges of the columns, and lets the arrow keys move the one that has the focus.
pub(super) fn describe_edges(ui: &Ui, id: Id, table: &DataTable<'_>, arranged: &Arranged) {
    for &column in &arranged.visible {
        let column = &table.columns[column];
        let edge = id.with(column.id()).with("resize");
        let Some(response) = ui.ctx().read_response(edge) else { continue };
        let name = format!("Width of {}", column.title);
        response.widget_info(|| WidgetInfo::labeled(Role::Splitter, true, &name));
        if !response.has_focus() {
            continue;
        }
        let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(edge, filter));
        let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
        let by = match (pressed(Key::ArrowLeft), pressed(Key::ArrowRight)) {
            (true, _) => -STEP,
            (_, true) => STEP,
            _ => continue,
        };
        let mut state = TableState::load(ui.ctx(), id).unwrap_or_default();
        if let Some(width) = state.col_widths.get_mut(&column.id()) {
            *width = (*width + by).max(STEP);
        }
        state.store(ui.ctx(), id);
    }
}
