//! The text of a project file: parsed, migrated, and what is wrong with it in words.

use std::path::Path;

use crate::project::{Project, SCHEMA_VERSION};
use crate::storage::OpenError;
use crate::storage::migrations::{MIGRATIONS, migrate, version_of};

/// What is wrong with a project file's text. The library's own advice on a stray character is about Rust identifiers.
fn in_words(error: &ron::Error) -> String {
    match error {
        ron::Error::SuggestRawIdentifier(found) => format!("the name of a setting was expected, not '{found}'"),
        ron::Error::NoSuchStructField { expected, found, .. } => {
            let nearest = expected.iter().min_by_key(|name| strsim::damerau_levenshtein(name, found));
            let nearest = nearest.map_or_else(String::new, |name| format!(" (did you mean '{name}'?)"));
            format!("there is no setting '{found}' here{nearest}")
        }
        error => error.to_string(),
    }
}

/// The project in a file's text, of this version or an earlier one.
pub(super) fn parse_project(path: &Path, bytes: &[u8]) -> Result<Project, OpenError> {
    let damaged =
        |line, column, reason| OpenError::Damaged { path: path.to_owned(), line, column, reason, last_good: None };
    let spanned =
        |error: ron::error::SpannedError| damaged(error.span.start.line, error.span.start.col, in_words(&error.code));
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = &bytes[..error.valid_up_to()];
            let line = good.split(|&byte| byte == b'\n').count();
            let column = 1 + good.iter().rev().take_while(|&&byte| byte != b'\n').count();
            return Err(damaged(line, column, "these bytes are not UTF-8 text".to_owned()));
        }
    };
    if text.trim().is_empty() {
        return Err(damaged(1, 1, "the file is empty".to_owned()));
    }
    let version = version_of(text).map_err(spanned)?;
    if version > SCHEMA_VERSION {
        return Err(OpenError::Newer { path: path.to_owned(), found: version });
    }
    let text = migrate(text, version, &MIGRATIONS).map_err(spanned)?;
    let project: Project = ron::from_str(&text).map_err(spanned)?;
    Ok(Project { schema_version: SCHEMA_VERSION, ..project })
}
