//! The Prepare step: cleaning switches with their effect, the split, leakage and near-duplicates.

pub mod alike;
pub mod comparing;
pub mod leakage;
pub mod pattern_editor;
pub mod split;
pub mod switches;

use egui::{Grid, RichText, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender, Edit};
use crate::app::steps::data::files::row_name;
use crate::app::steps::prepare::alike::alike_ui;
use crate::app::steps::prepare::leakage::leakage_ui;
use crate::app::steps::prepare::pattern_editor::{PatternsState, pattern_name, patterns_ui};
use crate::app::steps::prepare::split::split_ui;
use crate::app::steps::prepare::switches::{SWITCHES, Switch};
use crate::app::theme::{Theme, Tone, icons};
use crate::app::widgets::{
    Action, Anchor, anchor, banner, button, columns, diff_ui, empty_state, is_wide, page, primary_button, running_card,
    section,
};
use crate::data::{CleaningPart, DropReason, Prepared};
use crate::project::{SplitSettings, Step};
use crate::words::{count, counted, lower_first};
use crate::worker::Survey;

/// Most changed rows shown next to the switches.
const SAMPLES: usize = 5;
/// Width of the list of switches.
const SWITCH_LIST: f32 = 380.0;

/// State kept between frames.
#[derive(Debug, Default)]
pub struct PrepareStepState {
    /// The switch or pattern whose changes are shown; `None` for the first that changes anything.
    looked_at: Option<CleaningPart>,
    patterns: PatternsState,
}

/// Draws the step.
pub fn prepare_step_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut PrepareStepState, sender: &mut CommandSender) {
    let theme = ctx.theme;
    page(ui, theme, Step::Prepare.title(), Step::Prepare.purpose(), |ui| {
        let (Some(prepared), Some(survey)) = (ctx.prepared, ctx.survey) else {
            nothing_yet(ui, ctx, sender);
            return;
        };
        for issue in &ctx.facts.data_issues {
            banner(ui, theme, Tone::Danger, "This data can't be used for training yet", issue, |_| {});
        }
        warnings(ui, theme, prepared);
        let both: (&Prepared, &Survey) = (prepared, survey);
        if is_wide(ui, theme) {
            let gap = theme.space.l;
            let half = (ui.available_width() - gap) / 2.0;
            columns(ui, gap, &[half, half], |ui, place| match place {
                0 => {
                    cleaning(ui, ctx, both, state, sender);
                    left_out(ui, theme, survey);
                }
                _ => split_and_checks(ui, ctx, both, sender),
            });
        } else {
            cleaning(ui, ctx, both, state, sender);
            split_and_checks(ui, ctx, both, sender);
            left_out(ui, theme, survey);
        }
    });
}

/// The split, and what would make its metrics look too good.
fn split_and_checks(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    (prepared, survey): (&Prepared, &Survey),
    sender: &mut CommandSender,
) {
    split_ui(ui, ctx, prepared, survey, sender);
    anchor(ui, Anchor::Leakage);
    leakage_ui(ui, ctx, prepared, sender);
    alike_ui(ui, ctx, prepared, sender);
}

fn nothing_yet(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    if let Some(running) = ctx.preview {
        let stop = Action { label: "Stop", hover: "", command: AppCommand::StopPreparing };
        running_card(ui, ctx.theme, running, ctx.imported.map(|_| stop), sender);
        return;
    }
    if ctx.answers.rows.stopped {
        stopped(ui, ctx, sender);
        return;
    }
    for issue in &ctx.facts.data_issues {
        banner(ui, ctx.theme, Tone::Danger, "The rows could not be prepared", issue, |_| {});
    }
    let choose = lower_first(&ctx.project.column_advice());
    let body = format!("Open a data file and {choose}. Cleaning and the split will appear here.");
    empty_state(ui, ctx.theme, icons::BROOM, "Nothing to prepare yet", &body, |ui| {
        if primary_button(ui, ctx.theme, icons::ARROW_RIGHT, "Go to Data", Ok(())).clicked() {
            sender.send(AppCommand::GoTo(Step::Data));
        }
    });
}

