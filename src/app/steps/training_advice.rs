//! What the curves of a run show, each with the setting to change as a button.

use egui::{RichText, Ui};

use crate::app::messages::CommandSender;
use crate::app::shell::go_to_setting;
use crate::app::theme::{Theme, icons};
use crate::app::widgets::{button, section};
use crate::training::Advice;
use crate::words::lower_first;

/// Draws the advice beside the curves; nothing if there is none.
pub fn advice_ui(ui: &mut Ui, theme: &Theme, advice: &[Advice], sender: &mut CommandSender) {
    if advice.is_empty() {
        return;
    }
    section(ui, theme, "Advice", "What the curves show so far. Changes apply to the next run", |ui| {
        for (place, advice) in advice.iter().enumerate() {
            if place > 0 {
                ui.add_space(theme.space.m);
            }
            ui.horizontal_top(|ui| {
                ui.label(RichText::new(icons::WARNING).color(theme.palette.warning));
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = theme.space.xs;
                    ui.add(egui::Label::new(theme.strong(advice.kind.title())).wrap());
                    ui.add(egui::Label::new(&advice.says).wrap());
                    let title = format!("Change {}", lower_first(advice.setting));
                    let tooltip = format!("Go to {} on its page", advice.setting);
                    if button(ui, theme, icons::ARROW_RIGHT, &title).on_hover_text(tooltip).clicked() {
                        go_to_setting(ui.ctx(), advice.setting, sender);
                    }
                });
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::messages::AppCommand;
    use crate::app::sought;
    use crate::app::testing::{theme, window};
    use crate::project::Step;
    use crate::training::AdviceKind;

    #[test]
    fn every_setting_that_advice_names_is_on_a_page() {
        for setting in ["Learning rate", "Early stopping", "Epochs", "Class weights"] {
            let (ctx, mut sender) = (egui::Context::default(), CommandSender::default());
            go_to_setting(&ctx, setting, &mut sender);
            assert_eq!((sender.take(), sought::sought(&ctx)), (vec![AppCommand::GoTo(Step::Model)], Some(setting)));
        }
    }

    #[test]
    fn advice_leads_to_the_setting() {
        let says = "The validation loss hardly moves.".to_owned();
        let advice = Advice { kind: AdviceKind::RateTooLow, says, setting: "Learning rate" };
        let mut harness = window(false, CommandSender::default(), move |ui, sender| {
            advice_ui(ui, &theme(false), std::slice::from_ref(&advice), sender);
        });
        harness.run();
        harness.get_by_label("The learning rate looks too low");
        harness.get_by_label_contains("Change learning rate").click();
        harness.run();
        assert_eq!(harness.state_mut().take(), [AppCommand::GoTo(Step::Model)]);
        assert_eq!(sought::sought(&harness.ctx), Some("Learning rate"));
    }
}
