//! Finds ratings inside the texts, such as `5/5` or `Stars: 3`, so that they can be compared with the labels.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// Characters of a text in which a rating is looked for, at its beginning and at its end: that is where forms put it.
const ENDS: usize = 200;

/// What a rating looks like, the clearest first, with how it is written out.
static PATTERNS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    let patterns = [
        (
            r"(?i)\b(?:rating|rated|score|scored|stars|grade|label|sentiment|class|category)\s*[:=]\s*([\w.+-]+(?:\s*/\s*\d+)?)",
            "$1",
        ),
        (r"(?i)(?:^|[^\d/])(\d{1,2}(?:[.,]\d)?)\s*(?:/|out of|von|sur)\s*(5|10|100)(?:$|[^\d/])", "$1/$2"),
        (r"(?i)\b([1-5](?:[.,]\d)?)\s*(?:stars?|sterne?|étoiles?|estrellas?|stelle)\b", "$1 stars"),
        (r"([★⭐]{1,5})", "$1"),
    ];
    let compiled = patterns.into_iter().filter_map(|(pattern, written)| Some((Regex::new(pattern).ok()?, written)));
    compiled.collect()
});

/// The rating in a text; empty if there is none.
pub(super) fn rating(text: &str) -> String {
    let ends = ends(text);
    let found = PATTERNS.iter().find_map(|(pattern, written)| {
        let found = pattern.captures(&ends)?;
        let mut rating = String::new();
        found.expand(written, &mut rating);
        Some(rating)
    });
    let plain = |rating: String| rating.split_whitespace().collect::<String>().trim_end_matches('.').to_lowercase();
    found.map(plain).unwrap_or_default()
}

fn ends(text: &str) -> Cow<'_, str> {
    let Some((begin, _)) = text.char_indices().nth(ENDS) else { return text.into() };
    let end = text.char_indices().rev().nth(ENDS - 1).map_or(text.len(), |(at, _)| at);
    if end <= begin { text.into() } else { format!("{} … {}", &text[..begin], &text[end..]).into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratings_are_found_at_the_beginning_and_at_the_end() {
        let long = "It is a shop. ".repeat(60);
        for (text, found) in [
            ("Rating: 5/5. It works".to_owned(), "5/5"),
            ("It works. 4 out of 5".to_owned(), "4/5"),
            ("3 stars, it is fine".to_owned(), "3stars"),
            ("★★★ fine".to_owned(), "★★★"),
            ("Sentiment: positive".to_owned(), "positive"),
            (format!("{long} 2/10"), "2/10"),
            (format!("{long} 2/10 {long}"), ""),
            ("It came on 3/5/2024, in 1/2 of the time".to_owned(), ""),
            ("no rating".to_owned(), ""),
        ] {
            assert_eq!(rating(&text), found, "{text}");
        }
    }
}
