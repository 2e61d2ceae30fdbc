//! Numbers and lists in the words of messages.

/// Names in a message before the rest is counted.
const NAMED: usize = 5;

/// `1 row`, `2 rows`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `'a', 'b', 'c'`, and how many more.
pub(super) fn listed(names: &[impl AsRef<str>]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("'{}'", name.as_ref())).collect();
    if quoted.len() <= 4 * NAMED { quoted.join(", ") } else { cut(&quoted, 4 * NAMED) }
}

/// The parts as they are, and how many more.
pub(super) fn listed_plain(parts: &[String]) -> String {
    if parts.len() <= NAMED { parts.join(", ") } else { cut(parts, NAMED) }
}

fn cut(parts: &[String], kept: usize) -> String {
    format!("{} and {} more", parts[..kept].join(", "), parts.len() - kept)
}

/// The text with a small first letter, to stand within a sentence.
pub(super) fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}
