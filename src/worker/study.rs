//! The job that runs a study: one trial after another, each a run.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::Sender;

use crate::data::{Imported, Prepared};
use crate::project::{Project, RowsUsed, StudyPlan, Trial, apply_settings};
use crate::storage::{EvaluationPoint, FileLock, RunFolder, StudyFolder, StudySettings, TrialRun};
use crate::training::{self, OfStudy, TrainInputs, TrainingEvent};
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
            study.train(context, &trial, begun.as_ref(), &events)?;
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
                if !matches!(plan, StudyPlan::CrossValidation { .. }) {
                    keep_split(context, (&project, &folder), &imported, &prepared)?;
                }
                let settings = StudySettings::new(plan, project, prepared.data_hash.clone());
                let (study, lock) = StudyFolder::create(&folder, &settings)?;
                (settings, lock, study)
            }
        };
        let said = HashSet::new();
        Ok(Study { folder, settings, imported, prepared, model_folder, begun, said, lock })
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
        let left = Duration::from_mins(u64::from(minutes)).as_secs_f64() - self.begun.elapsed().as_secs_f64();
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
        };
        Trial { number, rows, settings }
    }

    fn title(&self, trial: &Trial) -> String {
        let title = self.settings.plan.trial_title(trial.number);
        match &self.settings.plan {
            StudyPlan::Search(_) if trial.settings.is_empty() => format!("{title}: the project's own settings."),
            StudyPlan::Search(_) => format!("{title}: {}.", trial.settings.join(", ")),
            StudyPlan::CrossValidation { .. } | StudyPlan::Seeds { .. } => format!("{title}."),
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
            study: Some(OfStudy { folder: self.folder.path(), trial, falls_behind: &falls_behind }),
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
                let ended = self.folder.trials()?.into_iter().filter(|trial| trial.summary.is_some());
                ended.map(|trial| Ok(trial.run.read_metrics()?.1)).collect()
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Removes the weights that are not needed any more. They are large, and most trials are only measured.
    fn keep_weights(&self) -> Result<(), JobError> {
        let trials = self.folder.trials()?;
        let kept = match &self.settings.plan {
            StudyPlan::Search(_) => study_search::with_weights(&self.settings.project, &trials),
            StudyPlan::CrossValidation { .. } | StudyPlan::Seeds { .. } => Vec::new(),
        };
        for trial in trials.iter().filter(|trial| trial.summary.is_some() && !kept.contains(&trial.trial.number)) {
            self.folder.remove_weights(&trial.run)?;
        }
        Ok(())
    }

    /// Measures what is measured once, at the end.
    fn end(self, context: &mut Context<'_>) -> Result<Arc<StudyResults>, JobError> {
        match &self.settings.plan {
            StudyPlan::CrossValidation { .. } => keep_out_of_fold(&self.folder)?,
            StudyPlan::Search(_) => {
                study_search::measure_on_test_rows(context, (&self.folder, &self.settings), &self.prepared)?;
            }
            StudyPlan::Seeds { .. } => {}
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.folder.end(now.as_secs())?;
        drop(self.lock);
        Ok(Arc::new(study_results::load(&self.folder)?))
    }
}
