//! The dry run: estimates the time, memory and disk space of a run from a few real steps.

use std::time::Instant;

use crate::data::{BatchPlan, TextTokenizer};
use crate::evaluation::{LabelledTexts, LinearProbe};
use crate::models::{HeadSpec, Model, ModelConfig};
use crate::ops::CrossEntropy;
use crate::progress::{Cancelled, Control, Watch};
use crate::project::{EvaluateEvery, PROBE_STRENGTHS, TrainedLayers, TrainingSettings};
use crate::tasks::{Draw, Measured, TaskDefinition};

use crate::training::event::{TrainingEvent, Voice};
use crate::training::features::FeatureCache;
use crate::training::footprint::{Footprint, available_memory};
use crate::training::memory::resident;
use crate::training::probe::{self, Stage};
use crate::training::room::{disk_problem, free_space, memory_problem};
use crate::training::setup::{self, Dataset, TokenisedSide};
use crate::training::step::{OptimizerStep, PASS_TOKENS, longest_pass, passes, passes_of_step};
use crate::training::{Optimizer, TrainError, TrainInputs, vocabulary};

/// Timed steps, after one warm-up step.
const STEPS: usize = 3;
/// Training rows, at most, on which fits of the instant model are timed.
const FITTED_ROWS: usize = 64;
/// Training rows on which the baselines are timed.
const BASELINE_ROWS: usize = 1_000;

/// The time, memory and disk space that a run needs.
#[derive(Clone, Debug, PartialEq)]
pub struct DryRun {
    /// Optimizer steps if it does not stop early.
    pub steps: u64,
    /// The time it takes; `None` if there is not enough memory to try.
    pub time: Option<RunTime>,
    /// Peak memory of the process, in bytes.
    pub memory: u64,
    /// Free memory plus what the process already uses, in bytes; 0 if unknown.
    pub memory_available: u64,
    /// Disk space it needs in the project's folder, in bytes.
    pub disk: u64,
    /// Free disk space there, in bytes; `None` if unknown.
    pub disk_available: Option<u64>,
    /// Smaller settings that fit in memory, if these do not.
    pub smaller: Option<SmallerRun>,
}

impl DryRun {
    /// Why the run cannot be done on this machine, each with what to do; empty if it can.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let memory = memory_problem(self.memory, self.memory_available);
        let disk = self.disk_available.and_then(|free| disk_problem(self.disk, free));
        memory.into_iter().chain(disk).collect()
    }
}

/// The time of a run, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunTime {
    /// Training only.
    pub training: f64,
    /// Everything: tokenising and loading, training, all evaluations, checkpoints and baselines. Reading the data comes on
    /// top.
    pub whole: f64,
    /// Tokens trained on per second.
    pub tokens_per_second: f64,
}

/// Settings that need less memory. A step has the same number of rows, split over more batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SmallerRun {
    /// Texts in a batch.
    pub batch_size: usize,
    /// Batches summed before each step.
    pub gradient_accumulation: usize,
    /// Max length, in tokens.
    pub max_length: usize,
}

