//! The fonts of the window: Inter for text, Phosphor for icons, and egui's fonts as a fallback.

use std::sync::Arc;

use egui::{FontData, FontDefinitions, FontFamily, FontTweak};

use crate::app::theme::scripts::without_emoji;
use crate::chart::{INTER, INTER_STRONG};

/// Semi-bold text.
#[must_use]
pub fn strong_family() -> FontFamily {
    FontFamily::Name("strong".into())
}

/// All bundled fonts but emoji. Every family falls back to the icons and then to egui's fonts.
pub(super) fn definitions() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let mut add = |name: &str, bytes: &'static [u8], tweak: FontTweak| {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes).tweak(tweak)));
    };
    // Phosphor icons fill the em box while text sits on the baseline, so icons are drawn lower and larger.
    let icon = FontTweak { scale: 1.15, y_offset_factor: 0.06, ..FontTweak::default() };
    add("inter", INTER, FontTweak::default());
    add("inter-strong", INTER_STRONG, FontTweak::default());
    add("icons", include_bytes!("../../../assets/fonts/phosphor-subset.ttf"), icon);

    let fallback = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let family = |first: &[&str]| {
        let mut names: Vec<String> = first.iter().map(|&name| name.to_owned()).collect();
        names.extend(fallback.iter().cloned());
        names
    };
    let text = family(&["inter", "icons"]);
    let strong = family(&["inter-strong", "icons"]);
    fonts.families.insert(FontFamily::Proportional, text);
    fonts.families.insert(strong_family(), strong);
    if let Some(mono) = fonts.families.get_mut(&FontFamily::Monospace) {
        mono.insert(1, "icons".to_owned());
    }
    without_emoji(&mut fonts);
    fonts
}
