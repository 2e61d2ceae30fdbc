//! A run from its settings to its results.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::data::{BatchPlan, Prepared, file_sha256};
use crate::evaluation::{
    ClassificationMetrics, LabelledTexts, Prediction, bootstrap_macro_f1, majority_baseline, tfidf_baseline,
};
use crate::models::{Compute, LoadOptions, Model};
use crate::progress::{Control, Watch};
use crate::project::{EvaluateEvery, Project, TrainedLayers, TrainingSettings};
use crate::storage::{
    FileLock, ModelFolderInfo, RUN_SCHEMA_VERSION, RunFigures, RunFolder, RunSettings, RunStatus, RunSummary,
    StopReason, StorageError, with_absolute_paths,
};
use crate::tasks;

use crate::training::early_stopping::BestWatch;
use crate::training::event::{TrainingEvent, Voice};
use crate::training::features::FeatureCache;
use crate::training::memory::peak_memory;
use crate::training::optimizer::Optimizer;
use crate::training::pace::Pace;
use crate::training::schedule::Schedule;
use crate::training::setup::{self, Dataset, Rows};
use crate::training::trainer::{Best, KeptFeatures, Trainer};
use crate::training::{TrainError, predict};

/// Resamples of the interval of macro-F1.
const RESAMPLES: usize = 1000;

/// The inputs of a run.
#[derive(Clone, Copy)]
pub struct TrainInputs<'a> {
    /// Settings.
    pub project: &'a Project,
    /// The project's folder: the run goes to `runs/<id>/` below it.
    pub project_folder: &'a Path,
    /// The prepared rows.
    pub prepared: &'a Prepared,
    /// The pre-trained model, a Hugging Face folder.
    pub model_folder: &'a Path,
}

