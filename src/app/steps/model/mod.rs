//! The Model step: the pre-trained model and the training settings.

pub mod forecast;
pub mod hyperparameters;
pub mod new_words;
pub mod plan;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use egui::{RichText, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender, Edit, Pick};
use crate::app::slot::{Running, Slot};
use crate::app::sought;
use crate::app::steps::model::forecast::forecast_ui;
use crate::app::steps::model::hyperparameters::hyperparameters_ui;
use crate::app::steps::model::new_words::new_words_ui;
use crate::app::steps::model::plan::{few_steps_ui, plan_summary};
use crate::app::theme::{Theme, Tone, icons};
use crate::app::widgets::{
    Anchor, anchor, badge, banner, button, button_if, card_grid, cards_across, choice_card, columns, explained, fill,
    heading_ui, is_narrow, is_wide, page, progress_ui, section,
};
use crate::data::Language;
use crate::fetch::{Catalogue, CatalogueEntry, Source, locate};
use crate::progress::Progress;
use crate::project::{ModelChoice, Preset, Step, TaskKind, TrainingSettings};
use crate::storage::AdaptedModel;
use crate::words::{bytes, parameters};

/// Narrowest card of a model.
const MODEL: f32 = 230.0;

/// State kept between frames.
#[derive(Debug, Default)]
pub struct ModelStepState {
    /// Ids of the models on this machine; refreshed after a download.
    local: BTreeSet<String>,
    local_for: Option<(Option<PathBuf>, bool)>,
}

/// Draws the step.
pub fn model_step_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut ModelStepState, sender: &mut CommandSender) {
    page(ui, ctx.theme, Step::Model.title(), Step::Model.purpose(), |ui| {
        if !is_wide(ui, ctx.theme) {
            chosen_model(ui, ctx, state, sender);
            training(ui, ctx, sender);
            return;
        }
        let gap = ctx.theme.space.l;
        let half = (ui.available_width() - gap) / 2.0;
        columns(ui, gap, &[half, half], |ui, place| match place {
            0 => chosen_model(ui, ctx, state, sender),
            _ => training(ui, ctx, sender),
        });
    });
}

/// The models to choose from, and how a language model learns new words.
fn chosen_model(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut ModelStepState, sender: &mut CommandSender) {
    anchor(ui, Anchor::Models);
    match Catalogue::bundled() {
        Ok(catalogue) => models(ui, ctx, state, catalogue.entries(), sender),
        Err(error) => banner(ui, ctx.theme, Tone::Danger, "No models to choose from", &error.to_string(), |_| {}),
    }
    if let Some(settings) = ctx.project.language_modelling() {
        new_words_ui(ui, ctx, settings, sender);
    }
}

impl ModelStepState {
    fn refresh(&mut self, ctx: &StepContext<'_>, entries: &[CatalogueEntry]) {
        let key = (ctx.model_folder.map(Path::to_owned), ctx.answers.fetch.is_running());
        if self.local_for.as_ref() == Some(&key) {
            return;
        }
        self.local_for = Some(key);
        let here = |entry: &&CatalogueEntry| {
            // A model that cannot be looked up counts as missing; choosing it says why.
            locate(&ModelChoice::Catalogue(entry.id.clone()), ctx.folder).is_ok_and(|folder| folder.is_some())
        };
        self.local = entries.iter().filter(here).map(|entry| entry.id.clone()).collect();
    }
}

fn models(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut ModelStepState,
    entries: &[CatalogueEntry],
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    state.refresh(ctx, entries);
    heading_ui(ui, theme, "Pre-trained model");
    let text = "Each was trained on a large amount of text, and learns from yours. Larger models are usually more accurate \
                and always slower";
    ui.add(egui::Label::new(theme.muted(text)).wrap());
    ui.add_space(theme.space.s);
    let own: Vec<&AdaptedModel> = ctx.adapted.iter().filter(|model| !model.folder.starts_with(ctx.folder)).collect();
    let cards = entries.len() + own.len() + 1;
    let across = cards_across(ui, theme.space.m, MODEL, cards);
    card_grid(ui, theme, "models", (across, cards), |ui, index, spare| {
        match (entries.get(index), own.get(index.saturating_sub(entries.len()))) {
            (Some(entry), _) => entry_card(ui, ctx, state, (entry, spare), sender),
            (None, Some(model)) => adapted_card(ui, ctx, (model, spare), sender),
            (None, None) => folder_card(ui, ctx, spare, sender),
        }
    });
    if let Slot { of: Some(id), failed: Some(error), .. } = &ctx.answers.fetch {
        banner(ui, theme, Tone::Danger, "The download failed", error, |ui| {
            if button(ui, theme, icons::ARROW_CLOCKWISE, "Try again").clicked() {
                sender.send(AppCommand::FetchModel(id.clone()));
            }
        });
    }
    ui.add_space(theme.space.m);
}

