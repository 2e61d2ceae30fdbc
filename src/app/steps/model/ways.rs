//! The ways to train side by side: what each takes on this machine.

use egui::{Grid, RadioButton, RichText, ScrollArea, Ui};

use crate::app::context::StepContext;
use crate::app::live_run::LiveRun;
use crate::app::messages::{AppCommand, CommandSender, Edit};
use crate::app::slot::Slot;
use crate::app::steps::model::what_to_train::{title, training};
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{Action, banner, button_if, running_ui};
use crate::project::TrainedLayers;
use crate::words::{bytes, counted, duration};
use crate::worker::WayEstimate;

/// Points that the reason why a way is not possible is wide, at most.
const WIDEST_REASON: f32 = 280.0;

/// The button that measures every way to train, and the table of what was measured.
pub fn ways_ui(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    let theme = ctx.theme;
    if let Some(running) = &ctx.answers.ways.running {
        let stop = Action { label: "Stop comparing", hover: "", command: AppCommand::StopComparingWays };
        running_ui(ui, theme, running, Some(stop), sender);
        return;
    }
    let slot = &ctx.answers.ways;
    let about = slot.of.as_ref().is_some_and(|of| of.is_same_whatever_is_trained(ctx.project));
    let known = about.then_some(slot);
    match known {
        Some(Slot { failed: Some(error), .. }) => {
            banner(ui, theme, Tone::Danger, "The ways to train could not be compared", error, |_| {});
        }
        Some(Slot { value: Some(ways), .. }) => table(ui, ctx, ways, sender),
        _ => {}
    }
    let why_not = if ctx.live.is_some_and(LiveRun::is_going) {
        Some("Training is running")
    } else if ctx.prepared.is_none() {
        Some("The data isn't ready yet")
    } else if ctx.model_folder.is_none() {
        Some("The model isn't on this machine yet")
    } else {
        None
    };
    ui.horizontal_wrapped(|ui| {
        let name = if known.is_some() { "Compare again" } else { "Compare ways to train" };
        let compare = button_if(ui, theme, why_not.is_none(), icons::LIST_CHECKS, name);
        if compare.on_disabled_hover_text(why_not.unwrap_or_default()).clicked() {
            sender.send(AppCommand::CompareWays);
        }
        ui.label(theme.small("Measures time and memory for training all layers, some of them, or a small add-on"));
    });
}

fn table(ui: &mut Ui, ctx: &StepContext<'_>, ways: &[WayEstimate], sender: &mut CommandSender) {
    let theme = ctx.theme;
    let settings = &ctx.project.training;
    let now = settings.trained_layers;
    let spacing = [theme.space.l, theme.space.xs];
    let sideways = ScrollArea::horizontal().id_salt("ways to train").auto_shrink([false, true]);
    sideways.show(ui, |ui| {
        Grid::new("ways to train").num_columns(3).spacing(spacing).show(ui, |ui| {
            for head in ["What is trained", "Time", "Memory"] {
                ui.label(theme.small(head));
            }
            ui.end_row();
            for way in ways {
                let radio = RadioButton::new(way.trained == now, name(way.trained));
                if ui.add_enabled(way.outcome.is_ok(), radio).clicked() && way.trained != now {
                    let next = training(settings, way.trained, now, (ctx.project.task.kind(), ctx.network));
                    sender.edit(Edit::Training(next));
                }
                match &way.outcome {
                    Ok(outcome) => {
                        ui.label(outcome.time.as_ref().map_or("–".to_owned(), |time| duration(time.whole)));
                        let memory = bytes(outcome.memory);
                        if outcome.time.is_some() {
                            ui.label(memory);
                        } else {
                            let free = bytes(outcome.memory_available);
                            ui.label(
                                RichText::new(format!("{memory} needed\n{free} free")).color(theme.palette.warning),
                            );
                        }
                    }
                    Err(reason) => {
                        ui.label("–");
                        ui.set_max_width(WIDEST_REASON);
                        ui.add(egui::Label::new(theme.small(reason)).wrap());
                    }
                }
                ui.end_row();
            }
        })
    });
    let epochs = counted(u64::from(settings.epochs), "epoch", "epochs");
    let note =
        format!("Whole runs of {epochs} on this machine. Instant needs no epochs; Head only usually needs about 20");
    ui.add(egui::Label::new(theme.muted(note)).wrap());
}

fn name(trained: TrainedLayers) -> String {
    match trained {
        TrainedLayers::Top(top) => format!("Top {top} layers and head"),
        other => title(other).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing::{Scene, picture, window};
    use crate::training::RunTime;
    use crate::worker::DryRun;

    fn outcome(whole: f64, memory: u64) -> DryRun {
        DryRun {
            steps: 1080,
            time: (memory < 8_000_000_000).then_some(RunTime { training: whole, whole, tokens_per_second: 1289.0 }),
            memory,
            memory_available: 8_000_000_000,
            disk: 181_000_000,
            disk_available: None,
            smaller: None,
        }
    }

    fn open() -> Harness<'static, Scene> {
        let mut scene = Scene::prepared(false);
        scene.answers.ways.of = Some(scene.project.clone());
        let refused = Err("The rank of an adapter must be at least 1.".to_owned());
        scene.answers.ways.value = Some(vec![
            WayEstimate { trained: TrainedLayers::All, outcome: Ok(outcome(754.0, 9_000_000_000)) },
            WayEstimate { trained: TrainedLayers::Top(2), outcome: Ok(outcome(300.0, 400_000_000)) },
            WayEstimate { trained: TrainedLayers::Lora, outcome: refused },
            WayEstimate { trained: TrainedLayers::Head, outcome: Ok(outcome(65.0, 300_000_000)) },
        ]);
        window(false, scene, |ui, scene| scene.show(|ctx, sender| ways_ui(ui, ctx, sender)))
    }

    #[test]
    fn ways_are_side_by_side_and_a_click_chooses_one() {
        let mut harness = open();
        picture("ways", &mut harness);
        harness.get_by_label("8.4 GiB needed\n7.5 GiB free");
        harness.get_by_label("The rank of an adapter must be at least 1.");
        harness.get_by_label("Compare again");
        harness.get_by_label("Top 2 layers and head").click();
        harness.run();
        let taken = harness.state_mut().sender.take();
        let [AppCommand::Edit(Edit::Training(settings))] = &taken[..] else { panic!("{taken:?}") };
        assert_eq!(settings.trained_layers, TrainedLayers::Top(2));
        // The table is still about the project, whose choice is another.
        harness.state_mut().project.training = settings.clone();
        harness.run();
        harness.get_by_label("Head only");
    }

    #[test]
    fn a_table_that_is_wider_than_its_card_scrolls() {
        let mut harness = open();
        harness.set_size(egui::vec2(400.0, 800.0));
        harness.run();
        let note = harness.get_by_label_contains("Whole runs of").rect();
        assert!(note.right() <= 400.0, "{note}");
    }

    #[test]
    fn a_table_of_other_settings_is_not_shown() {
        let mut harness = open();
        harness.state_mut().project.training.epochs += 1;
        harness.run();
        assert!(harness.query_by_label("Head only").is_none());
        harness.get_by_label("Compare ways to train");
    }
}
