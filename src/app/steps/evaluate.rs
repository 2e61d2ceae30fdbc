//! The Evaluate step: a headline, the metrics behind it, and the rows behind the metrics.

use std::path::Path;
use std::sync::Arc;

use egui::Ui;

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender, Pick};
use crate::app::steps::run_end::is_instant;
use crate::app::steps::run_header::run_header_ui;
use crate::app::tasks::{EvaluatedRows, EvaluatedRowsState, OfferedSlices, evaluated_rows_ui, evaluation_hint};
use crate::app::theme::{Theme, icons};
use crate::app::widgets::{Action, button_if, card, empty_state, figure, page, primary_button, running_card};
use crate::project::Step;
use crate::words::{bytes, count, counted, duration};
use crate::worker::{EvaluationReport, RunResults};

/// Which rows are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ShownRows {
    /// The run's test rows.
    #[default]
    Test,
    /// The run's validation rows.
    Validation,
    /// Another file.
    Other,
}

/// State kept between frames.
#[derive(Debug, Default)]
pub struct EvaluateStepState {
    rows: ShownRows,
    body: EvaluatedRowsState,
    /// The latest evaluation of another file, to show it when it arrives.
    report: Option<Arc<EvaluationReport>>,
}

/// Draws the step.
pub fn evaluate_step_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut EvaluateStepState, sender: &mut CommandSender) {
    page(ui, ctx.theme, Step::Evaluate.title(), Step::Evaluate.purpose(), |ui| {
        let Some(results) = ctx.results else {
            nothing_yet(ui, ctx, sender);
            return;
        };
        state.show_new_report(ctx);
        run_header_ui(ui, ctx, results, sender);
        toolbar(ui, ctx, state, sender, results);
        ui.add_space(ctx.theme.space.s);
        if let Some(job) = ctx.job {
            let stop = Action { label: "Stop", hover: "", command: AppCommand::StopJob };
            running_card(ui, ctx.theme, job, Some(stop), sender);
        }
        let Some(rows) = evaluated(ctx, results, state.rows) else {
            empty_state(ui, ctx.theme, icons::TABLE, "No rows", "This run has no such rows", |_| {});
            return;
        };
        evaluated_rows_ui(ui, ctx.theme, &rows, &mut state.body, sender);
        how_it_was_trained(ui, ctx.theme, results);
    });
}

fn nothing_yet(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    let body = evaluation_hint(ctx.project.task.kind());
    empty_state(ui, ctx.theme, icons::TARGET, "No trained model yet", body, |ui| {
        if primary_button(ui, ctx.theme, icons::ARROW_RIGHT, "Go to Train", Ok(())).clicked() {
            sender.send(AppCommand::GoTo(Step::Train));
        }
    });
}

/// The rows chosen; `None` if there are none of the kind.
fn evaluated<'a>(ctx: &StepContext<'a>, results: &'a RunResults, rows: ShownRows) -> Option<EvaluatedRows<'a>> {
    let (labels, run) = (&results.settings.labels, results.summary.run.as_str());
    let has_test = results.summary.test.is_some();
    let comparison = Some(&results.comparison);
    let offered = OfferedSlices { slot: ctx.answers.slices.about(&results.folder), can_start: ctx.job.is_none() };
    Some(match rows {
        ShownRows::Test if has_test => EvaluatedRows {
            metrics: results.summary.test.as_ref()?,
            details: results.test_details.as_ref(),
            predictions: &results.test,
            labels,
            comparison,
            rows: "test rows the model has never seen".to_owned(),
            run,
            slices: Some(offered),
            can_be_reviewed: true,
        },
        ShownRows::Other => {
            let report = ctx.evaluated.filter(|report| report.run == *run)?;
            EvaluatedRows {
                metrics: &report.metrics,
                details: report.details.as_ref(),
                predictions: &report.predictions,
                labels,
                comparison: None,
                rows: format!("rows of {}", file_name(&report.data)),
                run,
                slices: None,
                can_be_reviewed: false,
            }
        }
        ShownRows::Test | ShownRows::Validation => EvaluatedRows {
            metrics: &results.summary.validation,
            details: results.validation_details.as_ref(),
            predictions: &results.validation,
            labels,
            comparison: comparison.filter(|_| !has_test),
            rows: "validation rows (also used to pick the checkpoint, so the metrics are optimistic)".to_owned(),
            run,
            slices: (!has_test).then_some(offered),
            can_be_reviewed: true,
        },
    })
}

fn file_name(path: &str) -> &str {
    Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or(path)
}

