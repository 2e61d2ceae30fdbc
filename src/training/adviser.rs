//! Follows a run, and says when its curves show something.

use crate::storage::{EvaluationPoint, StepMetrics};
use crate::training::advice::{Advice, AdvisedRun, advise};

/// Steps that are kept. Of a longer run, neighbours are merged, older ones more often.
const MOST_STEPS: usize = 4_000;
/// Steps after which the curves are looked at again, at least, and as part of those so far, so that this takes no time.
const LOOK: usize = 4;
const LOOK_PART: usize = 20;

/// Follows a run, event by event.
#[derive(Clone, Debug)]
pub struct Adviser {
    run: AdvisedRun,
    steps: Vec<StepMetrics>,
    evaluations: Vec<EvaluationPoint>,
    /// Steps since the last look.
    unseen: usize,
    advice: Vec<Advice>,
}

impl Adviser {
    /// At the beginning of a run.
    #[must_use]
    pub fn new(run: AdvisedRun) -> Self {
        Self { run, steps: Vec::new(), evaluations: Vec::new(), unseen: 0, advice: Vec::new() }
    }

    /// Takes in a step. Returns all advice if there is more than before.
    pub fn step(&mut self, step: &StepMetrics) -> Option<Vec<Advice>> {
        self.steps.push(step.clone());
        if self.steps.len() > MOST_STEPS {
            self.steps = self.steps.chunks(2).map(merged).collect();
        }
        self.unseen += 1;
        if self.unseen < LOOK.max(self.steps.len() / LOOK_PART) {
            return None;
        }
        self.unseen = 0;
        let mut advice = self.advice.clone();
        // What was said stays until the next evaluation, rather than come and go.
        let is_new = |found: &Advice| self.advice.iter().all(|said| said.kind != found.kind);
        advice.extend(advise(&self.run, &self.steps, &self.evaluations).into_iter().filter(is_new));
        self.say(advice)
    }

    /// Takes in an evaluation. Returns all advice if it is other than before.
    pub fn evaluation(&mut self, point: &EvaluationPoint) -> Option<Vec<Advice>> {
        self.evaluations.push(point.clone());
        let advice = advise(&self.run, &self.steps, &self.evaluations);
        self.say(advice)
    }

    fn say(&mut self, advice: Vec<Advice>) -> Option<Vec<Advice>> {
        let kinds = |advice: &[Advice]| advice.iter().map(|advice| advice.kind).collect::<Vec<_>>();
        if kinds(&advice) == kinds(&self.advice) {
            return None;
        }
        self.advice.clone_from(&advice);
        Some(advice)
    }
}

/// One step for one or two.
fn merged(pair: &[StepMetrics]) -> StepMetrics {
    let mean = |value: fn(&StepMetrics) -> f64| pair.iter().map(value).sum::<f64>() / pair.len() as f64;
    StepMetrics {
        loss: mean(|step| step.loss),
        learning_rate: mean(|step| step.learning_rate),
        grad_norm: mean(|step| step.grad_norm),
        tokens: pair.iter().map(|step| step.tokens).sum(),
        ..pair[pair.len() - 1].clone()
    }
}
