//! `hone new`: creates a project from data files.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::args::{ColumnArguments, NewArguments, ReadingArguments, SplitArguments};
use crate::cli::job_runner::JobRunner;
use crate::cli::model_choice::model_choice;
use crate::cli::shell::absolute;
use crate::cli::values::with_settings;
use crate::cli::{CliError, shell_word};
use crate::data::{DomainTerm, DomainTerms, FilePart, Imported, check_pattern};
use crate::fetch::{ModelFolders, locate, network_of};
use crate::project::{
    ColumnRole, DatasetSettings, NetworkKind, Pattern, Project, RoleRule, SourceFile, SplitMethod, TaskKind,
    TrainedLayers,
};
use crate::storage::{PROJECT_FILE, ProjectFile, StorageError};
use crate::words::{count, counted, full_stop, plural, printable};
use crate::worker::{FindTerms, Import, Prepare};

/// New words proposed.
const PROPOSED: usize = 10;

/// Creates the project after reading its files.
pub(super) fn run(arguments: &NewArguments, out: &mut dyn Write) -> Result<(), CliError> {
    if !arguments.force && arguments.folder.join(PROJECT_FILE).exists() {
        return Err(StorageError::ProjectExists(arguments.folder.clone()).into());
    }
    let mut project = Project { name: project_name(arguments), ..Project::new(arguments.task.kind) };
    project.dataset = DatasetSettings {
        validation: arguments.validation.as_deref().map(absolute),
        test: arguments.test.as_deref().map(absolute),
        ..reading(&arguments.data, &arguments.reading)
    };
    let mut jobs = JobRunner::begin()?;
    if let Some(model) = &arguments.model {
        project.model = model_choice(&mut jobs, model)?;
        let (kind, network) = (project.task.kind(), network_of(&project.model, Path::new(".")));
        project.training = project.training.moved(kind, NetworkKind::OF_DEFAULT_MODEL, network);
    }
    choose_method(&mut project, &arguments.split);
    project = with_settings(&project, &arguments.settings, Path::new("."))?;
    for given in &arguments.replace {
        let number = project.cleaning.patterns.len() + 1;
        project.cleaning.patterns.push(pattern(given, number)?);
    }
    let read = |project: &Project| Import { project: project.clone(), folder: arguments.folder.clone() };
    let mut imported = jobs.run(read(&project))?;
    let is_split_given = is_split_given(&arguments.split, &arguments.settings);
    if !is_split_given && use_own_parts(&mut project, &imported) {
        imported = jobs.run(read(&project))?;
    }
    choose_split_columns(&mut project, &arguments.split, &imported.main.table.names)?;
    choose_columns(&arguments.columns, &imported, &mut project)?;
    if !is_split_given {
        imported.split_by_guess(&mut project);
    }
    none_is_open(&imported, &project)?;
    // Before anything is written: it can fail, and be stopped.
    let terms = match project.task.kind() {
        TaskKind::TextClassification => None,
        TaskKind::LanguageModelling => find_terms(&mut jobs, &arguments.folder, &project, &imported)?,
    };
    let file = ProjectFile::create(&arguments.folder, &project, arguments.force)?;
    file.save(&project)?;
    print(out, &arguments.folder, &project, &imported, is_split_given)?;
    print_new_words(out, terms.as_deref().map_or(&[][..], |terms| terms.new_words.as_slice()))?;
    writeln!(out, "Next: hone train {}", shell_word(&arguments.folder))?;
    Ok(())
}

/// The terms of the texts; `None` if the model is not on this machine.
fn find_terms(
    jobs: &mut JobRunner,
    folder: &Path,
    project: &Project,
    imported: &Arc<Imported>,
) -> Result<Option<Arc<DomainTerms>>, CliError> {
    let folders = ModelFolders::from_environment();
    let Some(model) = locate(&project.model, folder, folders.as_ref()).ok().flatten() else { return Ok(None) };
    let rows = jobs.run(Prepare {
        project: Arc::new(project.clone()),
        imported: Arc::clone(imported),
        folder: Some(folder.to_owned()),
    })?;
    Ok(Some(jobs.run(FindTerms { rows, model })?))
}

