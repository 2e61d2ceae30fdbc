//! Which run is best, and what to do next.

use std::path::PathBuf;

use egui::Ui;

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::runs_command::RunsCommand;
use crate::app::theme::icons;
use crate::app::widgets::{button, card, figure, primary_button};
use crate::storage::RunRecord;
use crate::words::{bytes, count, score};
use crate::worker::ListedRuns;

/// The name of a run in a sentence: its number, and its name if it has one.
#[must_use]
pub fn named(run: &RunRecord) -> String {
    let (number, name) = (run.listing.number, &run.listing.notes.name);
    if name.is_empty() { format!("run {number}") } else { format!("run {number} ({name})") }
}

/// Draws the best run, the newest and what to do next. Returns the runs to compare, if a person asks for that.
pub fn summary_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    listed: &ListedRuns,
    sender: &mut CommandSender,
) -> Option<Vec<PathBuf>> {
    let theme = ctx.theme;
    let records = &listed.records;
    let best = records.best()?;
    let (metric, value) = best.score()?;
    let rows = if best.summary()?.test.is_some() { "Test" } else { "Validation" };
    let newest = records.runs.iter().find(|run| run.score().is_some())?;
    let others = records.runs.iter().filter(|run| run.score().is_some_and(|(name, _)| name == metric));
    let second = others.clone().find(|run| run.listing.folder != best.listing.folder);
    // The newest against the best, or the best against another.
    let is_newest_best = newest.listing.folder == best.listing.folder;
    let other = if is_newest_best { second } else { Some(newest) };
    let mut compare = None;
    card(ui, theme, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = theme.space.xl;
            figure(ui, theme, "Best run", &best.title(), "By its main metric, on the rows it was tested on");
            let title = format!("{rows} {}", metric.in_a_sentence());
            figure(ui, theme, &title, &score(value), metric.explanation());
            if !is_newest_best && let Some((_, value)) = newest.score() {
                figure(ui, theme, &format!("Newest, {}", named(newest)), &score(value), "The newest run with a score");
            }
            figure(ui, theme, "Runs", &count(records.runs.len()), "Without those in the bin");
            figure(ui, theme, "Disk", &bytes(records.disk().total()), "Weights, checkpoints and everything else");
        });
        ui.add_space(theme.space.s);
        ui.add(egui::Label::new(says(best, other.map(AsRef::as_ref), is_newest_best)).wrap());
        ui.add_space(theme.space.xs);
        ui.horizontal_wrapped(|ui| {
            if let Some(other) = other {
                let name = format!("Compare {} and {}", short(best), short(other));
                if primary_button(ui, theme, icons::SCALES, &name, Ok(())).clicked() {
                    // The older one first: the newer is compared with it.
                    let mut pair = [best, other];
                    pair.sort_by_key(|run| run.listing.number);
                    compare = Some(pair.map(|run| run.listing.folder.path().to_owned()).to_vec());
                }
            }
            if button(ui, theme, icons::TARGET, "Show the best in Evaluate").clicked() {
                sender.send(AppCommand::Runs(RunsCommand::Show(best.listing.folder.path().to_owned())));
            }
        });
    });
    compare
}

fn short(run: &RunRecord) -> String {
    format!("run {}", run.listing.number)
}

fn says(best: &RunRecord, other: Option<&RunRecord>, is_newest_best: bool) -> String {
    match other {
        None => {
            "This is the only run with a score. Change a setting and train again to have something to compare it with."
                .to_owned()
        }
        Some(other) if is_newest_best => format!(
            "The newest run has the best score so far. Compare it with {} to see whether that is more than luck, and what was \
             different.",
            named(other)
        ),
        Some(other) => format!(
            "{} still has the best score. Compare it with {} to see what was different, and which rows got worse.",
            crate::words::upper_first(&named(best)),
            named(other)
        ),
    }
}
