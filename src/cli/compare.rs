//! `hone compare`.

use std::io::Write;
use std::path::Path;

use serde_json::json;

use crate::cli::CliError;
use crate::cli::args::CompareArguments;
use crate::cli::outcome::print_json;
use crate::evaluation::{Prediction, RunDifference, Tested};
use crate::project::changes;
use crate::storage::{ProjectFile, RunFolder, RunSettings};
use crate::words::counted;

/// A run that is compared.
struct Compared {
    id: String,
    settings: RunSettings,
    /// Predictions of the test rows, or else of the validation rows.
    predictions: Vec<Prediction>,
    has_test_rows: bool,
}

impl Compared {
    fn read(project: &Path, id: &str) -> Result<Self, CliError> {
        let run = RunFolder::find(project, Some(id))?;
        run.trained()?;
        let (test, settings) = (run.read_predictions("test")?, run.read_settings()?);
        let has_test_rows = !test.is_empty();
        let predictions = if has_test_rows { test } else { run.read_predictions("validation")? };
        if predictions.is_empty() {
            let message =
                format!("Run {id} has no predictions yet. Evaluate it first: hone evaluate, with --run {id}.");
            return Err(CliError::Failed(message));
        }
        Ok(Self { id: id.to_owned(), settings, predictions, has_test_rows })
    }

    fn tested(&self) -> Tested<'_> {
        Tested { labels: &self.settings.labels, predictions: &self.predictions }
    }
}

/// Compares two runs of a project on the rows that both were tested on.
pub(super) fn run(arguments: &CompareArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let (folder, _) = ProjectFile::read(&arguments.project)?;
    let [first, second] = [&arguments.first, &arguments.second].map(|id| Compared::read(&folder, id));
    let (first, second) = (first?, second?);
    if first.has_test_rows != second.has_test_rows {
        let message = "One of the runs was tested on test rows, and the other only on validation rows.";
        return Err(CliError::Failed(format!("{message} Evaluate it first: hone evaluate, with --run.")));
    }
    let number = number_of(&folder, &first.id)?;
    let Some(difference) = RunDifference::new(second.tested(), number, first.tested()) else {
        return Err(CliError::Failed("Only runs that classify texts can be compared.".to_owned()));
    };
    let settings = changes(&first.settings.project, &second.settings.project);
    if arguments.json {
        return print_json(out, &as_json(&difference, [&first, &second], &settings));
    }
    writeln!(out, "Run {}, compared with run {number} ({}):", second.id, first.id)?;
    writeln!(out, "{}", difference.says())?;
    if difference.fixed.len() + difference.broken.len() > 0 {
        let chance = difference.chance();
        writeln!(
            out,
            "If both were equally good, so many rows or more would differ with a probability of {chance:.3} (McNemar's exact test)."
        )?;
    }
    writeln!(out)?;
    match settings.as_slice() {
        [] => writeln!(out, "Their settings are the same.")?,
        settings => {
            let number = counted(settings.len(), "setting differs", "settings differ");
            writeln!(out, "{number}:")?;
            settings.iter().try_for_each(|line| writeln!(out, "  {line}"))?;
        }
    }
    Ok(())
}

/// The run's place among the project's runs.
fn number_of(project: &Path, id: &str) -> Result<u64, CliError> {
    let runs = RunFolder::list(project)?;
    Ok(runs.iter().find(|run| run.folder.id() == id).map_or(0, |run| run.number))
}

fn as_json(difference: &RunDifference, runs: [&Compared; 2], settings: &[String]) -> serde_json::Value {
    let ids = |rows: &[crate::project::RowId]| rows.iter().map(ToString::to_string).collect::<Vec<_>>();
    json!({
        "runs": runs.map(|run| &run.id),
        "rows": difference.rows,
        "same_test_rows": difference.has_same_test_rows(),
        "macro_f1": [difference.macro_f1[1], difference.macro_f1[0]],
        "accuracy": [difference.accuracy[1], difference.accuracy[0]],
        "difference": difference.macro_f1[0] - difference.macro_f1[1],
        "interval": difference.interval.map(|interval| [interval.low, interval.high]),
        "mcnemar_p": difference.chance(),
        "fixed": ids(&difference.fixed),
        "broken": ids(&difference.broken),
        "settings": settings,
    })
}
