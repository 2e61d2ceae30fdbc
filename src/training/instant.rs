//! Instant models: a linear probe on the embeddings of a frozen network, fitted without a training loop.

use crate::evaluation::{FittedProbe, LinearProbe};
use crate::progress::Cancelled;
use crate::project::PROBE_STRENGTHS;
use crate::storage::StopReason;
use crate::training::TrainError;
use crate::training::event::Stopwatch;
use crate::training::probe::{Stage, embeddings};
use crate::training::trainer::{Progressed, Trainer};

impl Trainer<'_> {
    /// Fits the head for each strength of the penalty, and keeps the best. Each fit counts as a step.
    ///
    /// # Errors
    /// As [`Trainer::fit`].
    pub fn fit_instantly(&mut self) -> Result<StopReason, TrainError> {
        let stopwatch = Stopwatch::start(&self.voice);
        let samples = &self.data.train.samples;
        let rows: Vec<usize> = (0..samples.len()).collect();
        let stage = Stage { name: "Reading the texts", voice: &mut self.voice };
        let embeddings = embeddings(&self.model, samples, &rows, stage)?;
        let labels = samples.classes.clone();
        let probe = LinearProbe::new(&embeddings, self.model.config().hidden_size, &labels, self.class_weights());
        self.train_time += stopwatch.elapsed(&self.voice);
        let mut fitted: Option<FittedProbe> = None;
        for (place, strength) in PROBE_STRENGTHS.into_iter().enumerate() {
            let stopwatch = Stopwatch::start(&self.voice);
            let control = self.voice.control;
            // A stop is noticed below.
            let next = probe.fit(strength, fitted.as_ref(), |_| !control.is_cancelled()).ok_or(Cancelled)?;
            self.check_finite("the loss", next.loss, (self.step + 1, 0.0))?;
            self.model.set_embedding_scores(&next.weights, &next.bias)?;
            self.step += 1;
            self.epoch = (place + 1) as f64 / PROBE_STRENGTHS.len() as f64;
            self.train_time += stopwatch.elapsed(&self.voice);
            let tokens = if place == 0 { self.data.train.samples.tokens() } else { 0 };
            self.log(&Progressed { tokens, loss: next.loss, learning_rate: 0.0, grad_norm: 0.0 })?;
            fitted = Some(next);
            self.evaluate()?;
        }
        Ok(StopReason::Completed)
    }
}
