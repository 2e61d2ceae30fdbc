//! What dialogs are made of: their answers, headings, fields and rows of buttons.

use std::path::PathBuf;

use egui::text::{CCursor, CCursorRange};
use egui::{Key, Response, TextEdit, Ui};

use crate::app::messages::Pick;
use crate::app::spoken::set_heading;
use crate::app::theme::Theme;
use crate::project::{Project, TaskKind};
use crate::storage::RunFolder;
use crate::worker::ReadToLabel;

/// Where to go after the open project is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// Quit Hone.
    Quit,
    /// Close the project and show the start page.
    StartPage,
    /// Start a new project with these data files.
    NewData(Vec<PathBuf>),
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

/// What discards the predictions for the rows of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Discarding {
    /// Leave the project.
    Leave(Leaving),
    /// Choose another file to label.
    Label(PathBuf),
    /// Read the file in another way.
    Read(Box<ReadToLabel>),
    /// Show another run.
    Load(PathBuf),
    /// Train another model.
    Train,
    /// Go on with an interrupted run.
    Resume(RunFolder),
}

/// What needs a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelUse {
    /// Training.
    Train,
    /// Measuring the time and memory of a run.
    Measure,
}

/// An earlier version of the project in the list.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionRow {
    /// When it was saved, in seconds since 1970.
    pub saved_at: u64,
    /// What had changed since the version before it; `None` for the oldest.
    pub changes: Option<Vec<String>>,
    /// The project as it was.
    pub project: Project,
}

/// The answer to a dialog.
#[derive(Clone, Debug, PartialEq)]
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
    /// Give the project this name.
    Rename(String),
    /// Restore this version.
    Restore(Box<VersionRow>),
    /// Write a copy here and continue with it.
    Duplicate(PathBuf),
    /// Ask where to write a copy.
    AskForCopy,
    /// Use this path.
    Path(Pick, PathBuf),
    /// Download the chosen model and use it.
    Download(ModelUse),
    /// Stop the run and leave.
    StopAndLeave(Leaving),
    /// Let another process go on with the run or study, and leave.
    HandOverAndLeave(Leaving),
    /// Discard the changes and leave.
    DiscardAndLeave(Leaving),
    /// Show the predictions that are not saved.
    ShowPredictions,
    /// Discard the predictions that are not saved, and go on.
    DiscardPredictions(Discarding),
    /// Restore the last good state of this damaged project.
    RestoreLastGood(PathBuf),
}

/// What one frame of a dialog results in.
pub(super) enum Reply {
    None,
    Close,
    Answer(DialogAnswer),
}

pub(super) fn heading(ui: &mut Ui, theme: &Theme, title: &str, body: &str) {
    set_heading(&ui.label(theme.strong(title).size(theme.text.heading + 3.0)));
    if !body.is_empty() {
        ui.add(egui::Label::new(theme.muted(body)).wrap());
    }
    ui.add_space(theme.space.s);
}

/// Focuses the first button or field of a dialog, unless something in the dialog already has the focus.
pub(super) fn focus_first(response: &Response) {
    if response.ctx.memory(|memory| memory.focused().is_none()) {
        response.request_focus();
    }
}

/// Selects the whole text of a field when the focus comes to it, so that typing replaces it.
pub(super) fn select_all(field: &Response, text: &str) {
    if field.gained_focus() {
        let all = CCursorRange::two(CCursor::new(0), CCursor::new(text.chars().count()));
        let mut state = TextEdit::load_state(&field.ctx, field.id).unwrap_or_default();
        state.cursor.set_char_range(Some(all));
        state.store(&field.ctx, field.id);
    }
}

/// Whether Enter was pressed in a text field (on a button, Enter clicks the button).
pub(super) fn entered(field: &Response) -> bool {
    field.lost_focus() && field.ctx.input(|input| input.key_pressed(Key::Enter))
}

/// The row of buttons at the bottom, laid out from the right with the default button first. They wrap in a narrow window.
pub(super) fn buttons<R>(ui: &mut Ui, theme: &Theme, contents: impl FnOnce(&mut Ui) -> R) -> R {
    ui.add_space(theme.space.m);
    let size = egui::vec2(ui.available_width(), theme.size.control + 4.0);
    let layout = egui::Layout::right_to_left(egui::Align::Center).with_main_wrap(true);
    ui.allocate_ui_with_layout(size, layout, contents).inner
}

pub(super) fn text_field(ui: &mut Ui, theme: &Theme, name: &str, value: &mut String, width: f32) -> Response {
    let margin = egui::vec2(theme.space.s, 7.0);
    ui.add(TextEdit::singleline(value).id_salt(name).desired_width(width).margin(margin)).accessible_name(name)
}
