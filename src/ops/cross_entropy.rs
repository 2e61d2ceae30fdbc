//! Cross-entropy of logits with class weights and label smoothing, as `torch.nn.functional.cross_entropy` defines it.
//!
//! With `p = softmax(logits)`, label `y`, weights `w`, smoothing `s` and `C` classes, a row's loss is
//! `(1 - s) w_y (-log p_y) + s / C Σ_c w_c (-log p_c)`; the sum over rows is divided by the sum of `w_y`.

use std::sync::Arc;

use candle_core::{D, DType, Result, Tensor, bail};
use rayon::prelude::*;

use crate::ops::array::Array;
use crate::ops::kernels::{CHUNK, lanes, math, simd_kernel};
use crate::ops::tape::{Node, Value};

/// How the rows' losses are weighed and summed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CrossEntropy {
    /// One weight a class; `None` for 1 each.
    pub class_weights: Option<Arc<[f32]>>,
    /// Share of probability given to all classes alike, 0..1.
    pub label_smoothing: f64,
    /// What the sum is divided by; `None` for the sum of the rows' own weights ([`CrossEntropy::total_weight`]). With
    /// gradient accumulation give the total of all batches of the step to each of them.
    pub divisor: Option<f64>,
}

impl CrossEntropy {
    /// The sum of the weights of these labels: what the mean is taken over.
    #[must_use]
    pub fn total_weight(&self, labels: &[u32]) -> f64 {
        match &self.class_weights {
            Some(weights) => {
                labels.iter().filter_map(|&label| weights.get(label as usize)).map(|&weight| f64::from(weight)).sum()
            }
            None => labels.len() as f64,
        }
    }

    fn weight(&self, class: usize) -> f64 {
        self.class_weights.as_ref().map_or(1.0, |weights| f64::from(weights[class]))
    }
}

/// A loss, and what is needed to go back from it.
#[derive(Debug)]
pub struct Loss(pub(super) LossKind);

/// Where a loss was computed.
#[derive(Debug)]
pub(super) enum LossKind {
    /// In main memory, with the place in the record of what was scored, and its gradient.
    Host { value: f64, scored: Option<Node>, gradient: Array },
    /// A scalar of candle's, and the one to go back from: it has the same derivatives, but not always the same value.
    Composed { value: Tensor, from: Tensor },
}

impl Loss {
    /// The loss in nats.
    ///
    /// # Errors
    /// When it cannot be copied from its device.
    pub fn value(&self) -> Result<f64> {
        match &self.0 {
            LossKind::Host { value, .. } => Ok(*value),
            LossKind::Composed { value, .. } if value.dtype() == DType::F64 => value.to_scalar(),
            // Not every device has 64-bit floats.
            LossKind::Composed { value, .. } => value.to_dtype(DType::F32)?.to_scalar::<f32>().map(f64::from),
        }
    }
}

/// The mean loss of `logits` `[rows, classes]` for `labels` `[rows]`.
///
/// # Errors
/// When a label is not a class, the numbers of rows or weights differ, or a tensor operation fails.
pub fn cross_entropy(logits: &Value, labels: &[u32], settings: &CrossEntropy) -> Result<Loss> {
    let (rows, classes) = logits.dims()?;
    check((rows, classes), labels, settings)?;
    let targets = Targets::new(labels, classes, settings);
    match logits {
        Value::Host(logits) => {
            let (value, gradient) = loss_and_gradient(&logits.array, &targets);
            Ok(Loss(LossKind::Host { value, scored: logits.node, gradient }))
        }
        Value::Composed(logits) => {
            let loss = reference(logits, &targets)?;
            Ok(Loss(LossKind::Composed { value: loss.clone(), from: loss }))
        }
    }
}

/// An error if the labels and weights do not fit the logits' `rows` and `classes`.
pub(super) fn check((rows, classes): (usize, usize), labels: &[u32], settings: &CrossEntropy) -> Result<()> {
    if labels.len() != rows {
        bail!("cross_entropy: {rows} rows of logits and {} labels", labels.len());
    }
    if let Some((row, label)) = labels.iter().enumerate().find(|&(_, &label)| label as usize >= classes) {
        bail!("cross_entropy: label {label} of row {row} is not one of the {classes} classes");
    }
    if let Some(weights) = settings.class_weights.as_ref().filter(|weights| weights.len() != classes) {
        bail!("cross_entropy: {} class weights for {classes} classes", weights.len());
    }
    Ok(())
}

/// The factor of each `-log p`, `[rows, classes]`: the whole loss is linear in them.
pub(super) struct Targets<'a> {
    labels: &'a [u32],
    /// Of each row's label, `[rows]`.
    of_label: Vec<f32>,
    /// Of the other classes, `[classes]`, the same in every row; empty when they are all 0.
    of_others: Vec<f32>,
}

