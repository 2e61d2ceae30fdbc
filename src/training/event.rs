//! What training says while it runs, and when it listens.

use crate::progress::{Control, Progress};
use crate::storage::{EvaluationPoint, RunFolder, RunSettings, StepMetrics};

use super::TrainError;

/// What training says, in order: [`TrainingEvent::Started`] once, then steps and evaluations.
#[derive(Clone, Debug)]
pub enum TrainingEvent {
    /// How far it is.
    Progress(Progress),
    /// A sentence for the record.
    Log(String),
    /// A sentence worth a look.
    Warning(String),
    /// The run's folder is made and the first step begins.
    Started {
        /// The run's folder.
        run: RunFolder,
        /// Everything needed to repeat it.
        settings: Box<RunSettings>,
        /// Optimizer steps planned.
        total_steps: u64,
        /// Optimizer steps an epoch.
        steps_per_epoch: u64,
        /// Device and arithmetic, for example "CPU, f32".
        device: String,
    },
    /// An optimizer step was done.
    Step(StepMetrics),
    /// An evaluation on validation was done.
    Evaluation(Box<EvaluationPoint>),
    /// It waits (true) or goes on (false).
    Paused(bool),
}

/// The trainer's mouth and ears.
pub(super) struct Voice<'a> {
    pub control: &'a Control,
    pub on_event: &'a mut dyn FnMut(TrainingEvent),
}

impl Voice<'_> {
    pub fn say(&mut self, event: TrainingEvent) {
        (self.on_event)(event);
    }

    pub fn log(&mut self, message: impl Into<String>) {
        self.say(TrainingEvent::Log(message.into()));
    }

    pub fn warn(&mut self, message: impl Into<String>) {
        self.say(TrainingEvent::Warning(message.into()));
    }

    pub fn progress(&mut self, stage: &str, done: usize, total: usize, unit: &'static str) {
        let (done, total) = (done as u64, Some(total as u64));
        self.say(TrainingEvent::Progress(Progress { stage: stage.to_owned(), done, total, unit, eta_seconds: None }));
    }

    /// Waits while paused.
    ///
    /// # Errors
    /// [`TrainError::Cancelled`] when told to stop.
    pub fn look(&mut self) -> Result<(), TrainError> {
        self.wait_while_paused();
        if self.control.is_cancelled() { Err(TrainError::Cancelled) } else { Ok(()) }
    }

    /// [`Voice::look`] for work that a stop still waits for, because its result is kept.
    ///
    /// # Errors
    /// [`TrainError::Cancelled`] when told to stop a second time.
    pub fn look_for_second_stop(&mut self) -> Result<(), TrainError> {
        self.wait_while_paused();
        if self.control.is_abandoned() { Err(TrainError::Cancelled) } else { Ok(()) }
    }

    fn wait_while_paused(&mut self) {
        if self.control.is_paused() && !self.control.is_cancelled() {
            self.say(TrainingEvent::Paused(true));
            self.control.wait_while_paused();
            self.say(TrainingEvent::Paused(false));
        }
    }
}
