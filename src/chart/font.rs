//! The font of pictures: how wide a text is, and the outlines of its letters.

use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::{FontRef, GlyphId, MetadataProvider};

use crate::chart::ChartError;

/// Inter, the font of the window and of pictures.
pub const INTER: &[u8] = include_bytes!("../../assets/fonts/inter-Regular.ttf");
/// The same, semi-bold.
pub const INTER_STRONG: &[u8] = include_bytes!("../../assets/fonts/inter-SemiBold.ttf");

/// Width of a letter that the font does not have, in parts of its size.
const UNKNOWN: f64 = 0.9;

fn font(strong: bool) -> Result<FontRef<'static>, ChartError> {
    FontRef::new(if strong { INTER_STRONG } else { INTER }).map_err(|error| ChartError::Font(error.to_string()))
}

/// Width of a text on one line. In an SVG file, where another font may be used, it is about that.
pub(super) fn width(text: &str, size: f64, strong: bool) -> f64 {
    let Ok(font) = font(strong) else { return text.chars().count() as f64 * size * UNKNOWN };
    let (letters, metrics) = (font.charmap(), font.glyph_metrics(Size::new(size as f32), LocationRef::default()));
    let of = |letter: char| {
        let advance = letters.map(letter).and_then(|glyph| metrics.advance_width(glyph));
        advance.map_or(size * UNKNOWN, f64::from)
    };
    text.chars().map(of).sum()
}

/// The beginning of a text that is at most this wide; the last letter is `…` if the text goes on.
pub(super) fn fitting(text: &str, most: f64, size: f64) -> String {
    if width(text, size, false) <= most {
        return text.to_owned();
    }
    let mut letters: Vec<char> = text.chars().collect();
    while letters.pop().is_some() {
        let begun = letters.iter().collect::<String>();
        let shown = format!("{}…", begun.trim_end());
        if width(&shown, size, false) <= most {
            return shown;
        }
    }
    "…".to_owned()
}

/// Draws the outlines of the letters of a text from `start` on with a pen, which `go_to` moves to where each begins. Letters that the
/// font does not have are drawn as boxes.
pub(super) fn outline<P: OutlinePen>(
    text: &str,
    (size, strong): (f64, bool),
    start: f32,
    (pen, go_to): (&mut P, impl Fn(&mut P, f32)),
) -> Result<(), ChartError> {
    let font = font(strong)?;
    let (letters, outlines) = (font.charmap(), font.outline_glyphs());
    let size = Size::new(size as f32);
    let metrics = font.glyph_metrics(size, LocationRef::default());
    let mut x = start;
    for letter in text.chars() {
        let id = letters.map(letter).unwrap_or(GlyphId::NOTDEF);
        if let Some(shape) = outlines.get(id) {
            go_to(pen, x);
            let settings = DrawSettings::unhinted(size, LocationRef::default());
            shape.draw(settings, pen).map_err(|error| ChartError::Font(error.to_string()))?;
        }
        x += metrics.advance_width(id).unwrap_or_default();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_as_wide_as_its_letters_and_is_cut_where_it_does_not_fit() {
        assert!(width("mm", 12.0, false) > width("ii", 12.0, false) && width("", 12.0, false).abs() < 1e-9);
        assert!(width("abc", 12.0, true) > width("abc", 12.0, false));
        assert!((width("abc", 24.0, false) / width("abc", 12.0, false) - 2.0).abs() < 0.01);
        assert_eq!(fitting("a label", 200.0, 12.0), "a label");
        let cut = fitting("a label that goes on and on", 80.0, 12.0);
        assert!(cut.ends_with('…') && cut.starts_with("a label") && width(&cut, 12.0, false) <= 80.0, "{cut}");
        assert_eq!(fitting("abc", 1.0, 12.0), "…");
        assert!(width("日本", 10.0, false) > 10.0, "letters that the font does not have take room too");
    }
}
