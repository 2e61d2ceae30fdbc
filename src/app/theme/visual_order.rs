//! Right-to-left text in visual order.
//!
//! egui shapes Hebrew and Arabic words but lays words out from left to right, as in English. This puts the words of each
//! finished row in the order in which they are read. Only what is painted changes: the text itself, and what screen
//! readers and the clipboard get, stay as they are.

use std::ops::Range;
use std::sync::Arc;

use egui::epaint::text::{Glyph, PlacedRow, Row};
use egui::epaint::{Shape, Vertex};
use egui::{Align, Context, FullOutput, Galley, Plugin, Rect, vec2};
use unicode_bidi::{BidiClass, BidiInfo, Level, bidi_class};

/// Reorders the texts of every frame.
pub(super) struct VisualOrder;

impl Plugin for VisualOrder {
    fn debug_name(&self) -> &'static str {
        "right-to-left text"
    }

    fn output_hook(&mut self, _: &Context, output: &mut FullOutput) {
        for clipped in &mut output.shapes {
            reorder_shape(&mut clipped.shape);
        }
    }
}

fn reorder_shape(shape: &mut Shape) {
    match shape {
        Shape::Text(text) if text.galley.text().chars().any(is_right_to_left) => {
            reorder(Arc::make_mut(&mut text.galley));
        }
        Shape::Vec(shapes) => shapes.iter_mut().for_each(reorder_shape),
        _ => {}
    }
}

/// Whether a character belongs to a script that is written from right to left.
fn is_right_to_left(letter: char) -> bool {
    matches!(letter, '\u{590}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFE}'
        | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}')
}

/// Puts the words of every row in visual order. The rows of right-to-left paragraphs end at the right.
fn reorder(galley: &mut Galley) {
    let align_right = galley.job.halign == Align::LEFT;
    let right = galley.rect.right();
    let mut first = 0;
    while first < galley.rows.len() {
        let length = galley.rows[first..].iter().position(|row| row.ends_with_newline);
        let end = length.map_or(galley.rows.len(), |length| first + length + 1);
        let paragraph = &mut galley.rows[first..end];
        let level = paragraph_level(paragraph);
        for placed in paragraph {
            reorder_row(Arc::make_mut(&mut placed.row), level);
            if align_right && level.is_rtl() {
                placed.pos.x = placed.pos.x.max(right - placed.row.size.x);
            }
        }
        first = end;
    }
    galley.mesh_bounds = galley
        .rows
        .iter()
        .fold(Rect::NOTHING, |bounds, placed| bounds | placed.row.visuals.mesh_bounds.translate(placed.pos.to_vec2()));
}

/// The direction of a paragraph: that of its first letter that has one.
fn paragraph_level(rows: &[PlacedRow]) -> Level {
    let mut letters = rows.iter().flat_map(|placed| &placed.row.glyphs).map(|glyph| bidi_class(glyph.chr));
    let strong = |class: &BidiClass| matches!(class, BidiClass::L | BidiClass::R | BidiClass::AL);
    match letters.find(strong) {
        Some(BidiClass::R | BidiClass::AL) => Level::rtl(),
        _ => Level::ltr(),
    }
}

/// Glyphs that keep their order: one glyph, or a word that egui has already shaped from right to left.
struct Unit {
    glyphs: Range<usize>,
    /// A character with the direction of the unit.
    letter: char,
    left: f32,
    width: f32,
}

