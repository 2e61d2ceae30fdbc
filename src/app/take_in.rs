//! Handles the answers of the workers.

use std::path::PathBuf;
use std::time::Instant;

use crate::app::app::HoneApp;
use crate::app::context::Notice;
use crate::app::messages::Edit;
use crate::app::slot::Ended;
use crate::app::steps::verdict::{finished_title, finished_tone};
use crate::app::theme::Tone;
use crate::app::view::View;
use crate::app::widgets::{Anchor, scroll_to};
use crate::fetch::LookedUp;
use crate::project::{ModelChoice, Project, Step};
use crate::storage::StopReason;
use crate::words::{counted, score};
use crate::worker::ExportFormat;

impl HoneApp {
    /// Handles everything the workers have reported since the last call.
    pub(super) fn take_in(&mut self, now: Instant) {
        self.take_in_data(now);
        self.take_in_questions();
        self.take_in_models();
        self.take_in_run();
        self.take_in_runs();
        self.take_in_studies();
        self.take_in_files();
        self.state.work.recent.poll();
    }

    fn take_in_data(&mut self, now: Instant) {
        let work = &mut self.state.work;
        match work.answers.imported.poll() {
            Some(Ended::Answered) => {
                self.state.replacing = None;
                self.guess_columns(now);
            }
            Some(Ended::Failed { message, .. }) => self.keep_old_table(&message),
            Some(Ended::Stopped) | None => {}
        }
        let work = &mut self.state.work;
        match work.answers.rows.poll() {
            Some(Ended::Answered) => {
                work.look_at_new_rows();
                self.follow_rows(now);
            }
            // What is on screen no longer matches the settings.
            Some(Ended::Failed { .. } | Ended::Stopped) => {
                work.answers.rows.value = None;
                work.answers.forget_what_rows_said();
            }
            None => {}
        }
        if self.state.work.answers.likeness.poll() == Some(Ended::Answered) {
            self.state.work.find_leaks();
            self.state.find_problems();
        }
        // A failure is shown in place of the report.
        self.state.work.answers.leakage.poll();
    }

    /// Opens the table again that a file was to replace, if that file could not be read.
    fn keep_old_table(&mut self, why: &str) {
        let Some(dataset) = self.state.replacing.take() else { return };
        if self.state.session.as_ref().is_none_or(|session| session.project().dataset != dataset) {
            return;
        }
        let now = Instant::now();
        if let Some((_, stale)) = self.state.session.as_mut().and_then(|session| session.undo(now)) {
            self.state.make_stale(stale, now);
        }
        self.tell(Tone::Danger, "The file could not be opened", format!("{why}. Your table is unchanged"));
    }

    fn take_in_questions(&mut self) {
        let answers = &mut self.state.work.answers;
        // Failures of these are shown in place of the answer.
        answers.found.poll();
        answers.tokens.poll();
        answers.text_tokens.poll();
        answers.classify.poll();
        answers.blanks.poll();
        answers.continued.poll();
        answers.terms.poll();
        let ended = [
            answers.findings.poll(),
            answers.profile.poll(),
            answers.labels.poll(),
            answers.values.poll(),
            answers.results.poll(),
        ];
        for ended in ended {
            self.tell_failure(ended);
        }
    }

    fn take_in_models(&mut self) {
        let answers = &mut self.state.work.answers;
        let fetched = answers.fetch.poll();
        // Failures of these are shown where they were asked for.
        answers.hub_search.poll();
        let converted = answers.converted.poll();
        let converted = answers.converted.value.take_if(|_| converted == Some(Ended::Answered));
        let looked_up = answers.look_up.poll();
        let pinned = answers.look_up.value.take_if(|_| looked_up == Some(Ended::Answered));
        // Estimating downloads the model first if that was agreed to, or finds that it is damaged. A failure is shown where it
        // was requested.
        let estimated = answers.forecast.poll();
        if estimated == Some(Ended::Stopped) {
            answers.forecast.clear();
        }
        if answers.ways.poll() == Some(Ended::Stopped) {
            answers.ways.clear();
        }
        if fetched.is_some() || estimated.is_some() {
            self.look_for_model();
        }
        if let Some(folder) = converted {
            self.edit(Edit::Model(ModelChoice::Folder(folder)));
        }
        if let Some(LookedUp { model, note }) = pinned {
            if let Some(note) = note {
                self.tell(Tone::Neutral, "Chosen without the Hub", note);
            }
            self.edit(Edit::Model(ModelChoice::Hub(model)));
        }
        self.tell_failure(fetched);
    }

    fn take_in_run(&mut self) {
        let (began, ended) = self.state.work.poll_training();
        if began || ended.is_some() {
            // Training downloads its model first if that was agreed to, or finds that it is damaged.
            self.look_for_model();
        }
        if let Some(ended) = &ended {
            self.go_on_with_run(ended);
        }
        if ended == Some(Ended::Answered) {
            self.state.refresh_runs();
            self.tell_result();
        }
        if let Some(Ended::Failed { title, message }) = &ended {
            self.news.ended(title, message);
        }
        self.tell_failure(ended);
    }

