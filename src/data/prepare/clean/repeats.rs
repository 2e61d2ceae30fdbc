//! Shortens repeated letters and marks.

use std::borrow::Cow;

/// How many of the same letter or mark in a row are kept.
const KEPT: usize = 3;

/// Shortens runs of the same letter or mark to three. Digits and white space stay as they are.
pub(super) fn shorten(text: &str) -> Cow<'_, str> {
    // Bytes are compared without branches, so many at a time.
    let runs = text.as_bytes().windows(KEPT + 1);
    let is_same = |run: &[u8]| run.windows(2).fold(1, |same, pair| same & u8::from(pair[0] == pair[1]));
    if text.is_ascii() && runs.fold(0, |found, run| found | is_same(run)) == 0 {
        return Cow::Borrowed(text);
    }
    let mut shortened: Option<String> = None;
    let (mut last, mut run) = (None, 0);
    for (at, character) in text.char_indices() {
        run = if last == Some(character) { run + 1 } else { 1 };
        last = Some(character);
        let surplus = run > KEPT && !character.is_numeric() && !character.is_whitespace();
        if surplus {
            shortened.get_or_insert_with(|| text[..at].to_owned());
        } else if let Some(shortened) = &mut shortened {
            shortened.push(character);
        }
    }
    shortened.map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_shortened_to_three() {
        assert_eq!(shorten("soooooo good!!!!!! ...... 10000000"), "sooo good!!! ... 10000000");
        assert!(matches!(shorten("Mississippi... aaa     b"), Cow::Borrowed(_)));
        assert_eq!(shorten("😀😀😀😀😀"), "😀😀😀");
    }
}
