//! The cards of the models to choose from.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use egui::{RichText, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender, Edit, Pick};
use crate::app::slot::{Running, Slot};
use crate::app::state::entry;
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{
    badge, banner, button, button_if, card_grid, cards_across, choice_card, heading_ui, progress_ui,
};
use crate::data::Language;
use crate::fetch::{Catalogue, CatalogueEntry, Source, entry_of};
use crate::progress::Progress;
use crate::project::ModelChoice;
use crate::storage::AdaptedModel;
use crate::words::{bytes, parameters, sentence_case};

/// Narrowest card of a model.
const MODEL: f32 = 230.0;

/// State kept between frames.
#[derive(Debug, Default)]
pub struct CardsState {
    /// Ids of the catalogue's models on this machine; refreshed after a download.
    local: BTreeSet<String>,
    local_for: Option<(Option<PathBuf>, bool)>,
}

impl CardsState {
    fn refresh(&mut self, ctx: &StepContext<'_>, entries: &[CatalogueEntry]) {
        let key = (ctx.model_folder.map(Path::to_owned), ctx.answers.fetch.is_running());
        if self.local_for.as_ref() == Some(&key) {
            return;
        }
        self.local_for = Some(key);
        let folders = ctx.models.map(|models| &models.folders);
        let here = |entry: &&CatalogueEntry| folders.is_some_and(|folders| folders.locate(entry).is_some());
        self.local = entries.iter().filter(here).map(|entry| entry.id.clone()).collect();
    }
}

/// Draws the models of the catalogue, the models that other projects adapted, the chosen model of the Hub, and a local folder.
pub fn model_cards_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut CardsState, sender: &mut CommandSender) {
    match Catalogue::bundled() {
        Ok(catalogue) => models(ui, ctx, state, catalogue.entries(), sender),
        Err(error) => banner(ui, ctx.theme, Tone::Danger, "No models to choose from", &error.to_string(), |_| {}),
    }
}

fn models(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut CardsState,
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
    let cards = cards(ctx, entries);
    let across = cards_across(ui, theme.space.m, MODEL, cards.len());
    card_grid(ui, theme, "models", (across, cards.len()), |ui, index, spare| match &cards[index] {
        Card::Entry(entry) => {
            let here = state.local.contains(&entry.id);
            entry_card(
                ui,
                ctx,
                &ModelCard { entry, choice: ModelChoice::Catalogue(entry.id.clone()), here, spare },
                sender,
            );
        }
        Card::Hub(entry) => {
            let (choice, here) = (ctx.project.model.clone(), ctx.model_folder.is_some());
            entry_card(ui, ctx, &ModelCard { entry, choice, here, spare }, sender);
        }
        Card::Adapted(model) => adapted_card(ui, ctx, (model, spare), sender),
        Card::Folder => folder_card(ui, ctx, spare, sender),
    });
    if let Slot { of: Some(model), failed: Some(error), .. } = &ctx.answers.fetch {
        banner(ui, theme, Tone::Danger, "The download failed", error, |ui| {
            if button(ui, theme, icons::ARROW_CLOCKWISE, "Try again").clicked() {
                sender.send(AppCommand::FetchModel(model.clone()));
            }
        });
    }
    damaged_pin_ui(ui, ctx);
    ui.add_space(theme.space.m);
}

