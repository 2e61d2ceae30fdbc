//! The job that writes a report on a run.

use std::path::PathBuf;

use crate::export::{self, ReportFormat, ReportOf, RowsOfReport};
use crate::fetch::network_of;
use crate::project::TaskKind;
use crate::storage::{RunFolder, RunNotes, check_output};
use crate::training::{Advice, AdvisedRun, advise};
use crate::worker::runs::load;
use crate::worker::scoring::own_rows;
use crate::worker::slices::FindSlices;
use crate::worker::titles::{listing_of, title};
use crate::worker::{Context, Job, JobError, LogLevel, RunResults};

/// Writes a report on a run, from the predictions and metrics that it keeps. Slices, and what became of the rows, need the run's data
/// as it was; without it, the report says what is missing.
#[derive(Clone, Debug)]
pub struct SaveReport {
    /// The run's folder.
    pub run: PathBuf,
    /// The file to write. Its name says the format: HTML or Markdown.
    pub output: PathBuf,
    /// Whether a file with that name may be replaced.
    pub may_replace: bool,
}

impl Job for SaveReport {
    type Answer = PathBuf;
    const TITLE: &'static str = "Writing the report";

    fn run(self, context: &mut Context<'_>) -> Result<PathBuf, JobError> {
        let Self { run: path, output, may_replace } = self;
        let format = ReportFormat::of(&output).ok_or_else(|| {
            let name = output.display();
            JobError::Failed(format!(
                "A report is written as HTML or Markdown. Choose a name that ends in .html or .md, not '{name}'."
            ))
        })?;
        check_output(&output, may_replace)?;
        let run = RunFolder::open(&path)?;
        let results = load(&path)?;
        let predictions = if results.summary.test.is_some() { &results.test } else { &results.validation };
        let details = if results.summary.test.is_some() { &results.test_details } else { &results.validation_details };
        let rows = known(context, |context| Ok(RowsOfReport::of(&*own_rows(context, &run, &results.settings)?)))?;
        let is_classifier = results.settings.project.task.kind() == TaskKind::TextClassification;
        let has_slices = is_classifier && rows.is_ok() && !predictions.is_empty();
        let slices = match &rows {
            Ok(_) if has_slices => Some(known(context, |context| FindSlices { run: path }.run(context))?),
            Err(why) if is_classifier => Some(Err(why.clone())),
            _ => None,
        };
        let listing = listing_of(&run)?;
        let notes = listing.as_ref().map_or_else(RunNotes::default, |listing| listing.notes.clone());
        export::write_report(
            &ReportOf {
                title: &title(&run, listing.as_ref(), Some(&results.settings)),
                notes: &notes,
                settings: &results.settings,
                summary: &results.summary,
                comparison: &results.comparison,
                difference: results.difference.as_ref(),
                predictions,
                details: details.as_ref(),
                steps: &results.steps,
                evaluations: &results.evaluations,
                advice: &advice(&run, &results),
                slices: slices.as_ref().map(|slices| slices.as_deref().map_err(Clone::clone)),
                rows,
            },
            format,
            (&output, may_replace),
        )?;
        Ok(output)
    }
}

/// The answer, or why there is none, which is logged.
fn known<T>(
    context: &mut Context<'_>,
    work: impl FnOnce(&mut Context<'_>) -> Result<T, JobError>,
) -> Result<Result<T, String>, JobError> {
    match work(context) {
        Ok(answer) => Ok(Ok(answer)),
        Err(JobError::Cancelled) => Err(JobError::Cancelled),
        Err(JobError::Failed(why)) => {
            context.log(LogLevel::Warning, format!("Part of the report is missing. {why}"));
            Ok(Err(why))
        }
    }
}

/// What the curves of the run show.
fn advice(run: &RunFolder, results: &RunResults) -> Vec<Advice> {
    let network = network_of(&results.settings.project.model, run.project_folder());
    let advised = AdvisedRun::of(&results.settings, results.summary.steps, network);
    advise(&advised, &results.steps, &results.evaluations)
}
