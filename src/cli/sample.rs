//! What `hone` does where no window can be opened: the sample project, trained in the terminal.

use std::io::Write;

use crate::cli::{CliError, train};
use crate::storage::{ProjectFile, sample_project};

/// Trains the sample project and says how to open the window.
///
/// # Errors
/// As `hone train`.
pub fn train_sample(out: &mut dyn Write) -> Result<(), CliError> {
    let (folder, project) = ProjectFile::read(&sample_project()?)?;
    writeln!(
        out,
        "There is no display here, so Hone trains its sample project in the terminal: {}\n",
        folder.display()
    )?;
    out.flush()?;
    train::train(&project, &folder, false, out)?;
    writeln!(
        out,
        "\nTo open the window, start Hone where there is a display (DISPLAY or WAYLAND_DISPLAY is set), \
         or without a screen: xvfb-run hone\n\
         For your own data in the terminal: hone new FOLDER --data FILE, then hone train FOLDER. See hone --help."
    )?;
    Ok(())
}
