//! What a study found so far, from the files of its trials.

use std::path::PathBuf;
use std::sync::Arc;

use crate::evaluation::{
    ClassificationMetrics, Interval, LearningCurve, Metrics, PartRun, Prediction, RunDifference, Spread, Tested,
    Trials, macro_f1_interval,
};
use crate::project::{MetricName, PARTS, StudyPlan};
use crate::storage::{StudyFolder, StudyPredictions, StudySettings, StudyState, TrialRun};
use crate::worker::study_search;
use crate::worker::{Context, Job, JobError};

/// Reads a study's results.
#[derive(Clone, Debug)]
pub struct LoadStudy {
    /// The study's folder.
    pub study: StudyFolder,
}

/// What a study found so far.
#[derive(Clone, Debug)]
pub struct StudyResults {
    /// The study's folder.
    pub folder: StudyFolder,
    /// Its question, and the project as it was.
    pub settings: StudySettings,
    /// How far it came.
    pub state: StudyState,
    /// The trials that began, in order.
    pub trials: Vec<TrialRun>,
    /// How much each metric varies over the trials that ended.
    pub spreads: Vec<Spread>,
    /// The metrics of all folds' rows together.
    pub out_of_fold: Option<OutOfFold>,
    /// What a search found; `None` of other studies, and before its first result.
    pub search: Option<SearchResults>,
    /// How the score grows with the training rows; `None` of other studies, and before the first result.
    pub curve: Option<LearningCurve>,
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct SearchResults {
    /// The metric that chooses, on the validation rows.
    pub metric: MetricName,
    /// The number of the best trial.
    pub best: u32,
    /// Its score.
    pub score: f64,
    /// How it compares with the project's own settings on the test rows, once the search has ended.
    pub gain: Option<RunDifference>,
}

/// The rows of all folds, each answered by a model that was not trained on it.
#[derive(Clone, Debug)]
pub struct OutOfFold {
    /// Metrics over all of them.
    pub metrics: Metrics,
    /// 95% interval of the main metric, by bootstrap over the rows.
    pub interval: Option<Interval>,
}

impl StudyResults {
    /// The trials that ended.
    pub fn done(&self) -> impl Iterator<Item = &TrialRun> {
        self.trials.iter().filter(|trial| trial.summary.is_some())
    }
}

impl Job for LoadStudy {
    type Answer = Arc<StudyResults>;
    const TITLE: &'static str = "Reading the study";

    fn run(self, _: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        Ok(Arc::new(load(&self.study)?))
    }
}

/// Reads the results of all studies of a project, newest first. It is asked often: those that had ended before are not read again.
#[derive(Clone, Debug)]
pub struct ListStudies {
    /// The project's folder.
    pub folder: PathBuf,
    /// What was listed before.
    pub before: Option<Arc<ListedStudies>>,
}

/// The studies of a project.
#[derive(Clone, Debug, Default)]
pub struct ListedStudies {
    /// Those that can be read, newest first.
    pub studies: Vec<Arc<StudyResults>>,
    /// Those that cannot, and why.
    pub unreadable: Vec<(StudyFolder, String)>,
}

impl Job for ListStudies {
    type Answer = Arc<ListedStudies>;
    const TITLE: &'static str = "Listing the studies";

