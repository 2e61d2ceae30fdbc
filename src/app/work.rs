//! Long work: what was asked of the workers, and what came of it.
//!
//! One worker trains, fetches, exports; another reads, prepares and labels typed texts, so that the data steps answer
//! while a model is trained; a third one looks for more to tell about the data, and keeps nobody waiting.

mod answers;
mod inspecting;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::data::{Finding, Imported, LeakageReport, Likeness, Prepared};
use crate::progress::Progress;
use crate::project::Project;
use crate::worker::{
    Command, EvaluationReport, ExportFormat, JobId, RunResults, SharedData, Survey, Worker, WorkerOptions,
};

use crate::app::context::{ClassifyState, ComparingState, FetchState, ForecastState, Job, LiveRun};
use crate::app::inspection::{Inspection, RowQuestion};

/// What a job was asked for.
#[derive(Clone, Debug)]
enum Purpose {
    Import,
    Prepare(Arc<Project>),
    Compare,
    FindLeaks,
    FindProblems,
    Profile,
    SaveBadRows,
    FindRows(Box<RowQuestion>),
    CountLabels,
    CountValues(String),
    CountTokens,
    CountTextTokens,
    LoadRun,
    Classify(Vec<String>),
    Fetch,
    DryRun,
    Train,
    Evaluate,
    Predict,
    Export(ExportFormat),
}

/// Which of the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    Heavy,
    Preview,
    Background,
}

