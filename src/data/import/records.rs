//! Divides text into records as RFC 4180 does, but without dropping anything.
//!
//! Real files break the standard, and are then read as a person would read them: a quote inside a quoted field that is
//! neither doubled nor followed by a separator is part of the text, and a quote that is opened and never closed costs
//! its own line, not the rest of the file.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr2, memchr2_iter, memchr3};

/// How fields are separated and quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    /// Field separator, ASCII.
    pub delimiter: u8,
    /// Whether double quotes enclose fields.
    pub quoting: bool,
    /// Whether a quote within quotes is written `\"` and not `""`.
    pub escaping: bool,
}

/// Where the content of a field is, without its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// These bytes of the text.
    InText(Range<usize>),
    /// These bytes of the record's unescaped text, in which doubled quotes are single.
    Unescaped(Range<usize>),
}

/// One record. It is reused for the next, so that records need no memory of their own.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    /// Its fields.
    pub fields: Vec<Field>,
    /// Contents of the fields that had doubled quotes.
    unescaped: Vec<u8>,
    /// 1-based line where it begins.
    pub line: u64,
    /// Its bytes in the text, without the line end.
    pub raw: Range<usize>,
    /// Fields properly enclosed in quotes.
    pub quoted: u32,
    /// Fields that begin with a quote that is not closed properly.
    pub stray_quotes: u32,
    /// A quotation mark seems to be opened and never closed.
    pub unclosed: bool,
}

impl Record {
    fn begin(&mut self, line: u64) {
        self.fields.clear();
        self.unescaped.clear();
        (self.line, self.quoted, self.stray_quotes, self.unclosed) = (line, 0, 0, false);
    }

    /// The content of a field; `text` is what the record was read from.
    pub fn content<'a>(&'a self, field: &Field, text: &'a [u8]) -> Cow<'a, str> {
        String::from_utf8_lossy(self.bytes(field, text))
    }

    fn bytes<'a>(&'a self, field: &Field, text: &'a [u8]) -> &'a [u8] {
        match field {
            Field::InText(place) => &text[place.clone()],
            Field::Unescaped(place) => &self.unescaped[place.clone()],
        }
    }

    /// The contents of all fields.
    pub fn contents<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = Cow<'a, str>> {
        self.fields.iter().map(|field| self.content(field, text))
    }

    /// Whether there are several fields and nothing in any of them.
    pub fn has_only_empty_fields(&self, text: &[u8]) -> bool {
        // Nearly every record is ruled out by the first byte of its first field.
        let is_empty = |field: &Field| {
            let bytes = self.bytes(field, text);
            bytes.first().is_none_or(|byte| byte.is_ascii_whitespace() || !byte.is_ascii())
                && String::from_utf8_lossy(bytes).trim().is_empty()
        };
        self.fields.len() > 1 && !self.unclosed && self.fields.iter().all(is_empty)
    }

    fn is_blank(&self, text: &[u8]) -> bool {
        match self.fields.as_slice() {
            [field] if self.quoted == 0 => self.content(field, text).trim().is_empty(),
            _ => false,
        }
    }
}

