//! `y = x Wᵀ + b`, weights as `torch.nn.Linear` keeps them: `[out, in]`.

use std::sync::Arc;

use candle_core::{DType, Result, Tensor, bail};
use half::bf16 as Bf16;
use rayon::prelude::*;

use crate::ops::activation::{self, Activation};
use crate::ops::array::Array;
use crate::ops::gradients::add_to;
use crate::ops::host::{values, values_of};
use crate::ops::kernels::bf16::{self, Panels};
use crate::ops::kernels::matmul::{Matrix, MatrixPrecision, Onto, Operand, Threads, matmul};
use crate::ops::kernels::{ROWS, simd_kernel};
use crate::ops::tape::{Flow, HostValue, Node, Op, Tape, Value, Weight};

/// The weights of a linear layer.
#[derive(Clone, Debug)]
pub struct LinearWeights {
    /// `[out, in]`.
    pub weight: Weight,
    /// `[out]`.
    pub bias: Option<Weight>,
}

/// What the backward pass needs.
#[derive(Debug)]
pub(super) struct Record {
    x: Input,
    rows: usize,
    from: Option<Node>,
    layers: Vec<LinearWeights>,
    /// The activation and its input.
    activation: Option<(Activation, Array)>,
    precision: MatrixPrecision,
    /// The weights as the right operands of the input's gradient, where they were packed in the forward pass.
    packed_weights: Vec<Option<Arc<Panels>>>,
}

/// What was multiplied, as the gradients of the weights need it.
#[derive(Debug)]
enum Input {
    Array(Array),
    /// Nothing, since no weight is trained.
    Unneeded,
    /// The right operand, packed together with the left one of the forward pass; nothing where no weight is trained.
    Packed(Option<Arc<Panels>>),
}

impl Tape<'_> {
    /// `activation(x Wᵀ + b)` of each of `layers` for the same `x` `[rows, in]`, side by side: `[rows, sum of outs]`.
    ///
    /// # Errors
    /// When the shapes do not fit together, or a tensor operation fails.
    pub fn linear(&mut self, x: &Value, layers: &[&LinearWeights], activation: Option<Activation>) -> Result<Value> {
        self.linear_in(self.precision(), x, layers, activation)
    }

    /// [`Tape::linear`] of one layer in 32 bits, whatever the others are in: for a head, whose rounding would go straight
    /// into the answer and save no time.
    ///
    /// # Errors
    /// As [`Tape::linear`].
    pub fn linear_exactly(&mut self, x: &Value, layer: &LinearWeights) -> Result<Value> {
        self.linear_in(MatrixPrecision::F32, x, &[layer], None)
    }

    fn linear_in(
        &mut self,
        precision: MatrixPrecision,
        x: &Value,
        layers: &[&LinearWeights],
        activation: Option<Activation>,
    ) -> Result<Value> {
        check(x.dims()?.1, layers)?;
        if !self.uses_kernels() {
            let x = x.composed()?;
            let parts = layers.iter().map(|LinearWeights { weight, bias }| {
                reference(x, &self.composed(weight), bias.as_ref().map(|bias| self.composed(bias)).as_ref())
            });
            let out = Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, 1)?;
            let out = activation.map_or(Ok(out.clone()), |activation| activation::reference(&out, activation))?;
            return Ok(Value::Composed(out));
        }
        let weights: Vec<&Weight> =
            layers.iter().flat_map(|layer| [Some(&layer.weight), layer.bias.as_ref()]).flatten().collect();
        let recorded = self.records(&[x.host_as_it_is()?.node], &weights);
        let together = precision == MatrixPrecision::Bf16 && bf16::packs_together();
        let trains = recorded && layers.iter().any(|layer| layer.weight.is_trained());
        let (left, input, rows, from) = if together {
            let x = x.host_as_it_is()?;
            let (left, right) = pack_together(x, trains);
            (left, Input::Packed(right), x.array.rows(), x.node)
        } else {
            let x = x.host()?;
            let left = match precision {
                MatrixPrecision::F32 => None,
                MatrixPrecision::Bf16 => Some(Arc::new(bf16::pack_left(x.array.matrix()))),
            };
            (left, Input::Array(x.array.clone()), x.array.rows(), x.node)
        };
        let (sum, packed_weights) = {
            let left = match (&left, &input) {
                (Some(left), _) => Operand::Bf16(Arc::clone(left)),
                (None, Input::Array(x)) => Operand::F32(x.matrix()),
                (None, _) => bail!("linear: an input was not packed"),
            };
            let both_ways = together && recorded && from.is_some();
            forward(&left, rows, layers, precision, both_ways)?
        };
        let pending = activation.filter(|_| together);
        let out = activation.filter(|_| !together).map_or_else(|| sum.clone(), |now| activation::apply(&sum, now));
        let record = recorded.then(|| {
            let layers = layers.iter().map(|&layer| layer.clone()).collect();
            let x = if trains || together { input } else { Input::Unneeded };
            Record {
                x,
                rows,
                from,
                layers,
                activation: activation.map(|activation| (activation, sum)),
                precision,
                packed_weights,
            }
        });
        Ok(self.made_before(pending, out, record.map(Op::Linear)))
    }
}

