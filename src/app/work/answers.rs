//! What the workers answered, put where it is shown.

use std::path::PathBuf;
use std::sync::Arc;

use crate::data::Prepared;
use crate::progress::Progress;
use crate::worker::{Answer, Event, ExportFormat, JobId, LogLevel, LogLine};

use crate::app::context::{ClassifyState, ComparingState, RunEnd};
use crate::app::work::{Lane, Outcome, Purpose, Work};

impl Work {
    /// Takes in everything the workers have said since the last call.
    pub fn poll(&mut self) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for lane in [Lane::Preview, Lane::Heavy, Lane::Background] {
            let worker = match lane {
                Lane::Heavy => &self.heavy,
                Lane::Preview => &self.preview,
                Lane::Background => &self.background,
            };
            let events: Vec<Event> = worker.events().try_iter().collect();
            for Event { job, answer } in events {
                outcomes.extend(self.take_in(lane, job, answer));
            }
        }
        outcomes
    }

    fn take_in(&mut self, lane: Lane, job: JobId, answer: Answer) -> Option<Outcome> {
        let place = self.jobs.iter().position(|(of, id, _)| *of == lane && *id == job)?;
        let purpose = self.jobs[place].2.clone();
        if answer.is_final() {
            self.jobs.remove(place);
            self.settle(&purpose);
        }
        match answer {
            Answer::Progress(progress) => self.on_progress(&purpose, progress),
            Answer::Log(line) => self.on_log(line),
            Answer::Imported(imported) => {
                self.imported = Some(imported);
                return Some(Outcome::Imported);
            }
            Answer::LabelsCounted(counts) => {
                if let Some(labels) = &mut self.inspection.labels {
                    labels.counts = Some(counts);
                }
            }
            Answer::Surveyed(survey) => self.next_survey = Some(survey),
            Answer::Prepared(prepared) => return self.on_prepared(purpose, prepared),
            Answer::TextsCompared(likeness) => {
                self.likeness = Some(likeness);
                self.find_leaks();
                return Some(Outcome::Compared);
            }
            Answer::LeaksFound(leakage) => {
                self.leakage = Some(leakage);
                self.comparing = ComparingState::Idle;
            }
            Answer::ProblemsFound(findings) => self.findings = Some(findings),
            Answer::RowsFound(rows) => self.on_found(purpose, rows),
            Answer::BadPattern(why) => self.on_bad_pattern(purpose, why),
            Answer::ValuesCounted(values) => {
                if let Purpose::CountValues(column) = purpose {
                    self.inspection.values = Some((column, values));
                }
            }
            Answer::Profiled(profile) => self.inspection.profile = Some(profile),
            Answer::TokensCounted(lengths) => {
                if let Some(tokens) = &mut self.inspection.tokens {
                    tokens.lengths = Some(lengths);
                }
            }
            Answer::TextTokens(tokens) => self.on_text_tokens(Ok(tokens)),
            Answer::ModelReady { .. } => {
                self.fetch = None;
                return Some(Outcome::ModelReady);
            }
            Answer::DryRun(outcome) => {
                if let Some(forecast) = &mut self.forecast {
                    forecast.outcome = Some(outcome);
                }
                // Measuring fetches the model first, where it has to.
                return Some(Outcome::ModelReady);
            }
            Answer::RunLoaded(results) => self.results = Some(results),
            Answer::Evaluated(report) => self.evaluated = Some(report),
            Answer::Classified { labels, probabilities } => {
                let texts = if let Purpose::Classify(texts) = purpose { texts } else { Vec::new() };
                self.classify = ClassifyState { texts, labels, probabilities, waiting: false, error: None };
            }
            Answer::PredictionsWritten { path, rows, empty } => {
                let proof = if empty == 0 {
                    format!("{rows} rows labelled")
                } else {
                    format!("{rows} rows labelled, {empty} left empty because they have no text")
                };
                return Some(self.written("Predictions", path, proof));
            }
            Answer::BadRowsSaved { path, rows } => {
                return Some(self.written(
                    "Rows that could not be read",
                    path,
                    if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") },
                ));
            }
            Answer::Exported { path, proof } => {
                let what = match purpose {
                    Purpose::Export(ExportFormat::Safetensors) => "Safetensors file",
                    Purpose::Export(ExportFormat::Predictions) => "Test predictions",
                    _ => "Hugging Face folder",
                };
                self.exported = true;
                return Some(self.written(what, path, proof));
            }
            Answer::Cancelled => self.on_cancelled(&purpose),
            Answer::Failed { message } => return self.on_failed(&purpose, message),
            training => return self.on_training(training),
        }
        None
    }

    fn on_prepared(&mut self, purpose: Purpose, prepared: Arc<Prepared>) -> Option<Outcome> {
        self.prepared = Some(Arc::clone(&prepared));
        self.survey = self.next_survey.take();
        self.prepare_error = None;
        self.prepare_stopped = false;
        let moved = !prepared.moved_edits.is_empty();
        if let Purpose::Prepare(mut project) = purpose {
            if moved {
                Arc::make_mut(&mut project).edits.follow(&prepared.moved_edits);
            }
            self.prepared_as = Some(Arc::clone(&project));
            self.inspect(project, &prepared);
        }
        self.compare(prepared);
        moved.then_some(Outcome::Moved)
    }

    /// A job is over, however it ended.
    fn settle(&mut self, purpose: &Purpose) {
        match purpose {
            Purpose::Import | Purpose::Prepare(_) => self.preview_job = None,
            Purpose::Evaluate | Purpose::Predict | Purpose::Export(_) => self.job = None,
            Purpose::Compare | Purpose::FindProblems => self.looking = None,
            Purpose::Fetch => {
                if let Some(fetch) = &mut self.fetch {
                    fetch.progress = None;
                }
            }
            Purpose::DryRun => {
                if let Some(forecast) = &mut self.forecast {
                    forecast.progress = None;
                }
            }
            Purpose::CountTokens => {
                if let Some(tokens) = &mut self.inspection.tokens {
                    tokens.progress = None;
                }
            }
            Purpose::Train
            | Purpose::LoadRun
            | Purpose::Classify(_)
            | Purpose::FindRows(_)
            | Purpose::CountLabels
            | Purpose::CountValues(_)
            | Purpose::CountTextTokens
            | Purpose::Profile
            | Purpose::FindLeaks
            | Purpose::SaveBadRows => {}
        }
    }

    fn on_progress(&mut self, purpose: &Purpose, progress: Progress) {
        match purpose {
            Purpose::Import | Purpose::Prepare(_) => {
                if let Some(job) = &mut self.preview_job {
                    job.progress = progress;
                }
            }
            Purpose::Compare => {
                self.comparing = ComparingState::Comparing(progress.clone());
                self.looking = Some(progress);
            }
            Purpose::FindLeaks => self.comparing = ComparingState::Looking(progress),
            Purpose::FindProblems => self.looking = Some(progress),
            Purpose::Fetch => {
                if let Some(fetch) = &mut self.fetch {
                    fetch.progress = Some(progress);
                }
            }
            Purpose::DryRun => {
                if let Some(forecast) = &mut self.forecast {
                    forecast.progress = Some(progress);
                }
            }
            Purpose::Train => {
                if let Some(live) = &mut self.live {
                    live.progress = Some(progress);
                }
            }
            Purpose::Evaluate | Purpose::Predict | Purpose::Export(_) => {
                if let Some(job) = &mut self.job {
                    job.progress = progress;
                }
            }
            Purpose::CountTokens => {
                if let Some(tokens) = &mut self.inspection.tokens {
                    tokens.progress = Some(progress);
                }
            }
            Purpose::LoadRun
            | Purpose::Classify(_)
            | Purpose::FindRows(_)
            | Purpose::CountLabels
            | Purpose::CountValues(_)
            | Purpose::CountTextTokens
            | Purpose::Profile
            | Purpose::SaveBadRows => {}
        }
    }

    fn on_log(&mut self, line: LogLine) {
        if let Some(live) = self.live.as_mut().filter(|live| live.is_going()) {
            live.log.push(line);
        }
    }

    fn on_training(&mut self, answer: Answer) -> Option<Outcome> {
        let live = self.live.as_mut()?;
        match answer {
            Answer::RunStarted(start) => {
                live.start = Some(start);
                // Training fetches its model first, where it has to.
                return Some(Outcome::ModelReady);
            }
            Answer::Steps(steps) => live.steps.extend(steps),
            Answer::Evaluation(point) => live.evaluations.push(*point),
            Answer::Paused(paused) => live.paused = paused,
            Answer::RunFinished(results) => {
                live.end = Some(RunEnd::Finished);
                live.progress = None;
                self.results = Some(results);
                self.evaluated = None;
                self.exported = false;
                self.classify = ClassifyState::default();
                return Some(Outcome::RunFinished);
            }
            _ => {}
        }
        None
    }

    fn written(&mut self, what: &str, path: PathBuf, proof: String) -> Outcome {
        let message = format!("{} · {proof}", path.display());
        self.exports.push((what.to_owned(), path, proof));
        Outcome::Written(message)
    }

    fn on_cancelled(&mut self, purpose: &Purpose) {
        match purpose {
            Purpose::Train => self.end_run(RunEnd::Cancelled),
            Purpose::Prepare(_) => {
                // What is on screen no longer is what the settings say.
                (self.prepared, self.survey) = (None, None);
                self.prepare_error = Some("Preparing was stopped, so the rows are not divided".to_owned());
                self.prepare_stopped = true;
            }
            Purpose::Compare | Purpose::FindLeaks => self.comparing = ComparingState::Stopped,
            Purpose::Fetch => self.fetch = None,
            Purpose::DryRun => self.forecast = None,
            Purpose::Classify(_) => self.classify.waiting = false,
            Purpose::CountTokens => self.on_no_tokens("Counting was stopped".to_owned()),
            Purpose::CountTextTokens => self.on_text_tokens(Err("Counting was stopped".to_owned())),
            _ => {}
        }
    }

    /// Puts a failure where it is shown, exactly once.
    fn on_failed(&mut self, purpose: &Purpose, message: String) -> Option<Outcome> {
        let title = match purpose {
            Purpose::Import => {
                self.import_error = Some(message);
                return None;
            }
            Purpose::Prepare(_) => {
                self.prepared = None;
                self.survey = None;
                self.inspection = self.inspection.of_new_rows();
                self.prepare_error = Some(message);
                return None;
            }
            Purpose::Classify(_) => {
                self.classify = ClassifyState { error: Some(message), ..ClassifyState::default() };
                return None;
            }
            Purpose::DryRun => {
                // Shown where it was asked for.
                if let Some(forecast) = &mut self.forecast {
                    forecast.error = Some(message);
                }
                return None;
            }
            Purpose::CountTokens => {
                self.on_no_tokens(message);
                return None;
            }
            Purpose::CountTextTokens => {
                self.on_text_tokens(Err(message));
                return None;
            }
            Purpose::Fetch => {
                if let Some(fetch) = &mut self.fetch {
                    fetch.error = Some(message.clone());
                }
                "The model could not be downloaded"
            }
            Purpose::Train => {
                if let Some(live) = &mut self.live {
                    live.log.push(LogLine { level: LogLevel::Warning, message: message.clone() });
                }
                self.end_run(RunEnd::Failed(message.clone()));
                "Training failed"
            }
            Purpose::FindRows(_) => {
                // Answered with nothing: the search must not look as if it went on.
                self.on_found(purpose.clone(), Vec::new());
                "The rows could not be searched"
            }
            Purpose::CountLabels => "The labels could not be counted",
            Purpose::CountValues(_) => "The values could not be counted",
            Purpose::SaveBadRows => "The rows could not be saved",
            Purpose::Compare | Purpose::FindLeaks => {
                // Shown where the report would be.
                self.comparing = ComparingState::Failed(message);
                return None;
            }
            Purpose::Profile | Purpose::FindProblems => "The rows could not be looked through",
            Purpose::LoadRun => "The last run could not be read",
            Purpose::Evaluate => "The file could not be measured",
            Purpose::Predict => "The file could not be labelled",
            Purpose::Export(_) => "The export failed",
        };
        Some(Outcome::Failed(title.to_owned(), message))
    }

    fn end_run(&mut self, end: RunEnd) {
        if let Some(live) = &mut self.live {
            live.end = Some(end);
            live.progress = None;
            live.paused = false;
        }
    }
}
