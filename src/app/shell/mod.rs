//! Everything around the step: menu bar, rail, status bar, notifications, palette, dialogs, welcome page.

mod dialogs;
mod drop_hint;
mod focus;
mod help;
mod help_window;
mod menu_bar;
mod notices;
mod palette;
mod preferences;
mod rail;
mod search;
mod status_bar;
mod welcome;

pub use dialogs::{Dialog, DialogAnswer, Leaving, ModelUse, dialogs_ui};
pub use drop_hint::drop_hint_ui;
pub use focus::FocusKeeper;
pub use help_window::HelpWindow;
pub use menu_bar::menu_bar_ui;
pub use notices::Notices;
pub use palette::CommandPalette;
pub use rail::rail_ui;
pub use search::Searched;
pub use status_bar::{MemoryMeter, status_bar_ui};
pub use welcome::welcome_ui;
