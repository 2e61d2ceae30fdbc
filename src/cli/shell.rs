//! What is typed: the program's own arguments, and command lines that it tells people to type.

use std::ffi::OsString;
use std::path::Path;

use clap::{CommandFactory, Parser};

use crate::cli::args::Arguments;
use crate::cli::setting::distance;
use crate::cli::{CliError, report};

/// Edits between a word and the command it may have been meant for.
const NEAR: usize = 2;

/// Reads the command line. Help, the version and usage errors are printed: then there is an exit code instead.
///
/// # Errors
/// The exit code.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Arguments, u8> {
    let words: Vec<OsString> = words.into_iter().collect();
    Arguments::try_parse_from(&words).map_err(|error| {
        // `hone trian shop`: the first word is taken for a project, and the second is one too many.
        let first = words.get(1).map(Path::new).filter(|_| error.use_stderr());
        match first {
            Some(word) if !word.exists() && !is_option(word) && !is_command(word) => report(Err(no_such_command(word))),
            _ => {
                // There is nowhere to say that it could not be said.
                let _ = error.print();
                error.exit_code() as u8
            }
        }
    })
}

/// The error of a word that is neither a command nor a project, with the command that was likely meant.
#[must_use]
pub fn no_such_command(word: &Path) -> CliError {
    let typed = word.to_string_lossy();
    let commands = Arguments::command();
    let names = commands.get_subcommands().map(clap::Command::get_name);
    let near = names.map(|name| (distance(name, &typed), name)).min();
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
    // Only then has it its own command, `help`.
    command.build();
    command.get_subcommands().any(|command| word.as_os_str() == command.get_name())
}

/// A path as it is typed in a shell: in quotes where it has a space or another character of its own meaning.
#[must_use]
pub fn shell_word(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |letter: char| letter.is_alphanumeric() || "/\\._-+:@%,=".contains(letter);
    // Only Windows has `\` as a plain character of paths.
    if !path.is_empty() && path.chars().all(is_plain) && (cfg!(windows) || !path.contains('\\')) {
        path
    } else if cfg!(windows) {
        format!("\"{path}\"")
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_command_is_told_from_another_word() {
        let message = |word: &str| no_such_command(Path::new(word)).to_string();
        assert!(message("trian").contains("Did you mean 'train'?"));
        assert!(message("run").contains("Did you mean 'runs'?"));
        assert!(!message("abc").contains("Did you mean") && !message("my/project").contains("Did you mean"));
    }

    #[test]
    #[cfg(unix)]
    fn paths_are_quoted_where_a_shell_would_take_them_apart() {
        let word = |path: &str| shell_word(Path::new(path));
        assert_eq!(["shop", "a/b-c_1.csv", "Läden"].map(word), ["shop", "a/b-c_1.csv", "Läden"]);
        assert_eq!(["my shop", "it's", "$HOME", ""].map(word), ["'my shop'", "'it'\\''s'", "'$HOME'", "''"]);
    }
}
