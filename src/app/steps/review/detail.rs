//! The selected row: its text, how the model sees it, and the buttons that decide about it.

use std::sync::Arc;

use egui::{Frame, Margin, RichText, ScrollArea, Ui};

use crate::app::context::StepContext;
use crate::app::messages::CommandSender;
use crate::app::steps::data::files::row_name;
use crate::app::steps::review::queue::Decision;
use crate::app::steps::review::state::ReviewStepState;
use crate::app::theme::{Theme, Tone, icons};
use crate::app::widgets::{BarShape, Chosen, badge, button, button_if, card, fill, probability_bars_ui};
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

/// Height of the text before the bars take a smaller shape.
const TEXT: f32 = 120.0;
/// Least height of the text above bars that stay in place.
const LEAST_TEXT: f32 = 60.0;

/// Where the buttons of the selected row are. Either way they stay in place from row to row.
#[derive(Clone, Copy, Debug)]
pub enum Arrangement {
    /// At the bottom of a card of this height, in which the text scrolls.
    ButtonsLast(f32),
    /// At the top of a card that is as high as it needs to be. Bars beside their names come before the text, so that they
    /// are in sight as well.
    ButtonsFirst(BarShape),
}

/// Draws the selected row, in a card with `spare` points more than it needs.
pub fn detail(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut ReviewStepState,
    results: &Arc<RunResults>,
    sender: &mut CommandSender,
    (arrangement, spare): (Arrangement, f32),
) {
    let theme = ctx.theme;
    card(ui, theme, |ui| {
        let current = state.current().cloned();
        if let Some(prediction) = &current {
            badges(ui, ctx, prediction, ctx.project.edits.rows.get(&prediction.id));
            ui.add_space(theme.space.s);
        }
        match (current, arrangement) {
            (Some(prediction), Arrangement::ButtonsLast(height)) => {
                buttons_last(ui, ctx, state, (&prediction, results), sender, height);
            }
            (Some(prediction), Arrangement::ButtonsFirst(shape)) => {
                buttons_first(ui, ctx, state, (&prediction, results), sender, shape);
            }
            (None, _) => {
                if let Arrangement::ButtonsLast(height) = arrangement {
                    ui.set_min_height((height - 2.0 * theme.space.l).max(0.0));
                }
                ui.label(theme.muted("Select a row in the list, or change the filters"));
            }
        }
        fill(ui, spare);
    });
}

/// Draws the buttons above the text and the bars.
fn buttons_first(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut ReviewStepState,
    (prediction, results): (&Prediction, &RunResults),
    sender: &mut CommandSender,
    shape: BarShape,
) {
    let theme = ctx.theme;
    actions(ui, ctx, state, results, sender);
    ui.add_space(theme.space.s);
    if shape == BarShape::Beside {
        bars_ui(ui, ctx, prediction, results, shape);
        ui.add_space(theme.space.s);
    }
    text_ui(ui, ctx, prediction, shape);
    if shape == BarShape::Below {
        bars_ui(ui, ctx, prediction, results, shape);
    }
}

/// Draws the buttons at the bottom of a card of this height. Whatever the row, they stay where they are.
fn buttons_last(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut ReviewStepState,
    (prediction, results): (&Prediction, &RunResults),
    sender: &mut CommandSender,
    height: f32,
) {
    let theme = ctx.theme;
    let id = ui.scope_id().with("height of the buttons");
    let below: f32 = ui.data(|data| data.get_temp(id)).unwrap_or(84.0);
    let used = ui.cursor().top() - ui.min_rect().top();
    let room = height - 2.0 * theme.space.l - used - below - theme.space.s;
    let top = ui.cursor().top();
    text_and_bars(ui, ctx, prediction, results, room);
    ui.add_space((top + room - ui.cursor().top()).max(0.0) + theme.space.s);
    let top = ui.cursor().top();
    actions(ui, ctx, state, results, sender);
    let took = ui.min_rect().bottom() - top;
    if (took - below).abs() > 0.5 {
        ui.data_mut(|data| data.insert_temp(id, took));
        ui.ctx().request_discard("the buttons stay at the bottom");
    }
}

/// Draws the text and all bars in `room` points: the text scrolls, and the bars get smaller if they must. Where even that
/// is too much, because there are many labels, both scroll together.
fn text_and_bars(ui: &mut Ui, ctx: &StepContext<'_>, prediction: &Prediction, results: &RunResults, room: f32) {
    let theme = ctx.theme;
    let labels = results.settings.labels.len();
    let left = |shape: BarShape| room - shape.height_of(labels) - above(theme, shape) - ui.spacing().item_spacing.y;
    let fits = [(BarShape::Below, TEXT), (BarShape::Beside, LEAST_TEXT)];
    let fits = fits.map(|(shape, least)| (left(shape) >= least).then(|| (shape, left(shape))));
    let scroll = |height: f32| {
        let area = ScrollArea::vertical().id_salt("row").max_height(height).min_scrolled_height(height);
        area.auto_shrink([false, true])
    };
    if let Some((shape, height)) = fits.into_iter().flatten().next() {
        scroll(height).show(ui, |ui| text_ui(ui, ctx, prediction, shape));
        bars_ui(ui, ctx, prediction, results, shape);
        return;
    }
    scroll(room).show(ui, |ui| {
        text_ui(ui, ctx, prediction, BarShape::Beside);
        bars_ui(ui, ctx, prediction, results, BarShape::Beside);
    });
}

/// The text, in smaller letters above smaller bars.
fn text_ui(ui: &mut Ui, ctx: &StepContext<'_>, prediction: &Prediction, shape: BarShape) {
    let theme = ctx.theme;
    let (margin, size, line) = match shape {
        BarShape::Below => (theme.space.l, theme.text.heading + 2.0, 26.0),
        BarShape::Beside => (theme.space.xs, theme.text.heading, 22.0),
    };
    let frame = Frame::new().fill(theme.palette.sunken).corner_radius(theme.radius.medium);
    frame.inner_margin(Margin::symmetric(theme.space.l as i8, margin as i8)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let text = RichText::new(&prediction.text).size(size).line_height(Some(line));
        ui.add(egui::Label::new(text).wrap().selectable(true));
    });
}

/// Space above the bars.
fn above(theme: &Theme, shape: BarShape) -> f32 {
    match shape {
        BarShape::Below => theme.space.m,
        BarShape::Beside => theme.space.xs,
    }
}

fn bars_ui(ui: &mut Ui, ctx: &StepContext<'_>, prediction: &Prediction, results: &RunResults, shape: BarShape) {
    let theme = ctx.theme;
    ui.add_space(above(theme, shape));
    let chosen = Chosen { predicted: prediction.predicted().unwrap_or_default(), truth: prediction.label() };
    probability_bars_ui(ui, theme, &results.settings.labels, prediction.probabilities(), chosen, (true, shape));
}

fn badges(ui: &mut Ui, ctx: &StepContext<'_>, prediction: &Prediction, edit: Option<&RowEdit>) {
    let theme = ctx.theme;
    let name = name_with_key(row_name(ctx, prediction.id), prediction);
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

/// A row's name, with its id if the id is not only its number.
fn name_with_key(name: String, prediction: &Prediction) -> String {
    let says_more = |key: &&String| key.parse() != Ok(prediction.id.record);
    match prediction.key.as_ref().filter(says_more) {
        Some(key) => format!("{name}  ·  {key}"),
        None => name,
    }
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
