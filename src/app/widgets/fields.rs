//! Names above controls, as many side by side as fit.

use egui::Ui;

use crate::app::theme::Theme;
use crate::app::widgets::basics::field_label;
use crate::app::widgets::layout::{cards_across, columns};

/// Greatest width of a field.
const MOST: f32 = 284.0;
/// Least width: "Double quotes (detected)" fits.
const LEAST: f32 = 216.0;

/// Fields, each a name above its control: as many side by side as fit, all of one width. `control` draws the control of a
/// field, which gets its width.
pub fn fields(ui: &mut Ui, theme: &Theme, names: &[(&str, &str)], mut control: impl FnMut(&mut Ui, usize, f32)) {
    let gap = theme.space.l;
    let fit = cards_across(ui, gap, LEAST, names.len());
    let width = ((ui.available_width() - gap * (fit as f32 - 1.0)) / fit as f32).min(MOST);
    for (row, names) in names.chunks(fit).enumerate() {
        ui.push_id(row, |ui| {
            columns(ui, gap, &vec![width; names.len()], |ui, place| {
                ui.spacing_mut().item_spacing.y = theme.space.xs;
                let (name, hover) = names[place];
                field_label(ui, theme, name, hover);
                control(ui, row * fit + place, width);
            });
        });
    }
}
