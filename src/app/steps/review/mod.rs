//! The Review step: a queue of misclassified rows to correct one by one.

pub mod queue;

use std::sync::Arc;

use egui::{ComboBox, Frame, Key, Margin, Modifiers, RichText, ScrollArea, Ui, vec2};

use crate::app::commands::UserCommand;
use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender, Edit};
use crate::app::steps::data::files::row_name;
use crate::app::steps::review::queue::{Decision, Order, Queue};
use crate::app::steps::run_header::run_bar_ui;
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{
    Chosen, badge, banner, button, card, empty_state, is_narrow, page, primary_button, probability_bars_ui,
    progress_ui, row_list_ui,
};
use crate::evaluation::Prediction;
use crate::project::{RowEdit, RowId, Step};
use crate::words::{count, counted};
use crate::worker::RunResults;

/// Height of the list when it is above the selected row.
const NARROW_LIST: f32 = 240.0;

/// State kept between frames.
#[derive(Debug, Default)]
pub struct ReviewStepState {
    queue: Queue,
    /// Position of the selected row in the queue.
    selected: Option<usize>,
    /// Decisions since the window opened, for undo: each row with its earlier correction.
    taken_back: Vec<(RowId, Option<RowEdit>)>,
    /// A row to select as soon as it is back in the queue.
    jump_to: Option<RowId>,
}

/// Draws the step.
pub fn review_step_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut ReviewStepState, sender: &mut CommandSender) {
    page(ui, ctx.theme, Step::Review.title(), Step::Review.purpose(), |ui| {
        let Some(results) = ctx.results else {
            let body = "After training, the rows the model got wrong appear here, so that you can correct their \
                        labels and train again";
            empty_state(ui, ctx.theme, icons::LIST_CHECKS, "No trained model yet", body, |ui| {
                if primary_button(ui, ctx.theme, icons::ARROW_RIGHT, "Go to Train", Ok(())).clicked() {
                    sender.send(AppCommand::GoTo(Step::Train));
                }
            });
            return;
        };
        run_bar_ui(ui, ctx, results, sender);
        state.queue.refresh(results, &ctx.project.edits);
        state.settle();
        progress_card(ui, ctx, state, sender);
        if state.queue.all_len() == 0 {
            let body = "Every prediction on the validation and test sets matches the label in the file. There is nothing to review";
            empty_state(ui, ctx.theme, icons::SEAL_CHECK, "No misclassified rows", body, |_| {});
            return;
        }
        keys(ui, ctx, state, results, sender);
        filters(ui, ctx, state, results);
        let gap = ctx.theme.space.m;
        let height = (ui.ctx().content_rect().height() - 330.0).clamp(360.0, 900.0);
        if is_narrow(ui) {
            list(ui, ctx, state, results, NARROW_LIST);
            detail(ui, ctx, state, results, sender, height);
            return;
        }
        let list_width = 360.0_f32.min(ui.available_width() * 0.4);
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = gap;
            ui.allocate_ui(vec2(list_width, height), |ui| {
                ui.vertical(|ui| list(ui, ctx, state, results, height));
            });
            ui.vertical(|ui| detail(ui, ctx, state, results, sender, height));
        });
    });
}

impl ReviewStepState {
    /// Keeps the selection on a row of the queue.
    fn settle(&mut self) {
        if let Some(id) = self.jump_to
            && let Some(place) = self.queue.place_of(id)
        {
            self.selected = Some(place);
            self.jump_to = None;
        }
        let last = self.queue.len().checked_sub(1);
        self.selected = last.map(|last| self.selected.unwrap_or(0).min(last));
    }

    fn current(&self) -> Option<&Prediction> {
        self.queue.row(self.selected?)
    }

    /// Sends a decision about the selected row and moves to the next.
    fn decide(&mut self, ctx: &StepContext<'_>, decision: &Decision, sender: &mut CommandSender) {
        let Some(id) = self.current().map(|prediction| prediction.id) else { return };
        let Some(edit) = decision.edit(ctx, id) else { return };
        self.taken_back.push((id, ctx.project.edits.rows.get(&id).cloned()));
        sender.edit(Edit::Rows(vec![(id, Some(edit))]));
        // When reviewed rows leave the list, the next row moves to this position by itself.
        if !self.queue.filter.unreviewed_only
            && let Some(place) = self.selected.as_mut()
        {
            *place += 1;
        }
    }

