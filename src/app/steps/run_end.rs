//! How a run ended, at the top of the Train step, and the button of another run.

use egui::Ui;

use crate::app::commands::UserCommand;
use crate::app::context::StepContext;
use crate::app::live_run::{LiveRun, RunEnd};
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::shell::go_to_setting;
use crate::app::spoken::set_alert;
use crate::app::steps::verdict::{finished_title, finished_tone, next_step_button};
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{Along, banner, button, button_if, primary_button, scores};
use crate::evaluation::{NextStep, RunDifference};
use crate::project::{Readiness, Step, TrainedLayers, readiness};
use crate::storage::{Interruption, RunSettings, StopReason};
use crate::words::{count, counted, duration};
use crate::worker::RunResults;

/// The button of another run.
pub const AGAIN: &str = "Train again";

/// Why another run cannot begin now.
#[must_use]
pub fn why_not_again(ctx: &StepContext<'_>) -> Option<String> {
    let issue = match readiness(ctx.project, ctx.facts, Step::Train) {
        Readiness::Blocked(issues) => issues.into_iter().next().map(|issue| issue.message),
        Readiness::Ready | Readiness::Done => None,
    };
    let blocked = || ctx.train_blocked.map(str::to_owned);
    issue.or_else(blocked).or_else(|| ctx.job.map(|job| format!("Wait for this to finish: {}", job.title)))
}

/// The button of another run, beside others in a banner.
fn again_button(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    let why = why_not_again(ctx);
    let again = button_if(ui, ctx.theme, why.is_none(), icons::PLAY, AGAIN);
    if again.on_disabled_hover_text(why.unwrap_or_default()).clicked() {
        sender.user(UserCommand::Train);
    }
}

/// Offers to go on with the newest run, if it was interrupted.
pub fn interrupted_ui(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    let Some(interrupted) = ctx.interrupted else { return };
    let title = format!("The last run was interrupted after step {}", count(interrupted.steps));
    let from = match interrupted.resumes_after {
        0 => "It has no checkpoint yet, so it begins again".to_owned(),
        step if interrupted.seconds_lost < 1.0 => format!("It can go on from step {}: nothing is lost", count(step)),
        step => format!(
            "It can go on from step {}: {} of work is done again",
            count(step),
            duration(interrupted.seconds_lost)
        ),
    };
    let body = format!("{from}. It ends as if nothing had happened, with the settings and rows that it began with");
    banner(ui, ctx.theme, Tone::Warning, &title, &body, |ui| resume_button(ui, ctx, interrupted, sender));
}

fn resume_button(ui: &mut Ui, ctx: &StepContext<'_>, interrupted: &Interruption, sender: &mut CommandSender) {
    let ready = ctx.job.map(|job| format!("Wait for this to finish: {}", job.title)).map_or(Ok(()), Err);
    let ready = ready.as_ref().copied().map_err(String::as_str);
    if primary_button(ui, ctx.theme, icons::PLAY, "Resume training", ready).clicked() {
        sender.send(AppCommand::Resume(interrupted.run.clone()));
    }
}

/// How the run ended, and what to do next. `again`: whether another run can be started here.
pub fn ended_ui(ui: &mut Ui, ctx: &StepContext<'_>, live: &LiveRun, again: bool, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let again_here = |ui: &mut Ui, sender: &mut CommandSender| {
        if again {
            again_button(ui, ctx, sender);
        }
    };
    match &live.end {
        Some(RunEnd::Finished) => finished_ui(ui, ctx, again, sender),
        Some(RunEnd::Cancelled) => {
            let body =
                "It was stopped before the first evaluation, so there is no checkpoint to keep. Nothing else changed";
            banner(ui, theme, Tone::Neutral, "The run was stopped", body, |ui| again_here(ui, sender));
        }
        Some(RunEnd::Failed(message)) => {
            banner(ui, theme, Tone::Danger, "Training failed", message, |ui| {
                if let Some(interrupted) = ctx.interrupted {
                    resume_button(ui, ctx, interrupted, sender);
                }
                again_here(ui, sender);
            });
        }
        None => {}
    }
}

/// The verdict on the finished run, and what leads on from it.
fn finished_ui(ui: &mut Ui, ctx: &StepContext<'_>, again: bool, sender: &mut CommandSender) {
    let theme = ctx.theme;
    // The results are read back from disk, which takes a moment.
    let judgement = ctx.results.map(|results| results.judge());
    let has_diverged = ctx.results.is_some_and(|results| results.summary.stop_reason == StopReason::Diverged);
    let tone = finished_tone(judgement.as_ref(), has_diverged);
    let says = judgement.as_ref().map(|judgement| format!("{}.", judgement.says));
    let difference = ctx.results.and_then(|results| results.difference.as_ref()).map(RunDifference::says);
    let next = judgement.as_ref().and_then(|judgement| judgement.next.as_ref());
    let outcome = ctx.results.map(|results| match next {
        // The verdict says already after how many steps the person stopped.
        Some(NextStep::TrainToTheEnd) => {
            format!("It took {}. {}", duration(results.summary.train_seconds), measured(results))
        }
        _ => outcome(results),
    });
    let body: Vec<String> = says.into_iter().chain(difference).chain(outcome).collect();
    ui.scope(|ui| {
        // No notification says it while this page is shown.
        set_alert(ui, false);
        banner(ui, theme, tone, &finished_title(judgement.as_ref(), has_diverged), &body.join(" "), |ui| {
            if has_diverged && button(ui, theme, icons::ARROW_RIGHT, "Change learning rate").clicked() {
                go_to_setting(ui.ctx(), "Learning rate", sender);
            }
            if let Some(next) = next {
                next_step_button(ui, ctx, next, sender);
            }
            if again && next != Some(&NextStep::TrainToTheEnd) {
                again_button(ui, ctx, sender);
            }
            if primary_button(ui, theme, icons::ARROW_RIGHT, "Go to results", Ok(())).clicked() {
                sender.send(AppCommand::GoTo(Step::Evaluate));
            }
        });
    });
}

