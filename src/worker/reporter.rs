//! How a job speaks: answers stamped with its id, thinned out at the source, each followed by a wake-up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use crate::progress::Progress;
use crate::storage::StepMetrics;

use crate::worker::{Answer, Event, JobId, LogLevel, LogLine};

/// At most 20 progress reports and 20 groups of steps a second: more than an eye can follow, and few enough that
/// a hidden window's unread events stay small.
const INTERVAL: Duration = Duration::from_millis(50);

/// Where events go, and who is told that one is there.
#[derive(Clone)]
pub(super) struct Outlet {
    pub events: Sender<Event>,
    pub wake: Arc<dyn Fn() + Send + Sync>,
}

impl Outlet {
    /// Sends an answer. A receiver that is gone is no error: nobody is left to tell.
    pub fn send(&self, job: JobId, answer: Answer) {
        if self.events.send(Event { job, answer }).is_ok() {
            (self.wake)();
        }
    }

    /// Sends a line of the log.
    pub fn log(&self, job: JobId, level: LogLevel, message: impl Into<String>) {
        self.send(job, Answer::Log(LogLine { level, message: message.into() }));
    }
}

/// One job's voice.
pub(super) struct Reporter {
    job: JobId,
    outlet: Outlet,
    stage: String,
    last_progress: Option<Instant>,
    steps: Vec<StepMetrics>,
    last_steps: Option<Instant>,
}

impl Reporter {
    pub fn new(job: JobId, outlet: Outlet) -> Self {
        Self { job, outlet, stage: String::new(), last_progress: None, steps: Vec::new(), last_steps: None }
    }

    /// Passes progress on, unless the same stage was reported a moment ago. A new stage and the end of one are
    /// always passed on.
    pub fn progress(&mut self, progress: Progress) {
        let complete = progress.total == Some(progress.done);
        let new_stage = self.stage != progress.stage;
        if !(due(self.last_progress) || new_stage || complete) {
            return;
        }
        if new_stage {
            self.stage.clone_from(&progress.stage);
        }
        self.last_progress = Some(Instant::now());
        self.outlet.send(self.job, Answer::Progress(progress));
    }

    /// Adds a line to the log.
    pub fn log(&mut self, level: LogLevel, message: impl Into<String>) {
        self.outlet.log(self.job, level, message);
    }

    /// Passes a step's figures on, together with those held back before it.
    pub fn step(&mut self, step: StepMetrics) {
        self.steps.push(step);
        if due(self.last_steps) {
            self.flush();
        }
    }

    /// Sends an answer, after every step's figures that belong before it.
    pub fn send(&mut self, answer: Answer) {
        self.flush();
        self.outlet.send(self.job, answer);
    }

    /// Sends the figures held back.
    pub fn flush(&mut self) {
        if !self.steps.is_empty() {
            self.last_steps = Some(Instant::now());
            self.outlet.send(self.job, Answer::Steps(std::mem::take(&mut self.steps)));
        }
    }
}

fn due(last: Option<Instant>) -> bool {
    last.is_none_or(|last| last.elapsed() >= INTERVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outlet() -> (Outlet, crossbeam_channel::Receiver<Event>) {
        let (events, receiver) = crossbeam_channel::unbounded();
        (Outlet { events, wake: Arc::new(|| ()) }, receiver)
    }

    fn step(step: u64) -> StepMetrics {
        StepMetrics { step, epoch: 0.0, loss: 1.0, learning_rate: 1.0, grad_norm: 1.0, tokens: 1, train_seconds: 0.0 }
    }

    #[test]
    fn progress_is_thinned_but_its_end_and_new_stages_arrive() {
        let (outlet, receiver) = outlet();
        let mut reporter = Reporter::new(7, outlet);
        for done in 0..=1000 {
            reporter.progress(Progress { stage: "Reading".into(), done, total: Some(1000), ..Progress::default() });
        }
        reporter.progress(Progress { stage: "Cleaning".into(), ..Progress::default() });
        let events: Vec<_> = receiver.try_iter().collect();
        assert!((3..10).contains(&events.len()), "{} events", events.len());
        let last_two: Vec<_> = events[events.len() - 2..].iter().map(|event| format!("{:?}", event.answer)).collect();
        assert!(last_two[0].contains("done: 1000") && last_two[1].contains("Cleaning"), "{last_two:?}");
        assert!(events.iter().all(|event| event.job == 7));
    }

    #[test]
    fn no_step_is_lost_and_order_is_kept() {
        let (outlet, receiver) = outlet();
        let mut reporter = Reporter::new(1, outlet);
        for number in 1..=100 {
            reporter.step(step(number));
        }
        reporter.send(Answer::Cancelled);
        let events: Vec<_> = receiver.try_iter().collect();
        assert!(events.len() < 20, "{} events", events.len());
        assert!(matches!(events.last().map(|event| &event.answer), Some(Answer::Cancelled)));
        let steps: Vec<_> = events
            .iter()
            .filter_map(|event| match &event.answer {
                Answer::Steps(steps) => Some(steps.iter().map(|step| step.step)),
                _ => None,
            })
            .flatten()
            .collect();
        assert_eq!(steps, (1..=100).collect::<Vec<_>>());
    }
}