    fn take_back(&mut self, sender: &mut CommandSender) {
        if let Some((id, before)) = self.taken_back.pop() {
            sender.edit(Edit::Rows(vec![(id, before)]));
            self.jump_to = Some(id);
        }
    }
}

fn progress_card(ui: &mut Ui, ctx: &StepContext<'_>, state: &ReviewStepState, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let (reviewed, all) = (state.queue.reviewed(), state.queue.all_len());
    let corrections = state.queue.corrections();
    card(ui, theme, |ui| {
        ui.horizontal(|ui| {
            ui.vertical(|ui| {
                let share = if all == 0 { 1.0 } else { reviewed as f32 / all as f32 };
                ui.label(theme.strong(format!(
                    "{} of {} reviewed",
                    count(reviewed as u64),
                    counted(all as u64, "misclassified row", "misclassified rows")
                )));
                progress_ui(ui, theme, "Share of misclassified rows reviewed", Some(share), 320.0);
                if all > 0 {
                    ui.label(theme.small(format!("{} rows", state.queue.sources())));
                }
            });
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let going = ctx.live.is_some_and(crate::app::live_run::LiveRun::is_going);
                let enabled = match corrections {
                    _ if going => Err("Training is already running"),
                    0 => Err("Relabel or exclude a row first"),
                    _ => Ok(()),
                };
                let name = match corrections {
                    0 => "Train again".to_owned(),
                    some => format!("Train again with {}", counted(some as u64, "correction", "corrections")),
                };
                if primary_button(ui, theme, icons::ARROWS_CLOCKWISE, &name, enabled).clicked() {
                    sender.user(UserCommand::Train);
                }
            });
        });
    });
    if ctx.imported.is_none() {
        let body = "Hone needs the data file to save corrections. It is still loading, or it could not be read: \
                    see the Data step";
        banner(ui, theme, Tone::Warning, "The data isn't loaded", body, |_| {});
    }
}

/// Handles the keys of this page, unless a text field or button has the focus or a dialog is open.
fn keys(ui: &Ui, ctx: &StepContext<'_>, state: &mut ReviewStepState, results: &RunResults, sender: &mut CommandSender) {
    let elsewhere = ui.memory(|memory| memory.focused().is_some() || memory.top_modal_layer().is_some());
    if elsewhere || !ui.is_enabled() {
        return;
    }
    let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    let number_keys =
        [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];
    for (label, key) in results.settings.labels.iter().zip(number_keys) {
        if pressed(key) {
            state.decide(ctx, &Decision::Label(label.clone()), sender);
            return;
        }
    }
    if pressed(Key::Space) {
        state.decide(ctx, &Decision::Keep, sender);
    } else if pressed(Key::X) {
        state.decide(ctx, &Decision::Exclude, sender);
    } else if pressed(Key::U) {
        state.take_back(sender);
    } else if pressed(Key::ArrowDown) || pressed(Key::ArrowRight) {
        state.selected = state.selected.map(|place| place + 1);
        state.settle();
    } else if pressed(Key::ArrowUp) || pressed(Key::ArrowLeft) {
        state.selected = state.selected.map(|place| place.saturating_sub(1));
    }
}

fn filters(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut ReviewStepState, results: &RunResults) {
    let labels = &results.settings.labels;
    let mut filter = state.queue.filter.clone();
    ui.horizontal_wrapped(|ui| {
        ui.selectable_value(&mut filter.unreviewed_only, true, "Not yet reviewed");
        ui.selectable_value(&mut filter.unreviewed_only, false, "All");
        ui.add_space(ctx.theme.space.s);
        label_choice(ui, "In the file", labels, &mut filter.truth);
        label_choice(ui, "Predicted", labels, &mut filter.predicted);
        let combo = ComboBox::from_id_salt("order").width(150.0).selected_text(filter.order.name()).show_ui(ui, |ui| {
            for order in Order::ALL {
                ui.selectable_value(&mut filter.order, order, order.name());
            }
        });
        combo
            .response
            .accessible_name("Order")
            .on_hover_text("The most confident mistakes are often wrong labels in the file");
    });
    if filter != state.queue.filter {
        state.queue.set_filter(filter, results, &ctx.project.edits);
        state.selected = Some(0);
        state.settle();
    }
}

