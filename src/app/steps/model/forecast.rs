//! The dry run of the Model step: time, memory and disk a run needs on this machine.

use egui::{RichText, Ui};

use crate::app::context::StepContext;
use crate::app::live_run::LiveRun;
use crate::app::messages::{AppCommand, CommandSender, Edit};
use crate::app::slot::Slot;
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{Action, banner, button, button_if, running_ui};
use crate::project::TrainingSettings;
use crate::words::{bytes, count, duration};
use crate::worker::DryRun;

/// The button that starts the dry run, and its result for the current settings.
pub fn forecast_ui(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let forecast = ctx.answers.forecast.about(ctx.project);
    if let Some(running) = &ctx.answers.forecast.running {
        let stop = Action { label: "Stop measuring", hover: "", command: AppCommand::StopDryRun };
        running_ui(ui, theme, running, Some(stop), sender);
        return;
    }
    match forecast {
        Some(Slot { failed: Some(error), .. }) => {
            banner(ui, theme, Tone::Danger, "The dry run failed", error, |_| {});
        }
        Some(Slot { value: Some(outcome), .. }) => outcome_ui(ui, ctx, outcome, sender),
        _ => {}
    }
    let training = ctx.live.is_some_and(LiveRun::is_going);
    ui.horizontal_wrapped(|ui| {
        let name = if forecast.is_some() { "Measure again" } else { "Measure time and memory" };
        let measure = button_if(ui, theme, ctx.prepared.is_some() && !training, icons::TIMER, name);
        if measure.on_disabled_hover_text(why_not(training)).clicked() {
            sender.send(AppCommand::DryRun);
        }
        ui.label(theme.small("Runs a few training steps, then discards them"));
    });
}

fn why_not(training: bool) -> &'static str {
    if training { "Training is already running and shows its time left" } else { "The data isn't ready yet" }
}

fn outcome_ui(ui: &mut Ui, ctx: &StepContext<'_>, outcome: &DryRun, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let Some(time) = &outcome.time else {
        let (title, text) = too_much(outcome);
        banner(ui, theme, Tone::Warning, title, &text, |ui| {
            if let Some(smaller) = outcome.smaller
                && button(ui, theme, icons::CHECK, "Use these settings").clicked()
            {
                let now = ctx.project.training.clone();
                let (batch_size, max_length) = (smaller.batch_size, smaller.max_length);
                let gradient_accumulation = smaller.gradient_accumulation;
                sender.edit(Edit::Training(TrainingSettings { batch_size, max_length, gradient_accumulation, ..now }));
            }
        });
        return;
    };
    let free = |free: Option<u64>| free.map_or(String::new(), |free| format!(" ({} free)", bytes(free)));
    let memory_free = (outcome.memory_available > 0).then_some(outcome.memory_available);
    let speed = count(time.tokens_per_second as u64);
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(icons::TIMER).color(theme.palette.accent));
        ui.label(theme.strong(format!("About {} on this machine", duration(time.whole))));
    });
    ui.label(theme.muted(format!(
        "{speed} tokens per second. Needs up to {} of memory{} and {} of disk{}. It takes less time if it stops early",
        bytes(outcome.memory),
        free(memory_free),
        bytes(outcome.disk),
        free(outcome.disk_available),
    )));
}

fn too_much(outcome: &DryRun) -> (&'static str, String) {
    let (needed, free) = (bytes(outcome.memory), bytes(outcome.memory_available));
    let text = match &outcome.smaller {
        Some(smaller) => format!(
            "It would need up to {needed}, but only {free} is free. These settings fit: batch size {}, gradient \
             accumulation {}, max length {} tokens.",
            smaller.batch_size, smaller.gradient_accumulation, smaller.max_length
        ),
        None => format!(
            "It needs up to {needed}, but only {free} is free. Train an adapter (LoRA) or the head only, or choose a smaller model."
        ),
    };
    ("Not enough memory for these settings", text)
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing::{Scene, picture, window};
    use crate::training::{RunTime, SmallerRun};

    fn outcome() -> DryRun {
        DryRun {
            steps: 1080,
            time: Some(RunTime { training: 700.0, whole: 754.0, tokens_per_second: 1289.0 }),
            memory: 657_000_000,
            memory_available: 8_000_000_000,
            disk: 181_000_000,
            disk_available: Some(90_000_000_000),
            smaller: None,
        }
    }

    fn open(outcome: Option<DryRun>) -> Harness<'static, Scene> {
        let mut scene = Scene::prepared(false);
        scene.answers.forecast.of = Some(scene.project.clone());
        scene.answers.forecast.value = outcome.map(Box::new);
        window(false, scene, |ui, scene| scene.show(|ctx, sender| forecast_ui(ui, ctx, sender)))
    }

    #[test]
    fn a_dry_run_shows_time_speed_and_memory() {
        let mut harness = open(Some(outcome()));
        picture("forecast", &mut harness);
        harness.get_by_label_contains("About 12 min");
        harness.get_by_label_contains("1,289 tokens per second");
        harness.get_by_label("Measure again").click();
        harness.run();
        assert_eq!(harness.state_mut().sender.take(), [AppCommand::DryRun]);
    }

    #[test]
    fn one_click_applies_settings_that_fit_in_memory() {
        let smaller = Some(SmallerRun { batch_size: 4, gradient_accumulation: 8, max_length: 64 });
        let mut harness = open(Some(DryRun { time: None, smaller, ..outcome() }));
        harness.get_by_label("Use these settings").click();
        harness.run();
        let taken = harness.state_mut().sender.take();
        let [AppCommand::Edit(Edit::Training(settings))] = &taken[..] else { panic!("{taken:?}") };
        assert_eq!((settings.batch_size, settings.gradient_accumulation, settings.max_length), (4, 8, 64));
    }

    #[test]
    fn a_dry_run_of_other_settings_is_not_shown() {
        let mut harness = open(Some(outcome()));
        harness.state_mut().project.training.epochs += 1;
        harness.run();
        assert!(harness.query_by_label_contains("About").is_none());
        harness.get_by_label("Measure time and memory");
    }
}
