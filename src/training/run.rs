//! A run from its settings to its results.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::data::{BatchPlan, Prepared, Side, TextTokenizer};
use crate::evaluation::{Answer, Baseline, BaselineName, Scored};
use crate::models::{Compute, HeadSpec, LoadOptions, Model, ModelConfig, weight_paths, weights_sha256};
use crate::progress::{Cancelled, Control, Watch};
use crate::project::{EvaluateEvery, Project, Recompute, TrainedLayers, TrainingSettings};
use crate::storage::{
    FileLock, ModelFolderInfo, RUN_SCHEMA_VERSION, RunComparison, RunFolder, RunSettings, RunStatus, RunSummary,
    StopReason, StopRequest, StorageError, with_absolute_paths,
};
use crate::tasks::Measured;
use crate::training::checkpoint::Keeper;
use crate::training::early_stopping::BestWatch;
use crate::training::event::{TrainingEvent, Voice};
use crate::training::footprint::Footprint;
use crate::training::memory::{MemoryGauge, peak_memory};
use crate::training::of_study::OfStudy;
use crate::training::optimizer::Optimizer;
use crate::training::pace::Pace;
use crate::training::probe::compare_with_instant;
use crate::training::resume::difference;
use crate::training::room::{Room, SMALL_FILE, check_disk, with_room};
use crate::training::schedule::Schedule;
use crate::training::setup;
use crate::training::step::longest_pass;
use crate::training::temperature::keep_temperature;
use crate::training::trainer::{Best, FeatureCaches, Trainer};
use crate::training::{TrainError, predict, vocabulary};

/// The inputs of a run.
#[derive(Clone, Copy)]
pub struct TrainInputs<'a> {
    /// Settings.
    pub project: &'a Project,
    /// The project's folder: the run goes to `runs/<id>/` below it.
    pub project_folder: &'a Path,
    /// The prepared rows.
    pub prepared: &'a Prepared,
    /// The pre-trained model: a Hugging Face folder.
    pub model_folder: &'a Path,
    /// The interrupted run of these inputs that goes on; `None` begins a new one.
    pub resumed: Option<&'a RunFolder>,
    /// The study that the run is a trial of. A trial is not compared with baselines, and one that is stopped has no result: it can
    /// be resumed.
    pub study: Option<OfStudy<'a>>,
}

/// Fine-tunes a model. Writes `runs/<id>/` with the settings, metrics, best checkpoint, its predictions on the
/// validation and test sets, and the outcome.
///
/// The same inputs give bit-identical losses, whether the run was interrupted and resumed or not. `trainer.rs` describes how
/// stopping works, and `resume.rs` how resuming does.
///
/// # Errors
/// [`TrainError::Cancelled`] if it was stopped before there was anything to keep; the folder of a new run is then removed, and
/// that of a resumed one stays. [`TrainError::HandedOver`] if [`Control::hand_over`] was called. Any other error is also written to
/// the run's status, once there is a run.
pub fn train(
    inputs: TrainInputs<'_>,
    control: &Control,
    on_event: &mut dyn FnMut(TrainingEvent),
) -> Result<RunSummary, TrainError> {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let started_at = inputs.resumed.map_or_else(now, RunFolder::began_at);
    let mut voice = Voice::new(control, on_event);
    inputs.project.check()?;
    setup::check_data(inputs.prepared)?;
    let start = vocabulary::starting_folder(inputs.project, inputs.model_folder, inputs.project_folder, &mut voice)?;
    let (mut trainer, lock) = begin(inputs, &start.path, voice)?;
    let run = trainer.run.clone();
    let guard = Unfinished(&run);
    let begun = begin_or_resume(&mut trainer, inputs.resumed.is_some());
    let outcome = fit_or_keep_the_best(&mut trainer, begun).and_then(|reason| finish(trainer, reason, started_at));
    std::mem::forget(guard);
    match &outcome {
        // They only take space now.
        Ok(_) => drop(run.remove_checkpoints()),
        Err(TrainError::HandedOver) => {}
        Err(TrainError::Cancelled) if inputs.resumed.is_some() => {}
        Err(TrainError::Cancelled) if inputs.study.is_some() && !run.checkpoints()?.is_empty() => {}
        Err(TrainError::Cancelled) => {
            drop(lock); // some systems cannot remove open files
            run.remove()?;
        }
        // Report the training error, even if the status cannot be written for the same reason.
        Err(error) => {
            drop(run.write_status(&RunStatus::Failed(error.to_string())));
            if matches!(error, TrainError::Diverged { .. }) {
                // Resumed, it would diverge again.
                drop(run.remove_checkpoints());
            }
        }
    }
    outcome
}

