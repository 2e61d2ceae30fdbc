//! `hone train --dry-run`.

use std::io::Write;
use std::path::Path;

use serde::Serialize;

use crate::cli::CliError;
use crate::cli::args::TrainArguments;
use crate::cli::job_runner::JobRunner;
use crate::cli::outcome::print_json;
use crate::cli::table::table;
use crate::project::Project;
use crate::words::{bytes, count, duration_fine};
use crate::worker::{CompareWays, DryRun, EstimateRun, WayEstimate};

/// Measures what a run would need and prints it.
pub(super) fn run(
    project: Project,
    folder: &Path,
    arguments: &TrainArguments,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let TrainArguments { json, fetch, .. } = *arguments;
    if arguments.measure.each_way {
        let job = CompareWays { project, folder: folder.to_owned(), may_fetch: fetch };
        let ways = JobRunner::begin()?.run(job)?;
        return if json {
            print_json(out, &serde_json::json!({ "ways": ways.iter().map(WayOutcome::from).collect::<Vec<_>>() }))
        } else {
            Ok(write!(out, "{}", table(&["trained_layers", ">total", ">training", ">memory"], &way_rows(&ways)))?)
        };
    }
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

/// A row for each way to train.
fn way_rows(ways: &[WayEstimate]) -> Vec<Vec<String>> {
    let row = |way: &WayEstimate| {
        let cells = match &way.outcome {
            Ok(DryRun { time: Some(time), memory, .. }) => {
                [duration_fine(time.whole), duration_fine(time.training), bytes(*memory)]
            }
            Ok(outcome) => ["-".to_owned(), "-".to_owned(), format!("{}: too much", bytes(outcome.memory))],
            Err(reason) => ["-".to_owned(), "-".to_owned(), reason.clone()],
        };
        std::iter::once(way_name(way)).chain(cells).collect()
    };
    ways.iter().map(row).collect()
}

/// What is trained, as `--set training.trained_layers=...` has it.
fn way_name(way: &WayEstimate) -> String {
    format!("{:?}", way.trained)
}

/// Output of `--each-way --json`, for one way.
#[derive(Serialize)]
struct WayOutcome {
    trained_layers: String,
    /// `None` if a run is not possible with these settings.
    needs: Option<DryRunOutcome>,
    /// Why it is not.
    problem: Option<String>,
}

impl From<&WayEstimate> for WayOutcome {
    fn from(way: &WayEstimate) -> Self {
        Self {
            trained_layers: way_name(way),
            needs: way.outcome.as_ref().ok().map(DryRunOutcome::from),
            problem: way.outcome.as_ref().err().cloned(),
        }
    }
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
