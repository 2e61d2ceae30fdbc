//! Text -> records, in the manner of RFC 4180, but nothing is thrown away.
//!
//! What real files do and the standard does not allow is read the way a person would: a quote inside a
//! quoted field that is neither doubled nor followed by a separator is part of the text, and a quote that is
//! opened and never closed costs its own line, not the rest of the file.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memchr2_iter, memchr3};

/// How fields are separated and quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    /// Field separator, ASCII.
    pub delimiter: u8,
    /// Whether double quotes enclose fields.
    pub quoting: bool,
}

/// One record.
#[derive(Clone, Debug, Default)]
pub(super) struct Record<'a> {
    /// Its fields, unquoted.
    pub fields: Vec<Cow<'a, str>>,
    /// 1-based line where it begins.
    pub line: u64,
    /// As it stands in the file, without the line end.
    pub raw: &'a str,
    /// Fields enclosed in quotes as the standard says.
    pub quoted: u32,
    /// Fields that begin with a quote that is not closed properly.
    pub stray_quotes: u32,
    /// A quote is opened and never closed, as far as can be told.
    pub unclosed: bool,
}

/// Reads records one after the other.
pub(super) struct Reader<'a> {
    text: &'a str,
    dialect: Dialect,
    /// Byte where the next record begins.
    at: usize,
    /// 1-based line of `at`.
    line: u64,
    /// Fields a record should have, once known; decides whether a broken quote is worth going back for.
    expected: Option<usize>,
    /// Bytes that may still be read twice when going back, so that hostile files cost no quadratic time.
    budget: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the beginning of `text`.
    pub fn new(text: &'a str, dialect: Dialect) -> Self {
        let budget = text.len().saturating_mul(8).saturating_add(1 << 20);
        Self { text, dialect, at: 0, line: 1, expected: None, budget }
    }

    /// Tells how many fields a good record has.
    pub fn expect(&mut self, fields: usize) {
        self.expected = Some(fields);
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The next record; blank lines are passed over. `None` at the end.
    pub fn next_record(&mut self) -> Option<Record<'a>> {
        loop {
            if self.at >= self.text.len() {
                return None;
            }
            let record = self.read_one();
            let blank = record.fields.len() == 1 && record.quoted == 0 && record.fields[0].trim().is_empty();
            if !blank {
                return Some(record);
            }
        }
    }

    fn read_one(&mut self) -> Record<'a> {
        let (start, line) = (self.at, self.line);
        let mut record = parse(self.text, start, self.dialect);
        let mut end = start + record.raw.len();
        let first_line_end = line_end(self.text.as_bytes(), start);
        let broken = record.unclosed
            || (record.stray_quotes > 0 && self.expected.is_some_and(|expected| expected != record.fields.len()));
        if broken && first_line_end < end && self.budget >= end - start {
            // The quote swallowed lines that are not its own: only its own line is bad.
            self.budget -= end - start;
            end = first_line_end;
            record.unclosed = true;
            record.raw = &self.text[start..end];
            record.fields = vec![Cow::Borrowed(record.raw)];
        }
        record.line = line;
        self.at = after_line_end(self.text.as_bytes(), end);
        self.line += line_ends(&self.text.as_bytes()[start..self.at]);
        record
    }
}

/// Parses the record that begins at byte `start`.
fn parse(text: &str, start: usize, dialect: Dialect) -> Record<'_> {
    let bytes = text.as_bytes();
    let mut record = Record::default();
    let mut at = start;
    loop {
        let end = if dialect.quoting && bytes.get(at) == Some(&b'"') {
            quoted_field(text, at, dialect.delimiter, &mut record)
        } else {
            let end = field_end(bytes, at, dialect.delimiter);
            record.fields.push(Cow::Borrowed(&text[at..end]));
            end
        };
        if bytes.get(end) == Some(&dialect.delimiter) {
            at = end + 1;
        } else {
            record.raw = &text[start..end];
            return record;
        }
    }
}

/// Reads the field whose opening quote is at `open`; gives the byte after it.
fn quoted_field<'a>(text: &'a str, open: usize, delimiter: u8, record: &mut Record<'a>) -> usize {
    let bytes = text.as_bytes();
    let ends = |at: usize| bytes.get(at).is_none_or(|&byte| byte == delimiter || byte == b'\n' || byte == b'\r');
    let mut value: Option<String> = None;
    let mut from = open + 1;
    let mut at = from;
    loop {
        let Some(quote) = find(bytes, at, b'"') else {
            record.unclosed = true;
            let raw = &text[open..];
            record.fields.push(Cow::Borrowed(raw));
            return text.len();
        };
        if bytes.get(quote + 1) == Some(&b'"') {
            // A doubled quote stands for one.
            value.get_or_insert_default().push_str(&text[from..=quote]);
            from = quote + 2;
            at = from;
        } else if ends(quote + 1) {
            record.quoted += 1;
            let rest = &text[from..quote];
            record.fields.push(match value {
                Some(mut value) => {
                    value.push_str(rest);
                    Cow::Owned(value)
                }
                None => Cow::Borrowed(rest),
            });
            return quote + 1;
        } else {
            return stray_quote(text, open, quote, delimiter, record);
        }
    }
}

