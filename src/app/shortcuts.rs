//! The keys of each command.

use egui::{Context, Key, KeyboardShortcut, Modifiers};

use crate::app::commands::UserCommand;

const CTRL: Modifiers = Modifiers::COMMAND;
const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

/// The keys of a shortcut as they are printed on a keyboard: "Ctrl+," and not "Ctrl+Comma".
#[must_use]
pub fn in_words(ctx: &Context, shortcut: KeyboardShortcut) -> String {
    let words = ctx.format_shortcut(&shortcut);
    let sign = match shortcut.logical_key {
        Key::Comma => ",",
        Key::Period => ".",
        Key::Plus => "+",
        Key::Minus => "-",
        _ => return words,
    };
    match words.strip_suffix(shortcut.logical_key.name()) {
        Some(modifiers) => format!("{modifiers}{sign}"),
        None => words,
    }
}

impl UserCommand {
    /// Its shortcuts. The menu shows the first.
    #[must_use]
    pub fn shortcuts(self) -> Vec<KeyboardShortcut> {
        let ctrl = |key| vec![KeyboardShortcut::new(CTRL, key)];
        let ctrl_shift = |key| vec![KeyboardShortcut::new(CTRL_SHIFT, key)];
        match self {
            Self::New => ctrl(Key::N),
            Self::Open => ctrl(Key::O),
            Self::StartPage => ctrl(Key::W),
            Self::OpenData => ctrl_shift(Key::O),
            Self::KeepVersion => ctrl(Key::S),
            Self::Duplicate => ctrl_shift(Key::S),
            Self::ExportWeights => ctrl(Key::E),
            Self::Quit => ctrl(Key::Q),
            Self::Undo => ctrl(Key::Z),
            Self::Redo => [ctrl_shift(Key::Z), ctrl(Key::Y)].concat(),
            Self::Cut => ctrl(Key::X),
            Self::Copy => ctrl(Key::C),
            Self::Paste => ctrl(Key::V),
            Self::SelectAll => ctrl(Key::A),
            Self::Preferences => ctrl(Key::Comma),
            Self::Train => ctrl(Key::Enter),
            Self::PauseResume => ctrl(Key::P),
            Self::Stop => ctrl(Key::Period),
            Self::GoTo(step) => {
                let keys = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8];
                ctrl(keys[step as usize])
            }
            Self::TryIt => ctrl(Key::T),
            Self::Runs => ctrl(Key::R),
            Self::Studies => ctrl_shift(Key::R),
            Self::NextStep => ctrl(Key::PageDown),
            Self::PreviousStep => ctrl(Key::PageUp),
            Self::Palette => [ctrl(Key::K), ctrl_shift(Key::P)].concat(),
            Self::ZoomIn => [ctrl(Key::Plus), ctrl(Key::Equals)].concat(),
            Self::ZoomOut => ctrl(Key::Minus),
            Self::ZoomReset => ctrl(Key::Num0),
            Self::Help => vec![KeyboardShortcut::new(Modifiers::NONE, Key::F1)],
            Self::Shortcuts => ctrl(Key::Slash),
            Self::OpenSample
            | Self::Rename
            | Self::Versions
            | Self::LabelFile
            | Self::Notifications
            | Self::ThemeSystem
            | Self::ThemeLight
            | Self::ThemeDark
            | Self::HelpContents
            | Self::About => Vec::new(),
        }
    }
}
