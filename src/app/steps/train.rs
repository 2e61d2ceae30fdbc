//! The Train step: the plan, what blocks it, and the running training.

use egui::{Align, Layout, RichText, ScrollArea, Ui};

use crate::app::commands::UserCommand;
use crate::app::context::StepContext;
use crate::app::help::Term;
use crate::app::live_run::{LiveRun, RunEnd};
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::spoken::set_heading;
use crate::app::steps::model::plan::plan_summary;
use crate::app::steps::verdict::{next_step_button, tone};
use crate::app::theme::{Theme, Tone, icons};
use crate::app::widgets::scores;
use crate::app::widgets::{
    Curves, CurvesState, MatrixState, after_page, banner, button, card, columns, confusion_matrix_ui, curves_ui,
    empty_state, explained, figure, fill, heading_ui, is_narrow, is_wide, page, primary_button, progress_ui, section,
    side_by_side,
};
use crate::evaluation::{Judgement, RunDifference};
use crate::project::{Issue, Readiness, Step, readiness};
use crate::storage::{EvaluationPoint, RunSummary, StepMetrics, StopReason};
use crate::words::{count, counted, duration, score};
use crate::worker::{LogLevel, LogLine, RunResults};

/// Height of the log.
const LOG: f32 = 260.0;
/// Greatest height of a confusion matrix that scrolls.
const MATRIX: f32 = 420.0;
/// Most lines shown of the log.
const LINES: usize = 200;
/// Steps over which the speed is averaged.
const SPEED_STEPS: usize = 20;

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
            figures(ui, ctx, state, live);
        }
        Some(live) => {
            ended(ui, ctx, live, sender);
            if live.steps.is_empty() {
                start(ui, ctx, sender);
            } else {
                figures(ui, ctx, state, live);
                start(ui, ctx, sender);
            }
        }
        None => {
            start(ui, ctx, sender);
            match ctx.results {
                Some(results) => last_run(ui, ctx, state, results),
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
fn start(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let issues = match readiness(ctx.project, ctx.facts, Step::Train) {
        Readiness::Blocked(issues) => issues,
        Readiness::Ready | Readiness::Done => Vec::new(),
    };
    let busy = ctx.job.map(|job| format!("Wait for this to finish: {}", job.title));
    section(ui, theme, "Training plan", "", |ui| {
        explained(ui, theme, &plan_summary(ctx));
        ui.add_space(theme.space.s);
        for issue in &issues {
            issue_row(ui, theme, issue, sender);
        }
        if ctx.results.is_none() && ctx.live.is_none() {
            return;
        }
        let why = issues.first().map(|issue| issue.message.as_str()).or(ctx.train_blocked).or(busy.as_deref());
        if primary_button(ui, theme, icons::PLAY, "Train again", why.map_or(Ok(()), Err)).clicked() {
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
            ui.horizontal_wrapped(|ui| controls(ui, theme, live, sender));
        } else {
            ui.horizontal(|ui| {
                heading_ui(ui, theme, live.stage());
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| controls(ui, theme, live, sender));
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

fn controls(ui: &mut Ui, theme: &Theme, live: &LiveRun, sender: &mut CommandSender) {
    ui.add_enabled_ui(!live.stopping, |ui| {
        let stop = button(ui, theme, icons::STOP, "Stop and keep the best").on_hover_text(UserCommand::Stop.tooltip());
        if stop.clicked() {
            sender.user(UserCommand::Stop);
        }
        let (icon, name) = if live.paused { (icons::PLAY, "Resume") } else { (icons::PAUSE, "Pause") };
        let tooltip = UserCommand::PauseResume.tooltip();
        if button(ui, theme, icon, name).on_hover_text(tooltip).clicked() {
            sender.user(UserCommand::PauseResume);
        }
    });
}

fn live_figures(ui: &mut Ui, theme: &Theme, live: &LiveRun) {
    let last = live.steps.last();
    if let Some(start) = &live.start {
        let done = last.map_or(0, |step| step.step);
        let steps = format!("{} of {}", count(done), count(start.total_steps));
        figure(ui, theme, "Step", &steps, "");
    }
    if let Some(step) = last {
        figure(ui, theme, "Epoch", &format!("{:.2}", step.epoch), "");
        figure(ui, theme, "Training loss", &score(step.loss), Term::Loss.text());
    }
    let figures = live.evaluations.last().map(|point| point.metrics.figures());
    if let Some(&(name, value)) = figures.as_deref().and_then(<[_]>::first) {
        figure(ui, theme, name.title(), &score(value), "On the validation set, at the last evaluation");
    }
    if let Some(speed) = tokens_per_second(&live.steps) {
        figure(
            ui,
            theme,
            "Speed",
            &format!("{} tokens/s", count(speed as u64)),
            "Training tokens per second, without padding",
        );
    }
    let eta = live.progress.as_ref().and_then(|progress| progress.eta_seconds);
    let eta = if live.paused { "paused".to_owned() } else { eta.map_or_else(|| "estimating".to_owned(), duration) };
    figure(ui, theme, "Time left", &eta, "At the current speed. The run may end sooner if it stops early");
    if let Some(start) = &live.start {
        figure(ui, theme, "Device", &start.device, "");
    }
}

/// Tokens per second over the last steps.
fn tokens_per_second(steps: &[StepMetrics]) -> Option<f64> {
    let recent = &steps[steps.len().saturating_sub(SPEED_STEPS + 1)..];
    let (first, last) = (recent.first()?, recent.last()?);
    let seconds = last.train_seconds - first.train_seconds;
    let tokens: u64 = recent[1..].iter().map(|step| step.tokens).sum();
    (seconds > 0.0).then(|| tokens as f64 / seconds)
}

fn ended(ui: &mut Ui, ctx: &StepContext<'_>, live: &LiveRun, sender: &mut CommandSender) {
    let theme = ctx.theme;
    match &live.end {
        Some(RunEnd::Finished) => {
            // The results are read back from disk, which takes a moment.
            let judgement = ctx.results.map(|results| results.judge());
            let tone = judgement.as_ref().map_or(Tone::Success, |judgement| tone(judgement.verdict));
            let says = judgement.as_ref().map(|judgement| format!("{}.", judgement.says));
            let difference = ctx.results.and_then(|results| results.difference.as_ref()).map(RunDifference::says);
            let outcome = ctx.results.map(|results| outcome(&results.summary));
            let body: Vec<String> = says.into_iter().chain(difference).chain(outcome).collect();
            banner(ui, theme, tone, &finished(judgement.as_ref()), &body.join(" "), |ui| {
                if let Some(next) = judgement.as_ref().and_then(|judgement| judgement.next.as_ref()) {
                    next_step_button(ui, ctx, next, sender);
                }
                if primary_button(ui, theme, icons::ARROW_RIGHT, "Go to results", Ok(())).clicked() {
                    sender.send(AppCommand::GoTo(Step::Evaluate));
                }
            });
        }
        Some(RunEnd::Cancelled) => {
            let body =
                "It was stopped before the first evaluation, so there is no checkpoint to keep. Nothing else changed";
            banner(ui, theme, Tone::Neutral, "The run was stopped", body, |_| {});
        }
        Some(RunEnd::Failed(message)) => banner(ui, theme, Tone::Danger, "Training failed", message, |_| {}),
        None => {}
    }
}

/// The title of the banner at the end of a run.
fn finished(judgement: Option<&Judgement>) -> String {
    let verdict = judgement.map(|judgement| format!(": {}", judgement.verdict.title().to_lowercase()));
    format!("Training finished{}", verdict.unwrap_or_default())
}

/// How a run ended, in words.
fn outcome(summary: &RunSummary) -> String {
    let why = match summary.stop_reason {
        StopReason::Completed => "Finished every epoch",
        StopReason::EarlyStopping => "Stopped early because the metric no longer improved",
        StopReason::Stopped => "Stopped by you",
        StopReason::CutOff => "Interrupted",
    };
    let (rows, metrics) = match &summary.test {
        Some(test) => ("test", test),
        None => ("validation", &summary.validation),
    };
    format!(
        "{why} after {} and {} steps. On the {rows} set: {}. The best checkpoint, from step {}, was kept.",
        duration(summary.train_seconds),
        count(summary.steps),
        scores(metrics),
        count(summary.best_step),
    )
}

fn figures(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut TrainStepState, live: &LiveRun) {
    let theme = ctx.theme;
    let start = live.start.as_deref();
    let best_metric = start.map_or(ctx.project, |start| &start.settings.project).best_metric();
    let curves = Curves {
        run: start.map_or("", |start| start.run.as_str()),
        steps: &live.steps,
        evaluations: &live.evaluations,
        total_steps: start.map_or(0, |start| start.total_steps),
        steps_per_epoch: start.map_or(0, |start| start.steps_per_epoch),
        best_metric,
    };
    let (matrix, curve_state) = (&mut state.matrix, &mut state.curves);
    let mut draw_curves = |ui: &mut Ui| card(ui, theme, |ui| curves_ui(ui, theme, curves, curve_state));
    if !is_wide(ui, theme) {
        draw_curves(ui);
        matrix_and_log(ui, theme, matrix, live.evaluations.last(), &live.log);
        return;
    }
    let room = ui.available_width() - theme.space.m;
    columns(ui, theme.space.m, &[room * 0.6, room * 0.4], |ui, place| {
        if place == 0 {
            draw_curves(ui);
        } else {
            matrix_card(ui, theme, matrix, live.evaluations.last(), 0.0);
            section(ui, theme, "Log", "Newest at the bottom", |ui| log_ui(ui, theme, &live.log, LOG));
        }
    });
}

/// The curves of the selected run, if none was started since Hone opened.
fn last_run(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut TrainStepState, results: &RunResults) {
    let theme = ctx.theme;
    let summary = &results.summary;
    let per_epoch = if summary.epochs > 0.0 { summary.steps as f64 / summary.epochs } else { 0.0 };
    let curves = Curves {
        run: &summary.run,
        steps: &results.steps,
        evaluations: &results.evaluations,
        total_steps: summary.steps,
        steps_per_epoch: per_epoch.round() as u64,
        best_metric: results.settings.project.best_metric(),
    };
    section(ui, theme, "Selected run", &outcome(summary), |ui| curves_ui(ui, theme, curves, &mut state.curves));
}

fn matrix_and_log(
    ui: &mut Ui,
    theme: &Theme,
    state: &mut MatrixState,
    evaluation: Option<&EvaluationPoint>,
    log: &[LogLine],
) {
    let matrix = |ui: &mut Ui, state: &mut MatrixState, spare: f32| matrix_card(ui, theme, state, evaluation, spare);
    side_by_side(ui, theme, ("matrix and log", 0.5), state, matrix, |ui, _, spare| {
        section(ui, theme, "Log", "Newest at the bottom", |ui| log_ui(ui, theme, log, LOG + spare));
    });
}

fn matrix_card(ui: &mut Ui, theme: &Theme, state: &mut MatrixState, evaluation: Option<&EvaluationPoint>, spare: f32) {
    let hint = evaluation.map_or_else(
        || "Appears after the first evaluation".to_owned(),
        |point| format!("On the validation set, at step {}", count(point.step)),
    );
    section(ui, theme, "Confusion matrix", &hint, |ui| {
        if let Some(metrics) = evaluation.and_then(|point| point.metrics.classification()) {
            confusion_matrix_ui(ui, theme, &metrics.confusion, state, MATRIX);
        }
        fill(ui, spare);
    });
}

/// The last lines of the log, each whole.
fn log_ui(ui: &mut Ui, theme: &Theme, log: &[LogLine], height: f32) {
    let area = ScrollArea::vertical().id_salt("log").max_height(height).min_scrolled_height(height);
    let earlier = log.len().saturating_sub(LINES);
    after_page(ui, |ui| {
        area.auto_shrink([false, false]).stick_to_bottom(true).show(ui, |ui| {
            if log.is_empty() {
                ui.label(theme.muted("Nothing yet"));
            }
            if earlier > 0 {
                ui.label(
                    theme.small(format!("{} are not shown", counted(earlier as u64, "earlier line", "earlier lines"))),
                );
            }
            for line in &log[earlier..] {
                ui.horizontal_top(|ui| {
                    if line.level == LogLevel::Warning {
                        ui.label(RichText::new(icons::WARNING).color(theme.palette.warning)).on_hover_text("Warning");
                    }
                    ui.add(egui::Label::new(&line.message).wrap().selectable(true));
                });
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing::{Scene, picture, results, window};
    use crate::progress::Progress;
    use crate::project::{Facts, ModelChoice};
    use crate::worker::RunStart;

    fn open(scene: Scene, dark: bool) -> Harness<'static, (Scene, TrainStepState)> {
        window(dark, (scene, TrainStepState::default()), |ui, (scene, state)| {
            scene.show(|ctx, sender| train_step_ui(ui, ctx, state, sender));
        })
    }

    fn with_run(mut scene: Scene, live: LiveRun) -> Scene {
        scene.answers.live = Some(live);
        scene
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
        harness.get_by_label_contains("MiniLM L6 (87.3 MiB) must be downloaded first: you'll be asked");
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
    fn a_finished_run_leads_to_its_results() {
        let live = LiveRun { end: Some(RunEnd::Finished), ..half_way() };
        let mut harness = open(with_run(Scene::trained(false), live), false);
        harness.run();
        picture("train-finished", &mut harness);
        harness.get_by_label("Go to results").click();
        harness.run();
        assert_eq!(harness.state_mut().0.sender.take(), [AppCommand::GoTo(Step::Evaluate)]);
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

    #[test]
    fn speed_is_averaged_over_the_last_steps() {
        let results = results();
        let speed = tokens_per_second(&results.steps).unwrap();
        let last = &results.steps[results.steps.len() - SPEED_STEPS..];
        let tokens: u64 = last.iter().map(|step| step.tokens).sum();
        assert!((speed - tokens as f64 / (0.31 * SPEED_STEPS as f64)).abs() < 1.0);
        assert_eq!(tokens_per_second(&results.steps[..1]), None);
    }
}
