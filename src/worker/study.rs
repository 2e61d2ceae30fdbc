//! The job that runs a study: one trial after another, each a run.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::Sender;

use crate::data::{Imported, Prepared, Side};
use crate::project::{EvaluateEvery, Project, RowsUsed, StudyPlan, TrainedLayers, Trial, apply_settings};
use crate::storage::{EvaluationPoint, FileLock, RunFolder, StudyFolder, StudySettings, TrialRun};
use crate::training::{self, KeptProbe, OfStudy, TrainInputs, TrainingEvent};
use crate::worker::best_in::sized;
use crate::worker::keep_trial;
use crate::worker::run_events::Teller;
use crate::worker::study_results::{self, keep_out_of_fold};
use crate::worker::study_search;
use crate::worker::training::{check_compute, keep_split, ready_to_train};
use crate::worker::{Context, Job, JobError, LogLevel, RunEvent, StudyResults};

/// Runs the trials of a study that have no result yet.
///
/// A study that is stopped keeps the trials that ended, and the one under way goes on from its last checkpoint when the study is
/// resumed.
#[derive(Clone, Debug)]
pub struct RunStudy {
    /// Settings of a new study; one that is resumed has its own.
    pub project: Project,
    /// The project's folder: the study goes to `studies/<id>/` below it.
    pub folder: PathBuf,
    /// The question of a new study.
    pub plan: StudyPlan,
    /// Whether a model of the catalogue that is not on this machine is downloaded first.
    pub may_fetch: bool,
    /// The study that goes on; `None` begins a new one.
    pub resumed: Option<StudyFolder>,
    /// Channel for the study's events; [`Said::Event`](crate::worker::Said::Event) announces each of them.
    pub events: Sender<StudyEvent>,
}

/// The events of a study, in order.
#[derive(Clone, Debug)]
pub enum StudyEvent {
    /// The study begins or goes on.
    Started(Arc<StudyResults>),
    /// The trial of this number begins or goes on.
    Trial(u32),
    /// An event of its run.
    Run(RunEvent),
    /// It ended: the results so far.
    Results(Arc<StudyResults>),
}

/// What all trials of a study share.
struct Study {
    folder: StudyFolder,
    settings: StudySettings,
    imported: Arc<Imported>,
    prepared: Arc<Prepared>,
    model_folder: PathBuf,
    /// When this process began or resumed it.
    begun: Instant,
    /// Seconds that earlier processes trained for.
    spent: f64,
    /// The linear probe that trials begin with.
    probe: KeptProbe,
    /// Messages of earlier trials, which are not repeated.
    said: HashSet<String>,
    /// Tells other processes that the study is running.
    lock: Option<FileLock>,
}

impl Job for RunStudy {
    type Answer = Arc<StudyResults>;
    const TITLE: &'static str = "Running the study";

    fn run(self, context: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        let events = self.events.clone();
        let mut study = self.begin(context)?;
        let tell = |context: &Context<'_>, event| {
            // It is not an error if the owner no longer listens.
            if events.send(event).is_ok() {
                context.announce_event();
            }
        };
        tell(context, StudyEvent::Started(Arc::new(study_results::load(&study.folder)?)));
        while let Some((trial, begun)) = study.next()? {
            context.log(LogLevel::Info, study.title(&trial));
            tell(context, StudyEvent::Trial(trial.number));
            match study.train(context, &trial, begun.as_ref(), &events) {
                Err(JobError::Cancelled) => return Err(study.stopped(context)),
                trained => trained?,
            }
            tell(context, StudyEvent::Results(Arc::new(study_results::load(&study.folder)?)));
        }
        study.end(context)
    }
}

impl RunStudy {
    /// Reads the data, and makes the study's folder or opens it.
    fn begin(self, context: &mut Context<'_>) -> Result<Study, JobError> {
        let Self { project, folder, plan, may_fetch, resumed, events: _ } = self;
        let begun = Instant::now();
        let before = match resumed {
            Some(study) => Some((study.read_settings()?, study.hold()?, study)),
            None => None,
        };
        let project = before.as_ref().map_or(project, |(settings, ..)| settings.project.clone());
        check_compute(&project)?;
        let (imported, prepared, model_folder) = ready_to_train(context, (&project, &folder), may_fetch)?;
        context.cache.model.forget(); // training needs its memory
        let (settings, lock, folder) = match before {
            Some((settings, ..)) if settings.data_hash != prepared.data_hash => {
                let message = "The data file, or how it is cleaned, has changed since the study began, so it cannot go on. \
                               Begin a new one.";
                return Err(JobError::Failed(message.to_owned()));
            }
            Some(before) => before,
            None => {
                // Folds have their own split. The others train on the project's, which later runs keep.
                let (plan, project) = match plan {
                    StudyPlan::Search(search) if search.keeps_best && search.over.is_empty() => {
                        let (project, search) = sized(context, (&project, &folder), may_fetch, &search)?;
                        (StudyPlan::Search(search), project)
                    }
                    plan => (plan, project),
                };
                if !matches!(plan, StudyPlan::CrossValidation { .. }) {
                    keep_split(context, (&project, &folder), &imported, &prepared)?;
                }
                let settings = StudySettings::new(plan, project, prepared.data_hash.clone());
                let (study, lock) = StudyFolder::create(&folder, &settings)?;
                (settings, lock, study)
            }
        };
        let (said, probe) = (HashSet::new(), KeptProbe::default());
        let ended = folder.trials()?.into_iter().filter_map(|trial| Some(trial.summary?.train_seconds));
        let spent = ended.sum();
        Ok(Study { folder, settings, imported, prepared, model_folder, begun, spent, probe, said, lock })
    }
}

