//! What the cards of this step share: menus, and how a choice is sent.

use egui::{ComboBox, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{CommandSender, Edit};
use crate::project::DatasetSettings;

/// Width for each of `choices` menus side by side.
pub(super) fn choice_width(ui: &Ui, ctx: &StepContext<'_>, choices: usize) -> f32 {
    let gaps = (choices as f32 - 1.0) * ctx.theme.space.xl;
    (ui.available_width() - gaps) / choices as f32
}

/// A menu of a fixed width. Without it, a menu takes all the space there is, and a grid never shrinks again.
pub(super) fn combo(ui: &mut Ui, name: &str, shown: &str, width: f32, options: impl FnOnce(&mut Ui)) {
    ui.scope(|ui| {
        ui.set_max_width(width);
        let combo = ComboBox::from_id_salt(name).selected_text(shown).width(width).truncate().show_ui(ui, options);
        combo.response.accessible_name(name);
    });
}

pub(super) fn edit(ctx: &StepContext<'_>, sender: &mut CommandSender, change: impl FnOnce(&mut DatasetSettings)) {
    let mut dataset = ctx.project.dataset.clone();
    change(&mut dataset);
    sender.edit(Edit::Dataset(dataset));
}
