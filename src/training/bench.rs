//! Benchmark: how long a training step takes on this machine, and where the time goes.

use std::time::{Duration, Instant};

use crate::data::{Batch, Sequence};
use crate::models::{HeadSpec, Model};
use crate::ops::{CrossEntropy, matrix_operations};
use crate::progress::Watch;
use crate::project::{LanguageModellingSettings, Objective, OptimizerSettings, Recompute, TrainingSettings};
use crate::random::Rng;

use crate::training::footprint::{Footprint, available_memory};
use crate::training::memory::peak_memory;
use crate::training::step::OptimizerStep;
use crate::training::{Optimizer, TrainError};

/// Warm-up steps, which are not counted: memory is being allocated and caches are cold.
const WARM_UP: u32 = 2;

/// The token that every masked token becomes, in place of the tokenizer's own mask.
const MASK: u32 = 0;

/// What the benchmark runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepBench {
    /// Sequences in a step.
    pub batch: usize,
    /// Tokens of each sequence.
    pub length: usize,
    /// Number of timed steps.
    pub steps: u32,
}

/// Times of a training step; each is the median over the steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepFigures {
    /// The whole step, in milliseconds.
    pub ms_per_step: f64,
    /// Its forward pass.
    pub forward_ms: f64,
    /// Its backward pass.
    pub backward_ms: f64,
    /// Clipping and the optimizer.
    pub optimizer_ms: f64,
    /// Tokens trained on per second.
    pub tokens_per_second: f64,
    /// Billions of floating-point operations per second in matrix products, over the time of the whole step; NaN on a
    /// GPU, where they are not counted.
    pub gflops: f64,
    /// Speed of a large matrix product on this machine, measured in the same run.
    pub gemm_limit_gflops: f64,
    /// `gflops / gemm_limit_gflops`.
    pub efficiency: f64,
    /// Largest resident memory of the process so far, bytes.
    pub peak_memory: u64,
}

/// Times steps on random tokens: of a classifier, or of a language model that predicts the default share of them, masked, or
/// each next one. The steps change the model's weights.
///
/// # Errors
/// [`TrainError::Setting`] if a sequence is longer than the model reads or a size is 0, [`TrainError::Cancelled`] if
/// stopped, [`TrainError::Tensor`] if the network fails.
pub fn bench_step(model: &Model, bench: StepBench, watch: &mut Watch<'_>) -> Result<StepFigures, TrainError> {
    check(model, bench)?;
    let gemm_limit = model.matrix_speed()?;
    let mut optimizer = Optimizer::new(model.parameters(), &OptimizerSettings::default())?;
    let mut times = Vec::new();
    let mut operations = 0;
    for step in 0..WARM_UP + bench.steps {
        watch.advance("Timing steps", step as usize, (WARM_UP + bench.steps) as usize, "steps")?;
        let batch = random_batch(model, bench, u64::from(step));
        let before = matrix_operations();
        let time = time_step(model, batch, &mut optimizer, u64::from(step))?;
        if step >= WARM_UP {
            times.push(time);
            operations = matrix_operations() - before;
        }
    }
    Ok(figures(&times, bench, operations, gemm_limit))
}

fn check(model: &Model, bench: StepBench) -> Result<(), TrainError> {
    let longest = model.max_positions();
    let predicts_next = *model.head() == HeadSpec::LanguageModel && model.config().objective() == Objective::NextTokens;
    let shortest = if predicts_next { 2 } else { 1 };
    if bench.length < shortest || bench.length > longest {
        let advice = format!("Use {shortest} to {longest}, the most that the model reads.");
        return Err(TrainError::setting("length", bench.length.to_string(), &advice));
    }
    let settings = TrainingSettings {
        trained_layers: model.trained_layers(),
        lora: model.lora().copied().unwrap_or_default(),
        ..TrainingSettings::default()
    };
    let footprint = Footprint::new(model.config(), model.head(), &settings, share_read(model));
    let setting = if model.recomputes() { Recompute::Always } else { Recompute::Never };
    let footprint = footprint.recomputing(setting, 0, 0, 0);
    let needed = footprint.peak(bench.batch.saturating_mul(bench.length));
    let available = available_memory();
    if available > 0 && needed > available {
        let gigabytes = |bytes: u64| bytes as f64 / 1e9;
        let advice = format!(
            "{} texts of {} tokens in one batch need about {:.1} GB, but only {:.1} GB is free. Use fewer or shorter texts.",
            bench.batch,
            bench.length,
            gigabytes(needed),
            gigabytes(available)
        );
        return Err(TrainError::setting("batch size", bench.batch.to_string(), &advice));
    }
    for (name, value) in [("batch size", bench.batch), ("steps", bench.steps as usize)] {
        if value == 0 {
            return Err(TrainError::setting(name, "0".to_owned(), "Use at least 1."));
        }
    }
    Ok(())
}

