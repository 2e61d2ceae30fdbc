//! Masks web addresses, e-mail addresses and handles.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

#[allow(clippy::expect_used, reason = "a constant pattern, compiled in a test")]
static URL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(?i)\b(?:https?://|ftp://|www\.)[^\s<>"]+"#).expect("the address pattern is valid"));
#[allow(clippy::expect_used, reason = "a constant pattern, compiled in a test")]
static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
        .expect("the e-mail pattern is valid")
});
#[allow(clippy::expect_used, reason = "a constant pattern, compiled in a test")]
static HANDLE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(^|[^\w@./])@\w+").expect("the handle pattern is valid"));

/// Replaces web addresses by `[URL]`; a full stop or bracket at their end stays.
pub(super) fn urls(text: &str) -> Cow<'_, str> {
    if !text.contains("://") && !text.to_ascii_lowercase().contains("www.") {
        return Cow::Borrowed(text);
    }
    URL.replace_all(text, |found: &Captures| {
        let address = found[0].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}', '\'', '…', '”', '’']);
        format!("[URL]{}", &found[0][address.len()..])
    })
}

/// Replaces e-mail addresses by `[EMAIL]`.
pub(super) fn emails(text: &str) -> Cow<'_, str> {
    if text.contains('@') { EMAIL.replace_all(text, "[EMAIL]") } else { Cow::Borrowed(text) }
}

/// Replaces `@name` by `@user`.
pub(super) fn handles(text: &str) -> Cow<'_, str> {
    if text.contains('@') { HANDLE.replace_all(text, "${1}@user") } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(urls("(see http://a.b/c?d=e). or WWW.x.org, ok"), "(see [URL]). or [URL], ok");
        assert_eq!(urls("no address: http:/ here"), "no address: http:/ here");
    }

    #[test]
    fn emails_and_handles_are_distinguished() {
        assert_eq!(emails("write to a.b+c@mail.example.co.uk."), "write to [EMAIL].");
        assert_eq!(handles("@ann .@bob: a@b.com (@c_d) @@"), "@user .@bob: a@b.com (@user) @@");
        assert_eq!(handles("@ann @bob"), "@user @user");
    }
}
