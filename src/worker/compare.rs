//! The job that compares runs.

use std::path::PathBuf;
use std::sync::Arc;

use crate::evaluation::{LanguageDifference, Metrics, Prediction, RunDifference, Tested};
use crate::project::{DifferentSetting, Project, differing};
use crate::storage::{EvaluationPoint, RunFolder, RunListing, RunSettings, RunSummary, StepMetrics};
use crate::words::{count, shortened};
use crate::worker::{Context, Job, JobError};

/// Most runs that are compared at once.
pub const MOST_COMPARED: usize = 8;

/// Compares runs of a project with the first of them.
#[derive(Clone, Debug)]
pub struct CompareRuns {
    /// The runs' folders, two to [`MOST_COMPARED`].
    pub runs: Vec<PathBuf>,
}

/// A run that is compared.
#[derive(Clone, Debug)]
pub struct ComparedRun {
    /// Its folder, number and notes.
    pub listing: RunListing,
    /// Everything that is needed to repeat it.
    pub settings: RunSettings,
    /// Its outcome.
    pub summary: RunSummary,
    /// Predictions of the test rows, or else of the validation rows.
    pub predictions: Vec<Prediction>,
    /// Whether they are of test rows.
    pub has_test_rows: bool,
}

/// How a run compares with another, on the rows that both were tested on.
#[derive(Clone, Debug, PartialEq)]
pub enum PairedDifference {
    /// Two classifiers.
    Classes(RunDifference),
    /// Two language models.
    Words(LanguageDifference),
}

/// The curves of a run.
#[derive(Clone, Debug, Default)]
pub struct RunCurves {
    /// The metrics of every step.
    pub steps: Vec<StepMetrics>,
    /// Every evaluation.
    pub evaluations: Vec<EvaluationPoint>,
}

/// Runs beside each other.
#[derive(Clone, Debug)]
pub struct RunsComparison {
    /// The runs, in the order asked for.
    pub runs: Vec<ComparedRun>,
    /// Their curves.
    pub curves: Vec<RunCurves>,
    /// How each run after the first compares with the first, or why it cannot be compared.
    pub differences: Vec<Result<PairedDifference, String>>,
    /// The settings and data that are not the same in all of them.
    pub settings: Vec<DifferentSetting>,
}

impl ComparedRun {
    /// Reads a run, without its curves.
    ///
    /// # Errors
    /// If it is training, has no results, was not evaluated yet, or its files cannot be read.
    pub fn read(listing: RunListing) -> Result<Self, JobError> {
        let run = &listing.folder;
        let summary = run.measured()?.summary;
        let (test, settings) = (run.read_predictions("test")?, run.read_settings()?);
        let has_test_rows = !test.is_empty();
        let predictions = if has_test_rows { test } else { run.read_predictions("validation")? };
        if predictions.is_empty() {
            let id = run.id();
            let message =
                format!("Run {id} has no predictions yet. Evaluate it first: hone evaluate, with --run {id}.");
            return Err(JobError::Failed(message));
        }
        Ok(Self { listing, settings, summary, predictions, has_test_rows })
    }

    /// The metrics to compare: on test rows, or on validation rows if there are none.
    #[must_use]
    pub fn measured(&self) -> &Metrics {
        self.summary.measured()
    }

    /// How this run compares with another.
    ///
    /// # Errors
    /// Why they cannot be compared.
    pub fn compared_with(&self, other: &Self) -> Result<PairedDifference, String> {
        if self.has_test_rows != other.has_test_rows {
            let message = "One of the runs was tested on test rows, and the other only on validation rows.";
            return Err(format!("{message} Evaluate it first: hone evaluate, with --run."));
        }
        let number = other.listing.number;
        let classes = RunDifference::new(self.tested(), number, other.tested()).map(PairedDifference::Classes);
        let words = || LanguageDifference::new(&self.predictions, number, &other.predictions);
        classes
            .or_else(|| words().map(PairedDifference::Words))
            .ok_or_else(|| "Runs of different tasks cannot be compared.".to_owned())
    }