/// Estimates what a run with these inputs needs. The only thing written is the token cache in the project's folder,
/// which the run can use.
///
/// Memory is estimated first, from the sizes of the network and the longest pass. If there is not enough, nothing is
/// allocated and [`DryRun::time`] is `None`.
///
/// # Errors
/// As [`crate::training::train`] before its first step, and [`TrainError::Cancelled`] if stopped.
pub fn dry_run(
    inputs: TrainInputs<'_>,
    control: &Control,
    on_event: &mut dyn FnMut(TrainingEvent),
) -> Result<DryRun, TrainError> {
    let begun = Instant::now();
    let mut voice = Voice::new(control, on_event);
    let settings = &inputs.project.training;
    inputs.project.check()?;
    setup::check_data(inputs.prepared)?;
    let starting = vocabulary::starting_folder(inputs.project, inputs.model_folder, inputs.project_folder, &mut voice)?;
    let start = starting.path.as_path();
    let config = ModelConfig::read(start)?;
    let max_length = settings.max_length.min(config.max_positions());
    let tokenizer = TextTokenizer::load(start)?;
    config.check_tokenizer(start, &tokenizer)?;
    let task = setup::task(inputs.project, inputs.prepared, (&tokenizer, &config), &mut voice)?;
    let data = setup::tokenise(&*task, &tokenizer, inputs.prepared, inputs.project_folder, max_length, &mut voice)?;
    setup::check_samples(&data)?;
    let batches = BatchPlan::of(settings).epoch(&data.train.samples.lengths(), 0);
    let (longest, memory_available) = (longest_pass(&batches, &data.train.samples.ids), available_memory());
    let footprint = Footprint::new(&config, &task.head(), settings, task.share_read());
    let footprint = footprint.recomputing(settings.recompute, longest, resident(), memory_available);
    let memory = footprint.peak(longest);
    let fits = memory_available == 0 || memory <= memory_available;
    let (_, steps) = setup::planned_steps(inputs.project, &data, &mut voice);
    let mut outcome = DryRun {
        steps,
        time: None,
        memory,
        memory_available,
        disk: footprint.disk(),
        disk_available: free_space(inputs.project_folder),
        smaller: if fits { None } else { smaller(settings, &footprint, memory_available) },
    };
    if fits {
        let loading = Instant::now();
        let (model, _) = setup::load_model(start, task.head(), settings, &mut voice)?;
        let model = model.recomputing(footprint.recomputes());
        let (loading, start_up) = (loading.elapsed().as_secs_f64(), begun.elapsed().as_secs_f64());
        let labels = inputs.prepared.labels.len();
        let measurement = Measurement {
            model: &model,
            task: &*task,
            settings,
            data: &data,
            labels,
            batches: &batches,
            loading,
            start_up,
        };
        let time = measurement.run(outcome.steps, &mut voice);
        // A stopped pass fails with an error; report the stop instead.
        voice.look()?;
        outcome.time = Some(time?);
    }
    Ok(outcome)
}

/// The closest settings that fit: smaller batches first, then a lower max length if a single long text is too much.
fn smaller(settings: &TrainingSettings, footprint: &Footprint, available: u64) -> Option<SmallerRun> {
    const SHORTEST: usize = 32;
    let (mut batch_size, mut accumulation) = (settings.batch_size, settings.gradient_accumulation);
    let mut max_length = settings.max_length;
    let most = PASS_TOKENS.min(settings.batch_tokens.unwrap_or(usize::MAX));
    let needs = |batch: usize, length: usize| footprint.peak((batch * length).min(most.max(length)));
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

/// The inputs of the timed steps.
struct Measurement<'a> {
    model: &'a Model,
    task: &'a dyn TaskDefinition,
    settings: &'a TrainingSettings,
    data: &'a Dataset<'a>,
    /// How many labels there are.
    labels: usize,
    /// Rows of each batch of an epoch.
    batches: &'a [Vec<usize>],
    /// Seconds to load the model.
    loading: f64,
    /// Seconds from the beginning until the model is loaded.
    start_up: f64,
}

/// Seconds spent in the timed steps.
#[derive(Default)]
struct StepSeconds {
    tokens: u64,
    /// In the frozen layers.
    frozen: f64,
    /// In everything else.
    trained: f64,
}