/// What a card is for.
enum Card<'a> {
    Entry(&'a CatalogueEntry),
    /// The chosen model of the Hub.
    Hub(Cow<'static, CatalogueEntry>),
    Adapted(&'a AdaptedModel),
    Folder,
}

fn cards<'a>(ctx: &StepContext<'a>, entries: &'a [CatalogueEntry]) -> Vec<Card<'a>> {
    let hub = matches!(ctx.project.model, ModelChoice::Hub(_)).then(|| entry(&ctx.project.model)).flatten();
    let own = ctx.adapted.iter().filter(|model| !model.folder.starts_with(ctx.folder));
    let entries = entries.iter().map(Card::Entry).chain(hub.map(Card::Hub));
    entries.chain(own.map(Card::Adapted)).chain([Card::Folder]).collect()
}

/// Says so if the project names a model of the Hub in a way that cannot be used.
fn damaged_pin_ui(ui: &mut Ui, ctx: &StepContext<'_>) {
    if matches!(ctx.project.model, ModelChoice::Hub(_))
        && let Err(error) = entry_of(&ctx.project.model)
    {
        let why = sentence_case(&error.to_string());
        banner(ui, ctx.theme, Tone::Danger, "The chosen model cannot be used", &why, |_| {});
    }
}

/// A card of a model that can be downloaded.
struct ModelCard<'a> {
    entry: &'a CatalogueEntry,
    choice: ModelChoice,
    /// Whether it is on this machine.
    here: bool,
    /// The points by which the card is lower than its neighbours.
    spare: f32,
}

fn entry_card(ui: &mut Ui, ctx: &StepContext<'_>, card: &ModelCard<'_>, sender: &mut CommandSender) {
    let (theme, entry) = (ctx.theme, card.entry);
    let chosen = ctx.project.model == card.choice;
    choice_card(ui, theme, chosen, |ui| {
        if ui.radio(chosen, theme.strong(&entry.name)).clicked() && !chosen {
            sender.edit(Edit::Model(card.choice.clone()));
        }
        ui.add(egui::Label::new(RichText::new(&entry.description).color(theme.palette.text)).wrap());
        // If the file size is unknown, show the size of 32-bit weights.
        let size = entry.bytes().map_or_else(|| format!("about {}", bytes(entry.parameters * 4)), bytes);
        let parameters = format!("{} parameters", parameters(entry.parameters));
        let facts = [language(entry), Some(&*parameters), Some(&*size), Some(&*entry.licence)];
        let facts: Vec<String> = facts.into_iter().flatten().map(|fact| fact.replace(' ', "\u{a0}")).collect();
        // Lines break after a dot, never within a fact or before a dot.
        let facts = facts.join("\u{a0}\u{a0}·  ");
        let sources: Vec<String> = entry.sources.iter().map(Source::describe).collect();
        let facts = ui.add(egui::Label::new(theme.small(facts)).wrap());
        facts.on_hover_text(format!("Source: {}", sources.join("; or: ")));
        ui.add_space(card.spare);
        ui.horizontal(|ui| availability(ui, ctx, card, sender));
    });
}

/// The language of a model's training texts. The Hub does not say it of its models in a way that can be relied on.
fn language(entry: &CatalogueEntry) -> Option<&'static str> {
    match entry.language.as_deref().and_then(Language::of_code) {
        Some(language) => Some(language.name),
        None => (!entry.exact).then_some("several languages"),
    }
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

fn availability(ui: &mut Ui, ctx: &StepContext<'_>, card: &ModelCard<'_>, sender: &mut CommandSender) {
    let (theme, entry) = (ctx.theme, card.entry);
    if card.here {
        badge(ui, theme, Tone::Success, icons::CHECK_CIRCLE, "on this machine");
        return;
    }
    let fetch = &ctx.answers.fetch;
    if let Some(Running { progress, .. }) = fetch.about(&card.choice).and_then(|fetch| fetch.running.as_ref()) {
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
            sender.send(AppCommand::FetchModel(card.choice.clone()));
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
        ModelChoice::Folder(_) | ModelChoice::Catalogue(_) | ModelChoice::Hub(_) => None,
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

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::steps::model::{ModelStepState, model_step_ui};
    use crate::app::testing::{Scene, picture, window};

    fn open(scene: Scene, dark: bool) -> Harness<'static, (Scene, ModelStepState)> {
        window(dark, (scene, ModelStepState::default()), |ui, (scene, state)| {
            scene.show(|ctx, sender| model_step_ui(ui, ctx, state, sender));
        })
    }

    #[test]
    fn a_model_can_be_chosen_and_downloaded() {
        for dark in [false, true] {
            let mut harness = open(Scene::prepared(dark), dark);
            harness.run();
            picture(if dark { "model-dark" } else { "model-light" }, &mut harness);
            harness.get_by_label("BERT base (uncased)").click();
            harness.run();
            harness.get_by_label("Download BERT base (uncased)").click();
            harness.run();
            harness.get_by_label("Open model folder…").click();
            harness.run();
            let choice = ModelChoice::Catalogue("bert-base-uncased".to_owned());
            assert_eq!(
                harness.state_mut().0.sender.take(),
                [
                    AppCommand::Edit(Edit::Model(choice.clone())),
                    AppCommand::FetchModel(choice),
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
        scene.answers.fetch.of = Some(ModelChoice::Catalogue("bert-base-uncased".to_owned()));
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
        let bge = ModelChoice::Catalogue("bge-small-en".to_owned());
        let mut scene = Scene::prepared(false);
        scene.answers.fetch.of = Some(bge.clone());
        scene.answers.fetch.failed = Some("No network: connect to it, or open a model folder".to_owned());
        let mut harness = open(scene, false);
        harness.run();
        harness.get_by_label("No network: connect to it, or open a model folder");
        harness.get_by_label("Try again").click();
        harness.run();
        assert_eq!(harness.state_mut().0.sender.take(), [AppCommand::FetchModel(bge)]);
    }
}
