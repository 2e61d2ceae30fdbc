//! What a run will take on this machine, measured with a few real steps before it begins.

use std::path::Path;
use std::time::Instant;

use crate::data::{BatchPlan, packed};
use crate::models::{Mode, ModelConfig, TextClassifier, TrainPass};
use crate::ops::{CrossEntropy, Gradients};
use crate::progress::Control;
use crate::project::{EvaluateEvery, TrainingSettings};

use crate::training::event::{TrainingEvent, Voice};
use crate::training::features::FeatureCache;
use crate::training::footprint::{Footprint, available_memory};
use crate::training::setup::{self, Dataset, Rows};
use crate::training::trainer::{PASS_TOKENS, passes};
use crate::training::{Optimizer, TrainError, TrainInputs};

/// Steps that are timed; the one before them warms up.
const STEPS: usize = 3;

/// What a run will take.
#[derive(Clone, Debug, PartialEq)]
pub struct DryRun {
    /// Optimizer steps, if it does not stop early.
    pub steps: u64,
    /// How long it will take; `None` when memory does not suffice to try.
    pub time: Option<RunTime>,
    /// Memory the process will need at most, bytes.
    pub memory: u64,
    /// Memory that is free for it now, and what it has already, bytes; 0 where the system does not say.
    pub memory_available: u64,
    /// What it will write to the project's folder, bytes.
    pub disk: u64,
    /// Free space there, bytes; `None` where the system does not say.
    pub disk_available: Option<u64>,
    /// Settings that fit in memory, when these do not and others do.
    pub smaller: Option<SmallerRun>,
}

/// How long a run will take, seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunTime {
    /// Training alone.
    pub training: f64,
    /// Training, evaluations and the measurement on test.
    pub whole: f64,
    /// Tokens learnt from a second.
    pub tokens_per_second: f64,
}

/// Settings that need less memory. The rows of a step stay the same: they are spread over more batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SmallerRun {
    /// Texts in a batch.
    pub batch_size: usize,
    /// Batches summed before each step.
    pub gradient_accumulation: usize,
    /// Longest text, in tokens.
    pub max_length: usize,
}

/// Measures what a run of these inputs will take. Nothing is written but the tokens of the texts,
/// which the run then finds in the project's cache.
///
/// Memory is estimated first, from the sizes of the network and of the longest pass; where it does not suffice, nothing
/// of that size is allocated and [`DryRun::time`] stays empty.
///
/// # Errors
/// As [`crate::training::train`] before its first step, and [`TrainError::Cancelled`] when told to stop.
pub fn dry_run(
    inputs: TrainInputs<'_>,
    control: &Control,
    on_event: &mut dyn FnMut(TrainingEvent),
) -> Result<DryRun, TrainError> {
    let mut voice = Voice::new(control, on_event);
    let settings = &inputs.project.training;
    settings.check()?;
    setup::check_data(inputs.prepared)?;
    let config = ModelConfig::read(inputs.model_folder)?;
    let max_length = settings.max_length.min(config.max_position_embeddings);
    let data = setup::tokenise(inputs.prepared, inputs.model_folder, inputs.project_folder, max_length, &mut voice)?;
    let footprint = Footprint::new(&config, inputs.prepared.labels.len(), settings.trained_layers);
    let batches = plan(settings).epoch(&data.train.ids.iter().map(Vec::len).collect::<Vec<_>>(), 0);
    let memory = footprint.peak(longest_pass(&batches, &data.train.ids));
    let memory_available = available_memory();
    let fits = memory_available == 0 || memory <= memory_available;
    let steps_per_epoch = batches.len().div_ceil(settings.gradient_accumulation);
    let mut outcome = DryRun {
        steps: steps_per_epoch as u64 * u64::from(settings.epochs),
        time: None,
        memory,
        memory_available,
        disk: footprint.disk(),
        disk_available: free_space(inputs.project_folder),
        smaller: if fits { None } else { smaller(settings, &footprint, memory_available) },
    };
    if fits {
        let model = setup::load_model(inputs.model_folder, &inputs.prepared.labels, settings, &mut voice)?;
        let time = measure(&model, settings, &data, &batches, outcome.steps, &mut voice);
        // What was stopped in the middle ends with an error; being stopped is what to tell.
        voice.look()?;
        outcome.time = Some(time?);
    }
    Ok(outcome)
}

