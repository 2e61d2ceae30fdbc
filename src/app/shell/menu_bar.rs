//! The menu bar, drawn from the command table.

use egui::{Button, MenuBar, Ui};

use crate::app::commands::{CommandState, Menu, UserCommand};
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::theme::{Theme, icons};
use crate::storage::RecentProject;
use crate::words::shortened_left;

/// Width of the button of the command palette.
const COMMANDS: f32 = 170.0;

/// Draws the menu bar.
pub fn menu_bar_ui(
    ui: &mut Ui,
    theme: &Theme,
    state: &CommandState<'_>,
    recent: &[RecentProject],
    sender: &mut CommandSender,
) {
    MenuBar::new().ui(ui, |ui| {
        ui.style_mut().spacing.button_padding.x = theme.space.s;
        for menu in Menu::ALL {
            ui.menu_button(menu.title(), |ui| {
                ui.set_min_width(240.0);
                menu_ui(ui, theme, menu, state, recent, sender);
            });
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let keys = UserCommand::Palette.shortcuts();
            let hint = keys.first().map(|keys| ui.ctx().format_shortcut(keys)).unwrap_or_default();
            // In a narrow window the icon says it alone.
            let button = if ui.available_width() < COMMANDS {
                Button::new(theme.small(icons::MAGNIFYING_GLASS))
            } else {
                let text = theme.small(format!("{}  Commands", icons::MAGNIFYING_GLASS));
                Button::new(text).shortcut_text(theme.small(hint))
            };
            let button = button.frame_when_inactive(false);
            let response = ui.add(button).accessible_name("Open the command palette");
            if response.on_hover_text(UserCommand::Palette.tooltip()).clicked() {
                sender.user(UserCommand::Palette);
            }
        });
    });
}

fn menu_ui(
    ui: &mut Ui,
    theme: &Theme,
    menu: Menu,
    state: &CommandState<'_>,
    recent: &[RecentProject],
    sender: &mut CommandSender,
) {
    for command in UserCommand::ALL.into_iter().filter(|command| command.menu() == menu) {
        if command.begins_group() {
            ui.separator();
        }
        let blocked = command.blocked(state);
        let mut button = Button::new(command.title(state));
        if let Some(shortcut) = command.shortcuts().first() {
            button = button.shortcut_text(ui.ctx().format_shortcut(shortcut));
        }
        let response = ui.add_enabled(blocked.is_none(), button).on_hover_text(command.tooltip());
        let response = response.on_disabled_hover_text(blocked.unwrap_or_default());
        if response.clicked() {
            sender.user(command);
            ui.close();
        }
        if command == UserCommand::Open {
            recent_ui(ui, theme, recent, sender);
        }
    }
}

fn recent_ui(ui: &mut Ui, theme: &Theme, recent: &[RecentProject], sender: &mut CommandSender) {
    ui.add_enabled_ui(!recent.is_empty(), |ui| {
        ui.menu_button("Open recent", |ui| {
            for RecentProject { folder, name, .. } in recent {
                let button = Button::new(name).right_text(theme.small(short(folder)));
                if ui.add(button).on_hover_text(folder.display().to_string()).clicked() {
                    sender.send(AppCommand::OpenProject(folder.clone()));
                    ui.close();
                }
            }
        });
    });
}

/// The parent of a project's folder, shortened from the left.
fn short(folder: &std::path::Path) -> String {
    let parent = folder.parent().map(|parent| parent.display().to_string()).unwrap_or_default();
    shortened_left(&parent, 36)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_paths_are_shortened_from_the_left() {
        assert_eq!(short(std::path::Path::new("/home/a/project")), "/home/a");
        let long = short(std::path::Path::new("/home/somebody/with/a/very/long/path/to/their/projects/project"));
        assert!(long.starts_with('…') && long.ends_with("/projects"));
        assert_eq!(long.chars().count(), 36);
    }
}
