//! What can be asked of the worker, and what it answers.

use std::path::PathBuf;
use std::sync::Arc;

use crate::data::{Finding, Imported, LabelCounts, LeakageReport, Likeness, Place, Prepared, RowQuery, TokenHistogram};
use crate::evaluation::{Interval, Metrics, Prediction};
pub use crate::export::ExportFormat;
use crate::progress::Progress;
use crate::project::{DatasetSettings, DeviceChoice, ModelChoice, Precision, Project};
use crate::storage::{EvaluationPoint, RunComparison, RunSettings, RunSummary, StepMetrics};
pub use crate::training::{DryRun, StepBench, StepFigures};

use crate::worker::{Profile, RowSource, Survey};

/// Number of a job; later jobs have higher numbers.
pub type JobId = u64;

/// One long operation. The worker runs them one at a time, in order.
#[derive(Clone, Debug)]
pub enum Command {
    /// Read the project's files. Answer: [`Answer::Imported`].
    Import {
        /// Names the files and how to read them.
        project: Box<Project>,
        /// The project's folder, against which relative paths are resolved.
        folder: PathBuf,
    },
    /// Count the labels as they stand in the files. Answer: [`Answer::LabelsCounted`].
    CountLabels {
        /// Says where the labels stand.
        dataset: Box<DatasetSettings>,
        /// The files as read.
        imported: Arc<Imported>,
    },
    /// Apply edits, clean, label and split. Answers: [`Answer::Surveyed`], then [`Answer::Prepared`].
    Prepare {
        /// Settings.
        project: Box<Project>,
        /// The rows.
        imported: Arc<Imported>,
    },
    /// Find rows and put them in order. Answer: [`Answer::RowsFound`], or [`Answer::BadPattern`].
    FindRows {
        /// The rows.
        source: RowSource,
        /// Which of them, in which order.
        query: RowQuery,
    },
    /// Count the values of a column. Answer: [`Answer::ValuesCounted`].
    CountValues {
        /// The rows.
        source: RowSource,
        /// The column's name.
        column: String,
    },
    /// Tell more of the rows. Answer: [`Answer::Profiled`].
    Profile {
        /// The rows.
        source: RowSource,
    },
    /// Count the tokens of the texts. Answer: [`Answer::TokensCounted`].
    CountTokens {
        /// The rows.
        prepared: Arc<Prepared>,
        /// The model's folder.
        model: PathBuf,
    },
    /// Count the tokens of one text. Answer: [`Answer::TextTokens`].
    CountTextTokens {
        /// The text, cleaned.
        text: String,
        /// The model's folder.
        model: PathBuf,
    },
    /// Write the rows that could not be used as CSV. Answer: [`Answer::BadRowsSaved`].
    SaveBadRows {
        /// The files as read.
        imported: Arc<Imported>,
        /// The file to write.
        output: PathBuf,
    },
    /// Find texts nearly the same. Answer: [`Answer::TextsCompared`].
    CompareTexts {
        /// The rows.
        prepared: Arc<Prepared>,
    },
    /// Look for what makes figures better than they are. Answer: [`Answer::LeaksFound`].
    FindLeaks {
        /// Settings.
        project: Box<Project>,
        /// The rows as read.
        imported: Arc<Imported>,
        /// The same, prepared with these settings.
        prepared: Arc<Prepared>,
    },
    /// Look for what is wrong with the rows. Answer: [`Answer::ProblemsFound`].
    FindProblems {
        /// Settings.
        project: Box<Project>,
        /// The project's folder.
        folder: PathBuf,
        /// The files as read.
        imported: Arc<Imported>,
        /// The rows.
        prepared: Arc<Prepared>,
        /// Which of them are nearly the same.
        likeness: Arc<Likeness>,
    },
    /// Bring a model of the catalogue onto this machine. Answer: [`Answer::ModelReady`].
    FetchModel {
        /// Catalogue id.
        id: String,
    },
    /// Fine-tune. Answers: [`Answer::RunStarted`], metrics, then [`Answer::RunFinished`].
    Train {
        /// Settings; the model must be on this machine or is fetched first.
        project: Box<Project>,
        /// The project's folder: the run goes to `runs/<id>/` below it.
        folder: PathBuf,
    },
    /// Measure a run's best checkpoint on its own test rows, or on another file.
    /// Answer: [`Answer::Evaluated`].
    Evaluate {
        /// The run's folder.
        run: PathBuf,
        /// A labelled file with the columns of the project's main file; `None` is the run's own test rows.
        data: Option<PathBuf>,
    },
    /// Read a finished run from disk. Answer: [`Answer::RunLoaded`].
    LoadRun {
        /// The run's folder.
        run: PathBuf,
    },
    /// Label every row of a file and write a CSV. Answer: [`Answer::PredictionsWritten`].
    PredictFile {
        /// A Hugging Face folder (a run's `best/`, or an export).
        model: PathBuf,
        /// File with a text column.
        input: PathBuf,
        /// Text column; `None` is the one the model was trained on.
        text_column: Option<String>,
        /// CSV to write: the input's columns, then `predicted` and one `probability_<label>` each.
        output: PathBuf,
    },
    /// Label texts typed by a person. Answer: [`Answer::Classified`].
    Classify {
        /// A Hugging Face folder.
        model: PathBuf,
        /// The texts, cleaned by the worker as the training texts were.
        texts: Vec<String>,
    },
    /// Write a run's model to another place and prove it. Answer: [`Answer::Exported`].
    Export {
        /// The run's folder.
        run: PathBuf,
        /// What to write.
        format: ExportFormat,
        /// Folder (or file, for one file) to write; must not exist or be empty.
        output: PathBuf,
    },
    /// Measure what a run will take, without making one. Answer: [`Answer::DryRun`].
    DryRun {
        /// Settings; the model must be on this machine or is fetched first.
        project: Box<Project>,
        /// The project's folder.
        folder: PathBuf,
    },
    /// Time training steps of a model. Answer: [`Answer::StepTimed`].
    BenchStep {
        /// The model; it must be on this machine.
        model: ModelChoice,
        /// What is timed.
        bench: StepBench,
        /// What computes.
        device: DeviceChoice,
        /// Arithmetic of the matrix products.
        precision: Precision,
    },
    /// Time the tokenising of a file's texts. Answer: [`Answer::TokensTimed`].
    BenchTokenise {
        /// The model whose tokenizer it is; it must be on this machine.
        model: ModelChoice,
        /// The file.
        file: PathBuf,
        /// Its text column; `None` is the one that stands out.
        text_column: Option<String>,
        /// Tokens kept of a text.
        max_length: usize,
    },
}

