//! The Labels step.

use egui::Ui;

use super::super::context::StepContext;
use super::super::messages::CommandSender;
use super::super::widgets::page;
use crate::project::Step;

/// What the step remembers between frames.
#[derive(Debug, Default)]
pub struct LabelsStepState {}

/// Draws the step.
pub fn labels_step_ui(ui: &mut Ui, ctx: &StepContext<'_>, _state: &mut LabelsStepState, _sender: &mut CommandSender) {
    page(ui, ctx.theme, Step::Labels.title(), Step::Labels.purpose(), |_ui| {});
}
