//! Try it: type a text and see what the trained model says. Drawn beside the steps once there is a run.

use egui::Ui;

use super::super::context::StepContext;
use super::super::messages::CommandSender;
use super::super::widgets::page;

/// What the page remembers between frames.
#[derive(Debug, Default)]
pub struct TryItState {}

/// Draws the page. Ask with `AppCommand::Classify`; the answer comes in `ctx.classify`.
pub fn try_it_ui(ui: &mut Ui, ctx: &StepContext<'_>, _state: &mut TryItState, _sender: &mut CommandSender) {
    page(ui, ctx.theme, "Try it", "Type a text and see what the trained model says", |_ui| {});
}
