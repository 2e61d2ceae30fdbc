//! Design tokens: the colours, spacing and sizes of `assets/theme.ron`.

use egui::Color32;
use serde::{Deserialize, Deserializer};

/// The theme file is not valid.
#[derive(Debug, thiserror::Error)]
#[error("Hone's built-in theme cannot be read: {0}. This copy of Hone is damaged; install it again")]
pub struct ThemeError(#[from] ron::error::SpannedError);

/// All tokens of the window.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// Colours of the light theme.
    pub light: Palette,
    /// Colours of the dark theme.
    pub dark: Palette,
    /// Spacing in points.
    pub space: Space,
    /// Corner radii in points.
    pub radius: Radius,
    /// Text sizes in points.
    pub text: TextSizes,
    /// Sizes of controls and bars in points.
    pub size: Sizes,
}

/// The colours of one theme.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Palette {
    /// Background of the rail, the menu bar and the status bar.
    #[serde(deserialize_with = "colour")]
    pub rail: Color32,
    /// Background of the step.
    #[serde(deserialize_with = "colour")]
    pub panel: Color32,
    /// Background of cards, menus and dialogs.
    #[serde(deserialize_with = "colour")]
    pub card: Color32,
    /// Background of text fields, table headers and insets.
    #[serde(deserialize_with = "colour")]
    pub sunken: Color32,
    /// Background under the pointer.
    #[serde(deserialize_with = "colour")]
    pub hover: Color32,
    /// Background while pressed.
    #[serde(deserialize_with = "colour")]
    pub pressed: Color32,
    /// Separator lines.
    #[serde(deserialize_with = "colour")]
    pub border: Color32,
    /// Outlines of controls.
    #[serde(deserialize_with = "colour")]
    pub border_strong: Color32,
    /// Text.
    #[serde(deserialize_with = "colour")]
    pub text: Color32,
    /// Secondary text; its contrast on every background is at least 4.5.
    #[serde(deserialize_with = "colour")]
    pub text_muted: Color32,
    /// Decoration and disabled text only.
    #[serde(deserialize_with = "colour")]
    pub text_faint: Color32,
    /// The one accent: primary buttons, selection, focus, links.
    #[serde(deserialize_with = "colour")]
    pub accent: Color32,
    /// The accent under the pointer.
    #[serde(deserialize_with = "colour")]
    pub accent_hover: Color32,
    /// Background of the selection.
    #[serde(deserialize_with = "colour")]
    pub accent_soft: Color32,
    /// Text on the accent.
    #[serde(deserialize_with = "colour")]
    pub on_accent: Color32,
    /// Success.
    #[serde(deserialize_with = "colour")]
    pub success: Color32,
    /// Background of success messages.
    #[serde(deserialize_with = "colour")]
    pub success_soft: Color32,
    /// Warning.
    #[serde(deserialize_with = "colour")]
    pub warning: Color32,
    /// Background of warnings.
    #[serde(deserialize_with = "colour")]
    pub warning_soft: Color32,
    /// Error, or cannot be undone.
    #[serde(deserialize_with = "colour")]
    pub danger: Color32,
    /// Background of error messages.
    #[serde(deserialize_with = "colour")]
    pub danger_soft: Color32,
    /// Background of text that cleaning removes.
    #[serde(deserialize_with = "colour")]
    pub removed: Color32,
    /// Background of text that cleaning adds.
    #[serde(deserialize_with = "colour")]
    pub added: Color32,
    /// Shadow under menus and dialogs.
    #[serde(deserialize_with = "colour")]
    pub shadow: Color32,
    /// Series of a chart, distinguishable for colour-blind people (after Okabe and Ito, 2008).
    #[serde(deserialize_with = "colours")]
    pub chart: Vec<Color32>,
    /// From low to high with even steps in lightness, for shares in a confusion matrix.
    #[serde(deserialize_with = "colours")]
    pub sequential: Vec<Color32>,
    /// Grid lines of charts.
    #[serde(deserialize_with = "colour")]
    pub grid: Color32,
}