    /// Notifies the person of the finished run, with the verdict that the pages show.
    fn tell_result(&mut self) {
        let Some(results) = &self.state.work.answers.results.value else { return };
        let judgement = results.judge();
        let best = results.measured().figures().into_iter().next();
        let best = best.map(|(name, value)| format!("{} {}. ", name.title(), score(value))).unwrap_or_default();
        let body = format!("{best}{}. Evaluate shows its mistakes", judgement.says);
        let has_diverged = results.summary.stop_reason == StopReason::Diverged;
        let tone = finished_tone(Some(&judgement), has_diverged);
        let title = finished_title(Some(&judgement), has_diverged);
        self.news.ended(&title, &body);
        if self.state.view == View::Step(Step::Train) {
            self.notices.push_seen(Notice { tone, title, body });
        } else {
            self.tell(tone, title, body);
        }
    }

    fn take_in_files(&mut self) {
        let answers = &mut self.state.work.answers;
        let evaluated = answers.evaluated.poll();
        let (saved, exported) = (answers.saved_rows.poll(), answers.exported.poll());
        // What became of these is shown where they were asked for.
        answers.training_mistakes.poll();
        answers.slices.poll();
        answers.to_label.poll();
        answers.labelled.poll();
        let labels_saved = answers.saved_labels.poll() == Some(Ended::Answered);
        let saved_labels = answers.saved_labels.value.as_ref().filter(|_| labels_saved).cloned();
        let mut written: Vec<(&str, PathBuf, String)> = Vec::new();
        if let Some(saved) = answers.saved_rows.value.take() {
            written.push(("Unreadable rows", saved.path, counted(saved.rows, "row", "rows")));
        }
        if let Some(exported) = answers.exported.value.take() {
            let what = match answers.exported.of {
                Some(ExportFormat::Safetensors) => "Weights file",
                Some(ExportFormat::Predictions | ExportFormat::RawPredictions) => "Predictions",
                Some(ExportFormat::Adapter) => "Adapter",
                Some(ExportFormat::CalibratedHuggingFace | ExportFormat::HuggingFace) | None => "Hugging Face folder",
            };
            if let (Some(session), Some(results)) = (&mut self.state.session, &answers.results.value) {
                session.note_export(&results.summary.run);
            }
            written.push((what, exported.path, exported.proof));
        }
        // The page itself says so too, below the button.
        if labels_saved && self.state.view == View::TryIt {
            scroll_to(&self.ctx, Anchor::SavedLabels);
        } else if let Some(saved) = saved_labels {
            self.tell(Tone::Success, "Predictions saved", saved.path.display().to_string());
        }
        let (about_runs, their_ends) = self.take_in_run_files();
        for (what, path, proof) in written.into_iter().chain(about_runs) {
            let proved = if proof.is_empty() { String::new() } else { format!(" · {proof}") };
            let body = format!("{}{proved}", path.display());
            self.state.work.answers.exports.push((what.to_owned(), path, proof));
            self.tell(Tone::Success, "Saved", body);
        }
        for ended in [evaluated, saved, exported].into_iter().chain(their_ends) {
            self.tell_failure(ended);
        }
    }

    /// Notifies the person of a failure that nothing else on screen shows.
    fn tell_failure(&mut self, ended: Option<Ended>) {
        if let Some(Ended::Failed { title, message }) = ended {
            self.state.refresh_runs();
            self.tell(Tone::Danger, title, message);
        }
    }

    fn look_for_model(&mut self) {
        let was_here = self.state.model_folder.is_some();
        self.state.refresh_model();
        // The tokenizer comes with the model, so lengths are counted instead of estimated.
        if !was_here && self.state.model_folder.is_some() {
            self.state.find_problems();
        }
    }

    /// Stores corrections at the new positions of their rows. This is not an edit by the person.
    fn follow_rows(&mut self, now: Instant) {
        let Some(prepared) = self.state.work.answers.prepared().cloned() else { return };
        if let Some(session) = self.state.session.as_mut().filter(|_| !prepared.moved_edits.is_empty()) {
            // The prepared rows already have the edits at their new positions.
            session.fill_in(|project| project.edits.follow(&prepared.moved_edits), now);
        }
    }

    /// Fills in guessed columns where none are chosen, then prepares the rows.
    fn guess_columns(&mut self, now: Instant) {
        let Some(imported) = self.state.work.answers.imported.value.clone() else { return };
        if let Some(session) = &mut self.state.session {
            let fill_in = |project: &mut Project| {
                let is_new = project.dataset.text_column().is_none();
                imported.fill_in(project.task.kind(), &mut project.dataset);
                if is_new {
                    imported.split_by_guess(project);
                }
            };
            session.fill_in(fill_in, now);
        }
        self.state.prepare();
    }
}
