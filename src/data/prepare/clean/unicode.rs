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
    let is_unwanted = |byte: u8| (byte < b' ' && !matches!(byte, b'\n' | b'\r' | b'\t')) || byte == 0x7F;
    if text.is_ascii() && !any_byte(text, is_unwanted) {
        return Cow::Borrowed(text);
    }
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
    if is_collapsed_ascii(text) {
        return Cow::Borrowed(text);
    }
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

/// Whether a text of ASCII characters has no white space but single spaces between words.
fn is_collapsed_ascii(text: &str) -> bool {
    let is_at_end = text.starts_with(' ') || text.ends_with(' ');
    let is_other_space = |byte: u8| (b'\t'..=b'\r').contains(&byte);
    let is_two = |pair: &[u8]| u8::from(pair[0] == b' ') & u8::from(pair[1] == b' ');
    let has_two = text.as_bytes().windows(2).fold(0, |found, pair| found | is_two(pair)) > 0;
    text.is_ascii() && !is_at_end && !has_two && !any_byte(text, is_other_space)
}

/// Whether a text has such a byte. All bytes are looked at without branches, so many at a time.
fn any_byte(text: &str, is_such: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(false, |found, byte| found | is_such(byte))
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
        for text in [" a", "a ", "a  b", "a\tb", "a\nb", "a\u{B}b"] {
            assert_eq!(collapse_whitespace(text), text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }

    #[test]
    fn every_ascii_control_character_goes() {
        for byte in 0..=0x7F_u8 {
            let text = format!("a{}b", char::from(byte));
            let kept = if char::from(byte).is_control() && !b"\n\r\t".contains(&byte) {
                if byte.is_ascii_whitespace() || byte == 0x0B { "a b".to_owned() } else { "ab".to_owned() }
            } else {
                text.clone()
            };
            assert_eq!(remove_control(&text), kept, "{byte}");
        }
    }
}
