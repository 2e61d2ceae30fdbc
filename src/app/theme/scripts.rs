//! Text in any script: fonts of the system for what the bundled ones lack, and colour emoji.
//!
//! The system's fonts are listed in the background, and only once a text needs one of them. Their files are memory-mapped.

use std::collections::BTreeSet;
use std::sync::Arc;

use egui::epaint::text::{FallbackRequest, FontData, FontInsert, FontProvider};
use egui::mutex::Mutex;
use egui::{Context, FontDefinitions, FontFamily, Plugin, Ui};
use egui_system_font_provider::SystemFontProvider;
use unicode_script::{Script, UnicodeScript};

/// The fonts in egui that have emoji, in black and white. They are used where the system has no emoji.
const PLAIN_EMOJI: [&str; 2] = ["NotoEmoji-Regular", "emoji-icon-font"];
/// An emoji that only emoji fonts have: text fonts have the older ones, in black and white.
const RECENT_EMOJI: &str = "\u{1F923}";

/// Removes the emoji from the fonts that are asked first, so that [`plain_emoji`] comes after the system's fonts.
pub(super) fn without_emoji(fonts: &mut FontDefinitions) {
    for names in fonts.families.values_mut() {
        names.retain(|name| !PLAIN_EMOJI.contains(&name.as_str()));
    }
}

/// egui's own emoji, in black and white.
pub(super) fn plain_emoji() -> Arc<dyn FontProvider> {
    let fonts: Vec<(String, Arc<FontData>)> = FontDefinitions::default()
        .font_data
        .into_iter()
        .filter(|(name, _)| PLAIN_EMOJI.contains(&name.as_str()))
        .collect();
    Arc::new(PlainEmoji { fonts })
}

struct PlainEmoji {
    fonts: Vec<(String, Arc<FontData>)>,
}

impl FontProvider for PlainEmoji {
    fn font_for(&self, request: &FallbackRequest<'_>) -> Option<FontInsert> {
        let letter = request.cluster.chars().next()?;
        let (name, data) = self.fonts.iter().find(|(_, data)| has_glyph(data, letter))?;
        Some(FontInsert::new(name, (**data).clone(), Vec::new()))
    }
}

fn has_glyph(font: &FontData, letter: char) -> bool {
    use skrifa::MetadataProvider;
    skrifa::FontRef::from_index(font.as_ref(), font.index).is_ok_and(|font| font.charmap().map(letter).is_some())
}

/// Finds fonts of the system. egui asks for each letter once; after the fonts are there, it is told to ask again.
#[derive(Default)]
struct SystemFonts {
    state: Mutex<State>,
    /// Scripts that texts use and no font has.
    missing: Mutex<BTreeSet<&'static str>>,
}

#[derive(Default)]
enum State {
    /// No text has needed them yet.
    #[default]
    Unneeded,
    /// A text needs them.
    Needed,
    /// They are being listed.
    Loading,
    /// They can be used.
    Loaded(Box<Loaded>),
}

struct Loaded {
    fonts: SystemFontProvider,
    emoji: Option<FontInsert>,
}

impl Loaded {
    fn now() -> Self {
        let fonts = SystemFontProvider::new();
        // Waits until the fonts are listed.
        let emoji = fonts.font_for(&FallbackRequest { cluster: RECENT_EMOJI, family: &FontFamily::Proportional });
        Self { fonts, emoji }
    }
}

impl FontProvider for SystemFonts {
    fn fonts_for_family(&self, _: &FontFamily) -> Vec<FontInsert> {
        match &*self.state.lock() {
            // Before any other font of the system, because many of those have a few emoji in black and white.
            State::Loaded(loaded) => loaded.emoji.iter().cloned().collect(),
            State::Unneeded | State::Needed | State::Loading => Vec::new(),
        }
    }

    fn font_for(&self, request: &FallbackRequest<'_>) -> Option<FontInsert> {
        let mut state = self.state.lock();
        let State::Loaded(loaded) = &*state else {
            if matches!(*state, State::Unneeded) {
                *state = State::Needed;
            }
            return None;
        };
        let found = loaded.fonts.font_for(request);
        if found.is_none()
            && let Some(name) = request.cluster.chars().next().and_then(script_name)
        {
            self.missing.lock().insert(name);
        }
        found
    }
}

/// The script of a letter as people call it; `None` for signs that all scripts share.
fn script_name(letter: char) -> Option<&'static str> {
    match letter.script() {
        Script::Common | Script::Inherited | Script::Unknown => None,
        Script::Han | Script::Bopomofo => Some("Chinese"),
        Script::Hiragana | Script::Katakana => Some("Japanese"),
        Script::Hangul => Some("Korean"),
        script => Some(script.full_name()),
    }
}

/// What has to be installed to read a script.
fn remedy() -> &'static str {
    if cfg!(target_os = "windows") {
        "Add the language in Windows Settings > Time & language, then start Hone again"
    } else if cfg!(target_os = "macos") {
        "Install a font for it with Font Book, then start Hone again"
    } else {
        "Install a font for it, such as the package fonts-noto-core (fonts-noto-cjk for Chinese, Japanese and Korean), \
         then start Hone again"
    }
}

/// Loads the system's fonts when a text needs them.
struct FontLoader {
    fonts: Arc<SystemFonts>,
    told: BTreeSet<&'static str>,
}

