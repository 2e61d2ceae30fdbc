//! Finds HTML markup in one pass: an end that is missing is searched for once, however often a text begins a comment or a
//! script. A pattern would search again for each beginning, which takes hours in a text of a few megabytes.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2, memmem};

/// A tag, a comment, a declaration, or a script with its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Markup<'t> {
    /// Its place in the text, in bytes.
    pub place: Range<usize>,
    /// Name of the element; `None` for markup that is not a tag, which is removed whatever it holds.
    pub name: Option<&'t str>,
}

/// The markup of a text, from left to right.
pub(super) struct MarkupFinder<'t> {
    text: &'t str,
    at: usize,
    /// Whether there is no end of a comment, of a script and of a style in the rest of the text.
    no_comment_end: bool,
    no_script_end: bool,
    no_style_end: bool,
}

impl<'t> MarkupFinder<'t> {
    pub fn new(text: &'t str) -> Self {
        Self { text, at: 0, no_comment_end: false, no_script_end: false, no_style_end: false }
    }

    /// The markup that begins at a `<`, if there is any.
    fn at_bracket(&mut self, start: usize) -> Option<Markup<'t>> {
        self.without_name(start).map(|end| Markup { place: start..end, name: None }).or_else(|| self.tag(start))
    }

    /// The end of a comment, a declaration, or a script or style with its content.
    fn without_name(&mut self, start: usize) -> Option<usize> {
        let text = self.text;
        if begins(text, start, "<!--") {
            let end = |from| memmem::find(&text.as_bytes()[from..], b"-->").map(|at| from + at + 3);
            return remembered(&mut self.no_comment_end, start + 4, end);
        }
        if begins(text, start, "<!doctype") {
            return end_of_simple_tag(text, start + 9);
        }
        if begins(text, start, "<![cdata[") {
            return Some(start + 9);
        }
        for (name, no_end) in [("script", &mut self.no_script_end), ("style", &mut self.no_style_end)] {
            let end_of_name = start + 1 + name.len();
            if begins(text, start + 1, name) && !is_word_at(text, end_of_name) {
                let content = end_of_simple_tag(text, end_of_name)?;
                return remembered(no_end, content, |from| end_tag(text, name, from));
            }
        }
        None
    }

    /// A tag with attributes, whose quoted values may hold `>`; or else up to the next `>`.
    fn tag(&self, start: usize) -> Option<Markup<'t>> {
        let (text, bytes) = (self.text, self.text.as_bytes());
        let begin = start + 1 + usize::from(bytes.get(start + 1) == Some(&b'/'));
        let is_letter = |byte: &u8| byte.is_ascii_alphabetic();
        let is_of_name = |byte: &&u8| byte.is_ascii_alphanumeric();
        bytes.get(begin).filter(|byte| is_letter(byte))?;
        let end_of_name = begin + bytes[begin..].iter().take_while(is_of_name).count();
        let end = end_of_quoted_tag(text, end_of_name).or_else(|| {
            let is_whole_word = !is_word_at(text, end_of_name);
            end_of_simple_tag(text, end_of_name).filter(|_| is_whole_word)
        })?;
        Some(Markup { place: start..end, name: Some(&text[begin..end_of_name]) })
    }
}

impl<'t> Iterator for MarkupFinder<'t> {
    type Item = Markup<'t>;

