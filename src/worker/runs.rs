//! The job that reads a finished run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::evaluation::{ClassificationDetails, Interval, Judgement, Metrics, Prediction, RunDifference, Tested};
use crate::project::Objective;
use crate::storage::{
    EvaluationPoint, RunComparison, RunFolder, RunOutcome, RunSettings, RunStatus, RunSummary, StepMetrics,
    StorageError,
};
use crate::training::temperature_of;
use crate::worker::{Context, Job, JobError};

/// What to do about a run without results.
const USE_ITS_BEST: &str = "Train again. If it kept a best checkpoint, you can use it in the terminal with --run.";

/// Reads a finished run from disk.
#[derive(Clone, Debug)]
pub struct LoadRun {
    /// The run's folder.
    pub run: PathBuf,
}

/// A finished run with its predictions.
#[derive(Clone, Debug)]
pub struct RunResults {
    /// The run's folder.
    pub folder: PathBuf,
    /// Everything that is needed to repeat it.
    pub settings: RunSettings,
    /// The outcome.
    pub summary: RunSummary,
    /// The best checkpoint's predictions on the validation set.
    pub validation: Vec<Prediction>,
    /// The best checkpoint's predictions on the test set.
    pub test: Vec<Prediction>,
    /// All other metrics of the validation rows, their curves and calibration; `None` unless the task is text classification.
    pub validation_details: Option<ClassificationDetails>,
    /// The same of the test rows.
    pub test_details: Option<ClassificationDetails>,
    /// The metrics of every step.
    pub steps: Vec<StepMetrics>,
    /// Every evaluation.
    pub evaluations: Vec<EvaluationPoint>,
    /// The confidence interval and the baselines for [`Self::measured`].
    pub comparison: RunComparison,
    /// How it compares with the finished run before it, if there is one of the same task.
    pub difference: Option<RunDifference>,
    /// The temperature of its model, see [`temperature_of`].
    pub temperature: Option<f64>,
}

impl RunResults {
    /// The metrics to report: on test rows, or on validation rows if there are none.
    #[must_use]
    pub fn measured(&self) -> &Metrics {
        self.summary.measured()
    }

    /// What its model predicts, if it is a language model.
    #[must_use]
    pub fn objective(&self) -> Objective {
        self.measured().language_modelling().map(|metrics| metrics.objective).unwrap_or_default()
    }

    /// Whether the model is useful.
    #[must_use]
    pub fn judge(&self) -> Judgement {
        self.summary.judge(&self.settings.project, &self.comparison)
    }

    /// 95% interval of the main metric; `None` with too few rows for one.
    #[must_use]
    pub fn interval(&self) -> Option<Interval> {
        self.comparison.interval
    }
}

impl Job for LoadRun {
    type Answer = Arc<RunResults>;
    const TITLE: &'static str = "Reading the run";

    fn run(self, _: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        Ok(Arc::new(load(&self.run)?))
    }
}

/// Reads a finished run.
pub(super) fn load(folder: &Path) -> Result<RunResults, JobError> {
    let run = RunFolder::open(folder)?;
    let summary = match run.outcome() {
        RunOutcome::Finished(summary) => summary,
        RunOutcome::UnderWay => return Err(StorageError::UnderWay(run.id()).into()),
        RunOutcome::CutOff { why, kept: None } => return Err(StorageError::NoModel { run: run.id(), why }.into()),
        RunOutcome::CutOff { why, kept: Some(_) } => {
            let message = format!("The run {} did not finish and has no results. {why} {USE_ITS_BEST}", run.id());
            return Err(JobError::Failed(message));
        }
    };
    let (steps, evaluations) = run.read_metrics()?;
    let (settings, validation) = (run.read_settings()?, run.read_predictions("validation")?);
    // A run that was stopped twice, or has no test rows, was not evaluated on the test set.
    let test = if summary.test.is_some() { run.read_predictions("test")? } else { Vec::new() };
    let measured = if summary.test.is_some() { &test } else { &validation };
    // The trials of a study are compared with each other there.
    let of_project = settings.trial.is_none();
    let difference = of_project
        .then(|| difference(&run, &summary, Tested { labels: &settings.labels, predictions: measured }))
        .flatten();
    let seed = settings.project.training.seed;
    let tested = |predictions| Tested { labels: &settings.labels, predictions };
    // The weights may have been freed.
    let temperature = temperature_of(&run, settings.labels.len()).unwrap_or_default();
    let validation_details = ClassificationDetails::of(tested(&validation), None, seed);
    let test_details = ClassificationDetails::of(tested(&test), Some(&validation), seed);
    Ok(RunResults {
        validation_details,
        test_details,
        settings,
        validation,
        test,
        difference,
        summary,
        steps,
        evaluations,
        comparison: run.read_comparison()?,
        temperature,
        folder: run.path().to_owned(),
    })
}

/// How a run compares with the finished run before it. `None` if there is none, or if its files cannot be read: the run itself
/// can.
fn difference(run: &RunFolder, summary: &RunSummary, this: Tested<'_>) -> Option<RunDifference> {
    let project_folder = run.path().parent()?.parent()?;
    let runs = RunFolder::list(project_folder).ok()?;
    let mut before = runs.iter().skip_while(|listing| listing.folder.id() != run.id()).skip(1);
    let (number, earlier, its_summary) = before.find_map(|listing| match &listing.status {
        RunStatus::Finished(other) => Some((listing.number, &listing.folder, other)),
        RunStatus::Running | RunStatus::Failed(_) => None,
    })?;
    if its_summary.test.is_some() != summary.test.is_some() {
        return None;
    }
    let labels = earlier.read_settings().ok()?.labels;
    let rows = if summary.test.is_some() { "test" } else { "validation" };
    let predictions = earlier.read_predictions(rows).ok()?;
    RunDifference::new(this, number, Tested { labels: &labels, predictions: &predictions })
}
