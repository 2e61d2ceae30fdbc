//! A menu of one choice.

use egui::{ComboBox, Ui};

/// A menu of a fixed width. Without it, a menu takes all the space there is, and a grid never shrinks again.
pub fn combo(ui: &mut Ui, name: &str, shown: &str, width: f32, options: impl FnOnce(&mut Ui)) {
    ui.scope(|ui| {
        ui.set_max_width(width);
        let combo = ComboBox::from_id_salt(name).selected_text(shown).width(width).truncate().show_ui(ui, options);
        combo.response.accessible_name(name);
    });
}
