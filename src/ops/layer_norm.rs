//! Layer normalisation of a branch added to its residual: `norm(residual + dropout(x)) γ + β` in one pass
//! (Ba, Kiros and Hinton, 1607.06450).

use candle_core::{D, Result, Tensor, bail};
use rayon::prelude::*;

use crate::ops::array::Array;
use crate::ops::dropout::{self, Dropout};
use crate::ops::gradients::add_to;
use crate::ops::host::values;
use crate::ops::kernels::{ROWS, lanes, simd_kernel};
use crate::ops::linear::column_sums;
use crate::ops::tape::{Flow, Node, Op, Tape, Value, Weight};

/// The parameters of a layer normalisation.
#[derive(Clone, Debug)]
pub struct LayerNormWeights {
    /// γ, `[hidden]`.
    pub weight: Weight,
    /// β, `[hidden]`.
    pub bias: Weight,
    /// Added to the variance.
    pub epsilon: f64,
}

/// Values saved for the backward pass.
#[derive(Debug)]
pub(super) struct Record {
    /// The rows with mean 0 and variance 1.
    normal: Array,
    /// The factor that normalised each row, `[rows]`.
    scales: Vec<f32>,
    branch: Option<Node>,
    residual: Option<Node>,
    weights: LayerNormWeights,
    dropout: Dropout,
}

impl Tape<'_> {
    /// Normalises each row of `residual + dropout(x)`, or of `dropout(x)` without a residual; `[rows, hidden]`.
    ///
    /// # Errors
    /// If the shapes do not match, or a tensor operation fails.
    pub fn layer_norm(
        &mut self,
        x: &Value,
        residual: Option<&Value>,
        weights: &LayerNormWeights,
        dropout: Dropout,
    ) -> Result<Value> {
        check(x, residual, weights)?;
        if !self.uses_kernels() {
            let affine = [self.composed(&weights.weight), self.composed(&weights.bias)];
            let residual = residual.map(Value::composed).transpose()?;
            return Ok(Value::Composed(reference(x.composed()?, residual, &affine, weights.epsilon, dropout)?));
        }
        let (x, residual) = (x.host()?, residual.map(Value::host).transpose()?);
        let (out, normal, scales) =
            forward(&x.array, residual.as_ref().map(|residual| &residual.array), weights, dropout)?;
        let (branch, residual) = (x.node, residual.and_then(|residual| residual.node));
        let recorded = self.records(&[branch, residual], &[&weights.weight, &weights.bias]);
        let record = recorded.then(|| Record { normal, scales, branch, residual, weights: weights.clone(), dropout });
        Ok(self.made(out, record.map(Op::LayerNorm)))
    }
}

fn check(x: &Value, residual: Option<&Value>, weights: &LayerNormWeights) -> Result<()> {
    let (rows, width) = x.dims()?;
    let wrong = |weight: &Weight| weight.tensor().dims() != [width];
    let other = residual.map(Value::dims).transpose()?;
    if wrong(&weights.weight) || wrong(&weights.bias) || other.is_some_and(|other| other != (rows, width)) {
        let weight = weights.weight.tensor().shape();
        bail!("layer_norm: x [{rows}, {width}], residual {other:?}, weight {weight:?}");
    }
    Ok(())
}

fn reference(
    x: &Tensor,
    residual: Option<&Tensor>,
    affine: &[Tensor],
    epsilon: f64,
    dropout: Dropout,
) -> Result<Tensor> {
    let branch = dropout::reference(x, dropout)?;
    let sum = residual.map_or(Ok(branch.clone()), |residual| residual + &branch)?;
    let centred = sum.broadcast_sub(&sum.mean_keepdim(D::Minus1)?)?;
    let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
    let normal = centred.broadcast_div(&(variance + epsilon)?.sqrt()?)?;
    normal.broadcast_mul(&affine[0])?.broadcast_add(&affine[1])
}

