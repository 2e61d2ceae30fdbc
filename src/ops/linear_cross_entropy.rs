//! The cross-entropy of a linear layer's scores over a vocabulary, without keeping the scores of all rows.
//!
//! A language model scores every token of its vocabulary at each read. With 50,257 tokens, the scores of 2,048 reads take
//! 400 MB, and their gradients as much again. Here rows are scored a few at a time. A loss is a scalar whose gradient is 1,
//! so all gradients of a part are computed as soon as its scores are known, which are then dropped.

use std::ops::Range;

use candle_core::{Result, Tensor, Var, bail};

use crate::ops::array::Array;
use crate::ops::cross_entropy::{self, CrossEntropy, Loss, LossKind, Targets, loss_and_gradient};
use crate::ops::gradients::{Gradients, add_to};
use crate::ops::host::values;
use crate::ops::kernels::bf16;
use crate::ops::kernels::matmul::{Matrix, MatrixPrecision, Onto, Operand, Threads, matmul};
use crate::ops::linear::{self, LinearWeights, column_sums};
use crate::ops::tape::{Tape, Value, Weight};

/// Most scores in memory at a time.
const MOST_SCORES: usize = 1 << 24;

/// Rows of a part are a multiple of this where there are that many, which matrix products like.
const GRAIN: usize = 16;

/// Rows to be scored at a time, at least 1, so that few of their `classes` scores are in memory at once.
#[must_use]
pub fn rows_at_once(classes: usize) -> usize {
    rows_within(MOST_SCORES, classes)
}

fn rows_within(most_scores: usize, classes: usize) -> usize {
    let rows = most_scores / classes.max(1);
    if rows > GRAIN { rows - rows % GRAIN } else { rows.max(1) }
}

