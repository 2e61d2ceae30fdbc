//! The Train step.

use egui::Ui;

use super::super::context::StepContext;
use super::super::messages::CommandSender;
use super::super::widgets::page;
use crate::project::Step;

/// What the step remembers between frames.
#[derive(Debug, Default)]
pub struct TrainStepState {}

/// Draws the step.
pub fn train_step_ui(ui: &mut Ui, ctx: &StepContext<'_>, _state: &mut TrainStepState, _sender: &mut CommandSender) {
    page(ui, ctx.theme, Step::Train.title(), Step::Train.purpose(), |_ui| {});
}