/// An answer, stamped with the job it belongs to.
#[derive(Clone, Debug)]
pub struct Event {
    /// The job.
    pub job: JobId,
    /// The answer.
    pub answer: Answer,
}

/// What the worker says.
///
/// Every job ends with exactly one answer for which [`Answer::is_final`] holds.
#[derive(Clone, Debug)]
pub enum Answer {
    /// How far the job is; the newest wins.
    Progress(Progress),
    /// Something worth a line in the log.
    Log(LogLine),
    /// Files were read. Final.
    Imported(Arc<Imported>),
    /// The labels of the files. Final.
    LabelsCounted(Arc<LabelCounts>),
    /// What was counted over the rows whose [`Answer::Prepared`] follows.
    Surveyed(Arc<Survey>),
    /// Data is prepared. Final for [`Command::Prepare`].
    Prepared(Arc<Prepared>),
    /// The rows found, in the order asked for. Final.
    RowsFound(Vec<Place>),
    /// The words searched for are no regular expression, and why, in plain words. Final.
    BadPattern(String),
    /// The most frequent values of a column and their rows. Final.
    ValuesCounted(Vec<(String, usize)>),
    /// More about the rows. Final.
    Profiled(Arc<Profile>),
    /// The texts' lengths in tokens. Final.
    TokensCounted(Arc<TokenHistogram>),
    /// Tokens of one text, special tokens included, before any is cut off. Final.
    TextTokens(usize),
    /// The rows that could not be used were written. Final.
    BadRowsSaved {
        /// The file.
        path: PathBuf,
        /// Rows in it.
        rows: u64,
    },
    /// Texts nearly the same. Final.
    TextsCompared(Arc<Likeness>),
    /// What was looked for and found. Final.
    LeaksFound(Arc<LeakageReport>),
    /// What is wrong with the rows, the most serious first. Final.
    ProblemsFound(Arc<Vec<Finding>>),
    /// A model is on this machine. Final for [`Command::FetchModel`].
    ModelReady {
        /// Catalogue id.
        id: String,
        /// Its folder.
        folder: PathBuf,
    },
    /// Training begins.
    RunStarted(Arc<RunStart>),
    /// Figures of the steps since the last such answer, at most 20 answers a second.
    Steps(Vec<StepMetrics>),
    /// An evaluation on validation.
    Evaluation(Box<EvaluationPoint>),
    /// The run waits (true) or goes on (false).
    Paused(bool),
    /// Training ended and its results are on disk. Final.
    RunFinished(Arc<RunResults>),
    /// A finished run was read. Final.
    RunLoaded(Arc<RunResults>),
    /// A checkpoint was measured. Final.
    Evaluated(Arc<EvaluationReport>),
    /// Predictions were written. Final.
    PredictionsWritten {
        /// The file.
        path: PathBuf,
        /// Rows labelled.
        rows: u64,
        /// Rows left without a label because their text was empty.
        empty: u64,
    },
    /// Texts were labelled. Final.
    Classified {
        /// Label names in class-id order.
        labels: Vec<String>,
        /// Probabilities, `[texts][labels]`; empty for a text with nothing left after cleaning.
        probabilities: Vec<Vec<f32>>,
    },
    /// An export was written and compared. Final.
    Exported {
        /// Where it is.
        path: PathBuf,
        /// What was compared, in words: rows and largest difference of a logit.
        proof: String,
    },
    /// What a run will take was measured. Final.
    DryRun(Box<DryRun>),
    /// Training steps were timed. Final.
    StepTimed {
        /// The times.
        figures: StepFigures,
        /// Device and arithmetic, for example "CPU, f32".
        device: String,
    },
    /// Tokenising was timed. Final.
    TokensTimed {
        /// Texts.
        rows: usize,
        /// Tokens kept of them.
        tokens: usize,
        /// Time of tokenising alone.
        seconds: f64,
    },
    /// The job was cancelled and left nothing half done. Final.
    Cancelled,
    /// The job failed. Final.
    Failed {
        /// What happened, why, and what to do next.
        message: String,
    },
}

