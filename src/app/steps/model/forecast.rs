//! What a run will take on this machine, in the Model step.

use egui::{RichText, Ui};

use crate::app::context::StepContext;
use crate::app::live_run::LiveRun;
use crate::app::messages::{AppCommand, CommandSender, Edit};
use crate::app::slot::Slot;
use crate::app::theme::{Tone, icons};
use crate::app::widgets::numbers::{bytes, count, duration};
use crate::app::widgets::{Action, banner, button, running_ui};
use crate::project::TrainingSettings;
use crate::worker::DryRun;

/// The button that measures, and what was measured for the settings as they are now.
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
            banner(ui, theme, Tone::Danger, "It could not be measured", error, |_| {});
        }
        Some(Slot { value: Some(outcome), .. }) => outcome_ui(ui, ctx, outcome, sender),
        _ => {}
    }
    let training = ctx.live.is_some_and(LiveRun::is_going);
    ui.horizontal(|ui| {
        ui.add_enabled_ui(ctx.prepared.is_some() && !training, |ui| {
            let name = if forecast.is_some() { "Measure again" } else { "Measure time and memory" };
            let measure = button(ui, theme, icons::TIMER, name);
            if measure.on_disabled_hover_text(why_not(training)).clicked() {
                sender.send(AppCommand::DryRun);
            }
        });
        ui.label(theme.small("Tries a few real steps on your texts. Nothing is kept"));
    });
}

fn why_not(training: bool) -> &'static str {
    if training { "A run is under way; it shows its own time left" } else { "The data is not ready yet" }
}

fn outcome_ui(ui: &mut Ui, ctx: &StepContext<'_>, outcome: &DryRun, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let Some(time) = &outcome.time else {
        let (title, text) = too_much(outcome);
        banner(ui, theme, Tone::Warning, title, &text, |ui| {
            if let Some(smaller) = outcome.smaller
                && button(ui, theme, icons::CHECK, "Use what fits").clicked()
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
        "{speed} tokens a second. Up to {} of memory{} and {} of disk{}. It ends sooner if it stops early",
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
            "It would take up to {needed}, and {free} is free. Batches of {} texts, summed {} at a time, of up to {} \
             tokens fit.",
            smaller.batch_size, smaller.gradient_accumulation, smaller.max_length
        ),
        None => format!("The model needs up to {needed}, and {free} is free. Choose a smaller one."),
    };
    ("Too little memory for these settings", text)
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
    fn what_was_measured_is_told() {
        let mut harness = open(Some(outcome()));
        picture("forecast", &mut harness);
        harness.get_by_label_contains("About 12 min");
        harness.get_by_label_contains("1,289 tokens a second");
        harness.get_by_label("Measure again").click();
        harness.run();
        assert_eq!(harness.state_mut().sender.take(), [AppCommand::DryRun]);
    }

    #[test]
    fn settings_that_fit_are_taken_by_a_click() {
        let smaller = Some(SmallerRun { batch_size: 4, gradient_accumulation: 8, max_length: 64 });
        let mut harness = open(Some(DryRun { time: None, smaller, ..outcome() }));
        harness.get_by_label("Use what fits").click();
        harness.run();
        let taken = harness.state_mut().sender.take();
        let [AppCommand::Edit(Edit::Training(settings))] = &taken[..] else { panic!("{taken:?}") };
        assert_eq!((settings.batch_size, settings.gradient_accumulation, settings.max_length), (4, 8, 64));
    }

    #[test]
    fn figures_of_other_settings_are_not_shown() {
        let mut harness = open(Some(outcome()));
        harness.state_mut().project.training.epochs += 1;
        harness.run();
        assert!(harness.query_by_label_contains("About").is_none());
        harness.get_by_label("Measure time and memory");
    }
}
