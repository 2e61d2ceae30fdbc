//! What the cards of this step share: menus, and how a choice is sent.

use egui::Ui;

use crate::app::context::StepContext;
use crate::app::messages::{CommandSender, Edit};
use crate::project::DatasetSettings;

/// Width for each of `choices` menus side by side.
pub(super) fn choice_width(ui: &Ui, ctx: &StepContext<'_>, choices: usize) -> f32 {
    let gaps = (choices as f32 - 1.0) * ctx.theme.space.xl;
    (ui.available_width() - gaps) / choices as f32
}

pub(super) fn edit(ctx: &StepContext<'_>, sender: &mut CommandSender, change: impl FnOnce(&mut DatasetSettings)) {
    let mut dataset = ctx.project.dataset.clone();
    change(&mut dataset);
    sender.edit(Edit::Dataset(dataset));
}
