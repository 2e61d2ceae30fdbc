//! A run while it goes.

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

/// A run as it goes, filled from the worker's events.
#[derive(Clone, Debug, Default)]
pub struct LiveRun {
    /// What is known of it; `None` until training proper begins (the data is being tokenised, the model loaded).
    pub start: Option<Arc<RunStart>>,
    /// Every step so far.
    pub steps: Vec<StepMetrics>,
    /// Every evaluation so far.
    pub evaluations: Vec<EvaluationPoint>,
    /// The log, oldest first.
    pub log: Vec<LogLine>,
    /// What is being done now and how far it is, with the time left.
    pub progress: Option<Progress>,
    /// It waits.
    pub paused: bool,
    /// It was told to stop and has not answered yet.
    pub stopping: bool,
    /// `None` while it goes.
    pub end: Option<RunEnd>,
}

impl LiveRun {
    /// Whether it is still going, paused or not.
    #[must_use]
    pub fn is_going(&self) -> bool {
        self.end.is_none()
    }

    /// Takes in what it tells.
    pub fn take_in(&mut self, event: RunEvent) {
        match event {
            RunEvent::Started(start) => self.start = Some(start),
            RunEvent::Steps(steps) => self.steps.extend(steps),
            RunEvent::Evaluation(point) => self.evaluations.push(*point),
            RunEvent::Paused(paused) => self.paused = paused,
        }
    }

    /// It is over.
    pub fn finish(&mut self, end: RunEnd) {
        self.end = Some(end);
        self.progress = None;
        self.paused = false;
    }
}
