//! Several selected rows, and the corrections that can be made to all of them at once.

use egui::{Align, Layout, RichText, ScrollArea, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{CommandSender, Edit};
use crate::app::steps::labels::label_list::{DRAWN, more_labels};
use crate::app::steps::labels::row_selection::{MOST_AT_ONCE, Selection};
use crate::app::steps::review::queue::Decision;
use crate::app::theme::icons;
use crate::app::widgets::{TableAsk, ask_table, button, button_if, heading_ui, icon_button};
use crate::data::RowView;
use crate::project::{RowEdit, RowId};
use crate::words::{count, counted, one_line};
use crate::worker::RowSource;

/// Most labels that have a button each; more are in a menu.
const BUTTONS: usize = 6;
/// Characters of a label on its button.
const NAME: usize = 32;

/// Draws how many rows are selected, and what can be done with them.
pub fn several_rows_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    (source, rows): (&RowSource, &RowView<'_>),
    selection: &mut Selection,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    ui.spacing_mut().item_spacing.x = theme.space.s;
    let mut close = false;
    ui.horizontal(|ui| {
        heading_ui(ui, theme, format!("{} selected", counted(selection.len(), "row", "rows")));
        if selection.elsewhere() > 0 {
            ui.label(theme.small(format!("{} not in the list", count(selection.elsewhere()))));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            close = icon_button(ui, theme, icons::X, "Clear the selection (Esc)").clicked();
        });
    });
    let Some(ids) = selection.ids() else {
        let most = count(MOST_AT_ONCE);
        let text = format!("Up to {most} rows can be corrected at once. Filter the rows, or select fewer");
        ui.add(egui::Label::new(theme.muted(text)).wrap());
        if close {
            selection.clear();
        }
        return;
    };
    let text = "Correct all of them at once. One undo brings them all back. Your file isn't changed";
    ui.add(egui::Label::new(theme.muted(text)).wrap());
    ui.add_space(theme.space.s);
    if let Some(label) = relabel_ui(ui, ctx, source) {
        let others = ids.iter().filter(|&&id| rows.place(id).is_none_or(|place| rows.label(place) != label));
        decide(ctx, &Decision::Label(label.clone()), others.copied(), sender);
    }
    ui.add_space(theme.space.s);
    actions_ui(ui, ctx, ids, sender);
    if close {
        selection.clear();
    }
}

/// A button for each label, or a menu if there are many. Returns the one chosen.
fn relabel_ui(ui: &mut Ui, ctx: &StepContext<'_>, source: &RowSource) -> Option<String> {
    let (theme, labels) = (ctx.theme, &source.prepared.labels);
    let mut chosen = None;
    ui.label(theme.small("Relabel as"));
    ui.horizontal_wrapped(|ui| {
        if labels.len() <= BUTTONS {
            for label in labels {
                let shown = button(ui, theme, icons::TAG, &one_line(label, NAME));
                if shown.accessible_name(format!("Relabel as {label}")).clicked() {
                    chosen = Some(label.clone());
                }
            }
            return;
        }
        let menu = ui.menu_button(RichText::new(format!("{}  Choose a label", icons::TAG)), |ui| {
            ScrollArea::vertical().max_height(300.0).show(ui, |ui| {
                for label in labels.iter().take(DRAWN) {
                    if ui.button(label).clicked() {
                        chosen = Some(label.clone());
                        ui.close();
                    }
                }
                more_labels(ui, theme, labels);
            });
        });
        menu.response.accessible_name("Choose a label");
    });
    chosen
}

fn actions_ui(ui: &mut Ui, ctx: &StepContext<'_>, ids: &[RowId], sender: &mut CommandSender) {
    let (theme, edits) = (ctx.theme, &ctx.project.edits.rows);
    ui.horizontal_wrapped(|ui| {
        let used = |id: &RowId| edits.get(id).is_none_or(|edit| !edit.excluded);
        let exclude = button_if(ui, theme, ids.iter().any(used), icons::PROHIBIT, "Exclude");
        if exclude.on_hover_text("Exclude these rows from training and evaluation").clicked() {
            decide(ctx, &Decision::Exclude, ids.iter().copied().filter(used), sender);
        }
        let corrected = |id: &RowId| edits.contains_key(id);
        let remove = button_if(ui, theme, ids.iter().any(corrected), icons::ARROW_U_UP_LEFT, "Remove corrections");
        if remove.on_hover_text("Use these rows as they are in the file").clicked() {
            sender.edit(Edit::Rows(ids.iter().copied().filter(corrected).map(|id| (id, None)).collect()));
        }
        let copy = button(ui, theme, icons::COPY, "Copy rows");
        if copy.on_hover_text("Copy the columns shown, for a spreadsheet").clicked() {
            ask_table(ui.ctx(), TableAsk::Copy);
            ui.ctx().request_repaint();
        }
    });
}

/// Makes one edit of all rows.
fn decide(ctx: &StepContext<'_>, decision: &Decision, ids: impl Iterator<Item = RowId>, sender: &mut CommandSender) {
    let edits: Vec<(RowId, Option<RowEdit>)> =
        ids.filter_map(|id| decision.edit(ctx, id).map(|edit| (id, Some(edit)))).collect();
    if !edits.is_empty() {
        sender.edit(Edit::Rows(edits));
    }
}