/// Shown after the person stopped the preparing, because comparing many texts takes a while.
fn stopped(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    let body = "The slowest part is comparing all texts to keep near-duplicates in the same split: up to a minute for a \
                million texts. You can skip it";
    empty_state(ui, ctx.theme, icons::BROOM, "Preparing was stopped", body, |ui| {
        if primary_button(ui, ctx.theme, icons::ARROWS_CLOCKWISE, "Prepare again", Ok(())).clicked() {
            sender.send(AppCommand::CompareAgain);
        }
        if ctx.project.split.keep_near_together && button(ui, ctx.theme, icons::X, "Split without comparing").clicked()
        {
            let split = SplitSettings { keep_near_together: false, ..ctx.project.split.clone() };
            sender.edit(Edit::Split(split));
        }
    });
}

fn warnings(ui: &mut Ui, theme: &Theme, prepared: &Prepared) {
    let stale = prepared.stale_edits.len() as u64;
    if stale > 0 {
        let title = format!("{} could not be applied", counted(stale, "correction", "corrections"));
        let body = "Their rows are no longer in the file, have changed, or now use another label column";
        banner(ui, theme, Tone::Warning, &title, body, |_| {});
    }
    match prepared.warnings.as_slice() {
        [] => {}
        [one] => banner(ui, theme, Tone::Warning, "Check before training", one, |_| {}),
        many => {
            let list: Vec<String> = many.iter().map(|warning| format!("•  {warning}")).collect();
            banner(ui, theme, Tone::Warning, "Check before training", &list.join("\n"), |_| {});
        }
    }
}

fn cleaning(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    (prepared, survey): (&Prepared, &Survey),
    state: &mut PrepareStepState,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let first = prepared.cleaning.iter().find(|effect| !effect.samples.is_empty()).map(|effect| effect.part);
    let looked_at = state.looked_at.or(first);
    let hint = "Applied to every text from top to bottom, before training and before every prediction. Your file is never changed";
    section(ui, theme, "Cleaning", hint, |ui| {
        let mut switches = |ui: &mut Ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for switch in &SWITCHES {
                switch_row(ui, ctx, (prepared, survey), switch, looked_at, state, sender);
            }
            let PrepareStepState { looked_at, patterns } = &mut *state;
            patterns_ui(ui, ctx, prepared, patterns, looked_at, sender);
        };
        let beside = ui.available_width() - SWITCH_LIST - theme.space.xl;
        if beside < SWITCH_LIST * 0.75 {
            ui.scope(switches);
            ui.add_space(theme.space.m);
            samples(ui, ctx, prepared, looked_at);
            return;
        }
        columns(ui, theme.space.xl, &[SWITCH_LIST, beside], |ui, place| match place {
            0 => switches(ui),
            _ => samples(ui, ctx, prepared, looked_at),
        });
    });
}

fn switch_row(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    (prepared, survey): (&Prepared, &Survey),
    switch: &Switch,
    looked_at: Option<CleaningPart>,
    state: &mut PrepareStepState,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let part = CleaningPart::Switch(switch.field);
    let effect = prepared.cleaning.iter().find(|effect| effect.part == part);
    let rows = effect.map_or_else(|| dropped(survey, switch.field), |effect| effect.rows) as u64;
    ui.horizontal(|ui| {
        ui.set_min_height(theme.size.row);
        let mut settings = ctx.project.cleaning.clone();
        let on = (switch.get)(&mut settings);
        if ui.checkbox(on, switch.name).on_hover_text(switch.explanation).changed() {
            sender.edit(Edit::Cleaning(settings));
            if effect.is_some_and(|effect| !effect.samples.is_empty()) {
                state.looked_at = Some(part);
            }
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let text = counted(rows, "row", "rows");
            if effect.is_none_or(|effect| effect.samples.is_empty()) {
                // As far from the edge as the text on the buttons below.
                ui.add_space(ui.spacing().button_padding.x);
                ui.label(theme.small(text));
                return;
            }
            let selected = looked_at == Some(part);
            let text = RichText::new(text).size(theme.text.small).color(theme.palette.accent);
            let response = ui.add(egui::Button::selectable(selected, text));
            let response = response.accessible_name(format!("Show what changes: {}", switch.name));
            if response.on_hover_text("Rows this changes, or would change if turned on. Click for examples").clicked() {
                state.looked_at = Some(part);
            }
        });
    });
}

