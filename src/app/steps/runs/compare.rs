//! Two to eight runs beside each other: which is better, by which rows, and what was different.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::path::PathBuf;

use egui::{CollapsingHeader, Label, RichText, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::runs_command::RunsCommand;
use crate::app::steps::run_end::is_instant;
use crate::app::steps::runs::compare_tables::{metrics_ui, name_of, settings_ui};
use crate::app::steps::save_curves::save_several_ui;
use crate::app::theme::{Theme, icons};
use crate::app::widgets::{
    RunCurvesState, button, card, empty_state, icon_button, make_room, page, run_curves_ui, run_mark_ui, section,
    spinner,
};
use crate::evaluation::Prediction;
use crate::export::CurvesOfRun;
use crate::project::RowId;
use crate::words::{counted, one_line};
use crate::worker::{ComparedRun, PairedDifference, RunsComparison};

const PURPOSE: &str = "Each run is compared with the first, row by row, on the test rows that both have";
/// Most rows listed.
const LISTED: usize = 20;
/// Width of what is beside the name of a run: its mark, and what can be done with it.
const BESIDE: f32 = 230.0;
/// Most characters of a row's text. What does not fit beside each other ends with an ellipsis, and shows on hover.
const TEXT: usize = 500;

/// State kept between frames.
#[derive(Debug, Default)]
pub struct CompareState {
    curves: RunCurvesState,
}

/// Draws the comparison. Returns whether the person goes back to the list.
pub fn compare_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut CompareState, sender: &mut CommandSender) -> bool {
    let theme = ctx.theme;
    page(ui, theme, "Compare runs", PURPOSE, |ui| {
        let back = button(ui, theme, icons::ARROW_LEFT, "All runs").clicked();
        ui.add_space(theme.space.s);
        let slot = &ctx.answers.compared;
        if let Some(why) = &slot.failed {
            empty_state(ui, theme, icons::SCALES, "These runs could not be compared", why, |_| {});
        } else if let Some(comparison) = slot.value.as_ref() {
            contents(ui, ctx, comparison, state, sender);
        } else if slot.is_running() {
            spinner(ui, theme.size.control, theme.palette.accent, "Comparing runs");
        }
        back
    })
}

fn contents(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    comparison: &RunsComparison,
    state: &mut CompareState,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    runs_row(ui, theme, comparison, sender);
    // Of many runs, a table says more at first than a card for each.
    let are_two = comparison.runs.len() == 2;
    if are_two {
        differences_ui(ui, theme, comparison, sender);
    }
    let place = if are_two { "above" } else { "below" };
    let hint = format!("The best of each is marked. Whether that is more than luck is said {place}");
    section(ui, theme, "Metrics", &hint, |ui| metrics_ui(ui, theme, comparison));
    section(ui, theme, "What was different", "Settings and data that are the same in all runs are not listed", |ui| {
        settings_ui(ui, theme, comparison);
    });
    section(ui, theme, "Curves of all runs", "", |ui| {
        let runs = comparison.runs.iter().zip(&comparison.curves);
        let runs: Vec<CurvesOfRun<'_>> = runs
            .map(|(run, curves)| CurvesOfRun {
                name: name_of(run),
                is_instant: is_instant(&run.settings),
                steps: &curves.steps,
                evaluations: &curves.evaluations,
            })
            .collect();
        let metric = comparison.runs[0].measured().figures()[0].0;
        run_curves_ui(ui, theme, &runs, metric, &mut state.curves);
        let folders: Vec<PathBuf> = comparison.runs.iter().map(|run| run.listing.folder.path().to_owned()).collect();
        save_several_ui(ui, theme, &folders, sender);
    });
    if !are_two {
        differences_ui(ui, theme, comparison, sender);
    }
}

fn differences_ui(ui: &mut Ui, theme: &Theme, comparison: &RunsComparison, sender: &mut CommandSender) {
    for (index, difference) in comparison.differences.iter().enumerate() {
        difference_ui(ui, theme, comparison, (index + 1, difference), sender);
    }
}

/// The runs with their marks. Another one can be made the first, or left out.
fn runs_row(ui: &mut Ui, theme: &Theme, comparison: &RunsComparison, sender: &mut CommandSender) {
    let path = |run: &ComparedRun| run.listing.folder.path().to_owned();
    let mut ask = None;
    ui.horizontal_wrapped(|ui| {
        for (index, run) in comparison.runs.iter().enumerate() {
            // A run begins a new row rather than being split between two.
            let name = theme.strong(name_of(run));
            let font = theme.font(theme.text.body);
            let width = ui.painter().layout_no_wrap(name_of(run), font, theme.palette.text).size().x;
            make_room(ui, (width + BESIDE).min(ui.max_rect().width()));
            run_mark_ui(ui, theme, index);
            ui.label(name);
            let others = || comparison.runs.iter().filter(|other| other.listing.folder != run.listing.folder);
            if index == 0 {
                ui.label(theme.small("the others are compared with it"));
            } else if ui.link("Compare with this").on_hover_text("Makes this run the first").clicked() {
                ask = Some(std::iter::once(path(run)).chain(others().map(path)).collect());
            }
            if comparison.runs.len() > 2
                && icon_button(ui, theme, icons::X, &format!("Leave out run {}", run.listing.number)).clicked()
            {
                ask = Some(others().map(path).collect());
            }
            ui.add_space(theme.space.m);
        }
    });
    if let Some(runs) = ask {
        sender.send(AppCommand::Runs(RunsCommand::Compare(runs)));
    }
    ui.add_space(theme.space.s);
}

