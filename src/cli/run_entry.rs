//! A run as JSON.

use serde::Serialize;

use crate::cli::outcome::Ending;
use crate::storage::{RunOutcome, RunRecord, StopReason};

/// A run as `hone runs --json` prints it.
#[derive(Serialize)]
pub(super) struct RunEntry<'a> {
    run: String,
    number: u64,
    folder: String,
    /// Empty if it has none.
    name: &'a str,
    note: &'a str,
    star: bool,
    tags: Vec<&'a str>,
    /// Seconds since 1970 when it began.
    began_at: u64,
    /// "finished", "training" or "cut off".
    status: &'static str,
    /// Why it was interrupted.
    error: Option<&'a str>,
    /// The step that it can be resumed after.
    resumes_after: Option<u64>,
    /// Its main metric.
    score: Option<Score>,
    disk: Disk,
    weights_freed: bool,
    /// `None` if its settings cannot be read.
    trained_with: Option<TrainedWith<'a>>,
    /// Its summary, if it has a model.
    #[serde(flatten)]
    ending: Option<Ending<'a>>,
}

#[derive(Serialize)]
struct Score {
    metric: &'static str,
    value: f64,
}

/// Bytes on the disk.
#[derive(Serialize)]
struct Disk {
    weights: u64,
    checkpoints: u64,
    rest: u64,
}

/// What a run was trained with.
#[derive(Serialize)]
struct TrainedWith<'a> {
    model: String,
    layers: String,
    /// The settings that are not the default, a line for each.
    settings: &'a [String],
    data_hash: &'a str,
    split_hash: &'a str,
    /// Rows in each split: training, validation, test.
    rows: [usize; 3],
    /// Rows that a person relabelled, excluded or included.
    edits: usize,
    seed: u64,
    hone_version: &'a str,
    model_sha256: &'a str,
}

impl<'a> RunEntry<'a> {
    /// Collects the output for a run.
    pub(super) fn new(record: &'a RunRecord) -> Self {
        let (status, error) = match &record.outcome {
            // Its results were written later.
            RunOutcome::Finished(summary) if summary.stop_reason == StopReason::CutOff => ("cut off", None),
            RunOutcome::Finished(_) => ("finished", None),
            RunOutcome::UnderWay => ("training", None),
            RunOutcome::CutOff { why, .. } => ("cut off", Some(why.as_str())),
        };
        let (listing, notes) = (&record.listing, &record.listing.notes);
        Self {
            run: listing.folder.id(),
            number: listing.number,
            folder: listing.folder.path().display().to_string(),
            name: &notes.name,
            note: &notes.note,
            star: notes.star,
            tags: notes.tags.iter().map(String::as_str).collect(),
            began_at: record.began_at,
            status,
            error,
            resumes_after: record.interruption.as_ref().map(|interruption| interruption.resumes_after),
            score: record.score().map(|(name, value)| Score { metric: name.in_a_sentence(), value }),
            disk: Disk { weights: record.disk.weights, checkpoints: record.disk.checkpoints, rest: record.disk.rest },
            weights_freed: record.has_freed_weights,
            trained_with: TrainedWith::new(record),
            ending: record.summary().map(Ending::from),
        }
    }
}

impl<'a> TrainedWith<'a> {
    fn new(record: &'a RunRecord) -> Option<Self> {
        let settings = record.settings.as_ref()?;
        let project = &settings.project;
        Some(Self {
            model: project.model.name(),
            layers: project.training.trained_layers.in_words(),
            settings: &record.chosen_settings,
            data_hash: &settings.data_hash,
            split_hash: &settings.split_hash,
            rows: settings.rows,
            edits: project.edits.corrections(),
            seed: project.training.seed,
            hone_version: &settings.hone_version,
            model_sha256: &settings.model_sha256,
        })
    }
}