impl<'a> Targets<'a> {
    pub(super) fn new(labels: &'a [u32], classes: usize, settings: &CrossEntropy) -> Self {
        let divisor = settings.divisor.unwrap_or_else(|| settings.total_weight(labels));
        let share = settings.label_smoothing / classes as f64;
        let target = |own: f64, class: usize| ((own + share) * settings.weight(class) / divisor) as f32;
        let of_label = labels.iter().map(|&label| target(1.0 - settings.label_smoothing, label as usize)).collect();
        let smoothed = settings.label_smoothing != 0.0;
        let of_others = if smoothed { (0..classes).map(|class| target(0.0, class)).collect() } else { Vec::new() };
        Self { labels, of_label, of_others }
    }

    /// Sum of a row's targets.
    fn mass(&self, row: usize) -> f64 {
        if self.of_others.is_empty() {
            return f64::from(self.of_label[row]);
        }
        let label = self.labels[row] as usize;
        let target = |(class, &other)| if class == label { self.of_label[row] } else { other };
        self.of_others.iter().enumerate().map(target).map(f64::from).sum()
    }

    /// A row's loss added to `sum`, with the logarithm of the sum of its exponentials.
    fn add_loss(&self, sum: f64, row: usize, logits: &[f32], log_sum: f64) -> f64 {
        let label = self.labels[row] as usize;
        let part = |target: f32, logit: f32| f64::from(target) * (log_sum - f64::from(logit));
        if self.of_others.is_empty() {
            return sum + part(self.of_label[row], logits[label]);
        }
        let parts = self
            .of_others
            .iter()
            .zip(logits)
            .enumerate()
            .map(|(class, (&other, &logit))| part(if class == label { self.of_label[row] } else { other }, logit));
        parts.fold(sum, |sum, part| sum + part)
    }
}

pub(super) fn reference(logits: &Tensor, targets: &Targets<'_>) -> Result<Tensor> {
    let device = logits.device();
    let vector = |values: &[f32]| Tensor::new(values, device)?.to_dtype(logits.dtype());
    // The row's largest logit is a constant here: it cancels out.
    let shifted = logits.broadcast_sub(&logits.max_keepdim(D::Minus1)?.detach())?;
    let log_sums = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
    let labels = Tensor::new(targets.labels, device)?.unsqueeze(1)?;
    let of_label = (&log_sums - shifted.gather(&labels, 1)?)?;
    if targets.of_others.is_empty() {
        return (of_label * vector(&targets.of_label)?.unsqueeze(1)?)?.sum_all();
    }
    let others = log_sums.broadcast_sub(&shifted)?.broadcast_mul(&vector(&targets.of_others)?)?.sum_all()?;
    // The label was counted among the others.
    let more = targets.labels.iter().zip(&targets.of_label);
    let more: Vec<f32> = more.map(|(&label, own)| own - targets.of_others[label as usize]).collect();
    (of_label * vector(&more)?.unsqueeze(1)?)?.sum_all()? + others
}

/// Classes from which on exponentials are computed in 32 bits, which is many times as fast: a vocabulary's.
const WIDE: usize = 1024;

// With targets t: the loss is the sum of t (log Σ e^l - l), and its gradient is softmax(l) Σ t - t.
pub(super) fn loss_and_gradient(logits: &Array, targets: &Targets<'_>) -> (f64, Array) {
    let (rows, classes) = (logits.rows(), logits.width());
    let mut log_sums = vec![0.0; rows];
    let rows_of_task = (CHUNK / classes.max(1)).max(1);
    let gradient = Array::written(rows, classes, |out| {
        out.par_chunks_mut(rows_of_task * classes.max(1))
            .zip(log_sums.par_chunks_mut(rows_of_task))
            .zip(logits.values().par_chunks(rows_of_task * classes.max(1)))
            .enumerate()
            .for_each(|(task, ((out, log_sums), logits))| {
                let rows = out.chunks_exact_mut(classes.max(1)).zip(logits.chunks_exact(classes.max(1)));
                for (place, ((out, logits), log_sum)) in rows.zip(log_sums).enumerate() {
                    *log_sum = row_gradient(task * rows_of_task + place, logits, targets, out);
                }
            });
    });
    let rows = logits.values().chunks_exact(classes.max(1)).zip(log_sums).enumerate();
    let loss = rows.fold(0.0, |sum, (row, (logits, log_sum))| targets.add_loss(sum, row, logits, log_sum));
    (loss, gradient)
}