/// Number of rows an exclusion switch excludes now.
fn dropped(survey: &Survey, field: &str) -> usize {
    let reason = match field {
        "drop_duplicates" => DropReason::Duplicate,
        _ => DropReason::Conflict,
    };
    survey.dropped(reason).len()
}

fn samples(ui: &mut Ui, ctx: &StepContext<'_>, prepared: &Prepared, looked_at: Option<CleaningPart>) {
    let theme = ctx.theme;
    let effect = prepared.cleaning.iter().find(|effect| Some(effect.part) == looked_at);
    let (Some(effect), Some((name, is_on, explanation))) = (effect, looked_at.and_then(|part| part_words(ctx, part)))
    else {
        let is_pattern = matches!(looked_at, Some(CleaningPart::Pattern(_)));
        let text = if is_pattern {
            "Rows the pattern changes will appear here"
        } else {
            "No cleaning step changes a row in this file"
        };
        ui.label(theme.muted(text));
        return;
    };
    let verb = if is_on { "changes" } else { "would change" };
    ui.label(theme.strong(format!("{name} {verb} {}", counted(effect.rows as u64, "row", "rows"))));
    ui.add(egui::Label::new(theme.small(explanation)).wrap());
    ui.add_space(theme.space.s);
    let shown: Vec<_> = effect.samples.iter().take(SAMPLES).collect();
    for (place, (id, before, after)) in shown.iter().enumerate() {
        if place > 0 {
            ui.separator();
        }
        ui.label(theme.small(row_name(ctx, *id)));
        diff_ui(ui, theme, before, after);
    }
}

/// Name of a part of the cleaning, whether it is on, and what it does.
fn part_words(ctx: &StepContext<'_>, part: CleaningPart) -> Option<(String, bool, String)> {
    match part {
        CleaningPart::Switch(field) => {
            let switch = SWITCHES.iter().find(|switch| switch.field == field)?;
            let is_on = *(switch.get)(&mut ctx.project.cleaning.clone());
            Some((switch.name.to_owned(), is_on, switch.explanation.to_owned()))
        }
        CleaningPart::Pattern(place) => {
            let pattern = ctx.project.cleaning.patterns.get(place)?;
            Some((format!("Pattern {}", place + 1), pattern.enabled, pattern_name(pattern)))
        }
    }
}

