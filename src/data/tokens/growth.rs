//! Limits how much longer a tokenizer may make a text before it splits it: a file of a few bytes can describe a tokenizer
//! that fills the memory with one word.

use serde::Deserialize;
use serde_json::Value;

/// The most times as long as before. Unicode's own normal forms reach 18.
const MOST_TIMES: f64 = 64.0;
/// The most characters put before a text.
const MOST_PREPENDED: usize = 1_000;
/// Normalizers inside each other that are looked at.
const MOST_LEVELS: usize = 16;

/// The part of `tokenizer.json` that changes texts.
#[derive(Deserialize)]
struct Normalizers {
    #[serde(default)]
    normalizer: Value,
}

/// How much longer a normalizer makes a text.
#[derive(Clone, Copy)]
struct Growth {
    times: f64,
    prepended: usize,
}

/// Checks a `tokenizer.json`. One that cannot be read is left to the tokenizer library to report.
///
/// # Errors
/// What is wrong with it, as a part of a sentence.
pub(super) fn check(json: &[u8]) -> Result<(), String> {
    let Ok(file) = serde_json::from_slice::<Normalizers>(json) else { return Ok(()) };
    let Growth { times, prepended } = growth(&file.normalizer, MOST_LEVELS)?;
    if times > MOST_TIMES {
        return Err(format!("its normalizer makes a text up to {times:.0} times as long"));
    }
    if prepended > MOST_PREPENDED {
        return Err(format!("its normalizer puts {prepended} characters before every text"));
    }
    Ok(())
}

fn growth(normalizer: &Value, levels: usize) -> Result<Growth, String> {
    let none = Growth { times: 1.0, prepended: 0 };
    if levels == 0 {
        return Err("its normalizers are nested too deeply".to_owned());
    }
    let text = |name: &str| normalizer.get(name).and_then(Value::as_str);
    match text("type") {
        Some("Sequence") => {
            let parts = normalizer.get("normalizers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            parts.iter().try_fold(none, |sum, part| {
                let Growth { times, prepended } = growth(part, levels - 1)?;
                Ok(Growth { times: sum.times * times, prepended: sum.prepended.saturating_add(prepended) })
            })
        }
        Some("Replace") => {
            // What a regular expression finds can be one character, or none.
            let found = normalizer.pointer("/pattern/String").and_then(Value::as_str).map_or(1, letters);
            let times = text("content").map_or(0, letters) as f64 / found.max(1) as f64;
            Ok(Growth { times: times.max(1.0), prepended: 0 })
        }
        Some("Prepend") => Ok(Growth { times: 1.0, prepended: text("prepend").map_or(0, letters) }),
        Some("Precompiled") => precompiled(text("precompiled_charsmap").unwrap_or_default()),
        _ => Ok(none),
    }
}

fn letters(text: &str) -> usize {
    text.chars().count()
}

/// A normalizer of `SentencePiece`: the length of a table in bytes, the table, and the texts that characters become, each with
/// a zero at its end.
fn precompiled(map: &str) -> Result<Growth, String> {
    let damaged = || "its precompiled_charsmap is damaged".to_owned();
    let bytes = base64(map).ok_or_else(damaged)?;
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(damaged)?;
    let texts = rest.get(u32::from_le_bytes(*length) as usize..).ok_or_else(damaged)?;
    let longest = texts.split(|&byte| byte == 0).map(|text| letters(&String::from_utf8_lossy(text))).max();
    Ok(Growth { times: longest.unwrap_or(1).max(1) as f64, prepended: 0 })
}

/// Decodes base64; `None` if another character is in it.
fn base64(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut count) = (Vec::with_capacity(text.len() / 4 * 3), 0_u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        (bits, count) = ((bits << 6) | u32::from(value), count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(normalizer: &str) -> Result<(), String> {
        check(format!(r#"{{"version": "1.0", "normalizer": {normalizer}, "model": {{}}}}"#).as_bytes())
    }

    #[test]
    fn usual_normalizers_are_fine() {
        let replace = r#"{"type": "Replace", "pattern": {"String": " "}, "content": "▁"}"#;
        let spaces = r#"{"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"}"#;
        let prepend = r#"{"type": "Prepend", "prepend": "▁"}"#;
        for fine in ["null", r#"{"type": "BertNormalizer", "lowercase": true}"#, replace, "7"] {
            said(fine).unwrap();
        }
        said(&format!(
            r#"{{"type": "Sequence", "normalizers": [{prepend}, {replace}, {spaces}, {{"type": "NFKC"}}]}}"#
        ))
        .unwrap();
        check(b"{").unwrap();
    }

    #[test]
    fn a_normalizer_that_fills_the_memory_is_refused() {
        let many = format!(r#"{{"type": "Replace", "pattern": {{"String": "a"}}, "content": "{}"}}"#, "a".repeat(100));
        let inner = format!(r#"{{"type": "Sequence", "normalizers": [{many}, {many}]}}"#);
        assert!(
            said(&format!(r#"{{"type": "Sequence", "normalizers": [{inner}]}}"#)).unwrap_err().contains("10000 times")
        );
        let long = format!(r#"{{"type": "Prepend", "prepend": "{}"}}"#, "b".repeat(5_000_000));
        assert!(said(&long).unwrap_err().contains("5000000 characters before"));
        let deep =
            (0..20).fold("null".to_owned(), |inner, _| format!(r#"{{"type": "Sequence", "normalizers": [{inner}]}}"#));
        assert!(said(&deep).unwrap_err().contains("nested"));
    }

    #[test]
    fn a_precompiled_map_must_hold_the_table_it_claims() {
        let map = |text: &str| said(&format!(r#"{{"type": "Precompiled", "precompiled_charsmap": "{text}"}}"#));
        assert!(map("/////w==").unwrap_err().contains("damaged"), "a table of 4 GB");
        assert!(map("").unwrap_err().contains("damaged"));
        assert!(map("!").unwrap_err().contains("damaged"));
        // A table of four bytes, and one text "ab".
        assert_eq!(base64("BAAAAAAAAABhYgA=").unwrap(), b"\x04\0\0\0\0\0\0\0ab\0");
        map("BAAAAAAAAABhYgA=").unwrap();
    }
}
