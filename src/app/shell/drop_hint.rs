//! The overlay shown while a file is dragged over the window.

use egui::{Align2, Id, LayerId, Order, Stroke, StrokeKind, Ui};

use crate::app::theme::Theme;

/// Covers the window with a hint that the file can be dropped.
pub fn drop_hint_ui(ui: &Ui, theme: &Theme) {
    let painter = ui.ctx().layer_painter(LayerId::new(Order::Tooltip, Id::unique("drop hint")));
    let window = ui.ctx().content_rect();
    let palette = &theme.palette;
    painter.rect_filled(window, 0.0, palette.accent_soft.gamma_multiply(0.92));
    let frame = window.shrink(theme.space.l);
    let radius = f32::from(theme.radius.large);
    painter.rect_stroke(frame, radius, Stroke::new(2.0, palette.accent), StrokeKind::Inside);
    let text = "Drop data files to load them as one table, or a project folder to open it";
    painter.text(window.center(), Align2::CENTER_CENTER, text, theme.font(theme.text.title), palette.accent);
}
