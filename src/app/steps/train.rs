//! The Train step: the plan, what blocks it, and the running training.

use egui::{Align, Layout, RichText, Ui};

use crate::app::commands::UserCommand;
use crate::app::context::StepContext;
use crate::app::live_run::LiveRun;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::spoken::set_heading;
use crate::app::steps::live_figures::live_figures;
use crate::app::steps::model::plan::{few_steps_ui, plan_summary};
use crate::app::steps::run_end::{AGAIN, along, ended_ui, interrupted_ui, is_instant, outcome, why_not_again};
use crate::app::steps::run_log::log_ui;
use crate::app::steps::save_curves::save_curves_ui;
use crate::app::steps::training_advice::advice_ui;
use crate::app::theme::{Theme, icons};
use crate::app::widgets::{
    Along, Curves, CurvesState, MatrixState, button, card, columns, confusion_matrix_ui, curves_ui, empty_state,
    explained, fill, heading_ui, is_narrow, is_wide, page, primary_button, progress_ui, section, side_by_side,
};
use crate::project::{Issue, Readiness, Step, readiness};
use crate::storage::EvaluationPoint;
use crate::words::count;
use crate::worker::RunResults;

/// Height of the log.
const LOG: f32 = 260.0;
/// Greatest height of a confusion matrix that scrolls.
const MATRIX: f32 = 420.0;
/// State kept between frames.
#[derive(Debug, Default)]
pub struct TrainStepState {
    curves: CurvesState,
    matrix: MatrixState,
}

/// Draws the step.
pub fn train_step_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut TrainStepState, sender: &mut CommandSender) {
    page(ui, ctx.theme, Step::Train.title(), Step::Train.purpose(), |ui| match ctx.live {
        Some(live) if live.is_going() => {
            going(ui, ctx.theme, live, sender);
            figures(ui, ctx, state, live, sender);
        }
        Some(live) => {
            // After a run with steps, the plan is far below: the banner has the button.
            let has_steps = !live.steps.is_empty();
            ended_ui(ui, ctx, live, has_steps, sender);
            if has_steps {
                figures(ui, ctx, state, live, sender);
            }
            start(ui, ctx, !has_steps, sender);
        }
        None => {
            interrupted_ui(ui, ctx, sender);
            start(ui, ctx, ctx.results.is_some(), sender);
            match ctx.results {
                Some(results) => last_run(ui, ctx, state, results, sender),
                None if ctx.interrupted.is_some() => {}
                None => first_run(ui, ctx.theme),
            }
        }
    });
}

fn first_run(ui: &mut Ui, theme: &Theme) {
    let body = "During training, the loss and metric curves, the confusion matrix and the log appear here. \
                You can pause at any time, or stop early and keep the best checkpoint";
    empty_state(ui, theme, icons::CHART_LINE_UP, "No training runs yet", body, |_| {});
}

/// The plan, what blocks it, and the button of another run. The first run starts from the footer.
fn start(ui: &mut Ui, ctx: &StepContext<'_>, has_button: bool, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let issues = match readiness(ctx.project, ctx.facts, Step::Train) {
        Readiness::Blocked(issues) => issues,
        Readiness::Ready | Readiness::Done => Vec::new(),
    };
    section(ui, theme, "Training plan", "", |ui| {
        explained(ui, plan_summary(ctx));
        ui.add_space(theme.space.s);
        few_steps_ui(ui, ctx, sender);
        for issue in &issues {
            issue_row(ui, theme, issue, sender);
        }
        let ready = why_not_again(ctx).map_or(Ok(()), Err);
        let ready = ready.as_ref().copied().map_err(String::as_str);
        if has_button && primary_button(ui, theme, icons::PLAY, AGAIN, ready).clicked() {
            sender.user(UserCommand::Train);
        }
    });
}

/// Something that blocks training, with a button that leads to the step where it can be fixed.
fn issue_row(ui: &mut Ui, theme: &Theme, issue: &Issue, sender: &mut CommandSender) {
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(icons::WARNING).color(theme.palette.warning));
        ui.label(&issue.message);
        if button(ui, theme, icons::ARROW_RIGHT, &format!("Go to {}", issue.step.title())).clicked() {
            sender.send(AppCommand::GoTo(issue.step));
        }
    });
}

