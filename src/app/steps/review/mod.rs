//! The Review step: a queue of misclassified rows to correct one by one.

mod detail;
pub mod queue;
mod state;
mod training_rows;

use std::sync::Arc;

use egui::{ComboBox, Key, Modifiers, RichText, Ui};

use crate::app::commands::UserCommand;
use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::steps::review::detail::{Arrangement, decided, detail};
use crate::app::steps::review::queue::{Decision, Order, QueueFilter};
pub use crate::app::steps::review::state::ReviewStepState;
use crate::app::steps::review::training_rows::training_rows_ui;
use crate::app::steps::run_header::run_bar_ui;
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{
    BarShape, RowList, after_page, badge, banner, card, empty_state, is_narrow, make_room, page, page_height,
    primary_button, progress_ui, row_list_ui, side_by_side,
};
use crate::data::Side;
use crate::project::Step;
use crate::words::{count, counted};
use crate::worker::RunResults;

/// Width of a menu.
const CHOICE: f32 = 190.0;
/// Below this height of a page, the rows need the place of the sentence below its title.
const SHORT: f32 = 560.0;
/// Least height of the list and of the selected row.
const LEAST: f32 = 270.0;

/// Draws the step.
pub fn review_step_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut ReviewStepState, sender: &mut CommandSender) {
    let short = (1.0..SHORT).contains(&page_height(ui));
    let purpose = if short { "" } else { Step::Review.purpose() };
    page(ui, ctx.theme, Step::Review.title(), purpose, |ui| {
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
        let checked = ctx.answers.training_mistakes.about(&results.folder).and_then(|slot| slot.value.as_ref());
        state.queue.refresh(results, checked.map(|rows| rows.as_slice()), &ctx.project.edits);
        state.take_show_only(&results.summary.run, &ctx.project.edits);
        state.settle();
        progress_row(ui, ctx, state, sender);
        if !short {
            training_rows_ui(ui, ctx, &state.queue, results, sender);
        }
        if state.queue.all_len() == 0 {
            let body = "Every prediction on the validation and test sets matches the label in the file. There is nothing to review";
            empty_state(ui, ctx.theme, icons::SEAL_CHECK, "No misclassified rows", body, |_| {});
            return;
        }
        keys(ui, ctx, state, results, sender);
        filters(ui, ctx, state, results);
        rows_ui(ui, ctx, state, results, sender);
        if short {
            // Last, so that the buttons of the selected row are in sight.
            training_rows_ui(ui, ctx, &state.queue, results, sender);
        }
    });
}

/// The list and the selected row, beside each other or one above the other.
fn rows_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut ReviewStepState,
    results: &Arc<RunResults>,
    sender: &mut CommandSender,
) {
    if is_narrow(ui) {
        detail(ui, ctx, state, results, sender, (Arrangement::ButtonsFirst(BarShape::Below), 0.0));
        let height = RowList::height_of(state.queue.len()).min(page_height(ui) * 0.8) + 2.0 * ctx.theme.space.l;
        after_page(ui, |ui| list(ui, ctx, state, results, height.max(LEAST)));
        return;
    }
    let (gap, margin) = (ctx.theme.space.m, ctx.theme.space.xl);
    let used = ui.cursor().top() - ui.min_rect().top() + 2.0 * margin + ctx.theme.space.s;
    let room = page_height(ui) - used;
    let height = room.max(LEAST);
    let arrangement =
        if room >= LEAST { Arrangement::ButtonsLast(height) } else { Arrangement::ButtonsFirst(BarShape::Beside) };
    let list_width = (ui.available_width() * 0.4).min(560.0);
    side_by_side(
        ui,
        ctx.theme,
        ("list and row", list_width / (ui.available_width() - gap)),
        state,
        |ui, state, spare| list(ui, ctx, state, results, height + spare),
        |ui, state, spare| detail(ui, ctx, state, results, sender, (arrangement, spare)),
    );
}

