//! Labels that are written in several ways.

/// A label without the characters that people write in several ways. Empty for numbers and for labels without letters,
/// where every sign matters.
pub(in crate::data) fn folded(label: &str) -> String {
    if !label.contains(char::is_alphabetic) {
        return String::new();
    }
    label.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}
