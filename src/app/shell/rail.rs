//! The rail of steps, each with its state.

use egui::Ui;

use crate::project::Step;

use super::super::context::StepContext;
use super::super::messages::{AppCommand, CommandSender};
use super::super::steps::View;

/// Draws the rail.
pub fn rail_ui(ui: &mut Ui, _ctx: &StepContext<'_>, view: View, sender: &mut CommandSender) {
    for step in Step::ALL {
        if ui.selectable_label(view == View::Step(step), step.title()).clicked() {
            sender.send(AppCommand::GoTo(step));
        }
    }
}