fn left_out(ui: &mut Ui, theme: &Theme, survey: &Survey) {
    let all: usize = survey.left_out().map(|(_, rows)| rows.len()).sum();
    if all == 0 {
        return;
    }
    let title = format!("{} dropped", counted(all as u64, "row is", "rows are"));
    section(ui, theme, &title, "You can see them in the Labels step", |ui| {
        Grid::new("left out").num_columns(2).spacing([theme.space.xl, theme.space.xs]).show(ui, |ui| {
            for (reason, rows) in survey.left_out() {
                ui.label(reason.title());
                ui.label(theme.strong(count(rows.len() as u64)));
                ui.end_row();
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::steps::remedies::remedy_edit;
    use crate::app::testing::{app, settle};
    use crate::data::{FindingKind, Remedy};
    use crate::storage::ThemeChoice;

    #[test]
    fn turning_off_a_cleaning_switch_prepares_the_rows_again() {
        let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        window.state_mut().as_mut().unwrap().run_command(AppCommand::GoTo(Step::Prepare));
        settle(&mut window);
        let before = window.state().as_ref().unwrap().prepared().unwrap();
        assert!(before.examples.iter().all(|example| !example.text.contains("<br")));
        window.get_by_label("Remove HTML tags").click();
        settle(&mut window);
        let after = window.state().as_ref().unwrap().prepared().unwrap();
        assert_ne!(before.data_hash, after.data_hash);
        assert!(after.examples.iter().any(|example| example.text.contains('<')));
        window.get_by_label("Show what changes: Decode HTML entities").click();
        settle(&mut window);
        window.get_by_label_contains("Decode HTML entities changes");
        window.check_accessibility();
    }

    #[test]
    fn dropped_rows_are_listed_with_their_reasons() {
        let (mut window, folder) = app(ThemeChoice::Light, 1.0);
        window.set_size(egui::vec2(1280.0, 2400.0));
        settle(&mut window);
        let mut rows = String::from("text,good,bad\n");
        for row in 0..60 {
            writeln!(rows, "what came on day {row} is as it was,{},{}", row % 2, 1 - row % 2).unwrap();
        }
        rows += "both of them,1,1\nboth again,1,1\nneither of them,0,0\n";
        let path = folder.path().join("marked.csv");
        std::fs::write(&path, rows).unwrap();
        let app = window.state_mut().as_mut().unwrap();
        app.run_command(AppCommand::OpenData(path));
        settle(&mut window);
        let app = window.state_mut().as_mut().unwrap();
        let mut dataset = app.project().dataset.clone();
        dataset.set_label_columns(&["good", "bad"].map(str::to_owned));
        app.run_command(AppCommand::Edit(Edit::Dataset(dataset)));
        settle(&mut window);
        window.state_mut().as_mut().unwrap().run_command(AppCommand::GoTo(Step::Prepare));
        settle(&mut window);
        window.get_by_label("3 rows are dropped");
        window.get_by_label("No label column contains 1");
        window.get_by_label("Several labels are listed or marked, or a mark is neither 0 nor 1");
    }

    #[test]
    fn the_switches_the_dropped_rows_and_the_findings_count_the_same_rows() {
        let (mut window, folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        let mut rows = String::from("text,label\n");
        for row in 0..40 {
            writeln!(rows, "what came on day {row} is as it was,{}", ["good", "bad"][row % 2]).unwrap();
        }
        // Three copies, of which the first is excluded; and three copies, of which one has another label.
        rows += &"It is red,good\n".repeat(3);
        rows += "It is blue,good\nIt is blue,good\nIt is blue,bad\n";
        let path = folder.path().join("copies.csv");
        std::fs::write(&path, rows).unwrap();
        let app = window.state_mut().as_mut().unwrap();
        app.run_command(AppCommand::OpenData(path));
        settle(&mut window);
        let app = window.state_mut().as_mut().unwrap();
        let mut cleaning = app.project().cleaning.clone();
        (cleaning.drop_duplicates, cleaning.drop_conflicts) = (true, true);
        app.run_command(AppCommand::Edit(Edit::Cleaning(cleaning)));
        let imported = app.state.work.answers.imported.value.clone().unwrap();
        let red = "main:41".parse().unwrap();
        let remedy = Remedy::exclude_rows(&imported, &app.project().dataset, &[red]);
        let edit = remedy_edit(&remedy, app.project());
        app.run_command(AppCommand::Edit(edit));
        settle(&mut window);
        let app = window.state_mut().as_mut().unwrap();
        let prepared = app.prepared().unwrap();
        let findings = app.state.work.answers.findings.value.clone().unwrap();
        for (switch, reason, kind, rows) in [
            ("drop_duplicates", DropReason::Duplicate, FindingKind::Duplicates, 2),
            ("drop_conflicts", DropReason::Conflict, FindingKind::Conflicts, 3),
        ] {
            let effect = prepared.cleaning.iter().find(|effect| effect.part == CleaningPart::Switch(switch)).unwrap();
            let dropped = prepared.dropped.iter().filter(|(_, why)| *why == reason).count();
            let finding = findings.iter().find(|finding| finding.kind == kind).unwrap();
            assert_eq!((effect.rows, dropped, finding.rows.len()), (rows, rows, rows), "{switch}");
        }
    }

    #[test]
    fn another_seed_gives_another_split() {
        let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
        window.set_size(egui::vec2(1280.0, 1700.0));
        settle(&mut window);
        window.state_mut().as_mut().unwrap().run_command(AppCommand::GoTo(Step::Prepare));
        settle(&mut window);
        let before = window.state().as_ref().unwrap().prepared().unwrap();
        window.get_by_label("Draw a new split").click();
        settle(&mut window);
        let after = window.state().as_ref().unwrap().prepared().unwrap();
        assert_eq!(before.data_hash, after.data_hash);
        assert_ne!(before.split_hash, after.split_hash);
    }
}
