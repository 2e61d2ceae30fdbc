//! Dialogs about a project as a whole: new, rename, duplicate, earlier versions, changes that cannot be saved.

use std::path::{Path, PathBuf};

use egui::{Response, ScrollArea, Ui};

use crate::app::messages::{AppCommand, CommandSender, Pick};
use crate::app::shell::dialog_parts::{
    DialogAnswer, Leaving, Reply, VersionRow, buttons, entered, focus_first, heading, select_all, text_field,
};
use crate::app::theme::{Theme, Tone, icons};
use crate::app::widgets::{banner, button, card_grid, choice_card, field_label, fill, primary_button};
use crate::project::TaskKind;
use crate::storage::folder_name;
use crate::words::{ago, listed_up_to, upper_first};

/// Most changes named of a version.
const CHANGES: usize = 4;
/// Width of the column of buttons in the list of versions.
const RESTORE: f32 = 116.0;

/// A text field for a folder, with a button that opens the system's dialog.
fn folder_field(
    ui: &mut Ui,
    theme: &Theme,
    name: &str,
    value: &mut String,
    pick: Pick,
    sender: &mut CommandSender,
) -> Response {
    field_label(ui, theme, name, "");
    ui.horizontal(|ui| {
        let width = ui.available_width() - 114.0;
        let field = text_field(ui, theme, name, value, width);
        if button(ui, theme, icons::FOLDER_OPEN, "Browse…").clicked() {
            sender.send(AppCommand::Pick(pick));
        }
        field
    })
    .inner
}

pub(super) fn new_ui(
    ui: &mut Ui,
    theme: &Theme,
    (task, name, parent): (&mut TaskKind, &mut String, &mut String),
    error: Option<&str>,
    sender: &mut CommandSender,
) -> Reply {
    heading(ui, theme, "New project", "A project is a folder that holds your settings, corrections and runs");
    task_cards(ui, theme, task);
    field_label(ui, theme, "Name", "");
    let field = text_field(ui, theme, "Name", name, f32::INFINITY);
    ui.add_space(theme.space.xs);
    let place = folder_field(ui, theme, "Create in", parent, Pick::NewFolder, sender);
    let entered = entered(&field) || entered(&place);
    if let Some(error) = error {
        ui.add_space(theme.space.s);
        banner(ui, theme, Tone::Danger, "The project could not be created", error, |_| {});
    }
    let enabled = if name.trim().is_empty() { Err("Give the project a name") } else { Ok(()) };
    let (create, cancel) = buttons(ui, theme, |ui| {
        let create = primary_button(ui, theme, "", "Create", enabled).clicked();
        (create, button(ui, theme, "", "Cancel").clicked())
    });
    focus_first(&field);
    if cancel {
        return Reply::Close;
    }
    if enabled.is_ok() && (create || entered) {
        let folder = Path::new(parent.trim()).join(folder_name(name));
        return Reply::Answer(DialogAnswer::Create { task: *task, folder, name: name.trim().to_owned() });
    }
    Reply::None
}

/// Asks what the model is for.
fn task_cards(ui: &mut Ui, theme: &Theme, task: &mut TaskKind) {
    field_label(ui, theme, "What is the model for?", "");
    let count = TaskKind::ALL.len();
    card_grid(ui, theme, "tasks", (count, count), |ui, place, spare| {
        let kind = TaskKind::ALL[place];
        choice_card(ui, theme, *task == kind, |ui| {
            ui.radio_value(task, kind, theme.strong(kind.title())).on_hover_text(kind.explanation());
            fill(ui, spare);
        });
    });
    ui.add(egui::Label::new(theme.small(task.explanation())).wrap());
}

pub(super) fn rename_ui(ui: &mut Ui, theme: &Theme, name: &mut String) -> Reply {
    heading(ui, theme, "Rename project", "The project's folder keeps its name");
    field_label(ui, theme, "Name", "");
    let field = text_field(ui, theme, "Name", name, f32::INFINITY);
    let entered = entered(&field);
    let enabled = if name.trim().is_empty() { Err("Give the project a name") } else { Ok(()) };
    let (rename, cancel) = buttons(ui, theme, |ui| {
        let rename = primary_button(ui, theme, "", "Rename", enabled).clicked();
        (rename, button(ui, theme, "", "Cancel").clicked())
    });
    focus_first(&field);
    select_all(&field, name);
    match (cancel, enabled.is_ok() && (rename || entered)) {
        (true, _) => Reply::Close,
        (_, true) => Reply::Answer(DialogAnswer::Rename(name.trim().to_owned())),
        _ => Reply::None,
    }
}

