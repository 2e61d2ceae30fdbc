//! Guesses how a file separates its fields, and whether it quotes them.

use std::path::Path;

use crate::data::import::head::table_of;
use crate::data::import::records::{Dialect, Reader, Record};

/// Separators tried, the likeliest first.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];
/// Bytes examined to find the separator.
const DELIMITER_SAMPLE: usize = 256 * 1024;
/// Bytes examined to find out whether fields are quoted: quotes can be rare, so more is read.
const QUOTING_SAMPLE: usize = 8 * 1024 * 1024;
/// With the right separator, at least this share of the records have as many fields as the first.
const LEAST_CONSISTENCY: f64 = 0.5;

/// Guesses the dialect of `text`; what the person chose is kept.
pub(super) fn detect(text: &[u8], path: &Path, delimiter: Option<u8>, quoting: Option<bool>) -> Dialect {
    let delimiter = delimiter.unwrap_or_else(|| detect_delimiter(head(text, DELIMITER_SAMPLE), path, quoting));
    let quoting = quoting.unwrap_or_else(|| detect_quoting(head(text, QUOTING_SAMPLE), delimiter));
    let dialect = Dialect { delimiter, quoting, escaping: false };
    Dialect { escaping: quoting && escapes(head(text, QUOTING_SAMPLE), dialect), ..dialect }
}

/// Whether there is nothing in a text but separators and white space.
pub(super) fn has_only_separators(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_whitespace() || DELIMITERS.contains(byte))
}

/// At most `limit` bytes, ending after a whole line.
fn head(text: &[u8], limit: usize) -> &[u8] {
    if text.len() <= limit {
        return text;
    }
    &text[..memchr::memrchr(b'\n', &text[..limit]).map_or(limit, |at| at + 1)]
}

fn detect_delimiter(sample: &[u8], path: &Path, quoting: Option<bool>) -> u8 {
    let consistency = |delimiter: u8, single: bool| {
        [true, false]
            .into_iter()
            .filter(|&tried| quoting.is_none_or(|told| told == tried))
            .map(|quoting| Outcome::of(sample, Dialect { delimiter, quoting, escaping: false }))
            .filter(|outcome| (outcome.fields == 1) == single)
            .map(|outcome| outcome.consistency())
            .fold(0.0, f64::max)
    };
    let by_name = match path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase()) {
        Some(extension) if extension == "tsv" || extension == "tab" => Some(b'\t'),
        _ => None,
    };
    let mut best: Option<(u8, f64)> = None;
    for delimiter in by_name.into_iter().chain(DELIMITERS) {
        let score = consistency(delimiter, false);
        if score >= LEAST_CONSISTENCY && best.is_none_or(|(_, highest)| score > highest) {
            best = Some((delimiter, score));
        }
    }
    // One column: any separator that does not occur in it will do.
    best.map(|(delimiter, _)| delimiter)
        .or_else(|| by_name.into_iter().chain(DELIMITERS).find(|&delimiter| consistency(delimiter, true) >= 1.0))
        .unwrap_or(b',')
}

/// Fields are quoted, unless more rows are good when quotes are read as text.
fn detect_quoting(sample: &[u8], delimiter: u8) -> bool {
    let outcome = |quoting| Outcome::of(sample, Dialect { delimiter, quoting, escaping: false });
    let (quoted, plain) = rayon::join(|| outcome(true), || outcome(false));
    if quoted.quoted == 0 && quoted.stray_quotes == 0 {
        return true;
    }
    if plain.bad == 0 && quoted.bad == 0 {
        // Without quoting every line is a good row, and with it some lines would be merged or split.
        return quoted.stray_quotes == 0 && plain.good == quoted.good;
    }
    // Texts contain commas, so quotes are read in a file that uses commas as separators and has proper quotes, even if
    // some are broken.
    let by_commas = matches!(delimiter, b',' | b';') && quoted.quoted > 0 && plain.bad > 0;
    by_commas || quoted.bad <= plain.bad
}