/// Writes a row's gradient and returns the logarithm of the sum of its exponentials.
fn row_gradient(row: usize, logits: &[f32], targets: &Targets<'_>, out: &mut [f32]) -> f64 {
    let mass = targets.mass(row);
    let label = targets.labels[row] as usize;
    let of_label = targets.of_label[row];
    if logits.len() >= WIDE {
        let largest = lanes_max(logits);
        let sum = exponentials(logits, largest, out);
        scale(out, (mass / sum) as f32);
        let share_of_label = out[label];
        for (out, other) in out.iter_mut().zip(&targets.of_others) {
            *out -= other;
        }
        out[label] = share_of_label - of_label;
        return f64::from(largest) + sum.ln();
    }
    let log_sum = log_sum_exp(logits);
    let share = |logit: f32| (f64::from(logit) - log_sum).exp() * mass;
    if targets.of_others.is_empty() {
        out.iter_mut().zip(logits).for_each(|(out, &logit)| *out = share(logit) as f32);
    } else {
        let others = logits.iter().zip(&targets.of_others);
        out.iter_mut().zip(others).for_each(|(out, (&logit, &other))| *out = (share(logit) - f64::from(other)) as f32);
    }
    out[label] = (share(logits[label]) - f64::from(of_label)) as f32;
    log_sum
}

/// The logarithm of the sum of `e^logit` over a vocabulary, computed as in the loss. `scratch` is overwritten; pass the same one
/// again to save its allocation.
#[must_use]
pub fn log_sum_of_exponentials(logits: &[f32], scratch: &mut Vec<f32>) -> f64 {
    let largest = lanes_max(logits);
    scratch.resize(logits.len(), 0.0);
    f64::from(largest) + exponentials(logits, largest, scratch).ln()
}

simd_kernel! {
    fn lanes_max(values: &[f32]) -> f32 {
        lanes::max(values)
    }
}

simd_kernel! {
    /// Writes `e^(logit - largest)` of each logit and returns their sum.
    fn exponentials(logits: &[f32], largest: f32, out: &mut [f32]) -> f64 {
        const PART: usize = 512;
        let mut sum = 0.0;
        for (out, logits) in out.chunks_mut(PART).zip(logits.chunks(PART)) {
            for (out, &logit) in out.iter_mut().zip(logits) {
                *out = math::exp(logit - largest);
            }
            sum += f64::from(lanes::sum(out));
        }
        sum
    }
}

simd_kernel! {
    fn scale(values: &mut [f32], by: f32) {
        for value in values {
            *value *= by;
        }
    }
}

