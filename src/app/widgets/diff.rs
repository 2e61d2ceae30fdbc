//! Two versions of a text with the changes highlighted.

use egui::text::{LayoutJob, TextFormat};
use egui::{Color32, FontId, Ui};

use crate::app::theme::Theme;

/// Most characters compared when only the beginning is shown.
const SHOWN: usize = 600;
/// Largest part compared word by word, as words before times words after. A longer difference is marked as a whole.
const COMPARED: usize = 1 << 20;
/// Width of the column with Before and After.
const NAME: f32 = 52.0;

/// A piece of a text: the same in both, or only in this one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    text: String,
    changed: bool,
}

/// Draws the beginning of a text before and after, with the differences marked.
pub fn diff_ui(ui: &mut Ui, theme: &Theme, before: &str, after: &str) {
    Diff::of_beginning(before, after, SHOWN).ui(ui, theme);
}

/// Two versions of a text, compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    before: Vec<Piece>,
    after: Vec<Piece>,
}

impl Diff {
    /// Compares two whole texts.
    #[must_use]
    pub fn of(before: &str, after: &str) -> Self {
        let (before, after) = compare(before, after);
        Self { before, after }
    }

    /// Compares the first `shown` characters of two texts. Where a text goes on, "…" says so, and is no change.
    #[must_use]
    pub fn of_beginning(before: &str, after: &str, shown: usize) -> Self {
        // What follows is compared as well: the same words must not count as changed because one text is cut a little earlier.
        let beginning = |text: &str| text.chars().take(2 * shown).collect::<String>();
        let both = Self::of(&beginning(before), &beginning(after));
        Self { before: cut(both.before, before, shown), after: cut(both.after, after, shown) }
    }

    /// Draws both, with the differences marked.
    pub fn ui(&self, ui: &mut Ui, theme: &Theme) {
        let palette = &theme.palette;
        sides(ui, theme, [("Before", &self.before, palette.removed), ("After", &self.after, palette.added)]);
    }
}

/// The pieces of the first `shown` characters of `text`.
fn cut(pieces: Vec<Piece>, text: &str, shown: usize) -> Vec<Piece> {
    let mut left = shown;
    let mut out = Vec::new();
    for piece in pieces {
        let text: String = piece.text.chars().take(left).collect();
        left -= text.chars().count();
        if !text.is_empty() {
            out.push(Piece { text, ..piece });
        }
    }
    if text.chars().nth(shown).is_some() {
        out.push(Piece { text: "…".to_owned(), changed: false });
    }
    out
}

fn sides(ui: &mut Ui, theme: &Theme, sides: [(&str, &Vec<Piece>, Color32); 2]) {
    for (name, pieces, mark) in sides {
        let width = ui.available_width() - NAME;
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            ui.allocate_ui(egui::vec2(NAME, 0.0), |ui| {
                ui.set_min_width(NAME);
                ui.label(theme.small(name));
            });
            ui.allocate_ui_with_layout(egui::vec2(width, 0.0), egui::Layout::top_down(egui::Align::Min), |ui| {
                ui.add(egui::Label::new(layout(theme, pieces, mark, name == "Before")).wrap());
            });
        });
    }
}

fn layout(theme: &Theme, pieces: &[Piece], mark: Color32, gone: bool) -> LayoutJob {
    let mut job = LayoutJob::default();
    let plain = TextFormat::simple(FontId::proportional(theme.text.body), theme.palette.text);
    for piece in pieces {
        let mut format = plain.clone();
        if piece.changed {
            format.background = mark;
            format.expand_bg = 1.0;
            if gone {
                format.strikethrough = egui::Stroke::new(1.0, theme.palette.danger);
            }
        }
        job.append(&visible(&piece.text, piece.changed), 0.0, format);
    }
    job
}

/// Spells out invisible characters where they matter.
fn visible(text: &str, changed: bool) -> String {
    if !changed {
        return text.replace(['\n', '\r', '\t'], " ");
    }
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{FEFF}')
    };
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\n' => out.push_str("[line break]"),
            '\t' => out.push_str("[tab]"),
            '\r' => {}
            c if hidden(c) => out.extend(format!("[U+{:04X}]", u32::from(c)).chars()),
            c => out.push(c),
        }
    }
    out
}

/// Words, runs of white space, and single other characters.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut last: Option<u8> = None;
    for (at, c) in text.char_indices() {
        let kind = if c.is_alphanumeric() {
            0
        } else if c.is_whitespace() {
            1
        } else {
            2
        };
        if last.is_some_and(|last| last != kind || kind == 2) {
            words.push(&text[start..at]);
            start = at;
        }
        last = Some(kind);
    }
    if start < text.len() {
        words.push(&text[start..]);
    }
    words
}

