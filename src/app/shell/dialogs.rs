//! Modal dialogs: new project, save as, unsaved changes, a damaged project, help pages.

use std::path::{Path, PathBuf};

use egui::{CornerRadius, Frame, Id, Key, Margin, Modal, Response, Stroke, TextEdit, Ui};

use crate::app::messages::{AppCommand, CommandSender, Pick};
use crate::app::pick;
use crate::app::shell::Notices;
use crate::app::shell::help;
use crate::app::shell::preferences::preferences_ui;
use crate::app::theme::{Theme, Tone, icons};
use crate::app::widgets::{banner, button, choice_card, field_label, primary_button, spinner};
use crate::fetch::{CatalogueEntry, Source};
use crate::project::TaskKind;
use crate::words::bytes;

/// Where to go after the open project is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// Quit Hone.
    Quit,
    /// Open another project.
    Open(PathBuf),
    /// Create a new project.
    Create {
        /// What its model is for.
        task: TaskKind,
        /// Its folder.
        folder: PathBuf,
        /// Its name.
        name: String,
    },
}

/// What needs a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelUse {
    /// Training.
    Train,
    /// Measuring the time and memory of a run.
    Measure,
}

/// An open dialog, and what has been typed into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dialog {
    /// Name and folder of a new project.
    New {
        /// What its model is for.
        task: TaskKind,
        /// Its name.
        name: String,
        /// The folder to create the project's folder in.
        parent: String,
        /// Why the last try failed.
        error: Option<String>,
    },
    /// Folder for a copy of the project.
    SaveAs {
        /// The folder.
        folder: String,
        /// Why the last try failed.
        error: Option<String>,
    },
    /// Asks for a typed path, because the system has no file dialog.
    TypePath {
        /// What it is for.
        pick: Pick,
        /// What has been typed.
        path: String,
    },
    /// Asks before a running training is stopped.
    Training(Leaving),
    /// Waits for the run to stop, then leaves.
    Stopping(Leaving),
    /// Asks whether to save unsaved changes.
    Unsaved {
        /// Where to go once that is answered.
        leaving: Leaving,
        /// The project was restored from an autosave and its file is still damaged.
        restored: bool,
    },
    /// The project file cannot be read, but its autosave can.
    Damaged {
        /// The project's folder.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// Asks before a model is downloaded.
    Download {
        /// The model.
        entry: &'static CatalogueEntry,
        /// What needs it.
        what: ModelUse,
    },
    /// Keyboard shortcuts.
    Shortcuts,
    /// Version and licences.
    About,
    /// Past notifications.
    Notifications,
    /// Theme and size of text.
    Preferences,
}

/// The answer to a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialogAnswer {
    /// Create this project.
    Create {
        /// What its model is for.
        task: TaskKind,
        /// Its folder.
        folder: PathBuf,
        /// Its name.
        name: String,
    },
    /// Save a copy here.
    SaveAs(PathBuf),
    /// Use this path.
    Path(Pick, PathBuf),
    /// Download the chosen model and use it.
    Download(ModelUse),
    /// Stop the run and leave.
    StopAndLeave(Leaving),
    /// Save and leave.
    SaveAndLeave(Leaving),
    /// Discard the changes and leave.
    DiscardAndLeave(Leaving),
    /// Open the last autosave.
    OpenAutosave(PathBuf),
}

impl Dialog {
    /// An empty [`Dialog::New`] in a folder.
    #[must_use]
    pub fn new_project(parent: &Path) -> Self {
        let (task, parent) = (TaskKind::default(), parent.display().to_string());
        Self::New { task, name: String::new(), parent, error: None }
    }
}

/// The look of a dialog.
pub fn dialog_frame(theme: &Theme, margin: f32) -> Frame {
    Frame::new()
        .fill(theme.palette.card)
        .stroke(Stroke::new(1.0, theme.palette.border))
        .corner_radius(CornerRadius::same(theme.radius.large))
        .shadow(egui::Shadow { offset: [0, 8], blur: 32, spread: 0, color: theme.palette.shadow })
        .inner_margin(Margin::same(margin as i8))
}

