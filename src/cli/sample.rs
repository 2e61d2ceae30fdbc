//! Trains the sample project in the terminal when no window can be opened.

use std::io::Write;

use crate::cli::{CliError, train};
use crate::storage::{ProjectFile, sample_project};

/// Trains the sample project, then says how to open the window.
///
/// # Errors
/// As `hone train`.
pub fn train_sample(out: &mut dyn Write) -> Result<(), CliError> {
    let (folder, project) = ProjectFile::read(&sample_project()?)?;
    writeln!(out, "No display found, so Hone will train its sample project in the terminal: {}\n", folder.display())?;
    out.flush()?;
    train::train(&project, &folder, false, out)?;
    writeln!(
        out,
        "\nTo open the window, run Hone on a machine with a display (DISPLAY or WAYLAND_DISPLAY set), \
         or use a virtual one: xvfb-run hone\n\
         To train on your own data: hone new FOLDER --data FILE, then hone train FOLDER. For more: hone --help."
    )?;
    Ok(())
}
