//! Writes what a run that was cut off lacks.

use crate::data::{Prepared, Side};
use crate::evaluation::{Answer, LabelledTexts, Metrics, Prediction};
use crate::models::ModelConfig;
use crate::progress::Watch;
use crate::storage::{
    RunComparison, RunFolder, RunSettings, RunStatus, RunSummary, StorageError, TrainedRun, remove_file,
};
use crate::tasks::{self, Measured, Reader};
use crate::training::keep_temperature;
use crate::worker::scoring::{Evaluation, own_rows, rows_of};
use crate::worker::{Context, JobError, LogLevel};

/// Whether a run was cut off before it wrote its results, or they can no longer be read.
pub(super) fn lacks_results(run: &RunFolder, trained: &TrainedRun) -> bool {
    let is_readable = |side| run.read_predictions(side).is_ok_and(|predictions| !predictions.is_empty());
    trained.cut_off.is_some() || !is_readable("test") || run.read_comparison().is_err()
}

/// Writes the predictions, the temperature, the interval and the baselines of a run whose metrics and predictions on the test set
/// are known.
pub(super) fn complete(
    context: &mut Context<'_>,
    run: &RunFolder,
    trained: &TrainedRun,
    evaluation: &Evaluation<'_>,
    (test_metrics, test): (&Metrics, &[Prediction]),
) -> Result<(), JobError> {
    let settings = evaluation.settings;
    let prepared = own_rows(context, run, settings)?;
    let validation_rows = rows_of(&prepared, Side::Validation);
    let (validation_metrics, validation) = context.watched(|watch| evaluation.of(validation_rows, watch))?;
    let comparison = compared(context, run, settings, (&prepared, Side::Test), test)?;
    let path = run.predictions_path();
    if run.read_predictions("test").is_err() {
        remove_file(&path).map_err(StorageError::io("replace", &path))?;
    }
    run.write_predictions("validation", &validation, &settings.labels)?;
    keep_temperature(run, &validation, settings.labels.len())?;
    run.write_predictions("test", test, &settings.labels)?;
    run.write_comparison(&comparison)?;
    if trained.cut_off.is_some() {
        let test = Some(test_metrics.clone());
        let summary = RunSummary { validation: validation_metrics, test, ..trained.summary.clone() };
        run.write_status(&RunStatus::Finished(summary))?;
    }
    context.log(LogLevel::Info, format!("Run {} now has its predictions, interval and baselines.", run.id()));
    Ok(())
}

/// The interval and the baselines of a run whose answers on one side are known.
pub(super) fn compared(
    context: &mut Context<'_>,
    run: &RunFolder,
    settings: &RunSettings,
    rows: (&Prepared, Side),
    answers: &[Prediction],
) -> Result<RunComparison, JobError> {
    let best = run.best();
    let tokenizer = context.tokenizer(&best)?;
    let reader = Reader::of(&settings.project, &ModelConfig::read(&best)?);
    context.watched(|watch| {
        let task = tasks::definition(&settings.project, rows.0, &tokenizer, reader, watch)?;
        Ok(compare(&*task, settings.project.training.seed, rows, answers, watch))
    })
}

fn compare(
    task: &dyn tasks::TaskDefinition,
    seed: u64,
    (prepared, side): (&Prepared, Side),
    answers: &[Prediction],
    watch: &mut Watch<'_>,
) -> RunComparison {
    let classes = |side| -> Vec<u32> {
        let of_side = prepared.examples.iter().filter(|example| example.side == side);
        of_side.map(|example| example.class().unwrap_or_default()).collect()
    };
    let (train_texts, test_texts) = (prepared.texts(Side::Train), prepared.texts(side));
    let (train_classes, test_classes) = (classes(Side::Train), classes(side));
    let train = LabelledTexts { texts: &train_texts, labels: &train_classes };
    let answers: Vec<Answer> = answers.iter().map(|prediction| prediction.answer.clone()).collect();
    let rows = LabelledTexts { texts: &test_texts, labels: &test_classes };
    let measured = Measured { rows, answers: &answers, instant: None, seed };
    RunComparison { baselines: task.baselines(train, measured, watch), interval: task.interval(measured) }
}
