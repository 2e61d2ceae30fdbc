//! The Export step.

use egui::Ui;

use super::super::context::StepContext;
use super::super::messages::CommandSender;
use super::super::widgets::page;
use crate::project::Step;

/// What the step remembers between frames.
#[derive(Debug, Default)]
pub struct ExportStepState {}

/// Draws the step.
pub fn export_step_ui(ui: &mut Ui, ctx: &StepContext<'_>, _state: &mut ExportStepState, _sender: &mut CommandSender) {
    page(ui, ctx.theme, Step::Export.title(), Step::Export.purpose(), |_ui| {});
}
