//! Jobs on runs: train one, read one, measure one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::data::{self, Cleaner, Example, Prepared, RowColumns, Side, Table, Target};
use crate::evaluation::{Prediction, Scored};
use crate::fetch::{self, Catalogue};
use crate::models::Compute;
use crate::predictor::Predictor;
use crate::progress::Watch;
use crate::project::{ModelChoice, Project, RowId, SourceFile};
use crate::storage::{RunFolder, RunOutcome, RunSettings, StorageError};
use crate::training::{self, TrainInputs, TrainingEvent};

use crate::worker::jobs::{Context, JobError};
use crate::worker::reporter::Reporter;
use crate::worker::{Answer, EvaluationReport, LogLevel, RunResults, RunStart};

/// What to do about a run without results.
const USE_ITS_BEST: &str = "Train again; a best checkpoint it kept can be used in the terminal, with --run.";

/// Reads and prepares the data, brings the model, trains and measures.
pub(super) fn train(context: &mut Context<'_>, project: &Project, folder: &Path) -> Result<Answer, JobError> {
    check_compute(project)?;
    let (imported, prepared) = context.read_and_prepared(project, folder)?;
    training::check_data(&prepared)?;
    for warning in prepared.warnings.iter().chain(&prepared.log_warnings) {
        context.reporter.log(LogLevel::Warning, warning);
    }
    let model_folder = find_model(context, &project.model, folder)?;
    let leakage = context.leaks(project, &imported, &prepared)?;
    for leak in leakage.serious() {
        context.reporter.log(LogLevel::Warning, leak.in_words());
    }
    for hint in leakage.hints() {
        context.reporter.log(LogLevel::Info, hint.in_words());
    }
    drop(imported);
    context.kept.model.forget(); // its memory is of more use to the run
    let inputs = TrainInputs { project, project_folder: folder, prepared: &prepared, model_folder: &model_folder };
    let reporter = &mut *context.reporter;
    let summary = training::train(inputs, context.control, &mut |event| tell(reporter, event))?;
    let results = load(&folder.join("runs").join(&summary.run))?;
    Ok(Answer::RunFinished(Arc::new(results)))
}

/// Reads and prepares the data, brings the model, and measures what a run will take.
pub(super) fn dry_run(context: &mut Context<'_>, project: &Project, folder: &Path) -> Result<Answer, JobError> {
    check_compute(project)?;
    let prepared = context.prepared(project, folder)?;
    training::check_data(&prepared)?;
    let model_folder = find_model(context, &project.model, folder)?;
    let inputs = TrainInputs { project, project_folder: folder, prepared: &prepared, model_folder: &model_folder };
    let reporter = &mut *context.reporter;
    let outcome = training::dry_run(inputs, context.control, &mut |event| tell(reporter, event))?;
    Ok(Answer::DryRun(Box::new(outcome)))
}

/// A device that is not there is told before data are read and a model is fetched for it.
fn check_compute(project: &Project) -> Result<(), JobError> {
    Compute::choose(project.training.device, project.training.precision)?;
    Ok(())
}

/// The model's folder; a model of the catalogue that is not on this machine is fetched.
fn find_model(context: &mut Context<'_>, choice: &ModelChoice, folder: &Path) -> Result<PathBuf, JobError> {
    if let Some(found) = fetch::locate(choice, folder)? {
        return Ok(found);
    }
    let id = match choice {
        ModelChoice::Catalogue(id) => id,
        ModelChoice::Folder(path) => {
            let message = format!("There is no model in {}. Choose another one in the Model step.", path.display());
            return Err(JobError::Failed(message));
        }
    };
    let catalogue = Catalogue::bundled().map_err(JobError::failed)?;
    let Some(entry) = catalogue.get(id) else {
        let message = format!("There is no model '{id}' in the catalogue. Choose another one in the Model step.");
        return Err(JobError::Failed(message));
    };
    context.reporter.log(LogLevel::Info, format!("Fetching the model {}.", entry.name));
    Ok(context.watched(|watch| fetch::fetch(entry, watch))?)
}

/// Passes on what training says.
fn tell(reporter: &mut Reporter, event: TrainingEvent) {
    match event {
        TrainingEvent::Progress(progress) => reporter.progress(progress),
        TrainingEvent::Log(message) => reporter.log(LogLevel::Info, message),
        TrainingEvent::Warning(message) => reporter.log(LogLevel::Warning, message),
        TrainingEvent::Started { run, settings, total_steps, steps_per_epoch, device } => {
            let (id, folder, settings) = (run.id(), run.path().to_owned(), *settings);
            let start = RunStart { run: id, folder, settings, total_steps, steps_per_epoch, device };
            reporter.send(Answer::RunStarted(Arc::new(start)));
        }
        TrainingEvent::Step(step) => reporter.step(step),
        TrainingEvent::Evaluation(point) => reporter.send(Answer::Evaluation(point)),
        TrainingEvent::Paused(paused) => reporter.send(Answer::Paused(paused)),
    }
}