impl Answer {
    /// Whether the job is over with this answer.
    #[must_use]
    pub fn is_final(&self) -> bool {
        !matches!(
            self,
            Self::Progress(_)
                | Self::Log(_)
                | Self::Surveyed(_)
                | Self::RunStarted(_)
                | Self::Steps(_)
                | Self::Evaluation(_)
                | Self::Paused(_)
        )
    }
}

/// A line of a run's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How serious it is.
    pub level: LogLevel,
    /// One sentence.
    pub message: String,
}

/// How serious a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// For the record.
    Info,
    /// Worth a look.
    Warning,
}

/// What is known when training begins.
#[derive(Clone, Debug)]
pub struct RunStart {
    /// Run id.
    pub run: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Everything needed to repeat it.
    pub settings: RunSettings,
    /// Optimizer steps planned.
    pub total_steps: u64,
    /// Optimizer steps an epoch.
    pub steps_per_epoch: u64,
    /// Device and arithmetic, for example "CPU, f32".
    pub device: String,
}

/// A finished run with its predictions.
#[derive(Clone, Debug)]
pub struct RunResults {
    /// The run's folder.
    pub folder: PathBuf,
    /// Everything needed to repeat it.
    pub settings: RunSettings,
    /// The outcome.
    pub summary: RunSummary,
    /// The best checkpoint's predictions on validation.
    pub validation: Vec<Prediction>,
    /// The best checkpoint's predictions on test.
    pub test: Vec<Prediction>,
    /// Every step's figures.
    pub steps: Vec<StepMetrics>,
    /// Every evaluation.
    pub evaluations: Vec<EvaluationPoint>,
    /// Interval and baselines on [`Self::measured`].
    pub comparison: RunComparison,
}

impl RunResults {
    /// The metrics to report: on test rows, or on validation rows if there are none.
    #[must_use]
    pub fn measured(&self) -> &Metrics {
        self.summary.measured()
    }

    /// 95% interval of the main metric; `None` with too few rows for one.
    #[must_use]
    pub fn interval(&self) -> Option<Interval> {
        self.comparison.interval
    }
}

/// Metrics and predictions on some rows.
#[derive(Clone, Debug)]
pub struct EvaluationReport {
    /// Run id.
    pub run: String,
    /// What was measured, for example "test rows of the run" or a path.
    pub data: String,
    /// The metrics.
    pub metrics: Metrics,
    /// Each row.
    pub predictions: Vec<Prediction>,
}
