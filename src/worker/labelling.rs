//! Jobs that label texts with a trained model: a file's, or those a person typed.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::data::{self, ImportedFile, Table};
use crate::evaluation::ClassAnswer;
use crate::predictor::Predictor;
use crate::project::{DatasetSettings, SourceFile};
use crate::storage::{ModelFolderInfo, PROJECT_FILE, RunFolder, advice, write_atomic};

use crate::worker::jobs::{Context, JobError};
use crate::worker::runs::column;
use crate::worker::{Answer, LogLevel};

/// The last model loaded, for the next text typed.
#[derive(Default)]
pub(super) struct KeptModel(Option<(PathBuf, Option<SystemTime>, Arc<Predictor>)>);

impl KeptModel {
    /// Lets go of its memory.
    pub fn forget(&mut self) {
        self.0 = None;
    }
}

impl Context<'_> {
    /// The model in `folder`, kept from before if the folder's weights are still the same file.
    pub fn model(&mut self, folder: &Path) -> Result<Arc<Predictor>, JobError> {
        let stamp = std::fs::metadata(folder.join("model.safetensors")).and_then(|file| file.modified()).ok();
        if let Some((kept_folder, kept_stamp, model)) = &self.kept.model.0
            && kept_folder == folder
            && *kept_stamp == stamp
            && stamp.is_some()
        {
            return Ok(Arc::clone(model));
        }
        self.kept.model.forget();
        let model = Arc::new(Predictor::load(folder)?);
        self.kept.model.0 = Some((folder.to_owned(), stamp, Arc::clone(&model)));
        Ok(model)
    }

    /// Says which records of a file could not be used.
    pub fn tell_bad_rows(&mut self, file: &ImportedFile) {
        if let Some(first) = file.bad_rows.first() {
            let (count, line, reason) = (file.bad_rows.len(), first.line, &first.reason);
            let message =
                format!("{count} records could not be read and are left out; the first, on line {line}: {reason}");
            self.reporter.log(LogLevel::Warning, message);
        }
    }
}

/// Labels texts.
pub(super) fn classify(context: &mut Context<'_>, folder: &Path, texts: &[String]) -> Result<Answer, JobError> {
    let model = context.model(folder)?;
    let answers = classes(context, &model, texts)?;
    let probabilities = answers.into_iter().map(|class| class.map(|class| class.probabilities).unwrap_or_default());
    Ok(Answer::Classified { labels: model.labels().to_vec(), probabilities: probabilities.collect() })
}

/// The predicted classes of raw texts; `None` for a text with nothing left after cleaning.
fn classes<T: AsRef<str> + Sync>(
    context: &mut Context<'_>,
    model: &Predictor,
    texts: &[T],
) -> Result<Vec<Option<ClassAnswer>>, JobError> {
    let answers = context.watched(|watch| model.answer(texts, watch))?;
    Ok(answers.into_iter().map(|answer| answer.and_then(|answer| answer.class().cloned())).collect())
}

/// Labels every row of a file and writes a CSV.
pub(super) fn predict_file(
    context: &mut Context<'_>,
    folder: &Path,
    input: &Path,
    text_column: Option<&str>,
    output: &Path,
) -> Result<Answer, JobError> {
    refuse_precious_file(folder, input, output)?;
    let model = context.model(folder)?;
    let settings = DatasetSettings::default();
    let imported = context.watched(|watch| data::read_table(input, SourceFile::Main, &settings, watch))?;
    context.tell_bad_rows(&imported);
    let table = &imported.table;
    let columns = read_columns(context, model.info(), text_column, table, input)?;
    let text = |row| data::join_texts(columns.iter().map(|&column| table.cell(column, row)));
    let texts: Vec<Cow<'_, str>> = (0..table.len()).map(text).collect();
    let answers = classes(context, &model, &texts)?;
    let labels = model.labels();
    write_atomic(output, |file| write_predictions(file, table, labels, &answers)).map_err(|error| {
        JobError::Failed(format!("Could not write {}: {error}. {}", output.display(), advice(&error)))
    })?;
    let empty = answers.iter().filter(|answer| answer.is_none()).count();
    let rows = (table.len() - empty) as u64;
    Ok(Answer::PredictionsWritten { path: output.to_owned(), rows, empty: empty as u64 })
}

