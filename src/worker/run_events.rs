//! The events of a run, as they are told while it trains.

use std::path::PathBuf;
use std::sync::Arc;

use crate::fetch::network_of;
use crate::storage::{EvaluationPoint, RunSettings, StepMetrics};
use crate::training::{Advice, AdvisedRun, Adviser, TrainingEvent};
use crate::worker::reporter::Throttle;
use crate::worker::{Context, LogLevel};

/// The events of a run, in order.
#[derive(Clone, Debug)]
pub enum RunEvent {
    /// Training begins.
    Started(Arc<RunStart>),
    /// Metrics of the steps since the last such event, at most 20 events a second.
    Steps(Vec<StepMetrics>),
    /// An evaluation on the validation set.
    Evaluation(Box<EvaluationPoint>),
    /// The run pauses (true) or continues (false).
    Paused(bool),
    /// What the curves show by now. It replaces what was said before.
    Advice(Vec<Advice>),
}

/// What is known when training begins.
#[derive(Clone, Debug)]
pub struct RunStart {
    /// Run id.
    pub run: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Everything that is needed to repeat it.
    pub settings: RunSettings,
    /// Planned number of optimizer steps.
    pub total_steps: u64,
    /// Optimizer steps per epoch.
    pub steps_per_epoch: u64,
    /// Device and precision, for example "CPU, f32".
    pub device: String,
}

/// Sends the events of training, with steps in groups.
pub(super) struct Teller<'a, 'b> {
    context: &'a mut Context<'b>,
    /// Sends an event, and says whether somebody listens.
    send: Box<dyn Fn(RunEvent) -> bool>,
    steps: Vec<StepMetrics>,
    throttle: Throttle,
    /// Since training began.
    adviser: Option<Adviser>,
}

impl<'a, 'b> Teller<'a, 'b> {
    pub fn new(context: &'a mut Context<'b>, send: Box<dyn Fn(RunEvent) -> bool>) -> Self {
        Self { context, send, steps: Vec::new(), throttle: Throttle::default(), adviser: None }
    }

    pub fn tell(&mut self, event: TrainingEvent) {
        match event {
            TrainingEvent::Progress(progress) => self.context.progress(progress),
            TrainingEvent::Log(message) => self.context.log(LogLevel::Info, message),
            TrainingEvent::Warning(message) => self.context.log(LogLevel::Warning, message),
            TrainingEvent::Started { run, settings, total_steps, steps_per_epoch, device } => {
                let (id, folder, settings) = (run.id(), run.path().to_owned(), *settings);
                let network = network_of(&settings.project.model, run.project_folder());
                self.adviser = Some(Adviser::new(AdvisedRun::of(&settings, total_steps, network)));
                let start = RunStart { run: id, folder, settings, total_steps, steps_per_epoch, device };
                self.pass_on_after_steps(RunEvent::Started(Arc::new(start)));
            }
            TrainingEvent::Step(step) => {
                let advice = self.adviser.as_mut().and_then(|adviser| adviser.step(&step));
                self.steps.push(step);
                if self.throttle.is_due() {
                    self.flush();
                }
                self.advise(advice);
            }
            TrainingEvent::Evaluation(point) => {
                let advice = self.adviser.as_mut().and_then(|adviser| adviser.evaluation(&point));
                self.pass_on_after_steps(RunEvent::Evaluation(point));
                self.advise(advice);
            }
            TrainingEvent::Paused(paused) => self.pass_on_after_steps(RunEvent::Paused(paused)),
        }
    }

    fn advise(&mut self, advice: Option<Vec<Advice>>) {
        if let Some(advice) = advice {
            self.pass_on_after_steps(RunEvent::Advice(advice));
        }
    }

    /// Sends an event, after every step before it.
    fn pass_on_after_steps(&mut self, event: RunEvent) {
        self.flush();
        self.pass_on(event);
    }

    /// Sends the steps held back.
    pub fn flush(&mut self) {
        if !self.steps.is_empty() {
            self.throttle.restart();
            let steps = std::mem::take(&mut self.steps);
            self.pass_on(RunEvent::Steps(steps));
        }
    }

    fn pass_on(&self, event: RunEvent) {
        if (self.send)(event) {
            self.context.announce_event();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::cache::Cache;
    use crate::worker::pending::Ticket;

    fn step(step: u64) -> TrainingEvent {
        let (epoch, loss, learning_rate, grad_norm, tokens, train_seconds) = (0.0, 1.0, 1.0, 1.0, 1, 0.0);
        TrainingEvent::Step(StepMetrics {
            step,
            epoch,
            loss,
            learning_rate,
            grad_norm,
            tokens,
            train_seconds,
            memory: 0,
        })
    }

    #[test]
    fn steps_are_grouped_but_none_is_lost_and_order_is_kept() {
        let (ticket, _said) = Ticket::new(Arc::new(|| ()));
        let mut cache = Cache::default();
        let mut context = Context::new(&ticket, &mut cache);
        let (events, told) = crossbeam_channel::unbounded();
        let mut teller = Teller::new(&mut context, Box::new(move |event| events.send(event).is_ok()));
        (1..=100).for_each(|number| teller.tell(step(number)));
        teller.tell(TrainingEvent::Paused(true));
        let told: Vec<RunEvent> = told.try_iter().collect();
        assert!(told.len() < 20, "{} events", told.len());
        assert!(matches!(told.last(), Some(RunEvent::Paused(true))));
        let steps = told.iter().flat_map(|event| match event {
            RunEvent::Steps(steps) => steps.as_slice(),
            _ => &[],
        });
        assert_eq!(steps.map(|step| step.step).collect::<Vec<_>>(), (1..=100).collect::<Vec<_>>());
    }
}
