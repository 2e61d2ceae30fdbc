//! What the cards of this step share: how a choice is sent.

use crate::app::context::StepContext;
use crate::app::messages::{CommandSender, Edit};
use crate::project::DatasetSettings;

pub(super) fn edit(ctx: &StepContext<'_>, sender: &mut CommandSender, change: impl FnOnce(&mut DatasetSettings)) {
    let mut dataset = ctx.project.dataset.clone();
    change(&mut dataset);
    sender.edit(Edit::Dataset(dataset));
}
