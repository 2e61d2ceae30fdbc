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

    /// What it is doing now.
    #[must_use]
    pub fn stage(&self) -> String {
        if self.stopping {
            return "Stopping and evaluating the best checkpoint".to_owned();
        }
        if self.paused {
            return "Paused".to_owned();
        }
        match &self.progress {
            Some(progress) if !progress.stage.is_empty() => progress.stage.clone(),
            _ if self.start.is_none() => "Getting ready".to_owned(),
            _ => "Training".to_owned(),
        }
    }

    /// Share of the steps done, or of the current stage before the first step. The page and the status bar show the same.
    #[must_use]
    pub fn share_done(&self) -> Option<f32> {
        let Some(start) = &self.start else { return self.progress.as_ref()?.fraction() };
        let done = self.steps.last().map_or(0, |step| step.step);
        Some((done as f32 / start.total_steps.max(1) as f32).clamp(0.0, 1.0))
    }

    /// The time left; `None` while it is paused or unknown.
    #[must_use]
    pub fn time_left(&self) -> Option<String> {
        self.progress.as_ref().filter(|_| !self.paused && !self.stopping)?.time_left()
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
