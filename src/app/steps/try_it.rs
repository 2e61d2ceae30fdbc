//! Try it: the trained model answers what a person types.

use egui::Ui;

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::steps::run_header::run_header_ui;
use crate::app::tasks::{TryItState, answers_ui};
use crate::app::theme::icons;
use crate::app::view::View;
use crate::app::widgets::{empty_state, page, primary_button};
use crate::project::Step;

/// Draws the page.
pub fn try_it_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut TryItState, sender: &mut CommandSender) {
    page(ui, ctx.theme, View::TryIt.title(), "Type a text and see what the trained model predicts", |ui| {
        let Some(results) = ctx.results else {
            let body = "After training, type any text here to see what the model predicts";
            empty_state(ui, ctx.theme, icons::CHAT_TEXT, "No trained model yet", body, |ui| {
                if primary_button(ui, ctx.theme, icons::ARROW_RIGHT, "Go to Train", Ok(())).clicked() {
                    sender.send(AppCommand::GoTo(Step::Train));
                }
            });
            return;
        };
        run_header_ui(ui, ctx, results, sender);
        answers_ui(ui, ctx, state, results, sender);
    });
}
