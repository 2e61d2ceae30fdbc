//! Trains the sample project in the terminal when no window can be opened.

use std::io::Write;

use crate::cli::CliError;
use crate::cli::train::{self, Asked};
use crate::storage::{ProjectFile, sample_project};

/// Trains the sample project, then says how to open the window.
///
/// # Errors
/// As `hone train`.
pub fn train_sample(out: &mut dyn Write) -> Result<(), CliError> {
    let (folder, project) = ProjectFile::read(&sample_project()?)?;
    writeln!(out, "No display found, so Hone will train its sample project in the terminal: {}\n", folder.display())?;
    out.flush()?;
    // Who starts Hone without a command wants to see it train, so this asks for the download too.
    train::train(&project, &folder, (Asked { json: false, fetch: true, notify: false }, None), out)?;
    writeln!(
        out,
        "\nTo open the window, run Hone on a machine with a display (DISPLAY or WAYLAND_DISPLAY set), \
         or use a virtual one: xvfb-run hone\n\
         To train on your own data: hone new FOLDER --data FILE, then hone train FOLDER. For more: hone --help."
    )?;
    Ok(())
}
