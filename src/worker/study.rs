//! The job that runs a study. Each of its trials is a run, and is trained here or on a cluster.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::Sender;

use crate::project::{Project, StudyPlan};
use crate::storage::{StopRequest, StudyFolder, StudySettings};
use crate::training::KeptProbe;
use crate::worker::best_in::sized;
use crate::worker::keep_trial;
use crate::worker::ray::{Cluster, ClusterSettings, run_on_cluster};
use crate::worker::study_here::run_here;
use crate::worker::study_results::keep_out_of_fold;
use crate::worker::study_search;
use crate::worker::study_trials::{Study, StudyEvent};
use crate::worker::training::{check_compute, keep_split, ready_to_train};
use crate::worker::{Context, Job, JobError, LogLevel, StudyResults};

/// Runs the trials of a study that have no result yet.
///
/// A study that is stopped keeps the trials that ended, and the one under way goes on from its last checkpoint when the study is
/// resumed; on a cluster, which keeps no checkpoints, from its beginning.
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
    /// The Ray cluster that trains the trials; `None` trains them here, one after another.
    pub cluster: Option<ClusterSettings>,
    /// Channel for the study's events; [`Said::Event`](crate::worker::Said::Event) announces each of them.
    pub events: Sender<StudyEvent>,
}

impl Job for RunStudy {
    type Answer = Arc<StudyResults>;
    const TITLE: &'static str = "Running the study";

    fn run(mut self, context: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        let (events, settings) = (self.events.clone(), self.cluster.take());
        // Before the data is read: a wrong address is soon put right.
        let cluster = settings.map(|settings| Cluster::connect(settings, context)).transpose()?;
        let mut study = self.begin(context, cluster.is_some())?;
        // It is not an error if the owner no longer listens.
        if events.send(StudyEvent::Started(study.results()?)).is_ok() {
            context.announce_event();
        }
        let trained = match cluster {
            Some(cluster) => run_on_cluster(&mut study, context, cluster, &events),
            None => run_here(&mut study, context, &events),
        };
        // Another process that goes on keeps it in the end.
        if matches!(trained, Err(JobError::Cancelled)) && !context.control.is_handed_over() {
            keep_best_so_far(&study, context);
        }
        trained?;
        end(study, context)
    }
}

impl RunStudy {
    /// Reads the data, and makes the study's folder or opens it.
    fn begin(self, context: &mut Context<'_>, is_elsewhere: bool) -> Result<Study, JobError> {
        let Self { project, folder, plan, may_fetch, resumed, cluster: _, events: _ } = self;
        let begun = Instant::now();
        let before = match resumed {
            Some(study) => {
                let (settings, lock) = (study.read_settings()?, study.hold()?);
                // Whoever asked an earlier process has no wish about this one.
                StopRequest::of(study.path()).forget();
                Some((settings, lock, study))
            }
            None => None,
        };
        let project = before.as_ref().map_or(project, |(settings, ..)| settings.project.clone());
        if !is_elsewhere {
            check_compute(&project)?;
        }
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
                let (plan, project) = match plan {
                    StudyPlan::Search(search) if search.keeps_best && search.over.is_empty() => {
                        let (project, search) = sized(context, (&project, &folder), may_fetch, &search)?;
                        (StudyPlan::Search(search), project)
                    }
                    plan => (plan, project),
                };
                // Folds have their own split. The others train on the project's, which later runs keep.
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

/// Whether the best trial becomes a run of the project.
fn keeps_best(study: &Study) -> bool {
    matches!(&study.settings.plan, StudyPlan::Search(search) if search.keeps_best)
}

/// After a stop: the best model so far is kept all the same, if the study is there to find one.
fn keep_best_so_far(study: &Study, context: &mut Context<'_>) {
    let has_result = study.folder.trials().is_ok_and(|trials| trials.iter().any(|trial| trial.summary.is_some()));
    if !keeps_best(study) || !has_result {
        return;
    }
    match keep_trial::keep(&study.folder, &study.prepared) {
        Ok(kept) => context.log(LogLevel::Info, kept.in_words("The best model so far")),
        Err(JobError::Failed(why)) => context.log(LogLevel::Warning, why),
        Err(JobError::Cancelled) => {}
    }
}

/// Measures what is measured once, at the end.
fn end(study: Study, context: &mut Context<'_>) -> Result<Arc<StudyResults>, JobError> {
    let mut best_on_test = None;
    match &study.settings.plan {
        StudyPlan::CrossValidation { .. } => keep_out_of_fold(&study.folder)?,
        StudyPlan::Search(_) => {
            let from = (&study.folder, &study.settings);
            let answered = study_search::measure_on_test_rows(context, from, &study.prepared)?;
            best_on_test = answered.as_ref().map(|(metrics, _)| metrics.clone());
            if keeps_best(&study) {
                let kept = keep_trial::keep(&study.folder, &study.prepared)?;
                keep_trial::measure(context, &kept.run, &study.prepared, answered)?;
                context.log(LogLevel::Info, kept.in_words("The best model"));
            }
        }
        StudyPlan::Seeds { .. } | StudyPlan::LearningCurve { .. } => {}
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    study.folder.end(now.as_secs(), best_on_test)?;
    let results = study.results();
    drop(study.lock);
    results
}
