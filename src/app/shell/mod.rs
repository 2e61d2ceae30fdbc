//! Everything around the step: menu bar, rail, status bar, notifications, palette, dialogs, footer, start page.

mod dialog_parts;
mod dialogs;
mod drop_hint;
mod focus;
mod footer;
mod help;
mod help_window;
mod menu_bar;
mod notices;
mod palette;
mod preferences;
mod project_dialogs;
mod rail;
mod search;
mod start_page;
mod status_bar;

pub use dialog_parts::{DialogAnswer, Discarding, Leaving, ModelUse, VersionRow};
pub use dialogs::{Dialog, dialogs_ui};
pub use drop_hint::drop_hint_ui;
pub use focus::FocusKeeper;
pub use footer::{footer_height, footer_ui};
pub use help_window::HelpWindow;
pub use menu_bar::menu_bar_ui;
pub use notices::Notices;
pub use palette::CommandPalette;
pub use rail::rail_ui;
pub use search::{Searched, go_to_setting};
pub use start_page::start_page_ui;
pub use status_bar::{MemoryMeter, Saved, status_bar_ui};
