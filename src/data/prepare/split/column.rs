//! Splits rows by a column that gives each row's side.

use crate::data::Side;

/// Names of the sides, in lower case.
const NAMES: [(Side, &[&str]); 3] = [
    (Side::Train, &["train", "training", "trn", "learn"]),
    (Side::Validation, &["validation", "valid", "val", "dev", "devel", "development", "eval", "evaluation"]),
    (Side::Test, &["test", "testing", "tst", "holdout", "hold-out", "held-out"]),
];

/// The side that a value names, in upper or lower case; `None` if it names none.
pub(in crate::data) fn named(value: &str) -> Option<Side> {
    let value = value.trim().to_lowercase();
    NAMES.iter().find(|(_, names)| names.contains(&value.as_str())).map(|(side, _)| *side)
}

/// The best-known names of the sides, for messages.
pub(super) const KNOWN: &str = "train, validation (valid, val, dev, eval) and test";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_in_any_spelling() {
        for (value, side) in [
            ("train", Side::Train),
            (" TRAINING ", Side::Train),
            ("Dev", Side::Validation),
            ("valid", Side::Validation),
            ("eval", Side::Validation),
            ("Test", Side::Test),
        ] {
            assert_eq!(named(value), Some(side), "{value}");
        }
        assert_eq!((named(""), named("tests"), named("1")), (None, None, None));
    }
}
