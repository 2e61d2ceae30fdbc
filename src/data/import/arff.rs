//! ARFF, the format of Weka: the names and types of the attributes, then a line for each row.

use std::path::Path;

use crate::data::import::decode::Decoded;
use crate::data::import::names::unique_names;
use crate::data::import::rows::{NamedRows, RawRows};
use crate::data::{BadRow, DataError, FileFormat};
use crate::progress::Watch;
use crate::words::counted;

/// Lines between two checks of the cancel switch.
const LINES_PER_LOOK: u64 = 65_536;

/// Whether the first line that is no comment names a relation.
pub(super) fn is(text: &[u8]) -> bool {
    let mut lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with(b"%"));
    first.and_then(|line| line.get(..9)).is_some_and(|word| word.eq_ignore_ascii_case(b"@relation"))
}

/// Reads the rows. A sparse row gives the values of some attributes, and the others are 0.
///
/// # Errors
/// [`DataError::Damaged`] without attributes, [`DataError::Cancelled`] and [`DataError::TooLarge`].
pub(super) fn read(path: &Path, decoded: &Decoded, watch: &mut Watch) -> Result<(RawRows, FileFormat), DataError> {
    let text = decoded.text();
    let (mut names, mut is_data, mut record, mut done) = (Vec::new(), false, 0, 0);
    let mut rows = NamedRows::default();
    for (line, raw) in (1_u64..).zip(text.split('\n')) {
        done += raw.len() + 1;
        let raw = raw.trim();
        if raw.is_empty() || raw.starts_with('%') {
            continue;
        }
        if !is_data {
            let (word, rest) = raw.split_once(char::is_whitespace).unwrap_or((raw, ""));
            is_data = word.eq_ignore_ascii_case("@data");
            if word.eq_ignore_ascii_case("@attribute") {
                names.push(attribute(rest.trim()));
            } else if is_data {
                names = unique_names(names.iter().map(String::as_str));
            }
            continue;
        }
        record += 1;
        match values(raw, names.len()) {
            Ok(values) => {
                names.iter().zip(values).for_each(|(name, value)| rows.set(name, value));
                rows.end_row(record);
            }
            Err(reason) => rows.bad_rows.push(BadRow::new(record, line, reason, raw)),
        }
        if record.is_multiple_of(LINES_PER_LOOK) {
            watch.advance("Finding rows", done, text.len(), "bytes")?;
        }
    }
    if names.is_empty() || !is_data {
        let reason = "it has no attributes, or no @data line".to_owned();
        let advice = "Save it again in Weka, or as CSV";
        return Err(DataError::Damaged { path: path.to_owned(), kind: "ARFF", reason, advice });
    }
    let format = FileFormat::Arff { encoding: decoded.encoding.to_owned(), undecodable: decoded.undecodable };
    Ok((rows.finish(path)?, format))
}

/// The name of an attribute, before its type.
fn attribute(text: &str) -> String {
    let (name, _) = value(text, char::is_whitespace);
    name.unwrap_or_default()
}

/// The values of a row, or why it cannot be read.
fn values(line: &str, columns: usize) -> Result<Vec<Option<String>>, String> {
    if let Some(sparse) = line.strip_prefix('{').and_then(|line| line.strip_suffix('}')) {
        let mut values = vec![Some("0".to_owned()); columns];
        for pair in fields(sparse)? {
            let pair = pair.unwrap_or_default();
            let (place, value) = pair.split_once(char::is_whitespace).unwrap_or((&pair, ""));
            let place = place.parse().ok().filter(|&place: &usize| place < columns);
            let place = place.ok_or_else(|| format!("There is no attribute {pair}"))?;
            values[place] = self::value(value.trim(), |_| false).0;
        }
        return Ok(values);
    }
    let values = fields(line)?;
    if values.len() == columns {
        return Ok(values);
    }
    Err(format!("{} instead of {columns}", counted(values.len(), "value", "values")))
}

/// The values between the commas of a line. `?` stands for a missing one.
fn fields(line: &str) -> Result<Vec<Option<String>>, String> {
    let (mut found, mut rest) = (Vec::new(), line.trim());
    loop {
        let (value, after) = value(rest, |letter| letter == ',');
        found.push(value);
        let after = after.trim_start();
        match after.strip_prefix(',') {
            Some(next) => rest = next.trim_start(),
            None if after.is_empty() => return Ok(found),
            None => return Err("A quotation mark is not closed, or something follows it".to_owned()),
        }
    }
}

/// The value at the beginning of a text, in quotation marks or until a letter that ends it, and what follows.
fn value(text: &str, ends: impl Fn(char) -> bool) -> (Option<String>, &str) {
    let Some(quote) = text.chars().next().filter(|first| matches!(first, '\'' | '"')) else {
        let end = text.find(ends).unwrap_or(text.len());
        let plain = text[..end].trim();
        return (Some(plain.to_owned()).filter(|plain| plain != "?" && !plain.is_empty()), &text[end..]);
    };
    let mut content = String::new();
    let mut letters = text.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some((_, 'n')) => content.push('\n'),
                Some((_, 't')) => content.push('\t'),
                Some((_, 'r')) => content.push('\r'),
                Some((_, escaped)) => content.push(escaped),
                None => content.push('\\'),
            },
            letter if letter == quote => return (Some(content), &text[at + 1..]),
            letter => content.push(letter),
        }
    }
    // Nothing ends it: the rest is returned as well, which is an error.
    (Some(content), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: &str) -> Result<Vec<String>, String> {
        values(line, 3).map(|values| values.into_iter().map(|value| value.unwrap_or_else(|| "-".to_owned())).collect())
    }

    #[test]
    fn values_are_separated_quoted_and_missing() {
        assert_eq!(row(r"'it\'s fine, really', 5, good").unwrap(), ["it's fine, really", "5", "good"]);
        assert_eq!(row("\"two\\nlines\",?,\t'?'").unwrap(), ["two\nlines", "-", "?"]);
        assert_eq!(row("{1 5, 2 good}").unwrap(), ["0", "5", "good"]);
        assert_eq!(row("a,b"), Err("2 values instead of 3".to_owned()));
        assert_eq!(row("{7 x}"), Err("There is no attribute 7 x".to_owned()));
        assert!(row("'open, 5, good").is_err() && row("'a' b, 5, good").is_err());
    }

    #[test]
    fn names_of_attributes_may_be_quoted() {
        assert_eq!(
            (attribute("text string"), attribute("'the text' {a, b}")),
            ("text".to_owned(), "the text".to_owned())
        );
        assert!(is(b"% a comment\n\n@RELATION shop\n") && !is(b"@relative\n") && !is(b"text\n@relation x"));
    }
}