/// The field opened at `open` has a lone quote at `quote`. If a proper end follows on the same line, the lone
/// quote is text (`"a "big" one",`); otherwise the opening quote is text too (`"big" one,`).
fn stray_quote<'a>(text: &'a str, open: usize, quote: usize, delimiter: u8, record: &mut Record<'a>) -> usize {
    let bytes = text.as_bytes();
    record.stray_quotes += 1;
    // A quote where a field could begin, on a later line, most likely opens that field: the one at `open` was never
    // closed and has swallowed the lines between.
    record.unclosed |= matches!(bytes[quote - 1], b'\n' | b'\r');
    let limit = line_end(bytes, quote);
    let mut at = quote + 1;
    while let Some(next) = find(&bytes[..limit], at, b'"') {
        if next + 1 == limit || bytes[next + 1] == delimiter {
            record.fields.push(Cow::Owned(text[open + 1..next].replace("\"\"", "\"")));
            return next + 1;
        }
        at = next + 1;
    }
    let end = field_end(bytes, quote, delimiter);
    record.fields.push(Cow::Borrowed(&text[open..end]));
    end
}

fn find(bytes: &[u8], from: usize, wanted: u8) -> Option<usize> {
    memchr(wanted, bytes.get(from..)?).map(|offset| from + offset)
}

/// First byte at or after `at` that ends an unquoted field.
fn field_end(bytes: &[u8], at: usize, delimiter: u8) -> usize {
    memchr3(delimiter, b'\n', b'\r', &bytes[at..]).map_or(bytes.len(), |offset| at + offset)
}

/// First line end at or after `at`.
fn line_end(bytes: &[u8], at: usize) -> usize {
    memchr2(b'\n', b'\r', &bytes[at..]).map_or(bytes.len(), |offset| at + offset)
}

/// The byte after the line end at `end`: `\n`, `\r\n` or a lone `\r`.
fn after_line_end(bytes: &[u8], end: usize) -> usize {
    match (bytes.get(end), bytes.get(end + 1)) {
        (Some(b'\r'), Some(b'\n')) => end + 2,
        (Some(_), _) => end + 1,
        (None, _) => end,
    }
}

fn line_ends(bytes: &[u8]) -> u64 {
    let begins_here = |&at: &usize| bytes[at] == b'\r' || at == 0 || bytes[at - 1] != b'\r';
    memchr2_iter(b'\n', b'\r', bytes).filter(begins_here).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMA: Dialect = Dialect { delimiter: b',', quoting: true };

    fn read(text: &str, dialect: Dialect, expected: usize) -> Vec<(u64, Vec<String>)> {
        let mut reader = Reader::new(text, dialect);
        reader.expect(expected);
        std::iter::from_fn(|| reader.next_record())
            .map(|record| (record.line, record.fields.into_iter().map(Cow::into_owned).collect()))
            .collect()
    }

    fn fields(text: &str) -> Vec<Vec<String>> {
        read(text, COMMA, 2).into_iter().map(|(_, fields)| fields).collect()
    }

    #[test]
    fn quotes_newlines_and_doubled_quotes() {
        assert_eq!(
            fields("\"a, b\",\"say \"\"hi\"\"\"\n\"two\r\nlines\",x"),
            [["a, b", "say \"hi\""], ["two\r\nlines", "x"]]
        );
        assert_eq!(fields("\"\",\n,"), [["", ""], ["", ""]]);
    }

    #[test]
    fn every_kind_of_line_end_and_line_numbers() {
        let lines: Vec<u64> =
            read("a,b\r\nc,d\ne,f\rg,\"h\n\ni\"\n\n\r\nj,k", COMMA, 2).iter().map(|row| row.0).collect();
        assert_eq!(lines, [1, 2, 3, 4, 9]);
    }

    #[test]
    fn a_lone_quote_inside_is_text() {
        assert_eq!(fields("\"he said \"hi, you\" to me\",pos\n"), [["he said \"hi, you\" to me", "pos"]]);
        assert_eq!(fields("\"big\" one,pos\n5\" screen,neg\n"), [["\"big\" one", "pos"], ["5\" screen", "neg"]]);
    }

    #[test]
    fn an_unclosed_quote_costs_one_line() {
        let rows = read("a,\"b\nc,d\n\"e\",f\n", COMMA, 2);
        assert_eq!(rows.iter().map(|row| row.1.len()).collect::<Vec<_>>(), [1, 2, 2]);
        assert_eq!(rows[1], (2, vec!["c".to_owned(), "d".to_owned()]));
        let last = read("a,b\nc,\"d", COMMA, 2);
        assert_eq!(last[1].1, ["c", "\"d"]);
    }

    #[test]
    fn without_quoting_a_quote_is_a_character() {
        let tab = Dialect { delimiter: b'\t', quoting: false };
        assert_eq!(read("\"stray\t0\nfine\"\t1", tab, 2)[0].1, ["\"stray", "0"]);
    }

    #[test]
    fn many_unclosed_quotes_stay_linear() {
        let text = "\"x \"\" y\n".repeat(20_000);
        let started = std::time::Instant::now();
        assert!(!read(&text, COMMA, 2).is_empty());
        assert!(started.elapsed().as_secs() < 5);
    }
}