fn reorder_row(row: &mut Row, paragraph: Level) {
    let units = units_of(row);
    if paragraph.is_ltr() && units.iter().all(|unit| !is_right_to_left(unit.letter)) {
        return;
    }
    // Blanks at the end take part in no order: moved to the left, they would indent the row.
    let ordered = units.iter().rposition(|unit| !unit.letter.is_whitespace()).map_or(0, |last| last + 1);
    let text: String = units[..ordered].iter().map(|unit| unit.letter).collect();
    let info = BidiInfo::new(&text, Some(paragraph));
    let Some(whole) = info.paragraphs.first() else { return };
    let levels = info.reordered_levels_per_char(whole, whole.range.clone());
    if levels.len() != ordered {
        return;
    }
    let mut moves = vec![0.0; row.glyphs.len()];
    let mut x = units.first().map_or(0.0, |unit| unit.left);
    for place in BidiInfo::reorder_visual(&levels) {
        let unit = &units[place];
        moves[unit.glyphs.clone()].fill(x - unit.left);
        x += unit.width;
    }
    move_backgrounds(row, &moves);
    let mirrored: Vec<usize> = (0..ordered)
        .filter(|&place| levels[place].is_rtl() && is_mirrored(units[place].letter))
        .map(|place| units[place].glyphs.start)
        .collect();
    move_glyphs(row, &moves, &mirrored);
    row.visuals.mesh_bounds = row.visuals.mesh.calc_bounds();
}

fn units_of(row: &Row) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    for (place, glyph) in row.glyphs.iter().enumerate() {
        let joins = is_right_to_left(glyph.chr) || matches!(glyph.chr, '\u{200C}' | '\u{200D}');
        match units.last_mut() {
            Some(word) if joins && is_right_to_left(word.letter) => {
                word.glyphs.end = place + 1;
                // Marks come before their letter and may stick out to the left.
                if glyph.advance_width > 0.0 {
                    word.left = word.left.min(glyph.pos.x);
                }
                // A word with letters and digits has the direction of the letters.
                if bidi_class(word.letter) == BidiClass::AN && bidi_class(glyph.chr) == BidiClass::AL {
                    word.letter = glyph.chr;
                }
            }
            _ => units.push(Unit { glyphs: place..place + 1, letter: glyph.chr, left: glyph.pos.x, width: 0.0 }),
        }
    }
    for unit in &mut units {
        // A word that begins with a mark still has the direction of its letters.
        let own = &row.glyphs[unit.glyphs.clone()];
        if bidi_class(unit.letter) == BidiClass::NSM
            && let Some(letter) = own.iter().map(|glyph| glyph.chr).find(|&letter| bidi_class(letter) != BidiClass::NSM)
        {
            unit.letter = letter;
        }
    }
    let end = row.glyphs.iter().map(Glyph::max_x).fold(0.0, f32::max);
    for place in 0..units.len() {
        let next = units.get(place + 1).map_or(end, |next| next.left);
        units[place].width = (next - units[place].left).max(0.0);
    }
    units
}

/// Brackets that open to the other side in right-to-left text.
fn is_mirrored(letter: char) -> bool {
    "()[]{}<>«»‹›".contains(letter)
}

/// The four vertices of each glyph that is drawn.
fn move_glyphs(row: &mut Row, moves: &[f32], mirrored: &[usize]) {
    for (place, (glyph, &by)) in row.glyphs.iter_mut().zip(moves).enumerate() {
        glyph.pos.x += by;
        if glyph.uv_rect.is_nothing() {
            continue;
        }
        let first = glyph.first_vertex as usize;
        let Some(corners) = row.visuals.mesh.vertices.get_mut(first..first + 4) else { continue };
        for corner in &mut *corners {
            corner.pos.x += by;
        }
        if mirrored.contains(&place) {
            mirror(corners);
        }
    }
}

/// Swaps left and right of a glyph's picture.
fn mirror(corners: &mut [Vertex]) {
    let (left, right) = corners.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(left, right), corner| {
        (left.min(corner.uv.x), right.max(corner.uv.x))
    });
    for corner in corners {
        corner.uv.x = left + right - corner.uv.x;
    }
}

