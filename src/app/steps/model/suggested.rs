//! Cards of the models that Hone suggests: choosing one looks it up on the Hugging Face Hub and pins it.

use egui::{RichText, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::steps::model::facts::{facts, in_words, longest_in_words};
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{Action, badge, banner, button, button_if, choice_card, running_ui};
use crate::fetch::{HubName, SuggestedModel};
use crate::words::parameters;

/// A suggested model that is not chosen. `here`: whether the cache of the Hub on this machine has it.
pub fn suggested_card(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    (model, here, spare): (&SuggestedModel, bool, f32),
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let is_offline = ctx.models.is_some_and(|models| models.endpoints.offline);
    let why_not = if ctx.answers.look_up.is_running() {
        Some("Another model is being looked up")
    } else if is_offline && !here {
        Some("Hone is offline (HF_HUB_OFFLINE is set), and this model is not on this machine")
    } else {
        None
    };
    choice_card(ui, theme, false, |ui| {
        let radio = ui.add_enabled(why_not.is_none(), egui::RadioButton::new(false, theme.strong(&model.name)));
        let radio = radio.on_disabled_hover_text(why_not.unwrap_or_default());
        let hover =
            "Hone asks the Hugging Face Hub for its files, and pins the project to them. You download it afterwards";
        let mut chosen = radio.on_hover_text(hover).clicked();
        ui.add(egui::Label::new(RichText::new(&model.description).color(theme.palette.text)).wrap());
        let size = model.parameters.map(|number| format!("{} parameters", parameters(number)));
        let facts = facts([
            in_words(&model.languages),
            Some(longest_in_words(model.longest)),
            size,
            Some(model.licence.clone()),
        ]);
        let facts = ui.add(egui::Label::new(theme.small(facts)).wrap());
        facts.on_hover_text(format!("Source: Hugging Face Hub, {}", model.repo));
        ui.add_space(spare);
        ui.horizontal(|ui| match (here, is_offline) {
            (true, _) => {
                badge(ui, theme, Tone::Success, icons::CHECK_CIRCLE, "on this machine");
            }
            (false, true) => {
                badge(ui, theme, Tone::Neutral, icons::INFO, "offline: not on this machine");
            }
            (false, false) => {
                let choose = button_if(ui, theme, why_not.is_none(), icons::MAGNIFYING_GLASS, "Choose and look up");
                let choose = choose.accessible_name(format!("Choose and look up {}", model.name)).on_hover_text(hover);
                chosen |= choose.on_disabled_hover_text(why_not.unwrap_or_default()).clicked();
            }
        });
        if chosen && let Some(name) = model.hub_name() {
            sender.send(AppCommand::UseHubModel(name));
        }
    });
}

/// The progress of looking a model up, or why it cannot be used. `shown` is what the page calls it.
pub fn look_up_ui(ui: &mut Ui, ctx: &StepContext<'_>, (name, shown): (&HubName, &str), sender: &mut CommandSender) {
    let theme = ctx.theme;
    let look_up = &ctx.answers.look_up;
    if let Some(running) = &look_up.running {
        let stop = Action { label: "Stop", hover: "", command: AppCommand::StopLookingUp };
        running_ui(ui, theme, running, Some(stop), sender);
    } else if let Some(why) = &look_up.failed {
        banner(ui, theme, Tone::Danger, &format!("{shown} cannot be used"), why, |ui| {
            if button(ui, theme, icons::ARROW_CLOCKWISE, "Try again").clicked() {
                sender.send(AppCommand::UseHubModel(name.clone()));
            }
        });
    }
}
