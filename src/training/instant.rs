//! Instant models: a linear probe on the embeddings of a frozen network, fitted without a training loop.

use crate::evaluation::{FittedProbe, LinearProbe};
use crate::ops::Array;
use crate::progress::Cancelled;
use crate::project::PROBE_STRENGTHS;
use crate::storage::StopReason;
use crate::tasks::Draw;

use crate::training::TrainError;
use crate::training::event::Stopwatch;
use crate::training::trainer::{Progressed, Trainer};

/// Texts whose embeddings are computed at a time.
const TEXTS: usize = 64;

impl Trainer<'_> {
    /// Fits the head for each strength of the penalty, and keeps the best. Each fit counts as a step.
    ///
    /// # Errors
    /// As [`Trainer::fit`].
    pub fn fit_instantly(&mut self) -> Result<StopReason, TrainError> {
        let stopwatch = Stopwatch::start(&self.voice);
        let embeddings = self.embeddings()?;
        let classes = self.labels.len();
        let weights = self.loss.class_weights.as_ref();
        let weights = weights.map_or(vec![1.0; classes], |weights| weights.iter().copied().map(f64::from).collect());
        let labels = self.data.train.samples.classes.clone();
        let probe = LinearProbe::new(embeddings.values(), embeddings.width(), &labels, weights);
        self.train_time += stopwatch.elapsed(&self.voice);
        let mut fitted: Option<FittedProbe> = None;
        for (place, strength) in PROBE_STRENGTHS.into_iter().enumerate() {
            let stopwatch = Stopwatch::start(&self.voice);
            let control = self.voice.control;
            // A stop is noticed below.
            let next = probe.fit(strength, fitted.as_ref(), |_| !control.is_cancelled()).ok_or(Cancelled)?;
            self.model.set_mean_scores(&next.weights, &next.bias)?;
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

    /// The embedding of each training text, `[texts, hidden]`.
    fn embeddings(&mut self) -> Result<Array, TrainError> {
        let samples = &self.data.train.samples;
        // Texts of similar length take similar time, and waste no core.
        let mut order: Vec<usize> = (0..samples.len()).collect();
        order.sort_by_key(|&row| (std::cmp::Reverse(samples.ids[row].len()), row));
        let mut rows: Vec<Vec<f32>> = vec![Vec::new(); samples.len()];
        let control = self.voice.control;
        let (mut done, tokens) = (0, samples.tokens());
        for texts in order.chunks(TEXTS) {
            self.voice.progress("Reading the texts", done as usize, tokens as usize, "tokens");
            self.voice.look()?;
            let batch = self.task.batch(samples, texts, Draw::Evaluation);
            let features = self.model.features(&batch, &|| control.is_cancelled());
            self.voice.look()?;
            let features = features?.ok_or_else(|| TrainError::NotReady("the network is not frozen".to_owned()))?;
            for (&row, embedding) in batch.rows.iter().zip(features.to_rows()) {
                rows[row] = embedding;
            }
            done += batch.total_tokens() as u64;
        }
        let width = rows.first().map_or(0, Vec::len);
        Ok(Array::from_values(rows.len(), width, &rows.concat()))
    }
}
