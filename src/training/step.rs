//! The forward and backward passes of one optimizer step, shared by training, the dry run and the benchmark.

use std::time::Duration;

use crate::data::Batch;
use crate::models::{Mode, Model, TrainPass};
use crate::ops::{CrossEntropy, Gradients};
use crate::progress::Cancelled;
use crate::tasks::{Draw, Samples, TaskDefinition};

use crate::training::TrainError;
use crate::training::features::FeatureCache;

/// Tokens per pass. Larger batches are computed in several passes, which limits the memory for activations and gives
/// the same gradient.
pub(super) const PASS_TOKENS: usize = 4096;

/// The inputs of a step.
pub(super) struct OptimizerStep<'a> {
    pub model: &'a Model,
    /// One batch per pass.
    pub passes: &'a [Batch],
    pub loss: &'a CrossEntropy,
    /// Seed of the dropout masks.
    pub seed: u64,
    /// Number of the first pass in the run, for the dropout masks.
    pub first_pass: u64,
    /// A pass ends with an error soon after this returns true.
    pub stop: &'a dyn Fn() -> bool,
}

/// Loss, gradients and times of a step.
pub(super) struct StepOutcome {
    /// In nats.
    pub loss: f64,
    /// Indexed like the parameters.
    pub gradients: Gradients,
    pub forward: Duration,
    pub backward: Duration,
}

impl OptimizerStep<'_> {
    /// The step's loss, and its gradient of every parameter. `look` is called before and after each pass; its error
    /// ends the step.
    ///
    /// The loss is the weighted mean over all reads of the step, so the result does not depend on how rows are divided
    /// into passes.
    pub fn forward_backward(
        &self,
        mut features: Option<&mut FeatureCache>,
        look: &mut dyn FnMut() -> Result<(), Cancelled>,
    ) -> Result<StepOutcome, TrainError> {
        let wanted: Vec<u32> = self.passes.iter().flat_map(|batch| &batch.wanted).copied().collect();
        let loss = &CrossEntropy { divisor: Some(self.loss.total_weight(&wanted)), ..self.loss.clone() };
        let gradients = Gradients::new(self.model.parameters().len());
        let mut step = StepOutcome { loss: 0.0, gradients, forward: Duration::ZERO, backward: Duration::ZERO };
        for (number, batch) in (self.first_pass..).zip(self.passes) {
            look()?;
            let features = match &mut features {
                Some(cache) => cache.of(self.model, batch, self.stop),
                None => Ok(None),
            };
            // A stopped pass fails with an error. `look` distinguishes this from other errors.
            look()?;
            let features = features?;
            let mode = Mode::Training { seed: self.seed, step: number };
            let pass = TrainPass { batch, features: features.as_ref(), mode, loss, stop: self.stop };
            let outcome = self.model.train_pass(&pass, &mut step.gradients);
            look()?;
            let outcome = outcome?;
            step.loss += outcome.loss;
            step.forward += outcome.forward;
            step.backward += outcome.backward;
        }
        Ok(step)
    }
}

/// The batches of a step's passes. `rows` holds the rows of each of the step's batches.
pub(super) fn passes_of_step(
    task: &dyn TaskDefinition,
    samples: &Samples,
    rows: &[Vec<usize>],
    draw: Draw,
) -> Vec<Batch> {
    let passes = rows.iter().flat_map(|batch| passes(batch, &samples.ids));
    passes.map(|rows| task.batch(samples, rows, draw)).collect()
}

/// Tokens of the longest pass of an epoch. `batches` holds the rows of each of its batches.
pub(super) fn longest_pass(batches: &[Vec<usize>], ids: &[Vec<u32>]) -> usize {
    let tokens = |rows: &[usize]| rows.iter().map(|&row| ids[row].len()).sum();
    batches.iter().flat_map(|batch| passes(batch, ids)).map(tokens).max().unwrap_or(0)
}

/// Splits a batch into passes, keeping the order of its rows. A sample of more than [`PASS_TOKENS`] gets its own pass.
pub(super) fn passes<'a>(batch: &'a [usize], ids: &[Vec<u32>]) -> Vec<&'a [usize]> {
    let mut passes = Vec::new();
    let (mut first, mut tokens) = (0, 0);
    for (place, &row) in batch.iter().enumerate() {
        let length = ids[row].len();
        if tokens + length > PASS_TOKENS && first < place {
            passes.push(&batch[first..place]);
            (first, tokens) = (place, 0);
        }
        tokens += length;
    }
    passes.push(&batch[first..]);
    passes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_hold_every_row_in_order_and_stay_small() {
        let ids: Vec<Vec<u32>> = [3000, 1000, 96, 1, 5000, 4096, 1].map(|length| vec![1; length]).into();
        let batch = [0, 1, 2, 3, 4, 5, 6];
        assert_eq!(passes(&batch, &ids), [&[0, 1, 2][..], &[3], &[4], &[5], &[6]]);
        assert_eq!(passes(&batch[..1], &ids), [&[0]]);
    }
}
