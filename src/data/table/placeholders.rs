//! Values that stand for a missing one, such as `N/A` or `-`.

/// What people and programs write where there is nothing to write, in lower case.
const PLACEHOLDERS: [&str; 24] = [
    "n/a",
    "#n/a",
    "#n/a!",
    "<na>",
    "n.a.",
    "n.a",
    "nan",
    "#null!",
    "#value!",
    "#ref!",
    "#div/0!",
    "null",
    "<null>",
    "nil",
    "(blank)",
    "(empty)",
    "(none)",
    "[blank]",
    "blank",
    "tbd",
    "tba",
    "to be determined",
    "undefined",
    "unlabeled",
];
/// Further ones that are also used as names of classes and as answers.
const AMBIGUOUS: [&str; 6] = ["na", "none", "unknown", "unlabelled", "missing", "empty"];
/// Answers that say nothing.
const NOTHING: [&str; 16] = [
    "no comment",
    "no comments",
    "no answer",
    "no response",
    "no reply",
    "no feedback",
    "nothing",
    "nothing to add",
    "nothing to say",
    "not applicable",
    "nope",
    "as above",
    "see above",
    "same as above",
    "left blank",
    "x",
];

/// Whether a value stands for a missing one, and for nothing else.
pub(in crate::data) fn is_placeholder(value: &str) -> bool {
    let value = value.trim().to_lowercase();
    is_sign(&value) || PLACEHOLDERS.contains(&value.as_str())
}

/// Whether a text has no content: nothing but signs, a placeholder, or an answer such as `no comment`.
pub(in crate::data) fn is_text_of_nothing(text: &str) -> bool {
    // Longer texts are not compared with each answer.
    if text.len() > 40 {
        return false;
    }
    let text = text.trim().to_lowercase();
    let words = text.trim_end_matches(['.', '!']);
    let is_one_of = |known: &[&str]| known.contains(&words) || known.contains(&text.as_str());
    is_sign(&text) || is_one_of(&PLACEHOLDERS) || is_one_of(&AMBIGUOUS) || is_one_of(&NOTHING)
}

/// Whether a value is one or several signs that say nothing by themselves. `!` and `:)` do.
fn is_sign(value: &str) -> bool {
    !value.is_empty()
        && value.chars().all(|sign| matches!(sign, '-' | '–' | '—' | '_' | '.' | '…' | '?' | '/' | '*' | '~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_classes_and_answers() {
        for value in ["N/A", "#N/A", "nan", "-", "--", "?", "TBD", "(blank)", "…"] {
            assert!(is_placeholder(value) && is_text_of_nothing(value), "{value}");
        }
        for value in ["None", "NA", "no comment", "Nothing.", "unknown"] {
            assert!(!is_placeholder(value) && is_text_of_nothing(value), "{value}");
        }
        for value in ["", "no", "good", "0", "👍", "!", ":)", "none of it worked"] {
            assert!(!is_placeholder(value) && !is_text_of_nothing(value), "{value}");
        }
    }
}
