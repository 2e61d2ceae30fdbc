//! Long work: what was asked of the two workers, and what came of it.
//!
//! One worker trains, fetches, exports; the other reads, prepares and labels typed texts, so that the data steps
//! answer while a model is trained.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::data::{Imported, Prepared};
use crate::progress::Progress;
use crate::project::Project;
use crate::worker::{
    Answer, Command, EvaluationReport, Event, ExportFormat, JobId, LogLevel, LogLine, RunResults, Worker, WorkerOptions,
};

use super::context::{ClassifyState, FetchState, Job, LiveRun, RunEnd};

/// What a job was asked for.
#[derive(Clone, Debug)]
enum Purpose {
    Import,
    Prepare,
    LoadRun,
    Classify(Vec<String>),
    Fetch,
    Train,
    Evaluate,
    Predict,
    Export(ExportFormat),
}

/// Which of the two workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    Heavy,
    Preview,
}

/// What the app must act on.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The files were read: guess the columns, prepare.
    Imported,
    /// A model came onto this machine.
    ModelReady,
    /// A run ended with results.
    RunFinished,
    /// Something was written; it is in `exports`.
    Written(String),
    /// It failed, and nothing else on screen says so: (title, message).
    Failed(String, String),
}

/// The workers and everything they have answered about the open project.
pub struct Work {
    heavy: Worker,
    preview: Worker,
    jobs: Vec<(Lane, JobId, Purpose)>,
    /// The files as read.
    pub imported: Option<Arc<Imported>>,
    /// Why they could not be read.
    pub import_error: Option<String>,
    /// The data as it will be learnt from.
    pub prepared: Option<Arc<Prepared>>,
    /// Why it could not be prepared.
    pub prepare_error: Option<String>,
    /// Reading or preparing under way.
    pub preview_job: Option<Job>,
    /// A download under way, or the last one's failure.
    pub fetch: Option<FetchState>,
    /// The run under way, or the last one.
    pub live: Option<LiveRun>,
    /// The run whose results are shown.
    pub results: Option<Arc<RunResults>>,
    /// Its figures on another file.
    pub evaluated: Option<Arc<EvaluationReport>>,
    /// An export, prediction or evaluation under way.
    pub job: Option<Job>,
    /// What was written: (what, where, proof).
    pub exports: Vec<(String, PathBuf, String)>,
    /// The newest run was exported in this sitting.
    pub exported: bool,
    /// What the typed texts were labelled as.
    pub classify: ClassifyState,
}

impl Work {
    /// Starts the workers. `wake` is called after every event.
    ///
    /// # Errors
    /// When the system refuses threads.
    pub fn new(wake: impl Fn() + Send + Sync + Clone + 'static) -> io::Result<Self> {
        let background = WorkerOptions { background_priority: true };
        Ok(Self {
            heavy: Worker::spawn_with(background, wake.clone())?,
            preview: Worker::spawn_with(WorkerOptions::default(), wake)?,
            jobs: Vec::new(),
            imported: None,
            import_error: None,
            prepared: None,
            prepare_error: None,
            preview_job: None,
            fetch: None,
            live: None,
            results: None,
            evaluated: None,
            job: None,
            exports: Vec::new(),
            exported: false,
            classify: ClassifyState::default(),
        })
    }

    /// Forgets everything about the project that was open. Its jobs are cancelled, their answers dropped.
    pub fn forget_project(&mut self) {
        self.preview.cancel_all();
        self.heavy.cancel_all();
        // Asked a second time, a run does not stay to measure its best checkpoint.
        self.heavy.cancel_all();
        self.jobs.clear();
        self.forget_data();
        self.fetch = None;
        self.live = None;
        self.results = None;
        self.evaluated = None;
        self.job = None;
        self.exports.clear();
        self.exported = false;
        self.classify = ClassifyState::default();
    }

    /// Whether any answer is awaited.
    #[cfg(test)]
    pub fn is_busy(&self) -> bool {
        !self.jobs.is_empty()
    }

    /// Whether a run is going.
    #[must_use]
    pub fn is_training(&self) -> bool {
        self.live.as_ref().is_some_and(LiveRun::is_going)
    }

