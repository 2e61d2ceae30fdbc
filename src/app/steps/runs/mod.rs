//! All runs of the project: a table, what is known of the run chosen in it, and a comparison of those that are ticked.

mod compare;
mod compare_tables;
mod detail;
mod housekeeping;
mod rows;
mod state;
mod summary;
mod table;

use std::collections::BTreeSet;

use egui::{ComboBox, TextEdit, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::runs_command::RunsCommand;
use crate::app::steps::runs::compare::compare_ui;
use crate::app::steps::runs::detail::detail_ui;
use crate::app::steps::runs::housekeeping::{asked_ui, buttons_ui};
use crate::app::steps::runs::rows::{Arrangement, GroupBy, Line, lines};
pub use crate::app::steps::runs::state::RunsState;
use crate::app::steps::runs::summary::summary_ui;
use crate::app::steps::runs::table::table_ui;
use crate::app::theme::{Tone, icons};
use crate::app::view::View;
use crate::app::widgets::{
    banner, button, card, empty_state, is_narrow, is_wide, make_room, page, page_height, primary_button, spinner,
};
use crate::project::Step;
use crate::storage::{RunFilter, RunRecord};
use crate::words::counted;
use crate::worker::{ListedRuns, MOST_COMPARED, RunChange};

const PURPOSE: &str = "Every training run of this project: which is best, what was different, and what to do next";
/// Width of what is known of a run, beside the table.
const DETAIL: f32 = 344.0;
/// Least height of the table.
const LEAST: f32 = 240.0;

/// Draws the page.
pub fn runs_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut RunsState, sender: &mut CommandSender) {
    if state.comparing {
        let back = compare_ui(ui, ctx, &mut state.compare, sender);
        state.comparing = !back;
        return;
    }
    page(ui, ctx.theme, View::Runs.title(), PURPOSE, |ui| {
        let slot = &ctx.answers.runs;
        if let Some(why) = &slot.failed {
            banner(ui, ctx.theme, Tone::Danger, "The runs could not be listed", why, |_| {});
        }
        let Some(listed) = ctx.listed else {
            if slot.is_running() {
                spinner(ui, ctx.theme.size.control, ctx.theme.palette.accent, "Listing the runs");
            }
            return;
        };
        if listed.records.runs.is_empty() && listed.records.bin.is_empty() {
            nothing_yet(ui, ctx, sender);
            return;
        }
        state.bin &= !listed.records.bin.is_empty();
        if !state.bin {
            let pair = summary_ui(ui, ctx, listed, sender);
            if let Some(runs) = pair {
                state.compare(runs, sender);
            }
        }
        toolbar(ui, ctx, state, listed);
        asked_ui(ui, ctx, &mut state.asked, listed, sender);
        ticked_ui(ui, ctx, state, listed, sender);
        list_ui(ui, ctx, state, listed, sender);
    });
}

fn nothing_yet(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    let body = "Every training run appears here with its score and settings, also those that you start in the terminal, so \
                that you can compare them";
    empty_state(ui, ctx.theme, icons::STACK, "No runs yet", body, |ui| {
        if primary_button(ui, ctx.theme, icons::ARROW_RIGHT, "Go to Train", Ok(())).clicked() {
            sender.send(AppCommand::GoTo(Step::Train));
        }
    });
}

/// What the list shows: filter, groups, the bin, and disk space.
fn toolbar(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut RunsState, listed: &ListedRuns) {
    let theme = ctx.theme;
    ui.horizontal_wrapped(|ui| {
        ui.set_row_height(theme.size.control);
        let Arrangement { filter, group, .. } = &mut state.arrangement;
        let width = 220.0_f32.min(ui.max_rect().width());
        let field = TextEdit::singleline(&mut filter.words).hint_text("Filter by name, tag, model…");
        let field = field.desired_width(width).margin(egui::vec2(theme.space.s, 7.0));
        ui.add(field).accessible_name("Filter the runs");
        let star = egui::Button::selectable(filter.star, format!("{} Starred", icons::STAR));
        if ui.add(star).accessible_name("Only starred runs").clicked() {
            filter.star = !filter.star;
        }
        let tags: BTreeSet<&String> = listed.records.runs.iter().flat_map(|run| &run.listing.notes.tags).collect();
        if !tags.is_empty() {
            make_room(ui, 150.0);
            tag_choice(ui, &tags, &mut filter.tags);
        }
        make_room(ui, 190.0);
        let shown = format!("Group by: {}", group.title());
        let combo = ComboBox::from_id_salt("group").width(170.0).selected_text(shown).show_ui(ui, |ui| {
            for by in GroupBy::ALL {
                ui.selectable_value(group, by, by.title());
            }
        });
        combo.response.accessible_name("Group by");
        buttons_ui(ui, ctx, listed, &mut state.bin, &mut state.asked);
    });
    ui.add_space(theme.space.xs);
}

fn tag_choice(ui: &mut Ui, tags: &BTreeSet<&String>, chosen: &mut Vec<String>) {
    // A tag that no run has any more would hide all runs.
    chosen.retain(|tag| tags.contains(tag));
    let shown = chosen.first().map_or("any", String::as_str);
    let combo = ComboBox::from_id_salt("tag").width(140.0).truncate().selected_text(format!("Tag: {shown}"));
    let combo = combo.show_ui(ui, |ui| {
        if ui.selectable_label(chosen.is_empty(), "any").clicked() {
            chosen.clear();
        }
        for tag in tags {
            if ui.selectable_label(chosen.contains(tag), tag.as_str()).clicked() {
                *chosen = vec![(*tag).clone()];
            }
        }
    });
    combo.response.accessible_name("Tag");
}

