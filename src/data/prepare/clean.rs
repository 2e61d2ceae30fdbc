//! Cleans texts: one function for each switch of [`CleaningSettings`], in their order, and the person's own patterns.

use std::borrow::Cow;

use crate::project::CleaningSettings;

use patterns::{Compiled, most_bytes};

mod emoji;
mod html;
mod markup;
mod mask;
mod mojibake;
mod numbers;
mod patterns;
mod repeats;
mod unicode;

pub use patterns::{PatternError, check_pattern};

/// One cleaning step.
#[derive(Clone, Copy)]
pub(in crate::data) struct CleaningStep {
    /// Field name of the switch.
    pub switch: &'static str,
    /// Whether it is on.
    pub is_on: fn(&CleaningSettings) -> bool,
    /// Applies the step; borrowed if it changes nothing.
    pub apply: fn(&str) -> Cow<'_, str>,
}

impl CleaningStep {
    /// Whether the step alone changes a text.
    pub fn changes(&self, text: &str) -> bool {
        match (self.apply)(text) {
            // A part as long as the text is the text: comparing it would take longer than the step.
            Cow::Borrowed(part) => part.len() != text.len(),
            Cow::Owned(changed) => changed != text,
        }
    }
}

/// The steps that change a text, in the order they run.
pub(in crate::data) const STEPS: [CleaningStep; 15] = [
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

/// The function of a switch.
pub(in crate::data) fn step_of(field: &str) -> Option<fn(&str) -> Cow<'_, str>> {
    STEPS.iter().find(|step| step.switch == field).map(|step| step.apply)
}

/// The person's patterns run before this place in [`STEPS`], so that the white space they leave is tidied up.
const PATTERNS_BEFORE: usize = STEPS.len() - 1;

/// Cleans texts by the settings. Created once for many texts, as it compiles the person's patterns.
pub struct Cleaner {
    settings: CleaningSettings,
    /// In the order of the settings; `None` where a pattern cannot be used.
    patterns: Vec<Option<Compiled>>,
}

/// The effect of a pattern on a text while it is cleaned.
pub(in crate::data) struct PatternEffect<'t> {
    /// Place of the pattern in the settings.
    pub pattern: usize,
    /// The text before the pattern.
    pub before: &'t str,
    /// The text after the pattern, if it runs or would run; `None` if that would be too long, and the text stays
    /// unchanged.
    pub after: Option<&'t str>,
}

impl Cleaner {
    /// Creates a cleaner.
    ///
    /// # Errors
    /// The error of the first pattern that is on and cannot be used.
    pub fn new(settings: &CleaningSettings) -> Result<Self, PatternError> {
        let (cleaner, faults) = Self::without_faults(settings);
        match faults.into_iter().find(|fault| settings.patterns[fault.number - 1].enabled) {
            Some(fault) => Err(fault),
            None => Ok(cleaner),
        }
    }

    /// Creates a cleaner without the patterns that cannot be used, and returns their errors, whether on or off.
    #[must_use]
    pub fn without_faults(settings: &CleaningSettings) -> (Self, Vec<PatternError>) {
        let mut faults = Vec::new();
        let compiled = settings
            .patterns
            .iter()
            .zip(1..)
            .map(|(pattern, number)| Compiled::new(pattern, number).map_err(|fault| faults.push(fault)).ok());
        let patterns = compiled.collect();
        (Self { settings: settings.clone(), patterns }, faults)
    }

