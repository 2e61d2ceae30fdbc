//! What is shown in place of an answer: the job that works on it, why it failed, or that it was stopped.

use egui::Ui;

use crate::app::messages::{AppCommand, CommandSender};
use crate::app::slot::{Running, Slot};
use crate::app::theme::{Theme, Tone, icons};
use crate::app::widgets::{banner, button, card, progress_ui, spinner};
use crate::progress::Progress;

/// Width of the bar.
const BAR: f32 = 160.0;

/// A button, and what it asks for.
pub struct Action<'a> {
    /// What is on it.
    pub label: &'a str,
    /// What it means; empty where the label says it all.
    pub hover: &'a str,
    /// What it sends.
    pub command: AppCommand,
}

/// What a slot is for, and what a person can do about it.
pub struct SlotActions<'a> {
    /// What its job does; "… failed" and "… was stopped" can follow.
    pub title: &'a str,
    /// Stops the job.
    pub stop: Action<'a>,
    /// Asks again.
    pub again: AppCommand,
}

/// Draws what became of the newest question of a slot: how far its job is, why it failed, or that it was stopped, each
/// with what can be done about it. Draws nothing where it was answered, or never asked; returns whether it drew.
pub fn slot_ui<T, K>(
    ui: &mut Ui,
    theme: &Theme,
    slot: &Slot<T, K>,
    actions: SlotActions<'_>,
    sender: &mut CommandSender,
) -> bool {
    let SlotActions { title, stop, again } = actions;
    if let Some(running) = &slot.running {
        running_ui(ui, theme, running, Some(stop), sender);
    } else if let Some(why) = &slot.failed {
        banner(ui, theme, Tone::Danger, &format!("{title} failed"), why, |ui| {
            let again = Action { label: "Try again", hover: "", command: again };
            action_ui(ui, theme, icons::ARROW_CLOCKWISE, again, sender);
        });
    } else if slot.stopped {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = theme.space.m;
            ui.label(theme.muted(format!("{title} was stopped")));
            let again = Action { label: "Resume", hover: "", command: again };
            action_ui(ui, theme, icons::ARROW_CLOCKWISE, again, sender);
        });
    } else {
        return false;
    }
    true
}

/// A running job: what it does, its progress, the time left, and a button to stop it.
pub fn running_ui(ui: &mut Ui, theme: &Theme, running: &Running, stop: Option<Action<'_>>, sender: &mut CommandSender) {
    let Running { title, progress } = running;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = theme.space.m;
        spinner(ui, theme.text.body, theme.palette.accent, title);
        ui.label(theme.strong(*title));
        progress_ui(ui, theme, &format!("Progress: {title}"), progress.fraction(), BAR);
        let said = describe(progress);
        if !said.is_empty() {
            ui.label(theme.small(said));
        }
        if let Some(stop) = stop {
            action_ui(ui, theme, icons::X, stop, sender);
        }
    });
}

/// [`running_ui`] on a separate card, where nothing else is there yet.
pub fn running_card(
    ui: &mut Ui,
    theme: &Theme,
    running: &Running,
    stop: Option<Action<'_>>,
    sender: &mut CommandSender,
) {
    card(ui, theme, |ui| running_ui(ui, theme, running, stop, sender));
}

fn action_ui(ui: &mut Ui, theme: &Theme, icon: &str, action: Action<'_>, sender: &mut CommandSender) {
    let mut response = button(ui, theme, icon, action.label);
    if !action.hover.is_empty() {
        response = response.on_hover_text(action.hover);
    }
    if response.clicked() {
        sender.send(action.command);
    }
}

/// `Reading  1,200 of 14,640 rows  ·  3 s left`.
fn describe(progress: &Progress) -> String {
    let mut text = progress.stage.clone();
    if progress.done > 0 {
        text = format!("{text}  {}", progress.amount());
    }
    if let Some(left) = progress.time_left() {
        text = format!("{text}  ·  {left}");
    }
    text
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing::{Scene, window};

    #[test]
    fn progress_is_described_with_all_that_is_known() {
        let mut progress = Progress { stage: "Reading".to_owned(), unit: "rows", ..Progress::default() };
        assert_eq!(describe(&progress), "Reading");
        progress.done = 1_200;
        assert_eq!(describe(&progress), "Reading  1,200 rows");
        progress.total = Some(14_640);
        progress.eta_seconds = Some(3.0);
        assert_eq!(describe(&progress), "Reading  1,200 of 14,640 rows  ·  3 s left");
    }

    #[test]
    fn a_slot_shows_what_became_of_its_newest_question() {
        let actions = || SlotActions {
            title: "Counting tokens",
            stop: Action { label: "Stop counting", hover: "", command: AppCommand::StopCountingTokens },
            again: AppCommand::FindProblems,
        };
        let mut harness = window(false, (Scene::prepared(false), Slot::<u8>::default()), |ui, (scene, slot)| {
            scene.show(|ctx, sender| {
                slot_ui(ui, ctx.theme, slot, actions(), sender);
            });
        });
        let mut asked = Vec::new();
        for (change, button) in [
            (
                Slot { running: Some(Running { title: "Counting tokens", ..Running::default() }), ..Slot::default() },
                "Stop counting",
            ),
            (Slot { failed: Some("There is no tokenizer".to_owned()), ..Slot::default() }, "Try again"),
            (Slot { stopped: true, ..Slot::default() }, "Resume"),
        ] {
            harness.state_mut().1 = change;
            harness.run_steps(2);
            assert_eq!(harness.query_by_label("There is no tokenizer").is_some(), harness.state().1.failed.is_some());
            harness.get_by_label(button).click();
            harness.run_steps(2);
            asked.extend(harness.state_mut().0.sender.take());
        }
        assert_eq!(asked, [AppCommand::StopCountingTokens, AppCommand::FindProblems, AppCommand::FindProblems]);
        harness.state_mut().1 = Slot { value: Some(7), ..Slot::default() };
        harness.run_steps(2);
        assert!(harness.query_by_label("Try again").is_none(), "it was answered");
    }
}
