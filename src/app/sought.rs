//! The setting that someone has searched for, until its page has shown it.

use egui::{Context, Id};

fn id() -> Id {
    Id::unique("sought setting")
}

/// Asks the page of a setting to show it.
pub fn seek(ctx: &Context, name: &'static str) {
    ctx.data_mut(|data| data.insert_temp(id(), name));
}

/// The name of the setting to show.
#[must_use]
pub fn sought(ctx: &Context) -> Option<&'static str> {
    ctx.data(|data| data.get_temp(id()))
}

/// Tells that the setting is shown.
pub fn is_shown(ctx: &Context) {
    ctx.data_mut(|data| data.remove::<&'static str>(id()));
}
