//! Cards of a person's own models: those that projects adapted, and a folder.

use std::path::Path;

use egui::{RichText, TextWrapMode, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender, Edit, Pick};
use crate::app::slot::Slot;
use crate::app::steps::model::facts::earlier_head_ui;
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
        path_ui(ui, ctx, &model.folder);
        if chosen {
            earlier_head_ui(ui, ctx);
        }
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
            let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy();
            ui.add(egui::Label::new(theme.strong(name)).truncate());
            if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                path_ui(ui, ctx, parent);
            }
            if ctx.model_folder.is_none() {
                badge(ui, theme, Tone::Warning, icons::WARNING, "Folder not found. Open it again");
            }
            earlier_head_ui(ui, ctx);
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
            let hover = "GGUF is the file format of llama.cpp and Ollama. Hone converts a Llama or Qwen2 model from it, and leaves \
                         the file as it is";
            if gguf.on_hover_text(hover).clicked() {
                sender.send(AppCommand::Pick(Pick::ModelFile));
            }
        });
    });
}

/// A path on one line: its end, if it is too long.
fn path_ui(ui: &mut Ui, ctx: &StepContext<'_>, path: &Path) {
    let path = path.display().to_string();
    let width = |text: &str| {
        let text = egui::WidgetText::from(ctx.theme.small(text));
        text.into_galley(ui, Some(TextWrapMode::Extend), f32::INFINITY, egui::FontSelection::Default).size().x
    };
    let shown = path_end(&path, ui.available_width(), width);
    ui.add(egui::Label::new(ctx.theme.small(shown)).truncate()).on_hover_text(path);
}

/// The whole path if it is no wider than `room`, and otherwise as much of its end as is, after "…".
fn path_end(path: &str, room: f32, width: impl Fn(&str) -> f32) -> String {
    if width(path) <= room {
        return path.to_owned();
    }
    let ends = path.char_indices().skip(1).filter_map(|(at, _)| path.get(at..));
    let ends: Vec<String> = ends.map(|end| format!("…{end}")).collect();
    let first = ends.partition_point(|end| width(end) > room);
    ends.get(first).cloned().unwrap_or_else(|| "…".to_owned())
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

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing::{Scene, window};

    #[test]
    fn a_folder_that_is_gone_shows_its_name_and_what_to_do() {
        let mut scene = Scene::prepared(false);
        scene.project.model = ModelChoice::Folder("/models/of/ann/legal-bert".into());
        let mut harness = window(false, scene, |ui, scene| {
            scene.show(|ctx, sender| folder_card(ui, ctx, 0.0, sender));
        });
        harness.run();
        harness.get_by_label("legal-bert");
        harness.get_by_label("/models/of/ann");
        harness.get_by_label("Folder not found. Open it again");
    }

    #[test]
    fn a_long_path_keeps_its_end() {
        let width = |text: &str| text.chars().count() as f32;
        assert_eq!(path_end("/models/ann", 11.0, width), "/models/ann");
        assert_eq!(path_end("/models/ann", 5.0, width), "…/ann");
        assert_eq!(path_end("/modèles/été", 4.0, width), "…été");
        assert_eq!(path_end("/models/ann", 0.5, width), "…");
    }
}
