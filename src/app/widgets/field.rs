//! Fields for numbers.

use egui::{DragValue, Key, Response, Ui, UiBuilder};

/// A field for a number, with a name that no other number field of the page has.
///
/// What is typed counts after Enter or when the focus leaves the field, and is dropped after Escape. The field keeps its
/// focus and its width while someone types, whatever appears or disappears above it.
pub fn number_field(ui: &mut Ui, name: &str, field: DragValue<'_>) -> Response {
    let id = ui.make_persistent_id(("number field", name));
    // What was typed is kept under the field's id, and egui would take it one frame after Escape. So the field gets another id.
    let dropped: usize = ui.data(|data| data.get_temp(id)).unwrap_or_default();
    let field = field.update_while_editing(false).clip_text(true);
    let response = if ui.layout().main_wrap() {
        // A part of a row that wraps cannot begin a new line itself.
        ui.skip_ahead_auto_ids(dropped);
        ui.add(field)
    } else {
        ui.scope_builder(UiBuilder::new().scope_id(id.with(dropped)), |ui| ui.add(field)).inner
    };
    let escaped = ui.memory(|memory| memory.had_focus_last_frame(response.id) && !memory.has_focus(response.id))
        && ui.input(|input| input.key_pressed(Key::Escape));
    if escaped {
        ui.data_mut(|data| data.insert_temp(id, dropped + 1));
    }
    response
}

#[cfg(test)]
mod tests {
    use egui::{Modifiers, Role};
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing::window;

    /// Two fields, of which the first has been clicked and "7" typed into it.
    fn typed<'a>(wraps: bool) -> egui_kittest::Harness<'a, [i32; 2]> {
        let fields = |ui: &mut Ui, [first, second]: &mut [i32; 2]| {
            number_field(ui, "first", DragValue::new(first)).accessible_name("First");
            number_field(ui, "second", DragValue::new(second)).accessible_name("Second");
        };
        let mut window = window(false, [42, 5], move |ui, numbers: &mut [i32; 2]| {
            if wraps { ui.horizontal_wrapped(|ui| fields(ui, numbers)).inner } else { fields(ui, numbers) }
        });
        window.get_all_by_role(Role::SpinButton).next().unwrap().click();
        window.run();
        window.key_press_modifiers(Modifiers::COMMAND, Key::A);
        window.event(egui::Event::Text("7".to_owned()));
        window.run();
        window
    }

    #[test]
    fn a_number_counts_after_enter_and_when_the_focus_leaves_the_field() {
        for key in [Key::Enter, Key::Tab] {
            let mut window = typed(false);
            assert_eq!(window.state()[0], 42, "it does not count yet");
            window.key_press(key);
            window.run();
            assert_eq!(window.state()[0], 7, "after {key:?}");
        }
    }

    #[test]
    fn escape_leaves_the_number_as_it_was_also_when_the_field_is_used_again() {
        for wraps in [false, true] {
            let mut window = typed(wraps);
            window.key_press(Key::Escape);
            window.run();
            assert_eq!(window.state()[0], 42);
            window.get_all_by_role(Role::SpinButton).next().unwrap().click();
            window.run();
            window.key_press(Key::Tab);
            window.run();
            assert_eq!(window.state()[0], 42, "what was dropped does not come back");
        }
    }
}
