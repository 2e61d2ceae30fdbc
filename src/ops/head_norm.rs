//! Normalisation of each head by its root mean square, before attention (Henry et al., 2010.04245; Qwen3, 2505.09388): the
//! heads of the queries have one weight, those of the keys another, and the values stay.

use std::ops::Range;

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use crate::ops::array::Array;
use crate::ops::host::values;
use crate::ops::kernels::ROWS;
use crate::ops::rms_norm::{self, RmsNormWeights};
use crate::ops::tape::{Flow, Node, Op, Tape, Value, Weight};

/// Some neighbouring heads, and what they are normalised with.
#[derive(Clone, Debug)]
pub struct HeadNorm {
    /// The heads, counted from the first column.
    pub heads: Range<usize>,
    /// γ, `[columns of a head]`, and ε.
    pub weights: RmsNormWeights,
}

impl HeadNorm {
    fn size(&self) -> usize {
        self.weights.weight.tensor().elem_count()
    }

    fn columns(&self) -> Range<usize> {
        self.heads.start * self.size()..self.heads.end * self.size()
    }
}

/// What the backward pass needs.
#[derive(Debug)]
pub(super) struct Record {
    /// Of each part, the heads before γ, `[rows, heads x size]`, and the factor of each, `[rows x heads]`.
    parts: Vec<(HeadNorm, Array, Vec<f32>)>,
    from: Option<Node>,
}

impl Tape<'_> {
    /// Normalises the heads of each part in each row of `x`; the other columns stay: `[rows, width]`.
    ///
    /// # Errors
    /// If `x` has fewer columns than a part, or a tensor operation fails.
    pub fn head_norm(&mut self, x: &Value, parts: &[HeadNorm]) -> Result<Value> {
        let (rows, width) = x.dims()?;
        if let Some(part) = parts.iter().find(|part| part.columns().end > width || part.columns().is_empty()) {
            bail!("head_norm: the heads {:?} of {} columns, in rows of {width}", part.heads, part.size());
        }
        if !self.uses_kernels() {
            let weights: Vec<Tensor> = parts.iter().map(|part| self.composed(&part.weights.weight)).collect();
            return Ok(Value::Composed(reference(x.composed()?, parts, &weights)?));
        }
        let x = x.host()?;
        let mut out = x.array.clone();
        let mut kept = Vec::with_capacity(parts.len());
        for part in parts {
            let (columns, heads) = (part.columns(), part.heads.len());
            let (mut normal, mut scales) = (Array::unwritten(rows, columns.len()), vec![0.0; rows * heads]);
            let weight = values(part.weights.weight.tensor())?;
            let (weight, epsilon): (&[f32], f32) = (&weight, part.weights.epsilon as f32);
            let outs = out.values_mut().par_chunks_mut(ROWS * width).zip(x.array.values().par_chunks(ROWS * width));
            let normals = normal.values_mut().par_chunks_mut(ROWS * columns.len());
            outs.zip(normals).zip(scales.par_chunks_mut(ROWS * heads)).for_each(|(((out, x), normal), scales)| {
                let rows = out.chunks_exact_mut(width).zip(x.chunks_exact(width));
                let kept = normal.chunks_exact_mut(columns.len()).zip(scales.chunks_exact_mut(heads));
                for ((out, x), (normal, scales)) in rows.zip(kept) {
                    let (x, out) = (&x[columns.clone()], &mut out[columns.clone()]);
                    rms_norm::normalise_rows(x, weight, epsilon, out, normal, scales);
                }
            });
            kept.push((part.clone(), normal, scales));
        }
        let weights: Vec<&Weight> = parts.iter().map(|part| &part.weights.weight).collect();
        let record = self.records(&[x.node], &weights).then_some(Record { parts: kept, from: x.node });
        Ok(self.made(out, record.map(Op::HeadNorm)))
    }
}

fn reference(x: &Tensor, parts: &[HeadNorm], weights: &[Tensor]) -> Result<Tensor> {
    let (rows, width) = x.dims2()?;
    let (mut pieces, mut done) = (Vec::new(), 0);
    for (part, weight) in parts.iter().zip(weights) {
        let columns = part.columns();
        if columns.start > done {
            pieces.push(x.narrow(1, done, columns.start - done)?);
        }
        let heads = x.narrow(1, columns.start, columns.len())?.reshape((rows * part.heads.len(), part.size()))?;
        pieces.push(rms_norm::reference(&heads, weight, part.weights.epsilon)?.reshape((rows, columns.len()))?);
        done = columns.end;
    }
    if done < width {
        pieces.push(x.narrow(1, done, width - done)?);
    }
    Tensor::cat(&pieces, 1)
}

