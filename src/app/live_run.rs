//! A run while it is training.

use std::sync::Arc;

use crate::progress::Progress;
use crate::storage::{EvaluationPoint, StepMetrics};
use crate::worker::{LogLine, RunEvent, RunStart};

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// Its results are in `StepContext::results`.
    Finished,
    /// It was stopped before there was anything to keep.
    Cancelled,
    /// It failed, and why.
    Failed(String),
}

/// The current run, updated by the worker's events.
#[derive(Clone, Debug, Default)]
pub struct LiveRun {
    /// Facts about the run; `None` until training begins (while the data is tokenised and the model loaded).
    pub start: Option<Arc<RunStart>>,
    /// Every step so far.
    pub steps: Vec<StepMetrics>,
    /// Every evaluation so far.
    pub evaluations: Vec<EvaluationPoint>,
    /// The log, oldest first.
    pub log: Vec<LogLine>,
    /// The current stage, its progress and the time left.
    pub progress: Option<Progress>,
    /// Whether it is paused.
    pub paused: bool,
    /// Whether it was told to stop and has not stopped yet.
    pub stopping: bool,
    /// How it ended; `None` while it is training.
    pub end: Option<RunEnd>,
}

impl LiveRun {
    /// Whether it has not ended, paused or not.
    #[must_use]
    pub fn is_going(&self) -> bool {
        self.end.is_none()
    }

    /// Handles an event of the run.
    pub fn take_in(&mut self, event: RunEvent) {
        match event {
            RunEvent::Started(start) => self.start = Some(start),
            RunEvent::Steps(steps) => self.steps.extend(steps),
            RunEvent::Evaluation(point) => self.evaluations.push(*point),
            RunEvent::Paused(paused) => self.paused = paused,
        }
    }

    /// Marks the run as ended.
    pub fn finish(&mut self, end: RunEnd) {
        self.end = Some(end);
        self.progress = None;
        self.paused = false;
    }
}