    /// Cleans a text: every switch that is on and every pattern that is on, in order.
    ///
    /// Tags written as entities (`&lt;br&gt;`) are removed too if both switches are on. A pattern that would
    /// make the text more than four times as long leaves it unchanged.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        self.clean_and_tell(text, |_| ())
    }

    /// As [`Cleaner::clean`]. Calls `tell` for every pattern that changes the text, or would if it were on.
    pub(in crate::data) fn clean_and_tell(&self, text: &str, mut tell: impl FnMut(PatternEffect<'_>)) -> String {
        let most = most_bytes(text.len());
        let mut cleaned = self.run(&STEPS[..PATTERNS_BEFORE], Cow::Borrowed(text));
        for (place, compiled) in self.patterns.iter().enumerate() {
            let Some(compiled) = compiled else { continue };
            let after = compiled.apply(&cleaned, most);
            if !matches!(after, Some(Cow::Borrowed(_))) {
                tell(PatternEffect { pattern: place, before: &cleaned, after: after.as_deref() });
            }
            match after {
                Some(Cow::Owned(after)) if self.settings.patterns[place].enabled => cleaned = Cow::Owned(after),
                _ => {}
            }
        }
        self.run(&STEPS[PATTERNS_BEFORE..], cleaned).into_owned()
    }

    /// Whether a text stays as it is. Bit `i` of `changed_by` is set if `STEPS[i]` alone changes it.
    pub(in crate::data) fn keeps(&self, changed_by: u16) -> bool {
        let changes =
            |(place, step): (usize, &CleaningStep)| changed_by & (1 << place) != 0 && (step.is_on)(&self.settings);
        self.patterns.is_empty() && !STEPS.iter().enumerate().any(changes)
    }

    /// Runs the steps that are on.
    fn run<'t>(&self, steps: &[CleaningStep], mut text: Cow<'t, str>) -> Cow<'t, str> {
        for step in steps.iter().filter(|step| (step.is_on)(&self.settings)) {
            text = then(text, step.apply);
            if step.switch == "decode_entities" && self.settings.strip_html {
                text = then(text, html::strip_tags);
            }
        }
        text
    }
}

