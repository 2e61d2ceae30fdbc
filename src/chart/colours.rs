//! The colours of charts: those of the window, from the same file.

use serde::Deserialize;

use crate::chart::ChartError;

/// The colours of one theme, each as `#1A2B3C`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Palette {
    /// Background of the page and of pictures.
    pub card: String,
    /// Background of table headers and insets.
    pub sunken: String,
    /// Separator lines.
    pub border: String,
    /// Axes.
    pub border_strong: String,
    /// Text.
    pub text: String,
    /// Secondary text.
    pub text_muted: String,
    /// What a page is about.
    pub accent: String,
    /// Its background.
    pub accent_soft: String,
    /// A good verdict.
    pub success: String,
    /// Its background.
    pub success_soft: String,
    /// A verdict that is unclear.
    pub warning: String,
    /// Its background.
    pub warning_soft: String,
    /// A bad verdict.
    pub danger: String,
    /// Its background.
    pub danger_soft: String,
    /// Series of a chart, distinguishable for colour-blind people.
    pub chart: Vec<String>,
    /// From low to high with even steps in lightness.
    pub sequential: Vec<String>,
    /// Grid lines.
    pub grid: String,
}

/// The themes of the window, of which charts need the colours alone.
#[derive(Deserialize)]
struct Themes {
    light: Palette,
    dark: Palette,
}

impl Palette {
    /// The colours of the light and of the dark theme.
    ///
    /// # Errors
    /// [`ChartError::Theme`] if the file is not valid.
    pub fn pair() -> Result<[Self; 2], ChartError> {
        let Themes { light, dark } = ron::from_str(include_str!("../../assets/theme.ron"))
            .map_err(|error: ron::error::SpannedError| ChartError::Theme(error.to_string()))?;
        Ok([light, dark])
    }

    /// The colour of an ink.
    #[must_use]
    pub fn of(&self, ink: Ink) -> &str {
        match ink {
            Ink::Text => &self.text,
            Ink::Muted => &self.text_muted,
            Ink::Grid => &self.grid,
            Ink::Axis => &self.border_strong,
            Ink::Accent => &self.accent,
            // Without series, they are drawn as text is.
            Ink::Series(index) => self.chart.get(index % self.chart.len().max(1)).unwrap_or(&self.text),
        }
    }

    /// The colour of text that is easier to read on a background: that of text, or that of the page.
    #[must_use]
    pub fn ink_on(&self, ground: &str) -> &str {
        // WCAG 2.2: relative luminance and contrast.
        let luminance = |colour: &str| {
            let linear = |part: u8| {
                let part = f64::from(part) / 255.0;
                if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
            };
            let [red, green, blue] = Self::rgb(colour).unwrap_or_default().map(linear);
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        let contrast = |colour: &str| {
            let (one, other) = (luminance(colour), luminance(ground));
            (one.max(other) + 0.05) / (one.min(other) + 0.05)
        };
        if contrast(&self.text) >= contrast(&self.card) { &self.text } else { &self.card }
    }

    /// The red, green and blue of a colour.
    ///
    /// # Errors
    /// [`ChartError::Theme`] if it is not written as `#1A2B3C`.
    pub(super) fn rgb(colour: &str) -> Result<[u8; 3], ChartError> {
        let wrong = || ChartError::Theme(format!("'{colour}' is not a colour such as #1A2B3C"));
        let digits = colour.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or_else(wrong)?;
        let number = u32::from_str_radix(digits, 16).map_err(|_| wrong())?;
        let [_, red, green, blue] = number.to_be_bytes();
        Ok([red, green, blue])
    }
}

/// What something in a chart is drawn with. Its colour depends on the theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Text.
    Text,
    /// Secondary text, and lines to compare with.
    Muted,
    /// Grid lines.
    Grid,
    /// Axes.
    Axis,
    /// What a chart is about.
    Accent,
    /// A series, by its place among them.
    Series(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colours_of_charts_are_those_of_the_window() {
        for palette in Palette::pair().unwrap() {
            let Palette { chart, sequential, card, text, .. } = &palette;
            assert!(chart.len() == 8 && sequential.len() == 7 && card != text);
            assert_eq!(palette.of(Ink::Series(9)), palette.of(Ink::Series(1)), "after the last, the first again");
            for colour in chart.iter().chain(sequential).chain([card, text, &palette.grid]) {
                Palette::rgb(colour).unwrap();
            }
        }
        let [light, dark] = Palette::pair().unwrap();
        assert_eq!((light.ink_on(&light.sequential[6]), light.ink_on(&light.sequential[0])), ("#FFFFFF", "#1A1D23"));
        assert_eq!((dark.ink_on(&dark.sequential[6]), dark.ink_on(&dark.sequential[0])), (&*dark.card, &*dark.text));
        assert_eq!(Palette::rgb("#0072B2").unwrap(), [0, 0x72, 0xb2]);
        assert!(Palette::rgb("#12").unwrap_err().to_string().contains("#12"));
        assert!(Palette::rgb("#00zz00").is_err());
    }
}