/// Proposes words to add to the model's vocabulary.
fn print_new_words(out: &mut dyn Write, words: &[DomainTerm]) -> Result<(), CliError> {
    let proposed = &words[..words.len().min(PROPOSED)];
    if proposed.is_empty() {
        return Ok(());
    }
    let words: Vec<String> = proposed.iter().map(|term| format!("{} ({})", term.word, term.count)).collect();
    let quoted: Vec<String> = proposed.iter().map(|term| format!("\"{}\"", term.word)).collect();
    let setting = format!("task.new_words=[{}]", quoted.join(", "));
    writeln!(out, "Frequent words that the model breaks into three or more pieces: {}.", words.join(", "))?;
    writeln!(out, "To add them to its vocabulary, train with: --set {}", shell_word(Path::new(&setting)))?;
    Ok(())
}

/// `FIND=REPLACE`, or `regex:FIND=REPLACE`.
fn pattern(given: &str, number: usize) -> Result<Pattern, CliError> {
    let wrong = || CliError::Usage(format!("'{given}' is not in the form FIND=REPLACE, such as colour=color."));
    let (find, replace) = given.split_once('=').ok_or_else(wrong)?;
    let (find, regex) = find.strip_prefix("regex:").map_or((find, false), |find| (find, true));
    let pattern = Pattern { find: find.to_owned(), replace: replace.to_owned(), regex, ..Pattern::default() };
    check_pattern(&pattern, number).map_err(|error| CliError::Usage(error.to_string()))?;
    Ok(pattern)
}

/// Says what is set otherwise for a GPT.
fn print_presets(out: &mut dyn Write, project: &Project) -> Result<(), CliError> {
    let training = &project.training;
    let Some(tokens) = training.batch_tokens.filter(|_| training.trained_layers == TrainedLayers::Lora) else {
        return Ok(());
    };
    writeln!(
        out,
        "The model is a GPT: training starts with an adapter (LoRA) at a learning rate of {:e}, in batches of up to {} texts and \
         {} tokens.",
        training.optimizer.learning_rate,
        training.batch_size,
        count(tokens),
    )?;
    Ok(())
}

fn print(
    out: &mut dyn Write,
    folder: &Path,
    project: &Project,
    imported: &Imported,
    is_split_given: bool,
) -> Result<(), CliError> {
    let rows = counted(imported.main.table.len() as u64, "row", "rows");
    writeln!(out, "Created project {} in {} with {rows}.", project.name, folder.display())?;
    let dataset = &project.dataset;
    let read: Vec<&str> = dataset.read_columns().collect();
    let label: Vec<&str> = dataset.label_columns().collect();
    let label = match label.as_slice() {
        [] => String::new(),
        [label] => format!(" Label: {label}."),
        labels => format!(" Labels: {}.", labels.join(", ")),
    };
    writeln!(out, "Text: {}.{label}", read.join(", then "))?;
    let others = other_roles(project, &imported.main.table.names);
    if !others.is_empty() {
        writeln!(out, "Other columns: {}.", others.join(", "))?;
    }
    if let Some(split) = split_in_words(project) {
        writeln!(out, "{split}")?;
    }
    print_presets(out, project)?;
    if let Some(split) = given_split(project, imported, is_split_given) {
        writeln!(out, "{split}")?;
    }
    for part in imported.files().flat_map(|file| &file.parts) {
        print_remarks(out, part, imported.main.is_several())?;
    }
    for part in imported.files().flat_map(|file| &file.parts).filter(|part| part.bad_rows > 0) {
        let bad = counted(part.bad_rows as u64, "row", "rows");
        let path = part.path.display();
        writeln!(out, "{bad} of {path} could not be read. To see them: hone inspect {}", shell_word(&part.path))?;
    }
    let named: Vec<&str> = imported.main.strangers().map(|part| part.name.as_str()).collect();
    if !named.is_empty() {
        let have = plural(named.len(), "has", "have");
        writeln!(out, "You cannot train yet: {} {have} no columns in common with the first file.", named.join(", "))?;
    }
    Ok(())
}

/// Whether a person said how to split the rows.
pub(super) fn is_split_given(arguments: &SplitArguments, settings: &[String]) -> bool {
    let SplitArguments { group, time, split_column } = arguments;
    [group, time, split_column].into_iter().any(Option::is_some)
        || settings.iter().any(|setting| setting.starts_with("split"))
}

/// Uses the validation and test parts that the folder of the data has, unless other files are given for them. Returns
/// whether the data has to be read again.
pub(super) fn use_own_parts(project: &mut Project, imported: &Imported) -> bool {
    let dataset = &mut project.dataset;
    if !imported.leaves_parts(dataset) || !dataset.more.is_empty() {
        return false;
    }
    for part in &imported.main.other_parts {
        match part {
            SourceFile::Main => {}
            SourceFile::Validation => dataset.validation.clone_from(&dataset.main),
            SourceFile::Test => dataset.test.clone_from(&dataset.main),
        }
    }
    true
}

