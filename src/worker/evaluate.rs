//! The job that evaluates a run's best checkpoint.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::data::{Cleaner, ImportedFile, Prepared, RawLabel, RowColumns, Side, Target, label_like};
use crate::evaluation::{ClassificationDetails, Metrics, Prediction, Tested};
use crate::progress::Cancelled;
use crate::project::{ColumnRole, DatasetSettings, RowId, SourceFile, TaskKind};
use crate::storage::{RunFolder, RunSettings};
use crate::words::{cell_value, counted, listed, quoted};
use crate::worker::completing::{complete, lacks_results};
use crate::worker::other_file::{OtherFile, column};
use crate::worker::scoring::{Evaluation, Row, own_rows, rows_of};
use crate::worker::{Context, Job, JobError, LogLevel};

/// Evaluates a run's best checkpoint on its own test rows, or on another file.
///
/// On its own test rows, this also writes what the run lacks because it was cut off: the predictions, the interval and the
/// baselines.
#[derive(Clone, Debug)]
pub struct Evaluate {
    /// The run's folder.
    pub run: PathBuf,
    /// A file with the columns of the project's main file; `None` means the run's own test rows.
    pub data: Option<PathBuf>,
    /// How to read that file; what it leaves open is read as in the project, or else detected. Its columns are not used.
    pub reading: DatasetSettings,
}

/// Metrics and predictions on some rows.
#[derive(Clone, Debug)]
pub struct EvaluationReport {
    /// Run id.
    pub run: String,
    /// What the model was evaluated on: "test set", or a path.
    pub data: String,
    /// The metrics.
    pub metrics: Metrics,
    /// The prediction for each row.
    pub predictions: Vec<Prediction>,
    /// All other metrics with their intervals, curves and calibration; `None` unless the task is text classification.
    pub details: Option<ClassificationDetails>,
}

impl Job for Evaluate {
    type Answer = Arc<EvaluationReport>;
    const TITLE: &'static str = "Evaluating";

    fn run(self, context: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        let run = RunFolder::open(&self.run)?;
        let trained = run.trained()?;
        let settings = run.read_settings()?;
        let model = context.model(&run.best())?;
        let (data, rows) = match &self.data {
            None => {
                let prepared = own_rows(context, &run, &settings)?;
                ("test set".to_owned(), own_test_rows(&prepared, &settings)?)
            }
            Some(path) => (path.display().to_string(), other_rows(context, &settings, path, &self.reading)?),
        };
        let training = match settings.project.task.kind() {
            TaskKind::TextClassification => None,
            TaskKind::LanguageModelling => training_rows(context, &run, &settings)?,
        };
        let evaluation = Evaluation { model: &model, settings: &settings, training: training.as_deref() };
        let answered = context.watched(|watch| evaluation.of(rows, watch))?;
        if self.data.is_none() && lacks_results(&run, &trained) {
            complete(context, &run, &trained, &settings, &answered)?;
        }
        let (metrics, predictions) = answered;
        let details = details(&run, &settings, &predictions);
        Ok(Arc::new(EvaluationReport { run: run.id(), data, metrics, predictions, details }))
    }
}

/// The details of a run's predictions for rows other than its validation rows.
fn details(run: &RunFolder, settings: &RunSettings, predictions: &[Prediction]) -> Option<ClassificationDetails> {
    // Without the validation rows' predictions, only the temperature is missing.
    let validation = run.read_predictions("validation").ok();
    let rows = Tested { labels: &settings.labels, predictions };
    ClassificationDetails::of(rows, validation.as_deref(), settings.project.training.seed)
}

/// Finds the training rows that a classifier gets wrong although it has learned from them. Often their labels are wrong.
#[derive(Clone, Debug)]
pub struct CheckTrainingRows {
    /// The run's folder.
    pub run: PathBuf,
}

impl Job for CheckTrainingRows {
    type Answer = Arc<Vec<Prediction>>;
    const TITLE: &'static str = "Checking the training rows";

    fn run(self, context: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        let run = RunFolder::open(&self.run)?;
        run.trained()?;
        let settings = run.read_settings()?;
        let model = context.model(&run.best())?;
        let prepared = own_rows(context, &run, &settings)?;
        let evaluation = Evaluation { model: &model, settings: &settings, training: None };
        let rows = rows_of(&prepared, Side::Train);
        let (_, mut predictions) = context.watched(|watch| evaluation.of(rows, watch))?;
        predictions.retain(Prediction::is_wrong);
        Ok(Arc::new(predictions))
    }
}

/// The rows the run was trained on, whose terms are scored apart; `None` if they are no longer the same, which is logged.
fn training_rows(
    context: &mut Context<'_>,
    run: &RunFolder,
    settings: &RunSettings,
) -> Result<Option<Arc<Prepared>>, JobError> {
    match context.prepared(&settings.project, Path::new(""), run.project_folder()) {
        Ok(prepared) if prepared.data_hash == settings.data_hash => Ok(Some(prepared)),
        Err(JobError::Cancelled) => Err(JobError::Cancelled),
        _ => {
            let message =
                "The run's training data has changed or cannot be read, so domain terms are not scored separately.";
            context.log(LogLevel::Warning, message);
            Ok(None)
        }
    }
}

fn own_test_rows(prepared: &Prepared, settings: &RunSettings) -> Result<Vec<Row>, JobError> {
    let rows = rows_of(prepared, Side::Test);
    if rows.is_empty() {
        let message = match settings.project.task.kind() {
            TaskKind::TextClassification => "This run has no test set. Evaluate it on a labelled file.",
            TaskKind::LanguageModelling => "This run has no test set. Evaluate it on a file or folder of other texts.",
        };
        return Err(JobError::Failed(message.to_owned()));
    }
    Ok(rows)
}

