//! The person's own find-and-replace patterns: checked, compiled once, applied to many texts.

use std::borrow::Cow;

use regex::{Captures, Regex, RegexBuilder};

use crate::project::Pattern;
use crate::words::shortened;

/// The most patterns a project may have.
const MOST_PATTERNS: usize = 200;
/// The longest text to find or replacement, in characters.
const LONGEST_SIDE: usize = 2_000;
/// Bytes a compiled pattern may take. This limits its states, and so the time that each letter of a text takes.
const COMPILED_BYTES: usize = 4 << 20;
/// A text may become this many times as long as it was, and [`SPARE_BYTES`] longer.
const GROWTH: usize = 4;
/// See [`GROWTH`].
const SPARE_BYTES: usize = 1_000;
/// The longest replacement of one match, in bytes, before the length of the whole text is checked.
const ONE_FIND_BYTES: usize = 64 << 20;
/// Characters of a pattern shown in a message.
const SHOWN: usize = 60;

/// Why a pattern cannot be used. The message says which one, where the error is, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("pattern {number} ('{find}') cannot be used{}: {reason}. {advice}", place(*.at))]
pub struct PatternError {
    /// 1-based place of the pattern in the list.
    pub number: usize,
    /// The text to find, shortened.
    pub find: String,
    /// 1-based position of the error in it, in characters.
    pub at: Option<usize>,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub advice: &'static str,
}

fn place(at: Option<usize>) -> String {
    at.map_or_else(String::new, |at| format!(" (character {at})"))
}

/// Advice for an invalid regular expression.
const CORRECT: &str = "Correct it, or turn off \"Regular expression\" to find the text literally";
/// Advice for a pattern that is too large.
const SHORTEN: &str = "Make it shorter, or its repetitions smaller";

/// A compiled pattern.
pub(super) struct Compiled {
    regex: Regex,
    /// The replacement with its `$` references; `None` if it has none.
    template: Option<String>,
    replace: String,
    /// Number of groups that the replacement may refer to.
    references: usize,
}

/// Checks whether a pattern can be used without compiling it, in microseconds. `number` is its 1-based place.
///
/// # Errors
/// Says what is wrong. That a pattern is too large shows only when it is compiled.
pub fn check_pattern(pattern: &Pattern, number: usize) -> Result<(), PatternError> {
    let error =
        |at, reason: String, advice| PatternError { number, find: shortened(&pattern.find, SHOWN), at, reason, advice };
    if number > MOST_PATTERNS {
        let reason = format!("there are more than {MOST_PATTERNS} patterns");
        return Err(error(None, reason, "Remove some, or combine several into one regular expression"));
    }
    if pattern.find.is_empty() {
        return Err(error(None, "there is nothing to find".to_owned(), "Type what to find, or remove the pattern"));
    }
    for (side, text) in [("the text to find", &pattern.find), ("the replacement", &pattern.replace)] {
        if text.chars().nth(LONGEST_SIDE).is_some() {
            return Err(error(None, format!("{side} is longer than {LONGEST_SIDE} characters"), "Make it shorter"));
        }
    }
    if !pattern.regex {
        return Ok(());
    }
    let (offset, reason) = match regex_syntax::ParserBuilder::new().build().parse(&pattern.find) {
        Ok(_) => return Ok(()),
        Err(regex_syntax::Error::Parse(wrong)) => (wrong.span().start.offset, wrong.kind().to_string()),
        Err(regex_syntax::Error::Translate(wrong)) => (wrong.span().start.offset, wrong.kind().to_string()),
        Err(other) => return Err(error(None, other.to_string(), CORRECT)),
    };
    let at = pattern.find.get(..offset).map(|before| before.chars().count() + 1);
    Err(error(at, reason, CORRECT))
}

impl Compiled {
    /// Compiles a pattern; `number` is its 1-based place.
    pub fn new(pattern: &Pattern, number: usize) -> Result<Self, PatternError> {
        check_pattern(pattern, number)?;
        let source = if pattern.regex { pattern.find.clone() } else { literal(&pattern.find) };
        let regex = RegexBuilder::new(&source)
            .case_insensitive(!pattern.match_case)
            .size_limit(COMPILED_BYTES)
            .dfa_size_limit(COMPILED_BYTES)
            .build();
        let regex = regex.map_err(|wrong| {
            let (reason, advice) = match wrong {
                regex::Error::CompiledTooBig(_) => ("it is too large".to_owned(), SHORTEN),
                other => (other.to_string(), CORRECT),
            };
            PatternError { number, find: shortened(&pattern.find, SHOWN), at: None, reason, advice }
        })?;
        let references = pattern.replace.matches('$').count();
        let template = (pattern.regex && references > 0).then(|| pattern.replace.clone());
        Ok(Self { regex, template, replace: pattern.replace.clone(), references })
    }