/// A value as the left operand of the forward product and, when wanted, the right one of the weights' gradients.
fn pack_together(x: &HostValue, both: bool) -> (Option<Arc<Panels>>, Option<Arc<Panels>>) {
    let (matrix, kernel) = (x.array.matrix(), x.pending.map(Activation::kernel));
    if both {
        let (left, right) = bf16::pack_both_sides_after(kernel, matrix);
        return (Some(Arc::new(left)), Some(Arc::new(right)));
    }
    (Some(Arc::new(bf16::pack_left_after(kernel, matrix))), None)
}

pub(super) fn check(width: usize, layers: &[&LinearWeights]) -> Result<()> {
    for LinearWeights { weight, bias } in layers {
        let (outputs, inputs) = weight.tensor().dims2()?;
        if width != inputs || bias.as_ref().is_some_and(|bias| bias.tensor().dims() != [outputs]) {
            let bias = bias.as_ref().map(|bias| bias.tensor().shape());
            bail!("linear: x of width {width}, weight {:?} and bias {bias:?} do not fit", weight.tensor().shape());
        }
    }
    Ok(())
}

pub(super) fn reference(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let product = x.matmul(&weight.t()?)?;
    bias.map_or(Ok(product.clone()), |bias| product.broadcast_add(bias))
}

fn outputs(layer: &LinearWeights) -> Result<usize> {
    layer.weight.tensor().dim(0)
}

/// The sums, and the weights packed for the backward pass when `both_ways`.
fn forward(
    left: &Operand<'_>,
    rows: usize,
    layers: &[&LinearWeights],
    precision: MatrixPrecision,
    both_ways: bool,
) -> Result<(Array, Vec<Option<Arc<Panels>>>)> {
    let total = layers.iter().map(|layer| outputs(layer)).sum::<Result<usize>>()?;
    let mut out = Array::unwritten(rows, total);
    let mut packed = Vec::with_capacity(layers.len());
    let mut first = 0;
    for LinearWeights { weight, bias } in layers {
        let bias = bias.as_ref().map(|bias| values(bias.tensor())).transpose()?;
        let onto = bias.as_ref().map_or(Onto::Zeros, |bias| Onto::Row(bias));
        let out = out.values_mut().get_mut(first..).unwrap_or_default();
        packed.push(with_matrix(weight, |matrix| {
            let (right, for_backward) = forward_operand(weight, matrix, precision, both_ways)?;
            matmul(out, total, left, &right, onto, Threads::Pool);
            Ok(for_backward)
        })?);
        first += weight.tensor().dim(0)?;
    }
    Ok((out, packed))
}

