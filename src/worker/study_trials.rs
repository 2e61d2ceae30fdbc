//! A study that was opened: its next trial, and what is kept of those that ended.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::data::{Imported, Prepared, Side};
use crate::project::{EvaluateEvery, RowsUsed, StudyPlan, TrainedLayers, Trial};
use crate::storage::{EvaluationPoint, FileLock, RunFolder, StudyFolder, StudySettings, TrialRun};
use crate::training::KeptProbe;
use crate::worker::study_results::{self, StudyResults};
use crate::worker::study_search;
use crate::worker::{JobError, RunEvent};

/// The events of a study, in order.
#[derive(Clone, Debug)]
pub enum StudyEvent {
    /// The study begins or goes on.
    Started(Arc<StudyResults>),
    /// The trial of this number begins or goes on.
    Trial(u32),
    /// An event of the run of the trial of this number.
    Run(u32, RunEvent),
    /// A trial ended: the results so far.
    Results(Arc<StudyResults>),
}

/// What all trials of a study share.
pub(super) struct Study {
    pub folder: StudyFolder,
    pub settings: StudySettings,
    pub imported: Arc<Imported>,
    pub prepared: Arc<Prepared>,
    pub model_folder: PathBuf,
    /// When this process began or resumed it.
    pub begun: Instant,
    /// Seconds that earlier processes trained for.
    pub spent: f64,
    /// The linear probe that trials begin with.
    pub probe: KeptProbe,
    /// Messages of earlier trials, which are not repeated.
    pub said: HashSet<String>,
    /// Tells other processes that the study is running.
    pub lock: Option<FileLock>,
}

/// A trial to run now.
pub(super) struct NextTrial {
    pub trial: Trial,
    /// Its run, if it began before and has no result.
    pub begun: Option<RunFolder>,
}

impl Study {
    /// The next trial that is not `under_way` and has no result; `None` if there is no other.
    pub fn next(&self, under_way: &[Trial]) -> Result<Option<NextTrial>, JobError> {
        let trials = self.folder.trials()?;
        let is_under_way = |number: &u32| under_way.iter().any(|trial| trial.number == *number);
        for number in (1..=self.settings.plan.trials()).filter(|number| !is_under_way(number)) {
            let begun = trials.iter().find(|trial| trial.trial.number == number);
            match begun {
                Some(trial) if self.has_ended(trial) => {}
                Some(trial) => {
                    return Ok(Some(NextTrial { trial: trial.trial.clone(), begun: Some(trial.run.clone()) }));
                }
                None if self.is_over_time(&trials) => return Ok(None),
                None => return Ok(Some(NextTrial { trial: self.trial(number, &trials, under_way)?, begun: None })),
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
    fn trial(&self, number: u32, trials: &[TrialRun], under_way: &[Trial]) -> Result<Trial, JobError> {
        let (rows, settings) = match &self.settings.plan {
            StudyPlan::CrossValidation { folds } => (RowsUsed::Fold { number: number - 1, of: *folds }, Vec::new()),
            StudyPlan::Seeds { .. } => {
                let first = self.settings.project.training.seed;
                (RowsUsed::All, vec![format!("training.seed={}", first.wrapping_add(u64::from(number) - 1))])
            }
            StudyPlan::Search(search) => {
                let tried = study_search::tried((search, &self.settings.project), trials, under_way)?;
                (RowsUsed::WithoutTest, study_search::settings(search, &self.settings.project, &tried, number))
            }
            StudyPlan::LearningCurve { .. } => {
                let (percent, draw) = StudyPlan::part(number);
                let rows = if (percent, draw) == (100, 0) { RowsUsed::All } else { RowsUsed::Part { percent, draw } };
                (rows, self.settings_of_part(percent, draw))
            }
        };
        Ok(Trial { number, rows, settings })
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

    /// What the trial is called, and the settings that a search tries with it.
    pub fn title(&self, trial: &Trial) -> String {
        let title = self.settings.plan.trial_title(trial.number);
        match &self.settings.plan {
            StudyPlan::Search(_) if trial.settings.is_empty() => format!("{title}: the project's own settings."),
            StudyPlan::Search(_) => format!("{title}: {}.", trial.settings.join(", ")),
            _ => format!("{title}."),
        }
    }

    /// The evaluations of the other trials, if a trial ends early when it falls behind.
    pub fn evaluations_of_others(&self) -> Result<Vec<Vec<EvaluationPoint>>, JobError> {
        match &self.settings.plan {
            StudyPlan::Search(search) if search.halving => {
                let is_like = |trial: &TrialRun| study_search::is_like_others(search, &trial.trial);
                let trials = self.folder.trials()?.into_iter();
                let ended = trials.filter(|trial| trial.summary.is_some() && is_like(trial));
                ended.map(|trial| Ok(trial.run.read_metrics()?.1)).collect()
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Removes the weights that are not needed any more. They are large, and most trials are only measured.
    pub fn keep_weights(&self) -> Result<(), JobError> {
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

    /// The score of the best trial of a search so far.
    pub fn best_score(&self) -> Result<Option<f64>, JobError> {
        let (project, trials) = (&self.settings.project, self.folder.trials()?);
        Ok(study_search::best(project, &trials).and_then(|best| study_search::score(project.best_metric(), best)))
    }

    /// What it found so far.
    pub fn results(&self) -> Result<Arc<StudyResults>, JobError> {
        Ok(Arc::new(study_results::load(&self.folder)?))
    }
}
