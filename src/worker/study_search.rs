//! What a search tries next, and what it found.

use crate::data::{Prepared, Side};
use crate::project::{MetricName, Project, SearchPlan, SearchRange, SearchStart, StudyPlan, Trial, apply_settings};
use crate::storage::{StudyFolder, StudyPredictions, StudySettings, TrialRun};
use crate::training::{Tried, propose};
use crate::worker::scoring::{Answered, score_own};
use crate::worker::{Context, JobError};

/// The settings of the next trial: the first ones are as [`SearchStart`] says.
pub(super) fn settings(search: &SearchPlan, project: &Project, tried: &[Tried], number: u32) -> Vec<String> {
    if number == search.own_trial() {
        return Vec::new();
    }
    if number == 1 && search.start == SearchStart::Instant {
        return vec!["training.trained_layers=Instant".to_owned()];
    }
    propose(&search.over, tried, (project.training.seed, number))
}

/// What the search knows so far. A trial `under_way` counts as if it had failed, so that others at the same time look elsewhere.
pub(super) fn tried(
    (search, project): (&SearchPlan, &Project),
    trials: &[TrialRun],
    under_way: &[Trial],
) -> Result<Vec<Tried>, JobError> {
    let metric = project.best_metric();
    let alike = trials.iter().filter(|trial| is_like_others(search, &trial.trial));
    let mut all: Vec<Tried> = alike.map(|trial| outcome(&search.over, metric, trial)).collect();
    let is_new = |trial: &&Trial| trials.iter().all(|known| known.trial.number != trial.number);
    for trial in under_way.iter().filter(|trial| is_like_others(search, trial)).filter(is_new) {
        let project = apply_settings(project, &trial.settings).map_err(JobError::failed)?;
        all.push(Tried { places: places(&search.over, &project), score: f64::INFINITY });
    }
    Ok(all)
}

fn places(over: &[SearchRange], project: &Project) -> Vec<Option<f64>> {
    over.iter().map(|range| range.place_in(project)).collect()
}

/// Whether a trial can be compared with others step by step, which an instant model among them cannot.
pub(super) fn is_like_others(search: &SearchPlan, trial: &Trial) -> bool {
    trial.number >= search.own_trial()
}

/// The trial with the project's own settings.
pub(super) fn own_trial(settings: &StudySettings) -> u32 {
    if let StudyPlan::Search(search) = &settings.plan { search.own_trial() } else { 1 }
}

/// Where a trial was, and how good it was.
fn outcome(over: &[SearchRange], metric: MetricName, trial: &TrialRun) -> Tried {
    let places = places(over, &trial.project);
    let score = match score(metric, trial) {
        Some(score) if metric.higher_is_better() => -score,
        Some(score) => score,
        None => f64::INFINITY,
    };
    Tried { places, score }
}

/// The metric of a trial's best checkpoint on the validation rows.
pub(super) fn score(metric: MetricName, trial: &TrialRun) -> Option<f64> {
    trial.summary.as_ref()?.validation.get(metric)
}

/// The trial that did best on the validation rows; the first of several.
pub(super) fn best<'a>(project: &Project, trials: &'a [TrialRun]) -> Option<&'a TrialRun> {
    let metric = project.best_metric();
    let mut best: Option<(&TrialRun, f64)> = None;
    for trial in trials {
        let Some(score) = score(metric, trial) else { continue };
        if best.is_none_or(|(_, so_far)| metric.is_better(score, so_far)) {
            best = Some((trial, score));
        }
    }
    best.map(|(trial, _)| trial)
}

/// The numbers of the trials whose weights are needed at the end: the one with the project's own settings, and the best so far.
pub(super) fn with_weights(settings: &StudySettings, trials: &[TrialRun]) -> Vec<u32> {
    let best = best(&settings.project, trials).map(|trial| trial.trial.number);
    best.into_iter().chain([own_trial(settings)]).collect()
}

/// Measures the best trial and the one with the project's own settings on the test rows, which no trial has seen. Returns the answers of
/// the best, whose weights are kept; `None` if there are no test rows, or its weights are gone.
pub(super) fn measure_on_test_rows(
    context: &mut Context<'_>,
    (folder, settings): (&StudyFolder, &StudySettings),
    prepared: &Prepared,
) -> Result<Option<Answered>, JobError> {
    let trials = folder.trials()?;
    let Some(best) = best(&settings.project, &trials) else {
        return Err(JobError::Failed("No trial of the search has a result. Look at their messages.".to_owned()));
    };
    let own = trials.iter().find(|trial| trial.trial.number == own_trial(settings) && trial.summary.is_some());
    let is_best = own.is_some_and(|own| own.trial.number == best.trial.number);
    let other = own.filter(|_| !is_best);
    let of_best = on_test_rows(context, best, prepared)?;
    let of_other = other.map(|other| on_test_rows(context, other, prepared)).transpose()?.flatten();
    let of_own = if is_best { &of_best } else { &of_other };
    for (which, answered) in [(StudyPredictions::FirstTrial, of_own), (StudyPredictions::BestTrial, &of_best)] {
        if let Some((_, predictions)) = answered {
            folder.write_predictions(which, predictions, &prepared.labels)?;
        }
    }
    context.cache.model.forget(); // its folder may go
    if let Some(other) = other {
        folder.remove_weights(&other.run)?;
    }
    Ok(of_best)
}

/// The answers of a trial on the test rows; `None` if there are none, or its weights are gone.
fn on_test_rows(
    context: &mut Context<'_>,
    trial: &TrialRun,
    prepared: &Prepared,
) -> Result<Option<Answered>, JobError> {
    if prepared.side(Side::Test).next().is_none() || !trial.run.best().exists() {
        return Ok(None);
    }
    let settings = trial.run.read_settings()?;
    score_own(context, &trial.run, &settings, (prepared, Side::Test)).map(Some)
}
