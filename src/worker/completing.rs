//! Writes what a run lacks that was cut off, or was a trial of a study.

use crate::data::{Prepared, Side};
use crate::evaluation::{Answer, LabelledTexts, Prediction};
use crate::models::ModelConfig;
use crate::progress::Watch;
use crate::storage::{
    RunComparison, RunFolder, RunSettings, RunStatus, RunSummary, StorageError, TrainedRun, remove_file,
};
use crate::tasks::{self, Measured, Reader};
use crate::training::keep_temperature;
use crate::worker::scoring::{Answered, are_of, own_rows, score_own};
use crate::worker::{Context, JobError, LogLevel};

/// Whether a run was cut off before it wrote its results on its test rows, or they can no longer be read.
pub(super) fn lacks_results(run: &RunFolder, trained: &TrainedRun) -> bool {
    let is_readable = |side| run.read_predictions(side).is_ok_and(|predictions| !predictions.is_empty());
    let is_measured = trained.cut_off.is_none() && trained.summary.test.is_some();
    !is_measured || !is_readable("test") || run.read_comparison().is_err()
}

/// Writes the predictions, the temperature, the interval, the baselines and the metrics of a run whose answers on the test rows are
/// known.
pub(super) fn complete(
    context: &mut Context<'_>,
    run: &RunFolder,
    trained: &TrainedRun,
    settings: &RunSettings,
    (test_metrics, test): &Answered,
) -> Result<(), JobError> {
    let prepared = own_rows(context, run, settings)?;
    let (validation_metrics, validation) = validation_answers(context, (run, trained), settings, &prepared)?;
    let comparison = compared(context, run, settings, (&prepared, Side::Test), test)?;
    let path = run.predictions_path();
    if run.read_predictions("test").is_err() {
        remove_file(&path).map_err(StorageError::io("replace", &path))?;
    }
    run.write_predictions("validation", &validation, &settings.labels)?;
    keep_temperature(run, &validation, settings.labels.len())?;
    run.write_predictions("test", test, &settings.labels)?;
    run.write_comparison(&comparison)?;
    if trained.cut_off.is_some() || trained.summary.test.is_none() {
        let test = Some(test_metrics.clone());
        let summary = RunSummary { validation: validation_metrics, test, ..trained.summary.clone() };
        run.write_status(&RunStatus::Finished(summary))?;
    }
    context.log(LogLevel::Info, format!("Run {} now has its predictions, interval and baselines.", run.id()));
    Ok(())
}

/// The metrics and predictions on the validation rows: those that the run has, unless it was cut off, which may have been before
/// it wrote them.
pub(super) fn validation_answers(
    context: &mut Context<'_>,
    (run, trained): (&RunFolder, &TrainedRun),
    settings: &RunSettings,
    prepared: &Prepared,
) -> Result<Answered, JobError> {
    let known = run.read_predictions("validation").ok();
    match known.filter(|known| trained.cut_off.is_none() && are_of(known, prepared, Side::Validation)) {
        Some(known) => Ok((trained.summary.validation.clone(), known)),
        None => score_own(context, run, settings, (prepared, Side::Validation)),
    }
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
