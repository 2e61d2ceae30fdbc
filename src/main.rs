//! Opens the window, or runs a terminal command.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use hone::cli::{self, CliError};

fn main() -> ExitCode {
    hold_back_file_size_signal();
    hone::data::keep_panics_of_decoders_quiet();
    hone::ops::keep_candle_on_one_thread();
    let arguments = match cli::parse(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(code) => return ExitCode::from(code),
    };
    let mut out = io::stdout();
    let code = match arguments.command {
        Some(command) => cli::run(&command, &mut out),
        None => cli::report(open(arguments.project, &mut out)),
    };
    ExitCode::from(code)
}

/// A file larger than a limit (`ulimit -f`) is then an error that can be told, instead of the end of the program. Threads begun
/// later hold the signal back too.
#[cfg(unix)]
fn hold_back_file_size_signal() {
    let mut signals = nix::sys::signal::SigSet::empty();
    signals.add(nix::sys::signal::Signal::SIGXFSZ);
    // Without it, the program works too.
    let _ = signals.thread_block();
}

#[cfg(not(unix))]
fn hold_back_file_size_signal() {}

/// Opens the window, or trains the sample project in the terminal if there is no display.
fn open(project: Option<PathBuf>, out: &mut dyn Write) -> Result<(), CliError> {
    if let Some(project) = project.as_deref().filter(|project| !project.exists()) {
        return Err(cli::no_such_command(project));
    }
    match (has_display(), project) {
        (true, project) => hone::app::run(project).map_err(|error| CliError::Failed(error.to_string())),
        (false, None) => cli::train_sample(out),
        (false, Some(project)) => Err(CliError::Failed(format!(
            "there is no display to open a window on. To train in the terminal, run: hone train {}",
            cli::shell_word(&project)
        ))),
    }
}

/// Whether a window can be shown. Only X11 and Wayland can be missing; other systems always have a display.
fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(all(unix, not(target_os = "macos"))) || set("DISPLAY") || set("WAYLAND_DISPLAY")
}