/// Applies a step, and copies only if it changes something.
fn then(text: Cow<'_, str>, apply: fn(&str) -> Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => apply(text),
        Cow::Owned(text) => match apply(&text) {
            Cow::Owned(changed) => Cow::Owned(changed),
            // A step may return a part of the text, for example a trimmed text.
            Cow::Borrowed(part) if part.len() < text.len() => Cow::Owned(part.to_owned()),
            Cow::Borrowed(_) => Cow::Owned(text),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::project::Pattern;
    use crate::random::Rng;

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

    fn clean(text: &str, settings: &CleaningSettings) -> String {
        Cleaner::new(settings).unwrap().clean(text)
    }

    fn pattern(find: &str, replace: &str) -> Pattern {
        Pattern { find: find.to_owned(), replace: replace.to_owned(), ..Pattern::default() }
    }

    #[test]
    fn all_steps_run_in_order() {
        let dirty = "\u{FEFF}<p>I donâ€™t&nbsp;like&amp;nbsp;it &amp;amp; &lt;br /&gt;never\u{200B} will\u{0}</p>\n @bob see https://x.org/a?b=1. me@x.org";
        assert_eq!(clean(dirty, &all()), "I don’t like it & never will @user see [URL]. [EMAIL]");
    }

    #[test]
    fn without_switches_nothing_changes() {
        let dirty = " <b>donâ€™t</b> &amp; \u{200B} ";
        assert_eq!(clean(dirty, &CleaningSettings::none()), dirty);
    }

    #[test]
    fn patterns_run_in_order_on_clean_text_and_are_tidied_after() {
        let mut settings = CleaningSettings {
            patterns: vec![
                pattern("don’t", "do not"),
                pattern("do not like", "dislike"),
                pattern("sent from here", ""),
            ],
            ..CleaningSettings::default()
        };
        let dirty = "I donâ€™t like <b>it</b>.\n-\nSent from\nhere";
        assert_eq!(clean(dirty, &settings), "I dislike it. -");
        settings.patterns.swap(0, 1);
        assert_eq!(clean(dirty, &settings), "I do not like it. -");
        settings.patterns[1].enabled = false;
        assert_eq!(clean(dirty, &settings), "I don’t like it. -");
        let lines = Pattern { regex: true, ..pattern(r"(?m)^-$", "") };
        settings.patterns = vec![lines];
        assert_eq!(clean(dirty, &settings), "I don’t like it. Sent from here", "line breaks are still there");
        settings.patterns = vec![pattern("[EMAIL]", "")];
        settings.mask_emails = true;
        assert_eq!(clean("write to me@x.org now", &settings), "write to now", "masks stand before patterns");
    }

    #[test]
    fn a_pattern_that_is_off_is_reported_and_changes_nothing() {
        let off = Pattern { enabled: false, ..pattern("a", "b") };
        let wrong = Pattern { regex: true, enabled: false, ..pattern("(", "") };
        let settings = CleaningSettings { patterns: vec![off, wrong], ..CleaningSettings::none() };
        let cleaner = Cleaner::new(&settings).unwrap_or_else(|error| panic!("what is off is no fault: {error}"));
        let mut told = Vec::new();
        let kept = cleaner.clean_and_tell("banana", |effect| {
            told.push((effect.pattern, effect.before.to_owned(), effect.after.map(str::to_owned)));
        });
        assert_eq!((kept.as_str(), told), ("banana", vec![(0, "banana".to_owned(), Some("bbnbnb".to_owned()))]));
        assert_eq!(Cleaner::without_faults(&settings).1.len(), 1);
        let mut settings = settings;
        settings.patterns[1].enabled = true;
        assert_eq!(Cleaner::new(&settings).map(|_| ()).unwrap_err().number, 2);
    }

    #[test]
    fn patterns_that_feed_each_other_do_not_fill_the_memory() {
        let double = Pattern { regex: true, ..pattern("(.)", "$1$1") };
        let settings = CleaningSettings { patterns: vec![double; 100], ..CleaningSettings::none() };
        let mut too_long = 0;
        let cleaned = Cleaner::new(&settings).unwrap().clean_and_tell(&"x".repeat(1_000), |effect| {
            too_long += usize::from(effect.after.is_none());
        });
        assert_eq!((cleaned.len(), too_long), (4_000, 98));
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

    /// The fastest of a few times that a step takes on a text, in seconds, because other programs run too.
    fn seconds(step: fn(&str) -> Cow<'_, str>, text: &str) -> f64 {
        let timed = (0..3).map(|_| {
            let begun = Instant::now();
            std::hint::black_box(step(text));
            begun.elapsed().as_secs_f64()
        });
        timed.fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn every_step_takes_a_time_in_proportion_to_the_text() {
        let pieces = [
            "<",
            ">",
            "/",
            "\"",
            "'",
            " ",
            "a",
            "1",
            "=",
            "<!--",
            "<script>",
            "</script",
            "<style>",
            "<a ",
            "&",
            "&amp",
            ";",
            "@",
            ".",
            "http://",
            "www.",
            "+49",
            "0",
            "-",
            "order ",
            "😀",
            "\u{301}",
            "\u{200D}",
            "Ã",
            "â€",
            "\u{1F1E6}",
            "!",
        ];
        let mut rng = Rng::new(11);
        let mut joined = || (0..=rng.below(3)).map(|_| pieces[rng.below(pieces.len() as u64) as usize]).collect();
        let mut fragments: Vec<String> = (0..30).map(|_| joined()).collect();
        fragments.extend(["<script>", "<style>", "<script>x</scrip", "<a \"", "<a '\""].map(str::to_owned));
        for fragment in fragments {
            let text = |bytes: usize| fragment.repeat(bytes / fragment.len());
            for step in STEPS {
                let times = || (seconds(step.apply, &text(1 << 12)), seconds(step.apply, &text(1 << 15)));
                // Eight times the text: with squares, 64 times the time. One of a few tries is undisturbed.
                let is_in_proportion = (0..5).map(|_| times()).any(|(short, long)| long < 27.0 * short.max(1e-4));
                assert!(is_in_proportion, "{} of {fragment:?}: {:?} s", step.switch, times());
            }
        }
    }

    #[test]
    fn each_switch_names_a_field_of_the_settings() {
        let settings = format!("{:?}", CleaningSettings::default());
        for step in STEPS {
            assert!(settings.contains(step.switch), "{}", step.switch);
        }
        assert_eq!(STEPS[PATTERNS_BEFORE].switch, "collapse_whitespace");
    }
}
