//! The cards of the models to choose from.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use egui::{RichText, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender, Edit};
use crate::app::slot::{Running, Slot};
use crate::app::state::entry;
use crate::app::steps::model::facts::{earlier_head_ui, facts, in_words, longest_in_words};
use crate::app::steps::model::hub::HubSearch;
use crate::app::steps::model::own_models::{adapted_card, conversion_ui, folder_card};
use crate::app::steps::model::suggested::{look_up_ui, suggested_card};
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{
    badge, banner, button, button_if, card_grid, cards_across, choice_card, heading_ui, progress_ui,
};
use crate::fetch::{Catalogue, CatalogueEntry, ModelGroup, Offer, Source, SuggestedModel, entry_of};
use crate::progress::Progress;
use crate::project::{HubModel, ModelChoice};
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
    /// The group that a person chose to see.
    group: Option<ModelGroup>,
}

impl CardsState {
    fn refresh(&mut self, ctx: &StepContext<'_>, catalogue: &Catalogue) {
        let key = (ctx.model_folder.map(Path::to_owned), ctx.answers.fetch.is_running());
        if self.local_for.as_ref() == Some(&key) {
            return;
        }
        self.local_for = Some(key);
        let Some(folders) = ctx.models.map(|models| &models.folders) else { return };
        let entries = catalogue.entries().iter().filter(|entry| folders.locate(entry).is_some());
        let cached = |model: &&SuggestedModel| model.hub_name().is_some_and(|name| folders.cached(&name).is_some());
        let suggested = catalogue.suggested().iter().filter(cached);
        self.local = entries.map(|entry| &entry.id).chain(suggested.map(|model| &model.id)).cloned().collect();
    }
}

/// Draws the models of the catalogue, the models that other projects adapted, the chosen model of the Hub, and a local folder.
/// `search` is drawn below them.
pub fn model_cards_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    (state, search): (&mut CardsState, &HubSearch),
    sender: &mut CommandSender,
) {
    match Catalogue::bundled() {
        Ok(catalogue) => {
            models(ui, ctx, state, catalogue, sender);
            failures_ui(ui, ctx, (catalogue, search), sender);
            ui.add_space(ctx.theme.space.m);
        }
        Err(error) => banner(ui, ctx.theme, Tone::Danger, "No models to choose from", &error.to_string(), |_| {}),
    }
}

fn models(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut CardsState,
    catalogue: &'static Catalogue,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    state.refresh(ctx, catalogue);
    heading_ui(ui, theme, "Pre-trained model");
    let text = "Each was trained on a large amount of text, and learns from yours. Larger models are usually more accurate \
                and always slower";
    ui.add(egui::Label::new(theme.muted(text)).wrap());
    ui.add_space(theme.space.s);
    let group = groups_ui(ui, ctx, state, catalogue);
    let cards = cards(ctx, catalogue, group);
    let across = cards_across(ui, theme.space.m, MODEL, cards.len());
    let grid = format!("models {}", group.title());
    card_grid(ui, theme, &grid, (across, cards.len()), |ui, index, spare| match &cards[index] {
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
        Card::Suggested(model) => {
            suggested_card(ui, ctx, (model, state.local.contains(&model.id), spare), sender);
        }
        Card::Adapted(model) => adapted_card(ui, ctx, (model, spare), sender),
        Card::Folder => folder_card(ui, ctx, spare, sender),
    });
}

/// Says which model could not be downloaded, looked up, converted or used, and why.
fn failures_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    (catalogue, search): (&Catalogue, &HubSearch),
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    if let Slot { of: Some(model), failed: Some(error), .. } = &ctx.answers.fetch {
        let title = format!("{} could not be downloaded", name_of(model, catalogue));
        banner(ui, theme, Tone::Danger, &title, error, |ui| {
            if button(ui, theme, icons::ARROW_CLOCKWISE, "Try again").clicked() {
                sender.send(AppCommand::FetchModel(model.clone()));
            }
        });
    }
    if let Some(name) = &ctx.answers.look_up.of
        && let Some(model) = catalogue.suggestion_of(name.repo())
        && !search.shows(ctx, name)
    {
        look_up_ui(ui, ctx, (name, &model.name), sender);
    }
    conversion_ui(ui, ctx, sender);
    damaged_pin_ui(ui, ctx);
}

/// What the page calls a model.
fn name_of(model: &ModelChoice, catalogue: &Catalogue) -> String {
    match model {
        ModelChoice::Catalogue(id) => catalogue.get(id).map_or_else(|| id.clone(), |entry| entry.name.clone()),
        ModelChoice::Hub(HubModel { repo, .. }) => {
            catalogue.suggestion_of(repo).map_or_else(|| repo.clone(), |model| model.name.clone())
        }
        ModelChoice::Folder(folder) => folder.display().to_string(),
    }
}