/// Marks the words that are in only one of the two texts, by longest common subsequence.
fn compare(before: &str, after: &str) -> (Vec<Piece>, Vec<Piece>) {
    let (left, right) = (words(before), words(after));
    // Most of a text is unchanged: equal words at both ends need no table.
    let same = |pair: &(&&str, &&str)| pair.0 == pair.1;
    let start = left.iter().zip(&right).take_while(same).count();
    let (left_rest, right_rest) = (&left[start..], &right[start..]);
    let end = left_rest.iter().rev().zip(right_rest.iter().rev()).take_while(same).count();
    let (changed, new) = (&left_rest[..left_rest.len() - end], &right_rest[..right_rest.len() - end]);
    let (mut old, mut now) = (Vec::new(), Vec::new());
    let both = |word: &&str, old: &mut Vec<Piece>, now: &mut Vec<Piece>| {
        push(old, word, false);
        push(now, word, false);
    };
    left[..start].iter().for_each(|word| both(word, &mut old, &mut now));
    if changed.len() * new.len() > COMPARED {
        push(&mut old, &changed.concat(), true);
        push(&mut now, &new.concat(), true);
    } else {
        subsequence(changed, new, &mut old, &mut now);
    }
    left[left.len() - end..].iter().for_each(|word| both(word, &mut old, &mut now));
    (old, now)
}

fn subsequence(left: &[&str], right: &[&str], old: &mut Vec<Piece>, new: &mut Vec<Piece>) {
    // lengths[i][j]: longest common subsequence of left[i..] and right[j..].
    let mut lengths = vec![vec![0_u32; right.len() + 1]; left.len() + 1];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            lengths[i][j] =
                if left[i] == right[j] { lengths[i + 1][j + 1] + 1 } else { lengths[i + 1][j].max(lengths[i][j + 1]) };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < left.len() || j < right.len() {
        if i < left.len() && j < right.len() && left[i] == right[j] {
            push(old, left[i], false);
            push(new, right[j], false);
            (i, j) = (i + 1, j + 1);
        } else if j == right.len() || (i < left.len() && lengths[i + 1][j] >= lengths[i][j + 1]) {
            push(old, left[i], true);
            i += 1;
        } else {
            push(new, right[j], true);
            j += 1;
        }
    }
}

fn push(pieces: &mut Vec<Piece>, text: &str, changed: bool) {
    match pieces.last_mut() {
        Some(last) if last.changed == changed => last.text.push_str(text),
        _ => pieces.push(Piece { text: text.to_owned(), changed }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(pieces: &[Piece]) -> String {
        pieces
            .iter()
            .map(|piece| if piece.changed { format!("[{}]", piece.text) } else { piece.text.clone() })
            .collect()
    }

    #[test]
    fn removed_and_added_words_are_marked() {
        let (before, after) = compare("Great <b>bag</b> &amp; strap", "Great bag & strap");
        assert_eq!(marked(&before), "Great [<b>]bag[</b>] &[amp;] strap");
        assert_eq!(marked(&after), "Great bag & strap");
        let (before, after) = compare("donâ€™t", "don’t");
        assert_eq!(before.iter().map(|piece| piece.text.as_str()).collect::<String>(), "donâ€™t");
        assert!(after.iter().any(|piece| piece.changed));
        assert_eq!(
            compare("same", "same"),
            (vec![Piece { text: "same".into(), changed: false }], vec![Piece { text: "same".into(), changed: false }])
        );
        assert_eq!(compare("", "").0, []);
        let (before, after) = compare("a  b", "a b");
        assert_eq!((marked(&before), marked(&after)), ("a[  ]b".to_owned(), "a[ ]b".to_owned()));
    }

    #[test]
    fn a_long_difference_is_marked_as_a_whole() {
        let many = |word: &str| vec![word; 3_000].join(" ");
        let (same, other, third) = (many("same"), many("other"), many("third"));
        let (before, after) = compare(&format!("{same} {other} end"), &format!("{same} {third} end"));
        let text = |pieces: &[Piece]| pieces.iter().map(|piece| piece.text.as_str()).collect::<String>();
        assert_eq!(text(&before), format!("{same} {other} end"));
        assert_eq!(text(&after), format!("{same} {third} end"));
        assert!(!before[0].changed && before[1].changed && !before.last().unwrap().changed);
    }

    #[test]
    fn the_end_of_what_is_shown_is_no_change() {
        let words = (0..400).map(|word| format!("word{word}")).collect::<Vec<_>>().join(" ");
        let diff = Diff::of_beginning(&format!("<b>{words}"), &words, 60);
        assert!(marked(&diff.before).starts_with("[<b>]word0 word1 "), "{}", marked(&diff.before));
        assert!(!marked(&diff.after).contains('['), "{}", marked(&diff.after));
        assert!(diff.before.last().unwrap().text == "…" && diff.after.last().unwrap().text == "…");
        let whole = Diff::of_beginning("a  b", "a b", 60);
        assert_eq!((marked(&whole.before), marked(&whole.after)), ("a[  ]b".to_owned(), "a[ ]b".to_owned()));
    }

    #[test]
    fn invisible_characters_are_spelled_out() {
        assert_eq!(visible("a\u{200B}b\n", true), "a[U+200B]b[line break]");
        assert_eq!(visible("a\nb", false), "a b");
    }
}