impl Measurement<'_> {
    /// Times real steps on batches spread over the epoch, and a forward pass.
    fn run(&self, steps: u64, voice: &mut Voice<'_>) -> Result<RunTime, TrainError> {
        let a_token = self.time_forward(voice)?;
        let epochs = f64::from(self.settings.epochs);
        let tokens = |rows: &TokenisedSide<'_>| rows.samples.tokens() as f64;
        if self.settings.trained_layers == TrainedLayers::Instant {
            return self.time_instant(a_token, voice);
        }
        let timed = self.time_steps(voice)?;
        let measured = timed.tokens.max(1) as f64;
        // Frozen layers are computed once per sample, the rest in every epoch.
        let training = tokens(&self.data.train) * (epochs * timed.trained + timed.frozen) / measured;
        let evaluations = match self.settings.evaluate_every {
            EvaluateEvery::Epoch => epochs,
            EvaluateEvery::Steps(every) => steps.div_ceil(u64::from(every.max(1))) as f64,
        };
        let validation =
            tokens(&self.data.validation) * evaluating_a_token(a_token, timed.frozen / measured, evaluations);
        let test = a_token * tokens(&self.data.test) + self.time_baselines(voice)?;
        let begins_with_probe = matches!(self.model.head(), HeadSpec::EmbeddingClassification { .. });
        let has_probe = self.task.is_compared_with_instant() || begins_with_probe;
        let probe = if has_probe { self.time_probe(a_token, voice)? } else { 0.0 };
        // Each evaluation may write a checkpoint, and the best one is read at the end: about as fast as loading the model.
        let checkpoints = self.loading * (evaluations + 1.0);
        let whole = self.start_up + probe + training + validation + test + checkpoints;
        let tokens_per_second = tokens(&self.data.train) * epochs / training.max(1e-9);
        Ok(RunTime { training, whole, tokens_per_second })
    }

    /// An instant model: the embeddings are computed once, and each fit is evaluated and may be saved.
    fn time_instant(&self, a_token: f64, voice: &mut Voice<'_>) -> Result<RunTime, TrainError> {
        let tokens = |rows: &TokenisedSide<'_>| rows.samples.tokens() as f64;
        let rows = self.data.train.samples.len();
        let training = a_token * tokens(&self.data.train) + self.time_fits(rows, voice)?;
        let held_out = a_token * (tokens(&self.data.validation) + tokens(&self.data.test));
        let checkpoints = self.loading * (PROBE_STRENGTHS.len() as f64 + 1.0);
        let whole = self.start_up + training + held_out + self.time_baselines(voice)? + checkpoints;
        Ok(RunTime { training, whole, tokens_per_second: tokens(&self.data.train) / training.max(1e-9) })
    }

    /// Seconds of the instant baseline: the embeddings of some training rows and of all others, and the fits.
    fn time_probe(&self, a_token: f64, voice: &mut Voice<'_>) -> Result<f64, TrainError> {
        let samples = &self.data.train.samples;
        let rows = probe::some_of(samples.len());
        let held_out = self.data.validation.samples.tokens() + self.data.test.samples.tokens();
        let tokens = rows.iter().map(|&row| samples.ids[row].len()).sum::<usize>() as u64 + held_out;
        Ok(a_token * tokens as f64 + self.time_fits(rows.len(), voice)?)
    }

    /// Seconds to fit `rows` embeddings with every strength of the penalty, measured on some of them.
    fn time_fits(&self, rows: usize, voice: &mut Voice<'_>) -> Result<f64, TrainError> {
        let samples = &self.data.train.samples;
        let some: Vec<usize> = (0..samples.len()).step_by(samples.len().div_ceil(FITTED_ROWS).max(1)).collect();
        let stage = Stage { name: "Trying a fit", voice: &mut *voice };
        let embeddings = probe::embeddings(self.model, samples, &some, stage)?;
        let labels: Vec<u32> = some.iter().map(|&row| samples.classes[row]).collect();
        let begun = Instant::now();
        let fits = LinearProbe::new(&embeddings, self.model.config().hidden_size, &labels, vec![1.0; self.labels]);
        fits.fit_all(|_| !voice.control.is_cancelled()).ok_or(Cancelled)?;
        Ok(begun.elapsed().as_secs_f64() * rows as f64 / some.len().max(1) as f64)
    }

    fn time_steps(&self, voice: &mut Voice<'_>) -> Result<StepSeconds, TrainError> {
        let mut optimizer = Optimizer::new(self.model.parameters(), &self.settings.optimizer)?;
        let samples = &self.data.train.samples;
        let mut features = FeatureCache::new(samples.len(), std::env::temp_dir(), 0);
        let mut sum = StepSeconds::default();
        for step in 0..=STEPS {
            voice.progress("Trying a few steps", step, STEPS + 1, "steps");
            let rows = &self.batches[step * self.batches.len() / (STEPS + 1)];
            let passes = passes_of_step(self.task, samples, std::slice::from_ref(rows), Draw::Epoch(0));
            let control = voice.control;
            let stop = || control.is_cancelled();
            let begun = Instant::now();
            if !self.task.redraws() {
                for batch in &passes {
                    voice.look()?;
                    features.of(self.model, batch, &stop)?;
                }
            }
            let frozen = begun.elapsed().as_secs_f64();
            let (loss, first_pass) = (&CrossEntropy::default(), step as u64);
            let step_of_run =
                OptimizerStep { model: self.model, passes: &passes, loss, seed: 0, first_pass, stop: &stop };
            let cache = (!self.task.redraws()).then_some(&mut features);
            let outcome = step_of_run.forward_backward(cache, &mut || voice.look())?;
            // With a learning rate of 0 the weights do not change.
            optimizer.step(&outcome.gradients, 0.0)?;
            if step > 0 {
                sum.tokens += passes.iter().map(|batch| batch.total_tokens() as u64).sum::<u64>();
                sum.frozen += frozen;
                sum.trained += begun.elapsed().as_secs_f64() - frozen;
            }
        }
        Ok(sum)
    }

    /// Seconds to fit and score the baselines, measured on some of the rows.
    fn time_baselines(&self, voice: &mut Voice<'_>) -> Result<f64, TrainError> {
        voice.look()?;
        let control = voice.control;
        let (train, measured) = (&self.data.train, &self.data.test);
        let (train_texts, measured_texts) = (train.texts(), measured.texts());
        let some = train_texts.len().min(BASELINE_ROWS);
        let labels = &train.samples.classes;
        let rows = LabelledTexts { texts: &train_texts[..some], labels: &labels[..some.min(labels.len())] };
        let measured = Measured { rows: measured.labelled(&measured_texts), answers: &[], instant: None, seed: 0 };
        let begun = Instant::now();
        let mut watch = Watch { control, report: &mut |_| () };
        let _ = self.task.baselines(rows, measured, &mut watch);
        Ok(begun.elapsed().as_secs_f64() * train_texts.len() as f64 / some.max(1) as f64)
    }

    /// Seconds per token of a forward pass.
    fn time_forward(&self, voice: &mut Voice<'_>) -> Result<f64, TrainError> {
        // A pass as it is in training: a whole batch may need more memory than there is.
        let rows = passes(&self.batches[self.batches.len() / 2], &self.data.train.samples.ids)[0];
        let control = voice.control;
        let batch = self.task.batch(&self.data.train.samples, rows, Draw::Evaluation);
        let begun = Instant::now();
        self.model.forward_in_parts(&batch, None, &|| control.is_cancelled(), &mut |_| ())?;
        Ok(begun.elapsed().as_secs_f64() / batch.total_tokens().max(1) as f64)
    }
}

