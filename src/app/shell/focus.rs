//! Keyboard focus that comes back when a menu, a drop-down or a dialog closes.

use egui::{Context, Event, Id, Plugin, Popup, Ui};

/// Remembers what had the focus before something opened above the page, and gives it back.
#[derive(Debug, Default)]
pub struct FocusKeeper {
    /// What had the focus in the last frame in which nothing was open.
    before: Option<Id>,
    /// What was clicked to open it.
    clicked: Option<Id>,
    /// What had the focus while it was open.
    inside: Option<Id>,
    was_open: bool,
    /// Frames since it was closed by a key; `None` while nothing is to be given back.
    closed_for: Option<u8>,
    /// The text field that was used last.
    text_field: Option<Id>,
}

impl FocusKeeper {
    /// The text field that was used last, if it is still on the page.
    pub fn text_field(ctx: &Context) -> Option<Id> {
        let last = ctx.with_plugin(|keeper: &mut Self| keeper.text_field)?;
        last.filter(|&id| ctx.read_response(id).is_some())
    }

    /// Notes that a table was used since the last text field, so that the clipboard commands are for its rows.
    pub fn leave_text_field(ctx: &Context) {
        ctx.with_plugin(|keeper: &mut Self| keeper.text_field = None);
    }
}

impl Plugin for FocusKeeper {
    fn debug_name(&self) -> &'static str {
        "focus keeper"
    }

    fn on_end_pass(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx();
        let (focused, has_modal) = ctx.memory(|memory| (memory.focused(), memory.top_modal_layer().is_some()));
        let is_open = has_modal || Popup::is_any_open(ctx);
        if ctx.text_edit_focused() && !is_open {
            self.text_field = focused;
        }
        if is_open {
            if !self.was_open {
                self.clicked = ctx.interaction_snapshot(|snapshot| snapshot.clicked);
            }
            (self.inside, self.closed_for) = (focused.or(self.inside), None);
        } else {
            let by_key =
                ctx.input(|input| input.events.iter().any(|event| matches!(event, Event::Key { pressed: true, .. })));
            if self.was_open && by_key {
                self.closed_for = Some(0);
            }
            self.give_back(ctx, focused);
        }
        self.was_open = is_open;
    }
}

impl FocusKeeper {
    fn give_back(&mut self, ctx: &Context, focused: Option<Id>) {
        let Some(frames) = self.closed_for else {
            (self.before, self.inside) = (focused, None);
            return;
        };
        if focused.is_some() && focused != self.inside {
            // Something else asked for the focus.
            self.closed_for = None;
        } else if frames == 0 {
            // A menu may have opened a dialog, which takes the focus in the next frame.
            self.closed_for = Some(1);
            ctx.request_repaint();
        } else {
            self.closed_for = None;
            if let Some(id) = self.before.or(self.clicked) {
                ctx.memory_mut(|memory| memory.request_focus(id));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use egui::{Key, Modifiers, Role};
    use egui_kittest::kittest::Queryable;

    use crate::app::messages::AppCommand;
    use crate::app::testing::{app, hone, press, settle};
    use crate::project::Step;
    use crate::storage::ThemeChoice;

    #[test]
    fn the_focus_comes_back_when_a_drop_down_is_closed_with_escape() {
        for (role, name) in [(Role::ComboBox, "Separator"), (Role::ComboBox, "Encoding")] {
            let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
            settle(&mut window);
            hone(&mut window).run_command(AppCommand::GoTo(Step::Data));
            settle(&mut window);
            window.get_by_role_and_label(role, name).click();
            settle(&mut window);
            press(&mut window, Modifiers::NONE, Key::Escape);
            assert!(window.get_by_role_and_label(role, name).is_focused(), "{name}");
        }
    }
}
