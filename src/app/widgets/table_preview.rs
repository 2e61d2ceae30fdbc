//! A preview of the rows of a file.

use std::borrow::Cow;

use egui::{Frame, Label, Margin, RectAlign, RichText, Tooltip, Ui};

use crate::app::messages::CommandSender;
use crate::app::theme::{Theme, icons};
use crate::app::widgets::{ColumnWidth, DataTable, RowSelection, TableColumn, TableRows, data_table_ui};
use crate::data::Table;
use crate::project::{ColumnRole, DatasetSettings};
use crate::storage::TableLayouts;
use crate::words::{count, one_line, shortened};

/// Most characters shown in a cell.
const SHOWN: usize = 300;
/// Most characters shown on hover.
const HOVERED: usize = 2_000;
/// Characters of a row in its accessible name.
const NAMED: usize = 120;
/// Width of the row numbers.
const NUMBER: f32 = 78.0;
/// Least width of the texts.
const TEXT: f32 = 320.0;
/// Least width of a column whose name is short.
const COLUMN: f32 = 136.0;
/// Least width of a label, or of a column in front of the text.
const LABEL: f32 = 176.0;

/// The accessible name of the table.
const PREVIEW: &str = "Preview of the rows";

/// Settings of the preview.
#[derive(Clone, Copy, Debug)]
pub struct TablePreview<'a> {
    /// The roles of the columns.
    pub dataset: &'a DatasetSettings,
    /// Greatest height of the rows in points.
    pub height: f32,
    /// The kept layouts of tables.
    pub layouts: &'a TableLayouts,
}

/// The rows of a file, with the column and role that were chosen in the header.
struct PreviewRows<'a> {
    theme: &'a Theme,
    table: &'a Table,
    dataset: &'a DatasetSettings,
    /// Columns of the file, in the order shown, after the row numbers.
    columns: Vec<usize>,
    chosen: Option<(Option<ColumnRole>, String)>,
}

impl<'a> PreviewRows<'a> {
    fn role(&self, column: usize) -> Option<ColumnRole> {
        self.dataset.role_of(&self.table.names[column])
    }

    /// The column of the file; `None` for the row numbers.
    fn column(&self, column: usize) -> Option<usize> {
        column.checked_sub(1).map(|place| self.columns[place])
    }

    /// Columns with a role come first; the others follow in the order of the file.
    fn of(theme: &'a Theme, table: &'a Table, dataset: &'a DatasetSettings) -> Self {
        let mut rows = Self { theme, table, dataset, columns: Vec::new(), chosen: None };
        let mut columns: Vec<usize> = (0..table.names.len()).collect();
        columns.retain(|&column| rows.role(column) != Some(ColumnRole::Ignored));
        columns.sort_by_key(|&column| match rows.role(column) {
            Some(ColumnRole::Joined) => 0,
            Some(ColumnRole::Text) => 1,
            Some(ColumnRole::Label) => 2,
            _ => 3,
        });
        rows.columns = columns;
        rows
    }

    fn table_columns(&self) -> Vec<TableColumn<'a>> {
        let file = self.columns.iter().map(|&column| {
            let (name, role) = (&self.table.names[column], self.role(column));
            let least = match role {
                Some(ColumnRole::Joined | ColumnRole::Label) => LABEL,
                _ => COLUMN,
            };
            let width = match role {
                Some(ColumnRole::Text) => ColumnWidth::Rest(TEXT.max(head_width(name, role))),
                _ => ColumnWidth::Points(least.max(head_width(name, role))),
            };
            let shown = TableColumn::new(name, name, width);
            if role == Some(ColumnRole::Text) { shown.pinned() } else { shown }
        });
        std::iter::once(TableColumn::new("#row", "Row", ColumnWidth::Points(NUMBER)).pinned()).chain(file).collect()
    }
}

impl TableRows for PreviewRows<'_> {
    fn name(&self, row: usize) -> String {
        let cells: Vec<_> = self.columns.iter().map(|&column| self.table.cell(column, row)).take(4).collect();
        format!("Row {}: {}", count(self.table.records[row]), one_line(&cells.join(", "), NAMED))
    }

    fn text(&self, row: usize, column: usize) -> Cow<'_, str> {
        match self.column(column) {
            Some(column) => Cow::Borrowed(self.table.cell(column, row)),
            None => Cow::Owned(self.table.records[row].to_string()),
        }
    }

    fn header_ui(&mut self, ui: &mut Ui, column: usize) {
        let Some(column) = self.column(column) else {
            ui.label(self.theme.small("Row"));
            return;
        };
        let (name, role) = (&self.table.names[column], self.role(column));
        head_ui(ui, self.theme, name, role, |role| self.chosen = Some((role, name.clone())));
    }

    fn cell_ui(&mut self, ui: &mut Ui, row: usize, column: usize) {
        match self.column(column) {
            Some(column) => cell_ui(ui, self.theme, self.table.cell(column, row), self.role(column).is_some()),
            None => {
                ui.add(Label::new(self.theme.small(count(self.table.records[row]))).truncate());
            }
        }
    }
}