/// Seconds of all evaluations per validation token. Of the `whole`, the frozen layers take `frozen`, and they are
/// computed in the first evaluation only.
fn evaluating_a_token(whole: f64, frozen: f64, evaluations: f64) -> f64 {
    let frozen = frozen.min(whole);
    evaluations * (whole - frozen) + frozen
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::models::HeadSpec;

    #[test]
    fn evaluations_compute_frozen_layers_once() {
        let close = |seconds: f64, expected: f64| assert!((seconds - expected).abs() < 1e-12, "{seconds} {expected}");
        close(evaluating_a_token(2.0, 0.0, 5.0), 10.0);
        close(evaluating_a_token(2.0, 1.5, 5.0), 4.0);
        // Measured separately, the frozen part may seem to take longer than the whole.
        close(evaluating_a_token(2.0, 2.1, 5.0), 2.0);
    }

    fn footprint_of_three_labels(folder: &Path) -> Footprint {
        let head = HeadSpec::Classification { labels: vec!["label".to_owned(); 3] };
        Footprint::new(&ModelConfig::read(folder).unwrap(), &head, &TrainingSettings::default(), 0.0)
    }

    #[test]
    fn proposed_settings_fit_and_keep_the_rows_of_a_step() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
        let footprint = footprint_of_three_labels(&folder);
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
