//! Lists that are cut short on the terminal.

use std::io::Write;

use crate::cli::CliError;

/// The most bad rows and labels shown; `--json` lists all.
pub(super) const SHOWN: usize = 10;

/// Says how many more there are than shown.
pub(super) fn print_rest(out: &mut dyn Write, all: usize) -> Result<(), CliError> {
    if all > SHOWN {
        writeln!(out, "  and {} more (--json lists all)", all - SHOWN)?;
    }
    Ok(())
}
