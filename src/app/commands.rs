//! Every menu command, in one table.
//!
//! The menu bar, the shortcuts, the command palette and the shortcuts page are all built from it.

use egui::Key;

use crate::project::Step;

use crate::app::live_run::Stop;
use crate::app::view::View;
use crate::storage::ThemeChoice;

/// A menu of the menu bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Menu {
    /// Projects and files.
    File,
    /// Undo, the clipboard and preferences.
    Edit,
    /// Training and steps.
    Run,
    /// How the window looks.
    View,
    /// Help.
    Help,
}

impl Menu {
    /// All menus, left to right.
    pub const ALL: [Self; 5] = [Self::File, Self::Edit, Self::Run, Self::View, Self::Help];

    /// The letter that opens it together with Alt: the first of its name.
    #[must_use]
    pub fn letter(self) -> Key {
        match self {
            Self::File => Key::F,
            Self::Edit => Key::E,
            Self::Run => Key::R,
            Self::View => Key::V,
            Self::Help => Key::H,
        }
    }

    /// Its name in the menu bar.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::File => "File",
            Self::Edit => "Edit",
            Self::Run => "Run",
            Self::View => "View",
            Self::Help => "Help",
        }
    }
}

/// A command of the menus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserCommand {
    /// Close the project and show the start page.
    StartPage,
    /// Create a new project.
    New,
    /// Open a project.
    Open,
    /// Start a new project from data files.
    OpenData,
    /// Open the sample project.
    OpenSample,
    /// Give the project another name.
    Rename,
    /// Copy the project to another folder and switch to the copy.
    Duplicate,
    /// Keep the present state of the project as a version.
    KeepVersion,
    /// Show earlier versions of the project.
    Versions,
    /// Export the trained weights.
    ExportWeights,
    /// Quit Hone.
    Quit,
    /// Undo the last edit.
    Undo,
    /// Redo the last undone edit.
    Redo,
    /// Cut the selected text of a text field.
    Cut,
    /// Copy the selected text of a text field, or the selected rows of a table.
    Copy,
    /// Paste into a text field.
    Paste,
    /// Select the whole text of a text field, or all rows of a table.
    SelectAll,
    /// Show the preferences.
    Preferences,
    /// Start training.
    Train,
    /// Pause or resume training.
    PauseResume,
    /// Stop training and keep the best checkpoint.
    Stop,
    /// Show a step.
    GoTo(Step),
    /// Show the page to try the model on a text.
    TryIt,
    /// Label the rows of a file with the trained model.
    LabelFile,
    /// Show the next step.
    NextStep,
    /// Show the previous step.
    PreviousStep,
    /// Show all runs of the project.
    Runs,
    /// Show the studies.
    Studies,
    /// Search all commands.
    Palette,
    /// Show past notifications.
    Notifications,
    /// Follow the system's theme.
    ThemeSystem,
    /// Light theme.
    ThemeLight,
    /// Dark theme.
    ThemeDark,
    /// Larger text.
    ZoomIn,
    /// Smaller text.
    ZoomOut,
    /// Text at 100%.
    ZoomReset,
    /// Show the keyboard shortcuts.
    Shortcuts,
    /// Show the help about this page.
    Help,
    /// Show the contents of the help.
    HelpContents,
    /// Show the version and licences.
    About,
}

/// The facts that decide which commands are enabled.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts that decide which commands are enabled")]
pub struct CommandState<'a> {
    /// The edit that undo would revert.
    pub undo: Option<&'a str>,
    /// The edit that redo would apply.
    pub redo: Option<&'a str>,
    /// A run is training.
    pub training: bool,
    /// The run is paused.
    pub paused: bool,
    /// The run was told to stop.
    pub stopping: bool,
    /// What telling it to stop would do now.
    pub next_stop: Option<Stop>,
    /// Why training cannot start; `None` when it can.
    pub train_blocked: Option<&'a str>,
    /// There is a finished run.
    pub has_run: bool,
    /// A project is open.
    pub has_project: bool,
    /// What is shown.
    pub view: View,
    /// The theme in use.
    pub theme: ThemeChoice,
    /// There is a text field for the clipboard commands.
    pub text_field: bool,
    /// Rows are selected in a table of the page.
    pub rows: bool,
    /// The steps of the project's task.
    pub steps: &'a [Step],
}

