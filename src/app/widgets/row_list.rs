//! A virtualised list of predicted rows: text, true label, predicted label, confidence.

use egui::{Color32, Key, Rect, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use crate::app::theme::{Theme, icons};
use crate::evaluation::Prediction;
use crate::project::RowId;
use crate::words::{one_line, percent};

/// Characters of a text in the accessible name of its row: a screen reader would read more for too long.
const NAMED: usize = 300;

const ROW_HEIGHT: f32 = 54.0;
/// Between two rows.
const GAP: f32 = 2.0;

/// The rows of a list.
#[derive(Clone, Copy)]
pub struct RowList<'a> {
    /// Label names in class-id order.
    pub labels: &'a [String],
    /// All predictions.
    pub predictions: &'a [Prediction],
    /// Indices of the listed ones.
    pub rows: &'a [usize],
    /// What was decided about a row: an icon and a word. Such rows are shown muted.
    pub decided: &'a dyn Fn(RowId) -> Option<(&'static str, String)>,
    /// Greatest height in points.
    pub height: f32,
}

impl RowList<'_> {
    /// Height of a list of `rows` rows that does not scroll.
    #[must_use]
    pub fn height_of(rows: usize) -> f32 {
        rows as f32 * (ROW_HEIGHT + GAP)
    }
}

/// Draws a list. Only visible rows are laid out. `selected` is an index into its rows; a click, or the arrow keys while a row
/// has the focus, change it. Returns whether a row was clicked, or Enter pressed on it, in this frame.
pub fn row_list_ui(ui: &mut Ui, theme: &Theme, list: RowList<'_>, selected: &mut Option<usize>) -> bool {
    let mut activated = false;
    ui.spacing_mut().item_spacing.y = GAP;
    // Without a least height, a list that begins below the fold of a page would be one row high.
    let area = ScrollArea::vertical().id_salt("row list").max_height(list.height).min_scrolled_height(list.height);
    let area = area.auto_shrink([false, false]);
    area.show_rows(ui, ROW_HEIGHT, list.rows.len(), |ui, range| {
        for place in range {
            let Some(prediction) = list.rows.get(place).and_then(|&index| list.predictions.get(index)) else {
                continue;
            };
            let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW_HEIGHT), Sense::click());
            let decided = (list.decided)(prediction.id);
            let mut name = accessible_name(list.labels, prediction);
            if let Some((_, word)) = &decided {
                name = format!("{name}; {word}");
            }
            let is_selected = *selected == Some(place);
            response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, is_selected, &name));
            if response.clicked() {
                *selected = Some(place);
                activated = true;
            }
            activated |= response.has_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            paint_ground(ui, theme, &response, is_selected);
            paint(ui, theme, rect, list.labels, prediction, decided);
        }
    });
    activated
}

fn paint_ground(ui: &Ui, theme: &Theme, response: &egui::Response, selected: bool) {
    let (palette, rect) = (&theme.palette, response.rect);
    let painter = ui.painter_at(rect);
    if selected {
        painter.rect_filled(rect, theme.radius.medium, palette.accent_soft);
        let mark = Rect::from_min_size(rect.min + vec2(0.0, 10.0), vec2(3.0, rect.height() - 20.0));
        painter.rect_filled(mark, 2.0, palette.accent);
    } else if response.hovered() {
        painter.rect_filled(rect, theme.radius.medium, palette.hover);
    }
    if response.has_focus() {
        painter.rect_stroke(rect, theme.radius.medium, Stroke::new(1.5, palette.accent), StrokeKind::Inside);
    }
}

/// Paints the text above, and below it the labels and, to the right, how sure the model is or what was decided.
fn paint(
    ui: &Ui,
    theme: &Theme,
    rect: Rect,
    labels: &[String],
    prediction: &Prediction,
    decided: Option<(&'static str, String)>,
) {
    let palette = &theme.palette;
    let painter = ui.painter_at(rect);
    let line = |text: String, size: f32, ink: Color32, width: f32| {
        let mut job = egui::text::LayoutJob::simple_singleline(text, theme.font(size), ink);
        job.wrap = egui::text::TextWrapping::truncate_at_width(width);
        painter.layout_job(job)
    };
    let inner = rect.shrink2(vec2(theme.space.m, theme.space.s));
    let ink = if decided.is_some() { palette.text_muted } else { palette.text };
    let text = line(one_line(&prediction.text, NAMED), theme.text.body, ink, inner.width());
    painter.galley(inner.min, text, ink);
    let (note, ink) = match decided {
        Some((icon, word)) => (format!("{icon} {word}"), palette.success),
        None => (format!("{} sure", percent(f64::from(prediction.confidence()))), palette.text_muted),
    };
    let note = line(note, theme.text.small, ink, inner.width() * 0.6);
    let room = inner.width() - note.size().x - theme.space.s;
    painter.galley(inner.max - note.size(), note, ink);
    let verdict = line(verdict(labels, prediction), theme.text.small, palette.text_muted, room);
    painter.galley(pos2(inner.left(), inner.bottom() - verdict.size().y), verdict, palette.text_muted);
}

/// "negative → predicted neutral", or only the prediction if the label is unknown.
fn verdict(labels: &[String], prediction: &Prediction) -> String {
    let name = |class: u32| labels.get(class as usize).map_or("?", String::as_str);
    let predicted = prediction.predicted().map_or("?", name);
    match prediction.label() {
        Some(label) if prediction.predicted() == Some(label) => format!("{} {predicted}", icons::CHECK),
        Some(label) => format!("{}  {}  predicted {predicted}", name(label), icons::ARROW_RIGHT),
        None => format!("predicted {predicted}"),
    }
}

fn accessible_name(labels: &[String], prediction: &Prediction) -> String {
    let name = |class: u32| labels.get(class as usize).map_or("unknown", String::as_str);
    let truth = prediction.label().map_or("unknown", name);
    let sure = percent(f64::from(prediction.confidence()));
    let text = one_line(&prediction.text, NAMED);
    format!("{text}; true {truth}, predicted {}, {sure} sure", prediction.predicted().map_or("unknown", name))
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing;

    #[test]
    fn a_click_selects_a_row_and_only_visible_rows_are_laid_out() {
        let theme = testing::theme(false);
        let results = testing::results();
        let many: Vec<Prediction> = results.test.iter().cycle().take(10_000).cloned().collect();
        let rows: Vec<usize> = (0..many.len()).collect();
        let mut selected = None;
        {
            let mut harness = testing::window(false, (), |ui, ()| {
                let labels = &results.settings.labels;
                let list = RowList { labels, predictions: &many, rows: &rows, decided: &|_| None, height: 300.0 };
                row_list_ui(ui, &theme, list, &mut selected);
            });
            let shown = harness.query_all_by_role(Role::ListBoxOption).count();
            assert!((2..20).contains(&shown), "{shown} rows were laid out");
            let name = accessible_name(&results.settings.labels, &many[1]);
            harness.get_by_label(&name).click();
            harness.run();
        }
        assert_eq!(selected, Some(1));
    }
}