fn plan(settings: &TrainingSettings) -> BatchPlan {
    let (batch_size, group_by_length) = (settings.batch_size, settings.group_by_length);
    BatchPlan { batch_size, group_by_length, seed: settings.seed }
}

fn longest_pass(batches: &[Vec<usize>], ids: &[Vec<u32>]) -> usize {
    let tokens = |rows: &[usize]| rows.iter().map(|&row| ids[row].len()).sum();
    batches.iter().flat_map(|batch| passes(batch, ids)).map(tokens).max().unwrap_or(0)
}

/// The nearest settings that fit: smaller batches first, shorter texts when a single long one is too much.
fn smaller(settings: &TrainingSettings, footprint: &Footprint, available: u64) -> Option<SmallerRun> {
    const SHORTEST: usize = 32;
    let (mut batch_size, mut accumulation) = (settings.batch_size, settings.gradient_accumulation);
    let mut max_length = settings.max_length;
    let needs = |batch: usize, length: usize| footprint.peak((batch * length).min(PASS_TOKENS.max(length)));
    while needs(batch_size, max_length) > available {
        if batch_size > 1 {
            batch_size = batch_size.div_ceil(2);
            accumulation = (settings.batch_size * settings.gradient_accumulation).div_ceil(batch_size);
        } else if max_length > SHORTEST {
            max_length = (max_length / 2).max(SHORTEST);
        } else {
            return None;
        }
    }
    Some(SmallerRun { batch_size, gradient_accumulation: accumulation, max_length })
}

fn free_space(folder: &Path) -> Option<u64> {
    fs4::available_space(folder).ok()
}

/// Times real steps on batches spread over the epoch, and a forward pass.
fn measure(
    model: &TextClassifier,
    settings: &TrainingSettings,
    data: &Dataset<'_>,
    batches: &[Vec<usize>],
    steps: u64,
    voice: &mut Voice<'_>,
) -> Result<RunTime, TrainError> {
    let mut optimizer = Optimizer::new(model.parameters(), &settings.optimizer)?;
    let mut features = FeatureCache::new(data.train.ids.len(), std::env::temp_dir());
    let (mut tokens, mut seconds, mut feature_seconds) = (0, 0.0, 0.0);
    for step in 0..=STEPS {
        voice.progress("Trying a few steps", step, STEPS + 1, "steps");
        voice.look()?;
        let batch = &batches[step * batches.len() / (STEPS + 1)];
        let begun = Instant::now();
        warm_features(model, &data.train, batch, &mut features, voice)?;
        let after_features = begun.elapsed().as_secs_f64();
        learn(model, &data.train, batch, step as u64, &mut features, &mut optimizer, voice)?;
        if step > 0 {
            tokens += batch.iter().map(|&row| data.train.ids[row].len() as u64).sum::<u64>();
            feature_seconds += after_features;
            seconds += begun.elapsed().as_secs_f64() - after_features;
        }
    }
    let rows = &data.train;
    let of_batch = &batches[batches.len() / 2];
    let begun = Instant::now();
    let stop = || voice.control.is_cancelled();
    model.forward_unless(&packed(&rows.ids, None, of_batch), None, Mode::Inference, &stop)?;
    let batch_tokens: u64 = of_batch.iter().map(|&row| rows.ids[row].len() as u64).sum();
    let a_token = begun.elapsed().as_secs_f64() / batch_tokens.max(1) as f64;
    let total = |rows: &Rows<'_>| rows.ids.iter().map(|ids| ids.len() as f64).sum::<f64>();
    let measured = tokens.max(1) as f64;
    let epochs = f64::from(settings.epochs);
    // What is not trained is computed once for each text, the rest in every epoch.
    let training = total(&data.train) * (epochs * seconds + feature_seconds) / measured;
    let evaluations = match settings.evaluate_every {
        EvaluateEvery::Epoch => epochs,
        EvaluateEvery::Steps(every) => steps.div_ceil(u64::from(every.max(1))) as f64,
    };
    let validation = total(&data.validation) * evaluating_a_token(a_token, feature_seconds / measured, evaluations);
    let whole = training + validation + a_token * total(&data.test);
    let tokens_per_second = total(&data.train) * epochs / training.max(1e-9);
    Ok(RunTime { training, whole, tokens_per_second })
}

