//! The leakage report: what would make the figures look better than they are, and what mends it.

use egui::{CollapsingHeader, Label, RichText, Ui};

use super::super::context::StepContext;
use super::super::messages::{AppCommand, CommandSender, Edit};
use super::super::theme::{Tone, icons};
use super::super::widgets::numbers::{count, counted};
use super::super::widgets::{banner, button, progress_ui, section, spinner};
use super::alike::row;
use crate::data::{Imported, Leak, LeakageReport, Prepared, Remedy};
use crate::project::Project;

/// Rows shown of a finding; the rest are counted.
const ROWS: usize = 20;

/// Draws the section.
pub fn leakage_ui(ui: &mut Ui, ctx: &StepContext<'_>, prepared: &Prepared, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let hint = "What lets a model be measured on what it has learnt by heart, so that its figures look better than they are";
    section(ui, theme, "Leakage", hint, |ui| {
        let Some(report) = ctx.leakage else {
            comparing_ui(ui, ctx, sender);
            return;
        };
        let (ignored, open): (Vec<&Leak>, Vec<&Leak>) = report.leaks.iter().partition(|leak| leak.ignored);
        if open.is_empty() {
            ui.horizontal(|ui| {
                ui.label(RichText::new(icons::CHECK_CIRCLE).color(theme.ink(Tone::Success)).size(theme.text.heading));
                ui.label(theme.strong(if ignored.is_empty() { "No leakage found" } else { "No other leakage found" }));
            });
        }
        for leak in open {
            finding(ui, ctx, prepared, leak, sender);
        }
        for leak in ignored {
            ui.horizontal_wrapped(|ui| {
                ui.label(theme.muted(format!("{}  {}: ignored by you", icons::EYE_SLASH, leak.kind.title())));
                remedies(ui, ctx, leak, sender);
            });
        }
        looked_for(ui, ctx, report);
    });
}

fn finding(ui: &mut Ui, ctx: &StepContext<'_>, prepared: &Prepared, leak: &Leak, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let tone = if leak.is_hint() { Tone::Neutral } else { Tone::Warning };
    let title = match leak.is_hint() {
        true => format!("Worth a look: {}", leak.kind.title()),
        false => leak.kind.title(),
    };
    banner(ui, theme, tone, &title, &leak.in_words(), |ui| {
        remedies(ui, ctx, leak, sender);
    });
    ui.push_id(leak.kind.key(), |ui| {
        let rows = counted(leak.rows.len() as u64, "row", "rows");
        let header = CollapsingHeader::new(theme.small(format!("Show the {rows}"))).id_salt("rows");
        header.show(ui, |ui| {
            for (place, &id) in leak.rows.iter().take(ROWS).enumerate() {
                if place > 0 {
                    ui.separator();
                }
                row(ui, ctx, prepared, id);
            }
            if leak.rows.len() > ROWS {
                ui.label(theme.small(format!("And {} more", count((leak.rows.len() - ROWS) as u64))));
            }
        });
    });
    ui.add_space(theme.space.s);
}

fn remedies(ui: &mut Ui, ctx: &StepContext<'_>, leak: &Leak, sender: &mut CommandSender) {
    for remedy in &leak.remedies {
        let (icon, why) = match remedy {
            Remedy::KeepNearTogether => (icons::ARROWS_MERGE, "Divides at random, with texts nearly the same on one side"),
            Remedy::SplitByGroup(_) => (icons::ARROWS_MERGE, "Divides at random, with such rows on one side"),
            Remedy::SplitByTime => (icons::CLOCK, "The oldest rows train, the newest are the test"),
            Remedy::DropDuplicates => (icons::BROOM, "Keeps the first row of each text and label"),
            Remedy::LeaveOut(_) => (icons::X, "Keeps one row of those alike. Rows of validation and test files are kept always. Undo brings them back"),
            Remedy::Ignore(_) => (icons::EYE_SLASH, "Lets it stand: it is not told again, here or in training"),
            Remedy::LookAgain(_) => (icons::EYE, "Tells it again"),
        };
        if button(ui, ctx.theme, icon, &remedy.text()).on_hover_text(why).clicked()
            && let Some(imported) = ctx.imported
        {
            sender.edit(remedy_edit(remedy, ctx.project, imported));
        }
    }
}

/// The change of the project that a remedy is.
pub(super) fn remedy_edit(remedy: &Remedy, project: &Project, imported: &Imported) -> Edit {
    let mut next = remedy.apply(project, imported);
    match remedy {
        Remedy::LeaveOut(rows) => Edit::Rows(rows.iter().map(|&id| (id, next.edits.rows.remove(&id))).collect()),
        Remedy::DropDuplicates => Edit::Cleaning(next.cleaning),
        _ => Edit::Divide(Box::new((next.dataset, next.split))),
    }
}

fn looked_for(ui: &mut Ui, ctx: &StepContext<'_>, report: &LeakageReport) {
    let theme = ctx.theme;
    let mut line = |text: String| ui.add(Label::new(theme.small(text)).wrap());
    line(format!("Looked for: {}", report.looked_for.join("; ")));
    if !report.not_looked_for.is_empty() {
        line(format!("Not looked for: {}", report.not_looked_for.join("; ")));
    }
}

/// How far comparing texts is, with a way to stop it; or that it was stopped, with a way to go on.
pub(super) fn comparing_ui(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    let theme = ctx.theme;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = theme.space.m;
        if let Some(progress) = ctx.comparing {
            let stage = if progress.stage.is_empty() { "Comparing texts" } else { &progress.stage };
            spinner(ui, theme.text.body, theme.palette.accent, stage);
            ui.label(theme.muted(format!("{stage}…")));
            progress_ui(ui, theme, stage, progress.fraction(), 160.0);
            let why = "Texts nearly the same and leakage are not looked for then";
            if button(ui, theme, icons::X, "Stop comparing").on_hover_text(why).clicked() {
                sender.send(AppCommand::StopComparing);
            }
        } else {
            ui.label(theme.muted("The texts were not compared"));
            if button(ui, theme, icons::ARROWS_CLOCKWISE, "Compare them").clicked() {
                sender.send(AppCommand::CompareAgain);
            }
        }
    });
}