/// The spacing scale.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Space {
    /// Between an icon and its text.
    pub xs: f32,
    /// Between related things.
    pub s: f32,
    /// Inside rows and small cards.
    pub m: f32,
    /// Inside cards, between cards.
    pub l: f32,
    /// Around a step, between sections.
    pub xl: f32,
    /// Around an empty state.
    pub xxl: f32,
}

/// Corner radii.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Radius {
    /// Badges and cells.
    pub small: u8,
    /// Buttons and fields.
    pub medium: u8,
    /// Cards and dialogs.
    pub large: u8,
}

/// Text sizes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextSizes {
    /// Hints, badges, the status bar.
    pub small: f32,
    /// Body text and tables.
    pub body: f32,
    /// Controls.
    pub button: f32,
    /// Raw text and numbers.
    pub mono: f32,
    /// Heading of a card.
    pub heading: f32,
    /// Title of a step.
    pub title: f32,
    /// The headline number.
    pub display: f32,
}

/// Sizes of controls and bars.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sizes {
    /// Height of a button or field.
    pub control: f32,
    /// Height of a table row.
    pub row: f32,
    /// Width of the rail of steps.
    pub rail: f32,
    /// Width of the rail in narrow windows, with icons only.
    pub rail_narrow: f32,
    /// Windows narrower than this count as narrow.
    pub narrow: f32,
    /// Height of the status bar.
    pub bar: f32,
    /// Windows at least this wide show a list and what is chosen in it side by side.
    pub wide: f32,
    /// Greatest width of a paragraph.
    pub reading: f32,
}

impl Tokens {
    /// The tokens built into Hone.
    ///
    /// # Errors
    /// When the file is not valid RON of these types.
    pub fn bundled() -> Result<Self, ThemeError> {
        Ok(ron::from_str(include_str!("../../../assets/theme.ron"))?)
    }
}

fn colour<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Color32, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).map_err(serde::de::Error::custom)
}

fn colours<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Color32>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| parse(text).map_err(serde::de::Error::custom)).collect()
}

fn parse(text: &str) -> Result<Color32, String> {
    Color32::from_hex(text).map_err(|_| format!("'{text}' is not a colour such as #1A2B3C"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2.2 relative luminance.
    fn luminance(colour: Color32) -> f64 {
        let linear = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_is_readable_on_every_background() {
        let tokens = Tokens::bundled().unwrap();
        for palette in [&tokens.light, &tokens.dark] {
            for ground in [palette.rail, palette.panel, palette.card, palette.sunken, palette.hover] {
                for ink in [palette.text, palette.text_muted] {
                    assert!(contrast(ink, ground) >= 4.5, "{ink:?} on {ground:?}: {}", contrast(ink, ground));
                }
            }
            let pairs = [
                (palette.on_accent, palette.accent),
                (palette.accent, palette.panel),
                (palette.accent, palette.accent_soft),
                (palette.success, palette.success_soft),
                (palette.warning, palette.warning_soft),
                (palette.danger, palette.danger_soft),
                (palette.text, palette.removed),
                (palette.text, palette.added),
            ];
            for (ink, ground) in pairs {
                assert!(contrast(ink, ground) >= 4.5, "{ink:?} on {ground:?}: {}", contrast(ink, ground));
            }
        }
    }

    #[test]
    fn the_sequential_map_has_even_steps_in_lightness() {
        let tokens = Tokens::bundled().unwrap();
        for (palette, rising) in [(&tokens.light, false), (&tokens.dark, true)] {
            for pair in palette.sequential.windows(2) {
                assert_eq!(luminance(pair[0]) < luminance(pair[1]), rising, "{pair:?}");
            }
        }
    }

    #[test]
    fn an_invalid_colour_is_named_in_the_error() {
        assert!(parse("#12").unwrap_err().contains("#12"));
    }
}
