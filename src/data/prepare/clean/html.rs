//! Removes HTML tags and decodes entities.

use std::borrow::Cow;

use crate::data::prepare::clean::markup::MarkupFinder;

/// Elements within a word or a sentence: their tags are removed without leaving a space.
const INLINE: [&str; 37] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins",
    "kbd", "label", "mark", "nobr", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub",
    "sup", "time", "tt", "u", "var", "wbr",
];
/// Elements that separate words: their tags become a space.
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
/// Entities that browsers also accept without a semicolon, except those that are words: in "cut &copy" a person most
/// likely wrote the word.
const BARE: [&str; 93] = [
    "AElig", "AMP", "Aacute", "Acirc", "Agrave", "Aring", "Atilde", "Auml", "Ccedil", "Eacute", "Ecirc", "Egrave",
    "Euml", "GT", "Iacute", "Icirc", "Igrave", "Iuml", "LT", "Ntilde", "Oacute", "Ocirc", "Ograve", "Oslash", "Otilde",
    "Ouml", "QUOT", "REG", "THORN", "Uacute", "Ucirc", "Ugrave", "Uuml", "Yacute", "aacute", "acirc", "acute", "aelig",
    "agrave", "amp", "aring", "atilde", "auml", "brvbar", "ccedil", "cedil", "curren", "deg", "divide", "eacute",
    "ecirc", "egrave", "euml", "frac12", "frac14", "frac34", "gt", "iacute", "icirc", "iexcl", "igrave", "iquest",
    "iuml", "laquo", "lt", "macr", "middot", "nbsp", "ntilde", "oacute", "ocirc", "ograve", "ordf", "ordm", "oslash",
    "otilde", "ouml", "plusmn", "quot", "raquo", "reg", "sup1", "sup2", "sup3", "szlig", "thorn", "uacute", "ucirc",
    "ugrave", "uml", "uuml", "yacute", "yuml",
];
/// How many characters to look back for the parameters of a web address.
const LONGEST_ADDRESS: usize = 512;

/// How often entities are decoded at most: hardly any text went through more than three exports.
const MOST_DECODINGS: usize = 3;

/// Removes tags of known elements; `x <y and z> w` and `<user>` are text, and stay.
pub(super) fn strip_tags(text: &str) -> Cow<'_, str> {
    if !text.contains('<') {
        return Cow::Borrowed(text);
    }
    let (mut stripped, mut done) = (String::new(), 0);
    for markup in MarkupFinder::new(text) {
        let space = match markup.name.map(str::to_ascii_lowercase) {
            None => " ",
            Some(name) if INLINE.binary_search(&name.as_str()).is_ok() => "",
            Some(name) if BLOCK.binary_search(&name.as_str()).is_ok() => " ",
            Some(_) => continue,
        };
        stripped.push_str(&text[done..markup.place.start]);
        stripped.push_str(space);
        done = markup.place.end;
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    stripped.push_str(&text[done..]);
    Cow::Owned(stripped)
}

/// Decodes named and numeric entities, again while anything changes, so that `&amp;amp;` becomes `&`.
pub(super) fn decode_entities(text: &str) -> Cow<'_, str> {
    let mut decoded = Cow::Borrowed(text);
    for _ in 0..MOST_DECODINGS {
        if !decoded.contains('&') {
            break;
        }
        let closed = close_bare_entities(&decoded);
        let next = html_escape::decode_html_entities(closed.as_ref());
        if next == decoded {
            break;
        }
        decoded = Cow::Owned(windows_1252_controls(&next));
    }
    decoded
}

/// Adds the missing semicolon to entities at the end of a word: "you &amp me". As in HTML attributes, a longer name
/// (`&ampere`) or a parameter (`?lt=1&gt=2`) is not an entity.
fn close_bare_entities(text: &str) -> Cow<'_, str> {
    let mut closed = String::new();
    let mut done = 0;
    for (at, _) in text.match_indices('&') {
        let name = &text[at + 1..];
        let name = &name[..name.find(|next: char| !next.is_alphanumeric() && next != '_').unwrap_or(name.len())];
        let end = at + 1 + name.len();
        let goes_on = text[end..].starts_with([';', '=']);
        if BARE.binary_search(&name).is_ok() && !goes_on && !has_parameters(&text[..at]) {
            closed.push_str(&text[done..end]);
            closed.push(';');
            done = end;
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    closed.push_str(&text[done..]);
    Cow::Owned(closed)
}

/// Whether `before` ends within the parameters of a web address, after its `?`.
fn has_parameters(before: &str) -> bool {
    // Addresses are shorter than this, but a cell without white space can be a megabyte.
    let near = before.char_indices().rev().take(LONGEST_ADDRESS).last().map_or(0, |(at, _)| at);
    let word = before[near..].rsplit(char::is_whitespace).next().unwrap_or_default();
    word.contains('=') || (word.contains('?') && word.contains('/'))
}

/// `&#146;` means the character at 146 of Windows-1252, as the HTML standard says.
fn windows_1252_controls(text: &str) -> String {
    text.chars()
        .map(|character| crate::data::prepare::clean::mojibake::windows_1252_control(character).unwrap_or(character))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_lists_are_sorted() {
        assert!(INLINE.is_sorted() && BLOCK.is_sorted() && BARE.is_sorted());
    }

    #[test]
    fn tags_are_removed_and_their_text_stays() {
        assert_eq!(strip_tags("w<b>or</b>d<br/>next<P class=\"a>b\">last</p>"), "word next last ");
        assert_eq!(strip_tags("a<!-- <b>x</b> -->b<script>alert('<p>')</script>c<style>p{}</style>"), "a b c ");
        assert_eq!(strip_tags("<a href='x' title=\"broken>link</a>"), "link");
    }

    #[test]
    fn other_angle_brackets_stay() {
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

    #[test]
    fn entities_that_lost_their_semicolon() {
        for (damaged, whole) in [
            ("waste more fuel &amp time", "waste more fuel & time"),
            ("MCO-&gt EWR, LAX&gt.", "MCO-> EWR, LAX>."),
            ("http://a.b/c&lt !", "http://a.b/c< !"),
            ("&quot so &quot, caf&eacute", "\" so \", café"),
            ("a&nbsp b &lt", "a\u{A0} b <"),
            ("a &amp;amp b &amplt", "a & b &amplt"),
        ] {
            assert_eq!(decode_entities(damaged), whole);
        }
    }

    #[test]
    fn text_that_only_looks_like_an_entity_stays() {
        for text in [
            "AT&T, R&D, LA&OC, East&West",
            "5 &ampere, &ltd &amp_x &ampé",
            "?a=1&copy=2&lt=3&amp",
            "http://a.b/c?d&lt and www.a.b/c?d&gt",
            "cut &copy files, &not now, 3 &times a day",
        ] {
            assert_eq!(decode_entities(text), text);
        }
    }
}
