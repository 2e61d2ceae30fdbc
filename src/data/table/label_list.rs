//! Cells that hold a list of labels, as labelling tools and data frames write them: `["a", "b"]`, `['a']`,
//! `{"choices": ["a", "b"]}`.

/// The labels of a cell that holds a list; `None` for every other cell.
pub(in crate::data) fn listed_labels(cell: &str) -> Option<Vec<&str>> {
    let cell = cell.trim();
    let list = match cell.as_bytes().first()? {
        b'[' => cell,
        b'{' => choices(cell)?,
        _ => return None,
    };
    items(list.strip_prefix('[')?.strip_suffix(']')?.trim())
}

/// The list in an object whose only field is `choices`.
fn choices(cell: &str) -> Option<&str> {
    let field = cell.strip_prefix('{')?.strip_suffix('}')?.trim();
    let rest = field.strip_prefix("\"choices\"").or_else(|| field.strip_prefix("'choices'"))?;
    Some(rest.trim_start().strip_prefix(':')?.trim())
}

/// The items between commas, each in quotation marks or a whole number.
fn items(mut rest: &str) -> Option<Vec<&str>> {
    let mut found = Vec::new();
    while !rest.is_empty() {
        let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\''));
        let (item, after) = match quote {
            Some(quote) => rest[1..].split_once(quote)?,
            None => rest.split_at(rest.find(',').unwrap_or(rest.len())),
        };
        let is_number = || !item.trim().is_empty() && item.trim().bytes().all(|byte| byte.is_ascii_digit());
        // An escaped letter cannot be borrowed from the cell.
        if item.contains('\\') || quote.is_none() && !is_number() {
            return None;
        }
        found.push(item.trim());
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if after.is_empty() => "",
            None => return None,
        };
    }
    Some(found)
}

/// What separates labels in a cell.
const SEPARATORS: [char; 4] = [';', '|', ',', '/'];

/// The labels that a cell such as `a;b` seems to hold: all of its parts are among the labels `is_known`.
pub(in crate::data) fn joined_labels(cell: &str, is_known: impl Fn(&str) -> bool) -> Option<Vec<&str>> {
    SEPARATORS.iter().find_map(|&separator| {
        let parts: Vec<&str> = cell.split(separator).map(str::trim).collect();
        (parts.len() > 1 && parts.iter().all(|part| !part.is_empty() && is_known(part))).then_some(parts)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_labels_are_recognised() {
        for (cell, labels) in [
            ("[\"good\"]", &["good"][..]),
            ("['good', 'it''s']", &[]),
            (" ['a', \"b c\"] ", &["a", "b c"]),
            ("{\"choices\": [\"Positive\", \"Negative\"]}", &["Positive", "Negative"]),
            ("{\"choices\":[\"One\"]}", &["One"]),
            ("[1, 2]", &["1", "2"]),
        ] {
            assert_eq!(listed_labels(cell).unwrap_or_default(), labels, "{cell}");
        }
        assert_eq!(listed_labels("[]"), Some(vec![]));
        for cell in ["good", "", "[UNK]", "[a, b]", "{\"a\": [\"b\"]}", "[\"a\"", "[\"a\\u00e9\"]", "[1.5]", "{}"] {
            assert_eq!(listed_labels(cell), None, "{cell}");
        }
    }

    #[test]
    fn joined_labels_are_known_ones_between_signs() {
        let is_known = |label: &str| ["food", "drink", "A/B"].contains(&label);
        assert_eq!(joined_labels("food;drink", is_known), Some(vec!["food", "drink"]));
        assert_eq!(joined_labels("drink | food", is_known), Some(vec!["drink", "food"]));
        for cell in ["food", "A/B", "food;rent", "food;", ";", "food and drink"] {
            assert_eq!(joined_labels(cell, is_known), None, "{cell}");
        }
    }
}