/// The result, the normalised rows, and the factor of each row.
fn forward(
    x: &Array,
    residual: Option<&Array>,
    weights: &LayerNormWeights,
    dropout: Dropout,
) -> Result<(Array, Array, Vec<f32>)> {
    let (rows, width) = (x.rows(), x.width());
    let (weight, bias) = (values(weights.weight.tensor())?, values(weights.bias.tensor())?);
    let (weight, bias): (&[f32], &[f32]) = (&weight, &bias);
    let residual = residual.map_or(&[][..], Array::values);
    let (mut out, mut normal, mut scales) =
        (Array::unwritten(rows, width), Array::unwritten(rows, width), vec![0.0; rows]);
    let chunk = ROWS * width.max(1);
    let chunks = out.values_mut().par_chunks_mut(chunk).zip(normal.values_mut().par_chunks_mut(chunk));
    chunks.zip(scales.par_chunks_mut(ROWS)).enumerate().for_each(|(chunk, ((out, normal), scales))| {
        let (row, epsilon) = (chunk * ROWS, weights.epsilon as f32);
        normalise_rows(x.values(), residual, weight, bias, row, dropout, epsilon, out, normal, scales);
    });
    Ok((out, normal, scales))
}

impl Record {
    pub(super) fn backward(self, mut gradient: Array, flow: &mut Flow<'_>) -> Result<()> {
        let (rows, width) = (gradient.rows(), gradient.width());
        let chunk = ROWS * width.max(1);
        // Without dropout the branch and the residual share the same gradient.
        let mut branch = (self.branch.is_some() && !self.dropout.is_off()).then(|| Array::unwritten(rows, width));
        let branch_values = branch.as_mut().map_or(&mut [][..], Array::values_mut);
        let mut branch_chunks: Vec<&mut [f32]> = branch_values.chunks_mut(chunk).collect();
        branch_chunks.resize_with(rows.div_ceil(ROWS), Default::default);
        let weight = values(self.weights.weight.tensor())?;
        let weight: &[f32] = &weight;
        let partial: Vec<Vec<f32>> = gradient
            .values_mut()
            .par_chunks_mut(chunk)
            .zip(branch_chunks)
            .zip(self.normal.values().par_chunks(chunk).zip(self.scales.par_chunks(ROWS)))
            .enumerate()
            .map(|(chunk, ((gradient, branch), (normal, scales)))| {
                backward_rows(gradient, branch, normal, scales, weight, chunk * ROWS, self.dropout)
            })
            .collect();
        let affine = column_sums(&partial.concat(), 2 * width);
        let (weight_gradient, bias_gradient) = affine.split_at(width.min(affine.len()));
        for (weight, sums) in [(&self.weights.weight, weight_gradient), (&self.weights.bias, bias_gradient)] {
            if let Some(number) = weight.number() {
                flow.gradients.add_dense(number, (1, width), |out, accumulate| {
                    if accumulate { add_to(out, sums) } else { out.copy_from_slice(sums) }
                });
            }
        }
        flow.add(self.branch, branch.unwrap_or_else(|| gradient.clone()));
        flow.add(self.residual, gradient);
        Ok(())
    }
}

/// Writes `residual + dropout(x)` of one row into `sum`; returns its mean and the inverse of its deviation.
#[inline(always)]
#[allow(clippy::inline_always, reason = "must be compiled inside each variant of a kernel")]
fn sum_row(x: &[f32], residual: &[f32], row: usize, dropout: Dropout, epsilon: f32, sum: &mut [f32]) -> (f32, f32) {
    let width = sum.len();
    let x = &x[row * width..][..width];
    if dropout.is_off() {
        sum.copy_from_slice(x);
    } else {
        let mask = dropout.row(row);
        for (column, (sum, &x)) in sum.iter_mut().zip(x).enumerate() {
            *sum = x * mask.factor(column);
        }
    }
    if !residual.is_empty() {
        for (sum, &residual) in sum.iter_mut().zip(&residual[row * width..][..width]) {
            *sum += residual;
        }
    }
    let mean = lanes::sum(sum) / width as f32;
    let variance = lanes::map_sum(sum, |value| (value - mean) * (value - mean)) / width as f32;
    (mean, 1.0 / (variance + epsilon).sqrt())
}

simd_kernel! {
    fn normalise_rows(
        x: &[f32],
        residual: &[f32],
        weight: &[f32],
        bias: &[f32],
        first_row: usize,
        dropout: Dropout,
        epsilon: f32,
        out: &mut [f32],
        normal: &mut [f32],
        scales: &mut [f32],
    ) {
        let width = weight.len().max(1);
        let rows = out.chunks_exact_mut(width).zip(normal.chunks_exact_mut(width)).zip(scales);
        for (row, ((out, normal), scale)) in rows.enumerate() {
            let (mean, inverse) = sum_row(x, residual, first_row + row, dropout, epsilon, normal);
            *scale = inverse;
            for (((out, normal), &weight), &bias) in out.iter_mut().zip(normal).zip(weight).zip(bias) {
                *normal = (*normal - mean) * inverse;
                *out = *normal * weight + bias;
            }
        }
    }
}

