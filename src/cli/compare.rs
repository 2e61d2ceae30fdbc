//! `hone compare`.

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use crate::cli::CliError;
use crate::cli::outcome::print_json;
use crate::cli::run_args::CompareArguments;
use crate::evaluation::{LanguageDifference, RunDifference};
use crate::project::{RowId, changes};
use crate::storage::{ProjectFile, RunFolder, StorageError};
use crate::words::counted;
use crate::worker::{ComparedRun, PairedDifference};

/// Compares two runs of a project on the rows that both were tested on.
pub(super) fn run(arguments: &CompareArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let (folder, _) = ProjectFile::read(&arguments.project)?;
    let (first, second) = (read(&folder, &arguments.first)?, read(&folder, &arguments.second)?);
    let difference = second.compared_with(&first).map_err(CliError::Failed)?;
    let settings = changes(&first.settings.project, &second.settings.project);
    let [first_id, second_id] = [&first, &second].map(|run| run.listing.folder.id());
    if arguments.json {
        let mut value = match &difference {
            PairedDifference::Classes(difference) => classes_json(difference),
            PairedDifference::Words(difference) => words_json(difference),
        };
        value["runs"] = json!([first_id, second_id]);
        value["settings"] = json!(settings);
        return print_json(out, &value);
    }
    writeln!(out, "Run {second_id}, compared with run {} ({first_id}):", first.listing.number)?;
    writeln!(out, "{}", difference.says())?;
    if let Some(says) = difference.mcnemar() {
        writeln!(out, "{says}")?;
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

fn read(project: &Path, id: &str) -> Result<ComparedRun, CliError> {
    let run = RunFolder::find(project, Some(id))?;
    let listed = RunFolder::list(project)?.into_iter().find(|listing| listing.folder == run);
    let listing = listed.ok_or_else(|| StorageError::Gone(run.path().to_owned()))?;
    Ok(ComparedRun::read(listing)?)
}

fn classes_json(difference: &RunDifference) -> Value {
    let ids = |rows: &[RowId]| rows.iter().map(ToString::to_string).collect::<Vec<_>>();
    json!({
        "rows": difference.rows,
        "same_test_rows": difference.has_same_test_rows(),
        "macro_f1": [difference.macro_f1[1], difference.macro_f1[0]],
        "accuracy": [difference.accuracy[1], difference.accuracy[0]],
        "difference": difference.macro_f1[0] - difference.macro_f1[1],
        "interval": difference.interval.map(|interval| [interval.low, interval.high]),
        "mcnemar_p": difference.chance(),
        "fixed": ids(&difference.fixed),
        "broken": ids(&difference.broken),
    })
}

fn words_json(difference: &LanguageDifference) -> Value {
    json!({
        "documents": difference.documents,
        "same_documents": difference.only_this + difference.only_earlier == 0,
        "same_tokens": difference.same_tokens,
        "perplexity": [difference.perplexity[1], difference.perplexity[0]],
        "difference": difference.perplexity[0] - difference.perplexity[1],
        "interval": difference.interval.map(|interval| [interval.low, interval.high]),
    })
}
