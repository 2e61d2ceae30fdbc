//! `hone models list`.

use std::io::Write;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::cli::CliError;
use crate::cli::outcome::print_json;
use crate::cli::table::table;
use crate::data::Language;
use crate::fetch::{Catalogue, Languages, ModelFolders, ModelGroup, Offer};
use crate::words::{bytes, count, parameters};

/// Lists the models of the catalogue, group by group.
pub(super) fn list_models(catalogue: &Catalogue, json: bool, out: &mut dyn Write) -> Result<(), CliError> {
    let folders = ModelFolders::from_environment();
    let offers = ModelGroup::ALL.into_iter().flat_map(|group| catalogue.offers(group));
    let models: Vec<(Offer<'_>, Option<PathBuf>)> =
        offers.map(|offer| (offer, folders.as_ref().and_then(|folders| place(folders, offer)))).collect();
    if json {
        let models: Vec<Value> = models.iter().map(|(offer, place)| as_json(*offer, place.as_ref())).collect();
        return print_json(out, &json!({ "models": models }));
    }
    let rows: Vec<Vec<String>> = models.iter().map(|(offer, place)| row(*offer, place.is_some())).collect();
    let head = ["group", "id", "language", ">tokens", ">parameters", ">download", "licence", "on this machine"];
    write!(out, "{}", table(&head, &rows))?;
    writeln!(
        out,
        "\ntokens: the longest text that a model reads. Where the download is -, its size is known once you fetch the model."
    )?;
    Ok(())
}

fn place(folders: &ModelFolders, offer: Offer<'_>) -> Option<PathBuf> {
    match offer {
        Offer::Pinned(entry) => folders.locate(entry),
        Offer::Suggested(model) => folders.cached(&model.hub_name()?),
    }
}

fn row(offer: Offer<'_>, is_here: bool) -> Vec<String> {
    let none = || "-".to_owned();
    let language = match offer.languages() {
        Some(Languages::Only(code)) => Language::of_code(&code).map_or(code, |language| language.name.to_owned()),
        Some(Languages::Several(number)) => format!("{number} languages"),
        None => none(),
    };
    let (longest, numbers, size, licence) = match offer {
        Offer::Pinned(entry) => (entry.longest, Some(entry.parameters), entry.bytes(), &entry.licence),
        Offer::Suggested(model) => (Some(model.longest), model.parameters, None, &model.licence),
    };
    vec![
        offer.group().title().to_owned(),
        offer.id().to_owned(),
        language,
        longest.map_or_else(none, count),
        numbers.map_or_else(none, parameters),
        size.map_or_else(none, bytes),
        licence.clone(),
        if is_here { "yes" } else { "no" }.to_owned(),
    ]
}

fn as_json(offer: Offer<'_>, folder: Option<&PathBuf>) -> Value {
    let mut model = match offer {
        Offer::Pinned(entry) => json!({
            "name": entry.name, "architecture": entry.architecture, "parameters": entry.parameters,
            "bytes": entry.bytes(), "licence": entry.licence, "longest": entry.longest,
            "description": entry.description,
        }),
        Offer::Suggested(model) => json!({
            "name": model.name, "architecture": model.architecture, "parameters": model.parameters, "bytes": null,
            "licence": model.licence, "longest": model.longest, "description": model.description, "repo": model.repo,
        }),
    };
    model["id"] = json!(offer.id());
    model["group"] = json!(offer.group().title());
    model["languages"] = match offer.languages() {
        Some(Languages::Only(code)) => json!(code),
        Some(Languages::Several(number)) => json!(number),
        None => Value::Null,
    };
    model["folder"] = json!(folder);
    model
}
