//! Masks web addresses, e-mail addresses and handles.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memchr_iter;
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
    let begins_with_www = |dot: usize| dot >= 3 && text.as_bytes()[dot - 3..dot].eq_ignore_ascii_case(b"www");
    if !text.contains("://") && !memchr_iter(b'.', text.as_bytes()).any(begins_with_www) {
        return Cow::Borrowed(text);
    }
    URL.replace_all(text, |found: &Captures| {
        let address = found[0].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}', '\'', '…', '”', '’']);
        format!("[URL]{}", &found[0][address.len()..])
    })
}

/// Replaces e-mail addresses by `[EMAIL]`.
pub(super) fn emails(text: &str) -> Cow<'_, str> {
    // Most `@` begin a name: looking at their neighbours saves the search.
    let is_within_address = |at: usize| {
        let neighbour = |place: Option<usize>| text.as_bytes().get(place?).copied();
        let before = neighbour(at.checked_sub(1)).unwrap_or(b' ');
        let after = neighbour(Some(at + 1)).unwrap_or(b' ');
        (before.is_ascii_alphanumeric() || b"._%+-".contains(&before))
            && (after.is_ascii_alphanumeric() || after == b'-')
    };
    if memchr_iter(b'@', text.as_bytes()).any(is_within_address) {
        EMAIL.replace_all(text, "[EMAIL]")
    } else {
        Cow::Borrowed(text)
    }
}

/// Replaces `@name` by `@user`.
pub(super) fn handles(text: &str) -> Cow<'_, str> {
    if !text.contains('@') {
        return Cow::Borrowed(text);
    }
    if text.is_ascii() { ascii_handles(text) } else { HANDLE.replace_all(text, "${1}@user") }
}

/// What [`HANDLE`] finds in a text of ASCII characters, without the search: nearly every text of some files has handles.
fn ascii_handles(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let (mut replaced, mut done) = (String::new(), 0);
    for at in memchr_iter(b'@', bytes) {
        let is_free =
            at.checked_sub(1).is_none_or(|before| !is_word(bytes[before]) && !b"@./".contains(&bytes[before]));
        let name = bytes[at + 1..].iter().take_while(|&&byte| is_word(byte)).count();
        if is_free && name > 0 {
            replaced.push_str(&text[done..at]);
            replaced.push_str("@user");
            done = at + 1 + name;
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    replaced.push_str(&text[done..]);
    Cow::Owned(replaced)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Rng;

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

    #[test]
    fn shortcuts_find_what_the_patterns_find() {
        let pieces = ["@", "@", " ", "ann", "_", "1", ".", "/", "-", "com", "a@b.co", "é", "…", "WWW.x.org", "(", "+"];
        let mut rng = Rng::new(3);
        for _ in 0..20_000 {
            let text: String = (0..rng.below(9)).map(|_| pieces[rng.below(pieces.len() as u64) as usize]).collect();
            assert_eq!(handles(&text), HANDLE.replace_all(&text, "${1}@user"), "{text}");
            assert_eq!(emails(&text), EMAIL.replace_all(&text, "[EMAIL]"), "{text}");
            assert_eq!(urls(&text) == text, !URL.is_match(&text), "{text}");
        }
    }
}
