//! Linear probes of the network before training: the instant baseline of every run with classes, and the weights with which a
//! new head that scores embeddings begins.

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::data::packed;
use crate::evaluation::{FittedProbe, Guesses, LinearProbe, argmax};
use crate::models::{HeadSpec, LoadOptions, Model};
use crate::progress::Cancelled;
use crate::project::TrainedLayers;

use crate::tasks::Samples;
use crate::training::TrainError;
use crate::training::event::Voice;
use crate::training::predict::batches;
use crate::training::setup::Dataset;
use crate::training::trainer::{Probed, Trainer};

/// Training rows that the instant baseline is fitted on, at most: more take longer and say little more.
pub(super) const MOST_ROWS: usize = 4_000;

/// A part of the work: its name on screen, and whom to tell about it.
pub(super) struct Stage<'s, 'v> {
    pub name: &'s str,
    pub voice: &'s mut Voice<'v>,
}

/// Rows of `rows`, evenly spaced, at most [`MOST_ROWS`].
pub(super) fn some_of(rows: usize) -> Vec<usize> {
    (0..rows).step_by(rows.div_ceil(MOST_ROWS).max(1)).collect()
}

/// Computes the embedding of each sample at `rows`, which `take` gets with its row.
pub(super) fn embed(
    model: &Model,
    samples: &Samples,
    rows: Vec<usize>,
    Stage { name, voice }: Stage<'_, '_>,
    take: &mut dyn FnMut(usize, &[f32]),
) -> Result<(), TrainError> {
    let control = voice.control;
    let (mut done, total) = (0, rows.iter().map(|&row| samples.ids[row].len()).sum());
    for numbers in batches(rows, &samples.ids) {
        voice.progress(name, done, total, "tokens");
        voice.look()?;
        let batch = packed(&samples.ids, model.embedding_pooling(), None, &numbers);
        let embeddings = model.embeddings(&batch, &|| control.is_cancelled());
        // A stopped batch fails with an error; report the stop instead.
        voice.look()?;
        for (&row, embedding) in numbers.iter().zip(embeddings?.to_rows()) {
            take(row, &embedding);
        }
        done += batch.total_tokens();
    }
    Ok(())
}

/// The embeddings of the samples at `rows`, which ascend, `[rows * hidden]`.
pub(super) fn embeddings(
    model: &Model,
    samples: &Samples,
    rows: &[usize],
    stage: Stage<'_, '_>,
) -> Result<Vec<f32>, TrainError> {
    let width = model.config().hidden_size;
    // Made once at its full size: the embeddings of a million rows fill a large part of the memory.
    let mut values = vec![0.0; rows.len() * width];
    embed(model, samples, rows.to_vec(), stage, &mut |row, embedding| {
        let place = rows.partition_point(|&other| other < row);
        values[place * width..(place + 1) * width].copy_from_slice(embedding);
    })?;
    Ok(values)
}

