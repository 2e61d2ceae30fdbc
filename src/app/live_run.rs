//! A run while it is training.

use std::sync::Arc;

use crate::progress::Progress;
use crate::storage::{EvaluationPoint, StepMetrics};
use crate::training::Advice;
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

/// What stopping a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Training ends, and its best checkpoint is evaluated.
    KeepBest,
    /// The best checkpoint is kept without evaluating it on the test set.
    SkipTest,
    /// The run ends before its first evaluation, so nothing of it is kept.
    Discard,
}

impl Stop {
    /// The name of its button.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::KeepBest => "Stop and keep the best",
            Self::SkipTest => "Stop without testing",
            Self::Discard => "Discard and stop",
        }
    }

    /// What it does, in one sentence.
    #[must_use]
    pub fn tooltip(self) -> &'static str {
        match self {
            Self::KeepBest => "Stop the run now, evaluate its best checkpoint and keep it",
            Self::SkipTest => "Keep the best checkpoint, but don't wait for its metrics on the test set",
            Self::Discard => "Don't wait for the first evaluation. Without one, nothing of the run is kept",
        }
    }
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
    /// What the curves show by now.
    pub advice: Vec<Advice>,
    /// The log, oldest first.
    pub log: Vec<LogLine>,
    /// The current stage, its progress and the time left.
    pub progress: Option<Progress>,
    /// Whether it is paused.
    pub paused: bool,
    /// Whether another process is to go on with it.
    pub handed_over: bool,
    /// How often it was told to stop.
    pub stops: u32,
    /// How it ended; `None` while it is training.
    pub end: Option<RunEnd>,
}

impl LiveRun {
    /// Whether it has not ended, paused or not.
    #[must_use]
    pub fn is_going(&self) -> bool {
        self.end.is_none()
    }

    /// Whether it was told to stop and has not stopped yet.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.is_going() && self.stops > 0
    }

    /// What telling it to stop would do now; `None` if it ends as soon as it can already.
    #[must_use]
    pub fn next_stop(&self) -> Option<Stop> {
        match self.stops {
            _ if !self.is_going() => None,
            0 => Some(Stop::KeepBest),
            1 if self.evaluations.is_empty() => Some(Stop::Discard),
            1 => Some(Stop::SkipTest),
            _ => None,
        }
    }

    /// What it is doing now.
    #[must_use]
    pub fn stage(&self) -> String {
        match self.next_stop() {
            None => return "Stopping".to_owned(),
            Some(Stop::Discard) => return "Stopping and evaluating the current weights".to_owned(),
            Some(Stop::SkipTest) => return "Stopping and evaluating the best checkpoint".to_owned(),
            Some(Stop::KeepBest) => {}
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

    /// Share of the steps done, or of the current stage before the first step and while stopping. The page and the status bar
    /// show the same.
    #[must_use]
    pub fn share_done(&self) -> Option<f32> {
        let Some(start) = self.start.as_ref().filter(|_| self.stops == 0) else {
            return self.progress.as_ref()?.fraction();
        };
        let done = self.steps.last().map_or(0, |step| step.step);
        Some((done as f32 / start.total_steps.max(1) as f32).clamp(0.0, 1.0))
    }

    /// The time left; `None` while it is paused or unknown.
    #[must_use]
    pub fn time_left(&self) -> Option<String> {
        self.progress.as_ref().filter(|_| !self.paused && self.stops == 0)?.time_left()
    }

    /// Handles an event of the run.
    pub fn take_in(&mut self, event: RunEvent) {
        match event {
            RunEvent::Started(start) => self.start = Some(start),
            RunEvent::Steps(steps) => self.steps.extend(steps),
            RunEvent::Evaluation(point) => self.evaluations.push(*point),
            RunEvent::Paused(paused) => self.paused = paused,
            RunEvent::Advice(advice) => self.advice = advice,
        }
    }

    /// Marks the run as ended.
    pub fn finish(&mut self, end: RunEnd) {
        self.end = Some(end);
        self.progress = None;
        self.paused = false;
    }
}
