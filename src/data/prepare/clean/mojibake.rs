//! Repairs UTF-8 that was read as Windows-1252 and saved again: "donâ€™t" for "don’t".
//!
//! Every character of such a text stands for one byte. If these bytes form one UTF-8 character, they are replaced by
//! it. A pair such as `É”` also occurs in intact text (an upper-case word before a closing quote), so a pair is
//! repaired only if it hardly ever occurs in intact text. Based on Robyn Speer's `ftfy`.

use std::borrow::Cow;

/// The characters of Windows-1252 at 0x80..=0x9F; at the five unused places, the control character itself.
const HIGH_CONTROLS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
];
/// How often a text is repaired at most: damage done twice does occur.
const MOST_REPAIRS: usize = 3;

/// The Windows-1252 character at the place of a control character in U+0080..=U+009F.
pub(super) fn windows_1252_control(character: char) -> Option<char> {
    let index = u32::from(character).checked_sub(0x80)?;
    HIGH_CONTROLS.get(index as usize).copied()
}

/// Repairs a text, again while anything changes.
pub(super) fn repair(text: &str) -> Cow<'_, str> {
    let mut repaired = Cow::Borrowed(text);
    for _ in 0..MOST_REPAIRS {
        match repair_once(&repaired) {
            Some(next) => repaired = Cow::Owned(next),
            None => break,
        }
    }
    repaired
}

/// The byte of a character in Windows-1252, if it is not ASCII.
fn byte_of(character: char) -> Option<u8> {
    match u32::from(character) {
        0..=0x7F => None,
        code @ 0x80..=0xFF => Some(code as u8),
        _ => HIGH_CONTROLS.iter().position(|&known| known == character).map(|index| 0x80 + index as u8),
    }
}

fn repair_once(text: &str) -> Option<String> {
    // Without a lead byte there is no damage: true of nearly every text, and quick to check.
    if text.is_ascii() || !text.chars().any(|character| ('\u{C2}'..='\u{F4}').contains(&character)) {
        return None;
    }
    let characters: Vec<char> = text.chars().collect();
    let mut repaired: Option<String> = None;
    let mut at = 0;
    let mut after_repair = false;
    while at < characters.len() {
        let found =
            character_at(&characters[at..]).filter(|&(_, length)| is_damage(&characters[at..], length, after_repair));
        if let Some((character, length)) = found {
            repaired.get_or_insert_with(|| characters[..at].iter().collect()).push(character);
            at += length;
        } else {
            if let Some(repaired) = &mut repaired {
                repaired.push(characters[at]);
            }
            at += 1;
        }
        after_repair = found.is_some();
    }
    repaired
}

/// The UTF-8 character whose bytes the first characters stand for, and the number of these characters.
fn character_at(characters: &[char]) -> Option<(char, usize)> {
    let lead = characters.first().and_then(|&first| byte_of(first))?;
    let length = match lead {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return None,
    };
    let mut bytes = [0; 4];
    for (byte, &character) in bytes.iter_mut().zip(characters.get(..length)?) {
        *byte = byte_of(character)?;
    }
    let character = std::str::from_utf8(&bytes[..length]).ok()?.chars().next()?;
    Some((character, length))
}

/// Whether the characters are damage. Three or four that form UTF-8 do not occur by chance, nor do pairs that begin
/// with Â or Ã. Other pairs may be a letter before a punctuation mark, unless there is damage right next to them.
fn is_damage(characters: &[char], length: usize, after_repair: bool) -> bool {
    let punctuation = ['‚', '„', '…', '‹', '‘', '’', '“', '”', '•', '–', '—', '™', '›', '»', '«', '\u{A0}'];
    length > 2
        || matches!(characters[0], 'Â' | 'Ã')
        || !punctuation.contains(&characters[1])
        || after_repair
        || character_at(&characters[2..]).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads UTF-8 as Windows-1252.
    fn damage(text: &str) -> String {
        text.bytes().map(|byte| windows_1252_control(char::from(byte)).unwrap_or(char::from(byte))).collect()
    }

    #[test]
    fn damage_is_repaired_once_and_twice() {
        for text in ["don’t", "“café” – naïve… €5", "žluťoučký kůň", "Привет, мир", "日本語", "😀 ok", "à la carte"]
        {
            assert_eq!(repair(&damage(text)), text);
            assert_eq!(repair(&damage(&damage(text))), text);
        }
    }

    #[test]
    fn intact_text_stays() {
        for text in
            ["don’t", "“CAFÉ” und «À LA CARTE…»", "ÜBER™", "Ärger – öfter", "ação", "Привет", "Ã", "FOTOGRAFIË’s"]
        {
            assert!(matches!(repair(text), Cow::Borrowed(_)), "{text} -> {}", repair(text));
        }
    }

    #[test]
    fn a_partly_damaged_text_is_repaired_in_place() {
        assert_eq!(repair("café and cafÃ©, donâ€™t"), "café and café, don’t");
    }
}
