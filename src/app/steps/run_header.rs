//! The head of every page that shows a run: which run it is, what has changed since, how good it is, and whether it is better than
//! the run before.

use std::cmp::Ordering;

use egui::{ComboBox, RichText, Ui};

use crate::app::commands::UserCommand;
use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::steps::verdict::verdict_ui;
use crate::app::theme::{Theme, Tone, icons};
use crate::app::widgets::badge;
use crate::evaluation::RunDifference;
use crate::storage::{RunListing, RunStatus};
use crate::words::{ago, counted, score, shortened};
use crate::worker::RunResults;

/// Most changed settings that are listed.
const LISTED: usize = 12;
/// Longest name of a run in the list of runs, in characters.
const NAME: usize = 30;

/// Draws which run is shown, with a choice of others, and what has changed since.
pub fn run_bar_ui(ui: &mut Ui, ctx: &StepContext<'_>, results: &RunResults, sender: &mut CommandSender) {
    ui.horizontal_wrapped(|ui| {
        ui.set_row_height(ctx.theme.size.control);
        run_choice(ui, ctx, results, sender);
        freed_ui(ui, ctx, results);
        stale_ui(ui, ctx, sender);
    });
    ui.add_space(ctx.theme.space.xs);
}

/// Draws the bar, the verdict on the run, and how it compares with the run before.
pub fn run_header_ui(ui: &mut Ui, ctx: &StepContext<'_>, results: &RunResults, sender: &mut CommandSender) {
    run_bar_ui(ui, ctx, results, sender);
    verdict_ui(ui, ctx, results, sender);
    if let Some(difference) = &results.difference {
        difference_ui(ui, ctx.theme, difference);
    }
}

/// Draws whether the run is better than the run before.
fn difference_ui(ui: &mut Ui, theme: &Theme, difference: &RunDifference) {
    let (icon, ink) = match difference.is_better() {
        _ if difference.is_mixed() => (icons::MINUS, theme.palette.text_muted),
        Some(Ordering::Greater) => (icons::ARROW_UP, theme.palette.success),
        Some(Ordering::Less) => (icons::ARROW_DOWN, theme.palette.danger),
        Some(Ordering::Equal) | None => (icons::MINUS, theme.palette.text_muted),
    };
    ui.horizontal(|ui| {
        ui.label(RichText::new(icon).color(ink));
        ui.add(egui::Label::new(difference.says()).wrap()).on_hover_text(
            "Both runs are scored on the test rows that both have. Better or worse is said only where the interval of the \
             difference leaves out zero, so that it is no accident of these rows",
        );
    });
    ui.add_space(theme.space.s);
}

/// Says that the run's model can no longer be used.
fn freed_ui(ui: &mut Ui, ctx: &StepContext<'_>, results: &RunResults) {
    let runs = ctx.listed.map(|listed| listed.records.runs.as_slice()).unwrap_or_default();
    if runs.iter().any(|run| run.has_freed_weights && run.listing.folder.path() == results.folder) {
        let body = "Its weights were freed to save disk space. Its metrics and predictions are still there, but its model can no \
                    longer predict, be exported, or be evaluated on other files. Choose another run, or train again";
        badge(ui, ctx.theme, Tone::Neutral, icons::HARD_DRIVES, "Weights freed").on_hover_text(body);
    }
}

fn run_choice(ui: &mut Ui, ctx: &StepContext<'_>, results: &RunResults, sender: &mut CommandSender) {
    let shown = ctx.runs.iter().find(|listing| listing.folder.id() == results.summary.run);
    let name = shown.map_or_else(|| results.summary.run.clone(), run_name);
    let width = 300.0_f32.min(ui.max_rect().width() - 24.0);
    let combo = ComboBox::from_id_salt("run").width(width).truncate().selected_text(name).show_ui(ui, |ui| {
        let finished = || ctx.runs.iter().filter(|listing| matches!(listing.status, RunStatus::Finished(_)));
        for listing in finished() {
            let is_shown = listing.folder.id() == results.summary.run;
            if ui.selectable_label(is_shown, run_name(listing)).clicked() && !is_shown {
                sender.send(AppCommand::LoadRun(listing.folder.path().to_owned()));
            }
        }
        if finished().next().is_none() {
            ui.label("No other runs");
        }
    });
    combo.response.accessible_name("Run").on_hover_text("Which run this page shows. The newest is at the top");
}

/// A run as a person tells it from others: its number, when it was, its score.
fn run_name(listing: &RunListing) -> String {
    let number = match listing.notes.name.as_str() {
        "" => listing.number.to_string(),
        name => format!("{} ({})", listing.number, shortened(name, NAME)),
    };
    match &listing.status {
        RunStatus::Finished(summary) => {
            let when = ago(summary.started_at);
            let (rows, metrics) = match &summary.test {
                Some(test) => ("test", test),
                None => ("validation", &summary.validation),
            };
            let figure = metrics
                .figures()
                .first()
                .map(|(name, value)| format!(", {rows} {} {}", name.in_a_sentence(), score(*value)));
            format!("Run {number}, {when}{}", figure.unwrap_or_default())
        }
        RunStatus::Running | RunStatus::Failed(_) => format!("Run {number}"),
    }
}

/// Says that settings, data or corrections have changed since the run, and trains again.
fn stale_ui(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    if ctx.changed_since_run.is_empty() {
        return;
    }
    let theme = ctx.theme;
    let changes = ctx.changed_since_run;
    let hover = || {
        let rest = changes.len().saturating_sub(LISTED);
        let mut lines: Vec<String> = changes.iter().take(LISTED).cloned().collect();
        if rest > 0 {
            lines.push(format!("and {} more", counted(rest, "setting", "settings")));
        }
        format!("This run does not have:\n{}", lines.join("\n"))
    };
    let says = format!("{} since this run", counted(changes.len(), "change", "changes"));
    badge(ui, theme, Tone::Warning, icons::WARNING, &says).on_hover_text(hover());
    let trains = ctx.live.is_some_and(crate::app::live_run::LiveRun::is_going);
    if !trains && ctx.train_blocked.is_none() && ui.link("Train again").on_hover_text(hover()).clicked() {
        sender.user(UserCommand::Train);
    }
}
