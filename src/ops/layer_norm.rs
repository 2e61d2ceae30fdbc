//! Layer normalisation of a branch added to its residual: `norm(residual + dropout(x)) γ + β` in one pass
//! (Ba, Kiros and Hinton, 1607.06450).

use candle_core::{CpuStorage, CustomOp2, CustomOp3, D, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::dropout::{self, Dropout, dropped};
use super::host::{gradient, is_fast, operand, output, rows_and_width, values};
use super::kernels::{ROWS, lanes, simd_kernel};

/// The trained part of a layer normalisation, and the number that keeps its division finite.
#[derive(Clone, Debug)]
pub struct LayerNormWeights {
    /// γ, `[hidden]`.
    pub weight: Tensor,
    /// β, `[hidden]`.
    pub bias: Tensor,
    /// Added to the variance.
    pub epsilon: f64,
}

/// Normalises each row of `residual + dropout(x)`, or of `dropout(x)` without a residual; `[rows, hidden]`.
///
/// # Errors
/// When the shapes do not fit together, or a tensor operation fails.
pub fn layer_norm(
    x: &Tensor,
    residual: Option<&Tensor>,
    weights: &LayerNormWeights,
    dropout: Dropout,
) -> Result<Tensor> {
    let (_, width) = x.dims2()?;
    let wrong = |tensor: &Tensor| tensor.dims() != [width];
    if wrong(&weights.weight) || wrong(&weights.bias) || residual.is_some_and(|other| other.shape() != x.shape()) {
        let residual = residual.map(Tensor::shape);
        bail!("layer_norm: x {:?}, residual {residual:?}, weight {:?}", x.shape(), weights.weight.shape());
    }
    let operands: Vec<&Tensor> = [x, &weights.weight, &weights.bias].into_iter().chain(residual).collect();
    if !is_fast(&operands) {
        return reference(x, residual, weights, dropout);
    }
    let op = Fast { dropout, epsilon: weights.epsilon as f32 };
    // candle's custom ops take three tensors at most, so γ and β travel as one.
    let affine = Tensor::stack(&[&weights.weight, &weights.bias], 0)?;
    match residual {
        Some(residual) => x.contiguous()?.apply_op3(&residual.contiguous()?, &affine, op),
        None => x.contiguous()?.apply_op2(&affine, op),
    }
}

fn reference(x: &Tensor, residual: Option<&Tensor>, weights: &LayerNormWeights, dropout: Dropout) -> Result<Tensor> {
    let branch = dropout::reference(x, dropout)?;
    let sum = residual.map_or(Ok(branch.clone()), |residual| residual + &branch)?;
    let centred = sum.broadcast_sub(&sum.mean_keepdim(D::Minus1)?)?;
    let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
    let normal = centred.broadcast_div(&(variance + weights.epsilon)?.sqrt()?)?;
    normal.broadcast_mul(&weights.weight)?.broadcast_add(&weights.bias)
}

struct Fast {
    dropout: Dropout,
    epsilon: f32,
}

impl CustomOp3 for Fast {
    fn name(&self) -> &'static str {
        "layer norm of a sum"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        residual: &CpuStorage,
        residual_layout: &Layout,
        affine: &CpuStorage,
        affine_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let residual = operand(residual, residual_layout)?;
        let out = self.forward(operand(x, x_layout)?, residual, operand(affine, affine_layout)?, x_layout.shape());
        Ok(output(out, x_layout.shape()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        residual: &Tensor,
        affine: &Tensor,
        _result: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (sum_grad, affine_grad) = self.backward(&values(x)?, &values(residual)?, affine, grad)?;
        Ok((Some(self.branch_gradient(&sum_grad, x)?), Some(sum_grad), Some(affine_grad)))
    }
}

impl CustomOp2 for Fast {
    fn name(&self) -> &'static str {
        "layer norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        affine: &CpuStorage,
        affine_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let out = self.forward(operand(x, x_layout)?, &[], operand(affine, affine_layout)?, x_layout.shape());
        Ok(output(out, x_layout.shape()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        affine: &Tensor,
        _result: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (sum_grad, affine_grad) = self.backward(&values(x)?, &[], affine, grad)?;
        Ok((Some(self.branch_gradient(&sum_grad, x)?), Some(affine_grad)))
    }
}

impl Fast {
    /// `residual` is empty when there is none.
    fn forward(&self, x: &[f32], residual: &[f32], affine: &[f32], shape: &Shape) -> Vec<f32> {
        let (_, width) = rows_and_width(shape);
        let mut out = vec![0.0; x.len()];
        out.par_chunks_mut(ROWS * width.max(1)).enumerate().for_each(|(chunk, out)| {
            normalise_rows(x, residual, affine, chunk * ROWS, width, self.dropout, self.epsilon, out);
        });
        out
    }

    /// The gradient of `x`, behind the dropout.
    fn branch_gradient(&self, sum_grad: &Tensor, x: &Tensor) -> Result<Tensor> {
        if self.dropout.is_off() {
            return Ok(sum_grad.clone());
        }
        gradient(dropped(&values(sum_grad)?, x.dim(1)?, self.dropout), x)
    }

    /// Gradients of the sum that was normalised, and of γ and β.
    fn backward(&self, x: &[f32], residual: &[f32], affine: &Tensor, grad: &Tensor) -> Result<(Tensor, Tensor)> {
        let grad = grad.contiguous()?;
        let (_, width) = rows_and_width(grad.shape());
        let (affine_values, grad_values) = (values(affine)?, values(&grad)?);
        let mut out = vec![0.0; grad_values.len()];
        let partial: Vec<Vec<f32>> = out
            .par_chunks_mut(ROWS * width.max(1))
            .zip(grad_values.par_chunks(ROWS * width.max(1)))
            .enumerate()
            .map(|(chunk, (out, grad))| {
                let (row, dropout, epsilon) = (chunk * ROWS, self.dropout, self.epsilon);
                backward_rows(x, residual, &affine_values, grad, row, width, dropout, epsilon, out)
            })
            .collect();
        let affine_grad = super::linear::column_sums(&partial.concat(), 2 * width);
        Ok((gradient(out, &grad)?, gradient(affine_grad, affine)?))
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
        affine: &[f32],
        first_row: usize,
        width: usize,
        dropout: Dropout,
        epsilon: f32,
        out: &mut [f32],
    ) {
        let (weight, bias) = affine.split_at(width);
        for (row, out) in out.chunks_exact_mut(width).enumerate() {
            let (mean, scale) = sum_row(x, residual, first_row + row, dropout, epsilon, out);
            for ((out, &weight), &bias) in out.iter_mut().zip(weight).zip(bias) {
                *out = (*out - mean) * scale * weight + bias;
            }
        }
    }
}

simd_kernel! {
    // With n = (z - mean) / deviation and g = γ dy:
    //   dz = (g - mean(g) - n mean(g n)) / deviation,   dγ = the sum over rows of dy n,   dβ = that of dy.
    // Returns dγ and dβ of these rows, one after the other.
    fn backward_rows(
        x: &[f32],
        residual: &[f32],
        affine: &[f32],
        grad: &[f32],
        first_row: usize,
        width: usize,
        dropout: Dropout,
        epsilon: f32,
        out: &mut [f32],
    ) -> Vec<f32> {
        let weight = &affine[..width];
        let mut affine_grad = vec![0.0; 2 * width];
        let (weight_grad, bias_grad) = affine_grad.split_at_mut(width);
        let mut normal = vec![0.0; width];
        for (row, (out, grad)) in out.chunks_exact_mut(width).zip(grad.chunks_exact(width)).enumerate() {
            let (mean, scale) = sum_row(x, residual, first_row + row, dropout, epsilon, &mut normal);
            for value in &mut normal {
                *value = (*value - mean) * scale;
            }
            for ((out, &grad), &weight) in out.iter_mut().zip(grad).zip(weight) {
                *out = grad * weight;
            }
            for ((sum, &grad), &normal) in weight_grad.iter_mut().zip(grad).zip(&normal) {
                *sum += grad * normal;
            }
            for (sum, &grad) in bias_grad.iter_mut().zip(grad) {
                *sum += grad;
            }
            let mean = lanes::sum(out) / width as f32;
            let along = lanes::dot(out, &normal) / width as f32;
            for (out, &normal) in out.iter_mut().zip(&normal) {
                *out = (*out - mean - normal * along) * scale;
            }
        }
        affine_grad
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{agree, normal};

    fn weights(x: &[Tensor]) -> LayerNormWeights {
        LayerNormWeights { weight: x[0].clone(), bias: x[1].clone(), epsilon: 1e-6 }
    }

    #[test]
    fn agrees_with_the_reference() {
        for (rows, width) in [(1, 2), (3, 7), (5, 16), (70, 33), (130, 48)] {
            let shape = || vec![rows, width];
            let operands = [
                normal(vec![width], 1),
                normal(vec![width], 2),
                normal(shape(), 3),
                (normal(shape(), 4) + 3.0).unwrap(),
            ];
            for mask in [Dropout::OFF, Dropout::new(0.4, 11)] {
                agree(
                    &operands,
                    |x| layer_norm(&x[2], Some(&x[3]), &weights(x), mask),
                    |x| reference(&x[2], Some(&x[3]), &weights(x), mask),
                );
                agree(
                    &operands[..3],
                    |x| layer_norm(&x[2], None, &weights(x), mask),
                    |x| reference(&x[2], None, &weights(x), mask),
                );
            }
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let weights = weights(&[normal(vec![4], 1), normal(vec![4], 1)]);
        assert!(layer_norm(&normal(vec![2, 5], 1), None, &weights, Dropout::OFF).is_err());
        let (x, residual) = (normal(vec![2, 4], 1), normal(vec![3, 4], 1));
        let error = layer_norm(&x, Some(&residual), &weights, Dropout::OFF).unwrap_err().to_string();
        assert!(error.contains("[2, 4]") && error.contains("[3, 4]"), "{error}");
    }

    #[test]
    fn gradients_do_not_depend_on_threads() {
        let x = candle_core::Var::from_tensor(&normal(vec![500, 33], 1)).unwrap();
        let weights = weights(&[normal(vec![33], 2), normal(vec![33], 3)]);
        let run = || {
            let out = layer_norm(&x, None, &weights, Dropout::new(0.1, 1)).unwrap();
            out.sqr().unwrap().sum_all().unwrap().backward().unwrap().get(&x).unwrap().to_vec2::<f32>().unwrap()
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        assert_eq!(run(), pool.install(run));
    }
}
