//! What a run did, line by line.

use egui::{RichText, ScrollArea, Ui};

use crate::app::theme::{Theme, icons};
use crate::app::widgets::after_page;
use crate::words::counted;
use crate::worker::{LogLevel, LogLine};

/// Most lines shown.
const LINES: usize = 200;

/// The last lines of the log, each whole.
pub fn log_ui(ui: &mut Ui, theme: &Theme, log: &[LogLine], height: f32) {
    let area = ScrollArea::vertical().id_salt("log").max_height(height).min_scrolled_height(height);
    let earlier = log.len().saturating_sub(LINES);
    after_page(ui, |ui| {
        area.auto_shrink([false, false]).stick_to_bottom(true).show(ui, |ui| {
            if log.is_empty() {
                ui.label(theme.muted("Nothing yet"));
            }
            if earlier > 0 {
                ui.label(
                    theme.small(format!("{} are not shown", counted(earlier as u64, "earlier line", "earlier lines"))),
                );
            }
            for line in &log[earlier..] {
                ui.horizontal_top(|ui| {
                    if line.level == LogLevel::Warning {
                        ui.label(RichText::new(icons::WARNING).color(theme.palette.warning)).on_hover_text("Warning");
                    }
                    ui.add(egui::Label::new(&line.message).wrap().selectable(true));
                });
            }
        });
    });
}