/// Marks the run as failed if training panics, so that it does not look as if it were still running.
struct Unfinished<'a>(&'a RunFolder);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        let message = "Training stopped because of a bug in Hone. Please try again.".to_owned();
        let _ = self.0.write_status(&RunStatus::Failed(message));
    }
}

/// Everything before the first step. Nothing is written until all inputs have been checked. The lock tells other
/// processes that the run is in progress. `start` is the folder of the model that training starts from.
fn begin<'a>(
    inputs: TrainInputs<'a>,
    start: &'a Path,
    mut voice: Voice<'a>,
) -> Result<(Trainer<'a>, Option<FileLock>), TrainError> {
    let TrainInputs { project, prepared, .. } = inputs;
    let settings = &project.training;
    let room = Room::now();
    let tokenizer = TextTokenizer::load(start)?;
    let config = ModelConfig::read(start)?;
    config.check_tokenizer(start, &tokenizer)?;
    let task = setup::task(project, prepared, (&tokenizer, &config), &mut voice)?;
    let footprint = Footprint::new(&config, &task.head(), settings, task.share_read());
    room.check_loading(&footprint)?;
    let (model, has_new_head) = setup::load_model(start, task.head(), settings, &mut voice)?;
    let max_length = settings.max_length.min(model.max_positions());
    if max_length < settings.max_length {
        let effect = if task.truncates() { "truncated" } else { "split into windows" };
        voice.warn(format!("The model reads at most {max_length} tokens: longer texts are {effect}."));
    }
    let data = setup::tokenise(&*task, &tokenizer, prepared, inputs.project_folder, max_length, &mut voice)?;
    setup::check_samples(&data)?;
    let loss = task.loss(&data.train.samples)?;
    let layers = model.config().num_hidden_layers;
    if let TrainedLayers::Top(top) = settings.trained_layers
        && top as usize >= layers
    {
        voice.warn(format!("The model has {layers} layers: all are trained, and only the embeddings are frozen."));
    }
    // If only the embeddings are frozen, looking them up is faster than caching them.
    let has_frozen_layers = settings.trained_layers.frozen(layers).is_some_and(|frozen| frozen > 0);
    let features = (has_frozen_layers && !task.redraws())
        .then(|| FeatureCaches::of(&data, inputs.project_folder, footprint.disk()));
    let plan = BatchPlan::of(settings);
    let longest = longest_pass(&plan.epoch(&data.train.samples.lengths(), 0), &data.train.samples.ids);
    let footprint = room.recomputing(footprint, settings.recompute, longest);
    room.check_training(&footprint, longest)?;
    let model = model.recomputing(footprint.recomputes());
    if settings.recompute == Recompute::Always && !footprint.recomputes() {
        voice.warn(
            "Activations can't be computed again for this network or on this device, so all are kept. If memory runs out, lower the \
             batch size or the max length."
                .to_owned(),
        );
    }
    if footprint.recomputes() {
        voice.log("Activations are computed again in the backward pass: training needs less memory and more time.");
    }
    check_disk(inputs.project_folder, footprint.disk())?;
    let (steps_per_epoch, total_steps) = setup::planned_steps(project, &data, &mut voice);
    let pace = Pace::new(
        data.train.samples.tokens() * u64::from(settings.epochs),
        data.validation.samples.tokens(),
        planned_evaluations(settings, total_steps),
    );
    let rows = [&data.train, &data.validation, &data.test].map(|rows| rows.examples.len());
    let run_settings = run_settings(inputs, voice.control, rows, &model)?;
    let base_sha256 =
        Some(run_settings.model_sha256.clone()).filter(|_| settings.trained_layers == TrainedLayers::Lora);
    let (run, lock) = open_run(run_settings, inputs, [steps_per_epoch, total_steps], &mut voice)?;
    let model_info =
        ModelFolderInfo { base_sha256, ..model_info(project, &prepared.labels, max_length, model.compute()) };
    let trainer = Trainer {
        settings,
        task,
        labels: &prepared.labels,
        data,
        source: start,
        optimizer: Optimizer::new(model.parameters(), &settings.optimizer)?,
        model,
        model_info,
        loss,
        schedule: Schedule::new(settings, total_steps),
        plan,
        run,
        voice,
        watch: BestWatch::new(project.best_metric(), settings.early_stopping.clone()),
        best: None,
        untrained: None,
        probe: None,
        has_new_head,
        pace,
        total_steps,
        step: 0,
        passes: 0,
        epoch: 0.0,
        train_time: Duration::ZERO,
        memory: MemoryGauge::default(),
        checkpoint_bytes: footprint.checkpoint(),
        resume_bytes: footprint.resuming(),
        keeper: Keeper::new(Duration::from_mins(u64::from(settings.checkpoint_minutes))),
        has_stopped_improving: false,
        features,
        study: inputs.study,
        has_fallen_behind: false,
    };
    Ok((trainer, lock))
}

