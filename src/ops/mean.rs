//! The mean of the rows of each sequence.

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use crate::ops::array::Array;
use crate::ops::gradients::add_to;
use crate::ops::kernels::simd_kernel;
use crate::ops::tape::{Flow, Node, Op, Tape, Value};

/// What the backward pass needs.
#[derive(Debug)]
pub(super) struct Record {
    from: Option<Node>,
    ends: Arc<[u32]>,
}

impl Tape<'_> {
    /// The mean of the rows of `x` between neighbouring `ends`, from 0 to the number of rows: `[ends - 1, width]`.
    ///
    /// # Errors
    /// If the ends do not cut the rows into sequences with rows, or a tensor operation fails.
    pub fn mean_rows(&mut self, x: &Value, ends: &Arc<[u32]>) -> Result<Value> {
        let (rows, width) = x.dims()?;
        let grows = ends.windows(2).all(|ends| ends[0] < ends[1]);
        if ends.first() != Some(&0) || ends.last() != Some(&(rows as u32)) || !grows {
            bail!("mean_rows: {ends:?} do not cut {rows} rows into sequences");
        }
        if !self.uses_kernels() {
            return Ok(Value::Composed(reference(x.composed()?, ends)?));
        }
        let x = x.host()?;
        let values = x.array.values();
        let out = Array::written(ends.len() - 1, width, |out| {
            out.par_chunks_mut(width.max(1)).zip(ends.par_windows(2)).for_each(|(out, ends)| {
                out.fill(0.0);
                let rows = &values[ends[0] as usize * width..ends[1] as usize * width];
                rows.chunks_exact(width.max(1)).for_each(|row| add_to(out, row));
                multiply(out, share(ends));
            });
        });
        let record = self.records(&[x.node], &[]).then(|| Record { from: x.node, ends: Arc::clone(ends) });
        Ok(self.made(out, record.map(Op::Mean)))
    }
}

/// The share that each row has in the mean of its sequence.
fn share(ends: &[u32]) -> f32 {
    1.0 / (ends[1] - ends[0]) as f32
}

/// A product with a matrix that has the share of each row in each mean, whose derivative is a product too.
fn reference(x: &Tensor, ends: &[u32]) -> Result<Tensor> {
    let rows = x.dim(0)?;
    let mut shares = vec![0.0_f32; (ends.len() - 1) * rows];
    for (of_mean, ends) in shares.chunks_exact_mut(rows).zip(ends.windows(2)) {
        of_mean[ends[0] as usize..ends[1] as usize].fill(share(ends));
    }
    let shares = Tensor::from_vec(shares, (ends.len() - 1, rows), x.device())?.to_dtype(x.dtype())?;
    shares.matmul(x)
}

impl Record {
    pub(super) fn backward(self, gradient: &Array, flow: &mut Flow<'_>) {
        let (rows, width) = (self.ends.last().map_or(0, |&rows| rows as usize), gradient.width());
        let out = Array::written(rows, width, |mut out| {
            for (gradient, ends) in gradient.values().chunks_exact(width.max(1)).zip(self.ends.windows(2)) {
                let (part, rest) = out.split_at_mut((ends[1] - ends[0]) as usize * width);
                part.par_chunks_mut(width.max(1)).for_each(|row| {
                    row.copy_from_slice(gradient);
                    multiply(row, share(ends));
                });
                out = rest;
            }
        });
        flow.add(self.from, out);
    }
}

simd_kernel! {
    fn multiply(values: &mut [f32], factor: f32) {
        for value in values {
            *value *= factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{agree, gradients_in_pools, normal};

    #[test]
    fn agrees_with_the_reference() {
        // Shares that 32 bits hold exactly, as the reference has them.
        for (ends, width) in [(&[0, 1][..], 1), (&[0, 4, 5, 7], 19), (&[0, 64, 66], 130)] {
            let ends: Arc<[u32]> = ends.into();
            let rows = ends.last().copied().unwrap() as usize;
            let x = [normal(vec![rows, width], 1)];
            agree(&x, &[], |tape, x, _| tape.mean_rows(&x[0], &ends), |x| reference(&x[0], &ends));
        }
    }

    #[test]
    fn the_mean_is_that_of_each_sequence() {
        let mut tape = Tape::inference(crate::ops::Backend::default());
        let (x, _) = tape.leaf(Array::from_values(3, 2, &[1.0, 2.0, 3.0, 6.0, 5.0, 7.0]));
        let means = tape.mean_rows(&x, &[0, 2, 3].into()).unwrap().to_rows().unwrap();
        assert_eq!(means, [[2.0, 4.0], [5.0, 7.0]]);
    }

    #[test]
    fn gradients_do_not_depend_on_threads() {
        let ends: Arc<[u32]> = [0, 100, 101, 300].into();
        gradients_in_pools(&[normal(vec![300, 33], 1)], &[], |tape, x, _| tape.mean_rows(&x[0], &ends));
    }

    #[test]
    fn ends_that_cut_nothing_are_refused() {
        let refused = |ends: &[u32]| {
            let mut tape = Tape::inference(crate::ops::Backend::default());
            let (x, _) = tape.leaf(Array::zeros(4, 2));
            tape.mean_rows(&x, &ends.into()).unwrap_err().to_string()
        };
        for ends in [&[0, 3][..], &[1, 4], &[0, 2, 2, 4], &[]] {
            assert!(refused(ends).contains("do not cut 4 rows"), "{ends:?}");
        }
    }
}
