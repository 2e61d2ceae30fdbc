//! The Evaluate step.

use egui::Ui;

use super::super::context::StepContext;
use super::super::messages::CommandSender;
use super::super::widgets::page;
use crate::project::Step;

/// What the step remembers between frames.
#[derive(Debug, Default)]
pub struct EvaluateStepState {}

/// Draws the step.
pub fn evaluate_step_ui(ui: &mut Ui, ctx: &StepContext<'_>, _state: &mut EvaluateStepState, _sender: &mut CommandSender) {
    page(ui, ctx.theme, Step::Evaluate.title(), Step::Evaluate.purpose(), |_ui| {});
}