fn toolbar(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut EvaluateStepState,
    sender: &mut CommandSender,
    results: &Arc<RunResults>,
) {
    let theme = ctx.theme;
    let other = ctx.evaluated.filter(|report| report.run == results.summary.run);
    if results.summary.test.is_none() && state.rows == ShownRows::Test {
        state.rows = ShownRows::Validation;
    }
    ui.horizontal_wrapped(|ui| {
        let has_test = results.summary.test.is_some();
        if has_test || ctx.project.task.kind().sets_a_test_set_aside() {
            let name = format!("Test ({})", results.test.len());
            let test = ui.add_enabled(has_test, egui::Button::selectable(state.rows == ShownRows::Test, name));
            if test.clicked() {
                state.rows = ShownRows::Test;
            }
            test.on_hover_text("Rows held out before training: these metrics are unbiased")
                .on_disabled_hover_text("This run has no test set. Choose its size in Prepare and train again");
        }
        ui.selectable_value(
            &mut state.rows,
            ShownRows::Validation,
            format!("Validation ({})", results.validation.len()),
        )
        .on_hover_text("Rows used during training to pick the best checkpoint");
        if let Some(report) = other {
            ui.selectable_value(&mut state.rows, ShownRows::Other, file_name(&report.data)).on_hover_text(&report.data);
        }
        let hint = "Evaluate this model on another labelled file with the same columns";
        let evaluate = button_if(ui, theme, ctx.job.is_none(), icons::FILE_PLUS, "Evaluate on a file…");
        if evaluate.on_hover_text(hint).clicked() {
            sender.send(AppCommand::Pick(Pick::EvaluateFile));
        }
        let hint = "Everything about this run in one file to mail or print: a web page, or Markdown";
        let save = button_if(ui, theme, ctx.job.is_none(), icons::FILE_TEXT, "Save report…");
        if save.on_hover_text(hint).clicked() {
            sender.send(AppCommand::Pick(Pick::Report));
        }
    });
    if state.rows == ShownRows::Other && other.is_none() {
        state.rows = if results.summary.test.is_some() { ShownRows::Test } else { ShownRows::Validation };
    }
}

impl EvaluateStepState {
    /// Shows the evaluation of another file as soon as it arrives.
    fn show_new_report(&mut self, ctx: &StepContext<'_>) {
        let known = match (&self.report, ctx.evaluated) {
            (Some(known), Some(now)) => Arc::ptr_eq(known, now),
            (None, None) => true,
            _ => false,
        };
        if !known {
            self.report = ctx.evaluated.cloned();
            self.rows = if self.report.is_some() { ShownRows::Other } else { ShownRows::Test };
            self.body = EvaluatedRowsState::default();
        }
    }
}