/// Draws the open dialog. Escape or a click outside closes it without an answer; Enter gives the default answer.
pub fn dialogs_ui(
    ui: &Ui,
    theme: &Theme,
    open: &mut Option<Dialog>,
    notices: &Notices,
    sender: &mut CommandSender,
) -> Option<DialogAnswer> {
    let dialog = open.as_mut()?;
    let wide = matches!(dialog, Dialog::Shortcuts | Dialog::Notifications);
    let modal = Modal::new(Id::unique("dialog")).frame(dialog_frame(theme, theme.space.xl));
    let response = modal.show(ui.ctx(), |ui| {
        let most = ui.ctx().content_rect().width() - 4.0 * theme.space.xl;
        ui.set_width(if wide { 640.0_f32.min(most) } else { 460.0_f32.min(most) });
        contents(ui, theme, dialog, notices, sender)
    });
    let answer = match &response.inner {
        Reply::None => None,
        Reply::Close => {
            *open = None;
            return None;
        }
        Reply::Answer(answer) => Some(answer.clone()),
    };
    // The dialog stays open, so that it can show why a project could not be created.
    let stays = matches!(answer, Some(DialogAnswer::Create { .. } | DialogAnswer::SaveAs(_)));
    if !stays && (answer.is_some() || response.should_close()) {
        *open = None;
    }
    answer
}

/// What one frame of a dialog results in.
enum Reply {
    None,
    Close,
    Answer(DialogAnswer),
}

fn contents(ui: &mut Ui, theme: &Theme, dialog: &mut Dialog, notices: &Notices, sender: &mut CommandSender) -> Reply {
    match dialog {
        Dialog::New { task, name, parent, error } => new_ui(ui, theme, (task, name, parent), error.as_deref(), sender),
        Dialog::SaveAs { folder, error } => save_as_ui(ui, theme, folder, error.as_deref(), sender),
        Dialog::TypePath { pick, path } => type_path_ui(ui, theme, pick, path),
        Dialog::Training(leaving) => training_ui(ui, theme, leaving),
        Dialog::Stopping(leaving) => stopping_ui(ui, theme, leaving),
        Dialog::Unsaved { leaving, restored } => unsaved_ui(ui, theme, leaving, *restored),
        Dialog::Damaged { path, message } => damaged_ui(ui, theme, path, message),
        Dialog::Download { entry, what } => download_ui(ui, theme, entry, *what),
        Dialog::Shortcuts => page(ui, theme, "Keyboard shortcuts", |ui| help::shortcuts_ui(ui, theme)),
        Dialog::About => page(ui, theme, "Hone", |ui| help::about_ui(ui, theme)),
        Dialog::Preferences => page(ui, theme, "Preferences", |ui| preferences_ui(ui, theme, sender)),
        Dialog::Notifications => page(ui, theme, "Notifications", |ui| help::notifications_ui(ui, theme, notices)),
    }
}

fn heading(ui: &mut Ui, theme: &Theme, title: &str, body: &str) {
    ui.label(theme.strong(title).size(theme.text.heading + 3.0));
    if !body.is_empty() {
        ui.add(egui::Label::new(theme.muted(body)).wrap());
    }
    ui.add_space(theme.space.s);
}

/// A dialog with nothing but text and a close button.
fn page(ui: &mut Ui, theme: &Theme, title: &str, body: impl FnOnce(&mut Ui)) -> Reply {
    heading(ui, theme, title, "");
    body(ui);
    let close = buttons(ui, theme, |ui| primary_button(ui, theme, "", "Close", Ok(())));
    focus_first(&close);
    if close.clicked() { Reply::Close } else { Reply::None }
}

/// Focuses the first button or field of a dialog, unless something in the dialog already has the focus.
fn focus_first(response: &Response) {
    if response.ctx.memory(|memory| memory.focused().is_none()) {
        response.request_focus();
    }
}

/// Whether Enter was pressed in a text field (on a button, Enter clicks the button).
fn entered(field: &Response) -> bool {
    field.lost_focus() && field.ctx.input(|input| input.key_pressed(Key::Enter))
}

/// The row of buttons at the bottom, laid out from the right with the default button first.
fn buttons<R>(ui: &mut Ui, theme: &Theme, contents: impl FnOnce(&mut Ui) -> R) -> R {
    ui.add_space(theme.space.m);
    let size = egui::vec2(ui.available_width(), theme.size.control + 4.0);
    ui.allocate_ui_with_layout(size, egui::Layout::right_to_left(egui::Align::Center), contents).inner
}

