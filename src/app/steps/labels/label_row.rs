//! One label: its name, colour, bar, row count and actions.

use egui::{Button, CornerRadius, Rect, RichText, TextEdit, Ui, vec2};

use crate::app::context::StepContext;
use crate::app::messages::{CommandSender, Edit};
use crate::app::steps::labels::label_change::{LabelChange, PendingChange, preview_ui};
use crate::app::steps::labels::label_edits::{LabelRow, reorder, set_colour};
use crate::app::steps::labels::label_list::DRAWN;
use crate::app::theme::icons;
use crate::app::widgets::{icon_button, label_colour};
use crate::words::{count, counted, percent_fine};

/// Greatest width of a label's name.
const NAME: f32 = 180.0;
/// Width of the counts and buttons to the right of the bar.
const FIGURES: f32 = 266.0;
/// Width of a count.
const COUNT: f32 = 56.0;
/// Width of a share.
const SHARE: f32 = 64.0;
/// Narrower lists have the bars and counts below the names.
const NARROW: f32 = 460.0;
/// Width of the buttons of a label.
const BUTTONS: f32 = 3.0 * 26.0;
/// Names of the theme's chart colours, in their order.
const COLOURS: [&str; 8] = ["Blue", "Vermilion", "Green", "Pink", "Ochre", "Sky blue", "Purple", "Grey"];

/// A change to the label set that is not applied yet.
#[derive(Debug, Default)]
pub struct Editing {
    /// The label being renamed, and the name typed so far.
    renaming: Option<(String, String)>,
    /// A change being previewed.
    pending: PendingChange,
}

impl Editing {
    /// Draws the preview of the current change.
    pub fn preview_ui(&mut self, ui: &mut Ui, ctx: &StepContext<'_>, rows: &[LabelRow], sender: &mut CommandSender) {
        if let Some((from, to)) = &self.renaming {
            let change = LabelChange::Rename { from: from.clone(), to: to.clone() };
            let text = change.preview(rows).unwrap_or_else(|| format!("Type a new name for {from}"));
            preview_ui(ui, ctx, &format!("{text}. Press Enter to confirm, Esc to cancel"), |_| {});
            return;
        }
        self.pending.ui(ui, ctx, rows, sender);
    }

    fn ask(&mut self, change: LabelChange, rows: &[LabelRow]) {
        self.renaming = None;
        self.pending.ask(change, rows);
    }
}

/// Draws a label. `most` is the row count of the largest label, `all` that of all included labels.
pub fn label_row(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    rows: &[LabelRow],
    row: &LabelRow,
    (most, all): (u64, u64),
    editing: &mut Editing,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let narrow = ui.available_width() < NARROW;
    let share = if row.excluded { "excluded".to_owned() } else { percent_fine(row.rows as f64 / all as f64) };
    let figures = |ui: &mut Ui, width: f32| {
        if width > 40.0 {
            bar(ui, ctx, (rows, row), width, most);
        }
        cell(ui, ctx, COUNT, egui::Align::RIGHT, |ui| ui.label(theme.strong(count(row.rows))));
        cell(ui, ctx, SHARE, egui::Align::RIGHT, |ui| ui.label(theme.muted(share.as_str())));
    };
    ui.horizontal(|ui| {
        ui.set_min_height(theme.size.row);
        colour_menu(ui, ctx, (rows, row), sender);
        name_ui(ui, ctx, rows, row, editing, sender);
        if !narrow {
            figures(ui, ui.available_width() - FIGURES);
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            buttons(ui, ctx, rows, row, editing, sender);
        });
    });
    if narrow {
        ui.horizontal(|ui| figures(ui, ui.available_width() - COUNT - SHARE - 2.0 * theme.space.s));
    }
}

fn buttons(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    rows: &[LabelRow],
    row: &LabelRow,
    editing: &mut Editing,
    sender: &mut CommandSender,
) {
    more_menu(ui, ctx, rows, row, editing, sender);
    let (icon, word) = if row.excluded { (icons::EYE_SLASH, "Include") } else { (icons::EYE, "Exclude") };
    if icon_button(ui, ctx.theme, icon, &format!("{word} {}", row.name)).clicked() {
        let name = row.name.clone();
        editing.ask(if row.excluded { LabelChange::Use(name) } else { LabelChange::LeaveOut(name) }, rows);
    }
    if icon_button(ui, ctx.theme, icons::PENCIL_SIMPLE, &format!("Rename {}", row.name)).clicked() {
        editing.pending.clear();
        editing.renaming = Some((row.name.clone(), row.name.clone()));
    }
}

/// A cell of fixed width.
fn cell<R>(ui: &mut Ui, ctx: &StepContext<'_>, width: f32, to: egui::Align, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let layout = match to {
        egui::Align::RIGHT => egui::Layout::right_to_left(egui::Align::Center),
        _ => egui::Layout::left_to_right(egui::Align::Center),
    };
    ui.allocate_ui_with_layout(vec2(width, ctx.theme.size.row), layout, |ui| {
        ui.set_min_width(width);
        contents(ui)
    })
    .inner
}

