//! The Model step.

use egui::Ui;

use super::super::context::StepContext;
use super::super::messages::CommandSender;
use super::super::widgets::page;
use crate::project::Step;

/// What the step remembers between frames.
#[derive(Debug, Default)]
pub struct ModelStepState {}

/// Draws the step.
pub fn model_step_ui(ui: &mut Ui, ctx: &StepContext<'_>, _state: &mut ModelStepState, _sender: &mut CommandSender) {
    page(ui, ctx.theme, Step::Model.title(), Step::Model.purpose(), |_ui| {});
}
