//! What stands around the step: menu bar, rail, status bar, notifications, palette, dialogs.

mod rail;

pub use rail::rail_ui;
