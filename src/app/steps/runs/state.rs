//! What the page of runs keeps between frames.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::runs_command::{NoteChange, RunsCommand};
use crate::app::steps::runs::compare::CompareState;
use crate::app::steps::runs::housekeeping::Asked;
use crate::app::steps::runs::rows::Arrangement;
use crate::app::widgets::RowSelection;
use crate::storage::{RunFolder, RunRecord};
use crate::worker::ListedRuns;

/// State kept between frames.
#[derive(Debug, Default)]
pub struct RunsState {
    pub(super) arrangement: Arrangement,
    /// The runs in the bin are listed instead.
    pub(super) bin: bool,
    /// Ids of the runs that are ticked, to be compared or deleted together.
    pub(super) ticked: BTreeSet<String>,
    /// Id of the run whose details are shown.
    pub(super) shown: Option<String>,
    pub(super) selection: RowSelection,
    pub(super) draft: Option<Draft>,
    pub(super) asked: Option<Asked>,
    /// The comparison is shown instead of the list.
    pub(super) comparing: bool,
    pub(super) compare: CompareState,
}

impl RunsState {
    /// Sends what was typed and not sent yet, when another page is shown.
    pub fn leave(&mut self, ctx: &StepContext<'_>, sender: &mut CommandSender) {
        if let (Some(draft), Some(listed)) = (self.draft.take(), ctx.listed) {
            draft.commit(listed, sender);
        }
    }
}

impl RunsState {
    /// Shows a comparison of these runs.
    pub(super) fn compare(&mut self, runs: Vec<PathBuf>, sender: &mut CommandSender) {
        self.comparing = true;
        sender.send(AppCommand::Runs(RunsCommand::Compare(runs)));
    }
}

/// What is being typed about a run.
#[derive(Clone, Debug)]
pub struct Draft {
    pub(super) run: RunFolder,
    pub(super) name: String,
    pub(super) note: String,
    pub(super) tag: String,
    /// The name and the note that were known when they were last filled in.
    known: [String; 2],
}

impl Draft {
    /// What is known of a run.
    pub(super) fn of(run: &RunRecord) -> Self {
        let notes = &run.listing.notes;
        let known = [notes.name.clone(), notes.note.clone()];
        let [name, note] = known.clone();
        Self { run: run.listing.folder.clone(), name, note, tag: String::new(), known }
    }

    /// Fills in what was changed elsewhere, such as in the terminal.
    pub(super) fn follow(&mut self, run: &RunRecord) {
        let notes = &run.listing.notes;
        if self.known != [&notes.name, &notes.note].map(Clone::clone) {
            let tag = std::mem::take(&mut self.tag);
            *self = Self { tag, ..Self::of(run) };
        }
    }

    /// Sends what was typed, if it is not what is known already.
    pub fn commit(&self, listed: &ListedRuns, sender: &mut CommandSender) {
        let all = || listed.records.runs.iter().chain(&listed.records.bin);
        let Some(known) = all().find(|run| run.listing.folder == self.run) else { return };
        let notes = &known.listing.notes;
        let mut say = |change| sender.send(AppCommand::Runs(RunsCommand::Say(self.run.clone(), change)));
        if self.name.trim() != notes.name {
            say(NoteChange::Name(self.name.clone()));
        }
        if self.note.trim_end() != notes.note {
            say(NoteChange::Note(self.note.clone()));
        }
    }
}