/// The columns whose text the model reads, in order: those it was trained on. With the text column named, a column that was
/// joined to it and is not there is done without; else that is an error.
fn read_columns(
    context: &mut Context<'_>,
    info: &ModelFolderInfo,
    named: Option<&str>,
    table: &Table,
    input: &Path,
) -> Result<Vec<usize>, JobError> {
    let text = named.unwrap_or(&info.text_column);
    if text.is_empty() {
        let message = "The model does not say which column it was trained on. Name the text column.";
        return Err(JobError::Failed(message.to_owned()));
    }
    let mut columns = Vec::new();
    for joined in info.joined_columns.iter().filter(|joined| *joined != text) {
        let (path, has) = (input.display(), table.names.join(", "));
        match table.column_index(joined) {
            Some(column) => columns.push(column),
            None if named.is_some() => {
                let message =
                    format!("{path} has no column '{joined}', which the model was trained to read before the text.");
                context.reporter.log(LogLevel::Warning, message);
            }
            None => {
                return Err(JobError::Failed(format!(
                    "{path} has no column '{joined}', which the model was trained to read before the text in '{text}'. Its \
                     columns: {has}. Add it, empty where there is none, or name the text column to do without it."
                )));
            }
        }
    }
    columns.push(column(table, text, input)?);
    Ok(columns)
}

/// A person's data file is never written over: neither the one to be labelled, nor those the model was trained on, nor
/// a project.
fn refuse_precious_file(model: &Path, input: &Path, output: &Path) -> Result<(), JobError> {
    let same = |other: &Path| matches!((other.canonicalize(), output.canonicalize()), (Ok(a), Ok(b)) if a == b);
    let what = if same(input) {
        "the file to be labelled"
    } else if output.file_name().is_some_and(|name| name == PROJECT_FILE) {
        "the place of a project"
    } else if training_files(model).iter().any(|file| same(file)) {
        "a data file of the project"
    } else {
        return Ok(());
    };
    Err(JobError::Failed(format!("{} is {what}. Give another one for the output.", output.display())))
}

/// The data files of the run that a model folder belongs to; none for a model from elsewhere.
fn training_files(model: &Path) -> Vec<PathBuf> {
    let settings = model.parent().and_then(|run| RunFolder::open(run).ok()?.read_settings().ok());
    let Some(dataset) = settings.map(|settings| settings.project.dataset) else { return Vec::new() };
    dataset.files().cloned().collect()
}

/// The input's columns, then `predicted` and a probability for each label.
fn write_predictions(
    file: impl io::Write,
    table: &Table,
    labels: &[String],
    answers: &[Option<ClassAnswer>],
) -> io::Result<()> {
    let mut names = table.names.clone();
    let wanted =
        std::iter::once("predicted".to_owned()).chain(labels.iter().map(|label| format!("probability_{label}")));
    for name in wanted {
        let free = free_name(&names, name);
        names.push(free);
    }
    let mut writer = csv::Writer::from_writer(file);
    writer.write_record(&names)?;
    for (row, answer) in answers.iter().enumerate() {
        let mut record: Vec<String> =
            (0..table.columns.len()).map(|column| table.cell(column, row).to_owned()).collect();
        match answer {
            None => record.resize(names.len(), String::new()),
            Some(class) => {
                record.push(labels[class.predicted as usize].clone());
                record.extend(class.probabilities.iter().map(|probability| format!("{probability:.6}")));
            }
        }
        writer.write_record(&record)?;
    }
    writer.flush()
}

/// The name, or with a number if the input has such a column already (a file that was labelled before).
fn free_name(names: &[String], name: String) -> String {
    if !names.contains(&name) {
        return name;
    }
    // Of as many numbers as there are names, and one more, one is free.
    let mut numbered = (2..names.len() + 3).map(|number| format!("{name}_{number}"));
    numbered.find(|free| !names.contains(free)).unwrap_or(name)
}
