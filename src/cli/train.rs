//! `hone train`.

use std::io::Write;
use std::path::Path;

use crate::cli::args::TrainArguments;
use crate::cli::job_runner::JobRunner;
use crate::cli::outcome::{TrainOutcome, print_json};
use crate::cli::table::{details, metric, scores};
use crate::cli::values::with_settings;
use crate::cli::{CliError, dry_run};
use crate::evaluation::{Interval, Metrics};
use crate::notification;
use crate::project::{MetricName, Project};
use crate::storage::{ProjectFile, RunFolder, StopReason};
use crate::words::{count, counted, duration_fine, full_stop, lower_first};
use crate::worker::{RunResults, Train};

/// Trains and prints the result.
pub(super) fn run(arguments: &TrainArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let outcome = run_or_resume(arguments, out);
    if let (true, Err(error)) = (arguments.notify, &outcome)
        && !matches!(error, CliError::StoppedEarly)
    {
        notification::show("Training ended", &error.to_string());
    }
    outcome
}

fn run_or_resume(arguments: &TrainArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let (folder, project) = ProjectFile::read(&arguments.project)?;
    let asked = Asked { json: arguments.json, fetch: arguments.fetch, notify: arguments.notify };
    if arguments.resume {
        let run = RunFolder::find_interrupted(&folder, arguments.run.as_deref())?;
        return train(&project, &folder, (asked, Some(run)), out);
    }
    let mut project = with_settings(&project, &arguments.settings, &folder)?;
    let training = &mut project.training;
    training.device = arguments.compute.device.map_or(training.device, Into::into);
    training.precision = arguments.compute.precision.map_or(training.precision, Into::into);
    if arguments.measure.dry_run {
        return dry_run::run(project, &folder, arguments, out);
    }
    train(&project, &folder, (asked, None), out)
}

/// What was asked for besides training.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    /// Print the result as JSON.
    pub json: bool,
    /// Download the model if it is not on this machine.
    pub fetch: bool,
    /// Show a notification of the desktop at the end.
    pub notify: bool,
}

/// Trains `project` in `folder`, or goes on with an interrupted run of it, and prints the result.
///
/// # Errors
/// [`CliError::StoppedEarly`] if a person stopped it, or it diverged, and it has a result all the same.
pub(super) fn train(
    project: &Project,
    folder: &Path,
    (asked, resumed): (Asked, Option<RunFolder>),
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let mut jobs = JobRunner::begin()?;
    let (events, told) = crossbeam_channel::unbounded();
    let job = Train { project: project.clone(), folder: folder.to_owned(), may_fetch: asked.fetch, resumed, events };
    let results = jobs.run_with(job, |screen| told.try_iter().take(1).for_each(|event| screen.run_event(&event)))?;
    if asked.notify {
        let title = match results.summary.stop_reason {
            StopReason::Stopped => "Training was stopped",
            StopReason::Diverged => "Training diverged",
            _ => "Training finished",
        };
        notification::show(title, &with_interval(results.measured(), results.interval()));
    }
    if asked.json {
        print_json(out, &TrainOutcome::new(&results))?;
    } else {
        print(out, &results)?;
    }
    match results.summary.stop_reason {
        StopReason::Stopped | StopReason::Diverged => Err(CliError::StoppedEarly),
        StopReason::Completed | StopReason::EarlyStopping | StopReason::FellBehind | StopReason::CutOff => Ok(()),
    }
}

/// Why a run ended, in words.
pub(super) fn ending(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Completed => "finished every epoch",
        StopReason::EarlyStopping => "stopped early, no further improvement",
        StopReason::FellBehind => "stopped early, other trials did better",
        StopReason::Stopped => "stopped by you",
        StopReason::Diverged => "diverged",
        StopReason::CutOff => "interrupted",
    }
}

fn print(out: &mut dyn Write, results: &RunResults) -> Result<(), CliError> {
    let summary = &results.summary;
    let ending = ending(summary.stop_reason);
    writeln!(
        out,
        "Run {}: {} steps, {:.2} epochs in {} ({} tokens/s); {ending}; best checkpoint at step {}.",
        summary.run,
        count(summary.steps),
        summary.epochs,
        duration_fine(summary.train_seconds),
        count(summary.tokens_per_second.max(0.0) as u64),
        count(summary.best_step),
    )?;
    let (metrics, is_test) = (results.measured(), summary.test.is_some());
    let (row, rows) = if is_test { ("test row", "test rows") } else { ("validation row", "validation rows") };
    let figures = with_interval(metrics, results.interval());
    writeln!(out, "\nOn {}: {figures}.", counted(metrics.rows(), row, rows))?;
    for baseline in &results.comparison.baselines {
        writeln!(out, "{}: {}.", baseline.name.title(), scores(&baseline.metrics))?;
    }
    let judgement = results.judge();
    writeln!(out, "Verdict: {}. {}", judgement.verdict.title().to_lowercase(), full_stop(&judgement.says))?;
    if let Some(next) = &judgement.next {
        writeln!(out, "What would most likely help: {}.", lower_first(&next.title()))?;
    }
    if let Some(difference) = &results.difference {
        writeln!(out, "{}", difference.says())?;
    }
    writeln!(out, "\n{}", details(metrics))?;
    writeln!(out, "The trained model is in {}.", results.folder.join("best").display())?;
    Ok(())
}

/// The headline metrics in a sentence, with the interval after its metric.
fn with_interval(metrics: &Metrics, interval: Option<Interval>) -> String {
    let named = |(name, value): (MetricName, f64)| {
        let interval = interval.filter(|interval| interval.metric == name);
        let digits = |value| metric(name, value);
        let interval =
            interval.map(|Interval { low, high, .. }| format!(" (95% interval {} to {})", digits(low), digits(high)));
        format!("{} {}{}", name.in_a_sentence(), metric(name, value), interval.unwrap_or_default())
    };
    metrics.figures().into_iter().map(named).collect::<Vec<_>>().join(", ")
}