fn how_it_was_trained(ui: &mut Ui, theme: &Theme, results: &RunResults) {
    let summary = &results.summary;
    card(ui, theme, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = theme.space.xl;
            let rows = results.settings.rows;
            figure(ui, theme, "Training set", &counted(rows[0] as u64, "row", "rows"), "Rows the model was trained on");
            if !is_instant(&results.settings) {
                figure(ui, theme, "Epochs", &format!("{:.1}", summary.epochs), "Passes over the training set");
                figure(ui, theme, "Steps", &count(summary.steps), "Optimizer steps");
                figure(ui, theme, "Best step", &count(summary.best_step), "The step of the checkpoint that was kept");
            }
            figure(ui, theme, "Training time", &duration(summary.train_seconds), "Without evaluation and pauses");
            let speed = format!("{} tokens/s", count(summary.tokens_per_second as u64));
            figure(ui, theme, "Speed", &speed, "Training tokens per second, without padding");
            if !summary.device.is_empty() {
                figure(ui, theme, "Device", &summary.device, "Device and number format used for training");
            }
            figure(ui, theme, "Peak memory", &bytes(summary.peak_memory), "Peak memory of the whole program");
        });
    });
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::slot::Slot;
    use crate::app::testing::{Scene, picture, window};
    use crate::evaluation::{Slice, Slices};

    fn open(scene: Scene, dark: bool) -> Harness<'static, (Scene, EvaluateStepState)> {
        window(dark, (scene, EvaluateStepState::default()), |ui, (scene, state)| {
            scene.show(|ctx, sender| evaluate_step_ui(ui, ctx, state, sender));
        })
    }

    #[test]
    fn without_a_run_the_page_leads_to_training() {
        let mut harness = open(Scene::prepared(false), false);
        harness.run();
        picture("evaluate-empty", &mut harness);
        harness.get_by_label("Go to Train").click();
        harness.run();
        assert_eq!(harness.state_mut().0.sender.take(), [AppCommand::GoTo(Step::Train)]);
    }

    #[test]
    fn clicking_a_cell_lists_its_rows() {
        for dark in [false, true] {
            let mut harness = open(Scene::trained(dark), dark);
            harness.set_size(egui::vec2(1280.0, 1400.0));
            harness.run();
            picture(if dark { "evaluate-dark" } else { "evaluate-light" }, &mut harness);
            let errors = harness.state().1.body.classes.listed.len();
            harness.get_by_label_contains("True neutral, predicted positive").scroll_to_me();
            harness.run();
            harness.get_by_label_contains("True neutral, predicted positive").click();
            harness.run();
            let (scene, state) = harness.state();
            let results = scene.answers.results.value.as_ref().unwrap();
            let listed = &state.body.classes.listed;
            assert!(listed.len() < errors);
            assert!(
                listed
                    .iter()
                    .all(|&row| results.test[row].label() == Some(1) && results.test[row].predicted() == Some(2))
            );
            harness.state_mut().1.body.classes.selected = Some(0);
            harness.run();
            picture(if dark { "evaluate-cell-dark" } else { "evaluate-cell-light" }, &mut harness);
        }
    }

    #[test]
    fn the_list_of_misclassified_rows_shows_several_rows_below_the_fold() {
        let mut harness = open(Scene::trained(false), false);
        harness.run();
        let all = harness.state().1.body.classes.listed.len();
        let laid_out = harness.get_all_by_role(egui::Role::ListBoxOption).count();
        assert!(laid_out >= 6.min(all) && all > 3, "{laid_out} of {all} rows");
    }

    #[test]
    fn the_evaluation_of_another_file_is_shown_when_it_arrives() {
        let mut scene = Scene::trained(false);
        let results = scene.answers.results.value.clone().unwrap();
        let mut harness = open(scene, false);
        harness.run();
        scene = Scene::trained(false);
        scene.answers.evaluated.value = Some(Arc::new(EvaluationReport {
            run: results.summary.run.clone(),
            data: "/home/ann/march.csv".to_owned(),
            metrics: results.summary.validation.clone(),
            predictions: results.validation.clone(),
            details: results.validation_details.clone(),
        }));
        harness.state_mut().0 = scene;
        harness.run();
        assert!(harness.query_by_label_contains("rows of march.csv").is_some());
        harness.get_by_label("march.csv");
        harness.get_by_label("Evaluate on a file…").click();
        harness.run();
        assert_eq!(harness.state_mut().0.sender.take(), [AppCommand::Pick(Pick::EvaluateFile)]);
    }

    #[test]
    fn a_report_can_be_saved() {
        let mut harness = open(Scene::trained(false), false);
        harness.run();
        harness.get_by_label("Save report…").click();
        harness.run();
        assert_eq!(harness.state_mut().0.sender.take(), [AppCommand::Pick(Pick::Report)]);
    }

    #[test]
    fn the_mistakes_of_a_selected_slice_are_listed() {
        let mut scene = Scene::trained(false);
        let results = scene.answers.results.value.clone().unwrap();
        let rows: Vec<usize> = (0..results.test.len() / 2).collect();
        let mistakes: Vec<usize> = rows.iter().copied().filter(|&row| results.test[row].is_wrong()).collect();
        let slice = Slice {
            by: "shop".to_owned(),
            name: "north".to_owned(),
            accuracy: 0.6,
            accuracy_elsewhere: 0.8,
            macro_f1: 0.5,
            log_loss: 0.9,
            difference: [-0.3, -0.1],
            is_worse: true,
            rows,
        };
        let slices = Arc::new(Slices { slices: vec![slice], too_small: 0 });
        scene.answers.slices = Slot { of: Some(results.folder.clone()), value: Some(slices), ..scene.answers.slices };
        let mut harness = open(scene, false);
        harness.set_size(egui::vec2(1280.0, 1400.0));
        harness.run();
        let all = harness.state().1.body.classes.listed.len();
        harness.get_by_label("shop: north").click();
        harness.run();
        let mut listed = harness.state().1.body.classes.listed.clone();
        listed.sort_unstable();
        assert!(listed == mistakes && listed.len() < all, "{listed:?}");
        harness.get_by_label_contains("True neutral, predicted positive").click();
        harness.run();
        let listed = &harness.state().1.body.classes.listed;
        assert!(listed.iter().all(|&row| results.test[row].label() == Some(1)), "a cell takes the place of the slice");
        harness.get_by_label("Show all mistakes").scroll_to_me();
        harness.run();
        harness.get_by_label("Show all mistakes").click();
        harness.run();
        assert_eq!(harness.state().1.body.classes.listed.len(), all);
    }

    #[test]
    fn validation_metrics_are_marked_as_optimistic() {
        let mut harness = open(Scene::trained(false), false);
        harness.run();
        harness.get_by_label_contains("Validation (").click();
        harness.run();
        assert!(harness.query_by_label_contains("optimistic").is_some());
    }
}
