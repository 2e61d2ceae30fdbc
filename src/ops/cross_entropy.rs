//! Cross-entropy of logits with class weights and label smoothing, as `torch.nn.functional.cross_entropy` defines it.
//!
//! With `p = softmax(logits)`, label `y`, weights `w`, smoothing `s` and `C` classes, a row's loss is
//! `(1 - s) w_y (-log p_y) + s / C Σ_c w_c (-log p_c)`; the sum over rows is divided by the sum of `w_y`.

use std::sync::Arc;

use candle_core::{D, DType, Result, Tensor, bail};

use crate::ops::array::Array;
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
    /// In main memory, with the logits' place in the record and their gradient.
    Host { value: f64, logits: Option<Node>, gradient: Array },
    /// A scalar of candle's.
    Composed(Tensor),
}

impl Loss {
    /// The loss in nats.
    ///
    /// # Errors
    /// When it cannot be copied from its device.
    pub fn value(&self) -> Result<f64> {
        match &self.0 {
            LossKind::Host { value, .. } => Ok(*value),
            LossKind::Composed(loss) if loss.dtype() == DType::F64 => loss.to_scalar(),
            // Not every device has 64-bit floats.
            LossKind::Composed(loss) => loss.to_dtype(DType::F32)?.to_scalar::<f32>().map(f64::from),
        }
    }
}

/// The mean loss of `logits` `[rows, classes]` for `labels` `[rows]`.
///
/// # Errors
/// When a label is not a class, the numbers of rows or weights differ, or a tensor operation fails.
pub fn cross_entropy(logits: &Value, labels: &[u32], settings: &CrossEntropy) -> Result<Loss> {
    let (rows, classes) = logits.dims()?;
    if labels.len() != rows {
        bail!("cross_entropy: {rows} rows of logits and {} labels", labels.len());
    }
    if let Some((row, label)) = labels.iter().enumerate().find(|&(_, &label)| label as usize >= classes) {
        bail!("cross_entropy: label {label} of row {row} is not one of the {classes} classes");
    }
    if let Some(weights) = settings.class_weights.as_ref().filter(|weights| weights.len() != classes) {
        bail!("cross_entropy: {} class weights for {classes} classes", weights.len());
    }
    let divisor = settings.divisor.unwrap_or_else(|| settings.total_weight(labels));
    match logits {
        Value::Host(logits) => {
            let targets = targets(labels, classes, settings, divisor);
            let (value, gradient) = loss_and_gradient(&logits.array, &targets);
            Ok(Loss(LossKind::Host { value, logits: logits.node, gradient }))
        }
        Value::Composed(logits) => Ok(Loss(LossKind::Composed(reference(logits, labels, settings, divisor)?))),
    }
}

/// What each `-log p` is multiplied with, `[rows, classes]`: the whole loss is linear in them.
fn targets(labels: &[u32], classes: usize, settings: &CrossEntropy, divisor: f64) -> Vec<f32> {
    let share = settings.label_smoothing / classes as f64;
    let target = |label: u32, class: usize| {
        let own = if label as usize == class { 1.0 - settings.label_smoothing } else { 0.0 };
        ((own + share) * settings.weight(class) / divisor) as f32
    };
    labels.iter().flat_map(|&label| (0..classes).map(move |class| target(label, class))).collect()
}

fn reference(logits: &Tensor, labels: &[u32], settings: &CrossEntropy, divisor: f64) -> Result<Tensor> {
    let (_, classes) = logits.dims2()?;
    let targets = Tensor::from_vec(targets(labels, classes, settings, divisor), logits.shape(), logits.device())?;
    // The row's largest logit is a constant here: it cancels out.
    let shifted = logits.broadcast_sub(&logits.max_keepdim(D::Minus1)?.detach())?;
    let log_sums = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
    (log_sums.broadcast_sub(&shifted)? * targets.to_dtype(logits.dtype())?)?.sum_all()
}

// With targets t: the loss is the sum of t (log Σ e^l - l), and its gradient is softmax(l) Σ t - t.
fn loss_and_gradient(logits: &Array, targets: &[f32]) -> (f64, Array) {
    let (rows, classes) = (logits.rows(), logits.width());
    let mut loss = 0.0;
    let gradient = Array::written(rows, classes, |out| {
        let rows = logits.values().chunks_exact(classes).zip(targets.chunks_exact(classes));
        for ((row, targets), out) in rows.zip(out.chunks_exact_mut(classes)) {
            let log_sum = log_sum_exp(row);
            let mass: f64 = targets.iter().map(|&target| f64::from(target)).sum();
            for ((&logit, &target), out) in row.iter().zip(targets).zip(out) {
                let (logit, target) = (f64::from(logit), f64::from(target));
                loss += target * (log_sum - logit);
                *out = ((logit - log_sum).exp() * mass - target) as f32;
            }
        }
    });
    (loss, gradient)
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
