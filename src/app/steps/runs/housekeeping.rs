//! Disk space and the bin: what can be freed or deleted is listed before it happens.

use egui::Ui;

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::runs_command::RunsCommand;
use crate::app::theme::icons;
use crate::app::widgets::{button, make_room, primary_button, section};
use crate::words::{bytes, counted, plural};
use crate::worker::{ListedRuns, RunChange};

/// Most lines of what is freed.
const LISTED: usize = 12;

/// What a person is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Freeing disk space.
    Free,
    /// Emptying the bin.
    EmptyBin,
}

/// Draws the buttons of the bin and of disk space.
pub fn buttons_ui(ui: &mut Ui, ctx: &StepContext<'_>, listed: &ListedRuns, bin: &mut bool, asked: &mut Option<Asked>) {
    let theme = ctx.theme;
    let binned = listed.records.bin.len();
    if binned > 0 {
        make_room(ui, 100.0);
        let name = format!("{} Bin ({binned})", icons::TRASH);
        let toggle = ui.add(egui::Button::selectable(*bin, name)).accessible_name("Show the bin");
        if toggle.on_hover_text("Deleted runs, which can be restored until you empty the bin").clicked() {
            *bin = !*bin;
            *asked = None;
        }
    }
    if *bin && button(ui, theme, icons::TRASH, "Empty the bin…").clicked() {
        *asked = Some(Asked::EmptyBin);
    }
    let freeable = listed.freeable_bytes();
    if !*bin && freeable > 0 {
        let name = format!("Free {}…", bytes(freeable));
        make_room(ui, 130.0);
        let free = button(ui, theme, icons::HARD_DRIVES, &name);
        if free.on_hover_text("Shows first which weights and checkpoints would be removed").clicked() {
            *asked = Some(Asked::Free);
        }
    }
}

/// Draws what a person is asked about.
pub fn asked_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    asked: &mut Option<Asked>,
    listed: &ListedRuns,
    sender: &mut CommandSender,
) {
    match asked {
        Some(Asked::Free) if listed.freeable.is_empty() => *asked = None,
        Some(Asked::EmptyBin) if listed.records.bin.is_empty() => *asked = None,
        Some(Asked::Free) => free_ui(ui, ctx, asked, listed, sender),
        Some(Asked::EmptyBin) => empty_ui(ui, ctx, asked, listed, sender),
        None => {}
    }
}

fn free_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    asked: &mut Option<Asked>,
    listed: &ListedRuns,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let size = bytes(listed.freeable_bytes());
    let hint = "The best run, the newest and starred runs keep their weights. The other runs keep their metrics, curves and \
                predictions, but their models can no longer predict, be exported or be evaluated on other files. This can't \
                be undone: star a run first if you may need its model";
    section(ui, theme, &format!("Free {size}?"), hint, |ui| {
        for part in listed.freeable.iter().take(LISTED) {
            ui.label(format!("Run {}: {}, {}", part.number, part.part.title(), bytes(part.bytes)));
        }
        let more = listed.freeable.len().saturating_sub(LISTED);
        if more > 0 {
            ui.label(theme.small(format!("and {more} more")));
        }
        ui.add_space(theme.space.s);
        ui.horizontal_wrapped(|ui| {
            if primary_button(ui, theme, icons::HARD_DRIVES, &format!("Free {size}"), Ok(())).clicked() {
                let change = RunChange::Free(listed.freeable.clone());
                sender.send(AppCommand::Runs(RunsCommand::Change(change)));
                *asked = None;
            }
            if button(ui, theme, "", "Cancel").clicked() {
                *asked = None;
            }
        });
    });
}

fn empty_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    asked: &mut Option<Asked>,
    listed: &ListedRuns,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let runs = &listed.records.bin;
    let number = counted(runs.len(), "run", "runs");
    let size = bytes(runs.iter().map(|run| run.disk.total()).sum());
    let them = plural(runs.len(), "it", "them");
    let hint =
        format!("This frees {size}. Settings, metrics, predictions and models go with {them}, and can't be restored");
    section(ui, theme, &format!("Delete {number} for good?"), &hint, |ui| {
        ui.horizontal_wrapped(|ui| {
            if primary_button(ui, theme, icons::TRASH, &format!("Delete {number}"), Ok(())).clicked() {
                let change = RunChange::EmptyBin(ctx.folder.to_owned());
                sender.send(AppCommand::Runs(RunsCommand::Change(change)));
                *asked = None;
            }
            if button(ui, theme, "", "Cancel").clicked() {
                *asked = None;
            }
        });
    });
}
