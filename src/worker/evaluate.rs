//! The job that evaluates a run's best checkpoint.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::data::{self, Cleaner, Example, Prepared, RowColumns, Side, Target};
use crate::evaluation::{Metrics, Prediction, Scored};
use crate::predictor::Predictor;
use crate::progress::Watch;
use crate::project::{RowId, SourceFile};
use crate::storage::{RunFolder, RunSettings};
use crate::words::counted;
use crate::worker::runs::column;
use crate::worker::{Context, Job, JobError, LogLevel};

/// Evaluates a run's best checkpoint on its own test rows, or on another file.
#[derive(Clone, Debug)]
pub struct Evaluate {
    /// The run's folder.
    pub run: PathBuf,
    /// A labelled file with the columns of the project's main file; `None` means the run's own test rows.
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
        run.trained()?;
        let settings = run.read_settings()?;
        let model = context.model(&run.best())?;
        model.check_labels()?;
        let (data, rows) = match &self.data {
            None => ("test set".to_owned(), own_test_rows(context, &settings)?),
            Some(path) => (path.display().to_string(), labelled_rows(context, &settings, path)?),
        };
        Ok(Arc::new(context.watched(|watch| measure(&model, run.id(), data, rows, watch))?))
    }
}

/// A labelled text.
struct LabelledRow {
    id: RowId,
    key: Option<String>,
    text: String,
    label: u32,
}

fn measure(
    model: &Predictor,
    run: String,
    data: String,
    rows: Vec<LabelledRow>,
    watch: &mut Watch<'_>,
) -> Result<EvaluationReport, JobError> {
    let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
    let truth: Vec<u32> = rows.iter().map(|row| row.label).collect();
    let Scored { metrics, answers } = model.score(&texts, &truth, watch)?;
    let predictions = rows.into_iter().zip(answers).map(|(row, answer)| {
        let LabelledRow { id, key, text, label } = row;
        Prediction { id, key, text, target: Target::Class(label), answer }
    });
    let predictions = predictions.collect();
    Ok(EvaluationReport { run, data, metrics, predictions })
}

fn own_test_rows(context: &mut Context<'_>, settings: &RunSettings) -> Result<Vec<LabelledRow>, JobError> {
    // Paths in a run's settings are absolute.
    let prepared: Arc<Prepared> = context.prepared(&settings.project, Path::new(""))?;
    if prepared.data_hash != settings.data_hash || prepared.split_hash != settings.split_hash {
        let message = "The data file has changed since this run, so its test rows are no longer the same. \
                       Train again, or evaluate on a file.";
        return Err(JobError::Failed(message.to_owned()));
    }
    let row = |(place, example): (usize, &Example)| LabelledRow {
        id: example.id,
        key: prepared.keys.get(place).cloned().flatten(),
        text: example.text.clone(),
        label: example.class().unwrap_or_default(),
    };
    let test = prepared.examples.iter().enumerate().filter(|(_, example)| example.side == Side::Test);
    let rows: Vec<LabelledRow> = test.map(row).collect();
    if rows.is_empty() {
        let message = "This run has no test set. Evaluate it on a labelled file.";
        return Err(JobError::Failed(message.to_owned()));
    }
    Ok(rows)
}

/// The rows of another file, cleaned and labelled as the run's own rows were. Duplicates are kept.
fn labelled_rows(context: &mut Context<'_>, settings: &RunSettings, path: &Path) -> Result<Vec<LabelledRow>, JobError> {
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
    let texts: Vec<String> = (0..table.len()).into_par_iter().map(|row| cleaner.clean(&columns.text(row))).collect();
    let mut rows = Vec::with_capacity(texts.len());
    for (row, text) in texts.into_iter().enumerate() {
        let raw = columns.label(row).text().trim();
        let name = project.labels().resolve(raw);
        if text.trim().is_empty() || raw.is_empty() || project.labels().excluded.contains(name) {
            continue;
        }
        let record = table.records[row];
        let Some(label) = settings.labels.iter().position(|known| known == name) else {
            let (path, known) = (path.display(), settings.labels.join(", "));
            return Err(JobError::Failed(format!(
                "Row {record} of {path} has the label '{name}', which the model was not trained on. Its labels: {known}. \
                 Change or remove such rows and evaluate again."
            )));
        };
        let key = columns.id(row).map(str::to_owned);
        rows.push(LabelledRow { id: RowId { file: SourceFile::Main, record }, key, text, label: label as u32 });
    }
    let left_out = table.len() - rows.len();
    if left_out > 0 {
        let message = format!(
            "{} not evaluated: no text, no label, or an excluded label.",
            counted(left_out, "row is", "rows are")
        );
        context.log(LogLevel::Warning, message);
    }
    if rows.is_empty() {
        return Err(JobError::Failed(format!("{} has no rows with both a text and a label.", path.display())));
    }
    Ok(rows)
}