fn progress_row(ui: &mut Ui, ctx: &StepContext<'_>, state: &ReviewStepState, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let (reviewed, all) = (state.queue.reviewed(), state.queue.all_len());
    let corrections = state.queue.corrections();
    let share = if all == 0 { 1.0 } else { reviewed as f32 / all as f32 };
    let rows = counted(all as u64, "misclassified row", "misclassified rows");
    let text = format!("{} of {rows} reviewed", count(reviewed as u64));
    let progress = |ui: &mut Ui| {
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            ui.add(egui::Label::new(theme.strong(text)).wrap());
            if all > 0 {
                ui.add(egui::Label::new(theme.small(format!("{} rows", state.queue.sources()))).wrap());
            }
        });
        let width = 240.0_f32.min(ui.available_width());
        progress_ui(ui, theme, "Share of misclassified rows reviewed", Some(share), width);
    };
    if is_narrow(ui) {
        progress(ui);
        train_again(ui, ctx, corrections, sender);
    } else {
        ui.horizontal(|ui| {
            progress(ui);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                train_again(ui, ctx, corrections, sender);
            });
        });
    }
    if ctx.imported.is_none() {
        let body = "Hone needs the data file to save corrections. It is still loading, or it could not be read: \
                    see the Data step";
        banner(ui, theme, Tone::Warning, "The data isn't loaded", body, |_| {});
    }
}

fn train_again(ui: &mut Ui, ctx: &StepContext<'_>, corrections: usize, sender: &mut CommandSender) {
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
    if primary_button(ui, ctx.theme, icons::ARROWS_CLOCKWISE, &name, enabled).clicked() {
        sender.user(UserCommand::Train);
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
        side_choice(ui, &mut filter.side);
        make_room(ui, CHOICE);
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
    if let Some(only) = &filter.only {
        let shown = counted(only.len(), "row", "rows");
        ui.horizontal_wrapped(|ui| {
            badge(ui, ctx.theme, Tone::Accent, icons::FUNNEL, &format!("Only the {shown} chosen in Runs"));
            if ui.link("Show all mistakes").clicked() {
                filter = QueueFilter::default();
            }
        });
    }
    if filter != state.queue.filter {
        state.queue.set_filter(filter, &ctx.project.edits);
        state.selected = Some(0);
        state.settle();
    }
}

fn label_choice(ui: &mut Ui, name: &str, labels: &[String], choice: &mut Option<u32>) {
    let shown = choice.and_then(|class| labels.get(class as usize)).map_or("any", String::as_str);
    make_room(ui, CHOICE);
    let combo = ComboBox::from_id_salt(name).width(150.0).selected_text(format!("{name}: {shown}")).show_ui(ui, |ui| {
        ui.selectable_value(choice, None, "any");
        for (class, label) in (0..).zip(labels) {
            ui.selectable_value(choice, Some(class), label);
        }
    });
    combo.response.accessible_name(format!("Label {}", name.to_lowercase()));
}

fn side_choice(ui: &mut Ui, choice: &mut Option<Side>) {
    let shown = choice.map_or("any", Side::in_words);
    make_room(ui, CHOICE);
    let combo = ComboBox::from_id_salt("set").width(150.0).selected_text(format!("Set: {shown}")).show_ui(ui, |ui| {
        ui.selectable_value(choice, None, "any");
        for side in Side::ALL {
            ui.selectable_value(choice, Some(side), side.in_words());
        }
    });
    combo.response.accessible_name("Set");
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
        let list = RowList {
            labels: &results.settings.labels,
            predictions: queue.predictions(),
            rows: queue.places(),
            decided: &|id| decided(ctx.project.edits.rows.get(&id)),
            height: inner,
        };
        row_list_ui(ui, theme, list, selected);
    });
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::messages::Edit;
    use crate::app::testing::{Scene, imported, picture, window};
    use crate::data::RowColumns;
    use crate::project::{RowEdit, RowId};

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
    fn the_list_and_the_selected_row_end_at_the_same_height() {
        for size in [[1280.0, 800.0], [1024.0, 640.0], [900.0, 500.0]] {
            let mut harness = open(with_data(false), false);
            harness.set_size(size.into());
            harness.run();
            // How high a page is shows in the frame before.
            harness.run_steps(4);
            let border = harness.state().0.theme.palette.border;
            let is_card = |rect: &egui::epaint::RectShape| rect.stroke.color == border && rect.rect.height() > 200.0;
            let ends: Vec<f32> = (harness.output().shapes.iter())
                .filter_map(|shape| match &shape.shape {
                    egui::Shape::Rect(rect) if is_card(rect) => Some(rect.rect.bottom()),
                    _ => None,
                })
                .collect();
            picture(&format!("review-ends-{}", size[0]), &mut harness);
            assert!(ends.len() == 2 && (ends[0] - ends[1]).abs() < 1.0, "{ends:?} at {size:?}");
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
