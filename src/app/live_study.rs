//! A study while it is running.

use std::sync::Arc;

use crossbeam_channel::Receiver;

use crate::app::live_run::LiveRun;
use crate::worker::{StudyEvent, StudyResults};

/// The study that is running, updated by the worker's events.
#[derive(Debug)]
pub struct LiveStudy {
    /// What it found so far; `None` until it begins.
    pub results: Option<Arc<StudyResults>>,
    /// The number of the trial under way; 0 before the first.
    pub trial: u32,
    /// Its run.
    pub run: LiveRun,
    /// Whether it was told to stop.
    pub stopping: bool,
    /// Whether another process is to go on with it.
    pub handed_over: bool,
    events: Receiver<StudyEvent>,
}

impl LiveStudy {
    /// Of a study whose events come from this channel.
    #[must_use]
    pub fn new(events: Receiver<StudyEvent>) -> Self {
        Self { results: None, trial: 0, run: LiveRun::default(), stopping: false, handed_over: false, events }
    }

    /// Handles what the study has told since.
    pub fn take_in(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            match event {
                StudyEvent::Started(results) | StudyEvent::Results(results) => self.results = Some(results),
                StudyEvent::Trial(number) => (self.trial, self.run) = (number, LiveRun::default()),
                StudyEvent::Run(_, event) => self.run.take_in(event),
            }
        }
    }
}