    fn run(self, _: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        let mut listed = ListedStudies::default();
        let ended = |study: &StudyFolder| {
            let before = self.before.as_ref()?.studies.iter().find(|before| before.folder == *study)?;
            (before.state == StudyState::Finished).then(|| Arc::clone(before))
        };
        for study in StudyFolder::list(&self.folder)? {
            if let Some(before) = ended(&study) {
                listed.studies.push(before);
                continue;
            }
            match load(&study) {
                Ok(results) => listed.studies.push(Arc::new(results)),
                Err(JobError::Failed(why)) => listed.unreadable.push((study, why)),
                Err(JobError::Cancelled) => return Err(JobError::Cancelled),
            }
        }
        Ok(Arc::new(listed))
    }
}

/// Reads what a study found so far.
pub(super) fn load(folder: &StudyFolder) -> Result<StudyResults, JobError> {
    let settings = folder.read_settings()?;
    let trials = folder.trials()?;
    let state = folder.state();
    let out_of_fold = out_of_fold(folder, &trials)?;
    let spreads = spreads(&settings.plan, &trials);
    let search = match settings.plan {
        StudyPlan::Search(_) => search(folder, &settings, &trials)?,
        _ => None,
    };
    let curve = match settings.plan {
        StudyPlan::LearningCurve { .. } => learning_curve(&trials)?,
        _ => None,
    };
    Ok(StudyResults { folder: folder.clone(), settings, state, trials, spreads, out_of_fold, search, curve })
}

/// How much each metric varies over the trials that ended.
fn spreads(plan: &StudyPlan, trials: &[TrialRun]) -> Vec<Spread> {
    let ended: Vec<(&Metrics, [usize; 3])> =
        trials.iter().filter_map(|trial| Some((trial.summary.as_ref()?.measured(), trial.rows))).collect();
    let Some((first, _)) = ended.first() else { return Vec::new() };
    let kind = match plan {
        StudyPlan::CrossValidation { .. } => {
            let sum = |side: usize| ended.iter().map(|(_, rows)| rows[side] as f64).sum::<f64>();
            Trials::Folds { tested_over_trained: sum(2) / sum(0).max(1.0) }
        }
        StudyPlan::Seeds { .. } => Trials::Repeated,
        // Its trials have different settings.
        StudyPlan::Search(_) | StudyPlan::LearningCurve { .. } => return Vec::new(),
    };
    let spread = |(name, _)| {
        let values = ended.iter().filter_map(|(metrics, _)| metrics.get(name)).collect();
        Spread::of(name, values, kind)
    };
    first.figures().into_iter().filter_map(spread).collect()
}

/// How the score grows with the training rows.
fn learning_curve(trials: &[TrialRun]) -> Result<Option<LearningCurve>, JobError> {
    let mut ended = Vec::new();
    for trial in trials {
        if let Some(summary) = &trial.summary {
            let side = if summary.test.is_some() { "test" } else { "validation" };
            let metrics = summary.measured();
            ended.push((trial, metrics, trial.run.read_predictions(side)?));
        }
    }
    let of_part = |percent: u32| -> Vec<PartRun<'_>> {
        let is_of = |trial: &TrialRun| StudyPlan::part(trial.trial.number).0 == percent;
        let runs = ended.iter().filter(|(trial, ..)| is_of(trial));
        runs.map(|(trial, metrics, predictions)| PartRun { rows: trial.rows[0], metrics, predictions }).collect()
    };
    Ok(LearningCurve::of(&PARTS.map(of_part)))
}

/// Writes the answers of all folds in one file, in the order of the folds.
pub(super) fn keep_out_of_fold(folder: &StudyFolder) -> Result<(), JobError> {
    let (mut predictions, mut labels) = (Vec::new(), Vec::new());
    for trial in folder.trials()? {
        predictions.extend(trial.run.read_predictions("test")?);
        labels = trial.run.read_settings()?.labels;
    }
    Ok(folder.write_predictions(StudyPredictions::OutOfFold, &predictions, &labels)?)
}

/// What a search found so far; `None` before its first result.
fn search(
    folder: &StudyFolder,
    settings: &StudySettings,
    trials: &[TrialRun],
) -> Result<Option<SearchResults>, JobError> {
    let metric = settings.project.best_metric();
    let Some(best) = study_search::best(&settings.project, trials) else { return Ok(None) };
    let score = study_search::score(metric, best).unwrap_or_default();
    let [first, last] =
        [StudyPredictions::FirstTrial, StudyPredictions::BestTrial].map(|which| folder.read_predictions(which));
    let (first, last) = (first?, last?);
    let labels = best.run.read_settings()?.labels;
    let tested = |predictions| Tested { labels: &labels, predictions };
    let gain = (!first.is_empty() && !last.is_empty())
        .then(|| RunDifference::new(tested(last.as_slice()), 1, tested(first.as_slice())))
        .flatten();
    Ok(Some(SearchResults { metric, best: best.trial.number, score, gain }))
}

/// The metrics of the rows of all folds, once all of them were written.
fn out_of_fold(folder: &StudyFolder, trials: &[TrialRun]) -> Result<Option<OutOfFold>, JobError> {
    let predictions = folder.read_predictions(StudyPredictions::OutOfFold)?;
    let Some(first) = trials.first().filter(|_| !predictions.is_empty()) else { return Ok(None) };
    let labels = first.run.read_settings()?.labels;
    let known: Vec<(u32, u32, f64)> = predictions.iter().filter_map(scored).collect();
    if known.is_empty() {
        return Ok(None); // language models are scored by words, not by rows
    }
    let truth: Vec<u32> = known.iter().map(|row| row.0).collect();
    let predicted: Vec<u32> = known.iter().map(|row| row.1).collect();
    let loss = known.iter().map(|row| row.2).sum::<f64>() / known.len() as f64;
    let metrics = ClassificationMetrics::compute(&labels, &truth, &predicted, loss);
    let interval = macro_f1_interval(labels.len(), &truth, &predicted, first.project.training.seed);
    Ok(Some(OutOfFold { metrics: Metrics::Classification(metrics), interval }))
}

/// The true class, the predicted one, and the cross-entropy in nats.
fn scored(prediction: &Prediction) -> Option<(u32, u32, f64)> {
    let (label, predicted) = (prediction.label()?, prediction.predicted()?);
    let probability = f64::from(*prediction.probabilities().get(label as usize)?);
    Some((label, predicted, -probability.max(f64::from(f32::MIN_POSITIVE)).ln()))
}
