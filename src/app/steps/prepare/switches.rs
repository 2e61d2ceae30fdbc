//! The cleaning switches with their names and explanations, in the order they run.

use crate::project::CleaningSettings;

/// One switch.
pub struct Switch {
    /// Field name in `CleaningSettings`.
    pub field: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it does, with an example.
    pub explanation: &'static str,
    /// Its field in the settings.
    pub get: fn(&mut CleaningSettings) -> &mut bool,
}

/// All switches.
pub const SWITCHES: [Switch; 17] = [
    Switch {
        field: "fix_mojibake",
        name: "Repair garbled characters",
        explanation: "Fixes text that was read in the wrong encoding: donâ€™t becomes don’t",
        get: |settings| &mut settings.fix_mojibake,
    },
    Switch {
        field: "strip_html",
        name: "Remove HTML tags",
        explanation: "Removes tags, scripts and comments. <br> and <p> become a space",
        get: |settings| &mut settings.strip_html,
    },
    Switch {
        field: "decode_entities",
        name: "Decode HTML entities",
        explanation: "&amp; becomes &, even when it was encoded twice",
        get: |settings| &mut settings.decode_entities,
    },
    Switch {
        field: "normalise_unicode",
        name: "Normalise Unicode",
        explanation: "Writes each character in one way (NFC): e plus a separate accent becomes é",
        get: |settings| &mut settings.normalise_unicode,
    },
    Switch {
        field: "remove_control",
        name: "Remove invisible characters",
        explanation: "Removes control characters, zero-width characters, byte order marks and soft hyphens",
        get: |settings| &mut settings.remove_control,
    },
    Switch {
        field: "mask_urls",
        name: "Mask web addresses",
        explanation: "Each becomes [URL], so that the model doesn't memorise them",
        get: |settings| &mut settings.mask_urls,
    },
    Switch {
        field: "mask_emails",
        name: "Mask e-mail addresses",
        explanation: "Each becomes [EMAIL], to keep personal data out of the model",
        get: |settings| &mut settings.mask_emails,
    },
    Switch {
        field: "mask_handles",
        name: "Mask @names",
        explanation: "Each becomes @user",
        get: |settings| &mut settings.mask_handles,
    },
    Switch {
        field: "mask_accounts",
        name: "Mask card and account numbers",
        explanation: "Payment cards become [CARD] and bank accounts [IBAN], if their check digits are valid",
        get: |settings| &mut settings.mask_accounts,
    },
    Switch {
        field: "mask_phones",
        name: "Mask phone numbers",
        explanation: "Each becomes [PHONE], to keep personal data out of the model",
        get: |settings| &mut settings.mask_phones,
    },
    Switch {
        field: "mask_orders",
        name: "Mask order numbers",
        explanation: "Order, invoice and ticket numbers become [ORDER], because they say nothing about other texts",
        get: |settings| &mut settings.mask_orders,
    },
    Switch {
        field: "name_emoji",
        name: "Name emoji",
        explanation: "Each becomes its name, such as :thumbs up:, for models that don't know emoji",
        get: |settings| &mut settings.name_emoji,
    },
    Switch {
        field: "remove_emoji",
        name: "Remove emoji",
        explanation: "Removes every emoji, along with the sentiment it expresses",
        get: |settings| &mut settings.remove_emoji,
    },
    Switch {
        field: "collapse_repeats",
        name: "Shorten repeats",
        explanation: "More than three of the same character become three: sooooo!!!!!! becomes sooo!!!",
        get: |settings| &mut settings.collapse_repeats,
    },
    Switch {
        field: "collapse_whitespace",
        name: "Collapse white space",
        explanation: "Line breaks and runs of spaces become one space, and the ends are trimmed",
        get: |settings| &mut settings.collapse_whitespace,
    },
    Switch {
        field: "drop_duplicates",
        name: "Drop duplicates",
        explanation: "Drops later rows with the same text and label, so that no copy of a training row ends up in the test set",
        get: |settings| &mut settings.drop_duplicates,
    },
    Switch {
        field: "drop_conflicts",
        name: "Drop conflicts",
        explanation: "Drops every row whose text also appears with another label",
        get: |settings| &mut settings.drop_conflicts,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cleaning_setting_has_a_switch() {
        let written = ron::to_string(&CleaningSettings::default()).unwrap();
        assert_eq!(written.matches(':').count(), SWITCHES.len());
        for switch in &SWITCHES {
            assert!(written.contains(&format!("{}:", switch.field)), "{}", switch.field);
            let mut settings = CleaningSettings::default();
            let before = *(switch.get)(&mut settings);
            *(switch.get)(&mut settings) = !before;
            let changed = ron::to_string(&settings).unwrap();
            assert!(changed.contains(&format!("{}:{}", switch.field, !before)), "{changed}");
        }
    }
}
