//! A branch added to its residual: `residual + dropout(x)`.

use candle_core::{Result, bail};
use rayon::prelude::*;

use crate::ops::array::Array;
use crate::ops::dropout::{self, Dropout};
use crate::ops::gradients::add_to;
use crate::ops::kernels::CHUNK;
use crate::ops::tape::{Flow, Node, Op, Tape, Value};

/// What the backward pass needs.
#[derive(Debug)]
pub(super) struct Record {
    branch: Option<Node>,
    residual: Option<Node>,
    dropout: Dropout,
}

impl Tape<'_> {
    /// `residual + dropout(x)`, both `[rows, width]`.
    ///
    /// # Errors
    /// If the shapes differ, or a tensor operation fails.
    pub fn add(&mut self, x: &Value, residual: &Value, dropout: Dropout) -> Result<Value> {
        let (shape, other) = (x.dims()?, residual.dims()?);
        if shape != other {
            bail!("add: a branch of shape {shape:?}, a residual of shape {other:?}");
        }
        if !self.uses_kernels() {
            let branch = dropout::reference(x.composed()?, dropout)?;
            return Ok(Value::Composed((residual.composed()? + branch)?));
        }
        let (x, residual) = (x.host()?, residual.host()?);
        let mut sum = x.array;
        dropout::drop_elements(&mut sum, dropout);
        add(&mut sum, &residual.array);
        let recorded = self.records(&[x.node, residual.node], &[]);
        let record = recorded.then_some(Record { branch: x.node, residual: residual.node, dropout });
        Ok(self.made(sum, record.map(Op::Add)))
    }
}

fn add(sum: &mut Array, values: &Array) {
    let chunks = sum.values_mut().par_chunks_mut(CHUNK).zip(values.values().par_chunks(CHUNK));
    chunks.for_each(|(sum, values)| add_to(sum, values));
}

impl Record {
    pub(super) fn backward(self, gradient: Array, flow: &mut Flow<'_>) {
        let mut of_branch = gradient.clone();
        dropout::drop_elements(&mut of_branch, self.dropout);
        flow.add(self.branch, of_branch);
        flow.add(self.residual, gradient);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{agree, normal};

    #[test]
    fn agrees_with_the_reference() {
        for mask in [Dropout::OFF, Dropout::new(0.3, 8)] {
            for (rows, width) in [(1, 1), (7, 19), (130, 300)] {
                let operands = [normal(vec![rows, width], 1), normal(vec![rows, width], 2)];
                agree(
                    &operands,
                    &[],
                    |tape, x, _| tape.add(&x[0], &x[1], mask),
                    |x| &x[1] + dropout::reference(&x[0], mask)?,
                );
            }
        }
    }

    #[test]
    fn other_shapes_are_refused() {
        let mut tape = Tape::inference(crate::ops::Backend::default());
        let parts = [tape.leaf(Array::zeros(2, 3)).0, tape.leaf(Array::zeros(3, 2)).0];
        let error = tape.add(&parts[0], &parts[1], Dropout::OFF).unwrap_err().to_string();
        assert!(error.contains("a branch of shape (2, 3), a residual of shape (3, 2)"), "{error}");
    }
}
