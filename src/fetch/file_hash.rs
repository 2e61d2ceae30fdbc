//! The hash that a downloaded file must have.

use std::io;
use std::path::Path;

use crate::data::{file_git_sha1, file_sha256};
use crate::progress::Control;
use crate::project::ModelFile;

/// Whether a text is this many hexadecimal digits: 40 of a commit or git's SHA-1, 64 of SHA-256.
pub(super) fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// The hash that a file must have, in lower-case hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileHash<'a> {
    /// Of its bytes.
    Sha256(&'a str),
    /// SHA-1 of git: the Hub states no other for files that are not large.
    Git(&'a str),
}

impl<'a> FileHash<'a> {
    /// The hash of a model's file, if one is known.
    pub fn of(file: &'a ModelFile) -> Option<Self> {
        let sha256 = file.sha256.as_deref().map(Self::Sha256);
        sha256.or_else(|| file.git_sha1.as_deref().map(Self::Git))
    }

    /// The digits.
    pub fn digits(self) -> &'a str {
        match self {
            Self::Sha256(digits) | Self::Git(digits) => digits,
        }
    }

    /// The hash of this kind that a file has; `None` if it was cancelled.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn found(self, path: &Path, control: Option<&Control>) -> io::Result<Option<String>> {
        match self {
            Self::Sha256(_) => file_sha256(path, control),
            Self::Git(_) => file_git_sha1(path, control),
        }
    }

    /// Whether a file has this hash. An unreadable one has not.
    pub fn matches(self, path: &Path) -> bool {
        matches!(self.found(path, None), Ok(Some(found)) if found == self.digits())
    }

    /// "SHA-256 012345… instead of 6789ab…".
    pub fn instead(self, found: &str) -> String {
        let short = |hash: &str| hash.get(..12).unwrap_or(hash).to_owned();
        let kind = match self {
            Self::Sha256(_) => "SHA-256",
            Self::Git(_) => "git's SHA-1",
        };
        format!("{kind} {}… instead of {}…", short(found), short(self.digits()))
    }
}
