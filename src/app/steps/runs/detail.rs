//! What is known of a run, and what a person says about it.

use std::collections::BTreeSet;

use egui::{Key, Label, RichText, TextEdit, Ui};

use crate::app::context::StepContext;
use crate::app::live_run::Stop;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::runs_command::{NoteChange, RunsCommand};
use crate::app::steps::runs::state::{Draft, RunsState};
use crate::app::steps::runs::table::state_of;
use crate::app::steps::save_curves::save_curves_ui;
use crate::app::theme::{Theme, Tone, icons};
use crate::app::widgets::{badge, button, field_label, heading_ui, icon_button, primary_button};
use crate::storage::{LONGEST_NAME, LONGEST_NOTE, LONGEST_TAG, RunOutcome, RunRecord, RunStatus};
use crate::words::{ago, bytes, count, counted, duration, score};
use crate::worker::{ListedRuns, RunChange};

/// Draws the run shown.
pub fn detail_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut RunsState,
    listed: &ListedRuns,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let records = if state.bin { &listed.records.bin } else { &listed.records.runs };
    let shown = records.iter().find(|run| Some(run.listing.folder.id()) == state.shown);
    let Some(run) = shown else {
        ui.label(theme.muted("Click a run to see its settings"));
        return;
    };
    if state.draft.as_ref().is_none_or(|draft| draft.run != run.listing.folder)
        && let Some(draft) = state.draft.replace(Draft::of(run))
    {
        draft.commit(listed, sender);
    }
    ui.spacing_mut().item_spacing.y = theme.space.s;
    heading_ui(ui, theme, format!("Run {}", run.listing.number));
    badges_ui(ui, theme, run, listed);
    buttons_ui(ui, theme, run, state.bin, sender);
    if let Some(draft) = state.draft.as_mut() {
        draft.follow(run);
        let all_tags = records.iter().flat_map(|run| run.listing.notes.tags.iter().cloned()).collect();
        said_ui(ui, theme, (run, &all_tags), draft, listed, sender);
    }
    facts_ui(ui, theme, run);
    settings_ui(ui, theme, run);
}

fn badges_ui(ui: &mut Ui, theme: &Theme, run: &RunRecord, listed: &ListedRuns) {
    ui.horizontal_wrapped(|ui| {
        let is_best = listed.records.best().is_some_and(|best| best.listing.folder == run.listing.folder);
        if is_best && listed.records.runs.len() > 1 {
            badge(ui, theme, Tone::Success, icons::TROPHY, "Best score");
        }
        let (tone, icon) = match &run.outcome {
            RunOutcome::Finished(_) => (Tone::Neutral, icons::CHECK),
            RunOutcome::UnderWay => (Tone::Accent, icons::PLAY),
            RunOutcome::CutOff { .. } => (Tone::Warning, icons::WARNING),
        };
        badge(ui, theme, tone, icon, &state_of(run));
    });
    if run.has_freed_weights {
        let body = "Its weights were freed to save disk space. Its metrics, curves and predictions are still there";
        ui.add(Label::new(theme.small(body)).wrap());
    }
    if let RunOutcome::CutOff { why, .. } = &run.outcome {
        ui.add(Label::new(theme.small(why)).wrap());
    }
}

fn buttons_ui(ui: &mut Ui, theme: &Theme, run: &RunRecord, in_bin: bool, sender: &mut CommandSender) {
    let folder = || run.listing.folder.clone();
    let mut send = |command| sender.send(AppCommand::Runs(command));
    ui.horizontal_wrapped(|ui| {
        if in_bin {
            if primary_button(ui, theme, icons::ARROW_U_UP_LEFT, "Restore", Ok(())).clicked() {
                send(RunsCommand::Change(RunChange::Restore(vec![folder()])));
            }
            return;
        }
        if matches!(run.listing.status, RunStatus::Finished(_)) {
            let show = button(ui, theme, icons::TARGET, "Show results");
            if show.on_hover_text("Opens this run in Evaluate").clicked() {
                send(RunsCommand::Show(run.listing.folder.path().to_owned()));
            }
        }
        if run.is_under_way() {
            let stop = button(ui, theme, icons::STOP, Stop::KeepBest.title());
            if stop.on_hover_text(Stop::KeepBest.tooltip()).clicked() {
                send(RunsCommand::Stop(folder()));
            }
        } else {
            let delete = button(ui, theme, icons::TRASH, "Delete");
            let is_adapted = run.settings.as_ref().is_some_and(|settings| settings.project.classification().is_none());
            let hover = if is_adapted {
                "Moves it to the bin, from where you can restore it. Until then, projects that start from its model cannot find it"
            } else {
                "Moves it to the bin, from where you can restore it"
            };
            if delete.on_hover_text(hover).clicked() {
                send(RunsCommand::Change(RunChange::Delete(vec![folder()])));
            }
        }
    });
    let has_curves = run.summary().is_some() || run.latest.is_some();
    if !in_bin && has_curves {
        save_curves_ui(ui, theme, run.listing.folder.path(), sender);
    }
    if !in_bin && run.interruption.is_some() && !run.is_under_way() {
        let resume = button(ui, theme, icons::PLAY, "Resume training");
        if resume.clicked() {
            sender.send(AppCommand::Resume(folder()));
        }
    }
}