/// Fine-tunes a model and writes `runs/<id>/` with settings, metrics, the best checkpoint, its predictions on
/// validation and test, and the outcome.
///
/// The same inputs give the same losses bit for bit. `trainer.rs` describes how stopping works.
///
/// # Errors
/// [`TrainError::Cancelled`] when it was stopped before there was anything to keep: the run's folder is then
/// removed. Any other error is also written to the run's status, once there is a run.
pub fn train(
    inputs: TrainInputs<'_>,
    control: &Control,
    on_event: &mut dyn FnMut(TrainingEvent),
) -> Result<RunSummary, TrainError> {
    let started_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (mut trainer, lock) = begin(inputs, Voice::new(control, on_event))?;
    let run = trainer.run.clone();
    let guard = Unfinished(&run);
    let outcome = fit_or_keep_the_best(&mut trainer).and_then(|reason| finish(&mut trainer, reason, started_at));
    std::mem::forget(guard);
    match &outcome {
        Ok(summary) => run.write_status(&RunStatus::Finished(summary.clone()))?,
        Err(TrainError::Cancelled) => {
            drop(lock); // its file is in the way where open files cannot be removed
            run.remove()?;
        }
        // The error of training is the one to tell, also where the disk that caused it takes no status either.
        Err(error) => drop(run.write_status(&RunStatus::Failed(error.to_string()))),
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

/// Everything before the first step. Nothing is written until all inputs are known to be usable. The lock tells other
/// processes that the run is under way.
fn begin<'a>(inputs: TrainInputs<'a>, mut voice: Voice<'a>) -> Result<(Trainer<'a>, Option<FileLock>), TrainError> {
    let TrainInputs { project, prepared, model_folder, .. } = inputs;
    let settings = &project.training;
    settings.check()?;
    setup::check_data(prepared)?;
    let task = tasks::definition(project, prepared);
    let model = setup::load_model(model_folder, task.head(), settings, &mut voice)?;
    let max_length = settings.max_length.min(model.max_positions());
    if max_length < settings.max_length {
        voice.warn(format!("The model reads at most {max_length} tokens: longer texts are truncated."));
    }
    let data = setup::tokenise(&*task, prepared, (model_folder, inputs.project_folder), max_length, &mut voice)?;
    let loss = task.loss(&data.train.samples)?;
    let layers = model.config().num_hidden_layers;
    if let TrainedLayers::Top(top) = settings.trained_layers
        && top as usize >= layers
    {
        voice.warn(format!("The model has {layers} layers: all are trained, and only the embeddings are frozen."));
    }
    // Embeddings alone are quicker to look up than to keep.
    let has_frozen_layers = settings.trained_layers.frozen(layers).is_some_and(|frozen| frozen > 0);
    let features = (has_frozen_layers && !task.redraws()).then(|| {
        let cache = |rows: &Rows<'_>| FeatureCache::new(rows.samples.len(), inputs.project_folder.to_owned());
        KeptFeatures { train: cache(&data.train), validation: cache(&data.validation) }
    });
    let plan =
        BatchPlan { batch_size: settings.batch_size, group_by_length: settings.group_by_length, seed: settings.seed };
    let steps_per_epoch =
        data.train.samples.len().div_ceil(settings.batch_size).div_ceil(settings.gradient_accumulation);
    let total_steps = steps_per_epoch as u64 * u64::from(settings.epochs);
    let pace = Pace::new(
        data.train.samples.tokens() * u64::from(settings.epochs),
        data.validation.samples.tokens(),
        planned_evaluations(settings, total_steps),
    );
    let rows = [&data.train, &data.validation, &data.test].map(|rows| rows.samples.len());
    let run_settings = run_settings(inputs, voice.control, rows, model.compute().to_string())?;
    let run = RunFolder::create(inputs.project_folder)?;
    let lock = run.hold();
    run.write_settings(&run_settings)?;
    run.write_status(&RunStatus::Running)?;
    voice.say(TrainingEvent::Started {
        run: run.clone(),
        settings: Box::new(run_settings),
        total_steps,
        steps_per_epoch: steps_per_epoch as u64,
        device: model.compute().to_string(),
    });
    let model_info = model_info(project, &prepared.labels, max_length, model.compute());
    let trainer = Trainer {
        settings,
        task,
        labels: &prepared.labels,
        data,
        source: model_folder,
        optimizer: Optimizer::new(model.parameters(), &settings.optimizer)?,
        model,
        model_info,
        loss,
        schedule: Schedule::new(settings, total_steps),
        plan,
        run,
        voice,
        watch: BestWatch::new(settings.best_metric, settings.early_stopping.clone()),
        best: None,
        pace,
        total_steps,
        step: 0,
        passes: 0,
        epoch: 0.0,
        train_time: Duration::ZERO,
        features,
    };
    Ok((trainer, lock))
}

fn planned_evaluations(settings: &TrainingSettings, total_steps: u64) -> u64 {
    match settings.evaluate_every {
        EvaluateEvery::Epoch => u64::from(settings.epochs),
        EvaluateEvery::Steps(steps) => total_steps.div_ceil(u64::from(steps.max(1))),
    }
}

fn run_settings(
    inputs: TrainInputs<'_>,
    control: &Control,
    rows: [usize; 3],
    device: String,
) -> Result<RunSettings, TrainError> {
    let weights = inputs.model_folder.join("model.safetensors");
    let hash = file_sha256(&weights, Some(control)).map_err(StorageError::io("read", &weights))?;
    Ok(RunSettings {
        schema_version: RUN_SCHEMA_VERSION,
        project: with_absolute_paths(inputs.project, inputs.project_folder),
        labels: inputs.prepared.labels.clone(),
        data_hash: inputs.prepared.data_hash.clone(),
        split_hash: inputs.prepared.split_hash.clone(),
        rows,
        model_sha256: hash.ok_or(TrainError::Cancelled)?,
        hone_version: env!("CARGO_PKG_VERSION").to_owned(),
        device,
    })
}

fn model_info(project: &Project, labels: &[String], max_length: usize, compute: &Compute) -> ModelFolderInfo {
    ModelFolderInfo {
        hone_version: env!("CARGO_PKG_VERSION").to_owned(),
        cleaning: project.cleaning.clone(),
        text_column: project.dataset.text_column.clone(),
        joined_columns: project.dataset.joined_columns.clone(),
        label_column: project.dataset.labelled_by().collect::<Vec<_>>().join(", "),
        max_length,
        labels: labels.to_vec(),
        precision: compute.precision_setting(),
    }
}

/// Trains. A stopped run still has a result if there is something to keep.
fn fit_or_keep_the_best(trainer: &mut Trainer<'_>) -> Result<StopReason, TrainError> {
    match trainer.fit() {
        Err(TrainError::Cancelled) if trainer.step > 0 => {
            if trainer.best.is_none() {
                trainer.voice.log(
                    "Stopped before the first evaluation: evaluating the weights as they are. Stop again to drop them.",
                );
                trainer.evaluate()?;
            }
            Ok(StopReason::Stopped)
        }
        outcome => outcome,
    }
}

/// Measures the best checkpoint, read back from disk, on test, and writes everything down.
fn finish(trainer: &mut Trainer<'_>, stop_reason: StopReason, started_at: u64) -> Result<RunSummary, TrainError> {
    let Best { point, logits } = trainer.best.take().ok_or(TrainError::Cancelled)?;
    if trainer.step > point.step {
        trainer.voice.log(format!("Taking the best checkpoint, of step {}.", point.step));
    }
    trainer.model = read_back(trainer)?;
    let run = &trainer.run;
    run.write_predictions("validation", &predictions(&trainer.data.validation, &logits), trainer.labels)?;
    let test_logits = match test_logits(trainer) {
        Err(TrainError::Cancelled) => None,
        logits => logits?,
    };
    if let Some(logits) = &test_logits {
        let run = &trainer.run;
        run.write_predictions("test", &predictions(&trainer.data.test, logits), trainer.labels)?;
    }
    let figures = match &test_logits {
        Some(logits) => figures(trainer, |data| &data.test, logits),
        None => figures(trainer, |data| &data.validation, &logits),
    };
    trainer.run.write_figures(&figures)?;
    let train_seconds = trainer.train_time.as_secs_f64();
    Ok(RunSummary {
        run: trainer.run.id(),
        started_at,
        steps: trainer.step,
        epochs: trainer.epoch,
        train_seconds,
        tokens_per_second: trainer.pace.tokens() as f64 / train_seconds.max(1e-9),
        peak_memory: peak_memory(),
        device: trainer.model.compute().to_string(),
        stop_reason,
        best_step: point.step,
        validation: point.metrics,
        test: test_logits.map(|logits| predict::measure(trainer.labels, &trainer.data.test.samples.classes, &logits)),
    })
}

/// The best checkpoint as a later session will read it.
fn read_back(trainer: &Trainer<'_>) -> Result<Model, TrainError> {
    let options = LoadOptions {
        seed: trainer.settings.seed,
        dropout: trainer.settings.dropout,
        compute: trainer.model.compute().clone(),
        only_answers: true,
        ..LoadOptions::new(trainer.model.head().clone())
    };
    Ok(Model::load(&trainer.run.best(), &options)?.0)
}

/// Logits on the test rows; `None` where there are none.
fn test_logits(trainer: &mut Trainer<'_>) -> Result<Option<Vec<Vec<f32>>>, TrainError> {
    let (ids, voice) = (&trainer.data.test.samples.ids, &mut trainer.voice);
    if ids.is_empty() {
        return Ok(None);
    }
    let control = voice.control;
    let logits = predict::logits(&trainer.model, ids, None, &|| control.is_abandoned(), &mut |done| {
        voice.progress("Measuring on the test rows", done, ids.len(), "rows");
        voice.look_for_second_stop()
    })?;
    Ok(Some(logits))
}

fn predictions(rows: &Rows<'_>, logits: &[Vec<f32>]) -> Vec<Prediction> {
    let of_row = |(place, (example, logits)): (usize, (&&crate::data::Example, &Vec<f32>))| Prediction {
        id: example.id,
        key: rows.keys.get(place).copied().flatten().map(str::to_owned),
        text: example.text.clone(),
        label: Some(example.label),
        predicted: predict::argmax(logits),
        probabilities: predict::softmax(logits),
    };
    rows.examples.iter().zip(logits).enumerate().map(of_row).collect()
}

fn figures(
    trainer: &mut Trainer<'_>,
    side: for<'d, 'e> fn(&'d Dataset<'e>) -> &'d Rows<'e>,
    logits: &[Vec<f32>],
) -> RunFigures {
    let predicted: Vec<u32> = logits.iter().map(|logits| predict::argmax(logits)).collect();
    let tfidf_baseline = classical_baseline(trainer, side);
    let (labels, seed, rows) = (trainer.labels, trainer.settings.seed, side(&trainer.data));
    RunFigures {
        macro_f1_interval: bootstrap_macro_f1(labels.len(), &rows.samples.classes, &predicted, RESAMPLES, seed),
        majority_baseline: majority_baseline(labels, &trainer.data.train.samples.classes, &rows.samples.classes),
        tfidf_baseline,
    }
}

/// What a quick classical method reaches on the same rows. A first stop waits for it, as for the figures on test.
fn classical_baseline(
    trainer: &mut Trainer<'_>,
    side: for<'d, 'e> fn(&'d Dataset<'e>) -> &'d Rows<'e>,
) -> Option<ClassificationMetrics> {
    fn texts<'a>(rows: &Rows<'a>) -> Vec<&'a str> {
        rows.examples.iter().map(|example| example.text.as_str()).collect()
    }
    let (train, rows, voice) = (&trainer.data.train, side(&trainer.data), &mut trainer.voice);
    let (learnt, measured) = (texts(train), texts(rows));
    let (outer, control) = (voice.control, Control::default());
    let mut report = |progress| {
        voice.say(TrainingEvent::Progress(progress));
        if outer.is_abandoned() {
            control.cancel();
        }
    };
    tfidf_baseline(
        LabelledTexts { texts: &learnt, labels: &train.samples.classes },
        LabelledTexts { texts: &measured, labels: &rows.samples.classes },
        trainer.labels,
        &mut Watch { control: &control, report: &mut report },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_during_training_marks_the_run_as_failed() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path()).unwrap();
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
