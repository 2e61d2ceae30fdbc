//! Labels that are written in several ways.

/// Labels shorter than this differ in meaning by a single letter.
const LONG: usize = 5;

/// A label without the characters that people write in several ways. Empty for numbers and for labels without letters,
/// where every sign matters.
pub(in crate::data) fn folded(label: &str) -> String {
    if !label.contains(char::is_alphabetic) {
        return String::new();
    }
    label.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

/// Whether a label is probably another one with a letter wrong: one more, one less, another one, or two swapped.
pub(in crate::data) fn is_near(wrong: &str, right: &str) -> bool {
    right.chars().count() >= LONG && strsim::osa_distance(wrong, right) == 1
}

/// The known label that another one probably stands for: written differently, or with one letter wrong.
#[must_use]
pub fn label_like<'a>(label: &str, known: &'a [String]) -> Option<&'a str> {
    let label = folded(label);
    if label.is_empty() {
        return None;
    }
    let same = known.iter().find(|known| folded(known) == label);
    let near = || known.iter().find(|known| is_near(&label, &folded(known)));
    same.or_else(near).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_stands_for_the_known_one_that_it_is_a_spelling_of() {
        let known = ["positive", "very-bad", "5", "mid"].map(str::to_owned);
        let like = |label| label_like(label, &known);
        assert_eq!(
            [like("Positive"), like("postive"), like("Very bad")],
            [Some("positive"), Some("positive"), Some("very-bad")]
        );
        assert_eq!([like("mad"), like("4"), like("mixed"), like("")], [None; 4]);
    }
}