/// What to do with the ticked runs.
fn ticked_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut RunsState,
    listed: &ListedRuns,
    sender: &mut CommandSender,
) {
    let records = if state.bin { &listed.records.bin } else { &listed.records.runs };
    state.ticked.retain(|id| records.iter().any(|run| run.listing.folder.id() == *id));
    let ticked: Vec<&RunRecord> =
        records.iter().rev().map(AsRef::as_ref).filter(|run| state.ticked.contains(&run.listing.folder.id())).collect();
    let theme = ctx.theme;
    if ticked.is_empty() {
        if !state.bin && records.len() > 1 {
            ui.label(theme.small("Tick two or more runs to compare them, or click one to see its settings"));
            ui.add_space(theme.space.xs);
        }
        return;
    }
    let folders = || ticked.iter().map(|run| run.listing.folder.clone()).collect::<Vec<_>>();
    let number = counted(ticked.len(), "run", "runs");
    let mut clear = false;
    ui.horizontal_wrapped(|ui| {
        ui.label(theme.strong(format!("{number} ticked")));
        if state.bin {
            if primary_button(ui, theme, icons::ARROW_U_UP_LEFT, &format!("Restore {number}"), Ok(())).clicked() {
                sender.send(AppCommand::Runs(RunsCommand::Change(RunChange::Restore(folders()))));
                clear = true;
            }
        } else {
            let why = why_not_compare(&ticked);
            let enabled = why.as_deref().map_or(Ok(()), Err);
            if primary_button(ui, theme, icons::SCALES, &format!("Compare {number}"), enabled).clicked() {
                let runs = ticked.iter().map(|run| run.listing.folder.path().to_owned()).collect();
                state.comparing = true;
                sender.send(AppCommand::Runs(RunsCommand::Compare(runs)));
            }
            if let Some(why) = why {
                ui.label(theme.small(why));
            }
            if button(ui, theme, icons::TRASH, &format!("Delete {number}")).clicked() {
                sender.send(AppCommand::Runs(RunsCommand::Change(RunChange::Delete(folders()))));
                clear = true;
            }
        }
        clear |= ui.link("Untick all").clicked();
    });
    if clear {
        state.ticked.clear();
    }
    ui.add_space(theme.space.xs);
}

/// Why the ticked runs cannot be compared.
fn why_not_compare(ticked: &[&RunRecord]) -> Option<String> {
    if ticked.len() < 2 {
        return Some("Tick another run to compare it with".to_owned());
    }
    if ticked.len() > MOST_COMPARED {
        return Some(format!("At most {MOST_COMPARED} runs can be compared at once"));
    }
    let without = ticked.iter().find(|run| run.score().is_none())?;
    Some(format!("Run {} has no results to compare", without.listing.number))
}

/// The table, and what is known of the chosen run.
fn list_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut RunsState, listed: &ListedRuns, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let records = if state.bin { &listed.records.bin } else { &listed.records.runs };
    let lines = lines(records, &state.arrangement);
    if lines.is_empty() {
        let body = "No run fits the filter. Clear it to see all of them";
        empty_state(ui, theme, icons::FUNNEL, "No such runs", body, |ui| {
            if button(ui, theme, icons::X, "Clear the filter").clicked() {
                state.arrangement.filter = RunFilter::default();
            }
        });
        return;
    }
    settle(state, &lines);
    let wide = is_wide(ui, theme) || ui.available_width() > 2.4 * DETAIL;
    let used = ui.cursor().top() - ui.min_rect().top() + 3.0 * theme.space.xl;
    let height = (page_height(ui) - used).max(LEAST);
    if wide && !is_narrow(ui) {
        let width = ui.available_width() - DETAIL - theme.space.m;
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = theme.space.m;
            ui.vertical(|ui| {
                ui.set_width(width);
                table_ui(ui, ctx, state, (&lines, listed, height), sender);
            });
            ui.vertical(|ui| {
                ui.set_width(DETAIL);
                card(ui, theme, |ui| detail_ui(ui, ctx, state, listed, sender));
            });
        });
    } else {
        table_ui(ui, ctx, state, (&lines, listed, height.min(420.0)), sender);
        ui.add_space(theme.space.m);
        card(ui, theme, |ui| detail_ui(ui, ctx, state, listed, sender));
    }
}

/// Keeps the selection on the run shown, wherever it is in the list now; at first on the newest.
fn settle(state: &mut RunsState, lines: &[Line]) {
    let place = |id: &str| lines.iter().position(|line| line.run().is_some_and(|run| run.listing.folder.id() == id));
    let shown = state.shown.as_deref().and_then(place);
    let shown = shown.or_else(|| lines.iter().position(|line| line.run().is_some()));
    state.shown = shown.and_then(|place| lines[place].run()).map(|run| run.listing.folder.id());
    if !state.selection.iter().eq(shown) {
        state.selection.set(shown, shown);
    }
}
