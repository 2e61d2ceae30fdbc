//! Parts of a forward pass of which only the input is kept: the backward pass computes the rest again. That saves the memory of
//! their activations and costs their forward pass once more (Chen et al., 1604.06174).

use std::fmt;

use candle_core::Result;

use crate::ops::array::Array;
use crate::ops::tape::{Backend, Flow, HostValue, Node, Op, Tape, Value};

/// A part of a forward pass: continues a tape from a value, the same way each time.
pub type Part = dyn for<'t> Fn(Tape<'t>, &Value) -> Result<(Tape<'t>, Value)> + Send + Sync;

/// What the backward pass needs.
pub(super) struct Record {
    part: Box<Part>,
    x: Array,
    from: Option<Node>,
    backend: Backend,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("x", &self.x).field("from", &self.from).finish_non_exhaustive()
    }
}

impl Tape<'_> {
    /// The output of `part` for `x`. For the backward pass only `x` is kept; candle's operations keep everything all the same.
    ///
    /// # Errors
    /// Those of `part`.
    pub fn recomputed(&mut self, x: &Value, part: Box<Part>) -> Result<Value> {
        if !self.uses_kernels() || !self.is_training() {
            let (tape, value) = part(self.take(), x)?;
            *self = tape;
            return Ok(value);
        }
        let x = x.host()?;
        let input = Value::Host(HostValue { array: x.array.clone(), pending: None, node: None });
        let (_, value) = part(self.without_record(), &input)?;
        let record = Record { part, x: x.array, from: x.node, backend: self.backend() };
        Ok(self.made(value.host()?.array, Some(Op::Recompute(record))))
    }
}

impl Record {
    pub(super) fn backward(self, gradient: Array, flow: &mut Flow<'_>) -> Result<()> {
        let mut tape = Tape::training(self.backend).stopping_when(flow.stop);
        let (x, place) = tape.leaf(self.x);
        let (tape, value) = (self.part)(tape, &x)?;
        let value = value.host()?;
        let Some(node) = value.node else { return Ok(()) };
        // Nothing is added to values that are no longer needed.
        drop((x, value));
        let mut left = tape.run_backward(node, gradient, flow.gradients)?;
        if let Some(gradient) = left.get_mut(place).and_then(Option::take) {
            flow.add(self.from, gradient);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Tensor;

    use super::*;
    use crate::ops::testing::{agree, normal};
    use crate::ops::{Activation, LinearWeights, Weight};

    fn layers(weights: &[Weight]) -> Box<Part> {
        let [first, second] =
            [&weights[0], &weights[1]].map(|weight| LinearWeights { weight: weight.clone(), bias: None });
        Box::new(move |mut tape, x| {
            let inner = tape.linear(x, &[&first], Some(Activation::Gelu))?;
            let outer = tape.linear(&inner, &[&second], Some(Activation::Tanh))?;
            Ok((tape, outer))
        })
    }

    #[test]
    fn agrees_with_the_reference() {
        agree(
            &[normal(vec![9, 5], 1)],
            &[normal(vec![7, 5], 2), normal(vec![4, 7], 3)],
            |tape, x, w| tape.recomputed(&x[0], layers(w)),
            |x| {
                let linear = |x: &Tensor, weight: &Tensor| x.matmul(&weight.t()?);
                linear(&linear(&x[0], &x[1])?.gelu_erf()?, &x[2])?.tanh()
            },
        );
    }

    #[test]
    fn a_part_without_anything_to_train_is_no_obstacle() {
        let weights = [normal(vec![7, 5], 2), normal(vec![4, 7], 3)].map(|tensor| Weight::new(tensor, None));
        let mut tape = Tape::training(Backend::default());
        let x = tape.constant(Array::from_values(1, 5, &[1.0, 2.0, 3.0, 4.0, 5.0]), &weights[0]).unwrap();
        let y = tape.recomputed(&x, layers(&weights)).unwrap();
        let mut gradients = crate::ops::Gradients::new(0);
        tape.pull_back(&y, &Array::from_values(1, 4, &[1.0; 4]), &[], &mut gradients).unwrap();
        let mut tape = Tape::inference(Backend::default());
        let plain = tape.recomputed(&x, layers(&weights)).unwrap();
        assert_eq!(y.to_rows().unwrap(), plain.to_rows().unwrap());
    }
}