fn name_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    rows: &[LabelRow],
    row: &LabelRow,
    editing: &mut Editing,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let room = ui.available_width();
    let width = if room < NARROW { room - BUTTONS - theme.space.s } else { NAME.min(room * 0.28) };
    if let Some((from, to)) = editing.renaming.as_mut().filter(|(from, _)| *from == row.name) {
        let edit = TextEdit::singleline(&mut *to).desired_width(width - 16.0).align(egui::Align2::LEFT_CENTER);
        let response = cell(ui, ctx, width, egui::Align::LEFT, |ui| ui.add(edit)).accessible_name("New name");
        if response.lost_focus() {
            let change = LabelChange::Rename { from: std::mem::take(from), to: std::mem::take(to) };
            let pressed = |key| ui.input(|input| input.key_pressed(key));
            editing.renaming = None;
            if pressed(egui::Key::Enter) && change.preview(rows).is_some() {
                sender.edit(Edit::Labels(change.apply(ctx.project.labels(), rows)));
            } else if !pressed(egui::Key::Escape) {
                // The person clicked elsewhere: ask whether to apply the new name.
                editing.pending.ask(change, rows);
            }
        } else {
            response.request_focus();
        }
        return;
    }
    let ink = if row.excluded { theme.palette.text_muted } else { theme.palette.text };
    let merged = row.sources.len() > 1 || row.sources.iter().any(|(source, _)| *source != row.name);
    let text = if merged { format!("{}  {}", row.name, icons::GIT_MERGE) } else { row.name.clone() };
    let label = egui::Label::new(RichText::new(text).color(ink)).truncate();
    let response = cell(ui, ctx, width, egui::Align::LEFT, |ui| ui.add(label));
    if merged {
        let sources: Vec<String> =
            row.sources.iter().map(|(source, rows)| format!("{source}: {}", counted(*rows, "row", "rows"))).collect();
        response.on_hover_text(format!("In the file:\n{}", sources.join("\n")));
    }
}

fn bar(ui: &mut Ui, ctx: &StepContext<'_>, (rows, row): (&[LabelRow], &LabelRow), width: f32, most: u64) {
    let theme = ctx.theme;
    let (rect, response) = ui.allocate_exact_size(vec2(width, theme.size.row), egui::Sense::hover());
    let length = (width * row.rows as f32 / most as f32).max(2.0);
    let bar = Rect::from_min_size(rect.left_center() - vec2(0.0, 5.0), vec2(length, 10.0));
    let fill = if row.excluded { theme.palette.border_strong } else { colour_of(ctx, rows, row) };
    ui.painter().rect_filled(bar, CornerRadius::same(theme.radius.small), fill);
    let name = format!("{}: {}", row.name, counted(row.rows, "row", "rows"));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &name));
    response.on_hover_text(name);
}

fn colour_of(ctx: &StepContext<'_>, rows: &[LabelRow], row: &LabelRow) -> egui::Color32 {
    let place = rows.iter().position(|other| std::ptr::eq(other, row)).unwrap_or_default();
    label_colour(ctx.theme, ctx.project.labels().colours.get(&row.name).copied(), place)
}

/// The label's colour, with a menu to change it.
fn colour_menu(ui: &mut Ui, ctx: &StepContext<'_>, (rows, row): (&[LabelRow], &LabelRow), sender: &mut CommandSender) {
    let (theme, settings) = (ctx.theme, ctx.project.labels());
    let dot = |colour| RichText::new("\u{25CF}").color(colour);
    let button = Button::new(dot(colour_of(ctx, rows, row))).frame_when_inactive(false).min_size(vec2(26.0, 26.0));
    let (response, _) = egui::containers::menu::MenuButton::from_button(button).ui(ui, |ui| {
        for (place, name) in COLOURS.into_iter().enumerate() {
            let colour = theme.chart(place);
            if ui.button((dot(colour), name)).accessible_name(name).clicked() {
                let [red, green, blue, _] = colour.to_array();
                sender.edit(Edit::Labels(set_colour(settings, &row.name, Some([red, green, blue]))));
                ui.close();
            }
        }
        let is_chosen = settings.colours.contains_key(&row.name);
        if ui.add_enabled(is_chosen, Button::new("Theme colour")).clicked() {
            sender.edit(Edit::Labels(set_colour(settings, &row.name, None)));
            ui.close();
        }
    });
    response.accessible_name(format!("Colour of {}", row.name)).on_hover_text("Colour of the label's bars");
}

fn more_menu(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    rows: &[LabelRow],
    row: &LabelRow,
    editing: &mut Editing,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let settings = ctx.project.labels();
    let dots = RichText::new(icons::DOTS_THREE).color(theme.palette.text_muted);
    let menu = Button::new(dots).frame_when_inactive(false).min_size(vec2(26.0, 26.0));
    let (response, _) = egui::containers::menu::MenuButton::from_button(menu).ui(ui, |ui| {
        for (text, by) in [("Move up", -1), ("Move down", 1)] {
            if ui.add_enabled(!row.excluded, Button::new(text)).clicked() {
                sender.edit(Edit::Labels(reorder(settings, rows, &row.name, by)));
                ui.close();
            }
        }
        ui.menu_button("Merge into", |ui| {
            for other in rows.iter().filter(|other| other.name != row.name).take(DRAWN) {
                let change = LabelChange::Rename { from: row.name.clone(), to: other.name.clone() };
                let button = ui.button(&other.name).on_hover_ui(|ui| {
                    ui.label(change.preview(rows).unwrap_or_default());
                });
                if button.clicked() {
                    editing.ask(change, rows);
                    ui.close();
                }
            }
        });
    });
    response.accessible_name(format!("More for {}", row.name));
}
