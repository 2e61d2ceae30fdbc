//! A preview of the rows of a file. Only visible rows are laid out.

use egui::{
    Align, Frame, Label, Layout, Margin, RectAlign, RichText, Role, ScrollArea, Sense, Tooltip, Ui, WidgetInfo,
};
use egui_extras::{Column, TableBuilder};

use crate::app::theme::{Theme, icons};
use crate::data::Table;
use crate::project::{ColumnRole, DatasetSettings};
use crate::words::{count, one_line, shortened};

/// Most characters shown in a cell.
const SHOWN: usize = 300;
/// Most characters shown on hover.
const HOVERED: usize = 2_000;

/// The accessible name of the table, which scrolls sideways.
pub const PREVIEW: &str = "Preview of the rows";

/// Settings of the preview.
#[derive(Clone, Copy, Debug)]
pub struct TablePreview<'a> {
    /// The roles of the columns.
    pub dataset: &'a DatasetSettings,
    /// Greatest height in points.
    pub height: f32,
}

/// Draws the table. Returns the column and role chosen in the menu of a column header.
pub fn table_preview_ui(
    ui: &mut Ui,
    theme: &Theme,
    table: &Table,
    preview: TablePreview<'_>,
) -> Option<(Option<ColumnRole>, String)> {
    let mut chosen = None;
    // Columns with a role come first; the others follow in the order of the file.
    let dataset = preview.dataset;
    let role = |column: usize| dataset.role_of(&table.names[column]);
    let mut columns: Vec<usize> = (0..table.names.len()).collect();
    columns.retain(|&column| role(column) != Some(ColumnRole::Ignored));
    columns.sort_by_key(|&column| match role(column) {
        Some(ColumnRole::Joined) => 0,
        Some(ColumnRole::Text) => 1,
        Some(ColumnRole::Label) => 2,
        _ => 3,
    });
    let widths: Vec<(ColumnRole, &str)> = dataset.used_columns().collect();
    let others = table.names.len().saturating_sub(1).max(1) as f32;
    let text_width = (ui.available_width() - 70.0 - others * 130.0).max(400.0);
    let shown = ScrollArea::horizontal().id_salt("preview").auto_shrink([false, true]).show(ui, |ui| {
        let mut builder = TableBuilder::new(ui)
            .id_salt((&table.names, widths))
            .resizable(true)
            .striped(false)
            .cell_layout(Layout::left_to_right(Align::Center))
            .auto_shrink([false, true])
            .max_scroll_height(preview.height)
            .column(Column::exact(54.0).resizable(false));
        for &column in &columns {
            let name = &table.names[column];
            let width = match role(column) {
                Some(ColumnRole::Text) => text_width,
                Some(ColumnRole::Joined | ColumnRole::Label) => 190.0,
                _ => 120.0,
            };
            builder =
                builder.column(Column::initial(width.max(head_width(name, role(column)))).at_least(60.0).clip(true));
        }
        builder
            .header(theme.size.row, |mut header| {
                header.col(|ui| {
                    ui.label(theme.small("Row"));
                });
                for &column in &columns {
                    let name = &table.names[column];
                    header.col(|ui| {
                        head_ui(ui, theme, name, role(column), |role| chosen = Some((role, name.clone())));
                    });
                }
            })
            .body(|body| {
                body.rows(theme.size.row, table.len(), |mut row| {
                    let index = row.index();
                    row.col(|ui| {
                        ui.label(theme.small(count(table.records[index])));
                    });
                    for &column in &columns {
                        let in_use = role(column).is_some();
                        row.col(|ui| cell_ui(ui, theme, table.cell(column, index), in_use));
                    }
                });
            });
    });
    let area = ui.interact(shown.inner_rect, shown.id.with("name"), Sense::hover());
    area.widget_info(|| WidgetInfo::labeled(Role::Table, true, PREVIEW));
    chosen
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
            .frame_when_inactive(false),
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
