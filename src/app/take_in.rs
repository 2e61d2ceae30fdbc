//! What the workers answered, and what follows from it.

use std::path::PathBuf;
use std::time::Instant;

use crate::app::app::HoneApp;
use crate::app::slot::Ended;
use crate::app::theme::Tone;
use crate::words::counted;
use crate::worker::ExportFormat;

impl HoneApp {
    /// Takes in everything the workers have said since the last call.
    pub(super) fn take_in(&mut self, now: Instant) {
        self.take_in_data(now);
        self.take_in_questions();
        self.take_in_models();
        self.take_in_run();
        self.take_in_files();
    }

    fn take_in_data(&mut self, now: Instant) {
        let work = &mut self.state.work;
        if work.answers.imported.poll() == Some(Ended::Answered) {
            self.guess_columns(now);
        }
        let work = &mut self.state.work;
        match work.answers.rows.poll() {
            Some(Ended::Answered) => {
                work.look_at_new_rows();
                self.follow_rows(now);
            }
            // What is on screen no longer is what the settings say.
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
        // Its failure is shown where the report would be.
        self.state.work.answers.leakage.poll();
    }

    fn take_in_questions(&mut self) {
        let answers = &mut self.state.work.answers;
        // Failures of these are shown where the answer would be.
        answers.found.poll();
        answers.tokens.poll();
        answers.text_tokens.poll();
        answers.classify.poll();
        answers.blanks.poll();
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
        // Estimating downloads the model first, where it has to. Its failure is shown where it was asked for.
        let estimated = answers.forecast.poll();
        if estimated == Some(Ended::Stopped) {
            answers.forecast.clear();
        }
        if [&fetched, &estimated].contains(&&Some(Ended::Answered)) {
            self.look_for_model();
        }
        self.tell_failure(fetched);
    }

    fn take_in_run(&mut self) {
        let (began, ended) = self.state.work.poll_training();
        if began {
            // Training downloads its model first, where it has to.
            self.look_for_model();
        }
        if ended == Some(Ended::Answered) {
            self.state.refresh_runs();
            let figures = self.state.work.answers.results.value.as_ref().map(|results| results.measured().figures());
            let best = figures.and_then(|figures| figures.into_iter().next());
            let body = best.map_or_else(String::new, |(name, value)| {
                format!("{} {value:.3}. Evaluate shows its mistakes", name.title())
            });
            self.tell(Tone::Success, "Training finished", body);
        }
        self.tell_failure(ended);
    }

    fn take_in_files(&mut self) {
        let answers = &mut self.state.work.answers;
        let evaluated = answers.evaluated.poll();
        let (saved, predicted, exported) =
            (answers.saved_rows.poll(), answers.predicted.poll(), answers.exported.poll());
        let mut written: Vec<(&str, PathBuf, String)> = Vec::new();
        if let Some(saved) = answers.saved_rows.value.take() {
            written.push(("Rows that could not be read", saved.path, counted(saved.rows, "row", "rows")));
        }
        if let Some(predicted) = answers.predicted.value.take() {
            let rows = counted(predicted.rows, "row predicted", "rows predicted");
            let proof = match predicted.empty {
                0 => rows,
                empty => format!("{rows}, {empty} without a prediction because they have no text"),
            };
            written.push(("Predictions", predicted.path, proof));
        }
        if let Some(exported) = answers.exported.value.take() {
            let what = match answers.exported.of {
                Some(ExportFormat::Safetensors) => "Safetensors file",
                Some(ExportFormat::Predictions) => "Test predictions",
                Some(ExportFormat::HuggingFace) | None => "Hugging Face folder",
            };
            answers.is_exported = true;
            written.push((what, exported.path, exported.proof));
        }
        for (what, path, proof) in written {
            let body = format!("{} · {proof}", path.display());
            self.state.work.answers.exports.push((what.to_owned(), path, proof));
            self.tell(Tone::Success, "Written", body);
        }
        for ended in [evaluated, saved, predicted, exported] {
            self.tell_failure(ended);
        }
    }

    /// Tells of a failure that nothing else on screen shows.
    fn tell_failure(&mut self, ended: Option<Ended>) {
        if let Some(Ended::Failed { title, message }) = ended {
            self.state.refresh_runs();
            self.tell(Tone::Danger, title, message);
        }
    }

    fn look_for_model(&mut self) {
        let was_here = self.state.model_folder.is_some();
        self.state.refresh_model();
        // With the model comes its tokenizer: lengths need not be estimated any more.
        if !was_here && self.state.model_folder.is_some() {
            self.state.find_problems();
        }
    }

    /// Row edits found again at other rows are kept there: it is not a change of the person's.
    fn follow_rows(&mut self, now: Instant) {
        let Some(prepared) = self.state.work.answers.prepared().cloned() else { return };
        if let Some(session) = self.state.session.as_mut().filter(|_| !prepared.moved_edits.is_empty()) {
            // The rows prepared are those of the edits where they are now.
            session.fill_in(|project| project.edits.follow(&prepared.moved_edits), now);
        }
    }

    /// Takes the guessed columns where none are chosen, then prepares.
    fn guess_columns(&mut self, now: Instant) {
        let Some(imported) = self.state.work.answers.imported.value.clone() else { return };
        if let Some(session) = &mut self.state.session {
            session.fill_in(|project| imported.fill_in(project.task.kind(), &mut project.dataset), now);
        }
        self.state.prepare();
    }
}
