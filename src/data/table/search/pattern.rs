//! The words or the regular expression that texts are searched for.

use arrow_array::{Array, StringViewArray};
use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ast::{self, ErrorKind};

use crate::data::DataError;
use crate::words::upper_first;

/// Most memory that a regular expression may take, in bytes; nobody types one that needs more.
const SIZE_LIMIT: usize = 10 << 20;

/// Words or a regular expression. Case is ignored by Unicode's simple case folding.
#[derive(Clone, Debug)]
pub(super) struct SearchPattern {
    regex: Regex,
}

impl SearchPattern {
    /// # Errors
    /// [`DataError::BadPattern`], which says what is wrong in plain words.
    pub fn new(words: &str, is_regex: bool, match_case: bool) -> Result<Self, DataError> {
        let source = if is_regex { words.to_owned() } else { regex::escape(words) };
        let built = RegexBuilder::new(&source).case_insensitive(!match_case).size_limit(SIZE_LIMIT).build();
        match built {
            Ok(regex) => Ok(Self { regex }),
            Err(error) => Err(DataError::BadPattern(explain(words, &error))),
        }
    }

    /// Whether a text contains it.
    pub fn is_in(&self, text: &str) -> bool {
        self.regex.is_match(text.as_bytes())
    }

    /// Marks the rows of `column`, from row `from` on, that contain it: `hits[i]` is row `from + i`.
    pub fn mark(&self, column: &StringViewArray, from: usize, hits: &mut [bool]) {
        for (row, hit) in (from..).zip(hits) {
            *hit = *hit || (!column.is_null(row) && self.is_in(column.value(row)));
        }
    }
}

/// What is wrong with a regular expression, in plain words.
fn explain(words: &str, error: &regex::Error) -> String {
    if let regex::Error::CompiledTooBig(_) = error {
        return "It is too large. Repeat fewer times".to_owned();
    }
    if let Err(error) = ast::parse::Parser::new().parse(words) {
        let at = words.get(..error.span().start.offset).map_or(0, |before| before.chars().count()) + 1;
        return format!("{}, at character {at}", fault(error.kind()));
    }
    // The syntax is right, but it has no meaning: an unknown class of characters, for example.
    let message = error.to_string();
    let last = message.lines().last().unwrap_or_default();
    upper_first(last.strip_prefix("error: ").unwrap_or(last))
}

fn fault(kind: &ErrorKind) -> String {
    let known = match kind {
        ErrorKind::GroupUnclosed => "A bracket ( is never closed",
        ErrorKind::GroupUnopened => "A bracket ) was never opened",
        ErrorKind::ClassUnclosed => "A bracket [ is never closed",
        ErrorKind::ClassRangeInvalid => "A range such as z-a runs backwards",
        ErrorKind::RepetitionMissing => "There is nothing before this *, + or ? to repeat",
        ErrorKind::RepetitionCountUnclosed => "A bracket { is never closed; write \\{ for the character itself",
        ErrorKind::RepetitionCountInvalid => "The numbers in { } run backwards",
        ErrorKind::RepetitionCountDecimalEmpty | ErrorKind::DecimalEmpty | ErrorKind::DecimalInvalid => {
            "A number is missing in { }; write \\{ for the character itself"
        }
        ErrorKind::EscapeUnexpectedEof => "There is nothing after the last \\; write \\\\ for the character itself",
        ErrorKind::EscapeUnrecognized => "A \\ is followed by a letter without a meaning there",
        ErrorKind::UnsupportedLookAround => "Looking ahead or behind, (?=…) and (?<=…), is not supported",
        ErrorKind::UnsupportedBackreference => "Referring back to a group, \\1, is not supported",
        _ => return format!("It cannot be read: {kind}"),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(column: &[Option<&str>], words: &str, from: usize) -> Vec<usize> {
        let column = StringViewArray::from(column.to_vec());
        let mut hits = vec![false; column.len() - from];
        SearchPattern::new(words, false, false).unwrap().mark(&column, from, &mut hits);
        hits.iter().enumerate().filter(|(_, hit)| **hit).map(|(row, _)| row).collect()
    }

    #[test]
    fn a_match_does_not_extend_over_two_rows() {
        let column = [Some("ab"), Some("Abc"), None, Some(""), Some("xaB"), Some("b ab ab")];
        assert_eq!(marked(&column, "ab", 0), [0, 1, 4, 5]);
        // "ba" extends over two rows, and is in neither of them.
        assert_eq!(marked(&column, "ba", 0), [0_usize; 0]);
        assert_eq!(marked(&[Some("a"), Some("aa"), Some("a")], "aa", 0), [1]);
        assert_eq!(marked(&column, "AB", 2), [2, 3]);
        assert_eq!(marked(&column, "zz", 6), [0_usize; 0]);
        assert_eq!(marked(&[Some("CAFÉ"), Some("cafe")], "café", 0), [0]);
    }

    #[test]
    fn errors_are_explained_in_plain_words() {
        let why = |words: &str| match SearchPattern::new(words, true, false) {
            Err(DataError::BadPattern(why)) => why,
            other => panic!("{words}: {other:?}"),
        };
        assert_eq!(why("(late"), "A bracket ( is never closed, at character 1");
        assert_eq!(why("é[late"), "A bracket [ is never closed, at character 2");
        assert_eq!(why("*"), "There is nothing before this *, + or ? to repeat, at character 1");
        assert!(why("late\\").starts_with("There is nothing after the last \\"));
        assert_eq!(why("\\p{Nowhere}"), "Unicode property not found");
        assert_eq!(why("(?:\\w{1000}){1000}"), "It is too large. Repeat fewer times");
        assert!(why("(?=late)").starts_with("Looking ahead or behind"));
        assert!(SearchPattern::new("(late", false, false).unwrap().is_in("very (LATE)"));
        assert!(!SearchPattern::new("late", false, true).unwrap().is_in("LATE"));
    }
}