/// Draws the groups to choose from, and returns the one to show. Until a person chooses one, it is that of the chosen model.
fn groups_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut CardsState, catalogue: &Catalogue) -> ModelGroup {
    let theme = ctx.theme;
    let chosen = group_of(&ctx.project.model, catalogue);
    let shown = state.group.or(chosen).unwrap_or_default();
    ui.horizontal_wrapped(|ui| {
        for group in ModelGroup::ALL {
            let mark = if chosen == Some(group) { format!("{} ", icons::CHECK) } else { String::new() };
            let button = ui.selectable_label(shown == group, format!("{mark}{}", group.title()));
            let button = button.accessible_name(group.title());
            let hover = if chosen == Some(group) { "The chosen model is here" } else { group.purpose() };
            if button.on_hover_text(hover).clicked() {
                state.group = Some(group);
            }
        }
    });
    let shown = state.group.unwrap_or(shown);
    ui.add(egui::Label::new(theme.small(shown.purpose())).wrap());
    ui.add_space(theme.space.xs);
    shown
}

/// The group of a model that the catalogue offers.
fn group_of(model: &ModelChoice, catalogue: &Catalogue) -> Option<ModelGroup> {
    match model {
        ModelChoice::Catalogue(id) => Some(catalogue.get(id)?.group),
        ModelChoice::Hub(model) => Some(catalogue.suggestion_of(&model.repo)?.group),
        ModelChoice::Folder(_) => None,
    }
}

/// What a card is for.
enum Card<'a> {
    Entry(&'a CatalogueEntry),
    /// The chosen model of the Hub.
    Hub(Box<CatalogueEntry>),
    Suggested(&'a SuggestedModel),
    Adapted(&'a AdaptedModel),
    Folder,
}

/// The models of a group; and the chosen one and the person's own, in every group.
fn cards<'a>(ctx: &StepContext<'a>, catalogue: &'static Catalogue, group: ModelGroup) -> Vec<Card<'a>> {
    let chosen = match &ctx.project.model {
        ModelChoice::Hub(HubModel { repo, .. }) => Some(repo.as_str()),
        _ => None,
    };
    let offers = catalogue.offers(group).map(|offer| match offer {
        Offer::Pinned(entry) => Card::Entry(entry),
        Offer::Suggested(model) if chosen.is_some_and(|repo| repo.eq_ignore_ascii_case(&model.repo)) => {
            chosen_suggestion(&ctx.project.model, model).map_or(Card::Suggested(model), Card::Hub)
        }
        Offer::Suggested(model) => Card::Suggested(model),
    });
    let is_found = chosen.is_some_and(|repo| catalogue.suggestion_of(repo).is_none());
    let hub = is_found.then(|| entry(&ctx.project.model)).flatten().map(|entry| Box::new(entry.into_owned()));
    let own = ctx.adapted.iter().filter(|model| !model.folder.starts_with(ctx.folder));
    offers.chain(hub.map(Card::Hub)).chain(own.map(Card::Adapted)).chain([Card::Folder]).collect()
}

/// The chosen model of the Hub in the words of the suggestion that it was.
fn chosen_suggestion(choice: &ModelChoice, model: &SuggestedModel) -> Option<Box<CatalogueEntry>> {
    let mut entry = entry(choice)?.into_owned();
    (entry.name, entry.description) = (model.name.clone(), model.description.clone());
    (entry.licence, entry.longest) = (model.licence.clone(), Some(model.longest));
    Some(Box::new(entry))
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
        let languages = Offer::Pinned(entry).languages().and_then(|languages| in_words(&languages));
        let longest = entry.longest.map(longest_in_words);
        let facts = facts([languages, longest, Some(parameters), Some(size), Some(entry.licence.clone())]);
        let sources: Vec<String> = entry.sources.iter().map(Source::describe).collect();
        let facts = ui.add(egui::Label::new(theme.small(facts)).wrap());
        facts.on_hover_text(format!("Source: {}", sources.join("; or: ")));
        if chosen {
            earlier_head_ui(ui, ctx);
        }
        ui.add_space(card.spare);
        ui.horizontal(|ui| availability(ui, ctx, card, sender));
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

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::messages::Pick;
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
            harness.get_by_label("Larger").click();
            harness.run();
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
        scene.project.model = ModelChoice::Catalogue("bert-base-uncased".to_owned());
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
        harness.get_by_label("BGE small (English) could not be downloaded");
        harness.get_by_label("No network: connect to it, or open a model folder");
        harness.get_by_label("Try again").click();
        harness.run();
        assert_eq!(harness.state_mut().0.sender.take(), [AppCommand::FetchModel(bge)]);
    }
}