/// Whether quotes within quotes are written `\"`: fewer records are broken or have lone quotes then.
fn escapes(sample: &[u8], dialect: Dialect) -> bool {
    if memchr::memmem::find(sample, b"\\\"").is_none() {
        return false;
    }
    let faults = |escaping| {
        let outcome = Outcome::of(sample, Dialect { escaping, ..dialect });
        outcome.bad + outcome.stray_quotes
    };
    faults(true) < faults(false)
}

/// The result of reading a sample in one dialect.
#[derive(Debug, Default)]
struct Outcome {
    /// Fields of most records.
    fields: usize,
    /// Records with the same number of fields.
    good: usize,
    /// Other records.
    bad: usize,
    quoted: usize,
    stray_quotes: usize,
}

impl Outcome {
    fn of(sample: &[u8], dialect: Dialect) -> Self {
        let (fields, begin) = table_of(sample, dialect);
        let (mut reader, mut record) = (Reader::within(sample, begin..sample.len(), dialect), Record::default());
        reader.expect(fields);
        let mut outcome = Self { fields, ..Self::default() };
        while reader.read(&mut record) {
            if record.has_only_empty_fields(sample) {
                continue;
            }
            let good = record.fields.len() == outcome.fields && !record.unclosed;
            outcome.good += usize::from(good);
            outcome.bad += usize::from(!good);
            outcome.quoted += record.quoted as usize;
            outcome.stray_quotes += record.stray_quotes as usize + usize::from(record.unclosed);
        }
        outcome
    }

    fn consistency(&self) -> f64 {
        self.good as f64 / (self.good + self.bad).max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(text: &str) -> (char, bool) {
        let dialect = detect(text.as_bytes(), Path::new("rows.txt"), None, None);
        (dialect.delimiter as char, dialect.quoting)
    }

    #[test]
    fn each_delimiter_is_found() {
        assert_eq!(guessed("text,label\n\"a, b; c\",x\nd,y\n").0, ',');
        assert_eq!(guessed("text\tlabel\na, b, c\tx\nd, e\ty\n").0, '\t');
        assert_eq!(guessed("text;price\ngood, really;1,5\nbad, really;2,5\n").0, ';');
        assert_eq!(guessed("text|label|x\na, b|c|d\n").0, '|');
    }

    #[test]
    fn one_column_is_not_split_at_its_commas() {
        assert_eq!(guessed("text\nwell, yes\nno, not, at all\n").0, '\t');
        assert_eq!(guessed("text\n\"well, yes\"\nno\n").0, ',');
    }

    #[test]
    fn stray_quotes_mean_no_quoting() {
        assert_eq!(guessed("sentence\tlabel\n\"stray\tquote\" here\t0\n"), ('\t', true));
        assert_eq!(guessed("sentence\tlabel\n\"never closed\t0\nfine\t1\n"), ('\t', false));
        assert_eq!(guessed("sentence\tlabel\n\"so\" they say\t0\n\"swallows\t1\na line\"\t0\n"), ('\t', false));
    }

    #[test]
    fn quotes_after_backslashes_are_text_if_fewer_records_break_then() {
        let escaping = |text: &str| detect(text.as_bytes(), Path::new("rows.csv"), None, None).escaping;
        assert!(escaping("text,label\n\"say \\\"hi\\\", please\",a\n\"plain\",b\n"));
        assert!(!escaping("text,label\n\"C:\\\",a\n\"D:\\\",b\n"));
        assert!(!escaping("text,label\n\"say \"\"hi\"\"\",a\n"));
    }

    #[test]
    fn quoted_newlines_and_delimiters_mean_quoting() {
        assert_eq!(guessed("text,label\n\"two\nlines\",x\n"), (',', true));
        assert_eq!(guessed("text,label\n\"plain\",x\n"), (',', true));
        assert_eq!(guessed("text,label\n\"a, b\",x\n\"never closed, y\nc,z\n"), (',', true));
    }
}