pub(super) fn duplicate_ui(
    ui: &mut Ui,
    theme: &Theme,
    folder: &mut String,
    error: Option<&str>,
    sender: &mut CommandSender,
) -> Reply {
    let body = "Copies settings and corrections to a new folder and switches to the copy. Runs stay with the original";
    heading(ui, theme, "Duplicate project", body);
    let field = folder_field(ui, theme, "Folder of the copy", folder, Pick::Duplicate, sender);
    let entered = entered(&field);
    if let Some(error) = error {
        ui.add_space(theme.space.s);
        banner(ui, theme, Tone::Danger, "The project could not be copied there", error, |_| {});
    }
    let enabled = if folder.trim().is_empty() { Err("Enter a folder") } else { Ok(()) };
    let (copy, cancel) = buttons(ui, theme, |ui| {
        let copy = primary_button(ui, theme, "", "Duplicate", enabled).clicked();
        (copy, button(ui, theme, "", "Cancel").clicked())
    });
    focus_first(&field);
    match (cancel, enabled.is_ok() && (copy || entered)) {
        (true, _) => Reply::Close,
        (_, true) => Reply::Answer(DialogAnswer::Duplicate(PathBuf::from(folder.trim()))),
        _ => Reply::None,
    }
}

pub(super) fn versions_ui(ui: &mut Ui, theme: &Theme, versions: &[VersionRow]) -> Reply {
    let body = "Hone saves every change, and keeps earlier versions for 30 days. You can undo restoring one";
    heading(ui, theme, "History", body);
    let mut restored = None;
    if versions.is_empty() {
        ui.label(theme.muted(format!("{}  No earlier versions yet", icons::CLOCK)));
    }
    let height = 440.0_f32.min(ui.ctx().content_rect().height() - 240.0);
    ScrollArea::vertical().max_height(height).auto_shrink([false, true]).show(ui, |ui| {
        for (place, version) in versions.iter().enumerate() {
            if place > 0 {
                ui.separator();
            }
            if version_ui(ui, theme, version).clicked() {
                restored = Some(version);
            }
        }
    });
    let close = buttons(ui, theme, |ui| primary_button(ui, theme, "", "Close", Ok(())));
    focus_first(&close);
    match (restored, close.clicked()) {
        (Some(version), _) => Reply::Answer(DialogAnswer::Restore(Box::new(version.clone()))),
        (None, true) => Reply::Close,
        _ => Reply::None,
    }
}

/// Draws a version; returns its button.
fn version_ui(ui: &mut Ui, theme: &Theme, version: &VersionRow) -> Response {
    let when = upper_first(&ago(version.saved_at));
    let changes = match version.changes.as_deref() {
        None => "The oldest version kept".to_owned(),
        Some([]) => "Nothing that changes a result".to_owned(),
        Some(changes) => listed_up_to(CHANGES, changes),
    };
    ui.horizontal(|ui| {
        let width = ui.available_width() - RESTORE;
        ui.vertical(|ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.label(theme.strong(when));
            ui.add(egui::Label::new(theme.small(changes)).wrap());
        });
        button(ui, theme, icons::ARROW_COUNTER_CLOCKWISE, "Restore")
    })
    .inner
}

pub(super) fn unsaved_ui(ui: &mut Ui, theme: &Theme, leaving: &Leaving, why: &str) -> Reply {
    heading(ui, theme, "Your last changes can't be saved", why);
    let (copy, discard, cancel) = buttons(ui, theme, |ui| {
        let copy = primary_button(ui, theme, "", "Save a copy…", Ok(()));
        let discard = button(ui, theme, "", "Discard the changes").clicked();
        (copy, discard, button(ui, theme, "", "Cancel").clicked())
    });
    focus_first(&copy);
    match (copy.clicked(), discard, cancel) {
        (true, ..) => Reply::Answer(DialogAnswer::AskForCopy),
        (_, true, _) => Reply::Answer(DialogAnswer::DiscardAndLeave(leaving.clone())),
        (.., true) => Reply::Close,
        _ => Reply::None,
    }
}
