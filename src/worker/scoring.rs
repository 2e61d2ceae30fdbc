//! Scores a run's model on rows.

use std::path::Path;
use std::sync::Arc;

use crate::data::{Example, Prepared, Side, Target};
use crate::evaluation::{Metrics, Prediction, Scored};
use crate::predictor::Predictor;
use crate::progress::Watch;
use crate::project::{RowId, RowsUsed, TaskKind};
use crate::storage::{RunFolder, RunSettings};
use crate::worker::{Context, JobError};

/// A text, and what is wanted of it.
pub(super) struct Row {
    pub id: RowId,
    pub key: Option<String>,
    pub text: String,
    pub target: Target,
}

/// Metrics on some rows, and the prediction for each of them.
pub(super) type Answered = (Metrics, Vec<Prediction>);

/// A run's model, and how it is evaluated.
#[derive(Clone, Copy)]
pub(super) struct Evaluation<'a> {
    pub model: &'a Predictor,
    pub settings: &'a RunSettings,
    /// The rows the run was trained on, if the metrics depend on them.
    pub training: Option<&'a Prepared>,
}

impl Evaluation<'_> {
    /// Metrics, and the prediction for each row.
    pub fn of(&self, rows: Vec<Row>, watch: &mut Watch<'_>) -> Result<Answered, JobError> {
        let scored = self.score(&rows, watch)?;
        let predictions = rows.into_iter().zip(scored.answers).map(|(row, answer)| {
            let Row { id, key, text, target } = row;
            Prediction { id, key, text, target, answer }
        });
        Ok((scored.metrics, predictions.collect()))
    }

    fn score(&self, rows: &[Row], watch: &mut Watch<'_>) -> Result<Scored, JobError> {
        let Self { model, settings, training } = *self;
        let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
        let scored = match settings.project.task.kind() {
            TaskKind::TextClassification => {
                let truth: Vec<u32> = rows.iter().map(|row| row.target.class().unwrap_or_default()).collect();
                model.score(&texts, &truth, watch)
            }
            TaskKind::LanguageModelling => {
                let training_texts = training.map(|prepared| prepared.texts(Side::Train)).unwrap_or_default();
                model.score_words(&settings.project, &training_texts, &texts, watch)
            }
        };
        Ok(scored?)
    }
}

/// Scores a run's model on the rows of one side of the run's split. Domain terms, where there are any, get their own scores.
pub(super) fn score_own(
    context: &mut Context<'_>,
    run: &RunFolder,
    settings: &RunSettings,
    (prepared, side): (&Prepared, Side),
) -> Result<Answered, JobError> {
    let model = context.model(&run.best())?;
    let evaluation = Evaluation { model: &model, settings, training: Some(prepared) };
    context.watched(|watch| evaluation.of(rows_of(prepared, side), watch))
}

/// Whether these are the answers to the rows of one side.
pub(super) fn are_of(answers: &[Prediction], prepared: &Prepared, side: Side) -> bool {
    answers.iter().map(|answer| answer.id).eq(prepared.side(side).map(|example| example.id))
}

/// The run's own rows, which must be the same as when it was trained.
pub(super) fn own_rows(
    context: &mut Context<'_>,
    run: &RunFolder,
    settings: &RunSettings,
) -> Result<Arc<Prepared>, JobError> {
    // Paths in a run's settings are absolute.
    let (imported, prepared) = context.read_and_prepared(&settings.project, Path::new(""), run.project_folder())?;
    let used = settings.trial.as_ref().map_or(RowsUsed::All, |trial| trial.rows);
    let prepared = context.rows_used((&settings.project, &imported), &prepared, used)?;
    if prepared.data_hash != settings.data_hash || prepared.split_hash != settings.split_hash {
        let message = "The data file or the split has changed since this run, so its rows are no longer the same. \
                       Train again, or evaluate on a file.";
        return Err(JobError::Failed(message.to_owned()));
    }
    Ok(prepared)
}

/// The rows of one side.
pub(super) fn rows_of(prepared: &Prepared, side: Side) -> Vec<Row> {
    let row = |(place, example): (usize, &Example)| Row {
        id: example.id,
        key: prepared.keys.get(place).cloned().flatten(),
        text: example.text.clone(),
        target: example.target,
    };
    prepared.examples.iter().enumerate().filter(|(_, example)| example.side == side).map(row).collect()
}