fn going(ui: &mut Ui, theme: &Theme, live: &LiveRun, sender: &mut CommandSender) {
    card(ui, theme, |ui| {
        if is_narrow(ui) {
            set_heading(&ui.add(egui::Label::new(theme.heading(live.stage())).wrap()));
            ui.horizontal_wrapped(|ui| {
                pause_button(ui, theme, live, sender);
                stop_button(ui, theme, live, sender);
            });
        } else {
            ui.horizontal(|ui| {
                heading_ui(ui, theme, live.stage());
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    stop_button(ui, theme, live, sender);
                    pause_button(ui, theme, live, sender);
                });
            });
        }
        ui.add_space(theme.space.xs);
        let width = ui.available_width();
        progress_ui(ui, theme, "Training progress", live.share_done(), width);
        ui.add_space(theme.space.s);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = theme.space.xl;
            live_figures(ui, theme, live);
        });
    });
}

fn stop_button(ui: &mut Ui, theme: &Theme, live: &LiveRun, sender: &mut CommandSender) {
    let stop = live.next_stop();
    ui.add_enabled_ui(stop.is_some(), |ui| {
        let (title, tooltip) = stop.map_or(("Stopping", ""), |stop| (stop.title(), stop.tooltip()));
        if button(ui, theme, icons::STOP, title).on_hover_text(tooltip).clicked() {
            sender.user(UserCommand::Stop);
        }
    });
}

fn pause_button(ui: &mut Ui, theme: &Theme, live: &LiveRun, sender: &mut CommandSender) {
    ui.add_enabled_ui(!live.is_stopping(), |ui| {
        let (icon, name) = if live.paused { (icons::PLAY, "Resume") } else { (icons::PAUSE, "Pause") };
        let tooltip = UserCommand::PauseResume.tooltip();
        if button(ui, theme, icon, name).on_hover_text(tooltip).clicked() {
            sender.user(UserCommand::PauseResume);
        }
    });
}

fn figures(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut TrainStepState, live: &LiveRun, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let start = live.start.as_deref();
    let best_metric = start.map_or(ctx.project, |start| &start.settings.project).best_metric();
    let curves = Curves {
        run: start.map_or("", |start| start.run.as_str()),
        along: start.map_or(Along::Steps, |start| along(&start.settings)),
        steps: &live.steps,
        evaluations: &live.evaluations,
        total_steps: steps_to_show(live),
        steps_per_epoch: start.map_or(0, |start| start.steps_per_epoch),
        best_metric,
    };
    let (matrix, curve_state) = (&mut state.matrix, &mut state.curves);
    let folder = start.map(|start| start.folder.clone());
    let mut draw_curves = |ui: &mut Ui, sender: &mut CommandSender| {
        card(ui, theme, |ui| {
            curves_ui(ui, theme, curves, curve_state);
            // Before the first step there is nothing to save.
            folder.iter().filter(|_| !live.steps.is_empty()).for_each(|run| save_curves_ui(ui, theme, run, sender));
        });
    };
    if !is_wide(ui, theme) {
        draw_curves(ui, sender);
        advice_ui(ui, theme, &live.advice, sender);
        matrix_and_log(ui, theme, matrix, live);
        return;
    }
    let room = ui.available_width() - theme.space.m;
    columns(ui, theme.space.m, &[room * 0.6, room * 0.4], |ui, place| {
        if place == 0 {
            draw_curves(ui, sender);
        } else {
            advice_ui(ui, theme, &live.advice, sender);
            matrix_card(ui, theme, matrix, live, 0.0);
            section(ui, theme, "Log", "Newest at the bottom", |ui| log_ui(ui, theme, &live.log, LOG));
        }
    });
}

/// The steps of the axes: those planned while the run is going, and then those it made.
fn steps_to_show(live: &LiveRun) -> u64 {
    let made = live.steps.last().map_or(0, |step| step.step);
    if live.is_going() { live.start.as_ref().map_or(0, |start| start.total_steps) } else { made }
}