/// Makes the folder of a new run, or opens that of an interrupted one, and reports that training starts. `steps` are those of an
/// epoch and in all.
fn open_run(
    settings: RunSettings,
    inputs: TrainInputs<'_>,
    steps: [u64; 2],
    voice: &mut Voice<'_>,
) -> Result<(RunFolder, Option<FileLock>), TrainError> {
    let (run, lock) = if let Some(run) = inputs.resumed {
        let lock = run.hold_alone()?;
        let before = run.read_settings()?;
        if let Some(why) = difference(&before, &settings) {
            return Err(TrainError::NotResumed { run: run.id(), why: why.to_owned() });
        }
        if before.hone_version != settings.hone_version {
            let (then, now) = (before.hone_version, &settings.hone_version);
            voice.warn(format!("The run began with Hone {then}. This is {now}, which may compute other last digits."));
        }
        run.remove_unfinished_checkpoints()?;
        // Whoever asked the process that was killed has no wish about this one.
        StopRequest::of(run.path()).forget();
        (run.clone(), lock)
    } else {
        let (run, lock) = RunFolder::create(inputs.study.map_or(inputs.project_folder, |study| study.folder))?;
        run.write_settings(&settings)?;
        (run, lock)
    };
    let folders = [Some(run.path()), inputs.study.map(|study| study.folder)];
    voice.requests = folders.into_iter().flatten().map(StopRequest::of).collect();
    run.write_status(&RunStatus::Running)?;
    let ([steps_per_epoch, total_steps], device) = (steps, settings.device.clone());
    let settings = Box::new(settings);
    voice.say(TrainingEvent::Started { run: run.clone(), settings, total_steps, steps_per_epoch, device });
    Ok((run, lock))
}

fn planned_evaluations(settings: &TrainingSettings, total_steps: u64) -> u64 {
    if settings.trained_layers == TrainedLayers::Instant {
        return total_steps;
    }
    match settings.evaluate_every {
        EvaluateEvery::Epoch => u64::from(settings.epochs),
        EvaluateEvery::Steps(steps) => total_steps.div_ceil(u64::from(steps.max(1))),
    }
}

fn run_settings(
    inputs: TrainInputs<'_>,
    control: &Control,
    rows: [usize; 3],
    model: &Model,
) -> Result<RunSettings, TrainError> {
    let hash = weights_sha256(&weight_paths(inputs.model_folder)?, Some(control));
    let hash = hash.map_err(StorageError::io("read", inputs.model_folder))?.ok_or(Cancelled)?;
    let pooling = match model.head() {
        HeadSpec::EmbeddingClassification { pooling, .. } => Some(*pooling),
        HeadSpec::Classification { .. } | HeadSpec::LanguageModel => None,
    };
    Ok(RunSettings {
        schema_version: RUN_SCHEMA_VERSION,
        project: with_absolute_paths(inputs.project, inputs.project_folder),
        labels: inputs.prepared.labels.clone(),
        data_hash: inputs.prepared.data_hash.clone(),
        split_hash: inputs.prepared.split_hash.clone(),
        rows,
        model_sha256: hash,
        hone_version: env!("CARGO_PKG_VERSION").to_owned(),
        device: model.compute().to_string(),
        pooling,
        trial: inputs.study.map(|study| study.trial.clone()),
        kept_from: None,
    })
}

fn model_info(project: &Project, labels: &[String], max_length: usize, compute: &Compute) -> ModelFolderInfo {
    ModelFolderInfo {
        hone_version: env!("CARGO_PKG_VERSION").to_owned(),
        task: project.task.kind(),
        cleaning: project.cleaning.clone(),
        text_column: project.dataset.text_column().unwrap_or_default().to_owned(),
        joined_columns: project.dataset.joined_columns().map(str::to_owned).collect(),
        label_column: project.dataset.label_columns().collect::<Vec<_>>().join(", "),
        max_length,
        labels: labels.to_vec(),
        precision: answering(&project.training, compute).precision_setting(),
        base_sha256: None,
        temperature: None,
    }
}