/// How a run ended, in words.
#[must_use]
pub fn outcome(results: &RunResults) -> String {
    let summary = &results.summary;
    let took = duration(summary.train_seconds);
    let how = if is_instant(&results.settings) {
        match summary.stop_reason {
            StopReason::Completed | StopReason::EarlyStopping | StopReason::FellBehind => {
                format!("Finished in {took}.")
            }
            StopReason::Stopped => format!("You stopped it after {took}."),
            StopReason::Diverged | StopReason::CutOff => format!("Interrupted after {took}."),
        }
    } else {
        let steps = counted(summary.steps, "step", "steps");
        match summary.stop_reason {
            StopReason::Completed => {
                let epochs = counted(summary.epochs.round() as u64, "epoch", "epochs");
                format!("Finished: {epochs}, {steps} in {took}.")
            }
            StopReason::EarlyStopping => {
                format!("Stopped early after {steps} ({took}), because the metric no longer improved.")
            }
            StopReason::FellBehind => {
                format!("Stopped early after {steps} ({took}), because other trials of the search did better.")
            }
            StopReason::Stopped => format!("You stopped it after {steps} ({took})."),
            StopReason::Diverged => format!(
                "Training diverged after {steps} ({took}): the loss was no longer a number. Lower the learning rate and train \
                 again."
            ),
            StopReason::CutOff => format!("Interrupted after {steps} ({took})."),
        }
    };
    format!("{how} {}", measured(results))
}

/// Whether a run fits an instant model, which has no epochs and no optimizer steps.
#[must_use]
pub fn is_instant(settings: &RunSettings) -> bool {
    settings.project.training.trained_layers == TrainedLayers::Instant
}

/// What the curves of a run go along.
pub fn along(settings: &RunSettings) -> Along {
    if is_instant(settings) { Along::Strengths } else { Along::Steps }
}

/// What the kept checkpoint reaches.
fn measured(results: &RunResults) -> String {
    let summary = &results.summary;
    let (rows, metrics) = match &summary.test {
        Some(test) => ("test", test),
        None => ("validation", &summary.validation),
    };
    let kept = if is_instant(&results.settings) {
        // Each strength is a step.
        let strengths = counted(summary.steps, "strength", "strengths");
        format!("Of {strengths} of regularisation, the best on the validation set was kept.")
    } else {
        format!("The best checkpoint, from step {}, was kept.", count(summary.best_step))
    };
    format!("On the {rows} set: {}. {kept}", scores(metrics))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::results;
    use crate::storage::RunSummary;

    fn ended(trained_layers: TrainedLayers, stop_reason: StopReason, steps: u64) -> String {
        let mut run = (*results()).clone();
        run.settings.project.training.trained_layers = trained_layers;
        let summary = RunSummary { stop_reason, steps, epochs: 3.0, train_seconds: 8.0, ..run.summary.clone() };
        run.summary = summary;
        outcome(&run)
    }

    #[test]
    fn the_outcome_names_epochs_and_steps() {
        let all = |reason| ended(TrainedLayers::All, reason, 1_200);
        let finished = all(StopReason::Completed);
        assert!(finished.starts_with("Finished: 3 epochs, 1,200 steps in 8"), "{finished}");
        assert!(finished.contains(". On the test set: ") && finished.contains("from step "), "{finished}");
        let stopped = all(StopReason::Stopped);
        assert!(stopped.starts_with("You stopped it after 1,200 steps (8"), "{stopped}");
        let early = all(StopReason::EarlyStopping);
        assert!(early.contains("because the metric no longer improved. On the test set"), "{early}");
        let diverged = all(StopReason::Diverged);
        assert!(diverged.starts_with("Training diverged after 1,200 steps (8"), "{diverged}");
        assert!(diverged.contains("Lower the learning rate and train again. On the test set"), "{diverged}");
    }

    #[test]
    fn the_outcome_of_an_instant_run_names_no_epochs_and_no_steps() {
        let finished = ended(TrainedLayers::Instant, StopReason::Completed, 8);
        assert!(finished.starts_with("Finished in 8") && !finished.contains("step"), "{finished}");
        let kept = "Of 8 strengths of regularisation, the best on the validation set was kept.";
        assert!(finished.ends_with(kept) && !finished.contains("epoch"), "{finished}");
    }
}
