//! What the window does with runs: it lists them again from time to time, and carries out what a person asks for.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::app::app::HoneApp;
use crate::app::context::Notice;
use crate::app::runs_command::{NoteChange, RunsCommand};
use crate::app::shell::Discarding;
use crate::app::slot::Ended;
use crate::app::state::AppState;
use crate::app::theme::Tone;
use crate::app::view::View;
use crate::app::widgets::begin_at_top;
use crate::project::Step;
use crate::storage::{RunFolder, RunStatus};
use crate::worker::RunChange;

/// How often the runs are listed again while a person looks at them, so that those of other processes appear.
const LISTED_EVERY: Duration = Duration::from_secs(2);

impl AppState {
    /// Lists the project's runs again.
    pub fn refresh_runs(&mut self) {
        self.listed_at = Some(Instant::now());
        match &self.session {
            Some(session) => self.work.list_runs(session.folder().to_owned(), Some(self.settings.recent.clone())),
            None => self.runs.clear(),
        }
    }

    /// Lists the runs again if a while has passed. Returns the time left until then, if someone looks at them.
    pub fn poll_runs(&mut self, now: Instant) -> Option<Duration> {
        let session = self.session.as_ref()?;
        let left = self.listed_at.map_or(Duration::ZERO, |at| (at + LISTED_EVERY).saturating_duration_since(now));
        if left.is_zero() && !self.work.answers.runs.is_running() {
            self.listed_at = Some(now);
            self.work.list_runs(session.folder().to_owned(), None);
        }
        (self.view == View::Runs).then(|| left.max(Duration::from_millis(100)))
    }

    /// Takes in the list of runs. After a project was opened, its newest finished run is shown.
    fn take_in_runs(&mut self) {
        let Some(listed) = self.work.answers.runs.value.clone() else { return };
        self.runs = listed.records.runs.iter().map(|run| run.listing.clone()).collect();
        self.interrupted = listed.records.runs.first().and_then(|run| run.interruption.clone());
        self.adapted.clone_from(&listed.adapted);
        if std::mem::take(&mut self.shows_newest) {
            self.show_newest_run();
        }
    }

    fn show_newest_run(&mut self) {
        let finished = self.runs.iter().find(|run| matches!(run.status, RunStatus::Finished(_)));
        if let Some(run) = finished {
            self.work.load_run(run.folder.path().to_owned());
        }
    }

    /// Shows the newest run if the run shown is no longer among the project's runs.
    fn leave_deleted_run(&mut self) {
        let shown = self.work.answers.results.value.as_ref().map(|results| results.folder.clone());
        if shown.is_some_and(|folder| !folder.exists()) {
            self.work.answers.forget_run();
            self.shows_newest = true;
        }
    }
}

impl HoneApp {
    /// Carries out what a person does with runs.
    pub(super) fn run_runs_command(&mut self, command: RunsCommand) {
        match command {
            RunsCommand::Say(run, change) => self.say(&run, change),
            RunsCommand::Change(change) => self.change_runs(change),
            RunsCommand::Stop(run) if self.state.work.answers.is_running(&run) => self.state.work.stop_training(),
            RunsCommand::Stop(run) => match run.ask_to_stop() {
                Ok(()) => {
                    let body = "It ends soon, and keeps its best checkpoint if it has one";
                    self.tell(Tone::Neutral, "The run was asked to stop", body);
                }
                Err(error) => self.tell(Tone::Danger, "The run could not be stopped", error.to_string()),
            },
            RunsCommand::Compare(runs) => {
                self.state.work.compare_runs(runs);
                begin_at_top(&self.ctx);
            }
            RunsCommand::Show(run) => {
                self.show_run(&run);
                self.show(View::Step(Step::Evaluate));
            }
            RunsCommand::Review(run, rows) => {
                let id = run.file_name().unwrap_or_default().to_string_lossy().into_owned();
                self.states.review_only(id, rows);
                self.show_run(&run);
                self.show(View::Step(Step::Review));
            }
        }
    }

    fn show_run(&mut self, run: &Path) {
        let is_shown = self.state.work.answers.results.value.as_ref().is_some_and(|results| results.folder == run);
        if !is_shown {
            self.ask_before_discarding(Discarding::Load(run.to_owned()));
        }
    }

    /// Writes what a person says about a run. It is a small file, and so is written at once, as the project's is.
    fn say(&mut self, run: &RunFolder, change: NoteChange) {
        if let Err(error) = run.change_notes(|notes| change.make(notes)) {
            self.tell(Tone::Danger, "What you wrote about the run could not be saved", error.to_string());
        }
        self.state.refresh_runs();
    }

    /// Says that a run of the project that was opened is trained by another process, if that is so.
    fn tell_of_run_elsewhere(&mut self) {
        let Some(listed) = &self.state.work.answers.runs.value else { return };
        let elsewhere = listed.records.runs.iter().find(|run| run.is_under_way());
        if let Some(run) = elsewhere.filter(|_| !self.state.work.answers.is_training()) {
            let title = format!("Run {} is training in another process", run.listing.number);
            self.tell(Tone::Neutral, title, "View > Runs shows how far it is, and can stop it");
        }
    }

    fn change_runs(&mut self, change: RunChange) {
        let unsaved = self.state.work.answers.unsaved_predictions();
        let shown = self.state.work.answers.results.value.as_ref().map(|results| results.folder.clone());
        let deletes_shown = matches!(&change, RunChange::Delete(runs)
            if runs.iter().any(|run| Some(run.path()) == shown.as_deref()));
        if let Some(file) = unsaved.filter(|_| deletes_shown) {
            let body = format!("You labelled the rows of {file} with this run. Save the result on Try it first");
            self.tell(Tone::Warning, "The run was not deleted", body);
            return;
        }
        self.state.work.change_runs(change);
    }

    /// Handles what the worker says about runs.
    pub(super) fn take_in_runs(&mut self) {
        let answers = &mut self.state.work.answers;
        // A failure is shown in place of the comparison, or of the list.
        answers.compared.poll();
        let changed = answers.run_change.poll();
        if let Some(done) = answers.run_change.value.take_if(|_| changed == Some(Ended::Answered)) {
            self.notices.push_passing(Notice { tone: Tone::Success, title: done, body: String::new() });
        }
        if changed.is_some() {
            self.state.leave_deleted_run();
            self.state.refresh_runs();
        }
        if let Some(Ended::Failed { message, .. }) = changed {
            self.tell(Tone::Danger, "That did not work", message);
        }
        if self.state.work.answers.runs.poll() == Some(Ended::Answered) {
            let is_first = self.state.shows_newest;
            self.state.take_in_runs();
            if is_first {
                self.tell_of_run_elsewhere();
            }
        }
    }
}
