//! The Data step.

use egui::Ui;

use super::super::context::StepContext;
use super::super::messages::CommandSender;
use super::super::widgets::page;
use crate::project::Step;

/// What the step remembers between frames.
#[derive(Debug, Default)]
pub struct DataStepState {}

/// Draws the step.
pub fn data_step_ui(ui: &mut Ui, ctx: &StepContext<'_>, _state: &mut DataStepState, _sender: &mut CommandSender) {
    page(ui, ctx.theme, Step::Data.title(), Step::Data.purpose(), |_ui| {});
}
