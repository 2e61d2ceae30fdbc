//! A virtualised list of predicted rows: text, true label, predicted label, confidence.

use egui::{Align2, Key, Rect, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use crate::app::theme::{Theme, icons};
use crate::evaluation::Prediction;
use crate::words::{one_line, percent};

/// Characters of a text in the accessible name of its row: a screen reader would read more for too long.
const NAMED: usize = 300;

const ROW_HEIGHT: f32 = 54.0;

/// Shows `rows` (indices into `predictions`), at most `max_height` points high. Only visible rows are laid out.
/// `selected` is an index into `rows`; a click, or the arrow keys while a row has the focus, change it.
/// Returns whether a row was clicked, or Enter pressed on it, in this frame.
pub fn row_list_ui(
    ui: &mut Ui,
    theme: &Theme,
    labels: &[String],
    predictions: &[Prediction],
    rows: &[usize],
    selected: &mut Option<usize>,
    max_height: f32,
) -> bool {
    let mut activated = false;
    ui.spacing_mut().item_spacing.y = 2.0;
    ScrollArea::vertical().id_salt("row list").max_height(max_height).auto_shrink([false, false]).show_rows(
        ui,
        ROW_HEIGHT,
        rows.len(),
        |ui, range| {
            for place in range {
                let Some(prediction) = rows.get(place).and_then(|&index| predictions.get(index)) else { continue };
                let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW_HEIGHT), Sense::click());
                let name = accessible_name(labels, prediction);
                response
                    .widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, *selected == Some(place), &name));
                if response.clicked() {
                    *selected = Some(place);
                    activated = true;
                }
                activated |= response.has_focus() && ui.input(|input| input.key_pressed(Key::Enter));
                paint(ui, theme, rect, labels, prediction, &response, *selected == Some(place));
            }
        },
    );
    activated
}

fn paint(
    ui: &Ui,
    theme: &Theme,
    rect: Rect,
    labels: &[String],
    prediction: &Prediction,
    response: &egui::Response,
    selected: bool,
) {
    let palette = &theme.palette;
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
    let inner = rect.shrink2(vec2(theme.space.m, theme.space.s));
    let text = one_line(&prediction.text, NAMED);
    let mut job = egui::text::LayoutJob::simple_singleline(text, theme.font(theme.text.body), palette.text);
    job.wrap = egui::text::TextWrapping::truncate_at_width(inner.width());
    painter.galley(inner.min, painter.layout_job(job), palette.text);
    let small = theme.font(theme.text.small);
    let at = pos2(inner.left(), inner.bottom());
    painter.text(at, Align2::LEFT_BOTTOM, verdict(labels, prediction), small.clone(), palette.text_muted);
    let sure = format!("{} sure", percent(f64::from(prediction.confidence())));
    painter.text(inner.max, Align2::RIGHT_BOTTOM, sure, small, palette.text_muted);
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
                row_list_ui(ui, &theme, &results.settings.labels, &many, &rows, &mut selected, 300.0);
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