impl UserCommand {
    /// Every command, in the order of the menus.
    pub const ALL: [Self; 47] = [
        Self::StartPage,
        Self::New,
        Self::Open,
        Self::OpenData,
        Self::OpenSample,
        Self::Rename,
        Self::Duplicate,
        Self::KeepVersion,
        Self::Versions,
        Self::ExportWeights,
        Self::Quit,
        Self::Undo,
        Self::Redo,
        Self::Cut,
        Self::Copy,
        Self::Paste,
        Self::SelectAll,
        Self::Preferences,
        Self::Train,
        Self::PauseResume,
        Self::Stop,
        Self::NextStep,
        Self::PreviousStep,
        Self::GoTo(Step::Data),
        Self::GoTo(Step::Labels),
        Self::GoTo(Step::Prepare),
        Self::GoTo(Step::Model),
        Self::GoTo(Step::Train),
        Self::GoTo(Step::Evaluate),
        Self::GoTo(Step::Review),
        Self::GoTo(Step::Export),
        Self::TryIt,
        Self::LabelFile,
        Self::Runs,
        Self::Studies,
        Self::Palette,
        Self::Notifications,
        Self::ThemeSystem,
        Self::ThemeLight,
        Self::ThemeDark,
        Self::ZoomIn,
        Self::ZoomOut,
        Self::ZoomReset,
        Self::Help,
        Self::HelpContents,
        Self::Shortcuts,
        Self::About,
    ];