fn label_choice(ui: &mut Ui, name: &str, labels: &[String], choice: &mut Option<u32>) {
    let shown = choice.and_then(|class| labels.get(class as usize)).map_or("any", String::as_str);
    let combo = ComboBox::from_id_salt(name).width(150.0).selected_text(format!("{name}: {shown}")).show_ui(ui, |ui| {
        ui.selectable_value(choice, None, "any");
        for (class, label) in (0..).zip(labels) {
            ui.selectable_value(choice, Some(class), label);
        }
    });
    combo.response.accessible_name(format!("Label {}", name.to_lowercase()));
}

fn list(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut ReviewStepState, results: &RunResults, height: f32) {
    let theme = ctx.theme;
    card(ui, theme, |ui| {
        let inner = height - 2.0 * theme.space.l;
        ui.set_height(inner);
        if state.queue.len() == 0 {
            ui.add_space(theme.space.xl);
            ui.vertical_centered(|ui| {
                ui.label(RichText::new(icons::CHECK_CIRCLE).size(theme.text.display).color(theme.palette.success));
                ui.label(theme.muted("No rows match these filters"));
            });
            return;
        }
        let ReviewStepState { queue, selected, .. } = state;
        let labels = &results.settings.labels;
        row_list_ui(ui, theme, labels, queue.predictions(), queue.places(), selected, inner);
    });
}

fn detail(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut ReviewStepState,
    results: &Arc<RunResults>,
    sender: &mut CommandSender,
    height: f32,
) {
    let theme = ctx.theme;
    card(ui, theme, |ui| {
        ui.set_min_height(height - 2.0 * theme.space.l);
        let Some(prediction) = state.current().cloned() else {
            ui.label(theme.muted("Select a row in the list, or change the filters"));
            return;
        };
        let edit = ctx.project.edits.rows.get(&prediction.id);
        badges(ui, ctx, &prediction, edit);
        ui.add_space(theme.space.s);
        let fill = theme.palette.sunken;
        Frame::new()
            .fill(fill)
            .corner_radius(theme.radius.medium)
            .inner_margin(Margin::same(theme.space.l as i8))
            .show(ui, |ui| {
                ScrollArea::vertical().id_salt("text").max_height(height * 0.32).auto_shrink([false, true]).show(
                    ui,
                    |ui| {
                        let text =
                            RichText::new(&prediction.text).size(theme.text.heading + 2.0).line_height(Some(26.0));
                        ui.add(egui::Label::new(text).wrap().selectable(true));
                    },
                );
            });
        ui.add_space(theme.space.m);
        let chosen = Chosen { predicted: prediction.predicted().unwrap_or_default(), truth: prediction.label() };
        ScrollArea::vertical().id_salt("bars").max_height(height * 0.34).auto_shrink([false, true]).show(ui, |ui| {
            probability_bars_ui(ui, theme, &results.settings.labels, prediction.probabilities(), chosen, true);
        });
        ui.add_space(theme.space.s);
        actions(ui, ctx, state, results, sender);
    });
}