/// Reads records one after the other.
pub(super) struct Reader<'a> {
    /// UTF-8.
    text: &'a [u8],
    dialect: Dialect,
    /// Byte where the next record begins.
    at: usize,
    /// No record begins here or later.
    stop: usize,
    /// 1-based line of `at`.
    line: u64,
    /// Fields that a record should have, once known. Decides whether to go back to a broken quote.
    expected: Option<usize>,
    /// Bytes that may still be read twice, so that a malicious file does not take quadratic time.
    budget: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the beginning of `text`, which is UTF-8.
    pub fn new(text: &'a [u8], dialect: Dialect) -> Self {
        Self::within(text, 0..text.len(), dialect)
    }

    /// Reads the records that begin in a part of `text`. The last one may end after the part. Lines are counted from
    /// the beginning of the part, which must be the beginning of a record.
    pub fn within(text: &'a [u8], part: Range<usize>, dialect: Dialect) -> Self {
        let budget = text.len().saturating_mul(8).saturating_add(1 << 20);
        Self { text, dialect, at: part.start, stop: part.end, line: 1, expected: None, budget }
    }

    /// Sets how many fields a good record has.
    pub fn expect(&mut self, fields: usize) {
        self.expected = Some(fields);
    }

    /// Byte where the next record begins.
    pub fn position(&self) -> usize {
        self.at
    }

    /// 1-based line where the next record begins.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Reads the next record, skipping blank lines. `false` at the end.
    pub fn read(&mut self, record: &mut Record) -> bool {
        while self.at < self.stop {
            self.read_one(record);
            if !record.is_blank(self.text) {
                return true;
            }
        }
        false
    }

    fn read_one(&mut self, record: &mut Record) {
        let start = self.at;
        record.begin(self.line);
        parse(self.text, start, self.dialect, record);
        let misfit = || self.expected.is_some_and(|expected| expected != record.fields.len());
        if record.unclosed || (record.stray_quotes > 0 && misfit()) {
            self.keep_own_line(record);
        }
        self.at = after_line_end(self.text, record.raw.end);
        // Line ends within a record are always in quotation marks.
        let one_line = record.quoted == 0 && record.stray_quotes == 0 && !record.unclosed;
        self.line += if one_line { u64::from(self.at > record.raw.end) } else { line_ends(&self.text[start..self.at]) };
    }

    /// Ends a record with an unclosed quote at its first line, so that the lines after it are read as records.
    fn keep_own_line(&mut self, record: &mut Record) {
        let whole = record.raw.clone();
        let end = line_end(self.text, whole.start);
        if end < whole.end && self.budget >= whole.len() {
            self.budget -= whole.len();
            record.unclosed = true;
            record.raw = whole.start..end;
            record.fields.clear();
            record.fields.push(Field::InText(record.raw.clone()));
        }
    }
}

/// Parses the record that begins at byte `start`.
fn parse(text: &[u8], start: usize, dialect: Dialect, record: &mut Record) {
    let mut at = start;
    loop {
        let end = if dialect.quoting && text.get(at) == Some(&b'"') {
            quoted_field(text, at, dialect, record)
        } else {
            let end = field_end(text, at, dialect.delimiter);
            record.fields.push(Field::InText(at..end));
            end
        };
        if text.get(end) == Some(&dialect.delimiter) {
            at = end + 1;
        } else {
            record.raw = start..end;
            return;
        }
    }
}

/// Reads the field whose opening quote is at `open`; returns the position after it.
fn quoted_field(text: &[u8], open: usize, dialect: Dialect, record: &mut Record) -> usize {
    let delimiter = dialect.delimiter;
    let ends = |at: usize| text.get(at).is_none_or(|&byte| byte == delimiter || byte == b'\n' || byte == b'\r');
    // Where the unescaped content begins, once there is a doubled quote.
    let mut unescaped = None;
    let mut from = open + 1;
    loop {
        let Some(quote) = find(text, from, b'"') else {
            record.unclosed = true;
            record.fields.push(Field::InText(open..text.len()));
            return text.len();
        };
        if dialect.escaping && is_escaped(text, open + 1, quote) {
            unescaped.get_or_insert(record.unescaped.len());
            record.unescaped.extend_from_slice(&text[from..quote - 1]);
            record.unescaped.push(b'"');
            from = quote + 1;
        } else if text.get(quote + 1) == Some(&b'"') {
            // A doubled quote stands for one.
            unescaped.get_or_insert(record.unescaped.len());
            record.unescaped.extend_from_slice(&text[from..=quote]);
            from = quote + 2;
        } else if ends(quote + 1) {
            record.quoted += 1;
            record.fields.push(match unescaped {
                Some(begin) => {
                    record.unescaped.extend_from_slice(&text[from..quote]);
                    Field::Unescaped(begin..record.unescaped.len())
                }
                None => Field::InText(from..quote),
            });
            return quote + 1;
        } else {
            return stray_quote(text, open, quote, delimiter, record);
        }
    }
}

