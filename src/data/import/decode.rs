//! Decodes bytes into text: byte order marks, UTF-8, UTF-16, and a guess at older encodings.

use std::borrow::Cow;

use arrow_buffer::Buffer;
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::data::DataError;
use crate::data::import::bytes::FileBytes;
use crate::data::import::western;

/// Bytes examined to recognise UTF-16 without a byte order mark.
const SAMPLE: usize = 64 * 1024;

/// A text may always have this many control characters.
const FEW_CONTROLS: usize = 4;
/// Largest share of control characters in a text. In random bytes it is a tenth.
const MOST_CONTROLS: f64 = 0.03;

/// A file's text and how it was decoded.
pub(super) struct Decoded {
    /// The text in UTF-8, byte order mark removed.
    pub bytes: Buffer,
    /// Name of the encoding.
    pub encoding: &'static str,
    /// Characters that became U+FFFD.
    pub undecodable: u64,
}

/// Decodes a file's bytes, as the encoding with this WHATWG label if one is given. UTF-8 is not copied.
///
/// # Errors
/// [`DataError::UnknownEncoding`] when there is no such encoding.
pub(super) fn decode(bytes: FileBytes, label: Option<&str>) -> Result<Decoded, DataError> {
    let FileBytes { buffer: bytes, is_utf8 } = bytes;
    let encoding = match label.map(str::trim).filter(|label| !label.is_empty()) {
        Some(label) => {
            Encoding::for_label(label.as_bytes()).ok_or_else(|| DataError::UnknownEncoding(label.to_owned()))?
        }
        None => Encoding::for_bom(&bytes).map_or_else(|| detect(&bytes, is_utf8), |(encoding, _)| encoding),
    };
    // The byte order mark of the same encoding is removed; that of another one stays visible.
    let mark = Encoding::for_bom(&bytes).filter(|&(marked, _)| marked == encoding).map_or(0, |(_, length)| length);
    let encoding_name = encoding.name();
    if encoding == UTF_8 && is_utf8 {
        return Ok(Decoded { bytes: bytes.slice(mark), encoding: encoding_name, undecodable: 0 });
    }
    let body = &bytes[mark..];
    let (text, had_errors) = encoding.decode_without_bom_handling(body);
    let undecodable = match (had_errors, encoding == UTF_8) {
        (false, _) => 0,
        // A U+FFFD in the file itself is not an error, so errors are counted at the source.
        (true, true) => body.utf8_chunks().filter(|chunk| !chunk.invalid().is_empty()).count() as u64,
        (true, false) => text.chars().filter(|&character| character == char::REPLACEMENT_CHARACTER).count() as u64,
    };
    let bytes = Buffer::from_vec(text.into_owned().into_bytes());
    Ok(Decoded { bytes, encoding: encoding_name, undecodable })
}

/// The likeliest encoding of bytes without a byte order mark.
fn detect(bytes: &[u8], is_utf8: bool) -> &'static Encoding {
    if let Some(utf16) = utf16_without_mark(&bytes[..bytes.len().min(SAMPLE)]) {
        return utf16;
    }
    if is_utf8 || is_mostly_utf8(bytes) {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let guess = detector.guess(None, Utf8Detection::Deny);
    if guess != WINDOWS_1252 && western::is_western(bytes) { WINDOWS_1252 } else { guess }
}

impl Decoded {
    /// The text.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }

    /// Whether the text is only white space.
    pub fn is_empty(&self) -> bool {
        match self.bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(byte) => !byte.is_ascii() && self.text().trim().is_empty(),
            None => true,
        }
    }

    /// Whether this is not text, but for example a picture or an archive, which have control characters all over
    /// the file. A text may have a few, from damage.
    pub fn is_binary(&self) -> bool {
        let is_utf16 = self.encoding.starts_with("UTF-16");
        let odd = |character: &char| match *character {
            // Those above 128 occur in text that was once decoded wrongly; cleaning repairs it.
            '\t' | '\n' | '\r' | '\u{B}' | '\u{C}' | '\u{1}' | '\u{1B}'..='\u{1F}' | '\u{80}'..='\u{9F}' => false,
            // In UTF-16 any two bytes are a character, mostly one that nobody writes.
            '\u{E000}'..='\u{F8FF}' | char::REPLACEMENT_CHARACTER => is_utf16,
            other => other.is_control(),
        };
        // The sample may end within a character.
        let sample = self.bytes[..self.bytes.len().min(4 * SAMPLE)].utf8_chunks().next();
        let sample = sample.map(|chunk| chunk.valid()).unwrap_or_default();
        let (mut seen, mut found) = (0_usize, 0_usize);
        for character in sample.chars().take(SAMPLE) {
            seen += 1;
            found += usize::from(odd(&character));
        }
        found >= FEW_CONTROLS && found as f64 > MOST_CONTROLS * seen as f64
    }
}

