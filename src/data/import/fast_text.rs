//! fastText's format for training: a line for each text, after its labels such as `__label__good`.

use std::path::Path;

use crate::data::import::decode::Decoded;
use crate::data::import::rows::{NamedRows, RawRows};
use crate::data::{BadRow, DataError, FileFormat};
use crate::progress::Watch;

/// What a label begins with.
const MARK: &str = "__label__";
/// Lines examined.
const SAMPLE: usize = 50;
/// Lines between two checks of the cancel switch.
const LINES_PER_LOOK: u64 = 65_536;

/// Whether the first lines of a text all begin with a label.
pub(super) fn is(text: &[u8]) -> bool {
    text.starts_with(MARK.as_bytes()) && {
        let mut lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
        lines.by_ref().take(SAMPLE).all(|line| line.starts_with(MARK.as_bytes()))
    }
}

/// Reads each line into the columns `text` and `label`. Several labels are kept as a list in JSON.
///
/// # Errors
/// [`DataError::Cancelled`] and [`DataError::TooLarge`].
pub(super) fn read(path: &Path, decoded: &Decoded, watch: &mut Watch) -> Result<(RawRows, FileFormat), DataError> {
    let text = decoded.text();
    let mut rows = NamedRows::default();
    let (mut record, mut done) = (0, 0);
    for (line, raw) in (1_u64..).zip(text.split('\n')) {
        done += raw.len() + 1;
        let raw = raw.trim();
        if raw.is_empty() {
            continue;
        }
        record += 1;
        let (labels, rest) = labelled(raw);
        match labels.as_slice() {
            [] => rows.bad_rows.push(BadRow::new(record, line, format!("It does not begin with {MARK}"), raw)),
            labels => {
                rows.set("text", Some(rest.to_owned()));
                let several = || serde_json::Value::from(labels.to_vec()).to_string();
                rows.set("label", Some(if let [one] = labels { (*one).to_owned() } else { several() }));
                rows.end_row(record);
            }
        }
        if record.is_multiple_of(LINES_PER_LOOK) {
            watch.advance("Finding rows", done, text.len(), "bytes")?;
        }
    }
    let format = FileFormat::FastText { encoding: decoded.encoding.to_owned(), undecodable: decoded.undecodable };
    Ok((rows.finish(path)?, format))
}

/// The labels at the beginning of a line, and the text after them.
fn labelled(line: &str) -> (Vec<&str>, &str) {
    let (mut labels, mut rest) = (Vec::new(), line);
    while let Some(marked) = rest.strip_prefix(MARK) {
        let (label, after) = marked.split_once(char::is_whitespace).unwrap_or((marked, ""));
        labels.push(label.trim_end_matches(','));
        rest = after.trim_start().trim_start_matches(", ");
    }
    (labels, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_taken_from_the_beginning_of_a_line() {
        assert_eq!(labelled("__label__good it works"), (vec!["good"], "it works"));
        assert_eq!(labelled("__label__a __label__b-c both"), (vec!["a", "b-c"], "both"));
        assert_eq!(labelled("__label__a , it works"), (vec!["a"], "it works"));
        assert_eq!((labelled("__label__a"), labelled("no label")), ((vec!["a"], ""), (vec![], "no label")));
    }

    #[test]
    fn only_texts_whose_lines_begin_with_labels_are_recognised() {
        assert!(is(b"__label__a one\n\n__label__b two\n"));
        assert!(!is(b"__label__a one\ntwo\n") && !is(b"text\n__label__a one\n") && !is(b""));
    }
}
