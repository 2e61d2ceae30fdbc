//! The job that makes a trial of a search a run of the project, with its model.

use std::path::Path;

use crate::data::{Prepared, Side};
use crate::project::StudyPlan;
use crate::storage::{RunFolder, RunSettings, StudyFolder};
use crate::worker::completing::{compared, complete, validation_answers};
use crate::worker::scoring::{Answered, are_of, score_own};
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
        measure(context, &run, &prepared, self.study.best_on_test())?;
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
    let validation = best.run.read_predictions("validation").unwrap_or_default();
    let has_other_rows = !validation.is_empty() && !are_of(&validation, prepared, Side::Validation);
    if prepared.data_hash != settings.data_hash || has_other_rows {
        return failed(
            "The data file, how it is cleaned, or the split has changed since the search. Train a run with its settings.",
        );
    }
    // A trial has no test rows, and the run has those of the project.
    let rows = [Side::Train, Side::Validation, Side::Test].map(|side| prepared.side(side).count());
    let of_trial = best.run.read_settings()?;
    let own = RunSettings { trial: None, rows, split_hash: prepared.split_hash.clone(), ..of_trial };
    let (run, _lock) = RunFolder::keep_trial(study.project_folder(), &best.run, &own, summary)?;
    let name = settings.plan.trial_title_in(&study.id(), best.trial.number);
    run.change_notes(|notes| notes.name = name)?;
    Ok(run)
}

/// Measures a run that was a trial on the project's test rows, or compares it on the validation rows if there are none. `on_test` are
/// its answers on the test rows, if they are known.
pub(super) fn measure(
    context: &mut Context<'_>,
    run: &RunFolder,
    prepared: &Prepared,
    on_test: Option<Answered>,
) -> Result<(), JobError> {
    let (settings, trained) = (run.read_settings()?, run.trained()?);
    if settings.rows[2] == 0 {
        let (_, answers) = validation_answers(context, (run, &trained), &settings, prepared)?;
        let comparison = compared(context, run, &settings, (prepared, Side::Validation), &answers)?;
        return Ok(run.write_comparison(&comparison)?);
    }
    let on_test = match on_test {
        Some(known) => known,
        None => score_own(context, run, &settings, (prepared, Side::Test))?,
    };
    complete(context, run, &trained, &settings, &on_test)
}