struct StepTime {
    forward: Duration,
    backward: Duration,
    optimizer: Duration,
    whole: Duration,
}

fn time_step(model: &Model, batch: Batch, optimizer: &mut Optimizer, number: u64) -> Result<StepTime, TrainError> {
    let begun = Instant::now();
    let (loss, stop) = (&CrossEntropy::default(), &|| false);
    let step = OptimizerStep { model, passes: &[batch], loss, seed: 1, first_pass: number, stop };
    let outcome = step.forward_backward(None, &mut || Ok(()))?;
    let device = model.compute().device();
    device.synchronize().map_err(TrainError::Tensor)?;
    let before_optimizer = begun.elapsed();
    optimizer.step(&outcome.gradients, 1e-5)?;
    device.synchronize().map_err(TrainError::Tensor)?;
    let whole = begun.elapsed();
    let optimizer = whole.saturating_sub(before_optimizer);
    Ok(StepTime { forward: outcome.forward, backward: outcome.backward, optimizer, whole })
}

/// Share of the tokens that the head reads.
fn share_read(model: &Model) -> f64 {
    match (model.head(), model.config().objective()) {
        (HeadSpec::Classification { .. } | HeadSpec::EmbeddingClassification { .. }, _) => 0.0,
        (HeadSpec::LanguageModel, Objective::MaskedWords) => LanguageModellingSettings::default().masked_share,
        (HeadSpec::LanguageModel, Objective::NextTokens) => 1.0,
    }
}

/// Positions that are masked in a sequence, evenly spread, at least one.
fn masked_positions(length: usize, share: f64) -> Vec<usize> {
    let count = ((share * length as f64).round() as usize).clamp(1, length);
    (0..count).map(|place| place * length / count).collect()
}

/// Random tokens. A classifier reads one token of each sequence, a language model the masked ones, or all but the last.
fn random_batch(model: &Model, bench: StepBench, seed: u64) -> Batch {
    let mut rng = Rng::stream(seed, 0x6265_6e63);
    let words = model.config().vocab_size as u64;
    let mut batch = Batch::default();
    for row in 0..bench.batch {
        let mut ids: Vec<u32> = (0..bench.length).map(|_| rng.below(words) as u32).collect();
        match model.head() {
            HeadSpec::Classification { labels } | HeadSpec::EmbeddingClassification { labels, .. } => {
                batch.push_text(&ids, model.pooling(), Some(rng.below(labels.len() as u64) as u32), row);
            }
            HeadSpec::LanguageModel if model.config().objective() == Objective::NextTokens => {
                let reads: Vec<u32> = (0..ids.len() as u32 - 1).collect();
                batch.push(Sequence { ids: &ids, reads: &reads, wanted: &ids[1..], row });
            }
            HeadSpec::LanguageModel => {
                let masked = masked_positions(bench.length, share_read(model));
                let wanted: Vec<u32> = masked.iter().map(|&place| std::mem::replace(&mut ids[place], MASK)).collect();
                let reads: Vec<u32> = masked.iter().map(|&place| place as u32).collect();
                batch.push(Sequence { ids: &ids, reads: &reads, wanted: &wanted, row });
            }
        }
    }
    batch
}

