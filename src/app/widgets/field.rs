//! Fields for numbers.

use egui::{DragValue, Response, Ui, UiBuilder};

/// A field for a number, with a name that no other number field of the page has.
///
/// What is typed counts after Enter or when the focus leaves the field. The field keeps its focus
/// and its width while someone types, whatever appears or disappears above it.
pub fn number_field(ui: &mut Ui, name: &str, field: DragValue<'_>) -> Response {
    if ui.layout().main_wrap() {
        // A part of a row that wraps cannot begin a new line itself.
        return ui.add(field.update_while_editing(false).clip_text(true));
    }
    let id = ui.make_persistent_id(("number field", name));
    let field = field.update_while_editing(false).clip_text(true);
    ui.scope_builder(UiBuilder::new().scope_id(id), |ui| ui.add(field)).inner
}