impl Tape<'_> {
    /// [`cross_entropy()`](crate::ops::cross_entropy()) of the scores `x Wᵀ + b` of `layer`, `[rows, classes]`, for `labels`
    /// `[rows]`. When the tape trains, the gradients of the layer's own weights are added to `gradients` at once, and only
    /// that of `x` is left to [`Tape::backward`].
    ///
    /// # Errors
    /// As [`Tape::linear`] and [`cross_entropy()`](crate::ops::cross_entropy()), and when the tape is stopped. `gradients` are
    /// then invalid.
    pub fn linear_cross_entropy(
        &self,
        x: &Value,
        layer: &LinearWeights,
        labels: &[u32],
        settings: &CrossEntropy,
        gradients: &mut Gradients,
    ) -> Result<Loss> {
        self.in_parts(MOST_SCORES, x, layer, (labels, settings), gradients)
    }

    fn in_parts(
        &self,
        most_scores: usize,
        x: &Value,
        layer: &LinearWeights,
        (labels, settings): (&[u32], &CrossEntropy),
        gradients: &mut Gradients,
    ) -> Result<Loss> {
        let (rows, width) = x.dims()?;
        linear::check(width, &[layer])?;
        let classes = layer.weight.tensor().dim(0)?;
        cross_entropy::check((rows, classes), labels, settings)?;
        let divisor = Some(settings.divisor.unwrap_or_else(|| settings.total_weight(labels)));
        let settings = CrossEntropy { divisor, ..settings.clone() };
        let step = rows_within(most_scores, classes);
        let parts = (0..rows).step_by(step).map(|first| first..(first + step).min(rows));
        let parts = parts.map(|part| (part.clone(), Targets::new(&labels[part], classes, &settings)));
        if self.uses_kernels() {
            self.by_kernels(x, layer, parts, gradients)
        } else {
            self.composed_parts(x.composed()?, layer, parts, gradients)
        }
    }

    fn by_kernels<'t>(
        &self,
        x: &Value,
        layer: &LinearWeights,
        parts: impl Iterator<Item = (Range<usize>, Targets<'t>)>,
        gradients: &mut Gradients,
    ) -> Result<Loss> {
        let x = x.host()?;
        let (width, node) = (x.array.width(), x.node.filter(|_| self.is_training()));
        let weight = values(layer.weight.tensor())?;
        let bias = layer.bias.as_ref().map(|bias| values(bias.tensor())).transpose()?;
        let precision = self.precision();
        let matrix = Matrix::new(&weight, layer.weight.tensor().dim(0)?, width);
        let scorer = match precision {
            MatrixPrecision::F32 => Operand::F32(matrix.transposed()),
            MatrixPrecision::Bf16 => Operand::Bf16(layer.weight.packed(|| bf16::pack_right(matrix.transposed()))),
        };
        let back = node.is_some().then(|| Operand::right(matrix, precision));
        let mut of_x = Array::zeros(if back.is_some() { x.array.rows() } else { 0 }, width);
        let mut sum = 0.0;
        for (rows, targets) in parts {
            self.look()?;
            let own = Matrix::new(&x.array.values()[rows.start * width..rows.end * width], rows.len(), width);
            let scores = Array::written(rows.len(), matrix.rows(), |out| {
                let onto = bias.as_ref().map_or(Onto::Zeros, |bias| Onto::Row(bias));
                matmul(out, matrix.rows(), &Operand::left(own, precision), &scorer, onto, Threads::Pool);
            });
            let (loss, gradient) = loss_and_gradient(&scores, &targets);
            drop(scores);
            sum += loss;
            if self.is_training() {
                add_to_layer(layer, own, &gradient, precision, gradients);
            }
            if let Some(back) = &back {
                let out = &mut of_x.values_mut()[rows.start * width..rows.end * width];
                matmul(out, width, &Operand::left(gradient.matrix(), precision), back, Onto::Zeros, Threads::Pool);
            }
        }
        Ok(Loss(LossKind::Host { value: sum, scored: node, gradient: of_x }))
    }

    /// Each part gets its own graph, which is freed after it.
    fn composed_parts<'t>(
        &self,
        x: &Tensor,
        layer: &LinearWeights,
        parts: impl Iterator<Item = (Range<usize>, Targets<'t>)>,
        gradients: &mut Gradients,
    ) -> Result<Loss> {
        let (weight, bias) = (self.composed(&layer.weight), layer.bias.as_ref().map(|bias| self.composed(bias)));
        let (mut losses, mut of_x) = (Vec::new(), Vec::new());
        for (rows, targets) in parts {
            self.look()?;
            let own = Var::from_tensor(&x.detach().narrow(0, rows.start, rows.len())?.contiguous()?)?;
            let scores = linear::reference(own.as_tensor(), &weight, bias.as_ref())?;
            let loss = cross_entropy::reference(&scores, &targets)?;
            losses.push(loss.detach());
            if !self.is_training() {
                continue;
            }
            let mut all = loss.backward()?;
            for weight in [Some(&layer.weight), layer.bias.as_ref()].into_iter().flatten() {
                if let (Some(number), Some(gradient)) = (weight.number(), all.remove(weight.tensor())) {
                    gradients.add_device(number, &gradient)?;
                }
            }
            let Some(gradient) = all.remove(own.as_tensor()) else { bail!("a part of a loss has no gradient") };
            of_x.push(gradient.detach());
        }
        let value = Tensor::stack(&losses, 0)?.sum_all()?;
        // Its derivative by `x` is the gradient that is already known.
        let from = if of_x.is_empty() { value.clone() } else { (x * Tensor::cat(&of_x, 0)?)?.sum_all()? };
        Ok(Loss(LossKind::Composed { value, from }))
    }
}