simd_kernel! {
    // With n = (z - mean) / deviation and g = γ dy:
    //   dz = (g - mean(g) - n mean(g n)) / deviation,   dγ = the sum over rows of dy n,   dβ = that of dy.
    // Turns dy into dz in place; `branch`, unless it is empty, gets dz behind the dropout. Returns dγ and dβ of these
    // rows, one after the other.
    fn backward_rows(
        gradient: &mut [f32],
        branch: &mut [f32],
        normal: &[f32],
        scales: &[f32],
        weight: &[f32],
        first_row: usize,
        dropout: Dropout,
    ) -> Vec<f32> {
        let width = weight.len().max(1);
        let mut affine = vec![0.0; 2 * weight.len()];
        let (weight_sums, bias_sums) = affine.split_at_mut(weight.len());
        let rows = gradient.chunks_exact_mut(width).zip(normal.chunks_exact(width)).zip(scales);
        for (row, ((gradient, normal), &scale)) in rows.enumerate() {
            let sums = weight_sums.iter_mut().zip(bias_sums.iter_mut());
            for (((gradient, &normal), &weight), (weight_sum, bias_sum)) in
                gradient.iter_mut().zip(normal).zip(weight).zip(sums)
            {
                *weight_sum += *gradient * normal;
                *bias_sum += *gradient;
                *gradient *= weight;
            }
            let mean = lanes::sum(gradient) / width as f32;
            let along = lanes::dot(gradient, normal) / width as f32;
            for (gradient, &normal) in gradient.iter_mut().zip(normal) {
                *gradient = (*gradient - mean - normal * along) * scale;
            }
            if let Some(branch) = branch.get_mut(row * width..(row + 1) * width) {
                let mask = dropout.row(first_row + row);
                for (column, (branch, &gradient)) in branch.iter_mut().zip(&*gradient).enumerate() {
                    *branch = gradient * mask.factor(column);
                }
            }
        }
        affine
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Backend;
    use crate::ops::testing::{agree, gradients_in_pools, normal};

    const EPSILON: f64 = 1e-6;

    fn weights(weights: &[Weight]) -> LayerNormWeights {
        LayerNormWeights { weight: weights[0].clone(), bias: weights[1].clone(), epsilon: EPSILON }
    }

    #[test]
    fn agrees_with_the_reference() {
        for (rows, width) in [(1, 2), (3, 7), (5, 16), (70, 33), (130, 48)] {
            let x = [normal(vec![rows, width], 3), (normal(vec![rows, width], 4) + 3.0).unwrap()];
            let affine = [normal(vec![width], 1), normal(vec![width], 2)];
            for mask in [Dropout::OFF, Dropout::new(0.4, 11)] {
                agree(
                    &x,
                    &affine,
                    |tape, x, w| tape.layer_norm(&x[0], Some(&x[1]), &weights(w), mask),
                    |x| reference(&x[0], Some(&x[1]), &x[2..], EPSILON, mask),
                );
                agree(
                    &x[..1],
                    &affine,
                    |tape, x, w| tape.layer_norm(&x[0], None, &weights(w), mask),
                    |x| reference(&x[0], None, &x[1..], EPSILON, mask),
                );
            }
        }
    }

    #[test]
    fn wrong_shapes_are_refused() {
        let weights = weights(&[1, 2].map(|seed| Weight::new(normal(vec![4], seed), None)));
        let refused = |x: Array, residual: Option<Array>| {
            let mut tape = Tape::inference(Backend::default());
            let (x, residual) = (tape.leaf(x).0, residual.map(|residual| tape.leaf(residual).0));
            tape.layer_norm(&x, residual.as_ref(), &weights, Dropout::OFF).unwrap_err().to_string()
        };
        assert!(refused(Array::zeros(2, 5), None).contains("[2, 5]"));
        let error = refused(Array::zeros(2, 4), Some(Array::zeros(3, 4)));
        assert!(error.contains("[2, 4]") && error.contains("(3, 4)"), "{error}");
    }

    #[test]
    fn gradients_do_not_depend_on_threads() {
        gradients_in_pools(&[normal(vec![500, 33], 1)], &[normal(vec![33], 2), normal(vec![33], 3)], |tape, x, w| {
            tape.layer_norm(&x[0], None, &weights(w), Dropout::new(0.1, 1))
        });
    }
}
