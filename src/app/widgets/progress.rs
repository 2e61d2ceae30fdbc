//! A thin progress bar.

use egui::{Rect, Response, Role, Sense, Ui, WidgetInfo, vec2};

use crate::app::theme::Theme;

/// Draws a bar `width` points wide. `None` draws an indeterminate bar.
pub fn progress_ui(ui: &mut Ui, theme: &Theme, name: &str, share: Option<f32>, width: f32) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(width, 6.0), Sense::hover());
    response.widget_info(|| WidgetInfo {
        value: share.map(|share| f64::from(share) * 100.0),
        ..WidgetInfo::labeled(Role::ProgressIndicator, true, name)
    });
    let radius = rect.height() / 2.0;
    let painter = ui.painter();
    painter.rect_filled(rect, radius, theme.palette.hover);
    let done = if let Some(share) = share {
        Rect::from_min_size(rect.min, vec2(rect.width() * share.clamp(0.0, 1.0), rect.height()))
    } else {
        ui.ctx().request_repaint_after(std::time::Duration::from_millis(125));
        let place = (ui.input(|input| input.time) * 0.6).fract() as f32;
        let left = rect.left() + rect.width() * (place * 1.3 - 0.3);
        Rect::from_min_size(egui::pos2(left, rect.top()), vec2(rect.width() * 0.3, rect.height())).intersect(rect)
    };
    if done.width() >= 1.0 {
        painter.rect_filled(done, radius, theme.palette.accent);
    }
    response
}
