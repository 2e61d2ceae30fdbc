//! What a step may read while it draws.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data::{Finding, Imported, LeakageReport, Likeness, Prepared};
use crate::progress::Progress;
use crate::project::{Facts, Project};
use crate::storage::{EvaluationPoint, RunListing, StepMetrics};
use crate::worker::{DryRun, EvaluationReport, LogLine, RunResults, RunStart, Survey};

use crate::app::inspection::Inspection;
use crate::app::theme::{Theme, Tone};

/// Read access to everything a step shows. Drawing changes nothing here.
#[derive(Clone, Copy)]
pub struct StepContext<'a> {
    /// Colours, distances, text styles.
    pub theme: &'a Theme,
    /// What the person has decided.
    pub project: &'a Project,
    /// The project's folder, against which its relative paths are resolved.
    pub folder: &'a Path,
    /// What is known about the project beyond its settings.
    pub facts: &'a Facts,
    /// The files as read, once they are.
    pub imported: Option<&'a Arc<Imported>>,
    /// Why the files could not be read.
    pub import_error: Option<&'a str>,
    /// The data as it will be learnt from, once it is known. While `preview` is under way it is the old one.
    pub prepared: Option<&'a Arc<Prepared>>,
    /// What was counted over `prepared`; there whenever that is.
    pub survey: Option<&'a Arc<Survey>>,
    /// Texts of `prepared` that are nearly the same, once they were compared.
    pub likeness: Option<&'a Likeness>,
    /// What would make figures better than they are, once that was looked for in `prepared`.
    pub leakage: Option<&'a LeakageReport>,
    /// A person stopped the preparing.
    pub prepare_stopped: bool,
    /// What is wrong with the rows, once it was looked for.
    pub findings: Option<&'a Arc<Vec<Finding>>>,
    /// How far looking for it is.
    pub looking: Option<&'a Progress>,
    /// Where comparing texts and looking for leakage stand.
    pub comparing: &'a ComparingState,
    /// What was asked about the rows, and answered.
    pub inspection: &'a Inspection,
    /// Reading or preparing under way.
    pub preview: Option<&'a Job>,
    /// The chosen model's folder, when it is on this machine.
    pub model_folder: Option<&'a Path>,
    /// A download under way, or the last one's failure.
    pub fetch: Option<&'a FetchState>,
    /// What a run will take, or the measuring of it.
    pub forecast: Option<&'a ForecastState>,
    /// Why training cannot start, in words; `None` when it can.
    pub train_blocked: Option<&'a str>,
    /// The run under way, or the last one of this sitting.
    pub live: Option<&'a LiveRun>,
    /// The project's runs, newest first.
    pub runs: &'a [RunListing],
    /// The run whose results are shown, once there is one.
    pub results: Option<&'a Arc<RunResults>>,
    /// Figures of the shown run on another file.
    pub evaluated: Option<&'a Arc<EvaluationReport>>,
    /// An export, prediction or evaluation under way.
    pub job: Option<&'a Job>,
    /// What came of exports and predictions in this sitting, oldest first: (what, where, proof).
    pub exports: &'a [(String, PathBuf, String)],
    /// Answer to `AppCommand::Classify`.
    pub classify: &'a ClassifyState,
}

/// Where comparing the texts of the prepared rows, and then looking for leakage among them, stand.
#[derive(Clone, Debug, Default)]
pub enum ComparingState {
    /// Not begun, as while the rows are being prepared; or done.
    #[default]
    Idle,
    /// Texts are being compared.
    Comparing(Progress),
    /// Leakage is being looked for.
    Looking(Progress),
    /// A person stopped it.
    Stopped,
    /// It failed; why.
    Failed(String),
}

/// What a run will take on this machine.
#[derive(Clone, Debug)]
pub struct ForecastState {
    /// The settings it was measured for.
    pub of: Box<Project>,
    /// How far measuring is; `None` when it ended.
    pub progress: Option<Progress>,
    /// What was measured.
    pub outcome: Option<Box<DryRun>>,
    /// Why it could not be.
    pub error: Option<String>,
}

impl ForecastState {
    /// Measuring begins.
    #[must_use]
    pub fn begun(project: &Project) -> Self {
        Self { of: Box::new(project.clone()), progress: Some(Progress::default()), outcome: None, error: None }
    }
}

/// Long work under way.
#[derive(Clone, Debug)]
pub struct Job {
    /// What is being done, for example "Exporting".
    pub title: String,
    /// How far it is.
    pub progress: Progress,
}

/// A download.
#[derive(Clone, Debug)]
pub struct FetchState {
    /// Catalogue id.
    pub id: String,
    /// How far it is; `None` when it is over.
    pub progress: Option<Progress>,
    /// Why it failed.
    pub error: Option<String>,
}

/// What the typed texts were labelled as.
#[derive(Clone, Debug, Default)]
pub struct ClassifyState {
    /// The texts of the newest answer.
    pub texts: Vec<String>,
    /// Label names in class-id order.
    pub labels: Vec<String>,
    /// `[texts][labels]`; empty for a text with nothing left after cleaning.
    pub probabilities: Vec<Vec<f32>>,
    /// An answer is awaited.
    pub waiting: bool,
    /// Why the newest question could not be answered.
    pub error: Option<String>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// Its results are in `StepContext::results`.
    Finished,
    /// It was stopped before there was anything to keep.
    Cancelled,
    /// It failed, and why.
    Failed(String),
}

/// A run as it goes, filled from the worker's events.
#[derive(Clone, Debug, Default)]
pub struct LiveRun {
    /// What is known of it; `None` until training proper begins (the data is being tokenised, the model loaded).
    pub start: Option<Arc<RunStart>>,
    /// Every step so far.
    pub steps: Vec<StepMetrics>,
    /// Every evaluation so far.
    pub evaluations: Vec<EvaluationPoint>,
    /// The log, oldest first.
    pub log: Vec<LogLine>,
    /// What is being done now and how far it is, with the time left.
    pub progress: Option<Progress>,
    /// It waits.
    pub paused: bool,
    /// It was told to stop and has not answered yet.
    pub stopping: bool,
    /// `None` while it goes.
    pub end: Option<RunEnd>,
}

impl LiveRun {
    /// Whether it is still going, paused or not.
    #[must_use]
    pub fn is_going(&self) -> bool {
        self.end.is_none()
    }
}

/// Something told to the person, kept in the notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How serious it is.
    pub tone: Tone,
    /// What happened, in a few words.
    pub title: String,
    /// Why, and what to do next.
    pub body: String,
}
