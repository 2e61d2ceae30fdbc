//! `hone new`: a project from a file.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{NewArguments, ReadingArguments};
use super::session::Session;
use super::setting::distance;
use super::table::count;
use super::{CliError, apply_settings, shell_word};
use crate::data::{Imported, check_pattern};
use crate::models::Catalogue;
use crate::project::{DatasetSettings, ModelChoice, Pattern, Project};
use crate::storage::{PROJECT_FILE, ProjectFile, StorageError};
use crate::worker::{Answer, Command};

/// Makes the project, after a look into its files.
pub(super) fn run(arguments: &NewArguments, out: &mut dyn Write) -> Result<(), CliError> {
    if !arguments.force && arguments.folder.join(PROJECT_FILE).exists() {
        return Err(StorageError::ProjectExists(arguments.folder.clone()).into());
    }
    let mut project = Project { name: project_name(arguments), ..Project::default() };
    project.dataset = DatasetSettings {
        main: Some(absolute(&arguments.data)),
        validation: arguments.validation.as_deref().map(absolute),
        test: arguments.test.as_deref().map(absolute),
        ..reading(&arguments.reading)
    };
    if let Some(model) = &arguments.model {
        project.model = model_choice(model)?;
    }
    project = apply_settings(&project, &arguments.settings)?;
    for given in &arguments.replace {
        let number = project.cleaning.patterns.len() + 1;
        project.cleaning.patterns.push(pattern(given, number)?);
    }
    let imported = import(&mut Session::begin()?, &project, &arguments.folder)?;
    let names = &imported.main.table.names;
    project.dataset.text_column = choose("text", arguments.text.as_deref(), imported.guessed_text.as_deref(), names)?;
    project.dataset.label_column =
        choose("label", arguments.label.as_deref(), imported.guessed_label.as_deref(), names)?;
    let file = ProjectFile::create(&arguments.folder, &project, arguments.force)?;
    file.save(&project)?;
    print(out, &arguments.folder, &project, &imported)
}

/// `FIND=REPLACE`, or `regex:FIND=REPLACE`.
fn pattern(given: &str, number: usize) -> Result<Pattern, CliError> {
    let wrong = || CliError::Usage(format!("'{given}' is not FIND=REPLACE. Write it as colour=color, for example."));
    let (find, replace) = given.split_once('=').ok_or_else(wrong)?;
    let (find, regex) = find.strip_prefix("regex:").map_or((find, false), |find| (find, true));
    let pattern = Pattern { find: find.to_owned(), replace: replace.to_owned(), regex, ..Pattern::default() };
    check_pattern(&pattern, number).map_err(|error| CliError::Usage(error.to_string()))?;
    Ok(pattern)
}

fn print(out: &mut dyn Write, folder: &Path, project: &Project, imported: &Imported) -> Result<(), CliError> {
    let rows = count(imported.main.table.len() as u64, "row", "rows");
    writeln!(out, "Made the project {} in {} with {rows}.", project.name, folder.display())?;
    let dataset = &project.dataset;
    writeln!(out, "Text: {}. Label: {}.", dataset.text_column, dataset.label_column)?;
    let files = std::iter::once(&imported.main).chain(&imported.validation).chain(&imported.test);
    for file in files.filter(|file| !file.bad_rows.is_empty()) {
        let bad = count(file.bad_rows.len() as u64, "row", "rows");
        writeln!(out, "{bad} of {} could not be used; `hone inspect` shows them.", file.path.display())?;
    }
    writeln!(out, "Next: hone train {}", shell_word(folder))?;
    Ok(())
}

/// Reads a project's files through the worker.
pub(super) fn import(session: &mut Session, project: &Project, folder: &Path) -> Result<Arc<Imported>, CliError> {
    let command = Command::Import { project: Box::new(project.clone()), folder: folder.to_owned() };
    match session.run(command)? {
        Answer::Imported(imported) => Ok(imported),
        _ => Err(CliError::unexpected()),
    }
}

/// The dataset settings that say how to read a file.
pub(super) fn reading(arguments: &ReadingArguments) -> DatasetSettings {
    DatasetSettings {
        delimiter: arguments.delimiter,
        encoding: arguments.encoding.clone(),
        header: arguments.no_header.then_some(false),
        sheet: arguments.sheet.clone(),
        ..DatasetSettings::default()
    }
}

/// The column asked for, or the one guessed.
pub(super) fn choose(
    role: &str,
    asked: Option<&str>,
    guessed: Option<&str>,
    names: &[String],
) -> Result<String, CliError> {
    let listed = || names.join(", ");
    match (asked, guessed) {
        (Some(asked), _) if names.iter().any(|name| name == asked) => Ok(asked.to_owned()),
        (Some(asked), _) => {
            let near = names.iter().min_by_key(|name| distance(name, asked));
            let near = near.filter(|name| distance(name, asked) <= 2);
            let near = near.map(|name| format!(" Did you mean '{name}'?")).unwrap_or_default();
            Err(CliError::Failed(format!("There is no column '{asked}'.{near} The columns are: {}.", listed())))
        }
        (None, Some(guessed)) => Ok(guessed.to_owned()),
        (None, None) => Err(CliError::Failed(format!(
            "No column stands out as the {role}. Name it with --{role}; the columns are: {}.",
            listed()
        ))),
    }
}

/// Paths are typed from where the person stands, not from the project's folder.
pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn project_name(arguments: &NewArguments) -> String {
    let folder = absolute(&arguments.folder);
    let from_folder = || folder.file_name().map(|name| name.to_string_lossy().into_owned());
    arguments.name.clone().or_else(from_folder).unwrap_or_else(|| Project::default().name)
}

pub(super) fn model_choice(model: &str) -> Result<ModelChoice, CliError> {
    let catalogue = Catalogue::bundled().map_err(|error| CliError::Failed(error.to_string()))?;
    if catalogue.get(model).is_some() {
        return Ok(ModelChoice::Catalogue(model.to_owned()));
    }
    let folder = absolute(Path::new(model));
    if folder.join("config.json").is_file() {
        return Ok(ModelChoice::Folder(folder));
    }
    if folder.is_dir() {
        let folder = folder.display();
        let message = format!("{folder} holds no config.json. Choose a folder saved by Hone or by transformers.");
        return Err(CliError::Failed(message));
    }
    let ids: Vec<&str> = catalogue.entries().iter().map(|entry| entry.id.as_str()).collect();
    Err(CliError::Failed(format!(
        "'{model}' is neither a model Hone knows nor a folder. The models are: {}.",
        ids.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_chosen_guessed_or_asked_for() {
        let names = ["review", "stars"].map(str::to_owned);
        assert_eq!(choose("text", Some("review"), None, &names).unwrap(), "review");
        assert_eq!(choose("text", None, Some("review"), &names).unwrap(), "review");
        let message = |asked| choose("text", asked, None, &names).unwrap_err().to_string();
        assert_eq!(
            message(Some("Review")),
            "There is no column 'Review'. Did you mean 'review'? The columns are: review, stars."
        );
        assert_eq!(message(Some("body")), "There is no column 'body'. The columns are: review, stars.");
        assert!(message(None).contains("--text"));
    }
}
