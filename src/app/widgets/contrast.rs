//! Text colours with enough contrast on any background.

use egui::{Color32, Rgba};

use crate::app::theme::Theme;

/// Contrast ratio of two opaque colours, 1..=21, as defined by WCAG 2.2.
#[must_use]
pub fn contrast(a: Color32, b: Color32) -> f32 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// The theme's text colour if it is readable on `fill` (4.5:1), else black or white, whichever has more contrast.
#[must_use]
pub fn readable_on(fill: Color32, theme: &Theme) -> Color32 {
    if contrast(fill, theme.palette.text) >= 4.5 {
        return theme.palette.text;
    }
    if contrast(fill, Color32::BLACK) > contrast(fill, Color32::WHITE) { Color32::BLACK } else { Color32::WHITE }
}

/// Colour of a label's bar: the chosen colour, moved towards the text colour if its contrast on a card is below 3:1, or else
/// the chart colour of its place among the labels.
#[must_use]
pub fn label_colour(theme: &Theme, chosen: Option<[u8; 3]>, place: usize) -> Color32 {
    let Some([red, green, blue]) = chosen else { return theme.chart(place) };
    #[allow(clippy::disallowed_methods, reason = "a colour chosen by the person")]
    let colour = Color32::from_rgb(red, green, blue);
    let towards_text = |step: u8| colour.lerp_to_gamma(theme.palette.text, f32::from(step) / 10.0);
    let is_seen = |colour: &Color32| contrast(*colour, theme.palette.card) >= 3.0;
    (0..10).map(towards_text).find(is_seen).unwrap_or(theme.palette.text)
}

/// Relative luminance, 0..=1.
fn luminance(color: Color32) -> f32 {
    let linear = Rgba::from(color);
    0.2126 * linear.r() + 0.7152 * linear.g() + 0.0722 * linear.b()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::theme::Tokens;

    #[test]
    fn black_on_white_is_the_highest_contrast() {
        assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 0.01);
        assert!((contrast(Color32::GRAY, Color32::GRAY) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn every_label_colour_is_visible_in_both_themes() {
        for theme in Theme::pair(&Tokens::bundled().unwrap()) {
            for colour in [[0, 0, 0], [255, 255, 255], [250, 240, 30], [20, 20, 90], [128, 128, 128]] {
                let shown = label_colour(&theme, Some(colour), 0);
                let ratio = contrast(shown, theme.palette.card);
                assert!(ratio >= 3.0, "{colour:?} is shown as {shown:?}, dark {}: {ratio}", theme.dark);
            }
            assert_eq!(label_colour(&theme, None, 2), theme.chart(2));
        }
    }

    #[test]
    fn text_is_readable_on_every_shade_of_the_sequential_map() {
        for theme in Theme::pair(&Tokens::bundled().unwrap()) {
            for step in 0..=100_u8 {
                let (fill, _) = theme.sequential(f32::from(step) / 100.0);
                let ratio = contrast(fill, readable_on(fill, &theme));
                assert!(ratio >= 4.5, "contrast {ratio} at {step}%, dark {}", theme.dark);
            }
        }
    }
}
