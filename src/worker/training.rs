//! The jobs that train a model, and that estimate how long training takes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::Sender;

use crate::data::{DrawnSplit, Imported, Prepared, SplitOrigin};
use crate::fetch::network_of;
use crate::models::Compute;
use crate::project::{Project, TrainedLayers, TrainingSettings};
use crate::storage::RunFolder;
use crate::training::{self, DryRun, RateCurve, TrainError, TrainInputs, TrainingEvent};
use crate::words::{counted, full_stop};
use crate::worker::run_events::Teller;
use crate::worker::scoring::own_rows;
use crate::worker::{Context, Job, JobError, LogLevel, RunEvent, RunResults, runs};

/// Reads and prepares the data, gets the model, trains it and evaluates the best checkpoint.
#[derive(Clone, Debug)]
pub struct Train {
    /// Settings.
    pub project: Project,
    /// The project's folder: the run goes to `runs/<id>/` below it.
    pub folder: PathBuf,
    /// Whether a model of the catalogue that is not on this machine is downloaded first.
    pub may_fetch: bool,
    /// The interrupted run that goes on, with the settings that it began with; `None` begins a new run.
    pub resumed: Option<RunFolder>,
    /// Channel for the run's events; [`Said::Event`](crate::worker::Said::Event) announces each of them.
    pub events: Sender<RunEvent>,
}

impl Job for Train {
    type Answer = Arc<RunResults>;
    const TITLE: &'static str = "Training";

    fn run(self, context: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        let Self { project, folder, may_fetch, resumed, events } = self;
        let (project, prepared, model_folder) = if let Some(run) = &resumed {
            let settings = run.read_settings()?;
            check_compute(&settings.project)?;
            let prepared = own_rows(context, run, &settings)?;
            let model_folder = context.find_model(&settings.project.model, &folder, may_fetch)?;
            (settings.project, prepared, model_folder)
        } else {
            check_compute(&project)?;
            let (prepared, model_folder) = begin_new(context, (&project, &folder), may_fetch)?;
            (project, prepared, model_folder)
        };
        context.cache.model.forget(); // the run needs its memory
        let inputs = TrainInputs {
            project: &project,
            project_folder: &folder,
            prepared: &prepared,
            model_folder: &model_folder,
            resumed: resumed.as_ref(),
            study: None,
        };
        let control = context.control;
        // It is not an error if the owner no longer listens.
        let mut teller = Teller::new(context, Box::new(move |event| events.send(event).is_ok()));
        let trained = training::train(inputs, control, &mut |event| teller.tell(event));
        teller.flush();
        let summary = match trained {
            // Whoever asked for that knows.
            Err(TrainError::HandedOver) => return Err(JobError::Cancelled),
            trained => trained?,
        };
        Ok(Arc::new(runs::load(&folder.join("runs").join(&summary.run))?))
    }
}

/// The rows of a new run and the folder of its model. The rows are checked for what would make its metrics look too good, and
/// their split is kept for later runs.
fn begin_new(
    context: &mut Context<'_>,
    (project, folder): (&Project, &Path),
    may_fetch: bool,
) -> Result<(Arc<Prepared>, PathBuf), JobError> {
    let (imported, prepared, model_folder) = ready_to_train(context, (project, folder), may_fetch)?;
    keep_split(context, (project, folder), &imported, &prepared)?;
    Ok((prepared, model_folder))
}

/// The rows of a project and the folder of its model. What would make metrics look too good is logged.
pub(super) fn ready_to_train(
    context: &mut Context<'_>,
    (project, folder): (&Project, &Path),
    may_fetch: bool,
) -> Result<(Arc<Imported>, Arc<Prepared>, PathBuf), JobError> {
    let (imported, prepared) = context.read_and_prepared(project, folder, folder)?;
    training::check_data(&prepared)?;
    for warning in prepared.warnings.iter().chain(&prepared.log_warnings) {
        context.log(LogLevel::Warning, full_stop(warning));
    }
    let model_folder = context.find_model(&project.model, folder, may_fetch)?;
    let leakage = context.leaks(project, &imported, &prepared)?;
    for leak in leakage.serious() {
        context.log(LogLevel::Warning, leak.in_words());
    }
    for hint in leakage.hints() {
        context.log(LogLevel::Info, hint.in_words());
    }
    Ok((imported, prepared, model_folder))
}

/// Writes down which side each row is on, so that later runs keep it there.
pub(super) fn keep_split(
    context: &mut Context<'_>,
    (project, folder): (&Project, &Path),
    imported: &Imported,
    prepared: &Arc<Prepared>,
) -> Result<(), JobError> {
    match prepared.origin {
        SplitOrigin::Kept { joined: 0 } => return Ok(()),
        SplitOrigin::Kept { joined } => {
            let rows = counted(joined as u64, "new row has joined", "new rows have joined");
            context.log(LogLevel::Info, format!("{rows} the split of the last run. The others stay where they were."));
        }
        // A warning of the prepared rows tells.
        SplitOrigin::DrawnAgain | SplitOrigin::First => {}
    }
    let before = context.cache.data.drawn(folder)?;
    let drawn = DrawnSplit::of(project, imported, &prepared.examples, before.as_deref());
    Ok(context.cache.data.keep_drawn(folder, drawn, prepared)?)
}

/// Tries a few steps, and estimates the time, memory and disk space of a run without starting one.
#[derive(Clone, Debug)]
pub struct EstimateRun {
    /// Settings.
    pub project: Project,
    /// The project's folder.
    pub folder: PathBuf,
    /// Whether a model of the catalogue that is not on this machine is downloaded first.
    pub may_fetch: bool,
}

