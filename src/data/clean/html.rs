//! HTML tags and entities.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Comments, declarations, scripts and styles with what is in them, and tags with their attributes.
#[allow(clippy::expect_used, reason = "a constant pattern, compiled in a test")]
static TAG: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?is)<!--.*?-->|<!doctype[^<>]*>|<!\[CDATA\[|\]\]>",
        r"|<script\b[^<>]*>.*?</script\s*>|<style\b[^<>]*>.*?</style\s*>",
        r#"|</?([a-z][a-z0-9]*)(?:\s(?:"[^"]*"|'[^']*'|[^"'<>])*)?/?>"#,
        r"|</?([a-z][a-z0-9]*)\b[^<>]*>",
    ))
    .expect("the tag pattern is valid")
});

/// Elements within a word or a sentence: their tags go without leaving a space.
const INLINE: [&str; 37] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins",
    "kbd", "label", "mark", "nobr", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub",
    "sup", "time", "tt", "u", "var", "wbr",
];
/// Elements that stand between words: their tags become a space.
const BLOCK: [&str; 83] = [
    "address",
    "applet",
    "area",
    "article",
    "aside",
    "audio",
    "base",
    "blockquote",
    "body",
    "br",
    "button",
    "canvas",
    "caption",
    "center",
    "col",
    "colgroup",
    "datalist",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "embed",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "frame",
    "frameset",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "iframe",
    "img",
    "input",
    "legend",
    "li",
    "link",
    "main",
    "map",
    "meta",
    "nav",
    "noscript",
    "object",
    "ol",
    "optgroup",
    "option",
    "output",
    "p",
    "param",
    "picture",
    "pre",
    "progress",
    "script",
    "section",
    "select",
    "source",
    "style",
    "summary",
    "svg",
    "table",
    "tbody",
    "td",
    "template",
    "textarea",
    "tfoot",
    "th",
    "thead",
    "title",
    "tr",
    "track",
    "ul",
    "video",
];
/// How often entities are decoded: text that went through three exports is rare enough.
const MOST_DECODINGS: usize = 3;

/// Removes tags of known elements; `x <y and z> w` and `<user>` are text and stay.
pub(super) fn strip_tags(text: &str) -> Cow<'_, str> {
    if !text.contains('<') {
        return Cow::Borrowed(text);
    }
    TAG.replace_all(text, |found: &Captures| {
        let Some(name) = found.get(1).or_else(|| found.get(2)) else { return " ".to_owned() };
        let name = name.as_str().to_ascii_lowercase();
        if INLINE.binary_search(&name.as_str()).is_ok() {
            String::new()
        } else if BLOCK.binary_search(&name.as_str()).is_ok() {
            " ".to_owned()
        } else {
            found[0].to_owned()
        }
    })
}

/// Decodes named and numeric entities, again while anything changes, so that `&amp;amp;` becomes `&`.
pub(super) fn decode_entities(text: &str) -> Cow<'_, str> {
    let mut decoded = Cow::Borrowed(text);
    for _ in 0..MOST_DECODINGS {
        if !decoded.contains('&') {
            break;
        }
        let next = html_escape::decode_html_entities(decoded.as_ref());
        if next == decoded {
            break;
        }
        decoded = Cow::Owned(windows_1252_controls(&next));
    }
    decoded
}

/// `&#146;` means the character at 146 of Windows-1252, as the HTML standard says.
fn windows_1252_controls(text: &str) -> String {
    text.chars().map(|character| super::mojibake::windows_1252_control(character).unwrap_or(character)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_lists_are_sorted() {
        assert!(INLINE.is_sorted() && BLOCK.is_sorted());
    }

    #[test]
    fn tags_go_and_their_text_stays() {
        assert_eq!(strip_tags("w<b>or</b>d<br/>next<P class=\"a>b\">last</p>"), "word next last ");
        assert_eq!(strip_tags("a<!-- <b>x</b> -->b<script>alert('<p>')</script>c<style>p{}</style>"), "a b c ");
        assert_eq!(strip_tags("<a href='x' title=\"broken>link</a>"), "link");
    }

    #[test]
    fn what_is_no_tag_stays() {
        for text in ["I <3 this", "x <y and z> w", "5 < 6 > 4", "<user> said", "a <- b", "<"] {
            assert_eq!(strip_tags(text), text);
        }
    }

    #[test]
    fn entities() {
        assert_eq!(
            decode_entities("&lt;3 &amp;amp; &quot;x&quot; caf&eacute; &#8217;&#x2019;&#146;"),
            "<3 & \"x\" café ’’’"
        );
        assert_eq!(decode_entities("AT&T & co &unknown; &"), "AT&T & co &unknown; &");
    }
}
