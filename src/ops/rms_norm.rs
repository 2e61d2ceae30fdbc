//! Normalisation by the root mean square: `x / √(mean(x²) + ε) · γ` (Zhang and Sennrich, 1910.07467).

use candle_core::{D, Result, Tensor, bail};
use rayon::prelude::*;

use crate::ops::array::Array;
use crate::ops::gradients::add_to;
use crate::ops::host::values;
use crate::ops::kernels::{ROWS, lanes, simd_kernel};
use crate::ops::linear::column_sums;
use crate::ops::tape::{Flow, Node, Op, Tape, Value, Weight};

/// The parameters of the normalisation.
#[derive(Clone, Debug)]
pub struct RmsNormWeights {
    /// γ, `[width]`.
    pub weight: Weight,
    /// Added to the mean square.
    pub epsilon: f64,
}

/// What the backward pass needs.
#[derive(Debug)]
pub(super) struct Record {
    /// The rows before γ.
    normal: Array,
    /// The factor of each row, `[rows]`.
    scales: Vec<f32>,
    from: Option<Node>,
    weights: RmsNormWeights,
}

impl Tape<'_> {
    /// Normalises each row of `x`, `[rows, width]`.
    ///
    /// # Errors
    /// If the shapes do not match, or a tensor operation fails.
    pub fn rms_norm(&mut self, x: &Value, weights: &RmsNormWeights) -> Result<Value> {
        let (rows, width) = x.dims()?;
        if weights.weight.tensor().dims() != [width] {
            bail!("rms_norm: x [{rows}, {width}], weight {:?}", weights.weight.tensor().shape());
        }
        if !self.uses_kernels() {
            let weight = self.composed(&weights.weight);
            return Ok(Value::Composed(reference(x.composed()?, &weight, weights.epsilon)?));
        }
        let x = x.host()?;
        let (mut out, mut normal) = (Array::unwritten(rows, width), Array::unwritten(rows, width));
        let mut scales = vec![0.0; rows];
        let weight = values(weights.weight.tensor())?;
        let (weight, epsilon): (&[f32], f32) = (&weight, weights.epsilon as f32);
        let chunk = ROWS * width.max(1);
        let outs = out.values_mut().par_chunks_mut(chunk).zip(normal.values_mut().par_chunks_mut(chunk));
        let chunks = outs.zip(scales.par_chunks_mut(ROWS)).zip(x.array.values().par_chunks(chunk));
        chunks.for_each(|(((out, normal), scales), x)| normalise_rows(x, weight, epsilon, out, normal, scales));
        let recorded = self.records(&[x.node], &[&weights.weight]);
        let record = recorded.then(|| Record { normal, scales, from: x.node, weights: weights.clone() });
        Ok(self.made(out, record.map(Op::RmsNorm)))
    }
}

pub(super) fn reference(x: &Tensor, weight: &Tensor, epsilon: f64) -> Result<Tensor> {
    let mean_square = x.sqr()?.mean_keepdim(D::Minus1)?;
    x.broadcast_div(&(mean_square + epsilon)?.sqrt()?)?.broadcast_mul(weight)
}

impl Record {
    pub(super) fn backward(self, mut gradient: Array, flow: &mut Flow<'_>) -> Result<()> {
        let width = gradient.width();
        let chunk = ROWS * width.max(1);
        let weight = values(self.weights.weight.tensor())?;
        let weight: &[f32] = &weight;
        let chunks = gradient.values_mut().par_chunks_mut(chunk).zip(self.normal.values().par_chunks(chunk));
        let partial: Vec<Vec<f32>> = chunks
            .zip(self.scales.par_chunks(ROWS))
            .map(|((gradient, normal), scales)| {
                let mut sums = vec![0.0; width];
                backward_rows(gradient, normal, scales, weight, &mut sums);
                sums
            })
            .collect();
        if let Some(number) = self.weights.weight.number() {
            add_weight_gradient(number, &partial, width, flow);
        }
        flow.add(self.from, gradient);
        Ok(())
    }
}

/// Adds the gradient of γ, the sum of `partial`.
pub(super) fn add_weight_gradient(number: usize, partial: &[Vec<f32>], width: usize, flow: &mut Flow<'_>) {
    let sums = column_sums(&partial.concat(), width);
    flow.gradients.add_dense(number, (1, width), |out, accumulate| {
        if accumulate { add_to(out, &sums) } else { out.copy_from_slice(&sums) }
    });
}

simd_kernel! {
    /// Normalises rows as wide as `weight`; also returns them before γ, and the factor of each.
    pub(super) fn normalise_rows(
        x: &[f32],
        weight: &[f32],
        epsilon: f32,
        out: &mut [f32],
        normal: &mut [f32],
        scales: &mut [f32],
    ) {
        let width = weight.len().max(1);
        let rows = out.chunks_exact_mut(width).zip(normal.chunks_exact_mut(width)).zip(x.chunks_exact(width));
        for (((out, normal), x), scale) in rows.zip(scales) {
            *scale = 1.0 / (lanes::dot(x, x) / width as f32 + epsilon).sqrt();
            for (((out, normal), &x), &weight) in out.iter_mut().zip(normal).zip(x).zip(weight) {
                *normal = x * *scale;
                *out = *normal * weight;
            }
        }
    }
}

simd_kernel! {
    // With n = x s and g = γ dy:  dx = s (g - n mean(g n)),  dγ = the sum over rows of dy n.
    /// Turns dy into dx in place and adds dγ of these rows to `sums`.
    pub(super) fn backward_rows(
        gradient: &mut [f32],
        normal: &[f32],
        scales: &[f32],
        weight: &[f32],
        sums: &mut [f32],
    ) {
        let width = weight.len().max(1);
        let rows = gradient.chunks_exact_mut(width).zip(normal.chunks_exact(width)).zip(scales);
        for ((gradient, normal), &scale) in rows {
            for (((gradient, &normal), &weight), sum) in gradient.iter_mut().zip(normal).zip(weight).zip(&mut *sums) {
                *sum += *gradient * normal;
                *gradient *= weight;
            }
            let along = lanes::dot(gradient, normal) / width as f32;
            for (gradient, &normal) in gradient.iter_mut().zip(normal) {
                *gradient = scale * (*gradient - normal * along);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{agree, gradients_in_pools, normal};

    fn weights(weight: &Weight) -> RmsNormWeights {
        RmsNormWeights { weight: weight.clone(), epsilon: 1e-5 }
    }

    #[test]
    fn agrees_with_the_reference() {
        for (rows, width) in [(1, 1), (7, 19), (130, 300)] {
            agree(
                &[normal(vec![rows, width], 1)],
                &[normal(vec![width], 2)],
                |tape, x, w| tape.rms_norm(&x[0], &weights(&w[0])),
                |x| reference(&x[0], &x[1], 1e-5),
            );
        }
    }

    #[test]
    fn gradients_do_not_depend_on_threads() {
        gradients_in_pools(&[normal(vec![300, 65], 1)], &[normal(vec![65], 2)], |tape, x, w| {
            tape.rms_norm(&x[0], &weights(&w[0]))
        });
    }

    #[test]
    fn a_weight_of_another_width_is_refused() {
        let mut tape = Tape::inference(crate::ops::Backend::default());
        let (x, _) = tape.leaf(Array::zeros(2, 3));
        let weight = Weight::new(normal(vec![4], 1), None);
        assert!(tape.rms_norm(&x, &weights(&weight)).unwrap_err().to_string().contains("x [2, 3], weight [4]"));
    }
}
