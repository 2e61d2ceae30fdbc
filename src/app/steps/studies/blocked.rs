//! When a study cannot begin.

use crate::app::context::StepContext;

/// Why no study can begin.
#[must_use]
pub fn why_not(ctx: &StepContext<'_>) -> Option<&'static str> {
    if ctx.answers.is_training() {
        Some("Training is running")
    } else if ctx.answers.study.is_running() {
        Some("A study is running")
    } else if ctx.answers.rate.is_running() {
        Some("Learning rates are being tried")
    } else if ctx.prepared.is_none() {
        Some("The data isn't ready yet")
    } else if ctx.model_folder.is_none() {
        Some("The model isn't on this machine yet: download it in Model")
    } else if ctx.train_blocked.is_some() {
        Some("Something is still open before training: see Train")
    } else {
        None
    }
}