/// What the trained model answers with. An adapter is merged into its base model then, whose weights bf16 would round so far
/// that small updates are lost.
fn answering(settings: &TrainingSettings, compute: &Compute) -> Compute {
    let merges = settings.trained_layers == TrainedLayers::Lora;
    if merges && compute.multiplies_in_bf16() { Compute::default() } else { compute.clone() }
}

/// Everything between loading the model and the first step.
fn begin_or_resume(trainer: &mut Trainer<'_>, is_resumed: bool) -> Result<(), TrainError> {
    // A checkpoint has the scores before training too. A trial is compared with other trials.
    if trainer.study.is_none() && (!is_resumed || trainer.run.checkpoints()?.is_empty()) {
        score_untrained(trainer)?;
    }
    trainer.begin_with_probe()?;
    if is_resumed { trainer.resume() } else { Ok(()) }
}

/// Trains. A run that is stopped, or diverges, still has a result if there is a checkpoint to keep.
fn fit_or_keep_the_best(trainer: &mut Trainer<'_>, begun: Result<(), TrainError>) -> Result<StopReason, TrainError> {
    match begun.and_then(|()| trainer.fit()) {
        Err(TrainError::Cancelled) if trainer.step > 0 && trainer.study.is_none() => {
            if trainer.best.is_none() {
                trainer.voice.log(
                    "Stopped before the first evaluation, so the current weights are evaluated. Stop again to discard them.",
                );
                trainer.evaluate()?;
            }
            Ok(StopReason::Stopped)
        }
        Err(error @ TrainError::Diverged { .. }) if trainer.best.is_some() => {
            trainer.voice.warn(error.to_string());
            Ok(StopReason::Diverged)
        }
        outcome => outcome,
    }
}

/// Evaluates the best checkpoint, read back from disk, on the test set, and writes all results.
fn finish(mut trainer: Trainer<'_>, stop_reason: StopReason, started_at: u64) -> Result<RunSummary, TrainError> {
    let Best { point, answers } = trainer.best.take().ok_or(Cancelled)?;
    let device = trainer.model.compute().to_string();
    if trainer.step > point.step {
        trainer.voice.log(format!("Using the best checkpoint, from step {}.", point.step));
    }
    let run = &trainer.run;
    with_room(&mut trainer.voice, run.path(), SMALL_FILE, || Ok(run.unless_gone()?))?;
    let mut trainer = read_back(trainer)?;
    let run = &trainer.run;
    let (folder, labels) = (run.path(), trainer.labels);
    let validation = trainer.data.validation.predictions(&answers);
    with_room(&mut trainer.voice, folder, SMALL_FILE, || {
        run.write_predictions("validation", &validation, labels)?;
        Ok(keep_temperature(run, &validation, labels.len())?)
    })?;
    let test = match score_test(&mut trainer) {
        Err(TrainError::Cancelled) if trainer.study.is_none() => None,
        scored => scored?,
    };
    if let Some(test) = &test {
        let run = &trainer.run;
        let test = trainer.data.test.predictions(&test.answers);
        let write = || Ok(run.write_predictions("test", &test, trainer.labels)?);
        with_room(&mut trainer.voice, run.path(), SMALL_FILE, write)?;
    }
    // A person who stopped the run, in training or since, waits for its result.
    let is_stopped = stop_reason == StopReason::Stopped || trainer.voice.control.is_cancelled();
    let mut trainer = if is_stopped { trainer } else { compare_with_instant(trainer)? };
    let comparison = match &test {
        Some(test) => compare(&mut trainer, Side::Test, &test.answers),
        None => compare(&mut trainer, Side::Validation, &answers),
    };
    let (run, voice) = (&trainer.run, &mut trainer.voice);
    with_room(voice, run.path(), SMALL_FILE, || Ok(run.write_comparison(&comparison)?))?;
    let train_seconds = trainer.train_time.as_secs_f64();
    let summary = RunSummary {
        run: trainer.run.id(),
        started_at,
        steps: trainer.step,
        epochs: trainer.epoch,
        train_seconds,
        tokens_per_second: trainer.pace.tokens() as f64 / train_seconds.max(1e-9),
        peak_memory: peak_memory(),
        device,
        stop_reason,
        best_step: point.step,
        validation: point.metrics,
        test: test.map(|test| test.metrics),
    };
    let status = RunStatus::Finished(summary.clone());
    with_room(voice, run.path(), SMALL_FILE, || Ok(run.write_status(&status)?))?;
    Ok(summary)
}

