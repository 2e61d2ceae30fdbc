//! Design tokens: the colours, distances and sizes of `assets/theme.ron`.

use egui::Color32;
use serde::{Deserialize, Deserializer};

use crate::app::theme::ThemeError;

/// All tokens of the window.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// Colours on a light ground.
    pub light: Palette,
    /// Colours on a dark ground.
    pub dark: Palette,
    /// Distances in points.
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
    /// Ground of the rail, the menu bar and the status bar.
    #[serde(deserialize_with = "colour")]
    pub rail: Color32,
    /// Ground of the step.
    #[serde(deserialize_with = "colour")]
    pub panel: Color32,
    /// Ground of a card, a menu and a dialog.
    #[serde(deserialize_with = "colour")]
    pub card: Color32,
    /// Ground of text fields, table heads and wells.
    #[serde(deserialize_with = "colour")]
    pub sunken: Color32,
    /// Ground under the pointer.
    #[serde(deserialize_with = "colour")]
    pub hover: Color32,
    /// Ground while pressed.
    #[serde(deserialize_with = "colour")]
    pub pressed: Color32,
    /// Lines between things.
    #[serde(deserialize_with = "colour")]
    pub border: Color32,
    /// Outlines of controls.
    #[serde(deserialize_with = "colour")]
    pub border_strong: Color32,
    /// Text.
    #[serde(deserialize_with = "colour")]
    pub text: Color32,
    /// Text of lesser weight; contrast with every ground is at least 4.5.
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
    /// Ground of what is selected.
    #[serde(deserialize_with = "colour")]
    pub accent_soft: Color32,
    /// Text on the accent.
    #[serde(deserialize_with = "colour")]
    pub on_accent: Color32,
    /// It went well.
    #[serde(deserialize_with = "colour")]
    pub success: Color32,
    /// Ground of what went well.
    #[serde(deserialize_with = "colour")]
    pub success_soft: Color32,
    /// Worth a look.
    #[serde(deserialize_with = "colour")]
    pub warning: Color32,
    /// Ground of what is worth a look.
    #[serde(deserialize_with = "colour")]
    pub warning_soft: Color32,
    /// It went wrong, or cannot be undone.
    #[serde(deserialize_with = "colour")]
    pub danger: Color32,
    /// Ground of what went wrong.
    #[serde(deserialize_with = "colour")]
    pub danger_soft: Color32,
    /// Ground of text that cleaning takes away.
    #[serde(deserialize_with = "colour")]
    pub removed: Color32,
    /// Ground of text that cleaning puts in.
    #[serde(deserialize_with = "colour")]
    pub added: Color32,
    /// Shadow under menus and dialogs.
    #[serde(deserialize_with = "colour")]
    pub shadow: Color32,
    /// Series of a chart, told apart by colour-blind people too (after Okabe and Ito, 2008).
    #[serde(deserialize_with = "colours")]
    pub chart: Vec<Color32>,
    /// From little to much, even in lightness: shares in a confusion matrix.
    #[serde(deserialize_with = "colours")]
    pub sequential: Vec<Color32>,
    /// Grid lines of charts.
    #[serde(deserialize_with = "colour")]
    pub grid: Color32,
}

/// The scale of distances.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Space {
    /// Between an icon and its text.
    pub xs: f32,
    /// Between things that belong together.
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
    /// Running text and tables.
    pub body: f32,
    /// Controls.
    pub button: f32,
    /// Raw text and figures.
    pub mono: f32,
    /// Heading of a card.
    pub heading: f32,
    /// Title of a step.
    pub title: f32,
    /// The one big figure.
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
    /// Width of the rail where there is little room: icons alone.
    pub rail_narrow: f32,
    /// Narrower windows have little room.
    pub narrow: f32,
    /// Height of the status bar.
    pub bar: f32,
    /// Greatest width of a step's contents.
    pub content: f32,
}

impl Tokens {
    /// The tokens that come with this build.
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
    fn every_text_can_be_read_on_every_ground() {
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
    fn the_sequential_map_is_even_in_lightness() {
        let tokens = Tokens::bundled().unwrap();
        for (palette, rising) in [(&tokens.light, false), (&tokens.dark, true)] {
            for pair in palette.sequential.windows(2) {
                assert_eq!(luminance(pair[0]) < luminance(pair[1]), rising, "{pair:?}");
            }
        }
    }

    #[test]
    fn a_colour_that_is_none_is_named() {
        assert!(parse("#12").unwrap_err().contains("#12"));
    }
}
