//! What a report is made from.

use crate::data::{CleaningPart, DropReason, Prepared};
use crate::evaluation::{ClassificationDetails, Judgement, Metrics, Prediction, RunDifference, Slices};
use crate::export::CurvesOfRun;
use crate::project::SourceFile;
use crate::storage::{EvaluationPoint, RunComparison, RunNotes, RunSettings, RunSummary, StepMetrics};
use crate::training::Advice;

/// What a report is made from.
#[derive(Clone, Debug)]
pub struct ReportOf<'a> {
    /// The run's number, or its place in a study: "Run 3".
    pub title: &'a str,
    /// What a person says about it.
    pub notes: &'a RunNotes,
    /// Everything that is needed to repeat it.
    pub settings: &'a RunSettings,
    /// Its outcome.
    pub summary: &'a RunSummary,
    /// The interval and the baselines of [`RunSummary::measured`].
    pub comparison: &'a RunComparison,
    /// How it compares with the run before.
    pub difference: Option<&'a RunDifference>,
    /// The predictions of the rows that [`RunSummary::measured`] is of.
    pub predictions: &'a [Prediction],
    /// All other metrics of these; `None` unless the task is text classification.
    pub details: Option<&'a ClassificationDetails>,
    /// The metrics of every step.
    pub steps: &'a [StepMetrics],
    /// Every evaluation.
    pub evaluations: &'a [EvaluationPoint],
    /// What the curves show.
    pub advice: &'a [Advice],
    /// The slices of the rows, or why they are not known; `None` unless the task is text classification.
    pub slices: Option<Result<&'a Slices, String>>,
    /// What became of the rows of the data, or why that is not known.
    pub rows: Result<RowsOfReport, String>,
}

/// What became of the rows of the data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowsOfReport {
    /// Rows that were left out, by reason, most first.
    pub left_out: Vec<(DropReason, usize)>,
    /// Rows that each cleaning step changes, by its field in the settings.
    pub cleaned: Vec<(&'static str, usize)>,
    /// What a person should know about the data.
    pub warnings: Vec<String>,
}

impl RowsOfReport {
    /// What became of these rows.
    #[must_use]
    pub fn of(prepared: &Prepared) -> Self {
        let mut left_out: Vec<(DropReason, usize)> = Vec::new();
        for (_, reason) in &prepared.dropped {
            match left_out.iter_mut().find(|(known, _)| known == reason) {
                Some((_, rows)) => *rows += 1,
                None => left_out.push((*reason, 1)),
            }
        }
        left_out.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
        let cleaned = prepared.cleaning.iter().filter_map(|effect| match effect.part {
            CleaningPart::Switch(field) => Some((field, effect.rows)),
            CleaningPart::Pattern(_) => None,
        });
        let warnings = prepared.warnings.iter().chain(&prepared.log_warnings).cloned().collect();
        Self { left_out, cleaned: cleaned.collect(), warnings }
    }
}

impl<'a> ReportOf<'a> {
    pub(super) fn metrics(&self) -> &'a Metrics {
        self.summary.measured()
    }

    pub(super) fn judge(&self) -> Judgement {
        self.summary.judge(&self.settings.project, self.comparison)
    }

    /// The rows that the metrics are of, within a sentence: "test rows".
    pub(super) fn rows_in_words(&self) -> &'static str {
        if self.summary.test.is_some() { "test rows" } else { "validation rows" }
    }

    /// What a row is called: its own id if the data has one, or its number among the rows of the main file.
    pub(super) fn row_name(row: &Prediction) -> String {
        let number = || match row.id.file {
            SourceFile::Main => row.id.record.to_string(),
            SourceFile::Validation | SourceFile::Test => row.id.to_string(),
        };
        row.key.clone().unwrap_or_else(number)
    }

    /// What the run is called.
    pub(super) fn name(&self) -> String {
        match self.notes.name.as_str() {
            "" => self.title.to_owned(),
            name => format!("{}, “{name}”", self.title),
        }
    }

    pub(super) fn curves(&self) -> CurvesOfRun<'a> {
        CurvesOfRun {
            name: self.name(),
            is_instant: self.settings.project.training.epochs_trained().is_none(),
            steps: self.steps,
            evaluations: self.evaluations,
        }
    }
}