    /// Replaces every match; borrowed if nothing changes, `None` if the text would be longer than `most` bytes.
    pub fn apply<'t>(&self, text: &'t str, most: usize) -> Option<Cow<'t, str>> {
        let mut finds = self.regex.captures_iter(text).peekable();
        if finds.peek().is_none() {
            return Some(Cow::Borrowed(text));
        }
        let (mut replaced, mut rest) = (String::with_capacity(text.len()), 0);
        for found in finds {
            let whole = found.get(0)?;
            replaced.push_str(&text[rest..whole.start()]);
            rest = whole.end();
            self.put(&found, whole.len(), &mut replaced)?;
            if replaced.len() > most {
                return None;
            }
        }
        replaced.push_str(&text[rest..]);
        if replaced.len() > most {
            return None;
        }
        Some(if replaced == text { Cow::Borrowed(text) } else { Cow::Owned(replaced) })
    }

    fn put(&self, found: &Captures<'_>, length: usize, replaced: &mut String) -> Option<()> {
        match &self.template {
            None => replaced.push_str(&self.replace),
            Some(_) if length.saturating_mul(self.references) > ONE_FIND_BYTES => return None,
            Some(template) => found.expand(template, replaced),
        }
        Some(())
    }
}

/// The longest that a text of `raw` bytes may become, in bytes, so that no pattern fills the memory.
pub(super) fn most_bytes(raw: usize) -> usize {
    raw.saturating_mul(GROWTH).saturating_add(SPARE_BYTES)
}

/// A regular expression for these words, with any white space between them: on screen a line break looks like a space.
fn literal(find: &str) -> String {
    let mut source = String::with_capacity(find.len() + 8);
    let mut space = false;
    for character in find.chars() {
        if character.is_whitespace() {
            if !space {
                source.push_str(r"\s+");
            }
        } else {
            source.push_str(&regex::escape(character.encode_utf8(&mut [0; 4])));
        }
        space = character.is_whitespace();
    }
    source
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(find: &str, replace: &str) -> Pattern {
        Pattern { find: find.to_owned(), replace: replace.to_owned(), ..Pattern::default() }
    }

    fn regex(find: &str, replace: &str) -> Pattern {
        Pattern { regex: true, match_case: true, ..pattern(find, replace) }
    }

    fn applied(pattern: &Pattern, text: &str) -> String {
        Compiled::new(pattern, 1).unwrap().apply(text, most_bytes(text.len())).unwrap().into_owned()
    }

    #[test]
    fn plain_words_are_found_literally() {
        assert_eq!(applied(&pattern("a.b", "$1"), "A.B axb a.b"), "$1 axb $1");
        let exact = Pattern { match_case: true, ..pattern("Re:", "") };
        assert_eq!(applied(&exact, "Re: re: Re:x"), " re: x");
        assert_eq!(applied(&pattern("sent  from my", "-"), "Sent from\r\n my phone"), "- phone");
        assert_eq!(applied(&pattern("ÉTÉ", "summer"), "un été"), "un summer");
    }

    #[test]
    fn replacements_can_refer_to_groups() {
        assert_eq!(applied(&regex(r"(\d+)-(?<year>\d{4})", "$year/$1"), "12-2024"), "2024/12");
        assert_eq!(applied(&regex(r"(\d+) USD", "$$$1"), "5 USD"), "$5");
        assert_eq!(applied(&regex("a", "b$"), "a"), "b$");
        assert_eq!(applied(&regex("x*", "-"), "axb"), "-a-b-");
        assert!(matches!(
            Compiled::new(&regex("a", "a"), 1).unwrap().apply("banana", 100),
            Some(Cow::Borrowed("banana"))
        ));
    }

    #[test]
    fn errors_of_patterns_name_the_character() {
        let message = |pattern: &Pattern| Compiled::new(pattern, 3).map(|_| ()).unwrap_err().to_string();
        assert_eq!(
            message(&regex("déjà (vu", "")),
            "pattern 3 ('déjà (vu') cannot be used (character 6): unclosed group. Correct it, or turn off \
             \"Regular expression\" to find the text literally"
        );
        assert!(message(&regex("*a", "")).contains("(character 1): repetition operator missing expression"));
        assert!(message(&regex(r"(?=a)b", "")).contains("(character 1): look-around"));
        assert!(message(&regex(r"(a)\1", "")).contains("(character 4): backreferences are not supported"));
        assert!(message(&regex(r"a\p{Klingon}", "")).contains("(character 2): Unicode property not found"));
        assert!(message(&regex(r"(?:\w{500}){500}", "")).contains("it is too large. Make it shorter"));
        assert!(message(&pattern("", "x")).contains("there is nothing to find. Type"));
        assert!(message(&pattern("x", &"y".repeat(LONGEST_SIDE + 1))).contains("the replacement is longer than 2000"));
        assert!(Compiled::new(&pattern("x", ""), MOST_PATTERNS + 1).is_err());
        let long = Compiled::new(&pattern(&"ab c".repeat(LONGEST_SIDE / 4), ""), 1);
        assert!(long.is_ok(), "words of the greatest length can be found");
    }

    #[test]
    fn a_text_does_not_grow_without_limit() {
        let double = Compiled::new(&regex("(?s)(.+)", &"$1".repeat(900)), 1).unwrap();
        assert_eq!(double.apply("some text", most_bytes(9)), None);
        let filler = Compiled::new(&pattern("e", &"x".repeat(2_000)), 1).unwrap();
        assert_eq!(filler.apply("even", most_bytes(4)), None);
        assert!(filler.apply("odd", most_bytes(3)).is_some());
    }

    #[test]
    fn patterns_that_are_slow_in_other_engines_are_quick() {
        let text = "a".repeat(50_000) + "!";
        let begun = std::time::Instant::now();
        for find in ["(a+)+$", "(a|aa)+$", "(a*)*b", "(?:a?){40}a{40}$"] {
            assert_eq!(applied(&regex(find, ""), &text), text, "{find}");
        }
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    }
}
