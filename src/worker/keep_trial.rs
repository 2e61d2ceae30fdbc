//! The job that makes a trial of a search a run of the project, with its model.

use std::path::Path;

use crate::data::{Prepared, Side};
use crate::project::StudyPlan;
use crate::storage::{KeptFrom, RunFolder, RunSettings, RunStatus, StudyFolder};
use crate::training::keep_temperature;
use crate::worker::completing::{compared, complete, lacks_results, validation_answers};
use crate::worker::scoring::{Answered, are_of, score_own};
use crate::worker::study_search;
use crate::worker::{Context, Job, JobError};

/// Makes the best trial of a search a run of the project: its model can then be evaluated, reviewed and exported like any other.
#[derive(Clone, Debug)]
pub struct KeepBest {
    /// The study's folder.
    pub study: StudyFolder,
}

/// The run that the best trial of a study is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptBest {
    /// The run.
    pub run: RunFolder,
    /// Whether it was kept before, so that no run was made.
    pub is_known: bool,
    /// The newest run that was kept from the same study before, whose trial did worse.
    pub better_than: Option<RunFolder>,
}

impl KeptBest {
    /// A sentence about `what`, for example "The best model so far".
    #[must_use]
    pub fn in_words(&self, what: &str) -> String {
        let id = self.run.id();
        match &self.better_than {
            _ if self.is_known => format!("{what} is run {id} already: it was kept before."),
            Some(other) => {
                format!("{what} is run {id} now. It is better than run {}, which was kept before.", other.id())
            }
            None => format!("{what} is run {id} now."),
        }
    }
}

impl Job for KeepBest {
    /// The run.
    type Answer = KeptBest;
    const TITLE: &'static str = "Keeping the best model";

    fn run(self, context: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        let project = self.study.read_settings()?.project;
        // Paths in a study's settings are absolute.
        let prepared = context.prepared(&project, Path::new(""), self.study.project_folder())?;
        let kept = keep(&self.study, &prepared)?;
        measure(context, &kept.run, &prepared, self.study.best_on_test())?;
        Ok(kept)
    }
}

/// Copies the best trial so far to a new run, which is not measured on test rows yet, unless it was kept before. It takes no longer than
/// to copy its weights.
///
/// # Errors
/// If the study is no search, no trial has a result, the weights of the best are gone, or the data has changed; errors of the file
/// system.
pub(super) fn keep(study: &StudyFolder, prepared: &Prepared) -> Result<KeptBest, JobError> {
    let settings = study.read_settings()?;
    let trials = study.trials()?;
    let failed = |why: &str| Err(JobError::Failed(why.to_owned()));
    let is_search = matches!(settings.plan, StudyPlan::Search(_));
    let best = study_search::best(&settings.project, &trials).filter(|_| is_search);
    let Some((best, summary)) = best.and_then(|best| Some((best, best.summary.as_ref()?))) else {
        return failed("Only the best trial of a search can become a run, and this study has none.");
    };
    let earlier = earlier(study)?;
    if let Some((run, _)) = earlier.iter().find(|(_, trial)| *trial == best.trial.number) {
        return Ok(KeptBest { run: run.clone(), is_known: true, better_than: None });
    }
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
    let kept_from = Some(KeptFrom { study: study.id(), trial: best.trial.number });
    let own = RunSettings { trial: None, kept_from, rows, split_hash: prepared.split_hash.clone(), ..of_trial };
    let (run, _lock) = RunFolder::keep_trial(study.project_folder(), &best.run, &own, summary)?;
    // Trials of earlier versions kept none.
    keep_temperature(&run, &validation, own.labels.len())?;
    let name = settings.plan.trial_title_in(&study.id(), best.trial.number);
    run.change_notes(|notes| notes.name = name)?;
    Ok(KeptBest { run, is_known: false, better_than: earlier.into_iter().next().map(|(run, _)| run) })
}

/// The runs that were kept from a study and still have their models, with the numbers of their trials, newest first.
fn earlier(study: &StudyFolder) -> Result<Vec<(RunFolder, u32)>, JobError> {
    let kept = RunFolder::list(study.project_folder())?.into_iter().filter_map(|listing| {
        let run = listing.folder;
        let from = run.read_settings().ok()?.kept_from.filter(|from| from.study == study.id())?;
        let has_model = matches!(listing.status, RunStatus::Finished(_)) && run.best().exists();
        has_model.then_some((run, from.trial))
    });
    Ok(kept.collect())
}

/// Measures a run that was a trial on the project's test rows, or compares it on the validation rows if there are none, unless that was
/// done. `on_test` are its answers on the test rows, if they are known.
pub(super) fn measure(
    context: &mut Context<'_>,
    run: &RunFolder,
    prepared: &Prepared,
    on_test: Option<Answered>,
) -> Result<(), JobError> {
    let (settings, trained) = (run.read_settings()?, run.trained()?);
    if settings.rows[2] == 0 {
        if run.read_comparison().is_ok() {
            return Ok(());
        }
        let (_, answers) = validation_answers(context, (run, &trained), &settings, prepared)?;
        let comparison = compared(context, run, &settings, (prepared, Side::Validation), &answers)?;
        return Ok(run.write_comparison(&comparison)?);
    }
    if !lacks_results(run, &trained) {
        return Ok(());
    }
    let on_test = match on_test {
        Some(known) => known,
        None => score_own(context, run, &settings, (prepared, Side::Test))?,
    };
    complete(context, run, &trained, &settings, &on_test)
}