/// The matrix of a weight, `[out, in]`, of the type that it is kept in.
#[derive(Clone, Copy)]
enum WeightMatrix<'a> {
    F32(Matrix<'a>),
    /// Frozen, in half the memory. Products in bf16 round a matrix of 32-bit floats to the same numbers.
    Bf16(Matrix<'a, Bf16>),
}

/// Calls `work` with the matrix of a weight.
fn with_matrix<T>(weight: &Weight, work: impl FnOnce(WeightMatrix<'_>) -> Result<T>) -> Result<T> {
    let (outputs, inputs) = weight.tensor().dims2()?;
    if weight.tensor().dtype() == DType::BF16 {
        work(WeightMatrix::Bf16(Matrix::new(&values_of::<Bf16>(weight.tensor())?, outputs, inputs)))
    } else {
        work(WeightMatrix::F32(Matrix::new(&values(weight.tensor())?, outputs, inputs)))
    }
}

/// `Wᵀ` as the right operand of `x Wᵀ`, and `W` as that of the input's gradient if it is packed now.
fn forward_operand<'a>(
    weight: &Weight,
    matrix: WeightMatrix<'a>,
    precision: MatrixPrecision,
    both_ways: bool,
) -> Result<(Operand<'a>, Option<Arc<Panels>>)> {
    Ok(match (matrix, precision) {
        (WeightMatrix::F32(matrix), MatrixPrecision::F32) => (Operand::F32(matrix.transposed()), None),
        (WeightMatrix::F32(matrix), MatrixPrecision::Bf16) if both_ways && weight.is_trained() => {
            let (transpose, weight) = bf16::pack_right_both_ways(matrix);
            (Operand::Bf16(Arc::new(transpose)), Some(Arc::new(weight)))
        }
        (WeightMatrix::F32(matrix), MatrixPrecision::Bf16) => {
            (Operand::Bf16(weight.packed(|| bf16::pack_right(matrix.transposed()))), None)
        }
        // Packed each time, so that it is in memory once.
        (WeightMatrix::Bf16(matrix), MatrixPrecision::Bf16) => {
            (Operand::Bf16(Arc::new(bf16::pack_right(matrix.transposed()))), None)
        }
        (WeightMatrix::Bf16(_), MatrixPrecision::F32) => {
            bail!("linear: a weight kept in bf16 in a product of 32-bit floats")
        }
    })
}

impl Record {
    // y = x Wᵀ + b:  dx = dy W,  dW = dyᵀ x,  db = the sum of the rows of dy
    pub(super) fn backward(self, gradient: Array, flow: &mut Flow<'_>) -> Result<()> {
        let right = match &self.x {
            Input::Packed(right) => return self.backward_packed(right.as_ref(), &gradient, flow),
            Input::Array(x) => Some(Operand::right(x.matrix(), self.precision)),
            Input::Unneeded => None,
        };
        let gradient = match &self.activation {
            Some((activation, input)) => activation::backward(gradient, input, *activation),
            None => gradient,
        };
        let trains_biases = self.layers.iter().any(|layer| layer.bias.as_ref().is_some_and(Weight::is_trained));
        let sums = if trains_biases { column_sums(gradient.values(), gradient.width()) } else { Vec::new() };
        let mut first = 0;
        for layer in 0..self.layers.len() {
            let count = outputs(&self.layers[layer])?;
            let of_layer = gradient.columns(first, count);
            let left = || Operand::left(of_layer, self.precision);
            let left_transposed = || Operand::left(of_layer.transposed(), self.precision);
            let sums = sums.get(first..first + count).unwrap_or_default();
            self.add_gradients(layer, right.as_ref(), left, left_transposed, sums, flow)?;
            first += count;
        }
        Ok(())
    }

    /// Each layer's gradients are read once, and turned, packed for both products and summed at the same time.
    fn backward_packed(&self, right: Option<&Arc<Panels>>, gradient: &Array, flow: &mut Flow<'_>) -> Result<()> {
        let right = right.map(|right| Operand::Bf16(Arc::clone(right)));
        let mut first = 0;
        for layer in 0..self.layers.len() {
            let count = outputs(&self.layers[layer])?;
            let turn = self
                .activation
                .as_ref()
                .map(|(activation, input)| (input.columns(first, count), activation.derivative_kernel()));
            let (left, transposed, sums) = bf16::pack_gradient(gradient.columns(first, count), turn);
            let (left, transposed) = (|| Operand::Bf16(Arc::new(left)), || Operand::Bf16(Arc::new(transposed)));
            self.add_gradients(layer, right.as_ref(), left, transposed, &sums, flow)?;
            first += count;
        }
        Ok(())
    }

    /// Adds the gradients of a layer's bias, its weight and its input; `sums` are those of the gradient's columns.
    fn add_gradients<'b>(
        &self,
        layer: usize,
        right: Option<&Operand<'_>>,
        left: impl FnOnce() -> Operand<'b>,
        transposed: impl FnOnce() -> Operand<'b>,
        sums: &[f32],
        flow: &mut Flow<'_>,
    ) -> Result<()> {
        let (LinearWeights { weight, bias }, packed) = (&self.layers[layer], &self.packed_weights[layer]);
        let (count, inputs) = weight.tensor().dims2()?;
        if let Some(number) = bias.as_ref().and_then(Weight::number) {
            flow.gradients.add_dense(number, (1, count), |out, accumulate| {
                if accumulate { add_to(out, sums) } else { out.copy_from_slice(sums) }
            });
        }
        if let (Some(number), Some(right)) = (weight.number(), right) {
            let left = transposed();
            flow.gradients.add_dense(number, (count, inputs), |out, accumulate| {
                matmul(out, inputs, &left, right, Onto::out_when(accumulate), Threads::Pool);
            });
        }
        with_matrix(weight, |matrix| {
            flow.add_with(self.from, (self.rows, inputs), |out, accumulate| {
                let right = match (packed, matrix) {
                    (Some(packed), _) => Operand::Bf16(Arc::clone(packed)),
                    (None, WeightMatrix::F32(matrix)) => Operand::right(matrix, self.precision),
                    (None, WeightMatrix::Bf16(matrix)) => Operand::Bf16(Arc::new(bf16::pack_right(matrix))),
                };
                matmul(out, inputs, &left(), &right, Onto::out_when(accumulate), Threads::Pool);
            });
            Ok(())
        })
    }
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
    use crate::ops::testing::{agree, agree_in_bf16, gradients_in_pools, normal};

    fn with_bias(weight: &Weight, bias: &Weight) -> LinearWeights {
        LinearWeights { weight: weight.clone(), bias: Some(bias.clone()) }
    }

    fn without_bias(weight: &Weight) -> LinearWeights {
        LinearWeights { weight: weight.clone(), bias: None }
    }

    #[test]
    fn agrees_with_the_reference() {
        for (rows, inputs, outputs) in [(1, 1, 1), (5, 3, 7), (70, 33, 20), (1, 64, 3), (130, 16, 48)] {
            let x = [normal(vec![rows, inputs], 1)];
            let weights = [normal(vec![outputs, inputs], 2), normal(vec![outputs], 3)];
            agree(
                &x,
                &weights,
                |tape, x, w| tape.linear(&x[0], &[&with_bias(&w[0], &w[1])], None),
                |x| reference(&x[0], &x[1], Some(&x[2])),
            );
            agree(
                &x,
                &weights[..1],
                |tape, x, w| tape.linear(&x[0], &[&without_bias(&w[0])], None),
                |x| reference(&x[0], &x[1], None),
            );
        }
    }

    #[test]
    fn several_layers_side_by_side_share_an_activation() {
        let x = [normal(vec![19, 5], 1)];
        let weights = [normal(vec![3, 5], 2), normal(vec![3], 3), normal(vec![8, 5], 4)];
        agree(
            &x,
            &weights,
            |tape, x, w| {
                let layers = [&with_bias(&w[0], &w[1]), &without_bias(&w[2])];
                tape.linear(&x[0], &layers, Some(Activation::Gelu))
            },
            |x| {
                let parts = [reference(&x[0], &x[1], Some(&x[2]))?, reference(&x[0], &x[3], None)?];
                Tensor::cat(&parts, 1)?.gelu_erf()
            },
        );
    }

    #[test]
    fn products_in_bf16_agree_with_the_reference() {
        for (rows, inputs, outputs) in [(1, 1, 32), (70, 33, 40), (130, 401, 48)] {
            agree_in_bf16(
                &[normal(vec![rows, inputs], 1)],
                &[normal(vec![outputs, inputs], 2), normal(vec![outputs], 3), normal(vec![5, inputs], 4)],
                |tape, x, w| tape.linear(&x[0], &[&with_bias(&w[0], &w[1]), &without_bias(&w[2])], None),
                |x| Tensor::cat(&[reference(&x[0], &x[1], Some(&x[2]))?, reference(&x[0], &x[3], None)?], 1),
            );
        }
    }

    #[test]
    fn a_layer_is_rounded_to_bf16_and_a_head_is_not() {
        let (x, weight) = (normal(vec![4, 40], 1), Weight::new(normal(vec![3, 40], 2), None));
        let layer = without_bias(&weight);
        let answer = |precision, is_head: bool| {
            let mut tape = Tape::inference(crate::ops::Backend::Kernels(precision));
            let (x, _) = tape.leaf(Array::from_values(4, 40, &x.flatten_all().unwrap().to_vec1().unwrap()));
            let out = if is_head { tape.linear_exactly(&x, &layer) } else { tape.linear(&x, &[&layer], None) };
            out.unwrap().to_rows().unwrap().concat()
        };
        let exact = answer(MatrixPrecision::F32, false);
        assert_eq!(answer(MatrixPrecision::Bf16, true), exact);
        let rounded = answer(MatrixPrecision::Bf16, false);
        let largest = exact.iter().zip(&rounded).map(|(exact, rounded)| (exact - rounded).abs()).fold(0.0, f32::max);
        // Forty products of about 1, each operand off by up to 1 part in 256.
        assert!(largest > 1e-3 && largest < 0.1, "{largest}");
    }

    #[test]
    fn a_frozen_weight_is_packed_once_and_gives_the_same_result() {
        let (x, weight) = (normal(vec![4, 40], 1), normal(vec![70, 40], 2));
        let x = Array::from_values(4, 40, &x.flatten_all().unwrap().to_vec1().unwrap());
        let answer = |weight: &Weight| {
            let mut tape = Tape::inference(crate::ops::Backend::Kernels(MatrixPrecision::Bf16));
            let (x, _) = tape.leaf(x.clone());
            tape.linear(&x, &[&without_bias(weight)], None).unwrap().to_rows().unwrap()
        };
        let (fixed, trained) = (Weight::new(weight.clone(), None), Weight::new(weight, Some(0)));
        assert_eq!(answer(&fixed), answer(&trained));
        let unreachable = || unreachable!("it was packed already");
        assert_eq!(fixed.packed(unreachable).lanes(), 70);
        assert_eq!(answer(&fixed), answer(&trained));
    }

    #[test]
    fn a_weight_kept_in_bf16_gives_the_same_bits_and_is_refused_in_products_of_floats() {
        let x = normal(vec![21, 40], 1).flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let run = |dtype, precision| {
            let weight = Weight::new(normal(vec![70, 40], 2).to_dtype(dtype).unwrap(), None);
            let mut tape = Tape::training(crate::ops::Backend::Kernels(precision));
            let (x, place) = tape.leaf(Array::from_values(21, 40, &x));
            let y = tape.linear(&x, &[&without_bias(&weight)], Some(Activation::Gelu))?.host()?;
            let gradient = y.array.clone();
            let left = tape.run_backward(y.node.unwrap(), gradient, &mut crate::ops::Gradients::new(0))?;
            let of_input = left[place].as_ref().unwrap().values().to_vec();
            Ok::<_, candle_core::Error>((y.array.values().to_vec(), of_input))
        };
        let kept_in = |dtype| run(dtype, MatrixPrecision::Bf16).unwrap();
        assert_eq!(kept_in(DType::BF16), kept_in(DType::F32));
        let error = run(DType::BF16, MatrixPrecision::F32).unwrap_err().to_string();
        assert!(error.contains("kept in bf16"), "{error}");
    }

    #[test]
    fn wrong_shapes_are_refused() {
        let mut tape = Tape::inference(crate::ops::Backend::default());
        let (x, _) = tape.leaf(Array::zeros(2, 3));
        let weight = |shape: Vec<usize>| Weight::new(normal(shape, 1), None);
        let error = tape.linear(&x, &[&without_bias(&weight(vec![4, 5]))], None).unwrap_err().to_string();
        assert!(error.contains("width 3") && error.contains("[4, 5]"), "{error}");
        assert!(tape.linear(&x, &[&with_bias(&weight(vec![4, 3]), &weight(vec![3]))], None).is_err());
    }

    #[test]
    fn gradients_do_not_depend_on_threads() {
        gradients_in_pools(
            &[normal(vec![300, 40], 1)],
            &[normal(vec![50, 40], 2), normal(vec![50], 3)],
            |tape, x, w| tape.linear(&x[0], &[&with_bias(&w[0], &w[1])], Some(Activation::Gelu)),
        );
    }
}