    /// Reads the project's files anew.
    pub fn import(&mut self, project: &Project, folder: PathBuf) {
        self.forget_data();
        self.preview_job = Some(Job { title: "Reading the data".to_owned(), progress: Progress::default() });
        self.send(Lane::Preview, Purpose::Import, Command::Import { project: Box::new(project.clone()), folder });
    }

    /// Forgets the data: the project names no file any more.
    pub fn forget_data(&mut self) {
        self.drop_previews();
        self.imported = None;
        self.import_error = None;
        self.prepared = None;
        self.prepare_error = None;
    }

    /// Prepares the data anew. The old data stays on screen until the new is there.
    pub fn prepare(&mut self, project: &Project) {
        let Some(imported) = self.imported.clone() else { return };
        self.drop_previews();
        self.preview_job = Some(Job { title: "Preparing the rows".to_owned(), progress: Progress::default() });
        let command = Command::Prepare { project: Box::new(project.clone()), imported };
        self.send(Lane::Preview, Purpose::Prepare, command);
    }

    /// Forgets the prepared data: the columns are not chosen.
    pub fn unprepare(&mut self) {
        self.drop_previews();
        self.prepared = None;
        self.prepare_error = None;
    }

    /// Reads a finished run.
    pub fn load_run(&mut self, run: PathBuf) {
        self.send(Lane::Preview, Purpose::LoadRun, Command::LoadRun { run });
    }

    /// Labels typed texts with the shown run's model. Questions not yet answered are dropped.
    pub fn classify(&mut self, texts: Vec<String>) {
        let Some(results) = &self.results else { return };
        let model = results.folder.join("best");
        self.forget(|purpose| matches!(purpose, Purpose::Classify(_)));
        self.classify.waiting = true;
        let command = Command::Classify { model, texts: texts.clone() };
        self.send(Lane::Preview, Purpose::Classify(texts), command);
    }

    /// Brings a model onto this machine.
    pub fn fetch(&mut self, id: String) {
        if self.fetch.as_ref().is_some_and(|fetch| fetch.progress.is_some()) {
            return;
        }
        self.fetch = Some(FetchState { id: id.clone(), progress: Some(Progress::default()), error: None });
        self.send(Lane::Heavy, Purpose::Fetch, Command::FetchModel { id });
    }

    /// Starts training.
    pub fn train(&mut self, project: &Project, folder: PathBuf) {
        if self.is_training() {
            return;
        }
        self.live = Some(LiveRun::default());
        self.send(Lane::Heavy, Purpose::Train, Command::Train { project: Box::new(project.clone()), folder });
    }

    /// Pauses the run, or lets it go on. The worker answers when it does.
    pub fn set_paused(&mut self, paused: bool) {
        for job in self.ids(|purpose| matches!(purpose, Purpose::Train)) {
            self.heavy.set_paused(job, paused);
        }
    }

    /// Stops the run and keeps the best so far; asked again, it ends at once.
    pub fn stop_training(&mut self) {
        if let Some(live) = self.live.as_mut().filter(|live| live.is_going()) {
            live.stopping = true;
            self.stop(|purpose| matches!(purpose, Purpose::Train));
        }
    }

    /// Stops the download.
    pub fn stop_fetch(&mut self) {
        self.stop(|purpose| matches!(purpose, Purpose::Fetch));
    }

    /// Stops the export, prediction or evaluation under way.
    pub fn stop_job(&mut self) {
        self.stop(|purpose| matches!(purpose, Purpose::Evaluate | Purpose::Predict | Purpose::Export(_)));
    }

    /// Asks the jobs of a purpose to stop, and no other.
    fn stop(&self, which: impl Fn(&Purpose) -> bool) {
        for (lane, job, _) in self.jobs.iter().filter(|(.., purpose)| which(purpose)) {
            match lane {
                Lane::Heavy => self.heavy.cancel(*job),
                Lane::Preview => self.preview.cancel(*job),
            }
        }
    }

