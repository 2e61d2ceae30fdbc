//! Cleaning steps as a list of switches, in the order they run.

use serde::{Deserialize, Serialize};

/// Which cleaning steps run over every text, in this order, and which rows are then left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(clippy::struct_excessive_bools, reason = "each is an independent switch a person sees as such")]
pub struct CleaningSettings {
    /// Repair UTF-8 that was read as Windows-1252 ("donâ€™t" -> "don’t").
    pub fix_mojibake: bool,
    /// Remove HTML tags; `<br>`, `<p>` and the like become a space; scripts, styles and comments go.
    pub strip_html: bool,
    /// Decode HTML entities (`&amp;` -> `&`), also when encoded twice.
    pub decode_entities: bool,
    /// Unicode form NFC.
    pub normalise_unicode: bool,
    /// Remove control characters, zero-width characters, byte order marks and soft hyphens.
    pub remove_control: bool,
    /// Web addresses become `[URL]`.
    pub mask_urls: bool,
    /// E-mail addresses become `[EMAIL]`.
    pub mask_emails: bool,
    /// `@name` becomes `@user`.
    pub mask_handles: bool,
    /// Numbers of payment cards become `[CARD]`, of bank accounts `[IBAN]`.
    pub mask_accounts: bool,
    /// Telephone numbers become `[PHONE]`.
    pub mask_phones: bool,
    /// Numbers of orders, invoices and tickets become `[ORDER]`.
    pub mask_orders: bool,
    /// Emoji become their names: `:thumbs up:`.
    pub name_emoji: bool,
    /// Emoji go.
    pub remove_emoji: bool,
    /// More than three of the same letter or mark in a row become three.
    pub collapse_repeats: bool,
    /// Runs of white space become one space; ends are trimmed.
    pub collapse_whitespace: bool,
    /// Leave out later rows with the same text and label.
    pub drop_duplicates: bool,
    /// Leave out every row whose text also stands with another label.
    pub drop_conflicts: bool,
}

impl Default for CleaningSettings {
    fn default() -> Self {
        Self {
            fix_mojibake: true,
            strip_html: true,
            decode_entities: true,
            normalise_unicode: true,
            remove_control: true,
            mask_urls: false,
            mask_emails: false,
            mask_handles: false,
            mask_accounts: false,
            mask_phones: false,
            mask_orders: false,
            name_emoji: false,
            remove_emoji: false,
            collapse_repeats: false,
            collapse_whitespace: true,
            drop_duplicates: true,
            drop_conflicts: false,
        }
    }
}
