//! The selected row: its text, how the model sees it, and the buttons that decide about it.

use std::sync::Arc;

use egui::{Frame, Margin, RichText, ScrollArea, Ui};

use crate::app::context::StepContext;
use crate::app::messages::CommandSender;
use crate::app::steps::data::files::row_name;
use crate::app::steps::review::queue::Decision;
use crate::app::steps::review::state::ReviewStepState;
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{Chosen, badge, button, button_if, card, probability_bars_ui};
use crate::evaluation::Prediction;
use crate::project::RowEdit;
use crate::worker::RunResults;

/// What was decided about a row, in a word.
pub fn decided(edit: Option<&RowEdit>) -> Option<(&'static str, String)> {
    match edit? {
        edit if edit.excluded => Some((icons::PROHIBIT, "excluded".to_owned())),
        edit if edit.target.is_some() => {
            Some((icons::TAG, format!("relabelled as {}", edit.label().unwrap_or_default())))
        }
        edit if edit.kept => Some((icons::CHECK, "kept".to_owned())),
        _ => None,
    }
}

/// Draws the selected row. With a height, its buttons stay at the bottom and its text scrolls above them; without one, they
/// stand above the text. Either way they stay in place from row to row.
pub fn detail(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut ReviewStepState,
    results: &Arc<RunResults>,
    sender: &mut CommandSender,
    height: Option<f32>,
) {
    let theme = ctx.theme;
    card(ui, theme, |ui| {
        let Some(prediction) = state.current().cloned() else {
            ui.set_min_height((height.unwrap_or_default() - 2.0 * theme.space.l).max(0.0));
            ui.label(theme.muted("Select a row in the list, or change the filters"));
            return;
        };
        let edit = ctx.project.edits.rows.get(&prediction.id);
        badges(ui, ctx, &prediction, edit);
        ui.add_space(theme.space.s);
        let Some(height) = height else {
            actions(ui, ctx, state, results, sender);
            ui.add_space(theme.space.s);
            text_and_bars(ui, ctx, &prediction, results);
            return;
        };
        let id = ui.scope_id().with("height of the buttons");
        let below: f32 = ui.data(|data| data.get_temp(id)).unwrap_or(84.0);
        let used = ui.cursor().top() - ui.min_rect().top();
        let room = height - 2.0 * theme.space.l - used - below - 2.0 * theme.space.s;
        ScrollArea::vertical()
            .id_salt("row")
            .max_height(room)
            .min_scrolled_height(room)
            .auto_shrink(false)
            .show(ui, |ui| text_and_bars(ui, ctx, &prediction, results));
        ui.add_space(theme.space.s);
        let top = ui.cursor().top();
        actions(ui, ctx, state, results, sender);
        let took = ui.min_rect().bottom() - top;
        if (took - below).abs() > 0.5 {
            ui.data_mut(|data| data.insert_temp(id, took));
            ui.ctx().request_discard("the buttons stay at the bottom");
        }
    });
}

fn text_and_bars(ui: &mut Ui, ctx: &StepContext<'_>, prediction: &Prediction, results: &RunResults) {
    let theme = ctx.theme;
    let frame = Frame::new().fill(theme.palette.sunken).corner_radius(theme.radius.medium);
    frame.inner_margin(Margin::same(theme.space.l as i8)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let text = RichText::new(&prediction.text).size(theme.text.heading + 2.0).line_height(Some(26.0));
        ui.add(egui::Label::new(text).wrap().selectable(true));
    });
    ui.add_space(theme.space.m);
    let chosen = Chosen { predicted: prediction.predicted().unwrap_or_default(), truth: prediction.label() };
    probability_bars_ui(ui, theme, &results.settings.labels, prediction.probabilities(), chosen, true);
}

fn badges(ui: &mut Ui, ctx: &StepContext<'_>, prediction: &Prediction, edit: Option<&RowEdit>) {
    let theme = ctx.theme;
    let key = prediction.key.as_ref().map(|key| format!("  ·  {key}")).unwrap_or_default();
    let name = format!("{}{key}", row_name(ctx, prediction.id));
    ui.horizontal_wrapped(|ui| {
        // The same margin as a badge, so that both line up.
        Frame::new().inner_margin(Margin::symmetric(0, 2)).show(ui, |ui| ui.label(theme.small(name)));
        let tone = match edit {
            Some(edit) if edit.excluded => Tone::Warning,
            Some(edit) if edit.target.is_some() => Tone::Accent,
            Some(edit) if edit.kept => Tone::Success,
            _ => Tone::Neutral,
        };
        let (icon, word) = decided(edit).unwrap_or((icons::CIRCLE_DASHED, "not yet reviewed".to_owned()));
        badge(ui, theme, tone, icon, &word);
    });
}

fn actions(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut ReviewStepState,
    results: &RunResults,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let at_hand = ctx.imported.is_some();
    ui.horizontal_wrapped(|ui| {
        if !at_hand {
            ui.disable();
        }
        ui.label(theme.small("The label should be"));
        for (key, label) in (1..).zip(&results.settings.labels).take(9) {
            let hover = format!("Relabel as {label} (key {key})");
            if button(ui, theme, "", &format!("{key}  {label}")).on_hover_text(hover).clicked() {
                state.decide(ctx, &Decision::Label(label.clone()), sender);
            }
        }
    });
    ui.horizontal_wrapped(|ui| {
        let keep = button_if(ui, theme, at_hand, icons::CHECK, "Keep (Space)");
        if keep.on_hover_text("Confirm that the label in the file is right").clicked() {
            state.decide(ctx, &Decision::Keep, sender);
        }
        let exclude = button_if(ui, theme, at_hand, icons::PROHIBIT, "Exclude (X)");
        if exclude.on_hover_text("Exclude this row from training and evaluation").clicked() {
            state.decide(ctx, &Decision::Exclude, sender);
        }
        let some = !state.taken_back.is_empty();
        let undo = button_if(ui, theme, some, icons::ARROW_U_UP_LEFT, "Undo (U)");
        if undo.on_hover_text("Undo the last decision").clicked() {
            state.take_back(sender);
        }
    });
}