/// The curves of the selected run, if none was started since Hone opened.
fn last_run(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut TrainStepState,
    results: &RunResults,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let summary = &results.summary;
    let per_epoch = if summary.epochs > 0.0 { summary.steps as f64 / summary.epochs } else { 0.0 };
    let curves = Curves {
        run: &summary.run,
        along: along(&results.settings),
        steps: &results.steps,
        evaluations: &results.evaluations,
        total_steps: summary.steps,
        steps_per_epoch: per_epoch.round() as u64,
        best_metric: results.settings.project.best_metric(),
    };
    section(ui, theme, "Selected run", &outcome(results), |ui| {
        curves_ui(ui, theme, curves, &mut state.curves);
        save_curves_ui(ui, theme, &results.folder, sender);
    });
}

fn matrix_and_log(ui: &mut Ui, theme: &Theme, state: &mut MatrixState, live: &LiveRun) {
    let matrix = |ui: &mut Ui, state: &mut MatrixState, spare: f32| matrix_card(ui, theme, state, live, spare);
    side_by_side(ui, theme, ("matrix and log", 0.5), state, matrix, |ui, _, spare| {
        section(ui, theme, "Log", "Newest at the bottom", |ui| log_ui(ui, theme, &live.log, LOG + spare));
    });
}

/// The evaluation whose confusion matrix is shown: the newest, and after the run that of the checkpoint that was kept.
fn shown_evaluation(live: &LiveRun) -> (Option<&EvaluationPoint>, String) {
    let kept = live.evaluations.iter().rev().find(|point| point.is_best).filter(|_| !live.is_going());
    let shown = kept.or(live.evaluations.last());
    let instant = live.start.as_ref().is_some_and(|start| is_instant(&start.settings));
    let hint = match (shown, kept) {
        (None, _) => "Appears after the first evaluation".to_owned(),
        (Some(_), Some(_)) if instant => "On the validation set, of the model that was kept".to_owned(),
        (Some(_), None) if instant => "On the validation set".to_owned(),
        (Some(_), Some(kept)) => {
            format!("On the validation set, of the checkpoint that was kept, from step {}", count(kept.step))
        }
        (Some(point), None) => format!("On the validation set, at step {}", count(point.step)),
    };
    (shown, hint)
}