fn entry_card(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &ModelStepState,
    (entry, spare): (&CatalogueEntry, f32),
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let chosen = ctx.project.model == ModelChoice::Catalogue(entry.id.clone());
    let here = state.local.contains(&entry.id);
    choice_card(ui, theme, chosen, |ui| {
        if ui.radio(chosen, theme.strong(&entry.name)).clicked() && !chosen {
            sender.edit(Edit::Model(ModelChoice::Catalogue(entry.id.clone())));
        }
        ui.add(egui::Label::new(RichText::new(&entry.description).color(theme.palette.text)).wrap());
        // If the file size is unknown, show the size of 32-bit weights.
        let size = entry.bytes().map_or_else(|| format!("about {}", bytes(entry.parameters * 4)), bytes);
        let language = entry.language.as_deref().and_then(Language::of_code).map_or("several languages", |of| of.name);
        let parameters = format!("{} parameters", parameters(entry.parameters));
        let facts = [language, &parameters, &size, &entry.licence].map(|fact| fact.replace(' ', "\u{a0}"));
        // Lines break after a dot, never within a fact or before a dot.
        let facts = facts.join("\u{a0}\u{a0}·  ");
        let sources: Vec<String> = entry.sources.iter().map(Source::describe).collect();
        let facts = ui.add(egui::Label::new(theme.small(facts)).wrap());
        facts.on_hover_text(format!("Source: {}", sources.join("; or: ")));
        ui.add_space(spare);
        ui.horizontal(|ui| availability(ui, ctx, entry, here, sender));
    });
}

/// A model that another project adapted.
fn adapted_card(ui: &mut Ui, ctx: &StepContext<'_>, (model, spare): (&AdaptedModel, f32), sender: &mut CommandSender) {
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

fn availability(ui: &mut Ui, ctx: &StepContext<'_>, entry: &CatalogueEntry, here: bool, sender: &mut CommandSender) {
    let theme = ctx.theme;
    if here {
        badge(ui, theme, Tone::Success, icons::CHECK_CIRCLE, "on this machine");
        return;
    }
    let fetch = &ctx.answers.fetch;
    if let Some(Running { progress, .. }) = fetch.about(&entry.id).and_then(|fetch| fetch.running.as_ref()) {
        ui.vertical(|ui| {
            let width = ui.available_width();
            progress_ui(ui, theme, &format!("Download of {}", entry.name), progress.fraction(), width);
            ui.horizontal(|ui| {
                ui.label(theme.small(download_text(progress)));
                if button(ui, theme, icons::X, "Stop")
                    .on_hover_text("Keep what has been downloaded so far, and resume later")
                    .clicked()
                {
                    sender.send(AppCommand::StopFetch);
                }
            });
        });
    } else {
        let busy = fetch.is_running();
        let name = format!("Download {}", entry.name);
        let download = button_if(ui, theme, !busy, icons::DOWNLOAD_SIMPLE, "Download");
        let hover = "Download the model once. Training needs no network";
        if download
            .accessible_name(name)
            .on_hover_text(hover)
            .on_disabled_hover_text("Another download is running")
            .clicked()
        {
            sender.send(AppCommand::FetchModel(entry.id.clone()));
        }
    }
}

/// "43.0 MiB of 86.7 MiB, 12 s left".
fn download_text(progress: &Progress) -> String {
    let done = progress.amount();
    progress.time_left().map_or(done.clone(), |left| format!("{done}, {left}"))
}

fn folder_card(ui: &mut Ui, ctx: &StepContext<'_>, spare: f32, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let folder = match &ctx.project.model {
        ModelChoice::Folder(folder) if ctx.adapted.iter().all(|model| model.folder != *folder) => Some(folder),
        ModelChoice::Folder(_) | ModelChoice::Catalogue(_) => None,
    };
    choice_card(ui, theme, folder.is_some(), |ui| {
        ui.horizontal(|ui| {
            ui.label(RichText::new(icons::FOLDER_OPEN).color(theme.palette.text_muted));
            ui.label(theme.strong("Your own model"));
        });
        let text = "A Hugging Face folder with a network such as BERT, RoBERTa, DeBERTa, ModernBERT, Llama or Qwen: \
                    configuration, tokenizer and weights";
        ui.add(egui::Label::new(text).wrap());
        if let Some(folder) = folder {
            let path = folder.display().to_string();
            ui.add(egui::Label::new(theme.small(&path)).truncate()).on_hover_text(path);
            if ctx.model_folder.is_none() {
                badge(ui, theme, Tone::Warning, icons::WARNING, "not found");
            }
        }
        ui.add_space(spare);
        if button(ui, theme, "", "Open model folder…").clicked() {
            sender.send(AppCommand::Pick(Pick::ModelFolder));
        }
    });
}

