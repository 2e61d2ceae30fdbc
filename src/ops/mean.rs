//! The mean of the rows of each text.

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};

use crate::ops::array::Array;
use crate::ops::gradients::add_to;
use crate::ops::tape::{Flow, Node, Op, Tape, Value};

/// What the backward pass needs.
#[derive(Debug)]
pub(super) struct Record {
    from: Option<Node>,
    shape: (usize, usize),
    ends: Arc<[u32]>,
}

impl Tape<'_> {
    /// The mean of some rows of `x` after one another, `[ends.len() - 1, width]`. `ends` are the cumulative numbers of rows,
    /// from 0 to all.
    ///
    /// # Errors
    /// When a mean is of no rows, `ends` do not fit `x`, or a tensor operation fails.
    pub fn mean(&mut self, x: &Value, ends: &Arc<[u32]>) -> Result<Value> {
        let shape = x.dims()?;
        let is_whole = ends.first() == Some(&0) && ends.last().is_some_and(|&last| last as usize == shape.0);
        if !is_whole || ends.windows(2).any(|ends| ends[0] >= ends[1]) {
            bail!("mean: {} rows cannot be divided at {ends:?}", shape.0);
        }
        if !self.uses_kernels() {
            return Ok(Value::Composed(reference(x.composed()?, ends)?));
        }
        let x = x.host()?;
        let width = shape.1;
        let out = Array::written(ends.len() - 1, width, |out| {
            out.fill(0.0);
            for (out, ends) in out.chunks_exact_mut(width.max(1)).zip(ends.windows(2)) {
                let rows = &x.array.values()[ends[0] as usize * width..ends[1] as usize * width];
                rows.chunks_exact(width.max(1)).for_each(|row| add_to(out, row));
                let share = share(ends);
                out.iter_mut().for_each(|value| *value *= share);
            }
        });
        let record = self.records(&[x.node], &[]).then(|| Record { from: x.node, shape, ends: Arc::clone(ends) });
        Ok(self.made(out, record.map(Op::Mean)))
    }
}

/// How much each row counts in its mean.
fn share(ends: &[u32]) -> f32 {
    1.0 / (ends[1] - ends[0]) as f32
}

fn reference(x: &Tensor, ends: &[u32]) -> Result<Tensor> {
    let means =
        ends.windows(2).map(|ends| x.narrow(0, ends[0] as usize, (ends[1] - ends[0]) as usize)?.mean_keepdim(0));
    Tensor::cat(&means.collect::<Result<Vec<_>>>()?, 0)
}

impl Record {
    // With y = (x1 + .. + xn) / n:  dxi = dy / n.
    pub(super) fn backward(self, gradient: &Array, flow: &mut Flow<'_>) {
        let width = self.shape.1;
        flow.add_with(self.from, self.shape, |out, accumulate| {
            for (ends, gradient) in self.ends.windows(2).zip(gradient.values().chunks_exact(width.max(1))) {
                let share = share(ends);
                let rows = &mut out[ends[0] as usize * width..ends[1] as usize * width];
                for row in rows.chunks_exact_mut(width.max(1)) {
                    for (out, gradient) in row.iter_mut().zip(gradient) {
                        *out = if accumulate { *out + gradient * share } else { gradient * share };
                    }
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{agree, normal};

    #[test]
    fn agrees_with_the_reference() {
        for ends in [vec![0, 1], vec![0, 3, 4, 9]] {
            let ends: Arc<[u32]> = ends.into();
            let rows = ends[ends.len() - 1] as usize;
            agree(&[normal(vec![rows, 5], 1)], &[], |tape, x, _| tape.mean(&x[0], &ends), |x| reference(&x[0], &ends));
        }
    }

    #[test]
    fn rows_that_cannot_be_divided_are_refused() {
        let mut tape = Tape::inference(crate::ops::Backend::default());
        let like = crate::ops::Weight::new(
            Tensor::zeros(1, candle_core::DType::F32, &candle_core::Device::Cpu).unwrap(),
            None,
        );
        let x = tape.constant(Array::zeros(4, 2), &like).unwrap();
        for ends in [vec![0, 2], vec![1, 4], vec![0, 2, 2, 4], vec![0, 3, 2, 4], vec![]] {
            let ends: Arc<[u32]> = ends.into();
            assert!(tape.mean(&x, &ends).is_err(), "{ends:?}");
        }
    }
}
