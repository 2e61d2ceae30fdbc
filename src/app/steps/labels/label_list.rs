//! How many labels a list shows.

use egui::Ui;

use crate::app::theme::Theme;
use crate::words::count;

/// Most labels drawn. A column with more is probably not a label column.
pub const DRAWN: usize = 200;

/// Says how many labels are not listed, if there are too many.
pub fn more_labels(ui: &mut Ui, theme: &Theme, labels: &[String]) {
    let more = labels.len().saturating_sub(DRAWN);
    if more > 0 {
        ui.label(theme.small(format!("and {} more", count(more as u64))));
    }
}
