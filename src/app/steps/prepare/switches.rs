//! The cleaning switches as a person sees them, in the order they run.

use crate::project::CleaningSettings;

/// One switch.
pub struct Switch {
    /// Field name in `CleaningSettings`.
    pub field: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it does, with an example.
    pub explanation: &'static str,
    /// Where it stands in the settings.
    pub get: fn(&mut CleaningSettings) -> &mut bool,
}

/// All switches.
pub const SWITCHES: [Switch; 17] = [
    Switch {
        field: "fix_mojibake",
        name: "Repair garbled characters",
        explanation: "Text that was read in the wrong encoding: donâ€™t becomes don’t",
        get: |settings| &mut settings.fix_mojibake,
    },
    Switch {
        field: "strip_html",
        name: "Remove HTML tags",
        explanation: "Tags, scripts and comments go; <br> and <p> become a space",
        get: |settings| &mut settings.strip_html,
    },
    Switch {
        field: "decode_entities",
        name: "Decode HTML entities",
        explanation: "&amp; becomes &, also where it was encoded twice",
        get: |settings| &mut settings.decode_entities,
    },
    Switch {
        field: "normalise_unicode",
        name: "Normalise Unicode",
        explanation: "One way to write each character (NFC): e and a separate accent become é",
        get: |settings| &mut settings.normalise_unicode,
    },
    Switch {
        field: "remove_control",
        name: "Remove invisible characters",
        explanation: "Control characters, zero-width characters, byte order marks and soft hyphens",
        get: |settings| &mut settings.remove_control,
    },
    Switch {
        field: "mask_urls",
        name: "Mask web addresses",
        explanation: "Each becomes [URL], so that the model does not learn them by heart",
        get: |settings| &mut settings.mask_urls,
    },
    Switch {
        field: "mask_emails",
        name: "Mask e-mail addresses",
        explanation: "Each becomes [EMAIL]: personal data stays out of the model",
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
        explanation: "Payment cards become [CARD], bank accounts [IBAN]; only numbers whose check digits are right",
        get: |settings| &mut settings.mask_accounts,
    },
    Switch {
        field: "mask_phones",
        name: "Mask telephone numbers",
        explanation: "Each becomes [PHONE]: personal data stays out of the model",
        get: |settings| &mut settings.mask_phones,
    },
    Switch {
        field: "mask_orders",
        name: "Mask order numbers",
        explanation: "Numbers of orders, invoices and tickets become [ORDER]: they say nothing about the next text",
        get: |settings| &mut settings.mask_orders,
    },
    Switch {
        field: "name_emoji",
        name: "Name emoji",
        explanation: "Each becomes its name in words, such as :thumbs up:, for models that never learnt the picture",
        get: |settings| &mut settings.name_emoji,
    },
    Switch {
        field: "remove_emoji",
        name: "Remove emoji",
        explanation: "Each goes without a trace; their feeling goes too",
        get: |settings| &mut settings.remove_emoji,
    },
    Switch {
        field: "collapse_repeats",
        name: "Shorten repeats",
        explanation: "More than three of the same letter or mark become three: sooooo!!!!!! becomes sooo!!!",
        get: |settings| &mut settings.collapse_repeats,
    },
    Switch {
        field: "collapse_whitespace",
        name: "Collapse white space",
        explanation: "Line breaks and runs of spaces become one space; ends are trimmed",
        get: |settings| &mut settings.collapse_whitespace,
    },
    Switch {
        field: "drop_duplicates",
        name: "Leave out duplicates",
        explanation: "Later rows with the same text and label: else a copy of a training row may stand in the test",
        get: |settings| &mut settings.drop_duplicates,
    },
    Switch {
        field: "drop_conflicts",
        name: "Leave out conflicts",
        explanation: "Every row whose text also stands with another label",
        get: |settings| &mut settings.drop_conflicts,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_settings_has_its_switch() {
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
