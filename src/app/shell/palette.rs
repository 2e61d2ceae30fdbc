//! The command palette: every command by name, from the command table.

use egui::{Align, Key, Label, Modal, Response, Role, ScrollArea, Sense, TextEdit, Ui, WidgetInfo, vec2};

use crate::app::commands::{CommandState, UserCommand};
use crate::app::messages::CommandSender;
use crate::app::shell::dialogs::dialog_frame;
use crate::app::theme::Theme;

/// The palette, open or not.
#[derive(Debug, Default)]
pub struct CommandPalette {
    open: bool,
    just_opened: bool,
    query: String,
    selected: usize,
}

impl CommandPalette {
    /// Opens it, or closes it when it is open.
    pub fn toggle(&mut self) {
        *self = Self { open: !self.open, just_opened: true, ..Self::default() };
    }

    /// Draws it when it is open.
    pub fn ui(&mut self, ui: &Ui, theme: &Theme, state: &CommandState<'_>, sender: &mut CommandSender) {
        if !self.open {
            return;
        }
        let found = search(&self.query);
        let before = self.selected;
        self.take_keys(ui, found.len());
        let moved = self.selected != before;
        let confirmed = ui.input_mut(|input| input.consume_key(egui::Modifiers::NONE, Key::Enter));
        let mut chosen = confirmed.then(|| found.get(self.selected).copied()).flatten();
        let response =
            Modal::new(egui::Id::unique("palette")).frame(dialog_frame(theme, theme.space.m)).show(ui.ctx(), |ui| {
                ui.set_width(560.0_f32.min(ui.ctx().content_rect().width() - 4.0 * theme.space.xl));
                let edit =
                    TextEdit::singleline(&mut self.query).hint_text("Search commands").desired_width(f32::INFINITY);
                let edit = ui.add(edit.margin(vec2(theme.space.m, theme.space.s))).accessible_name("Search commands");
                if std::mem::take(&mut self.just_opened) {
                    edit.request_focus();
                }
                if edit.changed() {
                    self.selected = 0;
                }
                ui.add_space(theme.space.xs);
                if found.is_empty() {
                    ui.label(theme.muted("No matching commands"));
                }
                ScrollArea::vertical()
                    .max_height(380.0_f32.min(ui.ctx().content_rect().height() - 160.0))
                    .auto_shrink([false, true])
                    .show(ui, |ui| {
                        ui.spacing_mut().item_spacing.y = 0.0;
                        for (place, &command) in found.iter().enumerate() {
                            let selected = place == self.selected;
                            let response = row_ui(ui, theme, command, state, selected);
                            if selected && moved {
                                response.scroll_to_me(Some(Align::Center));
                            }
                            if response.clicked() {
                                chosen = Some(command);
                            }
                        }
                    });
            });
        if response.should_close() {
            self.open = false;
        }
        if let Some(command) = chosen.filter(|command| command.blocked(state).is_none()) {
            self.open = false;
            sender.user(command);
        }
    }

    fn take_keys(&mut self, ui: &Ui, count: usize) {
        let none = egui::Modifiers::NONE;
        let (down, up) = ui.input_mut(|input| {
            (input.count_and_consume_key(none, Key::ArrowDown), input.count_and_consume_key(none, Key::ArrowUp))
        });
        self.selected = (self.selected + down).saturating_sub(up).min(count.saturating_sub(1));
    }
}

/// Commands whose name contains every word of the query; those that start with it come first.
fn search(query: &str) -> Vec<UserCommand> {
    let query = query.to_lowercase();
    let words: Vec<&str> = query.split_whitespace().collect();
    let text = |command: &UserCommand| format!("{} {}", command.menu().title(), command.text()).to_lowercase();
    let mut found: Vec<UserCommand> = UserCommand::ALL
        .into_iter()
        .filter(|command| *command != UserCommand::Palette && words.iter().all(|word| text(command).contains(word)))
        .collect();
    found.sort_by_key(|command| !command.text().to_lowercase().starts_with(query.trim()));
    found
}

fn row_ui(ui: &mut Ui, theme: &Theme, command: UserCommand, state: &CommandState<'_>, selected: bool) -> Response {
    let blocked = command.blocked(state);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), theme.size.control), Sense::click());
    let title = command.title(state);
    response.widget_info(|| WidgetInfo::selected(Role::MenuItem, blocked.is_none(), selected, &title));
    let fill = match (selected, response.hovered()) {
        (true, _) => theme.palette.accent_soft,
        (_, true) => theme.palette.hover,
        _ => theme.palette.card,
    };
    ui.painter().rect_filled(rect, f32::from(theme.radius.medium), fill);
    let mut row = ui.new_child(
        egui::UiBuilder::new()
            .max_rect(rect.shrink2(vec2(theme.space.s, 0.0)))
            .layout(egui::Layout::left_to_right(Align::Center)),
    );
    let ink = if blocked.is_some() { theme.palette.text_faint } else { theme.palette.text };
    let plain = |text: egui::RichText| Label::new(text).selectable(false).sense(Sense::empty());
    row.add(plain(theme.small(command.menu().title())));
    row.add(plain(egui::RichText::new(title).color(ink)));
    row.with_layout(egui::Layout::right_to_left(Align::Center), |ui| {
        if let Some(why) = &blocked {
            ui.add(plain(theme.small(why)));
        } else if let Some(shortcut) = command.shortcuts().first() {
            let shortcut = ui.ctx().format_shortcut(shortcut);
            ui.add(plain(theme.small(shortcut)));
        }
    });
    response.on_hover_text(command.tooltip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_matches_every_word_and_ranks_prefix_matches_first() {
        assert_eq!(search("start tr"), [UserCommand::Train]);
        assert_eq!(search("sav")[0], UserCommand::KeepVersion);
        assert!(search("theme").len() == 3);
        assert!(search("no such command").is_empty());
        assert_eq!(search("").len(), UserCommand::ALL.len() - 1);
    }
}