impl Study {
    /// The next trial without a result, with its run if it was interrupted; `None` if there is no other.
    fn next(&self) -> Result<Option<(Trial, Option<RunFolder>)>, JobError> {
        let trials = self.folder.trials()?;
        for number in 1..=self.settings.plan.trials() {
            let begun = trials.iter().find(|trial| trial.trial.number == number);
            match begun {
                Some(trial) if self.has_ended(trial) => {}
                Some(trial) => {
                    let run = Some(trial.run.clone()).filter(RunFolder::is_interrupted);
                    return Ok(Some((trial.trial.clone(), run)));
                }
                None if self.is_over_time(&trials) => return Ok(None),
                None => return Ok(Some((self.trial(number, &trials), None))),
            }
        }
        Ok(None)
    }

    /// Whether the trial is not to be tried again. A search learns from those that failed.
    fn has_ended(&self, trial: &TrialRun) -> bool {
        let fails = matches!(self.settings.plan, StudyPlan::Search(_)) && trial.failed.is_some();
        trial.summary.is_some() || fails
    }

    /// Whether so little of the time is left that another trial would most likely not end in it.
    fn is_over_time(&self, trials: &[TrialRun]) -> bool {
        let StudyPlan::Search(search) = &self.settings.plan else { return false };
        let Some(minutes) = search.minutes else { return false };
        let mut seconds: Vec<f64> =
            trials.iter().filter_map(|trial| Some(trial.summary.as_ref()?.train_seconds)).collect();
        seconds.sort_by(f64::total_cmp);
        let usual = seconds.get(seconds.len() / 2).copied().unwrap_or(0.0);
        let spent = self.spent + self.begun.elapsed().as_secs_f64();
        let left = Duration::from_mins(u64::from(minutes)).as_secs_f64() - spent;
        left < usual / 2.0
    }

    /// A trial that has not begun.
    fn trial(&self, number: u32, trials: &[TrialRun]) -> Trial {
        let (rows, settings) = match &self.settings.plan {
            StudyPlan::CrossValidation { folds } => (RowsUsed::Fold { number: number - 1, of: *folds }, Vec::new()),
            StudyPlan::Seeds { .. } => {
                let first = self.settings.project.training.seed;
                (RowsUsed::All, vec![format!("training.seed={}", first.wrapping_add(u64::from(number) - 1))])
            }
            StudyPlan::Search(search) => {
                (RowsUsed::WithoutTest, study_search::settings(search, &self.settings.project, trials, number))
            }
            StudyPlan::LearningCurve { .. } => {
                let (percent, draw) = StudyPlan::part(number);
                let rows = if (percent, draw) == (100, 0) { RowsUsed::All } else { RowsUsed::Part { percent, draw } };
                (rows, self.settings_of_part(percent, draw))
            }
        };
        Trial { number, rows, settings }
    }

    /// What a part of the training rows needs so that only the rows are fewer: about as many steps as with all rows, evaluated as
    /// often. With as many epochs, a small part would also be trained for a shorter time, and more rows would seem to help more
    /// than they do.
    fn settings_of_part(&self, percent: u32, draw: u32) -> Vec<String> {
        let training = &self.settings.project.training;
        let mut settings = Vec::new();
        if draw > 0 {
            settings.push(format!("training.seed={}", training.seed.wrapping_add(u64::from(draw))));
        }
        if percent < 100 && training.trained_layers != TrainedLayers::Instant {
            let epochs = (u64::from(training.epochs) * 100).div_ceil(u64::from(percent));
            settings.push(format!("training.epochs={epochs}"));
            if training.evaluate_every == EvaluateEvery::Epoch {
                let steps = training.steps_per_epoch(self.prepared.side(Side::Train).count());
                settings.push(format!("training.evaluate_every=Steps({})", steps.max(1)));
            }
        }
        settings
    }

    fn title(&self, trial: &Trial) -> String {
        let title = self.settings.plan.trial_title(trial.number);
        match &self.settings.plan {
            StudyPlan::Search(_) if trial.settings.is_empty() => format!("{title}: the project's own settings."),
            StudyPlan::Search(_) => format!("{title}: {}.", trial.settings.join(", ")),
            _ => format!("{title}."),
        }
    }