fn log_sum_exp(row: &[f32]) -> f64 {
    let largest = row.iter().fold(f64::NEG_INFINITY, |largest, &value| largest.max(f64::from(value)));
    largest + row.iter().map(|&value| (f64::from(value) - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::ops::testing::{normal, places};
    use crate::ops::{Backend, Gradients, Tape};

    fn logits(rows: &[Vec<f32>]) -> Value {
        Tape::training(Backend::default()).leaf(Array::from_values(rows.len(), rows[0].len(), &rows.concat())).0
    }

    fn value(rows: &[Vec<f32>], labels: &[u32], settings: &CrossEntropy) -> f64 {
        cross_entropy(&logits(rows), labels, settings).unwrap().value().unwrap()
    }

    #[test]
    fn agrees_with_the_reference() {
        let weights: Arc<[f32]> = [0.5, 2.0, 1.0, 0.25, 3.0].into();
        let labels = [0, 3, 4, 1, 1, 2, 0];
        let rows = (normal(vec![7, 5], 1) * 3.0).unwrap();
        for class_weights in [None, Some(weights)] {
            for label_smoothing in [0.0, 0.1] {
                let settings = CrossEntropy { class_weights: class_weights.clone(), label_smoothing, divisor: None };
                let loss = cross_entropy(&logits(&rows.to_vec2().unwrap()), &labels, &settings).unwrap();
                let value = loss.value().unwrap();
                let LossKind::Host { gradient, .. } = loss.0 else { panic!("not of the kernels") };
                for (device, dtype) in places() {
                    let there = rows.to_dtype(dtype).unwrap().to_device(&device).unwrap();
                    let there = candle_core::Var::from_tensor(&there).unwrap().as_tensor().clone();
                    let composed = cross_entropy(&Value::Composed(there.clone()), &labels, &settings).unwrap();
                    let expected = composed.value().unwrap();
                    assert!((value - expected).abs() < 1e-6, "{device:?}: {value} {expected}");
                    let mut gradients = Gradients::new(1);
                    Tape::training(Backend::Composed).backward(composed, &[there], &mut gradients).unwrap();
                    let expected = gradients.get(0).unwrap().to_vec().unwrap();
                    for (got, expected) in gradient.values().iter().zip(expected) {
                        assert!((got - expected).abs() < 1e-6, "{device:?}: {got} {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_vocabulary_agrees_with_double_precision() {
        let (count, classes) = (5, 2000);
        let rows = (normal(vec![count, classes], 3) * 4.0).unwrap();
        let labels: Vec<u32> = (0..count as u32).map(|row| row * 397).collect();
        for label_smoothing in [0.0, 0.1] {
            let settings = CrossEntropy { label_smoothing, ..CrossEntropy::default() };
            let loss = cross_entropy(&logits(&rows.to_vec2().unwrap()), &labels, &settings).unwrap();
            let wide = candle_core::Var::from_tensor(&rows.to_dtype(DType::F64).unwrap()).unwrap().as_tensor().clone();
            let exact = cross_entropy(&Value::Composed(wide.clone()), &labels, &settings).unwrap();
            let (value, expected) = (loss.value().unwrap(), exact.value().unwrap());
            assert!((value - expected).abs() < 1e-6 * expected, "{value} {expected}");
            let LossKind::Host { gradient, .. } = loss.0 else { panic!("not of the kernels") };
            let mut gradients = Gradients::new(1);
            Tape::training(Backend::Composed).backward(exact, &[wide], &mut gradients).unwrap();
            for (got, expected) in gradient.values().iter().zip(gradients.get(0).unwrap().to_vec().unwrap()) {
                assert!((got - expected).abs() < 1e-9 + 1e-5 * expected.abs(), "{got} {expected}");
            }
        }
    }

    #[test]
    fn a_vocabulary_gives_the_same_bits_on_any_number_of_threads() {
        let rows = normal(vec![37, 1500], 3).to_vec2::<f32>().unwrap();
        let labels: Vec<u32> = (0..37).collect();
        let run = || {
            let loss = cross_entropy(&logits(&rows), &labels, &CrossEntropy::default()).unwrap();
            let LossKind::Host { value, gradient, .. } = loss.0 else { panic!("not of the kernels") };
            (value.to_bits(), gradient.values().iter().map(|value| value.to_bits()).collect::<Vec<_>>())
        };
        let pools = [1, 3].map(|count| rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap());
        assert!(pools[0].install(run) == pools[1].install(run));
    }

    #[test]
    fn equals_pytorch() {
        // torch.nn.functional.cross_entropy(logits, labels, weight=weights, label_smoothing=0.1), PyTorch 2.15.
        let rows = [vec![1.0_f32, -2.0, 0.5], vec![0.0, 3.0, -1.0]];
        let weights: Arc<[f32]> = [0.5, 2.0, 1.5].into();
        let loss = |class_weights, label_smoothing| {
            value(&rows, &[2, 1], &CrossEntropy { class_weights, label_smoothing, divisor: None })
        };
        let expected = [0.535_240_4, 0.468_189_5, 0.685_240_4, 0.578_817_5];
        let got = [loss(None, 0.0), loss(Some(weights.clone()), 0.0), loss(None, 0.1), loss(Some(weights), 0.1)];
        for (got, expected) in got.iter().zip(expected) {
            assert!((got - expected).abs() < 1e-6, "{got} {expected}");
        }
    }

    #[test]
    fn parts_of_a_batch_add_up_to_the_whole() {
        let weights: Arc<[f32]> = [0.5, 2.0, 1.5].into();
        let rows = normal(vec![6, 3], 2).to_vec2::<f32>().unwrap();
        let labels = [0, 1, 2, 2, 1, 0];
        let mut settings = CrossEntropy { class_weights: Some(weights), label_smoothing: 0.1, divisor: None };
        let whole = value(&rows, &labels, &settings);
        settings.divisor = Some(settings.total_weight(&labels));
        let parts = value(&rows[..2], &labels[..2], &settings) + value(&rows[2..], &labels[2..], &settings);
        assert!((parts - whole).abs() < 1e-6);
    }

    #[test]
    fn large_logits_stay_finite() {
        let loss = value(&[vec![1e30, -1e30]], &[0], &CrossEntropy::default());
        assert!(loss.abs() < f64::MIN_POSITIVE, "{loss}");
    }

    #[test]
    fn wrong_shapes_are_refused() {
        let rows = normal(vec![2, 3], 1).to_device(&Device::Cpu).unwrap().to_vec2::<f32>().unwrap();
        let error = |labels: &[u32], settings: &CrossEntropy| {
            cross_entropy(&logits(&rows), labels, settings).unwrap_err().to_string()
        };
        let plain = CrossEntropy::default();
        assert!(error(&[0, 3], &plain).contains("label 3 of row 1 is not one of the 3 classes"));
        assert!(error(&[0], &plain).contains("2 rows of logits and 1 labels"));
        let settings = CrossEntropy { class_weights: Some([1.0].into()), ..CrossEntropy::default() };
        assert!(error(&[0, 1], &settings).contains("1 class weights for 3 classes"));
    }
}