    /// Its name in menus and the palette.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::New => "New project…",
            Self::Open => "Open project…",
            Self::OpenSample => "Open sample project",
            Self::StartPage => "Start page",
            Self::OpenData => "Open data…",
            Self::Rename => "Rename project…",
            Self::Duplicate => "Duplicate project…",
            Self::KeepVersion => "Save a version",
            Self::Versions => "History…",
            Self::ExportWeights => "Export weights…",
            Self::Quit => "Quit",
            Self::Undo => "Undo",
            Self::Redo => "Redo",
            Self::Cut => "Cut",
            Self::Copy => "Copy",
            Self::Paste => "Paste",
            Self::SelectAll => "Select all",
            Self::Preferences => "Preferences…",
            Self::Train => "Start training",
            Self::PauseResume => "Pause or resume",
            Self::Stop => Stop::KeepBest.title(),
            Self::GoTo(Step::Data) => "Go to Data",
            Self::GoTo(Step::Labels) => "Go to Labels",
            Self::GoTo(Step::Prepare) => "Go to Prepare",
            Self::GoTo(Step::Model) => "Go to Model",
            Self::GoTo(Step::Train) => "Go to Train",
            Self::GoTo(Step::Evaluate) => "Go to Evaluate",
            Self::GoTo(Step::Review) => "Go to Review",
            Self::GoTo(Step::Export) => "Go to Export",
            Self::TryIt => "Try it",
            Self::LabelFile => "Label a file…",
            Self::NextStep => "Next step",
            Self::PreviousStep => "Previous step",
            Self::Runs => "Runs",
            Self::Studies => "Studies",
            Self::Palette => "Search everything…",
            Self::Notifications => "Notifications",
            Self::ThemeSystem => "Theme: follow the system",
            Self::ThemeLight => "Theme: light",
            Self::ThemeDark => "Theme: dark",
            Self::ZoomIn => "Zoom in",
            Self::ZoomOut => "Zoom out",
            Self::ZoomReset => "Reset zoom",
            Self::Help => "Help about this page",
            Self::HelpContents => "Help contents and glossary",
            Self::Shortcuts => "Keyboard shortcuts",
            Self::About => "About Hone",
        }
    }

    /// Its name in the current state, such as "Undo: labels" or "Resume training".
    #[must_use]
    pub fn title(self, state: &CommandState<'_>) -> String {
        match (self, state.undo, state.redo) {
            (Self::Undo, Some(what), _) => format!("Undo: {what}"),
            (Self::Redo, _, Some(what)) => format!("Redo: {what}"),
            (Self::Stop, ..) => state.next_stop.unwrap_or(Stop::KeepBest).title().to_owned(),
            (Self::PauseResume, ..) if state.paused => "Resume training".to_owned(),
            (Self::PauseResume, ..) if state.training => "Pause training".to_owned(),
            _ => self.text().to_owned(),
        }
    }

    /// What it does, in one sentence.
    #[must_use]
    pub fn tooltip(self) -> &'static str {
        match self {
            Self::New => "Create a project in a new folder",
            Self::Open => "Open a project folder (the one with project.ron)",
            Self::OpenSample => "Open the sample customer reviews that come with Hone",
            Self::StartPage => "Close the project and show the start page. Hone saves every change",
            Self::OpenData => "Start a new project from a table, or a folder of texts",
            Self::Rename => "Give the project another name. Its folder keeps its name",
            Self::Duplicate => "Copy the project to another folder and switch to the copy",
            Self::KeepVersion => "Hone saves every change. This also keeps the project as it is now in File > History",
            Self::Versions => "Show earlier versions of the project, and restore one",
            Self::ExportWeights => "Write the trained model as a Hugging Face folder",
            Self::Quit => "Quit Hone. You'll be asked first if training is running",
            Self::Undo => "Undo the last change to the project",
            Self::Redo => "Redo the last change you undid",
            Self::Cut => "Move the selected text to the clipboard",
            Self::Copy => "Copy the selected text or rows to the clipboard",
            Self::Paste => "Insert the text on the clipboard",
            Self::SelectAll => "Select everything in the text field, or all rows of the table",
            Self::Preferences => "Theme and size of text",
            Self::Train => "Fine-tune the chosen model on the training set",
            Self::PauseResume => "Pause the run, or resume it",
            Self::Stop => Stop::KeepBest.tooltip(),
            Self::GoTo(step) => step.purpose(),
            Self::TryIt => "Type a text and see what the trained model predicts",
            Self::LabelFile => "Predict a label for every row of a table",
            Self::NextStep => "Go to the next step",
            Self::PreviousStep => "Go to the previous step",
            Self::Studies => "Cross-validate, search settings and repeat seeds",
            Self::Runs => "Compare all runs of this project, name, star and delete them",
            Self::Palette => "Search everything: settings, labels, runs, files and help",
            Self::Notifications => "Show notifications since Hone started",
            Self::ThemeSystem => "Match the system's light or dark setting",
            Self::ThemeLight => "Dark text on a light background",
            Self::ThemeDark => "Light text on a dark background",
            Self::ZoomIn => "Make everything larger",
            Self::ZoomOut => "Make everything smaller",
            Self::ZoomReset => "Back to 100%",
            Self::Help => "What this page is for, what to do, and when to worry",
            Self::HelpContents => "All pages of the help, every chart and every term",
            Self::Shortcuts => "List all keyboard shortcuts",
            Self::About => "Version, licences and where Hone keeps its files",
        }
    }

    /// The menu it belongs to.
    #[must_use]
    pub fn menu(self) -> Menu {
        match self {
            Self::StartPage
            | Self::New
            | Self::Open
            | Self::OpenData
            | Self::OpenSample
            | Self::Rename
            | Self::Duplicate
            | Self::KeepVersion
            | Self::Versions
            | Self::ExportWeights
            | Self::Quit => Menu::File,
            Self::Undo | Self::Redo | Self::Cut | Self::Copy | Self::Paste | Self::SelectAll | Self::Preferences => {
                Menu::Edit
            }
            Self::Train
            | Self::PauseResume
            | Self::Stop
            | Self::GoTo(_)
            | Self::TryIt
            | Self::LabelFile
            | Self::NextStep
            | Self::PreviousStep => Menu::Run,
            Self::Runs
            | Self::Studies
            | Self::Palette
            | Self::Notifications
            | Self::ThemeSystem
            | Self::ThemeLight
            | Self::ThemeDark
            | Self::ZoomIn
            | Self::ZoomOut
            | Self::ZoomReset => Menu::View,
            Self::Help | Self::HelpContents | Self::Shortcuts | Self::About => Menu::Help,
        }
    }

    /// Whether it starts a new group in its menu, with a separator above.
    #[must_use]
    pub fn begins_group(self) -> bool {
        matches!(
            self,
            Self::Rename
                | Self::ExportWeights
                | Self::Quit
                | Self::Cut
                | Self::Preferences
                | Self::NextStep
                | Self::GoTo(Step::Data)
                | Self::ThemeSystem
                | Self::ZoomIn
        )
    }

    /// Whether text fields carry it out themselves when its keys are pressed.
    #[must_use]
    pub fn is_of_text_fields(self) -> bool {
        matches!(self, Self::Cut | Self::Copy | Self::Paste | Self::SelectAll)
    }

    /// Whether it is ticked; `None` for a command that is never ticked.
    #[must_use]
    pub fn is_on(self, state: &CommandState<'_>) -> Option<bool> {
        let theme = match self {
            Self::ThemeSystem => ThemeChoice::System,
            Self::ThemeLight => ThemeChoice::Light,
            Self::ThemeDark => ThemeChoice::Dark,
            _ => return None,
        };
        Some(state.theme == theme)
    }

    /// Why it is disabled; `None` when it is enabled.
    #[must_use]
    pub fn blocked(self, state: &CommandState<'_>) -> Option<String> {
        let unless = |allowed: bool, why: &str| (!allowed).then(|| why.to_owned());
        match self {
            Self::Undo => unless(state.undo.is_some(), "Nothing to undo"),
            Self::Redo => unless(state.redo.is_some(), "Nothing to redo"),
            Self::Copy | Self::SelectAll => {
                unless(state.text_field || state.rows, "Click a text field or a row of a table first")
            }
            _ if self.is_of_text_fields() => unless(state.text_field, "Click a text field first"),
            Self::Train if state.training => Some("Training is already running".to_owned()),
            Self::Train => state.train_blocked.map(str::to_owned),
            Self::PauseResume if state.stopping => Some("The run is stopping".to_owned()),
            Self::Stop if state.stopping && state.next_stop.is_none() => Some("The run is stopping".to_owned()),
            Self::PauseResume | Self::Stop => unless(state.training, "No training is running"),
            Self::GoTo(step) if state.has_project && !state.steps.contains(&step) => {
                Some(format!("This project has no {} step", step.title()))
            }
            Self::StartPage => unless(state.has_project, "This is the start page"),
            Self::Runs | Self::Studies => unless(state.has_project, "Open a project first"),
            Self::Rename | Self::Duplicate | Self::KeepVersion | Self::Versions | Self::GoTo(_) => {
                unless(state.has_project, "Open a project first")
            }
            Self::LabelFile if state.has_project && !state.steps.contains(&Step::Labels) => {
                Some("This project's model predicts words, not labels".to_owned())
            }
            Self::ExportWeights | Self::TryIt | Self::LabelFile => unless(state.has_run, "Train a model first"),
            Self::NextStep => unless(state.view.step(state.steps, 1).is_some(), "This is the last step"),
            Self::PreviousStep => unless(state.view.step(state.steps, -1).is_some(), "This is the first step"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_commands_share_a_shortcut_on_any_system() {
        for is_mac in [false, true] {
            let mut seen = std::collections::BTreeMap::new();
            for command in UserCommand::ALL {
                for shortcut in command.shortcuts() {
                    let shown = shortcut.format(&egui::ModifierNames::NAMES, is_mac);
                    if let Some(other) = seen.insert(shown.clone(), command) {
                        panic!("{shown} is both {other:?} and {command:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn command_texts_are_unique_and_have_no_full_stop() {
        let mut seen = std::collections::BTreeSet::new();
        for command in UserCommand::ALL {
            assert!(seen.insert(command.text()), "{} twice", command.text());
            assert!(!command.tooltip().ends_with('.') && !command.text().ends_with('.'));
        }
        for menu in Menu::ALL {
            assert!(UserCommand::ALL.iter().any(|command| command.menu() == menu), "{menu:?} is empty");
        }
    }

    #[test]
    fn a_disabled_command_says_why() {
        let state = CommandState { train_blocked: Some("Open a data file first"), ..CommandState::default() };
        assert_eq!(UserCommand::Train.blocked(&state).as_deref(), Some("Open a data file first"));
        assert!(UserCommand::Stop.blocked(&state).is_some());
        assert!(UserCommand::Undo.blocked(&state).is_some());
        let going = CommandState { training: true, undo: Some("labels"), ..CommandState::default() };
        assert!(UserCommand::Train.blocked(&going).is_some());
        assert_eq!(UserCommand::Stop.blocked(&going), None);
        let stopping = CommandState { stopping: true, next_stop: Some(Stop::Discard), ..going };
        assert_eq!(UserCommand::Stop.title(&stopping), "Discard and stop");
        assert_eq!(UserCommand::Stop.blocked(&stopping), None);
        assert!(UserCommand::Stop.blocked(&CommandState { next_stop: None, ..stopping }).is_some());
        assert!(UserCommand::PauseResume.blocked(&stopping).is_some());
        assert_eq!(UserCommand::Undo.blocked(&going), None);
    }
}