fn figures(times: &[StepTime], bench: StepBench, operations: u64, gemm_limit: f64) -> StepFigures {
    let median = |of: fn(&StepTime) -> Duration| {
        let mut times: Vec<Duration> = times.iter().map(of).collect();
        times.sort_unstable();
        times.get(times.len() / 2).map_or(0.0, Duration::as_secs_f64)
    };
    let seconds = median(|time| time.whole).max(1e-9);
    let speed = if operations > 0 { operations as f64 / seconds } else { f64::NAN };
    StepFigures {
        ms_per_step: seconds * 1e3,
        forward_ms: median(|time| time.forward) * 1e3,
        backward_ms: median(|time| time.backward) * 1e3,
        optimizer_ms: median(|time| time.optimizer) * 1e3,
        tokens_per_second: (bench.batch * bench.length) as f64 / seconds,
        gflops: speed / 1e9,
        gemm_limit_gflops: gemm_limit / 1e9,
        efficiency: speed / gemm_limit,
        peak_memory: peak_memory(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::models::LoadOptions;
    use crate::progress::Control;

    fn model(name: &str, head: HeadSpec) -> Model {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
        Model::load(&folder, &LoadOptions::new(head)).unwrap().0
    }

    const BENCH: StepBench = StepBench { batch: 3, length: 20, steps: 2 };

    #[test]
    fn a_language_model_predicts_15_percent_of_the_tokens_and_sees_a_mask_in_their_place() {
        let model = model("tiny-bert-mlm", HeadSpec::LanguageModel);
        let batch = random_batch(&model, BENCH, 1);
        assert_eq!(batch.reads, [0, 6, 13, 20, 26, 33, 40, 46, 53]);
        assert!(batch.reads.iter().all(|&read| batch.input_ids[read as usize] == MASK));
        assert!(batch.wanted.len() == 9 && batch.wanted.iter().any(|&id| id != MASK), "{:?}", batch.wanted);
        assert_eq!((masked_positions(64, 0.15).len(), masked_positions(1, 0.15)), (10, vec![0]));
    }

    #[test]
    fn a_decoder_predicts_each_next_token() {
        let batch = random_batch(&model("tiny-gpt2", HeadSpec::LanguageModel), BENCH, 1);
        assert_eq!((batch.reads.len(), batch.wanted.len()), (57, 57));
        assert!(batch.reads.iter().zip(&batch.wanted).all(|(&read, &id)| batch.input_ids[read as usize + 1] == id));
    }

    #[test]
    fn a_classifier_reads_the_first_token_of_each_text() {
        let labels = ["a", "b"].map(str::to_owned).to_vec();
        let batch = random_batch(&model("tiny-bert", HeadSpec::Classification { labels }), BENCH, 1);
        assert_eq!(batch.reads, [0, 20, 40]);
        assert!(batch.wanted.iter().all(|&class| class < 2), "{:?}", batch.wanted);
    }

    #[test]
    fn the_steps_of_both_heads_are_timed_and_bad_sizes_refused() {
        let labels = ["a", "b"].map(str::to_owned).to_vec();
        let heads = [
            ("tiny-bert", HeadSpec::Classification { labels }),
            ("tiny-bert-mlm", HeadSpec::LanguageModel),
            ("tiny-llama", HeadSpec::LanguageModel),
        ];
        let control = Control::default();
        for (name, head) in heads {
            let model = model(name, head);
            let mut report = |_| {};
            let mut watch = Watch { control: &control, report: &mut report };
            let figures = bench_step(&model, BENCH, &mut watch).unwrap();
            assert!(figures.forward_ms > 0.0 && figures.backward_ms > 0.0 && figures.gflops > 0.0, "{figures:?}");
            let refused = |bench, watch: &mut Watch<'_>| bench_step(&model, bench, watch).unwrap_err().to_string();
            assert!(refused(StepBench { length: 900, ..BENCH }, &mut watch).contains("the most that the model reads"));
            assert!(refused(StepBench { batch: 0, ..BENCH }, &mut watch).contains("Use at least 1"));
        }
    }
}