fn training(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let now = &ctx.project.training;
    section(ui, theme, "Training settings", "A preset sets everything below. You can then change each setting", |ui| {
        presets(ui, theme, (ctx.project.task.kind(), now), sender);
        ui.add_space(theme.space.s);
        ui.horizontal_top(|ui| {
            ui.label(RichText::new(icons::INFO).color(theme.palette.accent));
            explained(ui, plan_summary(ctx));
        });
        ui.add_space(theme.space.s);
        few_steps_ui(ui, ctx, sender);
        forecast_ui(ui, ctx, sender);
        ui.add_space(theme.space.s);
        let advanced = egui::CollapsingHeader::new(theme.strong("Advanced settings")).id_salt("advanced");
        let open = sought::sought(ui.ctx()).is_some().then_some(true);
        advanced.open(open).show_unindented(ui, |ui| {
            let mut settings = now.clone();
            let mut task = ctx.project.task.clone();
            let labels = ctx.prepared.map_or(&[][..], |prepared| &prepared.labels);
            hyperparameters_ui(ui, theme, &mut settings, &mut task, labels);
            if task != ctx.project.task {
                sender.edit(Edit::Task(task));
            }
            if settings != *now {
                sender.edit(Edit::Training(settings));
            }
        });
    });
}

fn presets(ui: &mut Ui, theme: &Theme, (task, now): (TaskKind, &TrainingSettings), sender: &mut CommandSender) {
    let current = Preset::of(task, now);
    let across = if is_narrow(ui) { 1 } else { Preset::ALL.len() };
    card_grid(ui, theme, "presets", (across, Preset::ALL.len()), |ui, place, spare| {
        let preset = Preset::ALL[place];
        let (name, text) = preset_words(task, preset);
        let chosen = current == Some(preset);
        choice_card(ui, theme, chosen, |ui| {
            if ui.radio(chosen, theme.strong(name)).clicked() && !chosen {
                sender.edit(Edit::Training(preset.apply(task, now)));
            }
            ui.add(egui::Label::new(theme.small(text)).wrap());
            fill(ui, spare);
        });
    });
    // The line is always there, so that nothing below moves when a setting leaves its preset.
    ui.horizontal_wrapped(|ui| {
        ui.set_min_height(theme.size.control);
        let Some(preset) = current else {
            ui.label(theme.muted("Custom settings"));
            if button(ui, theme, icons::ARROW_COUNTER_CLOCKWISE, "Reset to Balanced").clicked() {
                sender.edit(Edit::Training(Preset::Balanced.apply(task, now)));
            }
            return;
        };
        ui.label(theme.muted(format!("Settings of the {} preset", preset_words(task, preset).0)));
    });
}

