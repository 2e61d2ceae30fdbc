//! `hone continue`.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cli::CliError;
use crate::cli::args::ContinueArguments;
use crate::cli::job_runner::JobRunner;
use crate::cli::model_commands::model_folder;
use crate::cli::outcome::print_json;
use crate::predictor::{Continuation, Sampling};
use crate::project::ModelChoice;
use crate::storage::RunFolder;
use crate::words::printable;
use crate::worker::{ContinueText, ContinuedText};

/// Continues a text with a language model and, if it is a run's, with the model before training.
pub(super) fn run(arguments: &ContinueArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let after = model_folder(&arguments.model, arguments.run.as_deref())?;
    let &ContinueArguments { temperature, seed, tokens, .. } = arguments;
    let sampling = Sampling { temperature, seed, most: tokens as usize };
    let (before, text) = (before_training(&after), arguments.text.clone());
    let continued = JobRunner::begin()?.run(ContinueText { before, after: after.clone(), text, sampling })?;
    if arguments.json {
        return print_json(out, &as_json(&continued, &after));
    }
    let text = |continuation: &Continuation| {
        let end = if continuation.ended { "" } else { " …" };
        printable(&format!("{}{}{end}", continued.text.trim_end(), continuation.text))
    };
    if let Some(before) = &continued.before {
        writeln!(out, "Before training: {}\nAfter training:  {}", text(before), text(&continued.after))?;
    } else {
        writeln!(out, "{}", text(&continued.after))?;
    }
    Ok(())
}

/// The model that a run's best checkpoint was trained from, and the project's folder.
fn before_training(best: &Path) -> Option<(ModelChoice, PathBuf)> {
    let run = RunFolder::open(best.parent()?).ok()?;
    let settings = run.read_settings().ok().filter(|_| run.best() == best)?;
    Some((settings.project.model, run.project_folder().to_owned()))
}

fn as_json(continued: &ContinuedText, model: &Path) -> Value {
    let of = |continuation: &Continuation| json!({ "continuation": continuation.text, "ended": continuation.ended });
    json!({
        "text": continued.text, "before": continued.before.as_ref().map(of), "after": of(&continued.after),
        "temperature": continued.sampling.temperature, "seed": continued.sampling.seed, "model": model,
    })
}
