//! The page shown while no project is open.

use std::path::PathBuf;

use egui::{Button, Ui, vec2};

use crate::app::commands::UserCommand;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::theme::{Theme, icons};
use crate::app::widgets::{button, card, page, primary_button};

/// Draws the page: create a project, open one, or try the sample.
pub fn welcome_ui(ui: &mut Ui, theme: &Theme, recent: &[PathBuf], sender: &mut CommandSender) {
    let purpose = "Fine-tune a language model on your own data. Your data never leaves this machine";
    page(ui, theme, "Welcome to Hone", purpose, |ui| {
        card(ui, theme, |ui| {
            ui.label(theme.heading("Get started"));
            ui.label(theme.muted("Create a project for your own texts, or try the sample first"));
            ui.add_space(theme.space.s);
            ui.horizontal_wrapped(|ui| {
                for (icon, command) in [
                    (icons::FILE_PLUS, UserCommand::New),
                    (icons::FOLDER_OPEN, UserCommand::Open),
                    (icons::FLASK, UserCommand::OpenSample),
                ] {
                    let response = if command == UserCommand::New {
                        primary_button(ui, theme, icon, command.text(), Ok(()))
                    } else {
                        button(ui, theme, icon, command.text())
                    };
                    if response.on_hover_text(command.tooltip()).clicked() {
                        sender.user(command);
                    }
                }
            });
        });
        if recent.is_empty() {
            return;
        }
        card(ui, theme, |ui| {
            ui.label(theme.heading("Recent projects"));
            for folder in recent {
                let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let place = folder.parent().map(|parent| parent.display().to_string()).unwrap_or_default();
                let row = Button::new((icons::FOLDER, name)).right_text(theme.small(place)).frame_when_inactive(false);
                let size = vec2(ui.available_width(), theme.size.row);
                if ui.add(row.min_size(size)).clicked() {
                    sender.send(AppCommand::OpenProject(folder.clone()));
                }
            }
        });
    });
}
