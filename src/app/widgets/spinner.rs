//! A spinner that repaints only a few times a second.
//!
//! egui's own spinner repaints the whole window at the screen's frame rate. On a machine that renders on the CPU, that slows
//! down training.

use std::f32::consts::TAU;
use std::time::Duration;

use egui::{Color32, Rect, Response, Role, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, pos2};

/// Frames per second.
const RATE: u64 = 8;

/// Points of the arc, and its share of the circle.
const POINTS: u8 = 20;
const SHARE: f32 = 0.7;

/// Draws a spinner of `size` points. `name` is its accessible name: what Hone is waiting for.
pub fn spinner(ui: &mut Ui, size: f32, color: Color32, name: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(size), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, name));
    paint_spinner(ui, rect, color);
    response
}

/// Paints one into `rect`.
pub fn paint_spinner(ui: &Ui, rect: Rect, color: Color32) {
    if !ui.is_rect_visible(rect) {
        return;
    }
    ui.ctx().request_repaint_after(Duration::from_millis(1000 / RATE));
    let begin = (ui.input(|input| input.time) * 0.9).fract() as f32 * TAU;
    let (centre, radius) = (rect.center(), rect.height() / 2.0 - 2.0);
    let point = |index: u8| {
        let angle = begin + f32::from(index) / f32::from(POINTS) * SHARE * TAU;
        pos2(centre.x + radius * angle.cos(), centre.y + radius * angle.sin())
    };
    ui.painter().add(Shape::line((0..=POINTS).map(point).collect(), Stroke::new(2.0, color)));
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;

    #[test]
    fn a_spinner_repaints_a_few_times_a_second_and_has_a_name() {
        let mut harness = Harness::new_ui(|ui| {
            let color = ui.visuals().text_color();
            spinner(ui, 20.0, color, "Waiting");
        });
        harness.step();
        harness.get_by_label("Waiting");
        let delay = harness.output().viewport_output.values().map(|viewport| viewport.repaint_delay).min();
        assert!(delay.is_some_and(|delay| delay >= Duration::from_millis(100)), "{delay:?}");
    }
}
