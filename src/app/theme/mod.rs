//! The look of the window: design tokens, fonts, icons, and egui's style made from them.

mod fonts;
pub mod icons;
mod motion;
mod scripts;
mod style;
mod tokens;
mod visual_order;

use egui::{Color32, FontId, RichText};

pub use fonts::strong_family;
pub use motion::follow_motion_of_system;
#[cfg(test)]
pub use scripts::fonts_are_loading;
pub use scripts::{newly_missing_scripts, use_system_fonts};
pub use tokens::{Palette, Radius, Sizes, Space, TextSizes, ThemeError, Tokens};

/// The light or the dark theme, passed to every drawing function.
#[derive(Clone, Debug)]
pub struct Theme {
    /// Whether the background is dark.
    pub dark: bool,
    /// Colours.
    pub palette: Palette,
    /// Spacing.
    pub space: Space,
    /// Corner radii.
    pub radius: Radius,
    /// Text sizes.
    pub text: TextSizes,
    /// Sizes of controls and bars.
    pub size: Sizes,
}

/// The meaning of a colour. An icon or a word always says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Neutral.
    Neutral,
    /// Selected, or the next thing to do.
    Accent,
    /// Success.
    Success,
    /// Warning.
    Warning,
    /// Error.
    Danger,
}

impl Theme {
    /// The light and the dark theme made from these tokens.
    #[must_use]
    pub fn pair(tokens: &Tokens) -> [Self; 2] {
        [false, true].map(|dark| Self {
            dark,
            palette: if dark { tokens.dark.clone() } else { tokens.light.clone() },
            space: tokens.space.clone(),
            radius: tokens.radius.clone(),
            text: tokens.text.clone(),
            size: tokens.size.clone(),
        })
    }

    /// Text colour of a tone.
    #[must_use]
    pub fn ink(&self, tone: Tone) -> Color32 {
        match tone {
            Tone::Neutral => self.palette.text_muted,
            Tone::Accent => self.palette.accent,
            Tone::Success => self.palette.success,
            Tone::Warning => self.palette.warning,
            Tone::Danger => self.palette.danger,
        }
    }

    /// Background colour of a tone.
    #[must_use]
    pub fn ground(&self, tone: Tone) -> Color32 {
        match tone {
            Tone::Neutral => self.palette.hover,
            Tone::Accent => self.palette.accent_soft,
            Tone::Success => self.palette.success_soft,
            Tone::Warning => self.palette.warning_soft,
            Tone::Danger => self.palette.danger_soft,
        }
    }

    /// Colour of the `index`-th series of a chart; the colours repeat after eight.
    #[must_use]
    pub fn chart(&self, index: usize) -> Color32 {
        let colours = &self.palette.chart;
        colours.get(index % colours.len().max(1)).copied().unwrap_or(self.palette.accent)
    }

    /// Colour of a share (0..=1) on the sequential map, and a readable text colour for it.
    #[must_use]
    pub fn sequential(&self, share: f32) -> (Color32, Color32) {
        let stops = &self.palette.sequential;
        let last = stops.len().saturating_sub(1);
        let place = share.clamp(0.0, 1.0) * last as f32;
        let (low, high) = (place.floor() as usize, (place.ceil() as usize).min(last));
        let fill = match (stops.get(low), stops.get(high)) {
            (Some(&low_colour), Some(&high_colour)) => low_colour.lerp_to_gamma(high_colour, place.fract()),
            _ => self.palette.panel,
        };
        let lightness = egui::Rgba::from(fill).intensity();
        let light_ink = if self.dark { self.palette.text } else { self.palette.panel };
        let dark_ink = if self.dark { self.palette.on_accent } else { self.palette.text };
        (fill, if lightness < 0.2 { light_ink } else { dark_ink })
    }

    /// Title of a step.
    #[must_use]
    pub fn title(&self, text: impl Into<String>) -> RichText {
        self.strong(text).size(self.text.title)
    }

    /// Heading of a card or section.
    #[must_use]
    pub fn heading(&self, text: impl Into<String>) -> RichText {
        self.strong(text).size(self.text.heading)
    }

    /// The headline number.
    #[must_use]
    pub fn display(&self, text: impl Into<String>) -> RichText {
        self.strong(text).size(self.text.display)
    }

    /// Semi-bold text.
    #[must_use]
    pub fn strong(&self, text: impl Into<String>) -> RichText {
        RichText::new(text).family(strong_family()).color(self.palette.text)
    }

    /// Secondary text.
    #[must_use]
    pub fn muted(&self, text: impl Into<String>) -> RichText {
        RichText::new(text).color(self.palette.text_muted)
    }

    /// Small secondary text.
    #[must_use]
    pub fn small(&self, text: impl Into<String>) -> RichText {
        self.muted(text).size(self.text.small)
    }

    /// Body font at `size` points.
    #[must_use]
    pub fn font(&self, size: f32) -> FontId {
        FontId::proportional(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_readable_on_the_sequential_map() {
        let tokens = Tokens::bundled().unwrap();
        for theme in Theme::pair(&tokens) {
            for step in 0..=20_u8 {
                let (fill, ink) = theme.sequential(f32::from(step) / 20.0);
                let apart = (egui::Rgba::from(fill).intensity() - egui::Rgba::from(ink).intensity()).abs();
                assert!(apart > 0.12, "step {step}, dark {}: {apart}", theme.dark);
            }
        }
    }

    #[test]
    fn chart_colours_repeat_after_eight() {
        let theme = &Theme::pair(&Tokens::bundled().unwrap())[0];
        assert_eq!(theme.chart(0), theme.chart(8));
        assert_ne!(theme.chart(0), theme.chart(1));
    }
}