fn badges(ui: &mut Ui, ctx: &StepContext<'_>, prediction: &Prediction, edit: Option<&RowEdit>) {
    let theme = ctx.theme;
    let key = prediction.key.as_ref().map(|key| format!("  ·  {key}")).unwrap_or_default();
    let name = format!("{}{key}", row_name(ctx, prediction.id));
    ui.horizontal_top(|ui| {
        // The same margin as a badge, so that both line up.
        Frame::new().inner_margin(Margin::symmetric(0, 2)).show(ui, |ui| ui.label(theme.small(name)));
        match edit {
            Some(edit) if edit.excluded => badge(ui, theme, Tone::Warning, icons::PROHIBIT, "excluded"),
            Some(edit) if edit.target.is_some() => {
                let label = edit.label().unwrap_or_default();
                badge(ui, theme, Tone::Accent, icons::TAG, &format!("relabelled as {label}"))
            }
            Some(edit) if edit.kept => badge(ui, theme, Tone::Success, icons::CHECK, "kept"),
            _ => badge(ui, theme, Tone::Neutral, icons::CIRCLE_DASHED, "not yet reviewed"),
        };
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
        let keep = ui.add_enabled_ui(at_hand, |ui| button(ui, theme, icons::CHECK, "Keep (Space)")).inner;
        if keep.on_hover_text("Confirm that the label in the file is right").clicked() {
            state.decide(ctx, &Decision::Keep, sender);
        }
        let exclude = ui.add_enabled_ui(at_hand, |ui| button(ui, theme, icons::PROHIBIT, "Exclude (X)")).inner;
        if exclude.on_hover_text("Exclude this row from training and evaluation").clicked() {
            state.decide(ctx, &Decision::Exclude, sender);
        }
        let some = !state.taken_back.is_empty();
        let undo = ui.add_enabled_ui(some, |ui| button(ui, theme, icons::ARROW_U_UP_LEFT, "Undo (U)")).inner;
        if undo.on_hover_text("Undo the last decision").clicked() {
            state.take_back(sender);
        }
    });
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing::{Scene, imported, picture, window};
    use crate::data::RowColumns;

    /// The step in a window that applies its corrections.
    fn open(scene: Scene, dark: bool) -> Harness<'static, (Scene, ReviewStepState)> {
        window(dark, (scene, ReviewStepState::default()), |ui, (scene, state)| {
            scene.show(|ctx, sender| review_step_ui(ui, ctx, state, sender));
            for command in scene.sender.take() {
                match command {
                    AppCommand::Edit(Edit::Rows(rows)) => apply(scene, rows),
                    other => scene.asked.push(other),
                }
            }
        })
    }

    fn apply(scene: &mut Scene, rows: Vec<(RowId, Option<RowEdit>)>) {
        for (id, edit) in rows {
            match edit {
                Some(edit) => scene.project.edits.rows.insert(id, edit),
                None => scene.project.edits.rows.remove(&id),
            };
        }
    }

    fn with_data(dark: bool) -> Scene {
        let mut scene = Scene::trained(dark);
        scene.answers.imported.value = Some(imported());
        scene
    }

    #[test]
    fn keys_relabel_keep_exclude_and_undo() {
        let mut harness = open(with_data(false), false);
        harness.run();
        let all = harness.state().1.queue.len();
        let first = harness.state().1.current().unwrap().id;
        harness.key_press(Key::Num2);
        harness.run();
        let edit = harness.state().0.project.edits.rows[&first].clone();
        assert_eq!(edit.label(), Some("neutral"));
        assert_eq!(edit.content_hash.len(), 64);
        assert_eq!(harness.state().1.queue.len(), all - 1);
        harness.get_by_label("Train again with 1 correction");

        harness.key_press(Key::Space);
        harness.run();
        harness.key_press(Key::X);
        harness.run();
        let edits = &harness.state().0.project.edits;
        assert_eq!((edits.rows.len(), edits.corrections()), (3, 2));
        picture("review-decided", &mut harness);

        for _ in 0..3 {
            harness.key_press(Key::U);
            harness.run();
        }
        assert!(harness.state().0.project.edits.rows.is_empty());
        assert_eq!(harness.state().1.current().unwrap().id, first);
    }

    #[test]
    fn arrow_keys_move_the_selection_and_the_button_trains_again() {
        for dark in [false, true] {
            let mut harness = open(with_data(dark), dark);
            harness.run();
            harness.key_press(Key::ArrowDown);
            harness.run();
            assert_eq!(harness.state().1.selected, Some(1));
            picture(if dark { "review-dark" } else { "review-light" }, &mut harness);
            harness.key_press(Key::X);
            harness.run();
            harness.get_by_label("Train again with 1 correction").click();
            harness.run();
            assert_eq!(harness.state().0.asked, [AppCommand::User(UserCommand::Train)]);
        }
    }

    #[test]
    fn choosing_the_label_that_a_row_has_keeps_it() {
        let mut harness = open(with_data(false), false);
        harness.run();
        let (scene, state) = harness.state();
        let first = state.current().unwrap().id;
        let imported = scene.answers.imported.value.clone().unwrap();
        let row = imported.main.table.records.binary_search(&first.record).unwrap();
        let in_file =
            RowColumns::of(&imported.main.table, &scene.project.dataset).unwrap().label(row).text().to_owned();
        let place =
            scene.answers.results.value.as_ref().unwrap().settings.labels.iter().position(|label| *label == in_file);
        harness.key_press([Key::Num1, Key::Num2, Key::Num3][place.unwrap()]);
        harness.run();
        let edit = &harness.state().0.project.edits.rows[&first];
        assert!(edit.kept && edit.label().is_none(), "{edit:?}");
        assert_eq!(harness.state().0.project.edits.corrections(), 0);
    }

    #[test]
    fn corrections_need_the_data_file_and_a_banner_says_so() {
        let mut harness = open(Scene::trained(false), false);
        harness.run();
        harness.key_press(Key::X);
        harness.run();
        assert!(harness.state().0.project.edits.rows.is_empty());
        harness.get_by_label("The data isn't loaded");
    }
}
