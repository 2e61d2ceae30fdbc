//! Normalises Unicode, invisible characters and white space.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Normalises to Unicode NFC.
pub(super) fn compose(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(text);
    }
    let composed: String = text.nfc().collect();
    if composed == text { Cow::Borrowed(text) } else { Cow::Owned(composed) }
}

/// Removes invisible characters. Line ends and tabs stay; other control characters that are white space become a space,
/// so that words stay apart.
pub(super) fn remove_control(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|character| is_unwanted_control(character) || is_invisible(character)) {
        return Cow::Borrowed(text);
    }
    let kept = text.chars().filter_map(|character| match character {
        _ if is_invisible(character) => None,
        _ if is_unwanted_control(character) => character.is_whitespace().then_some(' '),
        _ => Some(character),
    });
    Cow::Owned(kept.collect())
}

fn is_unwanted_control(character: char) -> bool {
    character.is_control() && !matches!(character, '\n' | '\r' | '\t')
}

/// Whether this is a soft hyphen, zero-width character, direction mark, byte order mark or interlinear mark.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{AD}'
            | '\u{180E}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{206F}'
            | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}'
    )
}

/// Replaces each run of white space by one space, and trims the ends.
pub(super) fn collapse_whitespace(text: &str) -> Cow<'_, str> {
    let mut previous_is_space = true;
    let clean = text.chars().all(|character| {
        let space = character.is_whitespace();
        let fine = !space || (character == ' ' && !previous_is_space);
        previous_is_space = space;
        fine
    });
    if clean && (!previous_is_space || text.is_empty()) {
        return Cow::Borrowed(text);
    }
    let mut collapsed = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !collapsed.is_empty() {
            collapsed.push(' ');
        }
        collapsed.push_str(word);
    }
    Cow::Owned(collapsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_composed() {
        assert_eq!(compose("cafe\u{301}"), "café");
        assert!(matches!(compose("café"), Cow::Borrowed(_)));
    }

    #[test]
    fn control_characters_are_removed_and_words_stay_apart() {
        assert_eq!(remove_control("a\0b\u{200B}c\u{FEFF}\u{AD}d\u{0B}e\nf\tg\u{85}h"), "abcd e\nf\tg h");
        assert!(matches!(remove_control("a\nb"), Cow::Borrowed(_)));
    }

    #[test]
    fn white_space_collapses() {
        assert_eq!(collapse_whitespace("  a \u{A0}\n b\u{3000}c "), "a b c");
        assert_eq!(collapse_whitespace("   "), "");
        for same in ["", "a", "a b c"] {
            assert!(matches!(collapse_whitespace(same), Cow::Borrowed(_)));
        }
    }
}
