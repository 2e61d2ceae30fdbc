//! The job that makes a trial of a search a run of the project, with its model.

use std::path::Path;

use crate::data::{Prepared, Side};
use crate::project::StudyPlan;
use crate::storage::{RunFolder, RunSettings, RunStatus, RunSummary, StudyFolder};
use crate::training::keep_temperature;
use crate::worker::completing::{compared, complete};
use crate::worker::scoring::{Evaluation, rows_of};
use crate::worker::study_search;
use crate::worker::{Context, Job, JobError};

/// Makes the best trial of a search a run of the project: its model can then be evaluated, reviewed and exported like any other.
#[derive(Clone, Debug)]
pub struct KeepBest {
    /// The study's folder.
    pub study: StudyFolder,
}

impl Job for KeepBest {
    /// The run.
    type Answer = RunFolder;
    const TITLE: &'static str = "Keeping the best model";

    fn run(self, context: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        let project = self.study.read_settings()?.project;
        // Paths in a study's settings are absolute.
        let prepared = context.prepared(&project, Path::new(""), self.study.project_folder())?;
        let run = keep(&self.study, &prepared)?;
        measure(context, &run, &prepared)?;
        Ok(run)
    }
}

/// Copies the best trial so far to a new run, which is not measured on test rows yet. It takes no longer than to copy its weights.
///
/// # Errors
/// If the study is no search, no trial has a result, the weights of the best are gone, or the data has changed; errors of the file
/// system.
pub(super) fn keep(study: &StudyFolder, prepared: &Prepared) -> Result<RunFolder, JobError> {
    let settings = study.read_settings()?;
    let trials = study.trials()?;
    let failed = |why: &str| Err(JobError::Failed(why.to_owned()));
    let is_search = matches!(settings.plan, StudyPlan::Search(_));
    let best = study_search::best(&settings.project, &trials).filter(|_| is_search);
    let Some((best, summary)) = best.and_then(|best| Some((best, best.summary.as_ref()?))) else {
        return failed("Only the best trial of a search can become a run, and this study has none.");
    };
    if !best.run.best().exists() {
        return failed("The weights of the best trial are not there any more. Train a run with its settings.");
    }
    if prepared.data_hash != settings.data_hash {
        return failed(
            "The data file, or how it is cleaned, has changed since the search. Train a run with its settings.",
        );
    }
    // A trial has no test rows, and the run has those of the project.
    let rows = [Side::Train, Side::Validation, Side::Test].map(|side| prepared.side(side).count());
    let of_trial = best.run.read_settings()?;
    let own = RunSettings { trial: None, rows, split_hash: prepared.split_hash.clone(), ..of_trial };
    let (run, _lock) = RunFolder::keep_trial(study.project_folder(), &best.run, &own, summary)?;
    // Trials of earlier versions kept none.
    if let Ok(validation) = run.read_predictions("validation") {
        keep_temperature(&run, &validation, own.labels.len())?;
    }
    let name = format!("{} of {}", settings.plan.trial_title(best.trial.number), study.id());
    run.change_notes(|notes| notes.name = name)?;
    Ok(run)
}

/// Measures a run that was a trial on the project's test rows, or compares it on the validation rows if there are none.
pub(super) fn measure(context: &mut Context<'_>, run: &RunFolder, prepared: &Prepared) -> Result<(), JobError> {
    let settings = run.read_settings()?;
    let model = context.model(&run.best())?;
    let evaluation = Evaluation { model: &model, settings: &settings, training: None };
    let trained = run.trained()?;
    let side = if settings.rows[2] > 0 { Side::Test } else { Side::Validation };
    let measured = rows_of(prepared, side);
    let (metrics, predictions) = context.watched(|watch| evaluation.of(measured, watch))?;
    if side == Side::Validation {
        run.write_comparison(&compared(context, run, &settings, (prepared, side), &predictions)?)?;
        return Ok(());
    }
    complete(context, run, &trained, &evaluation, (&metrics, &predictions))?;
    let summary = RunSummary { test: Some(metrics), ..trained.summary };
    Ok(run.write_status(&RunStatus::Finished(summary))?)
}
