//! Places on a page that the rest of the window can scroll to.

use egui::{Align, Context, Id, Ui};

/// A place on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Files on the Data step: what could not be read.
    BadRows,
    /// The columns on the Data step.
    Columns,
    /// Problems of the rows on the Labels step.
    Findings,
    /// Leakage on the Prepare step.
    Leakage,
    /// The pre-trained models on the Model step.
    Models,
    /// The export of the whole model on the Export step.
    ExportFolder,
    /// What was saved of a labelled file, on Try it.
    SavedLabels,
}

fn id() -> Id {
    Id::unique("anchor to show")
}

/// Whether the next [`anchor`] of this kind scrolls there.
#[must_use]
pub fn is_sought(ui: &Ui, anchor: Anchor) -> bool {
    ui.data(|data| data.get_temp::<Option<Anchor>>(id())).flatten() == Some(anchor)
}

/// Marks the place where the next widget is drawn. Scrolls there if it was asked for.
pub fn anchor(ui: &Ui, anchor: Anchor) {
    if is_sought(ui, anchor) {
        ui.scroll_to_cursor(Some(Align::TOP));
        ui.data_mut(|data| data.remove::<Option<Anchor>>(id()));
    }
}

/// Scrolls to a place, as soon as it is drawn.
pub fn scroll_to(ctx: &Context, anchor: Anchor) {
    ctx.data_mut(|data| data.insert_temp(id(), Some(anchor)));
    ctx.request_repaint();
}