impl Plugin for FontLoader {
    fn debug_name(&self) -> &'static str {
        "fonts of the system"
    }

    fn on_end_pass(&mut self, ui: &mut Ui) {
        let mut state = self.fonts.state.lock();
        if !matches!(*state, State::Needed) {
            return;
        }
        *state = State::Loading;
        let (ctx, fonts) = (ui.ctx().clone(), Arc::clone(&self.fonts));
        let load = move || {
            let loaded = State::Loaded(Box::new(Loaded::now()));
            *fonts.state.lock() = loaded;
            ctx.set_font_providers(vec![fonts, plain_emoji()]);
        };
        if std::thread::Builder::new().name("fonts".to_owned()).spawn(load).is_err() {
            // Tried again in the next frame with such a text.
            *state = State::Needed;
        }
    }
}

/// Uses the system's fonts for scripts that the bundled fonts lack, from now on.
pub fn use_system_fonts(ctx: &Context) {
    let fonts = Arc::new(SystemFonts::default());
    ctx.set_font_providers(vec![Arc::clone(&fonts) as Arc<dyn FontProvider>, plain_emoji()]);
    ctx.add_plugin(FontLoader { fonts, told: BTreeSet::new() });
}

/// Scripts that no font has and that were not named before, with what to install.
pub fn newly_missing_scripts(ctx: &Context) -> Option<(String, &'static str)> {
    ctx.with_plugin(|loader: &mut FontLoader| {
        let missing = loader.fonts.missing.lock();
        let new: Vec<&'static str> = missing.difference(&loader.told).copied().collect();
        loader.told.extend(&new);
        let names = new.iter().map(|name| name.replace('_', " ")).collect::<Vec<_>>().join(", ");
        (!names.is_empty()).then(|| (names, remedy()))
    })?
}

/// Whether the system's fonts are about to be used.
#[cfg(test)]
pub fn fonts_are_loading(ctx: &Context) -> bool {
    let is_loading = |loader: &mut FontLoader| matches!(*loader.fonts.state.lock(), State::Needed | State::Loading);
    ctx.with_plugin(is_loading).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_have_the_names_people_use() {
        let names: Vec<_> = "a世のक\u{E01}한!".chars().map(script_name).collect();
        let expected =
            [Some("Latin"), Some("Chinese"), Some("Japanese"), Some("Devanagari"), Some("Thai"), Some("Korean"), None];
        assert_eq!(names, expected);
    }

    #[test]
    fn the_bundled_emoji_are_used_where_the_system_has_none() {
        let emoji = plain_emoji();
        let font = |cluster| emoji.font_for(&FallbackRequest { cluster, family: &FontFamily::Proportional });
        assert!(font("😀").is_some());
        assert!(font("世").is_none());
    }

    mod needs_fonts {
        use egui::FontId;

        use super::*;
        use crate::app::messages::AppCommand;
        use crate::app::testing::{app, hone, picture, settle};
        use crate::project::Step;
        use crate::storage::ThemeChoice;

        const ROWS: [(&str, &str); 9] = [
            ("Chinese", "这个耳机的音质非常好，电池也很耐用。"),
            ("Japanese", "音質はとても良いですが、バッテリーがすぐ切れます。"),
            ("Korean", "배송이 빠르고 소리도 아주 좋아요."),
            ("Thai", "เสียงดีมาก แต่แบตเตอรี่หมดเร็ว"),
            ("Hindi", "आवाज़ बहुत अच्छी है, लेकिन बैटरी जल्दी ख़त्म होती है।"),
            ("Hebrew", "האוזניות מצוינות (באמת), אבל הסוללה מחזיקה רק 3 שעות."),
            ("Arabic", "الصوت رائع، لكن البطارية تدوم ٣ ساعات فقط (USB-C)."),
            ("Greek", "Ο ήχος είναι καλός, η μπαταρία όχι."),
            ("Emoji", "Great sound 😀👍🏽 but the battery 🔋 died ❤️ 🇩🇪"),
        ];

        #[test]
        #[ignore = "needs fonts of eight scripts (Debian packages: see tests/run)"]
        fn rows_in_eight_scripts_are_readable() {
            let (mut window, folder) = app(ThemeChoice::Light, 2.0);
            let rows = ROWS.map(|(label, text)| format!("\"{text}\",{label}\n").repeat(3)).concat();
            let table = folder.path().join("scripts.csv");
            std::fs::write(&table, format!("text,label\n{rows}")).unwrap();
            settle(&mut window);
            hone(&mut window).run_command(AppCommand::OpenData(table));
            window.set_size(egui::vec2(1280.0, 2200.0));
            for step in [Step::Data, Step::Labels, Step::Prepare] {
                hone(&mut window).run_command(AppCommand::GoTo(step));
                settle(&mut window);
                picture(&format!("scripts-{}", step.title()), &mut window);
            }
            let font = FontId::proportional(14.0);
            for (name, text) in ROWS {
                for letter in text.chars().filter(|letter| letter.is_alphabetic()) {
                    let is_drawn = window.ctx.fonts_mut(|fonts| fonts.has_glyph(&font, letter));
                    assert!(is_drawn, "{letter} ({name})");
                }
            }
            assert_eq!(newly_missing_scripts(&window.ctx), None);
        }
    }
}