/// Whether a backslash before the quote, within the field that begins at `begin`, makes it text.
fn is_escaped(text: &[u8], begin: usize, quote: usize) -> bool {
    text[begin..quote].iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1
}

/// The field opened at `open` has a lone quote at `quote`. If a proper end follows on the same line, the lone
/// quote is text (`"a "big" one",`); otherwise the opening quote is text too (`"big" one,`).
fn stray_quote(text: &[u8], open: usize, quote: usize, delimiter: u8, record: &mut Record) -> usize {
    record.stray_quotes += 1;
    // A quote on a later line, where a field could begin, most likely opens that field: the one at `open` was never
    // closed and has swallowed the lines between.
    record.unclosed |= matches!(text[quote - 1], b'\n' | b'\r');
    let limit = line_end(text, quote);
    let mut at = quote + 1;
    while let Some(next) = find(&text[..limit], at, b'"') {
        if next + 1 == limit || text[next + 1] == delimiter {
            let begin = record.unescaped.len();
            unescape(&text[open + 1..next], &mut record.unescaped);
            record.fields.push(Field::Unescaped(begin..record.unescaped.len()));
            return next + 1;
        }
        at = next + 1;
    }
    let end = field_end(text, quote, delimiter);
    record.fields.push(Field::InText(open..end));
    end
}

/// Copies `text` with its doubled quotes made single.
fn unescape(text: &[u8], out: &mut Vec<u8>) {
    let mut from = 0;
    while let Some(quote) = find(text, from, b'"') {
        out.extend_from_slice(&text[from..=quote]);
        from = quote + 1 + usize::from(text.get(quote + 1) == Some(&b'"'));
    }
    out.extend_from_slice(&text[from..]);
}

fn find(text: &[u8], from: usize, wanted: u8) -> Option<usize> {
    memchr(wanted, text.get(from..)?).map(|offset| from + offset)
}

/// First byte at or after `at` that ends an unquoted field.
fn field_end(text: &[u8], at: usize, delimiter: u8) -> usize {
    memchr3(delimiter, b'\n', b'\r', &text[at..]).map_or(text.len(), |offset| at + offset)
}

/// First line end at or after `at`.
fn line_end(text: &[u8], at: usize) -> usize {
    memchr2(b'\n', b'\r', &text[at..]).map_or(text.len(), |offset| at + offset)
}

/// The byte after the line end at `end`: `\n`, `\r\n` or a lone `\r`.
fn after_line_end(text: &[u8], end: usize) -> usize {
    match (text.get(end), text.get(end + 1)) {
        (Some(b'\r'), Some(b'\n')) => end + 2,
        (Some(_), _) => end + 1,
        (None, _) => end,
    }
}

fn line_ends(text: &[u8]) -> u64 {
    let begins_here = |&at: &usize| text[at] == b'\r' || at == 0 || text[at - 1] != b'\r';
    memchr2_iter(b'\n', b'\r', text).filter(begins_here).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMA: Dialect = Dialect { delimiter: b',', quoting: true, escaping: false };

    fn read(text: &str, dialect: Dialect, expected: usize) -> Vec<(u64, Vec<String>)> {
        let (mut reader, mut record, mut rows) = (Reader::new(text.as_bytes(), dialect), Record::default(), Vec::new());
        reader.expect(expected);
        while reader.read(&mut record) {
            rows.push((record.line, record.contents(text.as_bytes()).map(Cow::into_owned).collect()));
        }
        rows
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
    fn every_kind_of_line_end_is_read_and_lines_are_numbered() {
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
    fn a_quote_after_a_backslash_is_text_where_the_file_escapes() {
        let escaping = Dialect { escaping: true, ..COMMA };
        let text = "\"say \\\"hi\\\", please\",a\n\"C:\\\\\",b\n\"both \\\" and \"\"\",c\n";
        let fields: Vec<Vec<String>> = read(text, escaping, 2).into_iter().map(|(_, fields)| fields).collect();
        assert_eq!(fields, [["say \"hi\", please", "a"], ["C:\\\\", "b"], ["both \" and \"", "c"]]);
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
        let tab = Dialect { delimiter: b'\t', quoting: false, escaping: false };
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
