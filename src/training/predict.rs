//! Runs a model over many samples, batch by batch, and scores the results.

use crate::evaluation::{BatchLogits, Scored};
use crate::models::Model;
use crate::progress::{Cancelled, Watch};
use crate::tasks::{Draw, Samples, TaskDefinition};

use crate::training::TrainError;
use crate::training::features::FeatureCache;

/// Tokens per batch: enough to keep the cores busy, but few enough to stop within a second.
const BATCH_TOKENS: usize = 2048;

/// Most texts per batch, so that batches of very short texts do not take long.
const BATCH_TEXTS: usize = 256;

/// The samples to score, and the number of rows they belong to.
#[derive(Clone, Copy)]
pub struct ToScore<'a> {
    /// The task, which creates the batches and the scorer.
    pub task: &'a dyn TaskDefinition,
    /// The samples.
    pub samples: &'a Samples,
    /// Number of data rows; a row may have several samples.
    pub rows: usize,
}

/// Predicts samples with a model, and scores the predictions if the targets are known.
///
/// # Errors
/// [`TrainError::Cancelled`] if the watch is, [`TrainError::Tensor`] if the network fails.
pub fn predict(model: &Model, what: ToScore<'_>, watch: &mut Watch<'_>) -> Result<Scored, TrainError> {
    let control = watch.control;
    score(model, what, None, &|| control.is_cancelled(), &mut |done| {
        control.wait_while_paused();
        watch.advance("Predicting", done, what.samples.len(), "rows")
    })
}

/// Scores a model. Logits are scored a few reads at a time; of them, only each row's answer and loss are kept.
///
/// `features` caches the output of the frozen layers. `look` is called with the number of samples done before every
/// batch and at the end; its error ends the work. `stop` is checked within a batch and must return true if `look` will
/// fail.
pub(super) fn score(
    model: &Model,
    what: ToScore<'_>,
    mut features: Option<&mut FeatureCache>,
    stop: &dyn Fn() -> bool,
    look: &mut dyn FnMut(usize) -> Result<(), Cancelled>,
) -> Result<Scored, TrainError> {
    let ToScore { task, samples, rows } = what;
    let mut scorer = task.scorer(rows);
    let mut done = 0;
    for numbers in batches((0..samples.len()).collect(), &samples.ids) {
        look(done)?;
        let batch = task.batch(samples, &numbers, Draw::Evaluation);
        let computed = match features.as_deref_mut() {
            Some(cache) => cache.of(model, &batch, stop),
            None => Ok(None),
        };
        let (reads, mut first) = (task.reads(samples, &batch), 0);
        let mut add = |logits: &[Vec<f32>]| {
            let part = first..first + logits.len();
            first = part.end;
            scorer.add(&BatchLogits {
                logits,
                rows: &reads.rows[part.clone()],
                wanted: batch.wanted.get(part.clone()).unwrap_or_default(),
                words: reads.words.get(part).unwrap_or_default(),
            });
        };
        let scored = computed.and_then(|known| Ok(model.forward_in_parts(&batch, known, stop, &mut add)?));
        // A batch stopped in the middle fails with an error; report the stop instead.
        if stop() {
            look(done)?;
        }
        scored?;
        done += numbers.len();
    }
    look(done)?;
    Ok(scorer.finish())
}

/// Batches of the texts at `order` of `ids`, of similar length, longest first, so that a lack of memory shows at once.
pub(super) fn batches(mut order: Vec<usize>, ids: &[Vec<u32>]) -> Vec<Vec<usize>> {
    order.sort_by_key(|&row| (std::cmp::Reverse(ids[row].len()), row));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut tokens = 0;
    for row in order {
        match batches.last_mut() {
            Some(batch) if tokens + ids[row].len() <= BATCH_TOKENS && batch.len() < BATCH_TEXTS => {
                batch.push(row);
                tokens += ids[row].len();
            }
            _ => {
                batches.push(vec![row]);
                tokens = ids[row].len();
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_every_row_once_and_stay_small() {
        let ids: Vec<Vec<u32>> =
            (0..700).map(|row: usize| vec![1; 1 + (row * 37) % 129]).chain([vec![1; 5000]]).collect();
        let batches = batches((0..ids.len()).collect(), &ids);
        let tokens = |batch: &Vec<usize>| batch.iter().map(|&row| ids[row].len()).sum::<usize>();
        assert_eq!(batches[0], [700], "a text over the limit gets its own batch");
        assert!(batches[1..].iter().all(|batch| tokens(batch) <= BATCH_TOKENS && batch.len() <= BATCH_TEXTS));
        let mut rows: Vec<usize> = batches.concat();
        rows.sort_unstable();
        assert_eq!(rows, (0..701).collect::<Vec<_>>());
    }
}
