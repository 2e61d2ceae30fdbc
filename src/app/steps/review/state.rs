//! Which row is selected, and the decisions made so far.

use std::collections::BTreeSet;

use crate::app::context::StepContext;
use crate::app::messages::{CommandSender, Edit};
use crate::app::steps::review::queue::{Decision, Queue, QueueFilter};
use crate::evaluation::Prediction;
use crate::project::{Edits, RowEdit, RowId};

/// State kept between frames.
#[derive(Debug, Default)]
pub struct ReviewStepState {
    /// The queue.
    pub queue: Queue,
    /// Position of the selected row in the queue.
    pub selected: Option<usize>,
    /// Decisions since the window opened, for undo: each row with its earlier correction.
    pub taken_back: Vec<(RowId, Option<RowEdit>)>,
    /// The only rows to show, as soon as the run with this id is shown.
    pub show_only: Option<(String, BTreeSet<RowId>)>,
    /// A row to select as soon as it is back in the queue.
    pub jump_to: Option<RowId>,
}

impl ReviewStepState {
    /// Shows only the rows that were asked for, if this is the run they are of.
    pub fn take_show_only(&mut self, run: &str, edits: &Edits) {
        if let Some((_, rows)) = self.show_only.take_if(|(of, _)| of == run) {
            let filter = QueueFilter { only: Some(rows), unreviewed_only: false, ..QueueFilter::default() };
            self.queue.set_filter(filter, edits);
            self.selected = Some(0);
        }
    }

    /// Keeps the selection on a row of the queue.
    pub fn settle(&mut self) {
        if let Some(id) = self.jump_to
            && let Some(place) = self.queue.place_of(id)
        {
            self.selected = Some(place);
            self.jump_to = None;
        }
        let last = self.queue.len().checked_sub(1);
        self.selected = last.map(|last| self.selected.unwrap_or(0).min(last));
    }

    /// The selected row.
    #[must_use]
    pub fn current(&self) -> Option<&Prediction> {
        self.queue.row(self.selected?)
    }

    /// Sends a decision about the selected row and moves to the next.
    pub fn decide(&mut self, ctx: &StepContext<'_>, decision: &Decision, sender: &mut CommandSender) {
        let Some(id) = self.current().map(|prediction| prediction.id) else { return };
        let Some(edit) = decision.edit(ctx, id) else { return };
        self.taken_back.push((id, ctx.project.edits.rows.get(&id).cloned()));
        sender.edit(Edit::Rows(vec![(id, Some(edit))]));
        // When reviewed rows leave the list, the next row moves to this position by itself.
        if !self.queue.filter.unreviewed_only
            && let Some(place) = self.selected.as_mut()
        {
            *place += 1;
        }
    }

    /// Takes back the last decision.
    pub fn take_back(&mut self, sender: &mut CommandSender) {
        if let Some((id, before)) = self.taken_back.pop() {
            sender.edit(Edit::Rows(vec![(id, before)]));
            self.jump_to = Some(id);
        }
    }
}