/// The name, the note and the tags, each saved when the focus leaves it.
fn said_ui(
    ui: &mut Ui,
    theme: &Theme,
    (run, all_tags): (&RunRecord, &BTreeSet<String>),
    draft: &mut Draft,
    listed: &ListedRuns,
    sender: &mut CommandSender,
) {
    ui.push_id(run.listing.folder.id(), |ui| {
        let width = ui.available_width();
        field_label(ui, theme, "Name", "");
        let name = TextEdit::singleline(&mut draft.name).char_limit(LONGEST_NAME).desired_width(width);
        let name = name.margin(egui::vec2(theme.space.s, 7.0));
        let name = ui.add(name.hint_text("Such as: lower learning rate")).accessible_name("Name of the run");
        field_label(ui, theme, "Note", "");
        let note = TextEdit::multiline(&mut draft.note).char_limit(LONGEST_NOTE).desired_rows(2).desired_width(width);
        let note = ui.add(note.hint_text("What you tried, and what you learned")).accessible_name("Note about the run");
        if name.lost_focus() || note.lost_focus() {
            draft.commit(listed, sender);
        }
        tags_ui(ui, theme, (run, all_tags), &mut draft.tag, sender);
    });
}

fn tags_ui(
    ui: &mut Ui,
    theme: &Theme,
    (run, all_tags): (&RunRecord, &BTreeSet<String>),
    typed: &mut String,
    sender: &mut CommandSender,
) {
    let folder = &run.listing.folder;
    let tags = &run.listing.notes.tags;
    let mut say = |change| sender.send(AppCommand::Runs(RunsCommand::Say(folder.clone(), change)));
    field_label(ui, theme, "Tags", "");
    let others: Vec<&String> = all_tags.difference(tags).take(4).collect();
    if !tags.is_empty() || !others.is_empty() {
        ui.horizontal_wrapped(|ui| {
            for tag in tags {
                badge(ui, theme, Tone::Accent, icons::TAG, tag);
                if icon_button(ui, theme, icons::X, &format!("Remove the tag {tag}")).clicked() {
                    say(NoteChange::Untag(tag.clone()));
                }
            }
            // Tags of other runs take one click.
            for tag in others {
                if ui
                    .small_button(format!("{} {tag}", icons::PLUS))
                    .accessible_name(format!("Add the tag {tag}"))
                    .clicked()
                {
                    say(NoteChange::Tag(tag.clone()));
                }
            }
        });
    }
    ui.horizontal(|ui| {
        let width = ui.available_width() - 76.0;
        let field = TextEdit::singleline(typed).char_limit(LONGEST_TAG).desired_width(width).hint_text("New tag");
        let field = field.margin(egui::vec2(theme.space.s, 7.0));
        let field = ui.add(field).accessible_name("New tag");
        let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let add = ui.add_enabled(!typed.trim().is_empty(), egui::Button::new("Add")).accessible_name("Add the tag");
        if (entered || add.clicked()) && !typed.trim().is_empty() {
            say(NoteChange::Tag(std::mem::take(typed)));
        }
    });
}

/// A line: what it is, and its value.
fn fact(ui: &mut Ui, theme: &Theme, name: &str, value: &str) {
    if value.is_empty() {
        return;
    }
    ui.horizontal_top(|ui| {
        let width = 112.0;
        ui.allocate_ui(egui::vec2(width, 0.0), |ui| {
            ui.set_width(width);
            ui.label(theme.small(name));
        });
        ui.add(Label::new(RichText::new(value).size(theme.text.small).color(theme.palette.text)).wrap());
    });
}

fn facts_ui(ui: &mut Ui, theme: &Theme, run: &RunRecord) {
    ui.separator();
    ui.spacing_mut().item_spacing.y = theme.space.xs;
    if let Some(summary) = run.summary().filter(|summary| summary.measured().rows() > 0) {
        let rows = if summary.test.is_some() { "Test" } else { "Validation" };
        for (name, value) in summary.measured().figures() {
            fact(ui, theme, &format!("{rows} {}", name.in_a_sentence()), &score(value));
        }
    }
    if let Some(step) = &run.latest {
        fact(
            ui,
            theme,
            "So far",
            &format!("step {}, epoch {:.2}, loss {}", count(step.step), step.epoch, score(step.loss)),
        );
    }
    fact(ui, theme, "Trained", &run.trained_in_words());
    fact(ui, theme, "Began", &ago(run.began_at));
    fact(ui, theme, "Training time", &run.train_seconds().map_or_else(String::new, duration));
    if let Some(settings) = &run.settings {
        let [train, validation, test] = settings.rows.map(|rows| count(rows as u64));
        fact(ui, theme, "Rows", &format!("{train} training, {validation} validation, {test} test"));
        let corrections = settings.project.edits.corrections();
        if corrections > 0 {
            fact(ui, theme, "Corrections", &counted(corrections, "row", "rows"));
        }
        fact(ui, theme, "Data", settings.data_hash.get(..12).unwrap_or(&settings.data_hash));
        fact(ui, theme, "Seed", &settings.project.training.seed.to_string());
        fact(ui, theme, "Device", &settings.device);
        fact(ui, theme, "Hone", &settings.hone_version);
    }
    let disk = run.disk;
    let mut parts = vec![format!("{} weights", bytes(disk.weights))];
    if disk.checkpoints > 0 {
        parts.push(format!("{} checkpoints", bytes(disk.checkpoints)));
    }
    parts.push(format!("{} other", bytes(disk.rest)));
    fact(ui, theme, "Disk", &parts.join(", "));
    fact(ui, theme, "Id", &run.listing.folder.id());
}

fn settings_ui(ui: &mut Ui, theme: &Theme, run: &RunRecord) {
    let chosen = &run.chosen_settings;
    ui.separator();
    ui.label(theme.strong("Settings that are not the default"));
    if chosen.is_empty() {
        ui.label(theme.small(if run.settings.is_some() { "None" } else { "Its settings cannot be read" }));
    }
    for line in chosen {
        ui.add(Label::new(theme.small(line)).wrap());
    }
}
