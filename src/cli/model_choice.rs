//! Which model a person means on the command line.

use std::io::{self, Write};
use std::path::Path;

use crate::cli::job_runner::JobRunner;
use crate::cli::shell::absolute;
use crate::cli::{CliError, shell_word};
use crate::fetch::{Catalogue, HubName, LookedUp, SuggestedModel};
use crate::models::mistaken_for_model;
use crate::project::{ModelChoice, TaskKind};
use crate::storage::{ProjectFile, adapted_model};
use crate::words::{full_stop, printable};
use crate::worker::LookUpModel;

/// The model that is meant: an id of the catalogue, a folder, the id of a suggested model, or a name on the Hugging Face Hub, in
/// this order.
pub(super) fn model_choice(jobs: &mut JobRunner, model: &str) -> Result<ModelChoice, CliError> {
    let catalogue = Catalogue::bundled().map_err(|error| CliError::Failed(error.to_string()))?;
    if catalogue.get(model).is_some() {
        return Ok(ModelChoice::Catalogue(model.to_owned()));
    }
    let folder = absolute(Path::new(model));
    if folder.join("config.json").is_file() {
        return Ok(ModelChoice::Folder(folder));
    }
    if let Some(model) = adapted_model(&folder) {
        return Ok(ModelChoice::Folder(model.folder));
    }
    if let Ok((project, settings)) = ProjectFile::read(&folder) {
        let project = shell_word(&project);
        let message = match settings.task.kind() {
            TaskKind::LanguageModelling => {
                format!("{project} has no trained model yet. Train it first: hone train {project}")
            }
            TaskKind::TextClassification => format!(
                "{project} is a project that classifies texts. Choose a project with --task adapt, or the folder best of one \
                 of its runs."
            ),
        };
        return Err(CliError::Failed(message));
    }
    if let Some(error) = mistaken_for_model(&folder) {
        return Err(CliError::Failed(error.to_string()));
    }
    if folder.is_dir() {
        let folder = folder.display();
        let message = format!("'{folder}' has no config.json. Choose a model folder saved by Hone or by transformers.");
        return Err(CliError::Failed(message));
    }
    model_to_download(jobs, model).map_err(|error| match error {
        // A folder may have been meant.
        CliError::Failed(why) if model.contains('/') && !model.contains("://") => {
            CliError::Failed(format!("{why} No folder has this name."))
        }
        other => other,
    })
}

/// A model that can be downloaded: one of the catalogue, or one of the Hub, which is looked up and pinned. Suggested models are
/// of the Hub.
pub(super) fn model_to_download(jobs: &mut JobRunner, model: &str) -> Result<ModelChoice, CliError> {
    let catalogue = Catalogue::bundled().map_err(|error| CliError::Failed(error.to_string()))?;
    if catalogue.get(model).is_some() {
        return Ok(ModelChoice::Catalogue(model.to_owned()));
    }
    let suggested = catalogue.suggestion(model).and_then(SuggestedModel::hub_name);
    let Some(name) = suggested.or_else(|| HubName::parse(model).ok()) else {
        let message = format!(
            "'{model}' is neither a known model nor a folder, nor owner/name on the Hugging Face Hub. To see the known models: \
             hone models list"
        );
        return Err(CliError::Failed(message));
    };
    match jobs.run(LookUpModel { name: name.clone() }) {
        Ok(LookedUp { model, note }) => {
            if let Some(note) = note {
                let _ = writeln!(io::stderr(), "{}", printable(&format!("Note: {note}.")));
            }
            Ok(ModelChoice::Hub(model))
        }
        // Perhaps no model of the Hub was meant.
        Err(CliError::Failed(why)) if !name.has_owner() => Err(CliError::Failed(format!(
            "'{model}' is neither a known model (hone models list) nor a folder. {}",
            full_stop(&why)
        ))),
        Err(CliError::Failed(why)) => Err(CliError::Failed(full_stop(&why))),
        Err(other) => Err(other),
    }
}