fn matrix_card(ui: &mut Ui, theme: &Theme, state: &mut MatrixState, live: &LiveRun, spare: f32) {
    let (evaluation, hint) = shown_evaluation(live);
    section(ui, theme, "Confusion matrix", &hint, |ui| {
        if let Some(metrics) = evaluation.and_then(|point| point.metrics.classification()) {
            confusion_matrix_ui(ui, theme, &metrics.confusion, state, MATRIX);
        }
        fill(ui, spare);
    });
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::live_run::RunEnd;
    use crate::app::messages::Edit;
    use crate::app::testing::{Scene, picture, results, sized_window, window};
    use crate::progress::Progress;
    use crate::project::{Facts, ModelChoice, NetworkKind, Preset, TrainedLayers, TrainingSettings};
    use crate::storage::StopReason;
    use crate::training::{Advice, AdviceKind};
    use crate::worker::RunStart;
    use crate::worker::{LogLevel, LogLine};

    fn open(scene: Scene, dark: bool) -> Harness<'static, (Scene, TrainStepState)> {
        window(dark, (scene, TrainStepState::default()), |ui, (scene, state)| {
            scene.show(|ctx, sender| train_step_ui(ui, ctx, state, sender));
        })
    }

    fn with_run(mut scene: Scene, live: LiveRun) -> Scene {
        scene.answers.live = Some(live);
        scene
    }

    #[test]
    fn the_axes_of_a_stopped_run_end_where_it_ended() {
        let going = half_way();
        assert_eq!(steps_to_show(&going), going.start.as_ref().unwrap().total_steps);
        let stopped = LiveRun { end: Some(RunEnd::Finished), ..going };
        assert_eq!(steps_to_show(&stopped), stopped.steps.len() as u64);
    }

    /// The run of the test results, four epochs in.
    fn half_way() -> LiveRun {
        let results = results();
        let evaluations = results.evaluations[..4].to_vec();
        let done = evaluations[3].step;
        let log = [
            (LogLevel::Info, "Loaded MiniLM L6: 101 of 101 tensors; the classification head is new"),
            (LogLevel::Warning, "2 texts are longer than 128 tokens and were truncated"),
            (LogLevel::Info, "Training on CPU, f32"),
        ];
        LiveRun {
            start: Some(Arc::new(RunStart {
                run: results.summary.run.clone(),
                folder: results.folder.clone(),
                settings: results.settings.clone(),
                total_steps: results.summary.steps,
                steps_per_epoch: results.summary.steps / 6,
                device: "CPU, f32".to_owned(),
            })),
            steps: results.steps[..done as usize].to_vec(),
            evaluations,
            log: log.map(|(level, message)| LogLine { level, message: message.to_owned() }).to_vec(),
            progress: Some(Progress {
                stage: "Training".to_owned(),
                done,
                total: Some(results.summary.steps),
                unit: "steps",
                eta_seconds: Some(130.0),
            }),
            ..LiveRun::default()
        }
    }

    #[test]
    fn advice_is_shown_beside_the_curves() {
        let overfits = "The validation loss rose from 0.416 at step 11 to 0.702, while the training loss fell from 0.548 to 0.050. The \
                        best checkpoint is kept in any case. Train for fewer epochs, add rows, or raise the dropout.";
        let missing = "No validation row was predicted 'neutral' at the last two evaluations, although 11 rows have it. Set the class \
                       weights to balanced, so that rare labels count as much as frequent ones.";
        let advice =
            [(AdviceKind::Overfitting, overfits, "Epochs"), (AdviceKind::NeverPredicted, missing, "Class weights")];
        let advice = advice.map(|(kind, says, setting)| Advice { kind, says: says.to_owned(), setting }).to_vec();
        for (name, size, scale, dark) in [
            ("train-advice-1024", [1024.0, 640.0], 1.0, true),
            ("train-advice-1280", [1280.0, 800.0], 2.0, false),
            ("train-advice-1920", [1920.0, 1080.0], 1.0, false),
        ] {
            let live = LiveRun { advice: advice.clone(), ..half_way() };
            let state = (with_run(Scene::prepared(dark), live), TrainStepState::default());
            let mut harness = sized_window(size, scale, dark, state, |ui, (scene, state)| {
                scene.show(|ctx, sender| train_step_ui(ui, ctx, state, sender));
            });
            harness.run();
            harness.get_by_label("The model is overfitting").scroll_to_me();
            harness.run();
            picture(name, &mut harness);
            harness.get_by_label_contains("Change class weights");
        }
    }

    #[test]
    fn a_blocked_run_leads_to_the_step_that_fixes_it() {
        let mut scene = Scene::prepared(false);
        scene.facts = Facts { model_available: false, ..scene.facts };
        let mut harness = open(scene, false);
        harness.run();
        picture("train-blocked", &mut harness);
        harness.get_by_label("Go to Model").click();
        harness.run();
        assert_eq!(harness.state_mut().0.sender.take(), [AppCommand::GoTo(Step::Model)]);
    }

    #[test]
    fn a_model_that_must_be_downloaded_is_said_before() {
        let mut scene = Scene::prepared(false);
        scene.project.model = ModelChoice::Catalogue("minilm-l6".to_owned());
        scene.facts.model_fetchable = true;
        let mut harness = open(scene, false);
        harness.run();
        harness.get_by_label_contains("MiniLM L6 (87.3 MiB) must be downloaded first. You'll be asked");
    }

    #[test]
    fn a_run_shows_its_metrics_and_can_be_paused_and_stopped() {
        for dark in [false, true] {
            let mut harness = open(with_run(Scene::prepared(dark), half_way()), dark);
            harness.run();
            picture(if dark { "train-live-dark" } else { "train-live-light" }, &mut harness);
            harness.get_by_label_contains("Loss: training");
            harness.get_by_label("2 min 10 s");
            harness.get_by_label("Pause").click();
            harness.run();
            harness.get_by_label("Stop and keep the best").click();
            harness.run();
            let asked = harness.state_mut().0.sender.take();
            assert_eq!(asked, [AppCommand::User(UserCommand::PauseResume), AppCommand::User(UserCommand::Stop)]);
        }
    }

    #[test]
    fn an_instant_run_shows_no_epochs_and_steps() {
        let mut live = half_way();
        let mut start = live.start.as_deref().unwrap().clone();
        start.settings.project.training.trained_layers = TrainedLayers::Instant;
        live.start = Some(Arc::new(start));
        let mut harness = open(with_run(Scene::prepared(false), live), false);
        harness.run();
        for hidden in ["Epoch: ", "Step: ", "at step", "More curves"] {
            assert!(harness.query_all_by_label_contains(hidden).next().is_none(), "{hidden} is shown");
        }
    }

    #[test]
    fn a_run_that_is_stopping_can_be_told_to_end_at_once() {
        let untested = LiveRun { stops: 1, ..half_way() };
        let unevaluated = LiveRun { evaluations: Vec::new(), ..untested.clone() };
        for (live, button) in [(untested, "Stop without testing"), (unevaluated, "Discard and stop")] {
            let mut harness = open(with_run(Scene::prepared(false), live), false);
            harness.run();
            harness.get_by_label(button).click();
            harness.run();
            assert_eq!(harness.state_mut().0.sender.take(), [AppCommand::User(UserCommand::Stop)]);
        }
    }

    #[test]
    fn a_finished_run_leads_to_its_results() {
        let mut live = LiveRun { end: Some(RunEnd::Finished), ..half_way() };
        for (place, point) in live.evaluations.iter_mut().enumerate() {
            point.is_best = place == 1;
        }
        let kept = count(live.evaluations[1].step);
        let mut harness = open(with_run(Scene::trained(false), live), false);
        harness.run();
        picture("train-finished", &mut harness);
        harness.get_by_label_contains(&format!(
            "On the validation set, of the checkpoint that was kept, from step {kept}"
        ));
        let top = |label: &str| harness.get_by_label(label).rect().top();
        assert!(top("Train again") < top("Confusion matrix"), "the result and the way to the next run are at the top");
        harness.get_by_label("Train again").click();
        harness.run();
        harness.get_by_label("Go to results").click();
        harness.run();
        let asked = harness.state_mut().0.sender.take();
        assert_eq!(asked, [AppCommand::User(UserCommand::Train), AppCommand::GoTo(Step::Evaluate)]);
    }

    #[test]
    fn a_run_that_diverged_says_so_and_leads_to_the_learning_rate() {
        let mut scene = Scene::trained(false);
        let mut diverged = (*results()).clone();
        diverged.summary.stop_reason = StopReason::Diverged;
        scene.answers.results.value = Some(Arc::new(diverged));
        let live = LiveRun { end: Some(RunEnd::Finished), ..half_way() };
        let mut harness = open(with_run(scene, live), false);
        harness.run();
        picture("train-diverged", &mut harness);
        harness.get_by_label("Training diverged, and the best checkpoint is kept");
        harness.get_by_label_contains("Lower the learning rate and train again");
        harness.get_by_label("Change learning rate").click();
        harness.run();
        assert_eq!(harness.state_mut().0.sender.take(), [AppCommand::GoTo(Step::Model)]);
    }

    #[test]
    fn few_planned_steps_are_warned_of_and_can_be_raised() {
        let mut scene = Scene::prepared(false);
        let task = scene.project.task.kind();
        scene.project.training = Preset::Quick.apply((task, NetworkKind::Encoder), &scene.project.training);
        let mut harness = open(scene, false);
        harness.run();
        picture("train-few-steps", &mut harness);
        harness.get_by_label_contains("As a rule of thumb, a model needs 100 or more to learn its labels");
        let now = harness.state().0.project.training.clone();
        harness.get_by_label_contains("Set 6 epochs").click();
        harness.run();
        let expected = AppCommand::Edit(Edit::Training(TrainingSettings { epochs: 6, ..now }));
        assert_eq!(harness.state_mut().0.sender.take(), [expected]);
    }

    #[test]
    fn a_failed_run_says_why_and_can_be_retried() {
        let end = Some(RunEnd::Failed("The disk is full: free some space, then train again".to_owned()));
        let mut harness = open(with_run(Scene::prepared(true), LiveRun { end, ..LiveRun::default() }), true);
        harness.run();
        picture("train-failed", &mut harness);
        harness.get_by_label("The disk is full: free some space, then train again");
        harness.get_by_label("Train again");
    }
}