impl Record {
    pub(super) fn backward(self, mut gradient: Array, flow: &mut Flow<'_>) -> Result<()> {
        let width = gradient.width();
        for (part, normal, scales) in &self.parts {
            let (columns, heads, size) = (part.columns(), part.heads.len(), part.size());
            let weight = values(part.weights.weight.tensor())?;
            let weight: &[f32] = &weight;
            let rows = gradient.values_mut().par_chunks_mut(ROWS * width);
            let kept = normal.values().par_chunks(ROWS * columns.len()).zip(scales.par_chunks(ROWS * heads));
            let partial = rows.zip(kept).map(|(gradient, (normal, scales))| {
                let mut sums = vec![0.0; size];
                let kept = normal.chunks_exact(columns.len()).zip(scales.chunks_exact(heads));
                for (gradient, (normal, scales)) in gradient.chunks_exact_mut(width).zip(kept) {
                    rms_norm::backward_rows(&mut gradient[columns.clone()], normal, scales, weight, &mut sums);
                }
                sums
            });
            let partial: Vec<Vec<f32>> = partial.collect();
            if let Some(number) = part.weights.weight.number() {
                rms_norm::add_weight_gradient(number, &partial, size, flow);
            }
        }
        flow.add(self.from, gradient);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{agree, gradients_in_pools, normal};

    fn part(heads: Range<usize>, weight: &Weight) -> HeadNorm {
        HeadNorm { heads, weights: RmsNormWeights { weight: weight.clone(), epsilon: 1e-5 } }
    }

    #[test]
    fn agrees_with_the_reference() {
        for (rows, size, queries, keys) in [(1, 1, 1, 1), (9, 6, 4, 2), (130, 32, 3, 3)] {
            let parts =
                |weights: &[Weight]| [part(0..queries, &weights[0]), part(queries..queries + keys, &weights[1])];
            let weights = [normal(vec![size], 2), normal(vec![size], 3)];
            let of_weights: Vec<Weight> = weights.iter().map(|weight| Weight::new(weight.clone(), None)).collect();
            agree(
                &[normal(vec![rows, (queries + 2 * keys) * size], 1)],
                &weights,
                |tape, x, w| tape.head_norm(&x[0], &parts(w)),
                |x| reference(&x[0], &parts(&of_weights), &x[1..]),
            );
        }
    }

    #[test]
    fn columns_before_and_after_the_heads_stay() {
        let weight = Weight::new(Tensor::new(&[2.0_f32, 2.0], &candle_core::Device::Cpu).unwrap(), None);
        let mut tape = Tape::inference(crate::ops::Backend::default());
        let (x, _) = tape.leaf(Array::from_values(1, 6, &[5.0, 6.0, 3.0, 3.0, 7.0, 8.0]));
        let rows = tape.head_norm(&x, &[part(1..2, &weight)]).unwrap().to_rows().unwrap();
        assert_eq!([&rows[0][..2], &rows[0][4..]], [[5.0, 6.0], [7.0, 8.0]]);
        assert!(rows[0][2..4].iter().all(|value| (value - 2.0).abs() < 1e-5), "{rows:?}");
    }

    #[test]
    fn gradients_do_not_depend_on_threads() {
        let weights = [normal(vec![16], 2), normal(vec![16], 3)];
        gradients_in_pools(&[normal(vec![300, 96], 1)], &weights, |tape, x, w| {
            tape.head_norm(&x[0], &[part(0..2, &w[0]), part(2..4, &w[1])])
        });
    }

    #[test]
    fn heads_that_rows_do_not_have_are_refused() {
        let mut tape = Tape::inference(crate::ops::Backend::default());
        let (x, _) = tape.leaf(Array::zeros(2, 7));
        let weight = Weight::new(normal(vec![4], 1), None);
        let error = tape.head_norm(&x, &[part(1..2, &weight)]).unwrap_err().to_string();
        assert!(error.contains("the heads 1..2 of 4 columns, in rows of 7"), "{error}");
    }
}