    fn tested(&self) -> Tested<'_> {
        Tested { labels: &self.settings.labels, predictions: &self.predictions }
    }
}

impl PairedDifference {
    /// Whether the run is better, in sentences.
    #[must_use]
    pub fn says(&self) -> String {
        match self {
            Self::Classes(difference) => difference.says(),
            Self::Words(difference) => difference.says(),
        }
    }

    /// Whether the run is better, worse, or neither by more than chance. `None` if that cannot be told.
    #[must_use]
    pub fn is_better(&self) -> Option<std::cmp::Ordering> {
        match self {
            Self::Classes(difference) => difference.is_better(),
            Self::Words(difference) => difference.is_better(),
        }
    }

    /// What `McNemar`'s test says about the rows that only one of the runs has right, in a sentence; `None` if there are none.
    #[must_use]
    pub fn mcnemar(&self) -> Option<String> {
        let Self::Classes(difference) = self else { return None };
        (difference.fixed.len() + difference.broken.len() > 0).then(|| {
            let chance = difference.chance();
            format!(
                "Equally good runs would split these rows this unevenly, or more so, with a probability of {chance:.3} (McNemar's \
                 exact test)."
            )
        })
    }
}

impl RunsComparison {
    /// Compares runs that were read.
    fn of(runs: Vec<ComparedRun>, curves: Vec<RunCurves>) -> Self {
        let first = &runs[0];
        let differences = runs[1..].iter().map(|run| run.compared_with(first)).collect();
        let settings = different_settings(&runs.iter().map(|run| &run.settings).collect::<Vec<_>>());
        Self { runs, curves, differences, settings }
    }
}

/// What differs between the settings, data, device and version of runs.
#[must_use]
pub fn different_settings(runs: &[&RunSettings]) -> Vec<DifferentSetting> {
    let projects: Vec<&Project> = runs.iter().map(|run| &run.project).collect();
    let mut found = differing(&projects);
    let has_other_settings = !found.is_empty();
    let mut row = |title: &str, value: &dyn Fn(&RunSettings) -> String| {
        let values: Vec<String> = runs.iter().map(|run| value(run)).collect();
        if values.iter().any(|value| *value != values[0]) {
            found.push(DifferentSetting { title: title.to_owned(), values: values.into_iter().map(Some).collect() });
        }
    };
    row("Rows for training, validation, test", &|run| run.rows.map(|rows| count(rows as u64)).join(", "));
    if !has_other_settings {
        // Otherwise it follows from them.
        row("Content of the data", &|run| shortened(&run.data_hash, 9));
    }
    row("Weights of the model", &|run| shortened(&run.model_sha256, 9));
    row("Device", &|run| run.device.clone());
    row("Version of Hone", &|run| run.hone_version.clone());
    found
}

impl Job for CompareRuns {
    type Answer = Arc<RunsComparison>;
    const TITLE: &'static str = "Comparing runs";

    fn run(self, context: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        let (mut runs, mut curves) = (Vec::new(), Vec::new());
        for path in self.runs.iter().take(MOST_COMPARED) {
            context.control.look()?;
            let folder = RunFolder::open(path)?;
            let listed = RunFolder::list(folder.project_folder())?;
            let listing = listed.into_iter().find(|listing| listing.folder.id() == folder.id());
            let listing = listing.ok_or_else(|| JobError::Failed(format!("Run {} is gone.", folder.id())))?;
            let (steps, evaluations) = folder.read_metrics()?;
            runs.push(ComparedRun::read(listing)?);
            curves.push(RunCurves { steps, evaluations });
        }
        if runs.len() < 2 {
            return Err(JobError::Failed("Choose two runs or more to compare.".to_owned()));
        }
        Ok(Arc::new(RunsComparison::of(runs, curves)))
    }
}
