//! Replaces emoji by their names, or removes them.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

/// All emoji but keycaps begin at this character or later; signs such as © and ™ come before it.
const FIRST: char = '\u{2190}';
/// The key around a digit.
const KEYCAP: char = '\u{20E3}';

/// Replaces emoji by their names: `:thumbs up:`.
pub(super) fn name(text: &str) -> Cow<'_, str> {
    replace(text, |emoji| format!(":{}:", emoji.name()))
}

/// Removes emoji.
pub(super) fn remove(text: &str) -> Cow<'_, str> {
    replace(text, |_| String::new())
}

fn replace(text: &str, with: impl Fn(&emojis::Emoji) -> String) -> Cow<'_, str> {
    let may_hold_one = |word: &str| word.chars().any(|character| character >= FIRST || character == KEYCAP);
    if text.is_ascii() || !may_hold_one(text) {
        return Cow::Borrowed(text);
    }
    let mut replaced: Option<String> = None;
    let mut at = 0;
    // Finding the clusters is slow, and none of an emoji holds a space.
    for word in text.split_inclusive(' ') {
        let is_plain = !may_hold_one(word);
        let clusters = (!is_plain).then(|| word.graphemes(true)).into_iter().flatten();
        for cluster in clusters.chain(is_plain.then_some(word)) {
            match emoji(cluster) {
                Some(emoji) => replaced.get_or_insert_with(|| text[..at].to_owned()).push_str(&with(emoji)),
                None => {
                    if let Some(replaced) = &mut replaced {
                        replaced.push_str(cluster);
                    }
                }
            }
            at += cluster.len();
        }
    }
    replaced.map_or(Cow::Borrowed(text), Cow::Owned)
}

fn emoji(cluster: &str) -> Option<&'static emojis::Emoji> {
    let is_keycap = cluster.ends_with(KEYCAP);
    if !is_keycap && cluster.chars().next()? < FIRST {
        return None;
    }
    emojis::get(cluster).or_else(|| {
        // The variation selector says only how to draw it.
        let bare: String = cluster.chars().filter(|&character| character != '\u{FE0F}').collect();
        emojis::get(&bare)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Rng;

    #[test]
    fn emoji_after_a_space_are_found_as_in_the_whole_text() {
        let whole = |text: &str| -> String {
            text.graphemes(true)
                .map(|cluster| emoji(cluster).map_or(cluster.to_owned(), |emoji| format!(":{}:", emoji.name())))
                .collect()
        };
        let pieces =
            [" ", "a", "👍", "🏽", "\u{200D}", "\u{FE0F}", "1", "\u{20E3}", "🇩", "🇪", "❤", "é", "\n", "\u{301}", "→"];
        let mut rng = Rng::new(5);
        for _ in 0..20_000 {
            let text: String = (0..rng.below(8)).map(|_| pieces[rng.below(pieces.len() as u64) as usize]).collect();
            assert_eq!(name(&text), whole(&text), "{text:?}");
        }
    }

    #[test]
    fn emoji_are_named_or_removed_and_letters_stay() {
        assert_eq!(name("great👍 shoes ❤️"), "great:thumbs up: shoes :red heart:");
        assert_eq!(remove("great👍 shoes ❤️!"), "great shoes !");
        assert_eq!(remove("👩‍💻 at work"), " at work");
        assert_eq!(remove("press 1️⃣ now"), "press  now");
        for text in ["plain", "Café ™ © ½ → naïve 日本", "5 stars"] {
            assert!(
                !remove(text).contains(':') && remove(text).contains(text.split('→').next().unwrap_or(text)),
                "{text}"
            );
        }
    }
}
