//! Modal dialogs: what they ask and answer, and those about models, runs and damaged files.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use egui::{CornerRadius, Frame, Id, Margin, Modal, ScrollArea, Stroke, Ui};

use crate::app::messages::{CommandSender, Pick};
use crate::app::pick;
use crate::app::shell::Notices;
use crate::app::shell::dialog_parts::{
    DialogAnswer, Discarding, Leaving, ModelUse, Reply, VersionRow, buttons, entered, focus_first, heading, text_field,
};
use crate::app::shell::help;
use crate::app::shell::preferences::preferences_ui;
use crate::app::shell::project_dialogs::{duplicate_ui, new_ui, rename_ui, unsaved_ui, versions_ui};
use crate::app::theme::Theme;
use crate::app::widgets::{button, field_label, primary_button, spinner};
use crate::fetch::{CatalogueEntry, Source};
use crate::project::TaskKind;
use crate::words::bytes;

/// Below this height of the window, dialogs have narrow margins.
const LOW: f32 = 480.0;

/// An open dialog, and what has been typed into it.
#[derive(Clone, Debug, PartialEq)]
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
    /// A new name for the project.
    Rename {
        /// The name.
        name: String,
    },
    /// Earlier versions of the project.
    Versions(Vec<VersionRow>),
    /// Folder for a copy of the project.
    Duplicate {
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
    /// Asks before a running study is stopped.
    Study(Leaving),
    /// Waits for the run or study to stop, then leaves.
    Stopping(Leaving),
    /// Waits until another process can go on with the run or study, then leaves.
    HandingOver(Leaving),
    /// Asks before changes are lost that cannot be saved.
    Unsaved {
        /// Where to go once that is answered.
        leaving: Leaving,
        /// Why they cannot be saved.
        why: String,
    },
    /// Asks before predictions are lost that were not saved to a file.
    Predictions {
        /// Name of the file whose rows were labelled.
        file: String,
        /// What to do once that is answered.
        next: Discarding,
    },
    /// The project file cannot be read, but there is a good state to restore.
    Damaged {
        /// The project's folder.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// Asks before a model is downloaded.
    Download {
        /// The model.
        entry: Cow<'static, CatalogueEntry>,
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
    let wide = matches!(dialog, Dialog::Shortcuts | Dialog::Notifications | Dialog::Versions(_));
    let window = ui.ctx().content_rect();
    let margin = if window.height() < LOW { theme.space.l } else { theme.space.xl };
    let modal = Modal::new(Id::unique("dialog")).frame(dialog_frame(theme, margin));
    let response = modal.show(ui.ctx(), |ui| {
        let most = window.width() - 4.0 * theme.space.xl;
        ui.set_width(if wide { 640.0_f32.min(most) } else { 460.0_f32.min(most) });
        // Scrolls in a window that is too low for it.
        let height = window.height() - 2.0 * (margin + theme.space.s);
        // A dialog that follows another is as high as it needs to be, and not as high as that one.
        let area = ScrollArea::vertical().max_height(height).min_scrolled_height(height).auto_shrink([false, true]);
        area.show(ui, |ui| contents(ui, theme, dialog, notices, sender)).inner
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
    let stays = matches!(answer, Some(DialogAnswer::Create { .. } | DialogAnswer::Duplicate(_)));
    if !stays && (answer.is_some() || response.should_close()) {
        *open = None;
    }
    answer
}

fn contents(ui: &mut Ui, theme: &Theme, dialog: &mut Dialog, notices: &Notices, sender: &mut CommandSender) -> Reply {
    match dialog {
        Dialog::New { task, name, parent, error } => new_ui(ui, theme, (task, name, parent), error.as_deref(), sender),
        Dialog::Rename { name } => rename_ui(ui, theme, name),
        Dialog::Versions(versions) => versions_ui(ui, theme, versions),
        Dialog::Duplicate { folder, error } => duplicate_ui(ui, theme, folder, error.as_deref(), sender),
        Dialog::TypePath { pick, path } => type_path_ui(ui, theme, pick, path),
        Dialog::Training(leaving) => running_ui(ui, theme, leaving, "training", GOING_ON_TRAINING),
        Dialog::Study(leaving) => running_ui(ui, theme, leaving, "the study", GOING_ON_STUDYING),
        Dialog::Stopping(leaving) => waiting_ui(ui, theme, leaving, ["Stopping what is running", "it has stopped"]),
        Dialog::HandingOver(leaving) => {
            waiting_ui(ui, theme, leaving, ["Moving it to the background", "its checkpoint is saved"])
        }
        Dialog::Unsaved { leaving, why } => unsaved_ui(ui, theme, leaving, why),
        Dialog::Predictions { file, next } => predictions_ui(ui, theme, file, next),
        Dialog::Damaged { path, message } => damaged_ui(ui, theme, path, message),
        Dialog::Download { entry, what } => download_ui(ui, theme, entry, *what),
        Dialog::Shortcuts => page(ui, theme, "Keyboard shortcuts", |ui| help::shortcuts_ui(ui, theme)),
        Dialog::About => page(ui, theme, "Hone", |ui| help::about_ui(ui, theme)),
        Dialog::Preferences => page(ui, theme, "Preferences", |ui| preferences_ui(ui, theme, sender)),
        Dialog::Notifications => page(ui, theme, "Notifications", |ui| help::notifications_ui(ui, theme, notices)),
    }
}

/// A dialog with nothing but text and a close button.
fn page(ui: &mut Ui, theme: &Theme, title: &str, body: impl FnOnce(&mut Ui)) -> Reply {
    heading(ui, theme, title, "");
    body(ui);
    let close = buttons(ui, theme, |ui| primary_button(ui, theme, "", "Close", Ok(())));
    focus_first(&close);
    if close.clicked() { Reply::Close } else { Reply::None }
}

fn type_path_ui(ui: &mut Ui, theme: &Theme, pick: &Pick, path: &mut String) -> Reply {
    heading(ui, theme, pick::title(pick), "This system showed no file dialog, so type the path");
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

/// What a person can choose who leaves while a run is training.
const GOING_ON_TRAINING: &str = "It can continue in the background: View > Runs shows it when you open the project again, and can \
                                 stop it. Stopped now, the run has no test scores. To keep its best checkpoint, choose \"Stop and keep \
                                 the best\" on Train first.";
/// The same while a study is running.
const GOING_ON_STUDYING: &str = "It can continue in the background: View > Studies shows it when you open the project again, and can \
                                 stop it. Stopped now, its finished trials are kept, and you can go on with it later.";

/// Asks before what is running is stopped or goes on in the background.
fn running_ui(ui: &mut Ui, theme: &Theme, leaving: &Leaving, what: &str, body: &str) -> Reply {
    let (title, stop) = match leaving {
        Leaving::Quit => (format!("Quit while {what} is running?"), "Stop and quit"),
        _ => (format!("Close this project while {what} is running?"), "Stop and close"),
    };
    heading(ui, theme, &title, body);
    let (stay, go_on, stop) = buttons(ui, theme, |ui| {
        let stay = primary_button(ui, theme, "", &format!("Continue {what}"), Ok(()));
        let go_on = button(ui, theme, "", "Run in the background").clicked();
        (stay, go_on, button(ui, theme, "", stop).clicked())
    });
    focus_first(&stay);
    match (stay.clicked(), go_on, stop) {
        (true, ..) => Reply::Close,
        (_, true, _) => Reply::Answer(DialogAnswer::HandOverAndLeave(leaving.clone())),
        (.., true) => Reply::Answer(DialogAnswer::StopAndLeave(leaving.clone())),
        _ => Reply::None,
    }
}

fn predictions_ui(ui: &mut Ui, theme: &Theme, file: &str, next: &Discarding) -> Reply {
    let (title, discard) = match next {
        Discarding::Leave(Leaving::Quit) => ("Quit without saving the predictions?", "Discard and quit"),
        Discarding::Leave(_) => ("Close this project without saving the predictions?", "Discard and close"),
        Discarding::Label(_) => ("Label another file without saving the predictions?", "Discard and go on"),
        Discarding::Read(_) => ("Read the file again without saving the predictions?", "Discard and go on"),
        Discarding::Load(_) => ("Show another run without saving the predictions?", "Discard and go on"),
        Discarding::Train => ("Train again without saving the predictions?", "Discard and train"),
        Discarding::Resume(_) => ("Resume training without saving the predictions?", "Discard and resume"),
    };
    let body =
        format!("You labelled the rows of {file}, but didn't save the result to a file. Save it on Try it first.");
    heading(ui, theme, title, &body);
    let (show, discard, cancel) = buttons(ui, theme, |ui| {
        let show = primary_button(ui, theme, "", "Show the predictions", Ok(()));
        let discard = button(ui, theme, "", discard).clicked();
        (show, discard, button(ui, theme, "", "Cancel").clicked())
    });
    focus_first(&show);
    match (show.clicked(), discard, cancel) {
        (true, ..) => Reply::Answer(DialogAnswer::ShowPredictions),
        (_, true, _) => Reply::Answer(DialogAnswer::DiscardPredictions(next.clone())),
        (.., true) => Reply::Close,
        _ => Reply::None,
    }
}

fn waiting_ui(ui: &mut Ui, theme: &Theme, leaving: &Leaving, [title, until]: [&str; 2]) -> Reply {
    let body = match leaving {
        Leaving::Quit => format!("Hone will quit once {until}."),
        _ => format!("The project will close once {until}."),
    };
    heading(ui, theme, title, &body);
    spinner(ui, theme.size.control, theme.palette.accent, &format!("Waiting until {until}"));
    let stay = buttons(ui, theme, |ui| button(ui, theme, "", "Stay here"));
    focus_first(&stay);
    if stay.clicked() { Reply::Close } else { Reply::None }
}

fn damaged_ui(ui: &mut Ui, theme: &Theme, path: &Path, message: &str) -> Reply {
    heading(ui, theme, "The project file is damaged", message);
    ui.add(egui::Label::new(theme.muted("Hone keeps a copy of the damaged file as project.damaged.ron.")).wrap());
    let (open, cancel) = buttons(ui, theme, |ui| {
        let open = primary_button(ui, theme, "", "Restore the last good state", Ok(()));
        (open, button(ui, theme, "", "Cancel").clicked())
    });
    focus_first(&open);
    match (open.clicked(), cancel) {
        (true, _) => Reply::Answer(DialogAnswer::RestoreLastGood(path.to_owned())),
        (_, true) => Reply::Close,
        _ => Reply::None,
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing::{app, hone, picture, settle, theme, window};
    use crate::fetch::Catalogue;
    use crate::storage::ThemeChoice;

    #[test]
    fn the_buttons_of_a_dialog_can_be_reached_in_a_small_window() {
        let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
        let file = "tickets-of-november.csv".to_owned();
        let predictions = Dialog::Predictions { file, next: Discarding::Leave(Leaving::Quit) };
        let all = [
            (Dialog::new_project(Path::new("/home/a/Documents/Hone")), vec!["Cancel", "Create"]),
            (predictions, vec!["Cancel", "Discard and quit", "Show the predictions"]),
            (Dialog::Shortcuts, vec!["Close"]),
        ];
        for (width, height) in [(640.0, 400.0), (400.0, 300.0)] {
            window.set_size(egui::vec2(width, height));
            for (dialog, buttons) in &all {
                hone(&mut window).dialog = Some(dialog.clone());
                settle(&mut window);
                window.get_by_label(buttons[0]).scroll_to_me();
                settle(&mut window);
                window.run_steps(20);
                picture(&format!("dialog-{}-{width}", buttons.join("-")), &mut window);
                for button in buttons {
                    let place = window.get_by_label(button).rect();
                    assert!(
                        window.ctx.content_rect().contains_rect(place),
                        "{button} at {place:?} of {width} x {height}"
                    );
                }
            }
        }
    }

    #[test]
    fn agreeing_to_a_download_says_what_it_is_for() {
        let entry = Cow::Borrowed(&Catalogue::bundled().unwrap().entries()[0]);
        for (what, label) in
            [(ModelUse::Train, "Download 87.3 MiB and train"), (ModelUse::Measure, "Download 87.3 MiB and measure")]
        {
            let state = (Some(Dialog::Download { entry: entry.clone(), what }), None);
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
}
