//! Answers of a model to many texts.

use crate::data::packed;
use crate::evaluation::ClassificationMetrics;
use crate::models::{Mode, Model};
use crate::progress::{Progress, Watch};

use crate::training::TrainError;
use crate::training::features::FeatureCache;

/// Tokens in a batch: enough to keep the cores busy, little enough that a stop is heeded within a second.
const BATCH_TOKENS: usize = 2048;

/// Texts in a batch, so that very short ones do not make a batch long.
const BATCH_TEXTS: usize = 256;

/// Probabilities of every label for every text, `[texts][labels]`, in the order of `ids`.
///
/// # Errors
/// [`TrainError::Cancelled`] when the watch is, [`TrainError::Tensor`] when the network fails.
pub fn predict(model: &Model, ids: &[Vec<u32>], watch: &mut Watch<'_>) -> Result<Vec<Vec<f32>>, TrainError> {
    Ok(watched_logits(model, ids, watch)?.iter().map(|logits| softmax(logits)).collect())
}

/// What a model says of labelled texts.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The figures.
    pub metrics: ClassificationMetrics,
    /// Class ids, `[texts]`.
    pub predicted: Vec<u32>,
    /// Softmax probabilities, `[texts][labels]`.
    pub probabilities: Vec<Vec<f32>>,
}

/// Measures a model on labelled texts: `truth` holds the class id of each.
///
/// # Errors
/// As [`predict`].
pub fn evaluate(
    model: &Model,
    ids: &[Vec<u32>],
    truth: &[u32],
    watch: &mut Watch<'_>,
) -> Result<Evaluated, TrainError> {
    let logits = watched_logits(model, ids, watch)?;
    Ok(Evaluated {
        metrics: measure(model.labels(), truth, &logits),
        predicted: logits.iter().map(|logits| argmax(logits)).collect(),
        probabilities: logits.iter().map(|logits| softmax(logits)).collect(),
    })
}

/// Figures of logits on labelled rows.
pub(super) fn measure(labels: &[String], truth: &[u32], logits: &[Vec<f32>]) -> ClassificationMetrics {
    let predicted: Vec<u32> = logits.iter().map(|logits| argmax(logits)).collect();
    ClassificationMetrics::compute(labels, truth, &predicted, mean_cross_entropy(logits, truth))
}

fn watched_logits(model: &Model, ids: &[Vec<u32>], watch: &mut Watch<'_>) -> Result<Vec<Vec<f32>>, TrainError> {
    let total = ids.len() as u64;
    let control = watch.control;
    logits(model, ids, None, &|| control.is_cancelled(), &mut |done| {
        watch.control.wait_while_paused();
        if watch.is_cancelled() {
            return Err(TrainError::Cancelled);
        }
        let stage = "Labelling texts".to_owned();
        watch.progress(Progress { stage, done: done as u64, total: Some(total), unit: "texts", eta_seconds: None });
        Ok(())
    })
}

/// Logits of every label for every text, `[texts][labels]`, in the order of `ids`.
///
/// `features` keeps what the part of the network that is not trained makes of them. `look` is called with the number of
/// texts done before every batch and at the end; its error ends the work. `stop` says, in the middle of a batch, that
/// `look` will end it.
pub(super) fn logits(
    model: &Model,
    ids: &[Vec<u32>],
    mut features: Option<&mut FeatureCache>,
    stop: &dyn Fn() -> bool,
    look: &mut dyn FnMut(usize) -> Result<(), TrainError>,
) -> Result<Vec<Vec<f32>>, TrainError> {
    let mut answers = vec![Vec::new(); ids.len()];
    let mut done = 0;
    for rows in batches(ids) {
        look(done)?;
        let logits = batch_logits(model, ids, &rows, features.as_deref_mut(), stop);
        // What was stopped in the middle ends with an error; being stopped is what to tell.
        if stop() {
            look(done)?;
        }
        let logits = logits?;
        done += rows.len();
        for (row, logits) in rows.into_iter().zip(logits) {
            answers[row] = logits;
        }
    }
    look(done)?;
    Ok(answers)
}

fn batch_logits(
    model: &Model,
    ids: &[Vec<u32>],
    rows: &[usize],
    features: Option<&mut FeatureCache>,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<Vec<f32>>, TrainError> {
    let batch = packed(ids, None, rows);
    let features = match features {
        Some(cache) => cache.of(model, &batch, stop)?,
        None => None,
    };
    Ok(model.forward_unless(&batch, features, Mode::Inference, stop)?)
}

/// Rows of similar length together, longest first: if memory does not suffice it is known at once.
fn batches(ids: &[Vec<u32>]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..ids.len()).collect();
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

/// Softmax in double precision.
pub(super) fn softmax(logits: &[f32]) -> Vec<f32> {
    let total = log_sum_exp(logits);
    logits.iter().map(|&logit| (f64::from(logit) - total).exp() as f32).collect()
}

/// Mean cross-entropy in nats, unweighted and unsmoothed, from logits: it is finite where a probability rounds to 0.
pub(super) fn mean_cross_entropy(logits: &[Vec<f32>], labels: &[u32]) -> f64 {
    let of_row = |(logits, &label): (&Vec<f32>, &u32)| log_sum_exp(logits) - f64::from(logits[label as usize]);
    logits.iter().zip(labels).map(of_row).sum::<f64>() / labels.len().max(1) as f64
}

/// The class of the highest logit or probability; the first of equal ones.
#[must_use]
pub fn argmax(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (class, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = class;
        }
    }
    best as u32
}

fn log_sum_exp(logits: &[f32]) -> f64 {
    let highest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    highest + logits.iter().map(|&logit| (f64::from(logit) - highest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_every_row_once_and_stay_small() {
        let ids: Vec<Vec<u32>> =
            (0..700).map(|row: usize| vec![1; 1 + (row * 37) % 129]).chain([vec![1; 5000]]).collect();
        let batches = batches(&ids);
        let tokens = |batch: &Vec<usize>| batch.iter().map(|&row| ids[row].len()).sum::<usize>();
        assert_eq!(batches[0], [700], "a text over the bound is a batch of its own");
        assert!(batches[1..].iter().all(|batch| tokens(batch) <= BATCH_TOKENS && batch.len() <= BATCH_TEXTS));
        let mut rows: Vec<usize> = batches.concat();
        rows.sort_unstable();
        assert_eq!(rows, (0..701).collect::<Vec<_>>());
    }

    #[test]
    fn softmax_and_loss_are_stable() {
        let probabilities = softmax(&[1000.0, 1000.0, -1000.0]);
        assert_eq!(probabilities, [0.5, 0.5, 0.0]);
        let loss = mean_cross_entropy(&[vec![0.0, 200.0], vec![3.0, 3.0]], &[0, 1]);
        assert!((loss - f64::midpoint(200.0, std::f64::consts::LN_2)).abs() < 1e-9);
        assert_eq!((argmax(&[1.0, 3.0, 3.0]), argmax(&[2.0])), (1, 0));
    }
}