fn text_field(ui: &mut Ui, theme: &Theme, name: &str, value: &mut String, width: f32) -> Response {
    let margin = egui::vec2(theme.space.s, 7.0);
    ui.add(TextEdit::singleline(value).id_salt(name).desired_width(width).margin(margin)).accessible_name(name)
}

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

fn new_ui(
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
    ui.columns(TaskKind::ALL.len(), |columns| {
        for (ui, kind) in columns.iter_mut().zip(TaskKind::ALL) {
            choice_card(ui, theme, *task == kind, |ui| {
                ui.radio_value(task, kind, theme.strong(kind.title())).on_hover_text(kind.explanation());
            });
        }
    });
    ui.add(egui::Label::new(theme.small(task.explanation())).wrap());
}

/// The project name as a folder name that is valid on every system.
fn folder_name(name: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ') { c } else { '-' };
    name.trim().chars().map(safe).collect::<String>().trim_matches('.').to_owned()
}

fn save_as_ui(
    ui: &mut Ui,
    theme: &Theme,
    folder: &mut String,
    error: Option<&str>,
    sender: &mut CommandSender,
) -> Reply {
    let body = "Copies the project to another folder and switches to the copy. Runs stay in the old folder";
    heading(ui, theme, "Save as", body);
    let field = folder_field(ui, theme, "Folder", folder, Pick::SaveAs, sender);
    let entered = entered(&field);
    if let Some(error) = error {
        ui.add_space(theme.space.s);
        banner(ui, theme, Tone::Danger, "The project could not be saved there", error, |_| {});
    }
    let enabled = if folder.trim().is_empty() { Err("Enter a folder") } else { Ok(()) };
    let (save, cancel) = buttons(ui, theme, |ui| {
        let save = primary_button(ui, theme, "", "Save", enabled).clicked();
        (save, button(ui, theme, "", "Cancel").clicked())
    });
    focus_first(&field);
    match (cancel, enabled.is_ok() && (save || entered)) {
        (true, _) => Reply::Close,
        (_, true) => Reply::Answer(DialogAnswer::SaveAs(PathBuf::from(folder.trim()))),
        _ => Reply::None,
    }
}

fn type_path_ui(ui: &mut Ui, theme: &Theme, pick: &Pick, path: &mut String) -> Reply {
    heading(ui, theme, pick::title(pick), "Hone couldn't open a file dialog on this system. Type the path instead");
    field_label(ui, theme, "Path", "");
    let field = text_field(ui, theme, "Path", path, f32::INFINITY);
    let entered = entered(&field);
    let enabled = if path.trim().is_empty() { Err("Type a path") } else { Ok(()) };
    let (go_on, cancel) = buttons(ui, theme, |ui| {
        let go_on = primary_button(ui, theme, "", "Use this path", enabled).clicked();
        (go_on, button(ui, theme, "", "Cancel").clicked())
    });
    focus_first(&field);
    match (cancel, enabled.is_ok() && (go_on || entered)) {
        (true, _) => Reply::Close,
        (_, true) => Reply::Answer(DialogAnswer::Path(pick.clone(), PathBuf::from(path.trim()))),
        _ => Reply::None,
    }
}

fn download_ui(ui: &mut Ui, theme: &Theme, entry: &CatalogueEntry, what: ModelUse) -> Reply {
    let sources: Vec<String> = entry.sources.iter().map(Source::describe).collect();
    let body = format!(
        "The project's model is not on this machine yet, or is damaged. It is downloaded once, from {}. Your data stays on this \
         machine.",
        sources.join("; or ")
    );
    heading(ui, theme, &format!("Download {}?", entry.name), &body);
    let size = entry.bytes().map_or_else(String::new, |size| format!(" {}", bytes(size)));
    let then = match what {
        ModelUse::Train => "train",
        ModelUse::Measure => "measure",
    };
    let (download, cancel) = buttons(ui, theme, |ui| {
        let download = primary_button(ui, theme, "", &format!("Download{size} and {then}"), Ok(()));
        (download, button(ui, theme, "", "Cancel").clicked())
    });
    focus_first(&download);
    match (download.clicked(), cancel) {
        (true, _) => Reply::Answer(DialogAnswer::Download(what)),
        (_, true) => Reply::Close,
        _ => Reply::None,
    }
}

