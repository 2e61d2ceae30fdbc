//! The preferences: theme and size of text.

use egui::{ThemePreference, Ui};

use crate::app::commands::UserCommand;
use crate::app::messages::CommandSender;
use crate::app::theme::{Theme, icons};
use crate::app::widgets::{button, field_label};

/// Draws the preferences; each is applied and saved at once.
pub(super) fn preferences_ui(ui: &mut Ui, theme: &Theme, sender: &mut CommandSender) {
    field_label(ui, theme, "Theme", "");
    let now = ui.ctx().options(|options| options.theme_preference);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = theme.space.l;
        for (name, preference, command) in [
            ("System", ThemePreference::System, UserCommand::ThemeSystem),
            ("Light", ThemePreference::Light, UserCommand::ThemeLight),
            ("Dark", ThemePreference::Dark, UserCommand::ThemeDark),
        ] {
            if ui.radio(now == preference, name).on_hover_text(command.tooltip()).clicked() {
                sender.user(command);
            }
        }
    });
    ui.add_space(theme.space.m);
    field_label(ui, theme, "Size of text and controls", "From 80% to 200%");
    ui.horizontal(|ui| {
        if button(ui, theme, icons::MINUS, "Smaller").clicked() {
            sender.user(UserCommand::ZoomOut);
        }
        let percent = format!("{:.0}%", ui.ctx().zoom_factor() * 100.0);
        ui.add_sized([48.0, theme.size.control], egui::Label::new(percent));
        if button(ui, theme, icons::PLUS, "Larger").clicked() {
            sender.user(UserCommand::ZoomIn);
        }
        if button(ui, theme, "", "Reset").clicked() {
            sender.user(UserCommand::ZoomReset);
        }
    });
    ui.add_space(theme.space.s);
    ui.add(egui::Label::new(theme.small("Applied at once and remembered.")).wrap());
}