/// The rows of another file, cleaned and labelled as the run's own rows were. Duplicates are kept.
fn other_rows(
    context: &mut Context<'_>,
    settings: &RunSettings,
    path: &Path,
    reading: &DatasetSettings,
) -> Result<Vec<Row>, JobError> {
    let project = &settings.project;
    let imported = read_other(context, &project.dataset, path, reading)?;
    context.log_bad_rows(&imported);
    let table = &imported.table;
    let Some(columns) = RowColumns::of(table, &project.dataset) else {
        return Err(JobError::Failed("The run does not say which columns it was trained on. Train again.".to_owned()));
    };
    let cleaner = Cleaner::new(&project.cleaning).map_err(JobError::failed)?;
    let control = context.control;
    let clean = |row| control.look().map(|()| cleaner.clean(&columns.text(row)));
    let texts: Vec<String> = (0..table.len()).into_par_iter().map(clean).collect::<Result<_, Cancelled>>()?;
    let has_labels = project.task.kind().role(ColumnRole::Label).is_some();
    let (mut rows, mut unknown) = (Vec::with_capacity(texts.len()), UnknownLabels::default());
    for (row, text) in texts.into_iter().enumerate() {
        let record = table.records[row];
        // A row without a text is skipped, whatever its label.
        if text.trim().is_empty() {
            continue;
        }
        let target = if has_labels { class_of(settings, columns.label(row)) } else { Labelled::As(Target::None) };
        let target = match target {
            Labelled::As(target) => target,
            Labelled::Not => continue,
            Labelled::Unknown(name) => {
                unknown.add(name, record);
                continue;
            }
        };
        let key = columns.id(row).map(str::to_owned);
        rows.push(Row { id: RowId { file: SourceFile::Main, record }, key, text, target });
    }
    unknown.refuse(&settings.labels, path)?;
    let left_out = (table.len() - rows.len()) as u64;
    if left_out > 0 {
        let why = if has_labels { "no text, no label, or an excluded label" } else { "no text" };
        let rows = counted(left_out, "row is", "rows are");
        context.log(LogLevel::Warning, format!("{rows} not evaluated: {why}."));
    }
    if rows.is_empty() {
        let what = if has_labels { "both a text and a label" } else { "a text" };
        return Err(JobError::Failed(format!("{} has no rows with {what}.", path.display())));
    }
    Ok(rows)
}

/// Reads another file with the columns of the run's own, under their names there. Of a folder with several parts, the
/// test part.
fn read_other(
    context: &mut Context<'_>,
    own: &DatasetSettings,
    path: &Path,
    asked: &DatasetSettings,
) -> Result<ImportedFile, JobError> {
    let used = || own.used_columns().map(|(_, name)| name);
    let file = OtherFile { path, part: SourceFile::Test, asked, own };
    let mut read = context.read_other(&file, |table| used().all(|name| table.column_like(name).is_some()))?;
    let places = used().map(|name| column(&read, name)).collect::<Result<Vec<usize>, JobError>>()?;
    let id = own.id_column().and_then(|name| Some((name, read.table.column_like(name)?)));
    for (name, place) in used().zip(places).chain(id) {
        name.clone_into(&mut read.table.names[place]);
    }
    Ok(read)
}

/// What the label of a row is to a model.
enum Labelled<'a> {
    /// One that it was trained on.
    As(Target),
    /// None, or an excluded one.
    Not,
    /// One that it was not trained on.
    Unknown(&'a str),
}

fn class_of<'a>(settings: &'a RunSettings, label: RawLabel<'a>) -> Labelled<'a> {
    let (raw, labels) = (label.text().trim(), settings.project.labels());
    let name = labels.resolve(raw);
    if raw.is_empty() || labels.excluded.contains(name) {
        return Labelled::Not;
    }
    match settings.labels.iter().position(|known| known == name) {
        Some(class) => Labelled::As(Target::Class(class as u32)),
        None => Labelled::Unknown(name),
    }
}

/// Labels that a model was not trained on, with their numbers of rows and first records, in the order of the file.
#[derive(Default)]
struct UnknownLabels {
    found: Vec<(String, u64, u64)>,
    /// Where each label is among those found: a wrong column has a different one in each row.
    places: HashMap<String, usize>,
}

impl UnknownLabels {
    fn add(&mut self, name: &str, record: u64) {
        if let Some(&place) = self.places.get(name) {
            self.found[place].1 += 1;
        } else {
            self.places.insert(name.to_owned(), self.found.len());
            self.found.push((name.to_owned(), 1, record));
        }
    }

    /// An error that names all of them, if there are any.
    fn refuse(mut self, known: &[String], path: &Path) -> Result<(), JobError> {
        if self.found.is_empty() {
            return Ok(());
        }
        self.found.sort_by_key(|(_, rows, _)| std::cmp::Reverse(*rows));
        let named = self.found.iter().map(|(name, rows, first)| {
            let rows = counted(*rows, "row", "rows");
            format!("'{}' ({rows}, the first: row {first})", cell_value(name))
        });
        let like = self.found.iter().filter_map(|(name, ..)| Some((name, label_like(name, known)?)));
        let like = like.map(|(name, like)| format!("'{}' looks like '{like}'", cell_value(name)));
        let like: Vec<String> = like.collect();
        let like = if like.is_empty() { String::new() } else { format!(" {}.", listed(like)) };
        Err(JobError::Failed(format!(
            "{} has {} that the model was not trained on: {}.{like} The model's labels: {}. Correct these labels in the file, \
             or remove the rows, and evaluate again.",
            path.display(),
            counted(self.found.len() as u64, "label", "labels"),
            listed(named),
            quoted(known)
        )))
    }
}
