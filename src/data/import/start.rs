//! Where a delimited text begins: after a line that names its separator, or at the line chosen as the header.

use std::path::Path;

use memchr::memchr2;

use crate::data::DataError;
use crate::data::import::head::skipped;
use crate::project::DatasetSettings;
use crate::words::count;

/// Where a text begins.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Start {
    /// The first byte, and the number of lines before it.
    pub begin: usize,
    pub lines: u64,
    /// The separator that a line before it names.
    pub delimiter: Option<u8>,
    /// What is skipped before it.
    pub remarks: Option<String>,
}

impl Start {
    /// Finds the beginning of a text.
    ///
    /// # Errors
    /// [`DataError::NoHeaderRow`].
    pub fn of(path: &Path, text: &[u8], settings: &DatasetSettings) -> Result<Self, DataError> {
        let (first, next) = line_at(text, 0);
        let named = separator_named(first);
        let Some(line) = settings.header_row else {
            let Some(delimiter) = named else { return Ok(Self::default()) };
            let remark = format!("Line 1 names the separator: {}", String::from_utf8_lossy(first).trim());
            return Ok(Self { begin: next, lines: 1, delimiter: Some(delimiter), remarks: Some(remark) });
        };
        let no_row = |why: String| DataError::NoHeaderRow { path: path.to_owned(), line, why };
        let (mut begin, mut lines, mut before) = (0, 0, Vec::new());
        while lines + 1 < line && begin < text.len() {
            let (content, next) = line_at(text, begin);
            if !content.trim_ascii().is_empty() {
                before.push(String::from_utf8_lossy(content).into_owned());
            }
            (begin, lines) = (next, lines + 1);
        }
        if lines + 1 != line || begin >= text.len() {
            return Err(no_row(if line == 0 {
                "lines count from 1".to_owned()
            } else {
                format!("it has {} lines", count(lines))
            }));
        }
        if line_at(text, begin).0.trim_ascii().is_empty() {
            return Err(no_row("that line is empty".to_owned()));
        }
        let remarks = skipped(&before).map(|skipped| format!("Skipped {skipped} before the header in line {line}"));
        Ok(Self { begin, lines, delimiter: named.filter(|_| line > 1), remarks })
    }
}

/// The line that begins at a byte, without its end, and where the next one begins.
fn line_at(text: &[u8], begin: usize) -> (&[u8], usize) {
    let rest = &text[begin..];
    let end = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
    let ending = if rest[end..].starts_with(b"\r\n") { 2 } else { usize::from(end < rest.len()) };
    (&rest[..end], begin + end + ending)
}

/// The separator that a line such as `sep=;` names, as some spreadsheet programs write it.
fn separator_named(line: &[u8]) -> Option<u8> {
    let line = line.trim_ascii_end();
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    let (name, separator) = line.split_at_checked(4)?;
    match separator {
        [] if name.eq_ignore_ascii_case(b"sep=") => Some(b'\t'),
        [separator] if name.eq_ignore_ascii_case(b"sep=") && separator.is_ascii_punctuation() => Some(*separator),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(text: &str, header_row: Option<u64>) -> Result<Start, String> {
        let settings = DatasetSettings { header_row, ..DatasetSettings::default() };
        Start::of(Path::new("rows.csv"), text.as_bytes(), &settings).map_err(|error| error.to_string())
    }

    #[test]
    fn a_line_that_names_the_separator_is_skipped() {
        for (line, separator) in [("sep=;", b';'), ("SEP=|", b'|'), ("\"sep=,\"", b','), ("sep=\t", b'\t')] {
            let found = start(&format!("{line}\r\na;b\r\n"), None).unwrap();
            assert_eq!((found.begin, found.lines, found.delimiter), (line.len() + 2, 1, Some(separator)), "{line}");
        }
        for line in ["sep=a", "sep=;;", "separator", "a,b", "sep"] {
            assert_eq!(start(&format!("{line}\na,b\n"), None).unwrap(), Start::default(), "{line}");
        }
    }

    #[test]
    fn the_text_begins_at_the_line_chosen_as_the_header() {
        let text = "Report\r\n\rof May\na,b\n1,2\n";
        let found = start(text, Some(4)).unwrap();
        assert_eq!((&text[found.begin..], found.lines), ("a,b\n1,2\n", 3));
        assert_eq!(found.remarks.as_deref(), Some("Skipped 2 lines ('Report', 'of May') before the header in line 4"));
        assert_eq!(start(text, Some(1)).unwrap(), Start::default());
        let expected =
            "rows.csv cannot have its header on line 2: that line is empty. Choose another line, or none to detect it";
        assert_eq!(start(text, Some(2)), Err(expected.to_owned()));
        assert!(start(text, Some(6)).unwrap_err().contains("line 6: it has 5 lines"));
        assert!(start(text, Some(0)).unwrap_err().contains("lines count from 1"));
    }
}