impl Job for EstimateRun {
    type Answer = Box<DryRun>;
    const TITLE: &'static str = "Estimating time and memory";

    fn run(self, context: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        let Self { project, folder, may_fetch } = self;
        let estimates = estimate(context, (&project, &folder), may_fetch, vec![project.training.clone()])?;
        let (_, outcome) = estimates.into_iter().next().ok_or(JobError::Cancelled)?;
        Ok(Box::new(outcome?))
    }
}

/// Finds a learning rate, by trying some in one short training that is not kept.
#[derive(Clone, Debug)]
pub struct FindRate {
    /// Settings.
    pub project: Project,
    /// The project's folder.
    pub folder: PathBuf,
    /// Whether a model of the catalogue that is not on this machine is downloaded first.
    pub may_fetch: bool,
}

impl Job for FindRate {
    type Answer = Arc<RateCurve>;
    const TITLE: &'static str = "Finding a learning rate";

    fn run(self, context: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        let Self { project, folder, may_fetch } = self;
        check_compute(&project)?;
        let prepared: Arc<Prepared> = context.prepared(&project, &folder, &folder)?;
        training::check_data(&prepared)?;
        let model_folder = context.find_model(&project.model, &folder, may_fetch)?;
        context.cache.model.forget(); // training needs its memory
        let inputs = TrainInputs {
            project: &project,
            project_folder: &folder,
            prepared: &prepared,
            model_folder: &model_folder,
            resumed: None,
            study: None,
        };
        let control = context.control;
        Ok(Arc::new(training::find_rate(inputs, control, &mut |event| say(context, event))?))
    }
}

/// Passes on what training says outside of a run.
fn say(context: &mut Context<'_>, event: TrainingEvent) {
    match event {
        TrainingEvent::Progress(progress) => context.progress(progress),
        TrainingEvent::Log(message) => context.log(LogLevel::Info, message),
        TrainingEvent::Warning(message) => context.log(LogLevel::Warning, message),
        // There is no run whose events matter.
        TrainingEvent::Started { .. }
        | TrainingEvent::Step(_)
        | TrainingEvent::Evaluation(_)
        | TrainingEvent::Paused(_) => {}
    }
}

/// Estimates a run for each [way to train](TrainedLayers::choices), with the other settings as they are.
#[derive(Clone, Debug)]
pub struct CompareWays {
    /// Settings.
    pub project: Project,
    /// The project's folder.
    pub folder: PathBuf,
    /// Whether a model of the catalogue that is not on this machine is downloaded first.
    pub may_fetch: bool,
}

/// The estimate for one way to train.
#[derive(Clone, Debug, PartialEq)]
pub struct WayEstimate {
    /// What is trained.
    pub trained: TrainedLayers,
    /// What a run needs, or why it is not possible with these settings.
    pub outcome: Result<DryRun, String>,
}

impl Job for CompareWays {
    type Answer = Vec<WayEstimate>;
    const TITLE: &'static str = "Comparing ways to train";

    fn run(self, context: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        let Self { project, folder, may_fetch } = self;
        let now = &project.training;
        let ways = now.trained_layers.choices(project.task.kind());
        // A click on a way brings its usual learning rate along.
        let of = (project.task.kind(), network_of(&project.model, &folder));
        let settings = ways.into_iter().map(|trained_layers| {
            let settings = TrainingSettings { trained_layers, ..now.clone() };
            if trained_layers == now.trained_layers {
                settings
            } else {
                settings.with_usual_rate(of, now.trained_layers)
            }
        });
        let estimates = estimate(context, (&project, &folder), may_fetch, settings.collect())?;
        let estimate = |(trained, outcome): (TrainedLayers, Estimate)| WayEstimate {
            trained,
            outcome: outcome.map_err(|error| error.to_string()),
        };
        Ok(estimates.into_iter().map(estimate).collect())
    }
}

/// What a run needs, or why it is not possible.
pub(super) type Estimate = Result<DryRun, TrainError>;

/// Estimates a run of the project with each of some training settings. Fails if nothing can be trained at all, or it is stopped.
pub(super) fn estimate(
    context: &mut Context<'_>,
    (project, folder): (&Project, &Path),
    may_fetch: bool,
    settings: Vec<TrainingSettings>,
) -> Result<Vec<(TrainedLayers, Estimate)>, JobError> {
    check_compute(project)?;
    let reading = Instant::now();
    let prepared: Arc<Prepared> = context.prepared(project, folder, folder)?;
    let reading = reading.elapsed().as_secs_f64();
    training::check_data(&prepared)?;
    let model_folder = context.find_model(&project.model, folder, may_fetch)?;
    let mut estimates = Vec::new();
    for training in settings {
        let project = Project { training, ..project.clone() };
        let inputs = TrainInputs {
            project: &project,
            project_folder: folder,
            prepared: &prepared,
            model_folder: &model_folder,
            resumed: None,
            study: None,
        };
        let control = context.control;
        let mut outcome = training::dry_run(inputs, control, &mut |event| say(context, event));
        control.look()?;
        if let Ok(DryRun { time: Some(time), .. }) = &mut outcome {
            time.whole += reading;
        }
        estimates.push((project.training.trained_layers, outcome));
    }
    Ok(estimates)
}

/// Fails if the device is missing, before data is read and a model downloaded.
pub(super) fn check_compute(project: &Project) -> Result<(), JobError> {
    Compute::choose(project.training.device, project.training.precision)?;
    Ok(())
}
