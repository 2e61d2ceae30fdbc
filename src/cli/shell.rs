//! Parses the command line and its paths, and quotes paths for the commands that Hone suggests.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::cli::args::Arguments;
use crate::cli::{CliError, report};
use crate::words;
use clap::{CommandFactory, Parser};

/// Largest edit distance for suggesting a command.
const NEAR: usize = 2;

/// Typed paths are relative to the current folder, not to the project's folder.
pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Parses the command line. Prints help, the version or a usage error, and then returns an exit code.
///
/// # Errors
/// The exit code.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Arguments, u8> {
    let words: Vec<OsString> = words.into_iter().collect();
    Arguments::try_parse_from(&words).map_err(|error| {
        // In `hone trian shop`, the first word counts as a project and the second is unexpected.
        let first = words.get(1).map(Path::new).filter(|_| error.use_stderr());
        match first {
            Some(word) if !word.exists() && !is_option(word) && !is_command(word) => report(Err(no_such_command(word))),
            _ => {
                // There is nowhere to report that printing failed.
                let _ = error.print();
                error.exit_code() as u8
            }
        }
    })
}

/// The error for a word that is neither a command nor a project, with the most likely command.
#[must_use]
pub fn no_such_command(word: &Path) -> CliError {
    let typed = word.to_string_lossy();
    let commands = Arguments::command();
    let names = commands.get_subcommands().filter(|command| !command.is_hide_set()).map(clap::Command::get_name);
    let near = names.map(|name| (strsim::levenshtein(name, &typed), name)).min();
    let hint = match near {
        Some((edits, name)) if edits <= NEAR && edits < name.len() - 1 => format!(" Did you mean '{name}'?"),
        _ => String::new(),
    };
    CliError::Usage(format!("there is neither a project nor a command '{typed}'.{hint} See hone --help"))
}

fn is_option(word: &Path) -> bool {
    word.to_string_lossy().starts_with('-')
}

fn is_command(word: &Path) -> bool {
    let mut command = Arguments::command();
    // Adds clap's own `help` command.
    command.build();
    command.get_subcommands().any(|command| word.as_os_str() == command.get_name())
}

/// A path as typed in a shell, quoted if it has a space or a special character.
#[must_use]
pub fn shell_word(path: &Path) -> String {
    words::shell_word(&path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_mistyped_command_gets_a_suggestion() {
        let message = |word: &str| no_such_command(Path::new(word)).to_string();
        assert!(message("trian").contains("Did you mean 'train'?"));
        assert!(message("run").contains("Did you mean 'runs'?"));
        assert!(!message("abc").contains("Did you mean") && !message("my/project").contains("Did you mean"));
    }
}
