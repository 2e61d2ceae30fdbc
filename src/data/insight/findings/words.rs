//! Numbers and names as findings say them.

/// Names listed before the rest is counted.
const NAMED: usize = 5;

/// `11,515`.
pub(super) fn grouped(value: usize) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 row has`, `11,515 rows have`.
pub(super) fn counted(value: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(value), if value == 1 { one } else { many })
}

/// `It is` of one, `They are` of more.
pub(super) fn they_are(value: usize) -> &'static str {
    if value == 1 { "It is" } else { "They are" }
}

/// A share as a whole percentage, never 0% of something nor 100% of less than all.
pub(super) fn percent(part: usize, whole: usize) -> String {
    let share = 100.0 * part as f64 / whole.max(1) as f64;
    if part > 0 && share < 0.5 {
        "less than 1%".to_owned()
    } else if part < whole && share > 99.5 {
        "more than 99%".to_owned()
    } else {
        format!("{share:.0}%")
    }
}

/// The first few parts, and how many more.
pub(super) fn listed(parts: &[String]) -> String {
    listed_of(parts.iter().cloned())
}

/// The same, of which those that are only counted are not made.
pub(super) fn listed_of(mut parts: impl ExactSizeIterator<Item = String>) -> String {
    let named = parts.by_ref().take(NAMED).collect::<Vec<_>>().join(", ");
    if parts.len() == 0 { named } else { format!("{named} and {} more", grouped(parts.len())) }
}

/// A text shortened to so many characters.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let mut short: String = text.chars().take(most).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_said() {
        assert_eq!(counted(1, "row has", "rows have"), "1 row has");
        assert_eq!(counted(1_234_567, "row", "rows"), "1,234,567 rows");
        assert_eq!([percent(1, 1_000), percent(999, 1_000), percent(2, 4)], ["less than 1%", "more than 99%", "50%"]);
        assert_eq!((percent(0, 0), percent(3, 3)), ("0%".to_owned(), "100%".to_owned()));
        let names: Vec<String> = (1..8).map(|number| number.to_string()).collect();
        assert_eq!(listed(&names), "1, 2, 3, 4, 5 and 2 more");
        assert_eq!((shortened("déjà vu", 4), shortened("abc", 3)), ("déjà…".to_owned(), "abc".to_owned()));
    }
}
