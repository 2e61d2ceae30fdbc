//! The window. egui lives here and nowhere else.
//!
//! One change travels like this: a step's function sends an `AppCommand` into a `CommandSender`;
//! `HoneApp` applies it, records undo and saves; long work goes to a worker, whose events come back in
//! `HoneApp::logic` and fill what `StepContext` shows to the steps in the next frame.

mod act;
#[allow(clippy::module_inception, reason = "the application itself, in the room named after it")]
mod app;
mod commands;
mod context;
#[cfg(test)]
mod frame_times;
mod history;
mod inspection;
mod leave;
mod messages;
mod pick;
#[cfg(test)]
mod pictures;
#[cfg(test)]
mod scroll_times;
mod session;
mod shell;
mod state;
mod steps;
mod tasks;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod training_times;
mod theme;
mod view;
mod widgets;
mod work;

pub use app::{AppError, HoneApp, Start, run};
pub use commands::{Menu, UserCommand};
pub use context::{ClassifyState, FetchState, ForecastState, Job, LiveRun, Notice, RunEnd, StepContext};
pub use messages::{AppCommand, CommandSender, Edit, Pick};
pub use theme::{Theme, ThemeError, Tone};
