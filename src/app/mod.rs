//! The window. Only this room uses egui.
//!
//! A change goes this way: a step's function sends an `AppCommand` to a `CommandSender`; `HoneApp` applies it, records
//! it for undo and saves. Long work goes to a worker. Its answers are put into `Slot`s, and `StepContext` shows them to
//! the steps in the next frame.

mod act;
mod answers;
#[allow(clippy::module_inception, reason = "the application itself, in the room named after it")]
mod app;
#[cfg(test)]
mod app_tests;
mod background;
mod commands;
mod context;
mod desktop_news;
#[cfg(test)]
mod frame_times;
mod help;
mod history;
#[cfg(test)]
mod layout;
mod leave;
#[cfg(test)]
mod leave_tests;
mod live_run;
mod live_study;
#[cfg(test)]
mod memory;
mod messages;
mod pick;
#[cfg(test)]
mod pictures;
#[cfg(test)]
mod run_tests;
#[cfg(test)]
mod runs_tests;
#[cfg(test)]
mod screen_reader;
#[cfg(test)]
mod scroll_times;
mod run_files;
mod runs;
mod runs_command;
mod session;
#[cfg(test)]
mod session_tests;
mod shell;
mod shortcuts;
mod slot;
mod sought;
mod spoken;
#[cfg(test)]
mod start_tests;
mod state;
mod studies;
mod studies_command;
#[cfg(test)]
mod studies_tests;
mod steps;
mod take_in;
mod tasks;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod training_times;
mod theme;
mod view;
mod widgets;
mod window_place;
mod work;

pub use answers::Answers;
pub use app::{AppError, HoneApp, Start, run};
pub use commands::{Menu, UserCommand};
pub use context::{Notice, StepContext};
pub use live_run::{LiveRun, RunEnd};
pub use messages::{AppCommand, CommandSender, CurvesFile, Edit, LabelledOutput, Pick};
pub use slot::{Ended, Running, Slot};
pub use theme::{Theme, ThemeError, Tone};
