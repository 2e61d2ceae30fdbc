//! Cross-entropy of logits with class weights and label smoothing, as `torch.nn.functional.cross_entropy` defines it.
//!
//! With `p = softmax(logits)`, label `y`, weights `w`, smoothing `s` and `C` classes, a row's loss is
//! `(1 - s) w_y (-log p_y) + s / C Σ_c w_c (-log p_c)`; the sum over rows is divided by the sum of `w_y`.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, D, Layout, Result, Shape, Tensor, bail};

use super::host::{gradient, is_fast, operand, output, values};

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

/// The loss of `logits` `[rows, classes]` against `labels` `[rows]`: a scalar.
///
/// # Errors
/// When a label is not below the number of classes, a length does not fit, or a tensor operation fails.
pub fn cross_entropy(logits: &Tensor, labels: &[u32], settings: &CrossEntropy) -> Result<Tensor> {
    let (rows, classes) = logits.dims2()?;
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
    if is_fast(&[logits]) {
        logits.contiguous()?.apply_op1(Fast { targets: targets(labels, classes, settings, divisor), classes })
    } else {
        reference(logits, labels, settings, divisor)
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

struct Fast {
    targets: Vec<f32>,
    classes: usize,
}

impl CustomOp1 for Fast {
    fn name(&self) -> &'static str {
        "cross entropy"
    }

    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let logits = operand(logits, layout)?;
        let mut total = 0.0;
        for (logits, targets) in logits.chunks_exact(self.classes).zip(self.targets.chunks_exact(self.classes)) {
            let log_sum = log_sum_exp(logits);
            total += logits
                .iter()
                .zip(targets)
                .map(|(&logit, &target)| f64::from(target) * (log_sum - f64::from(logit)))
                .sum::<f64>();
        }
        Ok(output(vec![total as f32], ()))
    }

    // With targets t of a row: d/dlogit_c = p_c Σ t - t_c
    fn bwd(&self, logits: &Tensor, _result: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let scale = f64::from(grad.to_scalar::<f32>()?);
        let rows = values(logits)?;
        let mut out = Vec::with_capacity(rows.len());
        for (row, targets) in rows.chunks_exact(self.classes).zip(self.targets.chunks_exact(self.classes)) {
            let log_sum = log_sum_exp(row);
            let mass: f64 = targets.iter().map(|&target| f64::from(target)).sum();
            out.extend(row.iter().zip(targets).map(|(&logit, &target)| {
                (scale * ((f64::from(logit) - log_sum).exp() * mass - f64::from(target))) as f32
            }));
        }
        gradient(out, logits).map(Some)
    }
}

fn log_sum_exp(row: &[f32]) -> f64 {
    let largest = row.iter().fold(f64::NEG_INFINITY, |largest, &value| largest.max(f64::from(value)));
    largest + row.iter().map(|&value| (f64::from(value) - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{agree, normal};

    #[test]
    fn agrees_with_the_reference() {
        let weights: Arc<[f32]> = [0.5, 2.0, 1.0, 0.25, 3.0].into();
        for class_weights in [None, Some(weights)] {
            for label_smoothing in [0.0, 0.1] {
                let settings = CrossEntropy { class_weights: class_weights.clone(), label_smoothing, divisor: None };
                let labels = [0, 3, 4, 1, 1, 2, 0];
                agree(
                    &[(normal(vec![7, 5], 1) * 3.0).unwrap()],
                    |x| cross_entropy(&x[0], &labels, &settings),
                    |x| reference(&x[0], &labels, &settings, settings.total_weight(&labels)),
                );
            }
        }
    }

    #[test]
    fn equals_pytorch() {
        // torch.nn.functional.cross_entropy(logits, labels, weight=weights, label_smoothing=0.1), PyTorch 2.15.
        let logits = Tensor::new(&[[1.0_f32, -2.0, 0.5], [0.0, 3.0, -1.0]], &candle_core::Device::Cpu).unwrap();
        let weights: Arc<[f32]> = [0.5, 2.0, 1.5].into();
        let loss = |class_weights, label_smoothing| {
            let settings = CrossEntropy { class_weights, label_smoothing, divisor: None };
            cross_entropy(&logits, &[2, 1], &settings).unwrap().to_scalar::<f32>().unwrap()
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
        let logits = normal(vec![6, 3], 2);
        let labels = [0, 1, 2, 2, 1, 0];
        let mut settings = CrossEntropy { class_weights: Some(weights), label_smoothing: 0.1, divisor: None };
        let scalar = |tensor: Result<Tensor>| tensor.unwrap().to_scalar::<f32>().unwrap();
        let whole = scalar(cross_entropy(&logits, &labels, &settings));
        settings.divisor = Some(settings.total_weight(&labels));
        let first = scalar(cross_entropy(&logits.narrow(0, 0, 2).unwrap(), &labels[..2], &settings));
        let second = scalar(cross_entropy(&logits.narrow(0, 2, 4).unwrap(), &labels[2..], &settings));
        assert!((first + second - whole).abs() < 1e-6);
    }

    #[test]
    fn large_logits_stay_finite() {
        let logits = Tensor::new(&[[1e30_f32, -1e30]], &candle_core::Device::Cpu).unwrap();
        let loss = cross_entropy(&logits, &[0], &CrossEntropy::default()).unwrap().to_scalar::<f32>().unwrap();
        assert_eq!(loss.to_bits(), 0.0_f32.to_bits());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let logits = normal(vec![2, 3], 1);
        let error = cross_entropy(&logits, &[0, 3], &CrossEntropy::default()).unwrap_err().to_string();
        assert!(error.contains("label 3 of row 1 is not one of the 3 classes"), "{error}");
        let error = cross_entropy(&logits, &[0], &CrossEntropy::default()).unwrap_err().to_string();
        assert!(error.contains("2 rows of logits and 1 labels"), "{error}");
        let settings = CrossEntropy { class_weights: Some([1.0].into()), ..CrossEntropy::default() };
        let error = cross_entropy(&logits, &[0, 1], &settings).unwrap_err().to_string();
        assert!(error.contains("1 class weights for 3 classes"), "{error}");
    }
}
