//! Events of a run, and how it is paused and stopped.

use std::time::{Duration, Instant};

use crate::progress::{Cancelled, Control, Progress};
use crate::storage::{EvaluationPoint, RunFolder, RunSettings, StepMetrics, StopRequest};
use crate::training::away::Away;

/// An event of a run. [`TrainingEvent::Started`] comes once, then steps and evaluations.
#[derive(Clone, Debug)]
pub enum TrainingEvent {
    /// Progress.
    Progress(Progress),
    /// A message for the log.
    Log(String),
    /// A warning.
    Warning(String),
    /// The run's folder has been created and the first step begins.
    Started {
        /// The run's folder.
        run: RunFolder,
        /// Everything that is needed to repeat it.
        settings: Box<RunSettings>,
        /// Optimizer steps planned.
        total_steps: u64,
        /// Optimizer steps per epoch.
        steps_per_epoch: u64,
        /// Device and precision, for example "CPU, f32".
        device: String,
    },
    /// An optimizer step was done.
    Step(StepMetrics),
    /// An evaluation on the validation set was done.
    Evaluation(Box<EvaluationPoint>),
    /// It was paused (true) or resumed (false).
    Paused(bool),
}

/// Reports events, and checks for pause and stop.
pub(super) struct Voice<'a> {
    pub control: &'a Control,
    pub on_event: &'a mut dyn FnMut(TrainingEvent),
    /// Time spent paused. It does not count as training time.
    pub waited: Duration,
    /// Where other processes ask the run to stop.
    pub requests: Vec<StopRequest>,
    /// Time in which the process did not run. It does not count either.
    away: Away,
}

/// How often a paused run looks whether it goes on.
const LOOK: Duration = Duration::from_millis(50);

impl<'a> Voice<'a> {
    pub fn new(control: &'a Control, on_event: &'a mut dyn FnMut(TrainingEvent)) -> Self {
        Self { control, on_event, waited: Duration::ZERO, requests: Vec::new(), away: Away::begin() }
    }

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
        self.say(TrainingEvent::Progress(Progress::of(stage, done, total, unit)));
    }

    /// [`Control::look`], after waiting while paused, and looking for requests of other processes.
    ///
    /// # Errors
    /// [`Cancelled`].
    pub fn look(&mut self) -> Result<(), Cancelled> {
        self.wait_while_paused();
        self.hear();
        self.control.look()
    }

    /// [`Control::look_for_second_stop`], after waiting while paused.
    ///
    /// # Errors
    /// [`Cancelled`].
    pub fn look_for_second_stop(&mut self) -> Result<(), Cancelled> {
        self.wait_while_paused();
        self.control.look_for_second_stop()
    }

    /// Time that does not count as training time.
    fn lost(&self) -> Duration {
        self.waited + self.away.total()
    }

    /// Stops the run if another process asks for it.
    pub fn hear(&mut self) {
        if !self.control.is_cancelled() && self.requests.iter().any(StopRequest::take) {
            self.log("Another window or terminal asked for a stop.");
            self.control.request_stop();
        }
    }

    fn wait_while_paused(&mut self) {
        if self.control.is_paused() && !self.control.is_cancelled() {
            self.say(TrainingEvent::Paused(true));
            let stopwatch = Stopwatch::start(self);
            while self.control.is_paused() && !self.control.is_cancelled() {
                std::thread::sleep(LOOK);
                self.hear();
            }
            self.waited += stopwatch.elapsed(self);
            self.say(TrainingEvent::Paused(false));
        }
    }
}

/// Measures time without pauses, and without the time in which the process did not run.
pub(super) struct Stopwatch {
    begun: Instant,
    lost_before: Duration,
}

impl Stopwatch {
    pub fn start(voice: &Voice<'_>) -> Self {
        Self { begun: Instant::now(), lost_before: voice.lost() }
    }

    pub fn elapsed(&self, voice: &Voice<'_>) -> Duration {
        self.begun.elapsed().saturating_sub(voice.lost().saturating_sub(self.lost_before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_reported_and_does_not_count_as_training_time() {
        let control = Control::default();
        control.set_paused(true);
        let mut paused = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(100));
                control.set_paused(false);
            });
            let on_event = &mut |event| {
                if let TrainingEvent::Paused(now) = event {
                    paused.push(now);
                }
            };
            let mut voice = Voice::new(&control, on_event);
            let stopwatch = Stopwatch::start(&voice);
            voice.look().unwrap();
            assert!(voice.waited >= Duration::from_millis(50), "{:?}", voice.waited);
            assert!(stopwatch.elapsed(&voice) < Duration::from_millis(50), "{:?}", stopwatch.elapsed(&voice));
            voice.look().unwrap();
        });
        assert_eq!(paused, [true, false]);
    }

    #[test]
    fn the_first_stop_ends_training_and_the_second_ends_the_rest() {
        let control = Control::default();
        let ignore = &mut |_| ();
        let mut voice = Voice::new(&control, ignore);
        assert!(voice.look().is_ok());
        control.cancel();
        assert_eq!(voice.look(), Err(Cancelled));
        assert!(voice.look_for_second_stop().is_ok());
        control.cancel();
        assert_eq!(voice.look_for_second_stop(), Err(Cancelled));
    }
}
