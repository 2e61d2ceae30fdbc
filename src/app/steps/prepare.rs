//! The Prepare step.

use egui::Ui;

use super::super::context::StepContext;
use super::super::messages::CommandSender;
use super::super::widgets::page;
use crate::project::Step;

/// What the step remembers between frames.
#[derive(Debug, Default)]
pub struct PrepareStepState {}

/// Draws the step.
pub fn prepare_step_ui(ui: &mut Ui, ctx: &StepContext<'_>, _state: &mut PrepareStepState, _sender: &mut CommandSender) {
    page(ui, ctx.theme, Step::Prepare.title(), Step::Prepare.purpose(), |_ui| {});
}
