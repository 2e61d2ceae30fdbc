//! Cards of a person's own models: those that projects adapted, and a folder.

use egui::{RichText, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender, Edit, Pick};
use crate::app::slot::Slot;
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{Action, badge, banner, button, choice_card, running_ui};
use crate::project::ModelChoice;
use crate::storage::AdaptedModel;

/// A model that another project adapted.
pub fn adapted_card(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    (model, spare): (&AdaptedModel, f32),
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let choice = ModelChoice::Folder(model.folder.clone());
    let chosen = ctx.project.model == choice;
    choice_card(ui, theme, chosen, |ui| {
        if ui.radio(chosen, theme.strong(format!("Adapted: {}", model.name))).clicked() && !chosen {
            sender.edit(Edit::Model(choice));
        }
        let text = "A model whose pre-training you continued on your own texts";
        ui.add(egui::Label::new(RichText::new(text).color(theme.palette.text)).wrap());
        let path = model.folder.display().to_string();
        ui.add(egui::Label::new(theme.small(&path)).truncate()).on_hover_text(path);
        ui.add_space(spare);
        ui.horizontal(|ui| badge(ui, theme, Tone::Success, icons::CHECK_CIRCLE, "on this machine"));
    });
}

/// The model in a folder.
pub fn folder_card(ui: &mut Ui, ctx: &StepContext<'_>, spare: f32, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let folder = match &ctx.project.model {
        ModelChoice::Folder(folder) if ctx.adapted.iter().all(|model| model.folder != *folder) => Some(folder),
        ModelChoice::Folder(_) | ModelChoice::Catalogue(_) | ModelChoice::Hub(_) => None,
    };
    choice_card(ui, theme, folder.is_some(), |ui| {
        ui.horizontal(|ui| {
            ui.label(RichText::new(icons::FOLDER_OPEN).color(theme.palette.text_muted));
            ui.label(theme.strong("Your own model"));
        });
        let text = "A Hugging Face folder (BERT, RoBERTa, DeBERTa, Llama, Qwen and others), or a GGUF file";
        ui.add(egui::Label::new(text).wrap());
        if let Some(folder) = folder {
            let path = folder.display().to_string();
            ui.add(egui::Label::new(theme.small(&path)).truncate()).on_hover_text(path);
            if ctx.model_folder.is_none() {
                badge(ui, theme, Tone::Warning, icons::WARNING, "not found");
            }
        }
        ui.add_space(spare);
        if let Some(running) = &ctx.answers.converted.running {
            let hover = "Nothing is kept of it";
            let stop = Action { label: "Stop converting", hover, command: AppCommand::StopConverting };
            running_ui(ui, theme, running, Some(stop), sender);
            return;
        }
        ui.horizontal_wrapped(|ui| {
            if button(ui, theme, "", "Open model folder…").clicked() {
                sender.send(AppCommand::Pick(Pick::ModelFolder));
            }
            let gguf = button(ui, theme, "", "Open GGUF file…");
            let hover = "A model of the Llama family in the format of llama.cpp. Hone converts it to a model folder";
            if gguf.on_hover_text(hover).clicked() {
                sender.send(AppCommand::Pick(Pick::ModelFile));
            }
        });
    });
}

/// Why a GGUF file could not be turned into a model folder.
pub fn conversion_ui(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    let Slot { of: Some(file), failed: Some(why), .. } = &ctx.answers.converted else { return };
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let title = format!("{name} could not be converted");
    banner(ui, ctx.theme, Tone::Danger, &title, why, |ui| {
        if button(ui, ctx.theme, icons::ARROW_CLOCKWISE, "Try again").clicked() {
            sender.send(AppCommand::ConvertModel(file.clone()));
        }
    });
}