/// Adds the gradients of the layer's weights, from the gradient of some scores.
fn add_to_layer(
    layer: &LinearWeights,
    x: Matrix<'_>,
    gradient: &Array,
    precision: MatrixPrecision,
    gradients: &mut Gradients,
) {
    if let Some(number) = layer.bias.as_ref().and_then(Weight::number) {
        let sums = column_sums(gradient.values(), gradient.width());
        gradients.add_dense(number, (1, gradient.width()), |out, accumulate| {
            if accumulate { add_to(out, &sums) } else { out.copy_from_slice(&sums) }
        });
    }
    if let Some(number) = layer.weight.number() {
        let (left, right) = (Operand::left(gradient.matrix().transposed(), precision), Operand::right(x, precision));
        gradients.add_dense(number, (gradient.width(), x.columns()), |out, accumulate| {
            matmul(out, x.columns(), &left, &right, Onto::out_when(accumulate), Threads::Pool);
        });
    }
}

#[cfg(test)]
mod tests {
    use candle_core::DType;

    use super::*;
    use crate::ops::testing::{normal, places};
    use crate::ops::{Backend, cross_entropy};

    const ROWS: usize = 70;
    const WIDTH: usize = 24;

    struct Case {
        x: Tensor,
        weight: Tensor,
        bias: Option<Tensor>,
        labels: Vec<u32>,
        settings: CrossEntropy,
    }

    impl Case {
        /// 1,100 classes are as many as get the exponentials of vocabularies.
        fn new(classes: usize, has_bias: bool, settings: CrossEntropy) -> Self {
            let (x, weight) = (normal(vec![ROWS, WIDTH], 1), (normal(vec![classes, WIDTH], 2) * 0.3).unwrap());
            let bias = has_bias.then(|| normal(vec![classes], 3));
            let labels = (0..ROWS).map(|row| (row * 37 % classes) as u32).collect();
            Self { x, weight, bias, labels, settings }
        }

        fn layer(&self, dtype: DType, device: &candle_core::Device) -> LinearWeights {
            let there = |tensor: &Tensor, number| {
                let tensor = tensor.to_dtype(dtype).unwrap().to_device(device).unwrap();
                Weight::new(Var::from_tensor(&tensor).unwrap().as_tensor().clone(), Some(number))
            };
            LinearWeights { weight: there(&self.weight, 1), bias: self.bias.as_ref().map(|bias| there(bias, 2)) }
        }

        /// The loss and the gradients of input, weight and bias, with all scores at once, in double precision.
        fn expected(&self) -> (f64, Vec<Vec<f32>>) {
            let layer = self.layer(DType::F64, &candle_core::Device::Cpu);
            let x = Var::from_tensor(&self.x.to_dtype(DType::F64).unwrap()).unwrap();
            let mut tape = Tape::training(Backend::Composed);
            let scores = tape.linear(&Value::Composed(x.as_tensor().clone()), &[&layer], None).unwrap();
            let loss = cross_entropy(&scores, &self.labels, &self.settings).unwrap();
            self.finish(tape, loss, x.as_tensor(), &layer, Gradients::new(3))
        }

        fn composed(&self, most: usize, dtype: DType, device: &candle_core::Device) -> (f64, Vec<Vec<f32>>) {
            let layer = self.layer(dtype, device);
            let x = Var::from_tensor(&self.x.to_dtype(dtype).unwrap().to_device(device).unwrap()).unwrap();
            let (tape, mut gradients) = (Tape::training(Backend::Composed), Gradients::new(3));
            let value = Value::Composed(x.as_tensor().clone());
            let what = (self.labels.as_slice(), &self.settings);
            let loss = tape.in_parts(most, &value, &layer, what, &mut gradients).unwrap();
            self.finish(tape, loss, x.as_tensor(), &layer, gradients)
        }

        fn finish(
            &self,
            tape: Tape<'_>,
            loss: Loss,
            x: &Tensor,
            layer: &LinearWeights,
            mut gradients: Gradients,
        ) -> (f64, Vec<Vec<f32>>) {
            let value = loss.value().unwrap();
            let trained = [Some(x), Some(layer.weight.tensor()), layer.bias.as_ref().map(Weight::tensor)];
            let trained: Vec<Tensor> = trained.into_iter().flatten().cloned().collect();
            tape.backward(loss, &trained, &mut gradients).unwrap();
            let of = |number: usize| gradients.get(number).unwrap().to_vec().unwrap();
            (value, (0..2 + usize::from(self.bias.is_some())).map(of).collect())
        }

