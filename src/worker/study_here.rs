//! Trains a study's trials on this machine, one after another.

use crossbeam_channel::Sender;

use crate::project::{StudyPlan, Trial, apply_settings};
use crate::storage::{EvaluationPoint, RunFolder, StopRequest};
use crate::training::{self, OfStudy, TrainError, TrainInputs, TrainingEvent};
use crate::worker::run_events::Teller;
use crate::worker::study_trials::{NextTrial, Study, StudyEvent};
use crate::worker::{Context, JobError, LogLevel};

/// Runs all trials that have no result.
pub(super) fn run_here(
    study: &mut Study,
    context: &mut Context<'_>,
    events: &Sender<StudyEvent>,
) -> Result<(), JobError> {
    let tell = |context: &Context<'_>, event| {
        // It is not an error if the owner no longer listens.
        if events.send(event).is_ok() {
            context.announce_event();
        }
    };
    while let Some(NextTrial { trial, begun }) = study.next(&[])? {
        look_between_trials(study, context)?;
        context.log(LogLevel::Info, study.title(&trial));
        tell(context, StudyEvent::Trial(trial.number));
        let resumed = begun.filter(RunFolder::is_interrupted);
        train(study, context, (&trial, resumed.as_ref()), events)?;
        tell(context, StudyEvent::Results(study.results()?));
    }
    Ok(())
}

/// Ends the study if its owner or another process asks for it, or if another process is to go on with it.
pub(super) fn look_between_trials(study: &Study, context: &Context<'_>) -> Result<(), JobError> {
    if StopRequest::of(study.folder.path()).take() {
        context.log(LogLevel::Info, "Another window or terminal asked for a stop.".to_owned());
        context.control.request_stop();
    }
    if context.control.is_handed_over() { Err(JobError::Cancelled) } else { Ok(context.control.look()?) }
}

/// Trains a trial to its end.
fn train(
    study: &mut Study,
    context: &mut Context<'_>,
    (trial, resumed): (&Trial, Option<&RunFolder>),
    events: &Sender<StudyEvent>,
) -> Result<(), JobError> {
    let project = apply_settings(&study.settings.project, &trial.settings).map_err(JobError::failed)?;
    let prepared = context.rows_used((&project, &study.imported), &study.prepared, trial.rows)?;
    let others = study.evaluations_of_others()?;
    let metric = project.best_metric();
    let falls_behind = |point: &EvaluationPoint| training::falls_behind(metric, point, &others);
    let inputs = TrainInputs {
        project: &project,
        project_folder: study.folder.project_folder(),
        prepared: &prepared,
        model_folder: &study.model_folder,
        resumed,
        study: Some(OfStudy { folder: study.folder.path(), trial, falls_behind: &falls_behind, probe: &study.probe }),
    };
    let control = context.control;
    let (events, said, number) = (events.clone(), &mut study.said, trial.number);
    let mut teller = Teller::new(context, Box::new(move |event| events.send(StudyEvent::Run(number, event)).is_ok()));
    let outcome = training::train(inputs, control, &mut |event| match event {
        TrainingEvent::Log(message) | TrainingEvent::Warning(message) if said.contains(&message) => {}
        TrainingEvent::Log(ref message) | TrainingEvent::Warning(ref message) => {
            said.insert(message.clone());
            teller.tell(event);
        }
        event => teller.tell(event),
    });
    teller.flush();
    if matches!(outcome, Err(TrainError::HandedOver)) {
        return Err(JobError::Cancelled);
    }
    match outcome.map_err(JobError::from) {
        Ok(_) => study.keep_weights(),
        Err(JobError::Failed(why)) if matches!(study.settings.plan, StudyPlan::Search(_)) => {
            // A run that failed is one of those that say where not to search. One that could not begin says nothing.
            let has_run = study.folder.trials()?.iter().any(|run| run.trial.number == trial.number);
            context.log(LogLevel::Warning, format!("This trial failed. {why}"));
            if has_run { Ok(()) } else { Err(JobError::Failed(why)) }
        }
        Err(JobError::Failed(why)) => {
            Err(JobError::Failed(format!("{}: {why}", study.settings.plan.trial_title(trial.number))))
        }
        Err(JobError::Cancelled) => Err(JobError::Cancelled),
    }
}
