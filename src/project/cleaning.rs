//! Cleaning steps, in the order they run.

use serde::{Deserialize, Serialize};

/// Which cleaning steps run on every text, in this order, and which rows are dropped afterwards.
///
/// Custom patterns run after the built-in steps and before white space is collapsed. They see text that is repaired,
/// decoded and masked but still has its line breaks, and any white space they leave is collapsed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "each is an independent switch on screen")]
pub struct CleaningSettings {
    /// Repair UTF-8 that was read as Windows-1252 ("donâ€™t" -> "don’t").
    pub fix_mojibake: bool,
    /// Remove HTML tags, scripts, styles and comments; `<br>`, `<p>` and the like become a space.
    pub strip_html: bool,
    /// Decode HTML entities (`&amp;` -> `&`), also when encoded twice.
    pub decode_entities: bool,
    /// Normalise to Unicode form NFC.
    pub normalise_unicode: bool,
    /// Remove control characters, zero-width characters, byte order marks and soft hyphens.
    pub remove_control: bool,
    /// Replace web addresses by `[URL]`.
    pub mask_urls: bool,
    /// Replace e-mail addresses by `[EMAIL]`.
    pub mask_emails: bool,
    /// Replace `@name` by `@user`.
    pub mask_handles: bool,
    /// Replace payment card numbers by `[CARD]` and bank account numbers by `[IBAN]`.
    pub mask_accounts: bool,
    /// Replace phone numbers by `[PHONE]`.
    pub mask_phones: bool,
    /// Replace order, invoice and ticket numbers by `[ORDER]`.
    pub mask_orders: bool,
    /// Replace emoji by their names: `:thumbs up:`.
    pub name_emoji: bool,
    /// Remove emoji.
    pub remove_emoji: bool,
    /// Shorten runs of more than three equal letters or punctuation marks to three.
    pub collapse_repeats: bool,
    /// Custom find-and-replace patterns, in the order they run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<Pattern>,
    /// Collapse runs of white space to one space and trim both ends.
    pub collapse_whitespace: bool,
    /// Drop later rows with the same text and label.
    pub drop_duplicates: bool,
    /// Drop every row whose text also occurs with another label.
    pub drop_conflicts: bool,
}

/// A find-and-replace pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pattern {
    /// What to find. Plain words are found literally, except that white space matches any white space. A regular
    /// expression has the syntax of Rust's `regex`: no look-around, no back-references, linear time.
    pub find: String,
    /// The replacement; an empty one removes the match. With a regular expression, `$1` or `${name}` stands for a group
    /// and `$$` for a dollar sign; otherwise it is used literally.
    pub replace: String,
    /// Whether `find` is a regular expression.
    pub regex: bool,
    /// Whether matching is case-sensitive.
    pub match_case: bool,
    /// Whether it is turned on.
    pub enabled: bool,
}

impl Default for Pattern {
    fn default() -> Self {
        Self { find: String::new(), replace: String::new(), regex: false, match_case: false, enabled: true }
    }
}

impl CleaningSettings {
    /// No cleaning: texts stay unchanged and no row is dropped.
    #[must_use]
    pub fn none() -> Self {
        Self {
            fix_mojibake: false,
            strip_html: false,
            decode_entities: false,
            normalise_unicode: false,
            remove_control: false,
            mask_urls: false,
            mask_emails: false,
            mask_handles: false,
            mask_accounts: false,
            mask_phones: false,
            mask_orders: false,
            name_emoji: false,
            remove_emoji: false,
            collapse_repeats: false,
            patterns: Vec::new(),
            collapse_whitespace: false,
            drop_duplicates: false,
            drop_conflicts: false,
        }
    }

    /// The switch with this field name.
    pub fn switch_mut(&mut self, field: &str) -> Option<&mut bool> {
        Some(match field {
            "fix_mojibake" => &mut self.fix_mojibake,
            "strip_html" => &mut self.strip_html,
            "decode_entities" => &mut self.decode_entities,
            "normalise_unicode" => &mut self.normalise_unicode,
            "remove_control" => &mut self.remove_control,
            "mask_urls" => &mut self.mask_urls,
            "mask_emails" => &mut self.mask_emails,
            "mask_handles" => &mut self.mask_handles,
            "mask_accounts" => &mut self.mask_accounts,
            "mask_phones" => &mut self.mask_phones,
            "mask_orders" => &mut self.mask_orders,
            "name_emoji" => &mut self.name_emoji,
            "remove_emoji" => &mut self.remove_emoji,
            "collapse_repeats" => &mut self.collapse_repeats,
            "collapse_whitespace" => &mut self.collapse_whitespace,
            "drop_duplicates" => &mut self.drop_duplicates,
            "drop_conflicts" => &mut self.drop_conflicts,
            _ => return None,
        })
    }
}

impl Default for CleaningSettings {
    fn default() -> Self {
        Self {
            fix_mojibake: true,
            strip_html: true,
            decode_entities: true,
            normalise_unicode: true,
            remove_control: true,
            collapse_whitespace: true,
            drop_duplicates: true,
            ..Self::none()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_without_patterns_are_read_and_written_unchanged() {
        let old: CleaningSettings = ron::from_str("(mask_urls: true)").unwrap();
        assert_eq!(old, CleaningSettings { mask_urls: true, ..CleaningSettings::default() });
        assert!(!ron::to_string(&old).unwrap().contains("patterns"));
        let new: CleaningSettings = ron::from_str("(patterns: [(find: \"a\", replace: \"b\")])").unwrap();
        let pattern = Pattern { find: "a".to_owned(), replace: "b".to_owned(), ..Pattern::default() };
        assert_eq!(new.patterns, [pattern]);
        assert_eq!(ron::from_str::<CleaningSettings>(&ron::to_string(&new).unwrap()).unwrap(), new);
    }
}