        fn kernels(&self, most: usize, precision: MatrixPrecision) -> (f64, Vec<Vec<f32>>) {
            let layer = self.layer(DType::F32, &candle_core::Device::Cpu);
            let (mut tape, mut gradients) = (Tape::training(Backend::Kernels(precision)), Gradients::new(3));
            let values: Vec<f32> = self.x.flatten_all().unwrap().to_vec1().unwrap();
            let (x, place) = tape.leaf(Array::from_values(ROWS, WIDTH, &values));
            let what = (self.labels.as_slice(), &self.settings);
            let loss = tape.in_parts(most, &x, &layer, what, &mut gradients).unwrap();
            let value = loss.value().unwrap();
            let LossKind::Host { scored: Some(node), gradient, .. } = loss.0 else { panic!("not of the kernels") };
            let left = tape.run_backward(node, gradient, &mut gradients).unwrap();
            let of_x = left[place].as_ref().unwrap().values().to_vec();
            let of = |number: usize| gradients.get(number).unwrap().to_vec().unwrap();
            (value, std::iter::once(of_x).chain((1..2 + usize::from(self.bias.is_some())).map(of)).collect())
        }
    }

    fn agree(got: &(f64, Vec<Vec<f32>>), expected: &(f64, Vec<Vec<f32>>), tolerance: f64, what: &str) {
        assert!((got.0 - expected.0).abs() < tolerance * expected.0.abs(), "{what}: {} {}", got.0, expected.0);
        assert_eq!(got.1.len(), expected.1.len());
        for (number, (got, expected)) in got.1.iter().zip(&expected.1).enumerate() {
            assert_eq!(got.len(), expected.len());
            let largest = expected.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
            for (got, expected) in got.iter().zip(expected) {
                let error = f64::from((got - expected).abs() / largest);
                assert!(error < tolerance, "{what}, gradient {number}: {got} {expected}");
            }
        }
    }

    fn cases() -> Vec<Case> {
        let settings = |class_weights: Option<usize>, label_smoothing| CrossEntropy {
            class_weights: class_weights.map(|classes| (0..classes).map(|class| 0.5 + (class % 5) as f32).collect()),
            label_smoothing,
            divisor: None,
        };
        let divided = CrossEntropy { divisor: Some(12.5), ..CrossEntropy::default() };
        vec![
            Case::new(1100, false, CrossEntropy::default()),
            Case::new(1100, true, settings(Some(1100), 0.1)),
            Case::new(9, true, settings(Some(9), 0.0)),
            Case::new(9, false, settings(None, 0.2)),
            Case::new(50, true, divided),
        ]
    }

    #[test]
    fn parts_of_any_size_agree_with_all_scores_at_once() {
        for (number, case) in cases().iter().enumerate() {
            let (expected, classes) = (case.expected(), case.weight.dim(0).unwrap());
            // One row at a time, parts that do not divide the rows, and all at once.
            for most in [1, 16 * classes, 33 * classes, ROWS * classes] {
                let what = format!("case {number}, {most} scores");
                agree(&case.kernels(most, MatrixPrecision::F32), &expected, 2e-5, &what);
                // Rounded as the same products of a linear layer are.
                agree(&case.kernels(most, MatrixPrecision::Bf16), &expected, 3e-2, &format!("{what} in bf16"));
                for (device, dtype) in places() {
                    agree(&case.composed(most, dtype, &device), &expected, 2e-5, &format!("{what} composed"));
                }
            }
        }
    }

