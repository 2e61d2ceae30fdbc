//! Some rows of a matrix.

use candle_core::{Result, Tensor, bail};

use crate::ops::array::Array;
use crate::ops::gradients::add_to;
use crate::ops::regroup::Regroup;
use crate::ops::tape::{Flow, Node, Op, Tape, Value};

/// What the backward pass needs.
#[derive(Debug)]
pub(super) struct Record {
    from: Option<Node>,
    shape: (usize, usize),
    rows: Vec<u32>,
}

impl Tape<'_> {
    /// The given rows of `x` in the given order, `[rows.len(), width]`.
    ///
    /// # Errors
    /// When `x` does not have such a row, or a tensor operation fails.
    pub fn rows(&mut self, x: &Value, rows: &[u32]) -> Result<Value> {
        let shape = x.dims()?;
        if let Some(row) = rows.iter().find(|&&row| row as usize >= shape.0) {
            bail!("row {row} of a matrix of {} rows", shape.0);
        }
        if !self.uses_kernels() {
            let x = x.composed()?;
            if rows.is_sorted_by(|row, next| row < next) {
                // No row is taken twice, so gradients need no addition, which is slow on a GPU.
                let from: Vec<_> = rows.iter().map(|&row| Some(row)).collect();
                return Ok(Value::Composed(Regroup::new(&from, shape.0, x.device())?.apply(x)?));
            }
            return Ok(Value::Composed(x.index_select(&Tensor::new(rows, x.device())?, 0)?));
        }
        let x = x.host()?;
        let (width, values) = (shape.1, x.array.values());
        let out = Array::written(rows.len(), width, |out| {
            for (out, &row) in out.chunks_exact_mut(width.max(1)).zip(rows) {
                out.copy_from_slice(&values[row as usize * width..][..width]);
            }
        });
        let record = self.records(&[x.node], &[]).then(|| Record { from: x.node, shape, rows: rows.to_vec() });
        Ok(self.made(out, record.map(Op::Rows)))
    }
}

impl Record {
    pub(super) fn backward(self, gradient: &Array, flow: &mut Flow<'_>) {
        let (shape, width) = (self.shape, self.shape.1);
        flow.add_with(self.from, shape, |out, accumulate| {
            if !accumulate {
                out.fill(0.0);
            }
            for (gradient, &row) in gradient.values().chunks_exact(width.max(1)).zip(&self.rows) {
                add_to(&mut out[row as usize * width..][..width], gradient);
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
        for rows in [&[3, 0, 3][..], &[0, 2, 4], &[0, 1, 2, 3, 4]] {
            let reference = |x: &[Tensor]| x[0].index_select(&Tensor::new(rows, x[0].device())?, 0);
            agree(&[normal(vec![5, 7], 1)], &[], |tape, x, _| tape.rows(&x[0], rows), reference);
        }
    }

    #[test]
    fn a_missing_row_is_refused() {
        let mut tape = Tape::inference(crate::ops::Backend::default());
        let (x, _) = tape.leaf(Array::zeros(2, 3));
        assert!(tape.rows(&x, &[2]).unwrap_err().to_string().contains("row 2 of a matrix of 2 rows"));
    }
}
