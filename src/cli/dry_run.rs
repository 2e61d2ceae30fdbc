//! `hone train --dry-run`.

use std::io::Write;
use std::path::Path;

use serde::Serialize;

use crate::cli::CliError;
use crate::cli::args::TrainArguments;
use crate::cli::job_runner::JobRunner;
use crate::cli::outcome::print_json;
use crate::project::Project;
use crate::words::{bytes, count, duration_fine};
use crate::worker::{DryRun, EstimateRun};

/// Measures what a run would need and prints it.
pub(super) fn run(
    project: Project,
    folder: &Path,
    arguments: &TrainArguments,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let TrainArguments { json, fetch, .. } = *arguments;
    let job = EstimateRun { project, folder: folder.to_owned(), may_fetch: fetch };
    let outcome = JobRunner::begin()?.run(job)?;
    if json {
        print_json(out, &DryRunOutcome::from(&*outcome))?;
    } else {
        print(out, &outcome)?;
    }
    match outcome.problems() {
        problems if problems.is_empty() => Ok(()),
        problems => Err(CliError::Failed(problems.join("\n"))),
    }
}

fn print(out: &mut dyn Write, outcome: &DryRun) -> Result<(), CliError> {
    let free = |size: Option<u64>| size.map_or("unknown".to_owned(), bytes);
    if let Some(time) = &outcome.time {
        writeln!(
            out,
            "About {} in total, of which {} is training: {} steps at {} tokens/s. It takes less time if it stops early.",
            duration_fine(time.whole),
            duration_fine(time.training),
            count(outcome.steps),
            count(time.tokens_per_second as u64),
        )?;
    }
    let available = (outcome.memory_available > 0).then_some(outcome.memory_available);
    writeln!(out, "Memory: up to {}; {} free.", bytes(outcome.memory), free(available))?;
    writeln!(out, "Disk: up to {}; {} free.", bytes(outcome.disk), free(outcome.disk_available))?;
    match (&outcome.time, &outcome.smaller) {
        (None, Some(smaller)) => writeln!(
            out,
            "This machine does not have enough memory for these settings, so no steps were run. These fit: --set batch_size={} \
             --set training.gradient_accumulation={} --set max_length={}.",
            smaller.batch_size, smaller.gradient_accumulation, smaller.max_length
        )?,
        (None, None) => {
            writeln!(out, "The model does not fit in memory. Choose a smaller model, or close other programs.")?;
        }
        _ => {}
    }
    Ok(())
}

/// Output of `--json`.
#[derive(Serialize)]
struct DryRunOutcome {
    steps: u64,
    train_seconds: Option<f64>,
    total_seconds: Option<f64>,
    tokens_per_second: Option<f64>,
    memory_bytes: u64,
    memory_available_bytes: u64,
    disk_bytes: u64,
    disk_available_bytes: Option<u64>,
    /// Why the run cannot be done on this machine.
    problems: Vec<String>,
    smaller: Option<Smaller>,
}

#[derive(Serialize)]
struct Smaller {
    batch_size: usize,
    gradient_accumulation: usize,
    max_length: usize,
}

impl From<&DryRun> for DryRunOutcome {
    fn from(outcome: &DryRun) -> Self {
        let time = outcome.time.as_ref();
        Self {
            steps: outcome.steps,
            train_seconds: time.map(|time| time.training),
            total_seconds: time.map(|time| time.whole),
            tokens_per_second: time.map(|time| time.tokens_per_second),
            memory_bytes: outcome.memory,
            memory_available_bytes: outcome.memory_available,
            disk_bytes: outcome.disk,
            disk_available_bytes: outcome.disk_available,
            problems: outcome.problems(),
            smaller: outcome.smaller.map(|smaller| Smaller {
                batch_size: smaller.batch_size,
                gradient_accumulation: smaller.gradient_accumulation,
                max_length: smaller.max_length,
            }),
        }
    }
}
