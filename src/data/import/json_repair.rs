//! JSON as programs write it although the standard forbids it: `NaN`, `Infinity` and half emoji.

use std::borrow::Cow;

use memchr::memmem;

use crate::words::counted;

/// Numbers that JSON has no way to write.
const NO_NUMBERS: [&str; 3] = ["NaN", "-Infinity", "Infinity"];

/// A text with `null` in place of numbers that JSON does not know, and U+FFFD for half of a surrogate pair, with what was
/// replaced in words. A text that needs no repair is not copied.
pub(super) fn repaired(text: Cow<'_, str>) -> (Cow<'_, str>, Vec<String>) {
    let has = |part: &str| memmem::find(text.as_bytes(), part.as_bytes()).is_some();
    if !has("NaN") && !has("Infinity") && !has("\\ud") && !has("\\uD") {
        return (text, Vec::new());
    }
    let mut repair = Repair { text: &text, copied: 0, out: String::new(), numbers: 0, halves: 0 };
    repair.run();
    let Repair { copied, mut out, numbers, halves, .. } = repair;
    let mut remarks = Vec::new();
    if numbers > 0 {
        remarks.push(format!(
            "{} such as NaN, which JSON does not allow, read as empty",
            counted(numbers, "value", "values")
        ));
    }
    if halves > 0 {
        remarks
            .push(format!("{} replaced by \u{FFFD}", counted(halves, "half of a character", "halves of characters")));
    }
    if remarks.is_empty() {
        return (text, remarks);
    }
    out.push_str(&text[copied..]);
    (Cow::Owned(out), remarks)
}

struct Repair<'a> {
    text: &'a str,
    /// Bytes of the text that are in `out`, or replaced there.
    copied: usize,
    out: String,
    numbers: usize,
    halves: usize,
}

impl Repair<'_> {
    fn run(&mut self) {
        let bytes = self.text.as_bytes();
        let (mut at, mut is_string) = (0, false);
        while let Some(&byte) = bytes.get(at) {
            match byte {
                // A string ends with its line at the latest, so that a broken one costs no other line.
                b'\n' => is_string = false,
                b'"' => is_string = !is_string,
                b'\\' if is_string => {
                    at = self.escape(at);
                    continue;
                }
                b'N' | b'I' | b'-' if !is_string => {
                    let found = NO_NUMBERS.iter().find(|word| bytes[at..].starts_with(word.as_bytes()));
                    if let Some(word) = found.filter(|word| !is_within_word(bytes, at, at + word.len())) {
                        self.replace(at, at + word.len(), "null");
                        self.numbers += 1;
                        at += word.len();
                        continue;
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Handles the escape at `at`; returns where the text goes on.
    fn escape(&mut self, at: usize) -> usize {
        let Some(code) = code_unit(self.text, at) else { return at + 2 };
        match code {
            0xD800..=0xDBFF if code_unit(self.text, at + 6).is_some_and(|low| (0xDC00..=0xDFFF).contains(&low)) => {
                at + 12
            }
            0xD800..=0xDFFF => {
                self.replace(at, at + 6, "\\ufffd");
                self.halves += 1;
                at + 6
            }
            _ => at + 6,
        }
    }

    fn replace(&mut self, begin: usize, end: usize, with: &str) {
        self.out.push_str(&self.text[self.copied..begin]);
        self.out.push_str(with);
        self.copied = end;
    }
}

/// The UTF-16 code unit of an escape such as `\ud83d`.
fn code_unit(text: &str, at: usize) -> Option<u16> {
    let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

/// Whether the bytes from `begin` to `end` are only a part of a word.
fn is_within_word(bytes: &[u8], begin: usize, end: usize) -> bool {
    let is_letter = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    is_letter(begin.checked_sub(1).and_then(|before| bytes.get(before))) || is_letter(bytes.get(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_json_does_not_know_are_empty() {
        let (text, remarks) = repaired("{\"a\": NaN, \"NaN\": [-Infinity, Infinity], \"b\": \"NaN \\\" NaN\"}".into());
        assert_eq!(text, "{\"a\": null, \"NaN\": [null, null], \"b\": \"NaN \\\" NaN\"}");
        assert_eq!(remarks, ["3 values such as NaN, which JSON does not allow, read as empty"]);
    }

    #[test]
    fn half_emoji_are_replaced_and_whole_ones_kept() {
        let (text, remarks) = repaired(r#"["\ud83d\ude00", "\ud83d", "\ude00", "\\ud83d", "\ud83", "\u00e9"]"#.into());
        assert_eq!(text, r#"["\ud83d\ude00", "\ufffd", "\ufffd", "\\ud83d", "\ud83", "\u00e9"]"#);
        assert_eq!(remarks, ["2 halves of characters replaced by \u{FFFD}"]);
    }

    #[test]
    fn other_texts_are_not_copied() {
        for text in
            ["{\"a\": \"NaN\"}", "{\"a\": 1}", "NaNs Infinity_1 xNaN", "", "\\", "\"\\u", "{\"é\": \"\\ud83d\\ude00\"}"]
        {
            let (kept, remarks) = repaired(text.into());
            assert!(matches!(kept, Cow::Borrowed(same) if same == text) && remarks.is_empty(), "{text}");
        }
        let (text, _) = repaired("{\"broken: 1}\n{\"a\": NaN}".into());
        assert_eq!(text, "{\"broken: 1}\n{\"a\": null}");
    }
}
