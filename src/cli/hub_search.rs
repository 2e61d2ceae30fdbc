//! `hone models search`.

use std::io::Write;

use serde_json::json;

use crate::cli::CliError;
use crate::cli::job_runner::JobRunner;
use crate::cli::outcome::print_json;
use crate::cli::table::table;
use crate::fetch::HubListing;
use crate::words::{bytes, count, counted, full_stop, shortened};
use crate::worker::SearchHub;

/// Longest licence shown.
const LICENCE: usize = 24;

/// Searches the Hugging Face Hub.
pub(super) fn search_hub(words: &str, json: bool, out: &mut dyn Write) -> Result<(), CliError> {
    let found = JobRunner::begin()?.run(SearchHub { words: words.to_owned() }).map_err(|error| match error {
        CliError::Failed(why) => CliError::Failed(full_stop(&why)),
        other => other,
    })?;
    if json {
        let models: Vec<_> = found.iter().map(as_json).collect();
        return print_json(out, &json!({ "models": models }));
    }
    if found.is_empty() {
        writeln!(
            out,
            "No model on the Hugging Face Hub has '{words}' in its name. Check the spelling, or give owner/name."
        )?;
        return Ok(());
    }
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    let head = ["name", "architecture", ">download", "licence", ">downloads a month", "Hone can train it"];
    write!(out, "{}", table(&head, &rows))?;
    let refused: Vec<_> = found.iter().filter_map(|model| Some((model, model.untrainable.as_ref()?))).collect();
    if let [(model, why)] = refused[..]
        && found.len() == 1
    {
        writeln!(out, "\nHone cannot train {}: {why}.", model.name)?;
    }
    if found.len() > refused.len() {
        let first = found
            .iter()
            .find(|model| model.untrainable.is_none())
            .map_or_else(String::new, |model| model.name.to_string());
        let models = counted(found.len() - refused.len(), "model", "models");
        writeln!(out, "\nHone can train {models} of these. To use one: hone models fetch {first}")?;
    }
    Ok(())
}

fn row(model: &HubListing) -> Vec<String> {
    let gated = if model.gated { ", gated" } else { "" };
    let trains =
        model.untrainable.as_ref().map_or_else(|| format!("yes{gated}"), |why| format!("no: {}", why.in_short()));
    vec![
        model.name.to_string(),
        model.architecture.clone().unwrap_or_else(|| "-".to_owned()),
        model.bytes.map_or_else(|| "unknown".to_owned(), bytes),
        shortened(model.licence.as_deref().unwrap_or("-"), LICENCE),
        model.downloads.map_or_else(|| "-".to_owned(), count),
        trains,
    ]
}

fn as_json(model: &HubListing) -> serde_json::Value {
    json!({
        "name": model.name.to_string(), "architecture": model.architecture, "parameters": model.parameters,
        "bytes": model.bytes, "licence": model.licence, "downloads": model.downloads, "gated": model.gated,
        "can_train": model.untrainable.is_none(), "why_not": model.untrainable.as_ref().map(ToString::to_string),
    })
}