/// How a run compares with the first.
fn difference_ui(
    ui: &mut Ui,
    theme: &Theme,
    comparison: &RunsComparison,
    (index, difference): (usize, &Result<PairedDifference, String>),
    sender: &mut CommandSender,
) {
    let run = &comparison.runs[index];
    card(ui, theme, |ui| {
        ui.horizontal(|ui| {
            run_mark_ui(ui, theme, index);
            let title = theme.heading(format!("{} against {}", name_of(run), name_of(&comparison.runs[0])));
            crate::app::spoken::set_heading(&ui.add(Label::new(title).truncate()));
        });
        let difference = match difference {
            Ok(difference) => difference,
            Err(why) => {
                ui.add(Label::new(why).wrap());
                return;
            }
        };
        let (icon, ink) = match difference.is_better() {
            Some(Ordering::Greater) => (icons::ARROW_UP, theme.palette.success),
            Some(Ordering::Less) => (icons::ARROW_DOWN, theme.palette.danger),
            Some(Ordering::Equal) | None => (icons::MINUS, theme.palette.text_muted),
        };
        ui.horizontal_top(|ui| {
            ui.label(RichText::new(icon).color(ink));
            ui.add(Label::new(difference.says()).wrap());
        });
        if let Some(says) = difference.mcnemar() {
            ui.add(Label::new(theme.small(says)).wrap());
        }
        if let PairedDifference::Classes(difference) = difference {
            let first = &comparison.runs[0];
            // What was fixed is a mistake of the first run, and what was broken one of this run.
            rows_ui(ui, theme, (run, first), ("fixed", &difference.fixed, first), sender);
            rows_ui(ui, theme, (run, first), ("broken", &difference.broken, run), sender);
        }
    });
}

/// The rows that one of the runs predicts correctly and the other does not, with a button that opens them in Review as mistakes of
/// the run that has them wrong.
fn rows_ui(
    ui: &mut Ui,
    theme: &Theme,
    (run, first): (&ComparedRun, &ComparedRun),
    (what, rows, wrong): (&str, &[RowId], &ComparedRun),
    sender: &mut CommandSender,
) {
    if rows.is_empty() {
        return;
    }
    let title = format!("{} {what} by run {}", counted(rows.len(), "row", "rows"), run.listing.number);
    let salt = (what, run.listing.number);
    CollapsingHeader::new(title).id_salt(salt).show(ui, |ui| {
        let of = |run: &ComparedRun| -> HashMap<RowId, usize> {
            (0..run.predictions.len()).map(|place| (run.predictions[place].id, place)).collect()
        };
        let (now, before) = (of(run), of(first));
        for id in rows.iter().take(LISTED) {
            let get = |run: &'_ ComparedRun, places: &HashMap<RowId, usize>| {
                places.get(id).map(|place| run.predictions[*place].clone())
            };
            let (Some(new), old) = (get(run, &now), get(first, &before)) else { continue };
            row_ui(ui, theme, (run, &new), (first, old.as_ref()));
        }
        let more = rows.len().saturating_sub(LISTED);
        if more > 0 {
            ui.label(theme.small(format!("and {more} more, in Review")));
        }
        let name = format!("Review them as mistakes of run {}", wrong.listing.number);
        if button(ui, theme, icons::LIST_CHECKS, &name).clicked() {
            let path = wrong.listing.folder.path().to_owned();
            sender.send(AppCommand::Runs(RunsCommand::Review(path, rows.to_vec())));
        }
    });
}

fn row_ui(
    ui: &mut Ui,
    theme: &Theme,
    (run, new): (&ComparedRun, &Prediction),
    (first, old): (&ComparedRun, Option<&Prediction>),
) {
    let label = |run: &ComparedRun, class: Option<u32>| {
        let name = class.and_then(|class| run.settings.labels.get(class as usize));
        name.map_or("?", String::as_str).to_owned()
    };
    ui.add(Label::new(RichText::new(one_line(&new.text, TEXT)).color(theme.palette.text)).truncate());
    let truth = label(run, new.label());
    let now = format!("run {}: {}", run.listing.number, label(run, new.predicted()));
    let before = old.map(|old| format!(", run {}: {}", first.listing.number, label(first, old.predicted())));
    ui.label(theme.small(format!("label: {truth}, {now}{}", before.unwrap_or_default())));
}
