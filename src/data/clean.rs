//! Cleaning of texts, one function a switch of [`CleaningSettings`], in its order.

use std::borrow::Cow;

use crate::project::CleaningSettings;

mod emoji;
mod html;
mod mask;
mod mojibake;
mod numbers;
mod repeats;
mod unicode;

/// One cleaning step.
#[derive(Clone, Copy)]
pub(super) struct CleaningStep {
    /// Field name of the switch.
    pub switch: &'static str,
    /// Whether it is on.
    pub is_on: fn(&CleaningSettings) -> bool,
    /// What it does; borrowed when it changes nothing.
    pub apply: fn(&str) -> Cow<'_, str>,
}

/// The steps that change a text, in the order they run.
pub(super) const STEPS: [CleaningStep; 15] = [
    CleaningStep { switch: "fix_mojibake", is_on: |settings| settings.fix_mojibake, apply: mojibake::repair },
    CleaningStep { switch: "strip_html", is_on: |settings| settings.strip_html, apply: html::strip_tags },
    CleaningStep {
        switch: "decode_entities",
        is_on: |settings| settings.decode_entities,
        apply: html::decode_entities,
    },
    CleaningStep { switch: "normalise_unicode", is_on: |settings| settings.normalise_unicode, apply: unicode::compose },
    CleaningStep {
        switch: "remove_control",
        is_on: |settings| settings.remove_control,
        apply: unicode::remove_control,
    },
    CleaningStep { switch: "mask_urls", is_on: |settings| settings.mask_urls, apply: mask::urls },
    CleaningStep { switch: "mask_emails", is_on: |settings| settings.mask_emails, apply: mask::emails },
    CleaningStep { switch: "mask_handles", is_on: |settings| settings.mask_handles, apply: mask::handles },
    CleaningStep { switch: "mask_accounts", is_on: |settings| settings.mask_accounts, apply: numbers::accounts },
    CleaningStep { switch: "mask_phones", is_on: |settings| settings.mask_phones, apply: numbers::phones },
    CleaningStep { switch: "mask_orders", is_on: |settings| settings.mask_orders, apply: numbers::orders },
    CleaningStep { switch: "name_emoji", is_on: |settings| settings.name_emoji, apply: emoji::name },
    CleaningStep { switch: "remove_emoji", is_on: |settings| settings.remove_emoji, apply: emoji::remove },
    CleaningStep { switch: "collapse_repeats", is_on: |settings| settings.collapse_repeats, apply: repeats::shorten },
    CleaningStep {
        switch: "collapse_whitespace",
        is_on: |settings| settings.collapse_whitespace,
        apply: unicode::collapse_whitespace,
    },
];

/// Cleans a text: every switch of `settings` that is on, in order.
///
/// Tags that were hidden as entities (`&lt;br&gt;`) are stripped too when both switches are on.
#[must_use]
pub fn clean(text: &str, settings: &CleaningSettings) -> String {
    let mut cleaned = Cow::Borrowed(text);
    for step in STEPS.iter().filter(|step| (step.is_on)(settings)) {
        cleaned = then(cleaned, step.apply);
        if step.switch == "decode_entities" && settings.strip_html {
            cleaned = then(cleaned, html::strip_tags);
        }
    }
    cleaned.into_owned()
}

/// Applies a step and copies only when it changes something.
fn then(text: Cow<'_, str>, apply: fn(&str) -> Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => apply(text),
        Cow::Owned(text) => match apply(&text) {
            Cow::Owned(changed) => Cow::Owned(changed),
            // A step may hand back a part of the text, such as one with its ends trimmed.
            Cow::Borrowed(part) if part.len() < text.len() => Cow::Owned(part.to_owned()),
            Cow::Borrowed(_) => Cow::Owned(text),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> CleaningSettings {
        CleaningSettings {
            mask_urls: true,
            mask_emails: true,
            mask_handles: true,
            mask_accounts: true,
            mask_phones: true,
            mask_orders: true,
            name_emoji: true,
            collapse_repeats: true,
            ..CleaningSettings::default()
        }
    }

    #[test]
    fn the_whole_chain() {
        let dirty = "\u{FEFF}<p>I donâ€™t&nbsp;like&amp;nbsp;it &amp;amp; &lt;br /&gt;never\u{200B} will\u{0}</p>\n @bob see https://x.org/a?b=1. me@x.org";
        assert_eq!(clean(dirty, &all()), "I don’t like it & never will @user see [URL]. [EMAIL]");
    }

    #[test]
    fn nothing_on_changes_nothing() {
        let settings = CleaningSettings {
            fix_mojibake: false,
            strip_html: false,
            decode_entities: false,
            normalise_unicode: false,
            remove_control: false,
            collapse_whitespace: false,
            ..CleaningSettings::default()
        };
        let dirty = " <b>donâ€™t</b> &amp; \u{200B} ";
        assert_eq!(clean(dirty, &settings), dirty);
    }

    #[test]
    fn cleaning_twice_changes_nothing_more() {
        for text in [
            "+44 20 7946 0958, order #12345",
            "no 👍🏽 soooo!!!!",
            "a &amp;lt;b&amp;gt; c",
            "x < y and z > w",
            "<3 you",
            "Ã¢â‚¬â„¢s",
            "  a\u{A0} b ",
        ] {
            let once = clean(text, &all());
            assert_eq!(clean(&once, &all()), once, "{text}");
        }
    }

    #[test]
    fn each_switch_names_a_field_of_the_settings() {
        let settings = format!("{:?}", CleaningSettings::default());
        for step in STEPS {
            assert!(settings.contains(step.switch), "{}", step.switch);
        }
    }
}
