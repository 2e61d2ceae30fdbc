//! `hone bench`.

use std::io::Write;

use serde::Serialize;

use crate::cli::CliError;
use crate::cli::args::{BenchCommand, BenchStepArguments, BenchTokeniseArguments};
use crate::cli::job_runner::JobRunner;
use crate::cli::model_choice::model_choice;
use crate::cli::outcome::print_json;
use crate::cli::shell::absolute;
use crate::project::{DeviceChoice, Precision, TaskKind, TrainedLayers};
use crate::worker::{BenchStep, BenchTokenise, StepBench, StepFigures, StepTimes, TokeniseTimes};

/// Runs a benchmark and prints the result.
pub(super) fn run(command: &BenchCommand, out: &mut dyn Write) -> Result<(), CliError> {
    match command {
        BenchCommand::Step(arguments) => step(arguments, out),
        BenchCommand::Tokenise(arguments) => tokenise(arguments, out),
    }
}

fn tokenise(arguments: &BenchTokeniseArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let mut jobs = JobRunner::begin()?;
    let job = BenchTokenise {
        model: model_choice(&mut jobs, &arguments.model)?,
        file: absolute(&arguments.data),
        text_column: arguments.text.clone(),
        max_length: arguments.len,
    };
    let TokeniseTimes { rows, tokens, seconds } = jobs.run(job)?;
    let per_second = |count: usize| count as f64 / seconds.max(f64::MIN_POSITIVE);
    let outcome = TokeniseOutcome {
        rows,
        tokens,
        seconds,
        rows_per_second: per_second(rows),
        tokens_per_second: per_second(tokens),
    };
    print_json(out, &outcome)
}

/// Output of `hone bench tokenise`. Scripts rely on these names.
#[derive(Serialize)]
struct TokeniseOutcome {
    rows: usize,
    tokens: usize,
    seconds: f64,
    rows_per_second: f64,
    tokens_per_second: f64,
}

fn step(arguments: &BenchStepArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let BenchStepArguments { model, task, lora, recompute, batch, len, steps, compute } = arguments;
    let bench = StepBench { batch: *batch, length: *len, steps: *steps };
    let mut jobs = JobRunner::begin()?;
    let job = BenchStep {
        model: model_choice(&mut jobs, model)?,
        task: *task,
        bench,
        device: compute.device.map_or(DeviceChoice::Auto, Into::into),
        precision: compute.precision.map_or(Precision::Auto, Into::into),
        trained: if *lora { TrainedLayers::Lora } else { TrainedLayers::All },
        recompute: *recompute,
    };
    let StepTimes { figures, device } = jobs.run(job)?;
    print_json(out, &StepOutcome::new(*task, &figures, device))
}

/// Output of `hone bench step`. Scripts rely on these names.
#[derive(Serialize)]
struct StepOutcome {
    /// What the model is trained for, as `--task` names it.
    task: &'static str,
    /// Device and precision.
    device: String,
    ms_per_step: f64,
    forward_ms: f64,
    backward_ms: f64,
    optimizer_ms: f64,
    tokens_per_second: f64,
    gflops: f64,
    gemm_limit_gflops: f64,
    efficiency: f64,
    peak_rss_mb: f64,
}

impl StepOutcome {
    fn new(task: TaskKind, figures: &StepFigures, device: String) -> Self {
        Self {
            task: task.keyword(),
            device,
            ms_per_step: figures.ms_per_step,
            forward_ms: figures.forward_ms,
            backward_ms: figures.backward_ms,
            optimizer_ms: figures.optimizer_ms,
            tokens_per_second: figures.tokens_per_second,
            gflops: figures.gflops,
            gemm_limit_gflops: figures.gemm_limit_gflops,
            efficiency: figures.efficiency,
            peak_rss_mb: figures.peak_memory as f64 / 1e6,
        }
    }
}
