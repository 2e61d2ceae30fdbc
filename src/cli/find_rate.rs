//! `hone find-lr`.

use std::io::Write;

use serde_json::json;

use crate::cli::CliError;
use crate::cli::job_runner::JobRunner;
use crate::cli::outcome::print_json;
use crate::cli::shell::shell_word;
use crate::cli::study_args::FindRateArguments;
use crate::cli::values::with_settings;
use crate::storage::ProjectFile;
use crate::worker::{FindRate, RateCurve, RatePoint};

/// Points of the curve that are printed.
const SHOWN: usize = 20;
/// Characters of the longest bar.
const WIDTH: f64 = 40.0;

/// Tries learning rates and prints the curve and a suggestion.
pub(super) fn run(arguments: &FindRateArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let (folder, project) = ProjectFile::read(&arguments.project)?;
    let mut project = with_settings(&project, &arguments.settings, &folder)?;
    let training = &mut project.training;
    training.device = arguments.compute.device.map_or(training.device, Into::into);
    training.precision = arguments.compute.precision.map_or(training.precision, Into::into);
    let rate = training.optimizer.learning_rate;
    let curve = JobRunner::begin()?.run(FindRate { project, folder, may_fetch: arguments.fetch })?;
    if arguments.json {
        let point = |point: &RatePoint| json!([point.rate, point.loss, point.smoothed]);
        let points: Vec<_> = curve.points.iter().map(point).collect();
        return print_json(out, &json!({ "suggested": curve.suggested, "now": rate, "points": points }));
    }
    print_curve(&curve, out)?;
    match curve.suggested {
        Some(suggested) => {
            let project = shell_word(&arguments.project);
            writeln!(
                out,
                "\nSuggested learning rate: {suggested:e}, ten times below the one at which the loss was least. Now it is {rate:e}."
            )?;
            writeln!(out, "Train with it: hone train {project} --set lr={suggested:e}")?;
        }
        None => writeln!(
            out,
            "\nThe loss never fell clearly, so no learning rate is suggested. More rows, or a larger batch size, make it less noisy."
        )?,
    }
    Ok(())
}

/// The smoothed loss at some of the rates, as bars.
fn print_curve(curve: &RateCurve, out: &mut dyn Write) -> Result<(), CliError> {
    let every = curve.points.len().div_ceil(SHOWN).max(1);
    let highest = curve.points.iter().map(|point| point.smoothed).fold(0.0, f64::max);
    writeln!(out, "{:>9}  {:>8}", "rate", "loss")?;
    for point in curve.points.iter().step_by(every) {
        let bar = "#".repeat((point.smoothed / highest.max(1e-9) * WIDTH).round() as usize);
        let line = format!("{:>9.1e}  {:>8.4}  {bar}", point.rate, point.smoothed);
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