/// Name and explanation.
fn preset_words(task: TaskKind, preset: Preset) -> (&'static str, &'static str) {
    let is_adapting = task == TaskKind::LanguageModelling;
    match preset {
        Preset::Quick => ("Quick", "1 epoch, max length 64 tokens: a first look"),
        Preset::Balanced if is_adapting => {
            ("Balanced", "5 epochs at 3e-4, max length 128 tokens: suits a model without a language model head")
        }
        Preset::Balanced => ("Balanced", "3 epochs, max length 128 tokens: what most papers use"),
        Preset::Thorough if is_adapting => {
            ("Thorough", "Up to 15 epochs at a lower learning rate, max length 256 tokens, with early stopping")
        }
        Preset::Thorough => {
            ("Thorough", "Up to 8 epochs at a lower learning rate, max length 256 tokens, with early stopping")
        }
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing::{Scene, picture, window};
    use crate::project::Task;

    fn open(scene: Scene, dark: bool) -> Harness<'static, (Scene, ModelStepState)> {
        window(dark, (scene, ModelStepState::default()), |ui, (scene, state)| {
            scene.show(|ctx, sender| model_step_ui(ui, ctx, state, sender));
        })
    }

    #[test]
    fn a_model_can_be_chosen_and_downloaded() {
        for dark in [false, true] {
            let mut harness = open(Scene::prepared(dark), dark);
            harness.state_mut().1.local.clear();
            harness.run();
            picture(if dark { "model-dark" } else { "model-light" }, &mut harness);
            harness.get_by_label("BERT base (uncased)").click();
            harness.run();
            harness.get_by_label("Download BERT base (uncased)").click();
            harness.run();
            harness.get_by_label("Open model folder…").click();
            harness.run();
            let id = "bert-base-uncased".to_owned();
            assert_eq!(
                harness.state_mut().0.sender.take(),
                [
                    AppCommand::Edit(Edit::Model(ModelChoice::Catalogue(id.clone()))),
                    AppCommand::FetchModel(id),
                    AppCommand::Pick(Pick::ModelFolder)
                ]
            );
        }
    }

    #[test]
    fn a_download_shows_its_progress_and_can_be_stopped() {
        let progress = Progress {
            stage: "Downloading".to_owned(),
            done: 45_000_000,
            total: Some(440_449_768),
            unit: "bytes",
            eta_seconds: Some(74.0),
        };
        let mut scene = Scene::prepared(false);
        scene.answers.fetch.of = Some("bert-base-uncased".to_owned());
        scene.answers.fetch.running = Some(Running { title: "Downloading the model", progress });
        let mut harness = open(scene, false);
        harness.run_steps(3);
        picture("model-downloading", &mut harness);
        harness.get_by_label("42.9 MiB of 420 MiB, 1 min 14 s left");
        harness.get_by_label("Stop").click();
        harness.run_steps(3);
        assert_eq!(harness.state_mut().0.sender.take(), [AppCommand::StopFetch]);
    }

    #[test]
    fn a_failed_download_says_why_and_can_be_retried() {
        let mut scene = Scene::prepared(false);
        scene.answers.fetch.of = Some("bge-small-en".to_owned());
        scene.answers.fetch.failed = Some("No network: connect to it, or open a model folder".to_owned());
        let mut harness = open(scene, false);
        harness.run();
        harness.get_by_label("No network: connect to it, or open a model folder");
        harness.get_by_label("Try again").click();
        harness.run();
        assert_eq!(harness.state_mut().0.sender.take(), [AppCommand::FetchModel("bge-small-en".to_owned())]);
    }

    #[test]
    fn a_preset_sets_everything_and_can_be_restored() {
        let mut scene = Scene::prepared(true);
        scene.project.training.epochs = 5;
        let mut harness = open(scene, true);
        harness.run();
        harness.get_by_label("Reset to Balanced").click();
        harness.run();
        let balanced = TrainingSettings::default();
        assert_eq!(harness.state_mut().0.sender.take(), [AppCommand::Edit(Edit::Training(balanced))]);
        harness.get_by_label("Quick").click();
        harness.run();
        let quick = Preset::Quick.apply(TaskKind::TextClassification, &TrainingSettings::default());
        assert_eq!(harness.state_mut().0.sender.take(), [AppCommand::Edit(Edit::Training(quick))]);
    }

    #[test]
    fn presets_of_the_adapting_task_have_values_for_it() {
        let mut scene = Scene::prepared(false);
        scene.project.task = Task::new(TaskKind::LanguageModelling);
        let mut harness = open(scene, false);
        harness.set_size(egui::vec2(1280.0, 1800.0));
        harness.run();
        harness.get_by_label("Reset to Balanced").click();
        harness.run();
        let expected = TrainingSettings::of_task(TaskKind::LanguageModelling);
        assert_eq!(harness.state_mut().0.sender.take(), [AppCommand::Edit(Edit::Training(expected))]);
        harness.get_by_label_contains("5 epochs at 3e-4, max length 128 tokens");
    }

    #[test]
    fn advanced_shows_every_setting() {
        for dark in [false, true] {
            let mut harness = open(Scene::prepared(dark), dark);
            harness.set_size(egui::vec2(1280.0, 1800.0));
            harness.run();
            harness.get_by_label("Advanced settings").click();
            harness.run();
            picture(if dark { "model-advanced-dark" } else { "model-advanced-light" }, &mut harness);
            harness.get_by_label("Learning rate");
            harness.get_by_label("Class weights");
            harness.get_by_label("Seed");
        }
    }
}