/// Says whether the split that the data gives is used; `None` if it gives none, or the person chose another.
pub(super) fn given_split(project: &Project, imported: &Imported, is_split_given: bool) -> Option<String> {
    let dataset = &project.dataset;
    let is_own = |file: &Option<PathBuf>| file.is_some() && *file == dataset.main;
    if is_own(&dataset.validation) || is_own(&dataset.test) {
        let rows = |file| imported.file(file).map_or(0, |file| file.table.len());
        let [training, validation, test] = SourceFile::ALL.map(rows).map(count);
        return Some(format!(
            "Split: by the folder's own files, with {training} training, {validation} validation and {test} test rows."
        ));
    }
    let is_open = !is_split_given && project.split.method != SplitMethod::Column;
    let column = imported.guessed.split.as_ref().filter(|_| is_open)?;
    let how = if imported.guessed.split_is_usable {
        format!("To use it, add --split-column {}", shell_word(Path::new(column)))
    } else {
        "Some rows are in no split: complete the column in the file, and add --split-column".to_owned()
    };
    Some(format!("The column '{column}' seems to give the split, but is not used. {how}."))
}

/// Prints what a person should know about how a file was read, with its name if there are several.
pub(super) fn print_remarks(out: &mut dyn Write, part: &FilePart, is_named: bool) -> Result<(), CliError> {
    for remark in &part.remarks {
        let name = if is_named { format!("{}: ", printable(&part.name)) } else { String::new() };
        writeln!(out, "{name}{}", full_stop(&printable(remark)))?;
    }
    if part.has_found_header() {
        writeln!(out, "If another one is the header, name it with --header-row.")?;
    }
    Ok(())
}

/// Chooses the split method from the columns given; a setting can override it.
pub(super) fn choose_method(project: &mut Project, arguments: &SplitArguments) {
    project.split.method = match (&arguments.split_column, &arguments.time) {
        (Some(_), _) => SplitMethod::Column,
        (None, Some(_)) => SplitMethod::Time,
        (None, None) => SplitMethod::Random,
    };
}

/// Sets the columns of the split, which must exist.
pub(super) fn choose_split_columns(
    project: &mut Project,
    arguments: &SplitArguments,
    names: &[String],
) -> Result<(), CliError> {
    for (asked, role) in [
        (&arguments.group, ColumnRole::Group),
        (&arguments.time, ColumnRole::Time),
        (&arguments.split_column, ColumnRole::Split),
    ] {
        if let Some(asked) = asked {
            must_be_there(asked, names)?;
            give_role(&mut project.dataset, asked, role)?;
        }
    }
    Ok(())
}

/// Gives a column a role. Fails if another role was requested for it as well.
fn give_role(dataset: &mut DatasetSettings, column: &str, role: ColumnRole) -> Result<(), CliError> {
    has_no_other(dataset, column, role)?;
    dataset.set_role(column, Some(role));
    Ok(())
}

fn has_no_other(dataset: &DatasetSettings, column: &str, role: ColumnRole) -> Result<(), CliError> {
    let Some(before) = dataset.role_of(column).filter(|before| *before != role) else { return Ok(()) };
    let (before, role) = (before.title().to_lowercase(), role.title().to_lowercase());
    Err(CliError::Failed(format!("The column '{column}' cannot be both '{before}' and '{role}'.")))
}

/// Describes the split, if it uses a column.
fn split_in_words(project: &Project) -> Option<String> {
    let dataset = &project.dataset;
    match (project.split.method, dataset.group_column(), dataset.time_column(), dataset.split_column()) {
        (SplitMethod::Column, _, _, Some(column)) => Some(format!("Split: by column {column}.")),
        (SplitMethod::Time, _, Some(column), _) => Some(format!("Split: by time ({column}).")),
        (SplitMethod::Random, Some(column), ..) => {
            Some(format!("Split: at random, keeping rows with the same {column} together."))
        }
        _ => None,
    }
}

/// The columns other than text and label with their roles, such as `order_id (id)`.
fn other_roles(project: &Project, names: &[String]) -> Vec<String> {
    let is_split = project.split.method == SplitMethod::Column;
    let is_other = |role: &ColumnRole| match role {
        ColumnRole::Text | ColumnRole::Joined | ColumnRole::Label | ColumnRole::Ignored => false,
        ColumnRole::Split => is_split,
        _ => true,
    };
    let in_words = |name: &String| {
        let role = project.dataset.role_of(name).filter(is_other)?;
        Some(format!("{name} ({})", role.title().to_lowercase()))
    };
    names.iter().filter_map(in_words).collect()
}

