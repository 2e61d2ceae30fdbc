//! The Model step: the pre-trained model and the training settings.

mod cards;
mod facts;
pub mod forecast;
mod fields;
mod hub;
#[cfg(test)]
mod hub_tests;
pub mod hyperparameters;
pub mod new_words;
mod own_models;
pub mod plan;
mod suggested;
mod ways;
mod what_to_train;

use egui::{RichText, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{CommandSender, Edit};
use crate::app::sought;
use crate::app::steps::model::cards::{CardsState, model_cards_ui};
use crate::app::steps::model::forecast::forecast_ui;
use crate::app::steps::model::hub::{HubSearch, hub_search_ui};
use crate::app::steps::model::hyperparameters::hyperparameters_ui;
use crate::app::steps::model::new_words::new_words_ui;
use crate::app::steps::model::plan::{few_steps_ui, plan_summary};
use crate::app::steps::model::ways::ways_ui;
use crate::app::theme::{Theme, icons};
use crate::app::widgets::{
    Anchor, anchor, button, card_grid, choice_card, columns, explained, fill, is_narrow, is_wide, page, section,
};
use crate::project::{NetworkKind, Preset, Step, TaskKind, TrainingSettings};

/// State kept between frames.
#[derive(Debug, Default)]
pub struct ModelStepState {
    cards: CardsState,
    hub: HubSearch,
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
    model_cards_ui(ui, ctx, (&mut state.cards, &state.hub), sender);
    hub_search_ui(ui, ctx, &mut state.hub, sender);
    if let Some(settings) = ctx.project.language_modelling() {
        new_words_ui(ui, ctx, settings, sender);
    }
}

fn training(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let now = &ctx.project.training;
    section(ui, theme, "Training settings", "A preset sets everything below. You can then change each setting", |ui| {
        presets(ui, theme, (ctx.project.task.kind(), ctx.network), now, sender);
        ui.add_space(theme.space.s);
        ui.horizontal_top(|ui| {
            ui.label(RichText::new(icons::INFO).color(theme.palette.accent));
            explained(ui, plan_summary(ctx));
        });
        ui.add_space(theme.space.s);
        few_steps_ui(ui, ctx, sender);
        forecast_ui(ui, ctx, sender);
        ways_ui(ui, ctx, sender);
        ui.add_space(theme.space.s);
        let advanced = egui::CollapsingHeader::new(theme.strong("Advanced settings")).id_salt("advanced");
        let open = sought::sought(ui.ctx()).is_some().then_some(true);
        advanced.open(open).show_unindented(ui, |ui| {
            let mut settings = now.clone();
            let mut task = ctx.project.task.clone();
            let labels = ctx.prepared.map_or(&[][..], |prepared| &prepared.labels);
            hyperparameters_ui(ui, theme, &mut settings, &mut task, (ctx.network, labels));
            if task != ctx.project.task {
                sender.edit(Edit::Task(task));
            }
            if settings != *now {
                sender.edit(Edit::Training(settings));
            }
        });
    });
}

fn presets(
    ui: &mut Ui,
    theme: &Theme,
    of: (TaskKind, NetworkKind),
    now: &TrainingSettings,
    sender: &mut CommandSender,
) {
    let (task, network) = of;
    let current = Preset::of(of, now);
    let presets = Preset::of_task(task);
    if of == (TaskKind::TextClassification, NetworkKind::Decoder) {
        ui.add(egui::Label::new(theme.small(PRESETS_OF_GPT)).wrap());
        ui.add_space(theme.space.xs);
    }
    let across = if is_narrow(ui) { 1 } else { presets.len() };
    card_grid(ui, theme, "presets", (across, presets.len()), |ui, place, spare| {
        let preset = presets[place];
        let (name, text) = preset_words(task, network, preset);
        let chosen = current == Some(preset);
        choice_card(ui, theme, chosen, |ui| {
            if ui.radio(chosen, theme.strong(name)).clicked() && !chosen {
                sender.edit(Edit::Training(preset.apply(of, now)));
            }
            ui.add(egui::Label::new(theme.small(text)).wrap());
            fill(ui, spare);
        });
    });
    // The line is always there, so that nothing below moves when a setting leaves its preset.
    ui.horizontal_wrapped(|ui| {
        ui.set_min_height(theme.size.control);
        let Some(preset) = current else {
            ui.label(theme.muted("Custom settings (no preset)"));
            if button(ui, theme, icons::ARROW_COUNTER_CLOCKWISE, "Reset to Balanced").clicked() {
                sender.edit(Edit::Training(Preset::Balanced.apply(of, now)));
            }
            return;
        };
        ui.label(theme.muted(format!("Settings of the {} preset", preset_words(task, network, preset).0)));
    });
}

/// What the presets of decoders set otherwise.
const PRESETS_OF_GPT: &str = "For GPT models, Quick, Balanced and Thorough train a small adapter (LoRA) instead of all layers, \
                              which needs much less memory";

/// Name and explanation.
fn preset_words(task: TaskKind, network: NetworkKind, preset: Preset) -> (&'static str, &'static str) {
    let is_adapting = task == TaskKind::LanguageModelling;
    match preset {
        Preset::Instant => ("Instant", "Reads each text once: a first model in seconds, even with few labelled rows"),
        Preset::Quick => ("Quick", "1 epoch, max length 64 tokens: a first look"),
        Preset::Balanced if is_adapting && network == NetworkKind::Decoder => {
            ("Balanced", "5 epochs, max length 128 tokens")
        }
        Preset::Balanced if is_adapting => {
            ("Balanced", "5 epochs, max length 128 tokens. For BERT base, set the learning rate to 5e-5")
        }
        Preset::Balanced => ("Balanced", "3 epochs, max length 128 tokens: a good choice for most data"),
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
    use crate::app::messages::AppCommand;
    use crate::app::testing::{Scene, picture, window};
    use crate::project::Task;

    fn open(scene: Scene, dark: bool) -> Harness<'static, (Scene, ModelStepState)> {
        window(dark, (scene, ModelStepState::default()), |ui, (scene, state)| {
            scene.show(|ctx, sender| model_step_ui(ui, ctx, state, sender));
        })
    }

    #[test]
    fn a_preset_sets_everything_and_can_be_restored() {
        let mut scene = Scene::prepared(true);
        scene.project.training.epochs = 5;
        let mut harness = open(scene, true);
        harness.set_size(egui::vec2(1280.0, 1800.0));
        harness.run();
        harness.get_by_label("Reset to Balanced").click();
        harness.run();
        let balanced = TrainingSettings::default();
        assert_eq!(harness.state_mut().0.sender.take(), [AppCommand::Edit(Edit::Training(balanced))]);
        harness.get_by_label("Quick").click();
        harness.run();
        let quick =
            Preset::Quick.apply((TaskKind::TextClassification, NetworkKind::Encoder), &TrainingSettings::default());
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
        harness.get_by_label_contains("5 epochs, max length 128 tokens. For BERT base");
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