/// Loads the best checkpoint from disk, as a later session will, once the memory of the trained model is free.
fn read_back(mut trainer: Trainer<'_>) -> Result<Trainer<'_>, TrainError> {
    let options = LoadOptions {
        seed: trainer.settings.seed,
        dropout: trainer.settings.dropout,
        compute: answering(trainer.settings, trainer.model.compute()),
        only_answers: true,
        ..LoadOptions::new(trainer.model.head().clone())
    };
    drop(trainer.model);
    // It has the trained weights too, and two moments of each.
    trainer.optimizer = Optimizer::new(&[], &trainer.settings.optimizer)?;
    trainer.model = Model::load(&trainer.run.best(), &options)?.0;
    Ok(trainer)
}

/// Scores the test rows; `None` if there are none.
fn score_test(trainer: &mut Trainer<'_>) -> Result<Option<Scored>, TrainError> {
    let (rows, voice) = (&trainer.data.test, &mut trainer.voice);
    let total = rows.samples.len();
    if total == 0 {
        return Ok(None);
    }
    let control = voice.control;
    let what = rows.to_score(&*trainer.task);
    let scored = predict::score(&trainer.model, what, None, &|| control.is_abandoned(), &mut |done| {
        voice.progress("Evaluating on the test set", done, total, "rows");
        voice.look_for_second_stop()
    })?;
    Ok(Some(scored))
}

/// Scores the model before training on the rows that the run reports, if the task uses that as a baseline.
fn score_untrained(trainer: &mut Trainer<'_>) -> Result<(), TrainError> {
    if !trainer.task.is_compared_with_untrained() {
        return Ok(());
    }
    let data = &trainer.data;
    let rows = if data.test.samples.is_empty() { &data.validation } else { &data.test };
    let (total, voice) = (rows.samples.len(), &mut trainer.voice);
    let control = voice.control;
    let what = rows.to_score(&*trainer.task);
    let scored = predict::score(&trainer.model, what, None, &|| control.is_cancelled(), &mut |done| {
        voice.progress("Evaluating before training", done, total, "rows");
        voice.look()
    })?;
    trainer.untrained = Some(Baseline::alone(BaselineName::Untrained, scored.metrics));
    Ok(())
}

/// The confidence interval and the baselines on the same rows. They are completed even after a first stop, like the
/// evaluation on the test set.
fn compare(trainer: &mut Trainer<'_>, side: Side, answers: &[Answer]) -> RunComparison {
    let (train, probe, voice) = (&trainer.data.train, trainer.probe.as_ref(), &mut trainer.voice);
    let (rows, instant) = match side {
        Side::Test => (&trainer.data.test, probe.and_then(|probe| probe.test.as_ref())),
        _ => (&trainer.data.validation, probe.map(|probe| &probe.validation)),
    };
    let (train_texts, measured_texts) = (train.texts(), rows.texts());
    let (outer, control) = (voice.control, Control::default());
    let mut report = |progress| {
        voice.say(TrainingEvent::Progress(progress));
        if outer.is_abandoned() {
            control.cancel();
        }
    };
    let mut watch = Watch { control: &control, report: &mut report };
    let measured = Measured { rows: rows.labelled(&measured_texts), answers, instant, seed: trainer.settings.seed };
    let baselines = if trainer.study.is_some() {
        Vec::new()
    } else {
        trainer.task.baselines(train.labelled(&train_texts), measured, &mut watch)
    };
    let interval = trainer.task.interval(measured);
    RunComparison { interval, baselines: trainer.untrained.take().into_iter().chain(baselines).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_during_training_marks_the_run_as_failed() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path()).unwrap().0;
        run.write_status(&RunStatus::Running).unwrap();
        let panicked = std::panic::catch_unwind(|| {
            let _guard = Unfinished(&run);
            panic!("in the middle of a step");
        });
        assert!(panicked.is_err());
        let status = run.read_status().unwrap();
        assert!(matches!(&status, RunStatus::Failed(message) if message.contains("Please try again")), "{status:?}");
    }
}