    #[test]
    fn gradients_agree_with_differences_of_the_loss() {
        let case = &Case::new(1100, true, CrossEntropy { label_smoothing: 0.1, ..CrossEntropy::default() });
        let (_, gradients) = case.kernels(16 * 1100, MatrixPrecision::F32);
        let value = |x: Tensor, weight: Tensor, bias: Tensor| {
            let settings = case.settings.clone();
            Case { x, weight, bias: Some(bias), labels: case.labels.clone(), settings }.expected().0
        };
        let bias = case.bias.as_ref().unwrap();
        let tensors = [&case.x, &case.weight, bias].map(|tensor| tensor.to_dtype(DType::F64).unwrap());
        for (number, at) in [(0, 5), (0, 1600), (1, 11), (1, 20_000), (2, 37), (2, 1099)] {
            let moved = |by: f64| {
                let mut tensors = tensors.clone();
                let mut values: Vec<f64> = tensors[number].flatten_all().unwrap().to_vec1().unwrap();
                values[at] += by;
                tensors[number] = Tensor::from_vec(values, tensors[number].shape(), &candle_core::Device::Cpu).unwrap();
                let [x, weight, bias] = tensors;
                value(x, weight, bias)
            };
            let difference = (moved(1e-4) - moved(-1e-4)) / 2e-4;
            let got = f64::from(gradients[number][at]);
            assert!((got - difference).abs() < 1e-6 + 1e-3 * difference.abs(), "{number}, {at}: {got} {difference}");
        }
    }

    #[test]
    fn gradients_are_added_and_frozen_weights_get_none() {
        let case = Case::new(9, true, CrossEntropy::default());
        let mut layer = case.layer(DType::F32, &candle_core::Device::Cpu);
        layer.bias = layer.bias.map(|bias| Weight::new(bias.tensor().clone(), None));
        let mut gradients = Gradients::new(3);
        let values: Vec<f32> = case.x.flatten_all().unwrap().to_vec1().unwrap();
        let mut of_weight = || {
            let tape = Tape::training(Backend::default());
            let x = tape.constant(Array::from_values(ROWS, WIDTH, &values), &layer.weight).unwrap();
            let loss = tape.linear_cross_entropy(&x, &layer, &case.labels, &case.settings, &mut gradients).unwrap();
            assert!(matches!(loss.0, LossKind::Host { scored: None, .. }), "the input has no gradient");
            assert!(gradients.get(2).is_none());
            gradients.get(1).unwrap().to_vec().unwrap()
        };
        let (once, twice) = (of_weight(), of_weight());
        assert!(once.iter().zip(&twice).all(|(once, twice)| (2.0 * once - twice).abs() < 1e-6));
        let mut none = Gradients::new(3);
        let tape = Tape::inference(Backend::default());
        let x = tape.constant(Array::from_values(ROWS, WIDTH, &values), &layer.weight).unwrap();
        let loss = tape.linear_cross_entropy(&x, &layer, &case.labels, &case.settings, &mut none).unwrap();
        assert!((loss.value().unwrap() - case.expected().0).abs() < 1e-5 && none.get(1).is_none());
    }

    #[test]
    fn wrong_labels_and_a_stop_are_errors() {
        let case = Case::new(9, false, CrossEntropy::default());
        let layer = case.layer(DType::F32, &candle_core::Device::Cpu);
        let error = |labels: &[u32], stop: bool| {
            let stop = || stop;
            let tape = Tape::training(Backend::default()).stopping_when(&stop);
            let x = tape.constant(Array::zeros(2, WIDTH), &layer.weight).unwrap();
            let loss = tape.linear_cross_entropy(&x, &layer, labels, &case.settings, &mut Gradients::new(3));
            loss.unwrap_err().to_string()
        };
        assert!(error(&[0, 9], false).contains("label 9 of row 1 is not one of the 9 classes"));
        assert!(error(&[0], false).contains("2 rows of logits and 1 labels"));
        assert!(error(&[0, 1], true).contains("stopped"));
    }

    #[test]
    fn a_part_has_few_scores_and_at_least_one_row() {
        assert_eq!((rows_at_once(50_257), rows_at_once(1 << 30), rows_at_once(0)), (320, 1, MOST_SCORES));
        assert_eq!((rows_within(100, 9), rows_within(1000, 9)), (11, 96));
    }
}