/// UTF-16 has a zero in every second byte, as long as most letters are Latin.
fn utf16_without_mark(sample: &[u8]) -> Option<&'static Encoding> {
    let pairs = sample.len() / 2;
    if pairs < 2 {
        return None;
    }
    let zeros = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|&&byte| byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    if odd * 10 > pairs * 4 && even * 10 < pairs {
        Some(UTF_16LE)
    } else if even * 10 > pairs * 4 && odd * 10 < pairs {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Whether bytes are UTF-8, perhaps with a few damaged ones: valid multi-byte characters outnumber the damage, which
/// does not happen by chance in another encoding.
fn is_mostly_utf8(bytes: &[u8]) -> bool {
    let (mut multibyte, mut damaged) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        // Continuation bytes are 0b10xxxxxx; every other byte of 0x80 or more begins a character.
        multibyte += chunk.valid().bytes().filter(|&byte| byte >= 0xC0).count();
        damaged += usize::from(!chunk.invalid().is_empty());
    }
    damaged == 0 || multibyte > damaged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8], label: Option<&str>) -> (String, &'static str, u64) {
        let decoded = decode(bytes.to_vec().into(), label).unwrap();
        (decoded.text().into_owned(), decoded.encoding, decoded.undecodable)
    }

    #[test]
    fn byte_order_marks_decide_the_encoding_and_are_removed() {
        assert_eq!(decoded(b"\xEF\xBB\xBFa,b", None), ("a,b".into(), "UTF-8", 0));
        assert_eq!(decoded(b"\xFF\xFEa\0,\0", None), ("a,".into(), "UTF-16LE", 0));
        assert_eq!(decoded(b"\xFE\xFF\0a\0,", None), ("a,".into(), "UTF-16BE", 0));
    }

    #[test]
    fn utf16_without_a_mark_is_found() {
        let little: Vec<u8> = "text,label\nnice,good\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "text,label\nnice,good\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decoded(&little, None).1, "UTF-16LE");
        assert_eq!(decoded(&big, None), ("text,label\nnice,good\n".into(), "UTF-16BE", 0));
    }

    #[test]
    fn old_encodings_are_guessed() {
        let (text, encoding, undecodable) = decoded(b"Le caf\xE9 \xE9tait tr\xE8s bon, \x93parfait\x94", None);
        assert_eq!((text.as_str(), encoding, undecodable), ("Le café était très bon, “parfait”", "windows-1252", 0));
    }

    #[test]
    fn a_few_western_letters_are_windows_1252() {
        for text in ["Renée’s café", "a “smart” quote", "only £5", "jalapeño", "it’s 20 €", "über"] {
            let (bytes, _, _) = WINDOWS_1252.encode(text);
            let table = [b"text,label\n".as_slice(), &bytes, b",good\nplain enough,bad\n"].concat();
            let (decoded, encoding, undecodable) = decoded(&table, None);
            assert_eq!((encoding, undecodable), ("windows-1252", 0), "{text}");
            assert!(decoded.contains(text), "{decoded}");
        }
    }

    #[test]
    fn binary_files_are_recognised() {
        let mut random = crate::random::Rng::new(7);
        let noise: Vec<u8> = (0..4_096).map(|_| random.next_u64() as u8).collect();
        let marked = [b"\xFF\xFE".as_slice(), &noise].concat();
        for bytes in [&noise[..], &noise[..256], &marked] {
            assert!(decode(bytes.to_vec().into(), None).unwrap().is_binary());
            assert!(decode(bytes.to_vec().into(), Some("windows-1252")).unwrap().is_binary());
        }
        for text in ["a\0b", "", "tab\tand\r\nline\u{C}", "caf\u{FFFD}"] {
            assert!(!decode(text.as_bytes().to_vec().into(), None).unwrap().is_binary(), "{text:?}");
        }
    }

    #[test]
    fn damage_in_utf8_is_counted_and_the_rest_kept() {
        let mut bytes = "café, café, naïve ".as_bytes().to_vec();
        bytes.extend_from_slice(b"\xFF end");
        let (text, encoding, undecodable) = decoded(&bytes, None);
        assert_eq!((text.as_str(), encoding, undecodable), ("café, café, naïve \u{FFFD} end", "UTF-8", 1));
    }

    #[test]
    fn a_replacement_character_in_the_file_is_not_damage() {
        assert_eq!(decoded("a\u{FFFD}b".as_bytes(), None).2, 0);
    }

    #[test]
    fn an_encoding_can_be_given() {
        assert_eq!(decoded(b"\xE9", Some("windows-1252")).0, "é");
        assert!(matches!(decode(b"a".to_vec().into(), Some("klingon")), Err(DataError::UnknownEncoding(_))));
    }

    #[test]
    fn text_that_was_once_decoded_wrongly_is_still_text() {
        let damaged = "review,label\n".to_owned() + &"I don\u{e2}\u{80}\u{99}t like it,bad\n".repeat(50);
        assert!(!decode(damaged.into_bytes().into(), None).unwrap().is_binary());
        let separated = "text\u{1}label\n".to_owned() + &"a\u{1}b\n".repeat(200);
        assert!(!decode(separated.into_bytes().into(), None).unwrap().is_binary());
    }
}