fn training_ui(ui: &mut Ui, theme: &Theme, leaving: &Leaving) -> Reply {
    let (title, stop) = match leaving {
        Leaving::Quit => ("Quit while training is running?", "Stop and quit"),
        _ => ("Close this project while training is running?", "Stop and close"),
    };
    let body = "The run will stop right away, without a result. To keep its best checkpoint, continue training and \
                choose \"Stop and keep the best\" first.";
    heading(ui, theme, title, body);
    let (stay, stop) = buttons(ui, theme, |ui| {
        let stay = primary_button(ui, theme, "", "Continue training", Ok(()));
        (stay, button(ui, theme, icons::STOP, stop).clicked())
    });
    focus_first(&stay);
    match (stay.clicked(), stop) {
        (true, _) => Reply::Close,
        (_, true) => Reply::Answer(DialogAnswer::StopAndLeave(leaving.clone())),
        _ => Reply::None,
    }
}

fn stopping_ui(ui: &mut Ui, theme: &Theme, leaving: &Leaving) -> Reply {
    let body = match leaving {
        Leaving::Quit => "Hone will quit once the run has stopped.",
        _ => "The project will close once the run has stopped.",
    };
    heading(ui, theme, "Stopping the run", body);
    spinner(ui, theme.size.control, theme.palette.accent, "Waiting for the run to stop");
    let stay = buttons(ui, theme, |ui| button(ui, theme, "", "Stay here"));
    focus_first(&stay);
    if stay.clicked() { Reply::Close } else { Reply::None }
}

fn unsaved_ui(ui: &mut Ui, theme: &Theme, leaving: &Leaving, restored: bool) -> Reply {
    let (title, body) = if restored {
        let body = "If you don't save, the project file stays damaged. You can restore the autosave again, but \
                    you'll lose the changes you made since.";
        ("Save the restored project?", body)
    } else {
        ("Save your changes to this project?", "If you don't save, you'll lose all changes since the last save.")
    };
    heading(ui, theme, title, body);
    let (save, discard, cancel) = buttons(ui, theme, |ui| {
        let save = primary_button(ui, theme, "", "Save", Ok(()));
        let discard = button(ui, theme, "", "Don't save").clicked();
        (save, discard, button(ui, theme, "", "Cancel").clicked())
    });
    focus_first(&save);
    match (save.clicked(), discard, cancel) {
        (true, ..) => Reply::Answer(DialogAnswer::SaveAndLeave(leaving.clone())),
        (_, true, _) => Reply::Answer(DialogAnswer::DiscardAndLeave(leaving.clone())),
        (.., true) => Reply::Close,
        _ => Reply::None,
    }
}

fn damaged_ui(ui: &mut Ui, theme: &Theme, path: &Path, message: &str) -> Reply {
    heading(ui, theme, "The project file is damaged", message);
    ui.add(egui::Label::new(theme.muted("Hone won't change the damaged file until you save.")).wrap());
    let (open, cancel) = buttons(ui, theme, |ui| {
        let open = primary_button(ui, theme, "", "Open the last autosave", Ok(()));
        (open, button(ui, theme, "", "Cancel").clicked())
    });
    focus_first(&open);
    match (open.clicked(), cancel) {
        (true, _) => Reply::Answer(DialogAnswer::OpenAutosave(path.to_owned())),
        (_, true) => Reply::Close,
        _ => Reply::None,
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing::{theme, window};
    use crate::fetch::Catalogue;

    #[test]
    fn agreeing_to_a_download_says_what_it_is_for() {
        let entry = &Catalogue::bundled().unwrap().entries()[0];
        for (what, label) in
            [(ModelUse::Train, "Download 87.3 MiB and train"), (ModelUse::Measure, "Download 87.3 MiB and measure")]
        {
            let state = (Some(Dialog::Download { entry, what }), None);
            let mut harness = window(false, state, |ui, (dialog, answer)| {
                let sender = &mut CommandSender::default();
                *answer = dialogs_ui(ui, &theme(false), dialog, &Notices::default(), sender).or(answer.take());
            });
            harness.run();
            harness.get_by_label(label).click();
            harness.run();
            assert_eq!(*harness.state(), (None, Some(DialogAnswer::Download(what))));
        }
    }

    #[test]
    fn folder_names_are_safe() {
        assert_eq!(folder_name(" Reviews: 2026/Q1? "), "Reviews- 2026-Q1-");
        assert_eq!(folder_name("../x"), "-x");
    }
}