/// Reads a finished run.
pub(super) fn load(folder: &Path) -> Result<RunResults, JobError> {
    let run = RunFolder::open(folder)?;
    let summary = match run.outcome() {
        RunOutcome::Finished(summary) => summary,
        RunOutcome::UnderWay => return Err(StorageError::UnderWay(run.id()).into()),
        RunOutcome::CutOff { why, kept: None } => return Err(StorageError::NoModel { run: run.id(), why }.into()),
        RunOutcome::CutOff { why, kept: Some(_) } => {
            let message = format!("The run {} did not finish and has no results. {why} {USE_ITS_BEST}", run.id());
            return Err(JobError::Failed(message));
        }
    };
    let (steps, evaluations) = run.read_metrics()?;
    Ok(RunResults {
        settings: run.read_settings()?,
        validation: run.read_predictions("validation")?,
        // A run that was stopped twice, or has no test rows, was not measured on test.
        test: if summary.test.is_some() { run.read_predictions("test")? } else { Vec::new() },
        summary,
        steps,
        evaluations,
        comparison: run.read_comparison()?,
        folder: run.path().to_owned(),
    })
}

/// Measures a run's best checkpoint on its own test rows, or on another file.
pub(super) fn evaluate(context: &mut Context<'_>, folder: &Path, file: Option<&Path>) -> Result<Answer, JobError> {
    let run = RunFolder::open(folder)?;
    run.trained()?;
    let settings = run.read_settings()?;
    let model = context.model(&run.best())?;
    let (data, rows) = match file {
        None => ("test rows of the run".to_owned(), own_test_rows(context, &settings)?),
        Some(path) => (path.display().to_string(), labelled_rows(context, &settings, path)?),
    };
    let report = context.watched(|watch| measure(&model, run.id(), data, rows, watch))?;
    Ok(Answer::Evaluated(Arc::new(report)))
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
    // Paths in a run's settings are absolute once they are read.
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
        let message = "This run set no test rows aside. Evaluate it on a file with labels.";
        return Err(JobError::Failed(message.to_owned()));
    }
    Ok(rows)
}

/// The rows of another file, cleaned and labelled as the run's own were; none is left out as a duplicate.
fn labelled_rows(context: &mut Context<'_>, settings: &RunSettings, path: &Path) -> Result<Vec<LabelledRow>, JobError> {
    let project = &settings.project;
    // Of a folder of several sides, the one to measure on; a workbook need not have a sheet of the same name.
    let by_side = path.is_dir() || project.dataset.sheet.is_some();
    let which = if by_side { SourceFile::Test } else { SourceFile::Main };
    let imported = context.watched(|watch| data::read_table(path, which, &project.dataset, watch))?;
    context.tell_bad_rows(&imported);
    let table = &imported.table;
    for name in project.dataset.read_columns().chain(project.dataset.label_columns()) {
        column(table, name, path)?;
    }
    let Some(columns) = RowColumns::of(table, &project.dataset) else {
        return Err(JobError::Failed("The run does not say which columns it learnt from. Train again.".to_owned()));
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
                "Row {record} of {path} has the label '{name}', which the model was not trained on. It knows: {known}. \
                 Change or remove such rows and evaluate again."
            )));
        };
        let key = columns.id(row).map(str::to_owned);
        rows.push(LabelledRow { id: RowId { file: SourceFile::Main, record }, key, text, label: label as u32 });
    }
    let left_out = table.len() - rows.len();
    if left_out > 0 {
        let message = format!("{left_out} rows without a text or a label, or with a label left out, are not measured.");
        context.reporter.log(LogLevel::Warning, message);
    }
    if rows.is_empty() {
        return Err(JobError::Failed(format!("{} has no row with a text and a label.", path.display())));
    }
    Ok(rows)
}

/// Index of a column that must be there.
pub(super) fn column(table: &Table, name: &str, path: &Path) -> Result<usize, JobError> {
    table.column_index(name).ok_or_else(|| {
        let columns = table.names.join(", ");
        JobError::Failed(format!("{} has no column '{name}'. Its columns: {columns}.", path.display()))
    })
}
