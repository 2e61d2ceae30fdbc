//! The Review step.

use egui::Ui;

use super::super::context::StepContext;
use super::super::messages::CommandSender;
use super::super::widgets::page;
use crate::project::Step;

/// What the step remembers between frames.
#[derive(Debug, Default)]
pub struct ReviewStepState {}

/// Draws the step.
pub fn review_step_ui(ui: &mut Ui, ctx: &StepContext<'_>, _state: &mut ReviewStepState, _sender: &mut CommandSender) {
    page(ui, ctx.theme, Step::Review.title(), Step::Review.purpose(), |_ui| {});
}