/// Moves coloured grounds with the glyphs that stand on them.
fn move_backgrounds(row: &mut Row, moves: &[f32]) {
    let before_glyphs = row.visuals.glyph_vertex_range.start;
    for ground in row.visuals.mesh.vertices[..before_glyphs].chunks_exact_mut(4) {
        let (left, right) = ground.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(left, right), corner| {
            (left.min(corner.pos.x), right.max(corner.pos.x))
        });
        let on_it = |glyph: &Glyph| (left..right).contains(&(glyph.pos.x + glyph.advance_width / 2.0));
        let moved = row.glyphs.iter().zip(moves).filter(|(glyph, _)| glyph.advance_width > 0.0 && on_it(glyph));
        let moved = moved.fold(None, |span: Option<(f32, f32)>, (glyph, by)| {
            let (from, to) = (glyph.pos.x + by, glyph.max_x() + by);
            Some(span.map_or((from, to), |(least, most)| (least.min(from), most.max(to))))
        });
        let Some((from, to)) = moved else { continue };
        for corner in ground {
            corner.pos += vec2(if corner.pos.x < f32::midpoint(left, right) { from - left } else { to - right }, 0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    mod needs_fonts {
        use std::time::{Duration, Instant};

        use egui::{Color32, FontId};

        use super::super::*;
        use crate::app::testing::theme;
        use crate::app::theme::{Theme, fonts_are_loading, use_system_fonts};

        /// The letters of a text from left to right, as painted in rows of `width`; marks are left out.
        fn painted(text: &str, width: f32) -> Vec<String> {
            let ctx = Context::default();
            Theme::install(&ctx, &[theme(false), theme(true)]);
            use_system_fonts(&ctx);
            let (begun, mut galley) = (Instant::now(), None);
            while galley.is_none() || fonts_are_loading(&ctx) {
                let mut output = ctx.run_ui(egui::RawInput::default(), |ui| {
                    let font = FontId::proportional(14.0);
                    galley = Some(ui.fonts_mut(|fonts| fonts.layout(text.to_owned(), font, Color32::BLACK, width)));
                });
                output.textures_delta.clear();
                assert!(
                    begun.elapsed() < Duration::from_mins(1),
                    "the fonts of the system are not listed after a minute"
                );
                std::thread::sleep(Duration::from_millis(5));
            }
            let mut output = ctx.run_ui(egui::RawInput::default(), |ui| {
                let font = FontId::proportional(14.0);
                let galley = ui.fonts_mut(|fonts| fonts.layout(text.to_owned(), font, Color32::BLACK, width));
                ui.painter().galley(egui::Pos2::ZERO, galley, Color32::BLACK);
            });
            output.textures_delta.clear();
            let galley = output.shapes.iter().find_map(|clipped| match &clipped.shape {
                Shape::Text(text) => Some(Arc::clone(&text.galley)),
                _ => None,
            });
            let row = |placed: &PlacedRow| {
                let mut glyphs: Vec<_> = placed.row.glyphs.iter().filter(|glyph| glyph.advance_width > 0.0).collect();
                glyphs.sort_by(|one, other| one.pos.x.total_cmp(&other.pos.x));
                glyphs.iter().map(|glyph| glyph.chr).collect::<String>().trim().to_owned()
            };
            galley.unwrap().rows.iter().map(row).collect()
        }

        const WIDE: f32 = f32::INFINITY;

        #[test]
        #[ignore = "needs a Hebrew and an Arabic font (Debian packages: see tests/run)"]
        fn words_are_read_from_the_right() {
            assert_eq!(painted("אבג דהו", WIDE), ["והד גבא"]);
            assert_eq!(painted("אבג 123 דהו.", WIDE), [".והד 123 גבא"]);
            assert_eq!(painted("see אבג דהו (ok)", WIDE), ["see והד גבא (ok)"]);
            assert_eq!(painted("אבג usb port דהו", WIDE), ["והד usb port גבא"]);
        }

        #[test]
        #[ignore = "needs a Hebrew and an Arabic font (Debian packages: see tests/run)"]
        fn wrapped_rows_begin_with_the_first_words() {
            let rows = painted("אאאא בבבב גגגג דדדד", 75.0);
            let words: Vec<&str> = rows.iter().flat_map(|row| row.split(' ').rev()).collect();
            assert_eq!(words, ["אאאא", "בבבב", "גגגג", "דדדד"]);
            assert!(rows.len() > 1, "{rows:?}");
        }

        #[test]
        #[ignore = "needs a Hebrew and an Arabic font (Debian packages: see tests/run)"]
        fn left_to_right_text_stays_as_it_is() {
            assert_eq!(painted("abc def", WIDE), ["abc def"]);
        }
    }
}