    /// Trains a trial to its end.
    fn train(
        &mut self,
        context: &mut Context<'_>,
        trial: &Trial,
        resumed: Option<&RunFolder>,
        events: &Sender<StudyEvent>,
    ) -> Result<(), JobError> {
        let project = apply_settings(&self.settings.project, &trial.settings).map_err(JobError::failed)?;
        let prepared = context.rows_used((&project, &self.imported), &self.prepared, trial.rows)?;
        let others = self.evaluations_of_others()?;
        let metric = project.best_metric();
        let falls_behind = |point: &EvaluationPoint| training::falls_behind(metric, point, &others);
        let inputs = TrainInputs {
            project: &project,
            project_folder: self.folder.project_folder(),
            prepared: &prepared,
            model_folder: &self.model_folder,
            resumed,
            study: Some(OfStudy { folder: self.folder.path(), trial, falls_behind: &falls_behind, probe: &self.probe }),
        };
        let control = context.control;
        let (events, said) = (events.clone(), &mut self.said);
        let mut teller = Teller::new(context, Box::new(move |event| events.send(StudyEvent::Run(event)).is_ok()));
        let outcome = training::train(inputs, control, &mut |event| match event {
            TrainingEvent::Log(message) | TrainingEvent::Warning(message) if said.contains(&message) => {}
            TrainingEvent::Log(ref message) | TrainingEvent::Warning(ref message) => {
                said.insert(message.clone());
                teller.tell(event);
            }
            event => teller.tell(event),
        });
        teller.flush();
        match outcome.map_err(JobError::from) {
            Ok(_) => self.keep_weights(),
            Err(JobError::Failed(why)) if matches!(self.settings.plan, StudyPlan::Search(_)) => {
                // A run that failed is one of those that say where not to search. One that could not begin says nothing.
                let has_run = self.folder.trials()?.iter().any(|run| run.trial.number == trial.number);
                context.log(LogLevel::Warning, format!("This trial failed. {why}"));
                if has_run { Ok(()) } else { Err(JobError::Failed(why)) }
            }
            Err(JobError::Failed(why)) => {
                Err(JobError::Failed(format!("{}: {why}", self.settings.plan.trial_title(trial.number))))
            }
            Err(JobError::Cancelled) => Err(JobError::Cancelled),
        }
    }

    /// The evaluations of the other trials, if a trial ends early when it falls behind.
    fn evaluations_of_others(&self) -> Result<Vec<Vec<EvaluationPoint>>, JobError> {
        match &self.settings.plan {
            StudyPlan::Search(search) if search.halving => {
                let is_like = |trial: &TrialRun| study_search::is_like_others(&self.settings.project, trial);
                let trials = self.folder.trials()?;
                let ended = trials.into_iter().filter(|trial| trial.summary.is_some() && is_like(trial));
                ended.map(|trial| Ok(trial.run.read_metrics()?.1)).collect()
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Removes the weights that are not needed any more. They are large, and most trials are only measured.
    fn keep_weights(&self) -> Result<(), JobError> {
        let trials = self.folder.trials()?;
        let kept = match &self.settings.plan {
            StudyPlan::Search(_) => study_search::with_weights(&self.settings, &trials),
            _ => Vec::new(),
        };
        for trial in trials.iter().filter(|trial| trial.summary.is_some() && !kept.contains(&trial.trial.number)) {
            self.folder.remove_weights(&trial.run)?;
        }
        Ok(())
    }

    /// Whether the best trial becomes a run of the project.
    fn keeps_best(&self) -> bool {
        matches!(&self.settings.plan, StudyPlan::Search(search) if search.keeps_best)
    }

    /// The study was stopped. The best model so far is kept all the same, if the study is there to find one.
    fn stopped(&self, context: &mut Context<'_>) -> JobError {
        let has_result = self.folder.trials().is_ok_and(|trials| trials.iter().any(|trial| trial.summary.is_some()));
        if self.keeps_best() && has_result {
            match keep_trial::keep(&self.folder, &self.prepared) {
                Ok(run) => context.log(LogLevel::Info, format!("The best model so far is run {}.", run.id())),
                Err(JobError::Failed(why)) => context.log(LogLevel::Warning, why),
                Err(JobError::Cancelled) => {}
            }
        }
        JobError::Cancelled
    }

    /// Measures what is measured once, at the end.
    fn end(self, context: &mut Context<'_>) -> Result<Arc<StudyResults>, JobError> {
        match &self.settings.plan {
            StudyPlan::CrossValidation { .. } => keep_out_of_fold(&self.folder)?,
            StudyPlan::Search(_) => {
                study_search::measure_on_test_rows(context, (&self.folder, &self.settings), &self.prepared)?;
                if self.keeps_best() {
                    let run = keep_trial::keep(&self.folder, &self.prepared)?;
                    keep_trial::measure(context, &run, &self.prepared)?;
                    context.log(LogLevel::Info, format!("The best model is run {}.", run.id()));
                }
            }
            StudyPlan::Seeds { .. } | StudyPlan::LearningCurve { .. } => {}
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.folder.end(now.as_secs())?;
        drop(self.lock);
        Ok(Arc::new(study_results::load(&self.folder)?))
    }
}