    fn next(&mut self) -> Option<Markup<'t>> {
        while let Some(at) = memchr2(b'<', b']', &self.text.as_bytes()[self.at..]) {
            let start = self.at + at;
            let found = if self.text[start..].starts_with("]]>") {
                Some(Markup { place: start..start + 3, name: None })
            } else if self.text.as_bytes()[start] == b'<' {
                self.at_bracket(start)
            } else {
                None
            };
            self.at = found.as_ref().map_or(start + 1, |found| found.place.end);
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

/// Searches for an end from `from` on, unless an earlier search found that there is none.
fn remembered(is_missing: &mut bool, from: usize, search: impl FnOnce(usize) -> Option<usize>) -> Option<usize> {
    if *is_missing {
        return None;
    }
    let found = search(from);
    *is_missing = found.is_none();
    found
}

/// Whether these letters, in any case, are at this place.
fn begins(text: &str, at: usize, with: &str) -> bool {
    text.as_bytes().get(at..at + with.len()).is_some_and(|found| found.eq_ignore_ascii_case(with.as_bytes()))
}

fn is_word_at(text: &str, at: usize) -> bool {
    let next = text[at..].chars().next();
    next.is_some_and(|next| regex_syntax::try_is_word_character(next).unwrap_or(false))
}

/// The end of a tag without quotes: after the next `>`, unless a `<` comes first.
fn end_of_simple_tag(text: &str, from: usize) -> Option<usize> {
    let end = from + memchr2(b'<', b'>', &text.as_bytes()[from..])?;
    (text.as_bytes()[end] == b'>').then_some(end + 1)
}

/// The end of a tag whose attributes may be quoted; `None` if a `<` comes first or a quote is not closed.
///
/// This may read to the end of the text, but of any four tags that do, one is read as a `<` outside the quotes of another
/// and ends it. So all tags of a text together take a time in proportion to its length.
fn end_of_quoted_tag(text: &str, end_of_name: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let space = text[end_of_name..].chars().next().filter(|next| next.is_whitespace());
    let Some(space) = space else {
        let closed = end_of_name + usize::from(bytes.get(end_of_name) == Some(&b'/'));
        return (bytes.get(closed) == Some(&b'>')).then_some(closed + 1);
    };
    let mut at = end_of_name + space.len_utf8();
    loop {
        match *bytes.get(at)? {
            b'>' => return Some(at + 1),
            b'<' => return None,
            quote @ (b'"' | b'\'') => at += 2 + memchr(quote, &bytes[at + 1..])?,
            _ => at += 1,
        }
    }
}

/// The end of the next `</name>`, which may have white space before the `>`.
fn end_tag(text: &str, name: &str, from: usize) -> Option<usize> {
    memchr_iter(b'<', &text.as_bytes()[from..]).find_map(|at| {
        let begin = from + at + 1;
        let end_of_name = begin + 1 + name.len();
        let is_such = text.as_bytes().get(begin) == Some(&b'/') && begins(text, begin + 1, name);
        let rest = is_such.then(|| &text[end_of_name..])?;
        let spaces = rest.len() - rest.trim_start().len();
        rest[spaces..].starts_with('>').then_some(end_of_name + spaces + 1)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use regex::Regex;

    use super::*;
    use crate::random::Rng;

    /// What the finder finds, as a pattern that takes the square of the text's length.
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            r"(?is)<!--.*?-->|<!doctype[^<>]*>|<!\[CDATA\[|\]\]>",
            r"|<script\b[^<>]*>.*?</script\s*>|<style\b[^<>]*>.*?</style\s*>",
            r#"|</?([a-z][a-z0-9]*)(?:\s(?:"[^"]*"|'[^']*'|[^"'<>])*)?/?>"#,
            r"|</?([a-z][a-z0-9]*)\b[^<>]*>",
        ))
        .unwrap()
    });

    const PIECES: [&str; 34] = [
        "<",
        ">",
        "/",
        "\"",
        "'",
        " ",
        "\n",
        "a",
        "x1",
        "é",
        "_",
        "=",
        "<!--",
        "-->",
        "<!DOCTYPE",
        "<![CDATA[",
        "]]>",
        "]",
        "<script",
        "<script>",
        "</script",
        "</SCRIPT >",
        "<style ",
        "</style>",
        "<b>",
        "</b",
        "<a href='",
        "<a \"",
        "<p/>",
        "<br /",
        "\u{3000}",
        "--",
        "!",
        "\u{301}",
    ];

    fn joined(rng: &mut Rng, most: u64) -> String {
        (0..=rng.below(most)).map(|_| PIECES[rng.below(PIECES.len() as u64) as usize]).collect()
    }

    #[test]
    fn what_is_found_is_what_the_pattern_finds() {
        let mut rng = Rng::new(7);
        for _ in 0..50_000 {
            let text = joined(&mut rng, 12);
            let expected: Vec<Markup> = PATTERN
                .captures_iter(&text)
                .map(|found| Markup {
                    place: found.get(0).unwrap().range(),
                    name: found.get(1).or_else(|| found.get(2)).map(|name| name.as_str()),
                })
                .collect();
            assert_eq!(MarkupFinder::new(&text).collect::<Vec<_>>(), expected, "{text:?}");
        }
    }
}