/// Draws the table. Returns the column and role chosen in the menu of a column header.
pub fn table_preview_ui(
    ui: &mut Ui,
    theme: &Theme,
    table: &Table,
    preview: TablePreview<'_>,
    selection: &mut RowSelection,
    sender: &mut CommandSender,
) -> Option<(Option<ColumnRole>, String)> {
    let mut rows = PreviewRows::of(theme, table, preview.dataset);
    let (columns, layouts) = (&rows.table_columns(), preview.layouts);
    let (height, key, scroll_to) = (preview.height, "preview", None);
    let shown = DataTable { name: PREVIEW, key, columns, rows: table.len(), height, layouts, scroll_to };
    data_table_ui(ui, theme, &shown, &mut rows, selection, sender);
    rows.chosen
}

/// Width for a column's name, role and menu arrow.
fn head_width(name: &str, role: Option<ColumnRole>) -> f32 {
    let letters = name.chars().count().min(24) + role.map_or(0, |role| role.title().len() + 5);
    letters as f32 * 8.0 + 40.0
}

/// Draws a column header. Calls `choose` with the role chosen in its menu; `None` removes the role.
fn head_ui(
    ui: &mut Ui,
    theme: &Theme,
    name: &str,
    role: Option<ColumnRole>,
    mut choose: impl FnMut(Option<ColumnRole>),
) {
    let word = role.map(|role| role.title().to_lowercase());
    let text = match &word {
        Some(role) => RichText::new(format!("{name}  ·  {role}")).color(theme.palette.accent),
        None => RichText::new(name).color(theme.palette.text_muted),
    };
    let accessible = word.map_or_else(|| format!("Column {name}"), |role| format!("Column {name}, {role}"));
    // The name lines up with the texts of its column.
    ui.spacing_mut().button_padding.x = 0.0;
    let (response, _) = egui::containers::menu::MenuButton::from_button(
        egui::Button::new((text.family(crate::app::theme::strong_family()), icons::CARET_DOWN))
            .frame_when_inactive(false)
            .truncate(),
    )
    .ui(ui, |ui| {
        for other in ColumnRole::ALL {
            let text = match other {
                ColumnRole::Text => "Use as text",
                ColumnRole::Joined => "Prepend to text",
                ColumnRole::Label => "Use as label",
                ColumnRole::Group => "Use as group",
                ColumnRole::Time => "Use as time",
                ColumnRole::Id => "Use as ID",
                ColumnRole::Split => "Use as split",
                ColumnRole::Ignored => "Ignore",
            };
            if ui.button(text).on_hover_text(other.explanation()).clicked() {
                choose(Some(other));
                ui.close();
            }
        }
        if role.is_some() && ui.button("Remove role").clicked() {
            choose(None);
            ui.close();
        }
    });
    response.accessible_name(accessible);
}

fn cell_ui(ui: &mut Ui, theme: &Theme, text: &str, in_use: bool) {
    let ink = if in_use { theme.palette.text } else { theme.palette.text_muted };
    let shown = one_line(text, SHOWN);
    let font = egui::TextStyle::Body.resolve(ui.style());
    let is_whole = shown.len() == text.len()
        && ui.painter().layout_no_wrap(shown.clone(), font, ink).size().x <= ui.available_width();
    let response = ui.add(Label::new(RichText::new(shown).color(ink)).truncate().show_tooltip_when_elided(false));
    if !is_whole && !text.is_empty() {
        // Above the row, so that the next rows can still be read and pointed at.
        let mut tooltip = Tooltip::for_enabled(&response);
        tooltip.popup = tooltip.popup.align(RectAlign::TOP_START);
        tooltip.show(|ui| {
            ui.set_max_width(480.0);
            Frame::NONE.inner_margin(Margin::same(theme.space.xs as i8)).show(ui, |ui| {
                ui.label(shortened(text, HOVERED));
            });
        });
    }
}