/// The dataset settings that say which files to read, and how.
pub(super) fn reading(files: &[PathBuf], arguments: &ReadingArguments) -> DatasetSettings {
    let mut files = files.iter().map(|file| absolute(file));
    DatasetSettings {
        main: files.next(),
        more: files.collect(),
        delimiter: arguments.delimiter,
        encoding: arguments.encoding.clone(),
        header: arguments.no_header.then_some(false),
        header_row: arguments.header_row,
        sheet: arguments.sheet.clone(),
        ..DatasetSettings::default()
    }
}

/// Gives columns the requested roles, and the others the guessed ones.
pub(super) fn choose_columns(
    asked: &ColumnArguments,
    imported: &Imported,
    project: &mut Project,
) -> Result<(), CliError> {
    let (task, dataset) = (project.task.kind(), &mut project.dataset);
    if task.role(ColumnRole::Label).is_none() && !asked.labels.is_empty() {
        return Err(CliError::Usage(format!(
            "A project with --task {} has no labels. Remove --label.",
            task.keyword()
        )));
    }
    let names = &imported.main.table.names;
    for column in asked.titles.iter().chain(&asked.labels).chain(&asked.text).chain(&asked.id) {
        must_be_there(column, names)?;
    }
    for column in &asked.labels {
        has_no_other(dataset, column, ColumnRole::Label)?;
    }
    match asked.labels.as_slice() {
        [] => {}
        [column] => dataset.set_role(column, Some(ColumnRole::Label)),
        columns => dataset.set_label_columns(columns),
    }
    let titles = asked.titles.iter().map(|column| (column, ColumnRole::Joined));
    let others = [(&asked.text, ColumnRole::Text), (&asked.id, ColumnRole::Id)].into_iter();
    for (column, role) in titles.chain(others.filter_map(|(column, role)| Some((column.as_ref()?, role)))) {
        give_role(dataset, column, role)?;
    }
    imported.fill_in(task, dataset);
    Ok(())
}

/// Fails if the text or the label column is unknown.
fn none_is_open(imported: &Imported, project: &Project) -> Result<(), CliError> {
    let columns = imported.main.table.names.join(", ");
    let dataset = &project.dataset;
    let needs_label = project.task.kind().role(ColumnRole::Label).is_some_and(RoleRule::is_needed);
    let role = if dataset.text_column().is_none() {
        "text"
    } else if !needs_label || dataset.label_columns().next().is_some() {
        return Ok(());
    } else if let Some(column) = imported.uncalculated_labels().next() {
        return Err(CliError::Failed(format!(
            "The column '{column}' seems to be the label, but its formulas have no calculated values. Open the file in a \
             spreadsheet program and save it, or name another label column with --label. The columns are: {columns}."
        )));
    } else if imported.guessed.label_columns.is_empty() {
        "label"
    } else {
        return Err(CliError::Failed(label_columns_hint(&imported.guessed.label_columns)));
    };
    Err(CliError::Failed(format!(
        "Hone could not guess the {role} column. Name it with --{role}. The columns are: {columns}."
    )))
}

/// Says how to use columns that look like one-hot labels.
pub(super) fn label_columns_hint(columns: &[String]) -> String {
    let named: Vec<String> =
        columns.iter().map(|column| format!("--label {}", shell_word(Path::new(column)))).collect();
    format!("These columns look like one-hot labels: {}. To use them, add {}.", columns.join(", "), named.join(" "))
}

fn must_be_there(column: &str, names: &[String]) -> Result<(), CliError> {
    if names.iter().any(|name| name == column) {
        return Ok(());
    }
    let near = names.iter().min_by_key(|name| strsim::levenshtein(name, column));
    let near = near.filter(|name| strsim::levenshtein(name, column) <= 2);
    let near = near.map(|name| format!(" Did you mean '{name}'?")).unwrap_or_default();
    let listed = names.join(", ");
    Err(CliError::Failed(format!("There is no column '{column}'.{near} The columns are: {listed}.")))
}

fn project_name(arguments: &NewArguments) -> String {
    let folder = absolute(&arguments.folder);
    let from_folder = || folder.file_name().map(|name| name.to_string_lossy().into_owned());
    arguments.name.clone().or_else(from_folder).unwrap_or_else(|| Project::default().name)
}
