//! Facts of a model, as its card writes them.

use crate::data::Language;
use crate::fetch::Languages;
use crate::words::count;

/// Facts in a line, which breaks after a dot, never within a fact or before a dot.
pub fn facts<const N: usize>(facts: [Option<String>; N]) -> String {
    let facts: Vec<String> = facts.into_iter().flatten().map(|fact| fact.replace(' ', "\u{a0}")).collect();
    facts.join("\u{a0}\u{a0}·  ")
}

/// The languages of a model's training texts.
pub fn in_words(languages: &Languages) -> Option<String> {
    match languages {
        Languages::Only(code) => Language::of_code(code).map(|language| language.name.to_owned()),
        Languages::Several(number) => Some(format!("{number} languages")),
    }
}

/// The longest text that a model reads.
pub fn longest_in_words(tokens: u64) -> String {
    format!("up to {} tokens", count(tokens))
}