    fn ids(&self, which: impl Fn(&Purpose) -> bool) -> Vec<JobId> {
        self.jobs.iter().filter(|(.., purpose)| which(purpose)).map(|&(_, job, _)| job).collect()
    }

    /// Measures the shown run on another file.
    pub fn evaluate(&mut self, data: PathBuf) {
        let Some(results) = &self.results else { return };
        let command = Command::Evaluate { run: results.folder.clone(), data: Some(data) };
        self.start_job("Measuring on another file", Purpose::Evaluate, command);
    }

    /// Labels every row of a file with the shown run's model.
    pub fn predict(&mut self, input: PathBuf, output: PathBuf) {
        let Some(results) = &self.results else { return };
        let model = results.folder.join("best");
        let command = Command::PredictFile { model, input, text_column: None, output };
        self.start_job("Labelling the rows", Purpose::Predict, command);
    }

    /// Writes the shown run's model to another place.
    pub fn export(&mut self, format: ExportFormat, output: PathBuf) {
        let Some(results) = &self.results else { return };
        let command = Command::Export { run: results.folder.clone(), format, output };
        self.start_job("Exporting", Purpose::Export(format), command);
    }

    fn start_job(&mut self, title: &str, purpose: Purpose, command: Command) {
        // One at a time is shown, with its progress and a way to stop it.
        if self.job.is_some() {
            return;
        }
        self.job = Some(Job { title: title.to_owned(), progress: Progress::default() });
        self.send(Lane::Heavy, purpose, command);
    }

    fn send(&mut self, lane: Lane, purpose: Purpose, command: Command) {
        let worker = match lane {
            Lane::Heavy => &self.heavy,
            Lane::Preview => &self.preview,
        };
        let id = worker.send(command);
        self.jobs.push((lane, id, purpose));
    }

    /// Drops the jobs of a purpose: their answers are not wanted any more.
    fn forget(&mut self, which: impl Fn(&Purpose) -> bool) {
        self.jobs.retain(|(.., purpose)| !which(purpose));
    }

    /// Drops reading and preparing, since something newer is wanted.
    fn drop_previews(&mut self) {
        let is_preview = |purpose: &Purpose| matches!(purpose, Purpose::Import | Purpose::Prepare);
        self.stop(is_preview);
        self.forget(is_preview);
        self.preview_job = None;
    }

    /// Takes in everything the workers have said since the last call.
    pub fn poll(&mut self) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for lane in [Lane::Preview, Lane::Heavy] {
            let worker = match lane {
                Lane::Heavy => &self.heavy,
                Lane::Preview => &self.preview,
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
            Answer::Prepared(prepared) => {
                self.prepared = Some(prepared);
                self.prepare_error = None;
            }
            Answer::ModelReady { .. } => {
                self.fetch = None;
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

    /// A job is over, however it ended.
    fn settle(&mut self, purpose: &Purpose) {
        match purpose {
            Purpose::Import | Purpose::Prepare => self.preview_job = None,
            Purpose::Evaluate | Purpose::Predict | Purpose::Export(_) => self.job = None,
            Purpose::Fetch => {
                if let Some(fetch) = &mut self.fetch {
                    fetch.progress = None;
                }
            }
            Purpose::Train | Purpose::LoadRun | Purpose::Classify(_) => {}
        }
    }

    fn on_progress(&mut self, purpose: &Purpose, progress: Progress) {
        match purpose {
            Purpose::Import | Purpose::Prepare => {
                if let Some(job) = &mut self.preview_job {
                    job.progress = progress;
                }
            }
            Purpose::Fetch => {
                if let Some(fetch) = &mut self.fetch {
                    fetch.progress = Some(progress);
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
            Purpose::LoadRun | Purpose::Classify(_) => {}
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
            Purpose::Fetch => self.fetch = None,
            Purpose::Classify(_) => self.classify.waiting = false,
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
            Purpose::Prepare => {
                self.prepared = None;
                self.prepare_error = Some(message);
                return None;
            }
            Purpose::Classify(_) => {
                self.classify = ClassifyState { error: Some(message), ..ClassifyState::default() };
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
