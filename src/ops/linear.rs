//! `y = x Wᵀ + b`, weights as `torch.nn.Linear` keeps them: `[out, in]`.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::host::{gradient, is_fast, operand, output, values};
use super::kernels::matmul::{Matrix, Threads, matmul};
use super::kernels::{ROWS, simd_kernel};

/// `x` `[rows, in]` times the transpose of `weight` `[out, in]`, plus `bias` `[out]`: `[rows, out]`.
///
/// # Errors
/// When the shapes do not fit together, or a tensor operation fails.
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let ((_, width), (outputs, inputs)) = (x.dims2()?, weight.dims2()?);
    if width != inputs || bias.is_some_and(|bias| bias.dims() != [outputs]) {
        let bias = bias.map(Tensor::shape);
        bail!("linear: x {:?}, weight {:?} and bias {bias:?} do not fit", x.shape(), weight.shape());
    }
    let operands: Vec<&Tensor> = [x, weight].into_iter().chain(bias).collect();
    if !is_fast(&operands) {
        return reference(x, weight, bias);
    }
    let (x, weight) = (x.contiguous()?, weight.contiguous()?);
    match bias {
        Some(bias) => x.apply_op3(&weight, &bias.contiguous()?, Fast),
        None => x.apply_op2(&weight, Fast),
    }
}

fn reference(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let product = x.matmul(&weight.t()?)?;
    bias.map_or(Ok(product.clone()), |bias| product.broadcast_add(bias))
}

struct Fast;

impl CustomOp3 for Fast {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let bias = operand(bias, bias_layout)?;
        forward(operand(x, x_layout)?, operand(weight, weight_layout)?, Some(bias), x_layout, weight_layout)
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _result: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let grad = grad.contiguous()?;
        let (x_grad, weight_grad) = backward(x, weight, &grad)?;
        // db = the sum of the rows of dy.
        let bias_grad = gradient(column_sums(&values(&grad)?, bias.elem_count()), bias)?;
        Ok((x_grad, Some(weight_grad), Some(bias_grad)))
    }
}

impl CustomOp2 for Fast {
    fn name(&self) -> &'static str {
        "linear without bias"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        forward(operand(x, x_layout)?, operand(weight, weight_layout)?, None, x_layout, weight_layout)
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _result: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (x_grad, weight_grad) = backward(x, weight, &grad.contiguous()?)?;
        Ok((x_grad, Some(weight_grad)))
    }
}

fn forward(
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    x_layout: &Layout,
    weight_layout: &Layout,
) -> Result<(CpuStorage, Shape)> {
    let ((rows, inputs), (outputs, _)) = (x_layout.shape().dims2()?, weight_layout.shape().dims2()?);
    let mut out = vec![0.0; rows * outputs];
    if let Some(bias) = bias.filter(|bias| !bias.is_empty()) {
        // The product is added on top, while a tile of `out` is in registers.
        out.par_chunks_mut(ROWS * outputs).for_each(|rows| {
            rows.chunks_exact_mut(outputs).for_each(|row| row.copy_from_slice(bias));
        });
    }
    let (left, right) = (Matrix::new(x, rows, inputs), Matrix::new(weight, outputs, inputs).transposed());
    matmul(&mut out, outputs, left, right, bias.is_some(), Threads::Pool);
    Ok(output(out, (rows, outputs)))
}

// y = x Wᵀ + b:  dx = dy W,  dW = dyᵀ x
fn backward(x: &Tensor, weight: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Tensor)> {
    let ((rows, outputs), inputs) = (grad.dims2()?, x.dim(1)?);
    let grad = values(grad)?;
    let grad = Matrix::new(&grad, rows, outputs);
    let x_grad = if x.track_op() {
        let weight = values(weight)?;
        let mut out = vec![0.0; rows * inputs];
        matmul(&mut out, inputs, grad, Matrix::new(&weight, outputs, inputs), false, Threads::Pool);
        Some(gradient(out, x)?)
    } else {
        None
    };
    let mut out = vec![0.0; outputs * inputs];
    let x = values(x)?;
    matmul(&mut out, inputs, grad.transposed(), Matrix::new(&x, rows, inputs), false, Threads::Pool);
    Ok((x_grad, gradient(out, weight)?))
}

/// The sum of all rows of `width`, added up in a fixed order.
pub(super) fn column_sums(rows: &[f32], width: usize) -> Vec<f32> {
    let partial: Vec<Vec<f32>> = rows.par_chunks(ROWS * width.max(1)).map(|rows| sum_rows(rows, width)).collect();
    sum_rows(&partial.concat(), width)
}

simd_kernel! {
    fn sum_rows(rows: &[f32], width: usize) -> Vec<f32> {
        let mut sums = vec![0.0; width];
        for row in rows.chunks_exact(width.max(1)) {
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum += value;
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{agree, normal};

    #[test]
    fn agrees_with_the_reference() {
        for (rows, inputs, outputs) in [(1, 1, 1), (5, 3, 7), (70, 33, 20), (1, 64, 3), (130, 16, 48)] {
            let operands = [normal(vec![rows, inputs], 1), normal(vec![outputs, inputs], 2), normal(vec![outputs], 3)];
            agree(&operands, |x| linear(&x[0], &x[1], Some(&x[2])), |x| reference(&x[0], &x[1], Some(&x[2])));
            agree(&operands[..2], |x| linear(&x[0], &x[1], None), |x| reference(&x[0], &x[1], None));
        }
    }

    #[test]
    fn strided_inputs_are_taken() {
        let operands = [normal(vec![6, 5], 1), normal(vec![6, 7], 2)];
        let op = |x: &[Tensor]| linear(&x[0].t()?, &x[1].t()?, None);
        agree(&operands, op, |x| reference(&x[0].t()?, &x[1].t()?, None));
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let error = linear(&normal(vec![2, 3], 1), &normal(vec![4, 5], 1), None).unwrap_err().to_string();
        assert!(error.contains("[2, 3]") && error.contains("[4, 5]"), "{error}");
        assert!(linear(&normal(vec![2, 3], 1), &normal(vec![4, 3], 1), Some(&normal(vec![3], 1))).is_err());
    }

    #[test]
    fn gradients_do_not_depend_on_threads() {
        let operands = [normal(vec![300, 40], 1), normal(vec![50, 40], 2), normal(vec![50], 3)];
        let run = || {
            let vars = operands.each_ref().map(|operand| candle_core::Var::from_tensor(operand).unwrap());
            let out = linear(&vars[0], &vars[1], Some(vars[2].as_tensor())).unwrap();
            let grads = out.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            vars.map(|var| grads.get(&var).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap())
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        assert_eq!(run(), pool.install(run));
    }
}