/// After training, if not yet: fits the instant baseline on the network before training, which replaces the trained one in memory.
/// Without that network, which may be gone by now, there is no such baseline.
///
/// # Errors
/// If neither that network nor the trained one can be loaded.
pub(super) fn compare_with_instant(mut trainer: Trainer<'_>) -> Result<Trainer<'_>, TrainError> {
    if trainer.probe.is_some() || !trainer.is_compared_with_instant() {
        return Ok(trainer);
    }
    let options = LoadOptions {
        compute: trainer.model.compute().clone(),
        only_answers: true,
        ..LoadOptions::new(trainer.model.head().clone())
    };
    // Not both in memory.
    drop(trainer.model);
    let loaded = Model::load(trainer.source, &options);
    let is_loaded = loaded.is_ok();
    trainer.model = match loaded {
        Ok((model, _)) => model,
        Err(error) => {
            trainer.voice.warn(format!("There is no instant baseline: {error}"));
            Model::load(&trainer.run.best(), &options)?.0
        }
    };
    if is_loaded {
        match trainer.fit_probe() {
            Ok(_) | Err(TrainError::Cancelled) => {}
            Err(error) => trainer.voice.warn(format!("There is no instant baseline: {error}")),
        }
    }
    Ok(trainer)
}

impl Trainer<'_> {
    /// Before training: a new head that scores embeddings begins as the instant model ends. Fine-tuning from a
    /// fitted head changes the network less (Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features and Underperform
    /// Out-of-Distribution").
    ///
    /// # Errors
    /// [`TrainError::Cancelled`] if stopped; [`TrainError::Tensor`] if the network fails.
    pub fn begin_with_probe(&mut self) -> Result<(), TrainError> {
        let reads_embeddings = matches!(self.model.head(), HeadSpec::EmbeddingClassification { .. });
        if !reads_embeddings || !self.has_new_head || self.settings.trained_layers == TrainedLayers::Instant {
            return Ok(());
        }
        let kept = self.study.map(|study| (study.probe, self.hash_of_fit()));
        let fitted = if let Some(fitted) = kept.and_then(|(probe, of)| probe.get(of)) {
            fitted
        } else {
            let Some(fitted) = self.fit_probe()? else { return Ok(()) };
            if let Some((probe, of)) = kept {
                probe.keep(of, &fitted);
            }
            fitted
        };
        self.model.set_embedding_scores(&fitted.weights, &fitted.bias)?;
        Ok(())
    }

    /// A hash of all that decides how a probe is fitted: the network and how it computes, the rows, and how much each class counts.
    fn hash_of_fit(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.source.hash(&mut hasher);
        format!("{:?} {}", self.model.head(), self.model.compute()).hash(&mut hasher);
        for samples in [&self.data.train.samples, &self.data.validation.samples] {
            (&samples.ids, &samples.classes).hash(&mut hasher);
        }
        for weight in self.class_weights() {
            weight.to_bits().hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Whether the task has the baseline, and the run is neither an instant model itself nor a trial, which is compared with others.
    fn is_compared_with_instant(&self) -> bool {
        self.study.is_none()
            && self.task.is_compared_with_instant()
            && self.settings.trained_layers != TrainedLayers::Instant
    }

    /// Fits the network's embeddings with every strength of the penalty, and keeps what the best one on the
    /// validation rows guesses, if the run is compared with that.
    fn fit_probe(&mut self) -> Result<Option<FittedProbe>, TrainError> {
        let mut fits = self.fit_strengths()?;
        let mut guesses = self.guesses(&fits, |data| &data.validation.samples)?;
        let best = (0..fits.len()).max_by(|&one, &other| better(&guesses[one], &guesses[other]));
        let Some(best) = best else { return Ok(None) };
        if self.is_compared_with_instant() {
            let test = self.guesses(&fits[best..=best], |data| &data.test.samples)?.pop();
            let test = test.filter(|_| !self.data.test.samples.is_empty());
            self.probe = Some(Probed { validation: guesses.swap_remove(best), test });
        }
        Ok(Some(fits.swap_remove(best)))
    }

    /// A fit for each strength of the penalty.
    fn fit_strengths(&mut self) -> Result<Vec<FittedProbe>, TrainError> {
        let samples = &self.data.train.samples;
        let rows = some_of(samples.len());
        let stage = Stage { name: "Fitting the instant baseline", voice: &mut self.voice };
        let embeddings = embeddings(&self.model, samples, &rows, stage)?;
        let labels: Vec<u32> = rows.iter().map(|&row| samples.classes[row]).collect();
        let probe = LinearProbe::new(&embeddings, self.model.config().hidden_size, &labels, self.class_weights());
        let control = self.voice.control;
        Ok(probe.fit_all(|_| !control.is_cancelled()).ok_or(Cancelled)?)
    }

    /// How much each class counts in the loss, `[classes]`.
    pub(super) fn class_weights(&self) -> Vec<f64> {
        let weights = self.loss.class_weights.as_ref();
        weights.map_or(vec![1.0; self.labels.len()], |weights| weights.iter().copied().map(f64::from).collect())
    }

    /// What each fit guesses about the rows of a split.
    fn guesses(
        &mut self,
        fits: &[FittedProbe],
        side: for<'d, 'e> fn(&'d Dataset<'e>) -> &'d Samples,
    ) -> Result<Vec<Guesses>, TrainError> {
        let samples = side(&self.data);
        let mut predicted = vec![vec![0; samples.len()]; fits.len()];
        let mut losses = vec![0.0; fits.len()];
        let mut take = |row: usize, embedding: &[f32]| {
            for ((fit, predicted), loss) in fits.iter().zip(&mut predicted).zip(&mut losses) {
                let scores = fit.log_probabilities(embedding);
                predicted[row] = argmax(&scores);
                *loss -= scores.get(samples.classes[row] as usize).copied().unwrap_or(0.0);
            }
        };
        let stage = Stage { name: "Evaluating the instant baseline", voice: &mut self.voice };
        embed(&self.model, samples, (0..samples.len()).collect(), stage, &mut take)?;
        let rows = samples.len().max(1) as f64;
        let guesses = |(predicted, loss)| Guesses::of(self.labels, &samples.classes, predicted, loss / rows);
        Ok(predicted.into_iter().zip(losses).map(guesses).collect())
    }
}

/// Which guesses are better: those with the higher macro-F1, then those with the lower loss.
fn better(one: &Guesses, other: &Guesses) -> Ordering {
    let of = |guesses: &Guesses| (guesses.metrics.macro_average.f1, -guesses.metrics.loss);
    let ((one_f1, one_loss), (other_f1, other_loss)) = (of(one), of(other));
    one_f1.total_cmp(&other_f1).then(one_loss.total_cmp(&other_loss))
}
