//! The job that evaluates a run's best checkpoint.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::data::{self, Cleaner, Prepared, RawLabel, RowColumns, Side, Target};
use crate::evaluation::{Metrics, Prediction};
use crate::progress::Cancelled;
use crate::project::{ColumnRole, RowId, SourceFile, TaskKind};
use crate::storage::{RunFolder, RunSettings};
use crate::words::counted;
use crate::worker::completing::{complete, lacks_results};
use crate::worker::runs::column;
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
                let prepared = own_rows(context, &settings)?;
                ("test set".to_owned(), own_test_rows(&prepared, &settings)?)
            }
            Some(path) => (path.display().to_string(), other_rows(context, &settings, path)?),
        };
        let training = match settings.project.task.kind() {
            TaskKind::TextClassification => None,
            TaskKind::LanguageModelling => training_rows(context, &settings)?,
        };
        let evaluation = Evaluation { model: &model, settings: &settings, training: training.as_deref() };
        let (metrics, predictions) = context.watched(|watch| evaluation.of(rows, watch))?;
        if self.data.is_none() && lacks_results(&run, &trained) {
            complete(context, &run, &trained, &evaluation, (&metrics, &predictions))?;
        }
        Ok(Arc::new(EvaluationReport { run: run.id(), data, metrics, predictions }))
    }
}

/// The rows the run was trained on, whose terms are scored apart; `None` if they are no longer the same, which is logged.
fn training_rows(context: &mut Context<'_>, settings: &RunSettings) -> Result<Option<Arc<Prepared>>, JobError> {
    match context.prepared(&settings.project, Path::new("")) {
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
fn other_rows(context: &mut Context<'_>, settings: &RunSettings, path: &Path) -> Result<Vec<Row>, JobError> {
    let project = &settings.project;
    // In a folder with several sides, the test files; a workbook need not have a sheet with the same name.
    let by_side = path.is_dir() || project.dataset.sheet.is_some();
    let which = if by_side { SourceFile::Test } else { SourceFile::Main };
    let imported = context.watched(|watch| data::read_table(path, which, &project.dataset, watch))?;
    context.log_bad_rows(&imported);
    let table = &imported.table;
    for (_, name) in project.dataset.used_columns() {
        column(table, name, path)?;
    }
    let Some(columns) = RowColumns::of(table, &project.dataset) else {
        return Err(JobError::Failed("The run does not say which columns it was trained on. Train again.".to_owned()));
    };
    let cleaner = Cleaner::new(&project.cleaning).map_err(JobError::failed)?;
    let control = context.control;
    let clean = |row| control.look().map(|()| cleaner.clean(&columns.text(row)));
    let texts: Vec<String> = (0..table.len()).into_par_iter().map(clean).collect::<Result<_, Cancelled>>()?;
    let has_labels = project.task.kind().role(ColumnRole::Label).is_some();
    let mut rows = Vec::with_capacity(texts.len());
    for (row, text) in texts.into_iter().enumerate() {
        let record = table.records[row];
        // A row without a text is skipped, whatever its label.
        if text.trim().is_empty() {
            continue;
        }
        let target =
            if has_labels { class_of(settings, columns.label(row), record, path)? } else { Some(Target::None) };
        let Some(target) = target else { continue };
        let key = columns.id(row).map(str::to_owned);
        rows.push(Row { id: RowId { file: SourceFile::Main, record }, key, text, target });
    }
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

/// The class of a label; `None` for a row without one, or with one that is excluded.
fn class_of(settings: &RunSettings, label: RawLabel<'_>, record: u64, path: &Path) -> Result<Option<Target>, JobError> {
    let (raw, labels) = (label.text().trim(), settings.project.labels());
    let name = labels.resolve(raw);
    if raw.is_empty() || labels.excluded.contains(name) {
        return Ok(None);
    }
    let Some(class) = settings.labels.iter().position(|known| known == name) else {
        let (path, known) = (path.display(), settings.labels.join(", "));
        return Err(JobError::Failed(format!(
            "Row {record} of {path} has the label '{name}', which the model was not trained on. Its labels: {known}. \
             Change or remove such rows and evaluate again."
        )));
    };
    Ok(Some(Target::Class(class as u32)))
}