/// What the app must act on.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The files were read: guess the columns, prepare.
    Imported,
    /// Corrections were found again at other rows.
    Moved,
    /// Texts were compared: look for what is wrong with the rows.
    Compared,
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
    background: Worker,
    jobs: Vec<(Lane, JobId, Purpose)>,
    /// The files as read.
    pub imported: Option<Arc<Imported>>,
    /// Why they could not be read.
    pub import_error: Option<String>,
    /// The data as it will be learnt from.
    pub prepared: Option<Arc<Prepared>>,
    /// What was counted over it; there whenever `prepared` is.
    pub survey: Option<Arc<Survey>>,
    /// The same of the data that is about to be there.
    next_survey: Option<Arc<Survey>>,
    /// Its texts that are nearly the same, once they were compared.
    pub likeness: Option<Arc<Likeness>>,
    /// The settings `prepared` was prepared with.
    prepared_as: Option<Arc<Project>>,
    /// What would make its figures better than they are, once that was looked for.
    pub leakage: Option<Arc<LeakageReport>>,
    /// A person stopped the preparing.
    pub prepare_stopped: bool,
    /// What is wrong with the rows, once it was looked for; while it is looked for anew it is the old one.
    pub findings: Option<Arc<Vec<Finding>>>,
    /// How far looking for it is: comparing texts, then all else.
    pub looking: Option<Progress>,
    /// Where comparing texts and looking for leakage stand.
    pub comparing: ComparingState,
    /// Why it could not be prepared.
    pub prepare_error: Option<String>,
    /// What was asked about its rows, and answered.
    pub inspection: Inspection,
    /// Reading or preparing under way.
    pub preview_job: Option<Job>,
    /// A download under way, or the last one's failure.
    pub fetch: Option<FetchState>,
    /// What a run will take, or the measuring of it.
    pub forecast: Option<ForecastState>,
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
        // What one has read for the screen, the other trains on.
        let data = SharedData::default();
        Ok(Self {
            heavy: Worker::spawn_with(background, data.clone(), wake.clone())?,
            preview: Worker::spawn_with(WorkerOptions::default(), data.clone(), wake.clone())?,
            background: Worker::spawn_with(background, data, wake)?,
            jobs: Vec::new(),
            imported: None,
            import_error: None,
            prepared: None,
            survey: None,
            next_survey: None,
            likeness: None,
            prepared_as: None,
            leakage: None,
            prepare_stopped: false,
            findings: None,
            looking: None,
            comparing: ComparingState::default(),
            prepare_error: None,
            inspection: Inspection::default(),
            preview_job: None,
            fetch: None,
            forecast: None,
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
        self.background.cancel_all();
        self.heavy.cancel_all();
        // Asked a second time, a run does not stay to measure its best checkpoint.
        self.heavy.cancel_all();
        self.jobs.clear();
        self.forget_data();
        self.fetch = None;
        self.forecast = None;
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
        self.unprepare();
        self.forget(|purpose| matches!(purpose, Purpose::CountLabels));
        self.inspection.labels = None;
    }

    /// Prepares the data anew. The old data stays on screen until the new is there.
    pub fn prepare(&mut self, project: &Project) {
        let Some(imported) = self.imported.clone() else { return };
        self.drop_previews();
        self.preview_job = Some(Job { title: "Preparing the rows".to_owned(), progress: Progress::default() });
        let purpose = Purpose::Prepare(Arc::new(project.clone()));
        self.send(Lane::Preview, purpose, Command::Prepare { project: Box::new(project.clone()), imported });
    }

    /// Finds the texts of the prepared data that are nearly the same.
    pub fn compare(&mut self, prepared: Arc<Prepared>) {
        let is_comparing = |purpose: &Purpose| matches!(purpose, Purpose::Compare | Purpose::FindLeaks);
        self.stop(is_comparing);
        self.forget(is_comparing);
        (self.likeness, self.leakage) = (None, None);
        self.looking = Some(Progress::default());
        self.comparing = ComparingState::Comparing(Progress::default());
        self.send(Lane::Background, Purpose::Compare, Command::CompareTexts { prepared });
    }

    /// Looks for leakage among the prepared rows, after their texts were compared.
    fn find_leaks(&mut self) {
        let (Some(imported), Some(prepared)) = (self.imported.clone(), self.prepared.clone()) else { return };
        if let Some(project) = self.prepared_as.as_deref() {
            self.comparing = ComparingState::Looking(Progress::default());
            let command = Command::FindLeaks { project: Box::new(project.clone()), imported, prepared };
            self.send(Lane::Background, Purpose::FindLeaks, command);
        }
    }

    /// Looks for leakage anew where others are let stand than when it was looked for; the report stays until then.
    pub fn let_leaks_stand(&mut self, project: &Project) {
        let Some(prepared_as) = &mut self.prepared_as else { return };
        if prepared_as.split.ignored_leaks != project.split.ignored_leaks {
            Arc::make_mut(prepared_as).split.ignored_leaks.clone_from(&project.split.ignored_leaks);
            let is_looking = |purpose: &Purpose| matches!(purpose, Purpose::FindLeaks);
            self.stop(is_looking);
            self.forget(is_looking);
            // Where texts are still compared, it is looked for after that.
            if self.likeness.is_some() {
                self.find_leaks();
            }
        }
    }

    /// Stops preparing.
    pub fn stop_preparing(&self) {
        self.stop(|purpose| matches!(purpose, Purpose::Prepare(_)));
    }

    /// Stops comparing texts and looking for leakage among the prepared rows.
    pub fn stop_comparing(&self) {
        self.stop(|purpose| matches!(purpose, Purpose::Compare | Purpose::FindLeaks));
    }

    /// Looks for what is wrong with the prepared rows, after their texts were compared.
    pub fn find_problems(&mut self, project: &Project, folder: PathBuf) {
        let (Some(imported), Some(prepared)) = (self.imported.clone(), self.prepared.clone()) else { return };
        let Some(likeness) = self.likeness.clone() else {
            if !self.jobs.iter().any(|(.., purpose)| matches!(purpose, Purpose::Compare)) {
                self.compare(prepared);
            }
            return;
        };
        self.stop(|purpose| matches!(purpose, Purpose::FindProblems));
        self.forget(|purpose| matches!(purpose, Purpose::FindProblems));
        self.looking = Some(Progress::default());
        let project = Box::new(project.clone());
        let command = Command::FindProblems { project, folder, imported, prepared, likeness };
        self.send(Lane::Background, Purpose::FindProblems, command);
    }

    /// Stops looking for what is wrong with the rows.
    pub fn stop_looking(&mut self) {
        self.stop(|purpose| matches!(purpose, Purpose::Compare | Purpose::FindProblems));
    }

    /// Writes the rows that could not be used as CSV.
    pub fn save_bad_rows(&mut self, output: PathBuf) {
        let Some(imported) = self.imported.clone() else { return };
        self.send(Lane::Preview, Purpose::SaveBadRows, Command::SaveBadRows { imported, output });
    }

    /// Forgets the prepared data: the columns are not chosen.
    pub fn unprepare(&mut self) {
        self.drop_previews();
        self.prepared = None;
        self.survey = None;
        self.likeness = None;
        self.leakage = None;
        self.prepare_stopped = false;
        self.findings = None;
        self.prepare_error = None;
        self.inspection = self.inspection.of_new_rows();
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

    /// Measures what a run of these settings will take.
    pub fn dry_run(&mut self, project: &Project, folder: PathBuf) {
        let measuring = self.forecast.as_ref().is_some_and(|forecast| forecast.progress.is_some());
        if measuring || self.is_training() {
            return;
        }
        let project = Box::new(project.clone());
        self.forecast = Some(ForecastState::begun(&project));
        self.send(Lane::Heavy, Purpose::DryRun, Command::DryRun { project, folder });
    }

    /// Stops measuring.
    pub fn stop_dry_run(&mut self) {
        self.stop(|purpose| matches!(purpose, Purpose::DryRun));
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

    /// Stops the run for good: it does not stay to measure its best checkpoint.
    pub fn end_training(&mut self) {
        self.stop_training();
        self.stop_training();
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
                Lane::Background => self.background.cancel(*job),
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
            Lane::Background => &self.background,
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
        let is_preview = |purpose: &Purpose| {
            matches!(
                purpose,
                Purpose::Import
                    | Purpose::Prepare(_)
                    | Purpose::Compare
                    | Purpose::FindLeaks
                    | Purpose::FindProblems
                    | Purpose::Profile
                    | Purpose::CountTokens
            )
        };
        self.stop(is_preview);
        self.forget(is_preview);
        self.preview_job = None;
        self.looking = None;
        self.comparing = ComparingState::Idle;
    }
}