/// Seconds of all evaluations for each token of the validation rows: what is not trained, `frozen` of the `whole`, is
/// computed for the first one alone.
fn evaluating_a_token(whole: f64, frozen: f64, evaluations: f64) -> f64 {
    let frozen = frozen.min(whole);
    evaluations * (whole - frozen) + frozen
}

/// Computes what is not trained, if anything, so that it can be timed apart.
fn warm_features(
    model: &TextClassifier,
    rows: &Rows<'_>,
    batch: &[usize],
    features: &mut FeatureCache,
    voice: &Voice<'_>,
) -> Result<(), TrainError> {
    let control = voice.control;
    for rows_of_pass in passes(batch, &rows.ids) {
        features.of(model, &rows.ids, rows_of_pass, &|| control.is_cancelled())?;
    }
    Ok(())
}

/// A step, as the trainer does it. The learning rate is 0: the weights stay.
fn learn(
    model: &TextClassifier,
    rows: &Rows<'_>,
    batch: &[usize],
    step: u64,
    features: &mut FeatureCache,
    optimizer: &mut Optimizer,
    voice: &Voice<'_>,
) -> Result<(), TrainError> {
    let mut gradients = Gradients::new(model.parameters().len());
    let loss = CrossEntropy { divisor: Some(batch.len() as f64), ..CrossEntropy::default() };
    let stop = || voice.control.is_cancelled();
    for rows_of_pass in passes(batch, &rows.ids) {
        let features = features.of(model, &rows.ids, rows_of_pass, &stop)?;
        let batch = packed(&rows.ids, Some(&rows.labels), rows_of_pass);
        let mode = Mode::Training { seed: 0, step };
        let pass = TrainPass { batch: &batch, features: features.as_ref(), mode, loss: &loss, stop: &stop };
        model.train_pass(&pass, &mut gradients)?;
    }
    optimizer.step(&gradients, 0.0)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::TrainedLayers;

    #[test]
    fn evaluations_compute_what_is_frozen_once() {
        let close = |seconds: f64, expected: f64| assert!((seconds - expected).abs() < 1e-12, "{seconds} {expected}");
        close(evaluating_a_token(2.0, 0.0, 5.0), 10.0);
        close(evaluating_a_token(2.0, 1.5, 5.0), 4.0);
        // Measured apart, the frozen part may come out longer than the whole.
        close(evaluating_a_token(2.0, 2.1, 5.0), 2.0);
    }

    #[test]
    fn what_is_proposed_fits_and_keeps_the_rows_of_a_step() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
        let footprint = Footprint::new(&ModelConfig::read(&folder).unwrap(), 3, TrainedLayers::All);
        let settings = TrainingSettings { batch_size: 24, max_length: 128, ..TrainingSettings::default() };
        let available = footprint.peak(24 * 128 / 3);
        let proposed = smaller(&settings, &footprint, available).unwrap();
        assert!(footprint.peak(proposed.batch_size * proposed.max_length) <= available);
        assert_eq!(proposed, SmallerRun { batch_size: 6, gradient_accumulation: 4, max_length: 128 });
        let one_short_text = smaller(&settings, &footprint, footprint.peak(40)).unwrap();
        assert_eq!((one_short_text.batch_size, one_short_text.max_length), (1, 32));
        assert!(smaller(&settings, &footprint, 1000).is_none(), "the network itself does not fit");
    }
}
