//! The rows of a file as they stand there. Only rows in sight are laid out.

use egui::{Align, Frame, Label, Layout, Margin, RichText, ScrollArea, Ui};
use egui_extras::{Column, TableBuilder};

use super::numbers::count;
use crate::app::theme::{Theme, icons};
use crate::data::Table;

/// Longest text shown of a cell; the whole is on hover.
const SHOWN: usize = 300;
/// Longest text shown on hover.
const HOVERED: usize = 2_000;

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The model reads it.
    Text,
    /// The model learns to answer it.
    Label,
}

/// How a table is shown.
#[derive(Clone, Copy, Debug)]
pub struct TablePreview<'a> {
    /// Name of the text column; may be empty.
    pub text: &'a str,
    /// Name of the label column; may be empty.
    pub label: &'a str,
    /// Greatest height in points.
    pub height: f32,
}

/// Draws the table. Gives the column a person gave a role to, from the menu in its head.
pub fn table_preview_ui(
    ui: &mut Ui,
    theme: &Theme,
    table: &Table,
    preview: TablePreview<'_>,
) -> Option<(Role, String)> {
    let mut chosen = None;
    // What matters stands first; the other columns follow in the file's order.
    let mut columns: Vec<usize> = (0..table.names.len()).collect();
    columns.sort_by_key(|&column| match table.names[column].as_str() {
        name if name == preview.text => 0,
        name if name == preview.label => 1,
        _ => 2,
    });
    let others = table.names.len().saturating_sub(1).max(1) as f32;
    let text_width = (ui.available_width() - 70.0 - others * 130.0).max(400.0);
    ScrollArea::horizontal().id_salt("preview").auto_shrink([false, true]).show(ui, |ui| {
        let mut builder = TableBuilder::new(ui)
            .id_salt((&table.names, preview.text, preview.label))
            .resizable(true)
            .striped(false)
            .cell_layout(Layout::left_to_right(Align::Center))
            .auto_shrink([false, true])
            .max_scroll_height(preview.height)
            .column(Column::exact(54.0).resizable(false));
        for &column in &columns {
            let name = &table.names[column];
            let width = match role_of(name, preview) {
                Some("text") => text_width,
                Some(_) => 190.0,
                None => 120.0,
            };
            builder = builder.column(Column::initial(width.max(head_width(name, preview))).at_least(60.0).clip(true));
        }
        builder
            .header(theme.size.row, |mut header| {
                header.col(|ui| {
                    ui.label(theme.small("Row"));
                });
                for &column in &columns {
                    let name = &table.names[column];
                    header.col(|ui| {
                        if let Some(role) = head_ui(ui, theme, name, preview) {
                            chosen = Some((role, name.clone()));
                        }
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
                        let name = &table.names[column];
                        row.col(|ui| cell_ui(ui, theme, table.cell(column, index), name, preview));
                    }
                });
            });
    });
    chosen
}

/// Room for a column's name, its role and the arrow of its menu.
fn head_width(name: &str, preview: TablePreview<'_>) -> f32 {
    let letters = name.chars().count().min(24) + role_of(name, preview).map_or(0, |role| role.len() + 5);
    letters as f32 * 8.0 + 40.0
}

fn role_of(name: &str, preview: TablePreview<'_>) -> Option<&'static str> {
    match name {
        _ if name == preview.text => Some("text"),
        _ if name == preview.label => Some("label"),
        _ => None,
    }
}

fn head_ui(ui: &mut Ui, theme: &Theme, name: &str, preview: TablePreview<'_>) -> Option<Role> {
    let mut chosen = None;
    let role = role_of(name, preview);
    let text = match role {
        Some(role) => RichText::new(format!("{name}  ·  {role}")).color(theme.palette.accent),
        None => RichText::new(name).color(theme.palette.text_muted),
    };
    let accessible = role.map_or_else(|| format!("Column {name}"), |role| format!("Column {name}, {role}"));
    // The name stands above the texts of its column.
    ui.spacing_mut().button_padding.x = 0.0;
    let (response, _) = egui::containers::menu::MenuButton::from_button(
        egui::Button::new((text.family(crate::app::theme::strong_family()), icons::CARET_DOWN))
            .frame_when_inactive(false),
    )
    .ui(ui, |ui| {
        for (role, text) in [(Role::Text, "Use as the text"), (Role::Label, "Use as the label")] {
            if ui.button(text).clicked() {
                chosen = Some(role);
                ui.close();
            }
        }
    });
    response.accessible_name(accessible);
    chosen
}

fn cell_ui(ui: &mut Ui, theme: &Theme, text: &str, name: &str, preview: TablePreview<'_>) {
    let ink = if role_of(name, preview).is_some() { theme.palette.text } else { theme.palette.text_muted };
    let label = Label::new(RichText::new(one_line(text, SHOWN)).color(ink)).truncate();
    let response = ui.add(label);
    if text.len() > 20 {
        response.on_hover_ui(|ui| {
            ui.set_max_width(480.0);
            Frame::NONE.inner_margin(Margin::same(theme.space.xs as i8)).show(ui, |ui| {
                ui.label(shortened(text, HOVERED));
            });
        });
    }
}

/// The beginning of a text, line breaks as spaces.
#[must_use]
pub fn one_line(text: &str, length: usize) -> String {
    text.chars().take(length).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The beginning of a text.
fn shortened(text: &str, length: usize) -> String {
    let mut short: String = text.chars().take(length).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
