//! Multi-head scaled dot-product attention over packed sequences (Vaswani et al., 1706.03762).
//!
//! Each sequence attends within itself; nothing is padded, and at most one head of one sequence has its scores in memory
//! on each thread. Backward computes them again instead of keeping them.

use std::sync::Arc;

use candle_core::{D, Result, Tensor, bail};
use rayon::prelude::*;

use crate::ops::array::Array;
use crate::ops::dropout::Dropout;
use crate::ops::regroup::Regroup;
use crate::ops::sequence::{Projection, ProjectionGradients, Scratch, SequenceQkv, mask_row};
use crate::ops::tape::{Flow, HostValue, Node, Op, Tape, Value};

/// How the rows of queries, keys and values are divided into sequences and heads.
#[derive(Clone, Debug)]
pub struct AttentionShape {
    /// Number of heads; each takes `hidden / heads` columns.
    pub heads: usize,
    /// Cumulative lengths of the queries, `[sequences + 1]`, from 0 to the number of query rows.
    pub queries: Arc<[u32]>,
    /// Cumulative lengths of the keys and values, `[sequences + 1]`; the same as `queries` for plain self-attention.
    pub keys: Arc<[u32]>,
}

/// Queries, keys and values, side by side as linear layers produce them.
#[derive(Clone, Copy, Debug)]
pub enum AttentionInput<'a> {
    /// `[rows, 3 x hidden]`: queries, keys, values of the same rows.
    Joint(&'a Value),
    /// Queries of some rows, keys and values of all rows.
    Split {
        /// `[query rows, hidden]`.
        queries: &'a Value,
        /// `[key rows, 2 x hidden]`: keys, then values.
        keys_values: &'a Value,
    },
}

/// Sequences per task; they share the score matrices of its thread.
const SEQUENCES: usize = 4;

/// Values saved for the backward pass.
#[derive(Debug)]
pub(super) struct Record {
    input: Input,
    shape: AttentionShape,
    dropout: Dropout,
}

#[derive(Debug)]
enum Input {
    Joint(HostValue),
    Split { queries: HostValue, keys_values: HostValue },
}

impl Tape<'_> {
    /// `softmax(q kᵀ / √d) v` for each head of each sequence, with dropout of the probabilities: `[query rows, hidden]`.
    ///
    /// # Errors
    /// If the shapes do not match, a sequence with queries has no keys, or a tensor operation fails.
    pub fn attention(&mut self, input: AttentionInput<'_>, shape: &AttentionShape, dropout: Dropout) -> Result<Value> {
        let hidden = check(input, shape)?;
        if !self.uses_kernels() {
            let (q, kv, first) = match input {
                AttentionInput::Joint(all) => (all.composed()?, all.composed()?, hidden),
                AttentionInput::Split { queries, keys_values } => (queries.composed()?, keys_values.composed()?, 0),
            };
            let parts = [q.narrow(1, 0, hidden)?, kv.narrow(1, first, hidden)?, kv.narrow(1, first + hidden, hidden)?];
            return Ok(Value::Composed(reference(&parts, shape, dropout)?));
        }
        let input = match input {
            AttentionInput::Joint(all) => Input::Joint(all.host()?),
            AttentionInput::Split { queries, keys_values } => {
                Input::Split { queries: queries.host()?, keys_values: keys_values.host()? }
            }
        };
        let rows = shape.queries.last().map_or(0, |&rows| rows as usize);
        let out = Array::written(rows, hidden, |out| {
            let parts = cut(out, &shape.queries, hidden);
            sequences(&input, shape, dropout)
                .into_par_iter()
                .zip(parts)
                .with_max_len(SEQUENCES)
                .for_each_init(Vec::new, |scores, (sequence, out)| sequence.forward(scores, out));
        });
        let recorded = self.records(&input.nodes(), &[]);
        let record = recorded.then(|| Record { input, shape: shape.clone(), dropout });
        Ok(self.made(out, record.map(Op::Attention)))
    }
}

impl Input {
    fn nodes(&self) -> [Option<Node>; 2] {
        match self {
            Self::Joint(all) => [all.node, None],
            Self::Split { queries, keys_values } => [queries.node, keys_values.node],
        }
    }

    /// Columns of the queries, the keys or the values (0, 1, 2), with the numbers a row has.
    fn part(&self, part: usize, hidden: usize) -> (&Array, usize) {
        match self {
            Self::Joint(all) => (&all.array, part * hidden),
            Self::Split { queries, .. } if part == 0 => (&queries.array, 0),
            Self::Split { keys_values, .. } => (&keys_values.array, (part - 1) * hidden),
        }
    }
}

/// The hidden size.
fn check(input: AttentionInput<'_>, shape: &AttentionShape) -> Result<usize> {
    let ((query_rows, hidden), (key_rows, rest)) = match input {
        AttentionInput::Joint(all) => {
            let (rows, width) = all.dims()?;
            ((rows, width / 3), (rows, width - width / 3))
        }
        AttentionInput::Split { queries, keys_values } => (queries.dims()?, keys_values.dims()?),
    };
    if rest != 2 * hidden || shape.heads == 0 || hidden % shape.heads != 0 {
        bail!("attention: queries of width {hidden}, keys and values of width {rest}, {} heads", shape.heads);
    }
    if matches!(input, AttentionInput::Joint(_)) && shape.queries != shape.keys {
        bail!("attention: queries and keys of the same rows are cut into different sequences");
    }
    let cuts = |cumulative: &[u32], rows: usize| {
        cumulative.first() == Some(&0) && cumulative.is_sorted() && cumulative.last() == Some(&(rows as u32))
    };
    if !cuts(&shape.queries, query_rows) || !cuts(&shape.keys, key_rows) || shape.queries.len() != shape.keys.len() {
        bail!("attention: the cumulative lengths do not cut {query_rows} queries and {key_rows} keys into sequences");
    }
    for (sequence, (queries, keys)) in shape.queries.windows(2).zip(shape.keys.windows(2)).enumerate() {
        if queries[0] < queries[1] && keys[0] == keys[1] {
            bail!("attention: sequence {sequence} has queries but nothing to attend to");
        }
    }
    Ok(hidden)
}

/// All sequences at once, padded to the longest, because one sequence at a time leaves a GPU idle.
fn reference(qkv: &[Tensor], shape: &AttentionShape, dropout: Dropout) -> Result<Tensor> {
    let [q, k, v] = qkv else { bail!("attention takes queries, keys and values") };
    let (query_rows, hidden) = q.dims2()?;
    if query_rows == 0 {
        return q.zeros_like();
    }
    let (size, count) = (hidden / shape.heads, shape.queries.len() - 1);
    let (rows, columns) = (longest(&shape.queries), longest(&shape.keys));
    let (of_queries, of_keys) = (padded(&shape.queries, q)?, padded(&shape.keys, k)?);
    let split = |tensor: &Tensor, grid: &Regroup, length: usize| {
        grid.apply(tensor)?.reshape((count, length, shape.heads, size))?.transpose(1, 2)?.contiguous()
    };
    let (q, k, v) = (split(q, &of_queries, rows)?, split(k, &of_keys, columns)?, split(v, &of_keys, columns)?);
    let mut scores = (q.matmul(&k.t()?)? / (size as f64).sqrt())?;
    if let Some(hidden_keys) = hide_padding(&shape.keys, &q)? {
        scores = scores.broadcast_add(&hidden_keys)?;
    }
    let weights = scores.broadcast_sub(&scores.max_keepdim(D::Minus1)?.detach())?.exp()?;
    let mut weights = weights.broadcast_div(&weights.sum_keepdim(D::Minus1)?)?;
    if !dropout.is_off() {
        // Padding rows use the mask of some row; their results are not used.
        let mask_row = |place: usize| {
            let (sequence, head, row) = (place / rows / shape.heads, place / rows % shape.heads, place % rows);
            mask_row(head, shape.queries[sequence] as usize + row, query_rows)
        };
        let factors = dropout.factors((count * shape.heads * rows, columns), mask_row, &q)?;
        weights = (weights * factors.reshape((count, shape.heads, rows, columns))?)?;
    }
    let mixed = weights.matmul(&v)?.transpose(1, 2)?.reshape((count * rows, hidden))?;
    of_queries.back().apply(&mixed)
}

fn longest(cumulative: &[u32]) -> usize {
    cumulative.windows(2).map(|ends| (ends[1] - ends[0]) as usize).max().unwrap_or(0)
}

/// Maps the rows of all sequences to `[sequences x longest]` padded rows, and back.
fn padded(cumulative: &[u32], like: &Tensor) -> Result<Regroup> {
    let (length, rows) = (longest(cumulative) as u32, cumulative.last().map_or(0, |&rows| rows as usize));
    let from = cumulative
        .windows(2)
        .flat_map(|ends| (ends[0]..ends[0] + length).map(move |row| (row < ends[1]).then_some(row)));
    Regroup::new(&from.collect::<Vec<_>>(), rows, like.device())
}

/// What makes the softmax 0 for keys that are padding, added to the scores: `[sequences, 1, 1, longest]`. `None` where
/// there is no padding.
fn hide_padding(keys: &[u32], like: &Tensor) -> Result<Option<Tensor>> {
    /// Far below any score, and finite: a sequence without queries may have no keys either.
    const HIDDEN: f32 = -1e9;
    let length = longest(keys);
    let count = keys.len() - 1;
    if keys.last().is_some_and(|&rows| rows as usize == count * length) {
        return Ok(None);
    }
    let of = |ends: &[u32]| {
        let real = (ends[1] - ends[0]) as usize;
        (0..length).map(move |column| if column < real { 0.0 } else { HIDDEN })
    };
    let values: Vec<f32> = keys.windows(2).flat_map(of).collect();
    Tensor::from_vec(values, (count, 1, 1, length), like.device())?.to_dtype(like.dtype()).map(Some)
}

impl Record {
    pub(super) fn backward(self, gradient: &Array, flow: &mut Flow<'_>) {
        let (hidden, gradient) = (gradient.width(), gradient.values());
        let sequences = sequences(&self.input, &self.shape, self.dropout);
        match &self.input {
            Input::Joint(all) => {
                let width = 3 * hidden;
                flow.add(
                    all.node,
                    Array::written(all.array.rows(), width, |out| {
                        let parts = cut(out, &self.shape.queries, width).into_iter();
                        run_backward(&sequences, parts.map(ProjectionGradients::Joint).collect(), gradient);
                    }),
                );
            }
            Input::Split { queries, keys_values } => {
                let mut q_out = Array::unwritten(queries.array.rows(), hidden);
                let mut kv_out = Array::unwritten(keys_values.array.rows(), 2 * hidden);
                let q_parts = cut(q_out.values_mut(), &self.shape.queries, hidden);
                let kv_parts = cut(kv_out.values_mut(), &self.shape.keys, 2 * hidden);
                let parts = q_parts.into_iter().zip(kv_parts);
                run_backward(&sequences, parts.map(|(q, kv)| ProjectionGradients::Split { q, kv }).collect(), gradient);
                flow.add(queries.node, q_out);
                flow.add(keys_values.node, kv_out);
            }
        }
    }
}

fn run_backward(sequences: &[SequenceQkv<'_>], parts: Vec<ProjectionGradients<'_>>, gradient: &[f32]) {
    sequences
        .par_iter()
        .zip(parts)
        .with_max_len(SEQUENCES)
        .for_each_init(Scratch::default, |scratch, (sequence, mut out)| sequence.backward(scratch, gradient, &mut out));
}

fn sequences<'a>(input: &'a Input, shape: &AttentionShape, dropout: Dropout) -> Vec<SequenceQkv<'a>> {
    let hidden = match input {
        Input::Joint(all) => all.array.width() / 3,
        Input::Split { queries, .. } => queries.array.width(),
    };
    let query_rows = shape.queries.last().map_or(0, |&rows| rows as usize);
    let cuts = shape.queries.windows(2).zip(shape.keys.windows(2));
    cuts.map(|(queries, keys)| {
        let rows = |part: usize, ends: &[u32]| {
            let (array, first) = input.part(part, hidden);
            let (begin, end) = (ends[0] as usize, ends[1] as usize);
            Projection {
                values: &array.values()[begin * array.width()..end * array.width()],
                first,
                stride: array.width(),
            }
        };
        SequenceQkv {
            q: rows(0, queries),
            k: rows(1, keys),
            v: rows(2, keys),
            hidden,
            heads: shape.heads,
            first_query: queries[0] as usize,
            query_rows,
            dropout,
        }
    })
    .collect()
}

/// Cuts rows of `width` into the parts that the cumulative lengths name.
fn cut<'a>(mut rows: &'a mut [f32], cumulative: &[u32], width: usize) -> Vec<&'a mut [f32]> {
    let mut parts = Vec::with_capacity(cumulative.len());
    for ends in cumulative.windows(2) {
        let (part, rest) = rows.split_at_mut((ends[1] - ends[0]) as usize * width);
        parts.push(part);
        rows = rest;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Backend;
    use crate::ops::testing::{agree, gradients_in_pools, normal};

    fn shape(heads: usize, queries: &[u32], keys: &[u32]) -> AttentionShape {
        AttentionShape { heads, queries: queries.into(), keys: keys.into() }
    }

    fn rows(cumulative: &[u32]) -> usize {
        cumulative.last().copied().unwrap() as usize
    }

    fn split(x: &[Value]) -> AttentionInput<'_> {
        AttentionInput::Split { queries: &x[0], keys_values: &x[1] }
    }

    #[test]
    fn agrees_with_the_reference() {
        let cases = [
            (1, shape(1, &[0, 1], &[0, 1])),
            (6, shape(2, &[0, 3, 4, 9], &[0, 3, 4, 9])),
            (32, shape(4, &[0, 17, 17, 50], &[0, 17, 17, 50])),
            (12, shape(3, &[0, 1, 2], &[0, 21, 40])),
            (8, shape(2, &[0, 5, 5, 7], &[0, 2, 9, 12])),
        ];
        for (hidden, shape) in &cases {
            let operands =
                [normal(vec![rows(&shape.queries), *hidden], 1), normal(vec![rows(&shape.keys), 2 * hidden], 2)];
            for mask in [Dropout::OFF, Dropout::new(0.3, 8)] {
                let of_split = |x: &[Tensor]| {
                    let parts = [x[0].clone(), x[1].narrow(1, 0, *hidden)?, x[1].narrow(1, *hidden, *hidden)?];
                    reference(&parts, shape, mask)
                };
                agree(&operands, &[], |tape, x, _| tape.attention(split(x), shape, mask), of_split);
            }
        }
    }

    #[test]
    fn joint_rows_agree_with_the_reference() {
        for (heads, cuts) in [(2, &[0, 3, 4, 9][..]), (1, &[0, 40]), (4, &[0, 17, 17, 33])] {
            let (shape, hidden, mask) = (shape(heads, cuts, cuts), 8, Dropout::new(0.2, 3));
            agree(
                &[normal(vec![rows(cuts), 3 * hidden], 1)],
                &[],
                |tape, x, _| tape.attention(AttentionInput::Joint(&x[0]), &shape, mask),
                |x| {
                    let parts = [0, 1, 2].map(|part| x[0].narrow(1, part * hidden, hidden).unwrap());
                    reference(&parts, &shape, mask)
                },
            );
        }
    }

    fn answer(x: &Array, shape: &AttentionShape) -> Result<Vec<Vec<f32>>> {
        let mut tape = Tape::inference(Backend::default());
        let (x, _) = tape.leaf(x.clone());
        tape.attention(AttentionInput::Joint(&x), shape, Dropout::OFF)?.to_rows()
    }

    #[test]
    fn a_sequence_does_not_see_its_neighbours() {
        let all = normal(vec![9, 24], 1).to_vec2::<f32>().unwrap();
        let together = answer(&Array::from_values(9, 24, &all.concat()), &shape(2, &[0, 4, 9], &[0, 4, 9])).unwrap();
        let alone = answer(&Array::from_values(5, 24, &all[4..].concat()), &shape(2, &[0, 5], &[0, 5])).unwrap();
        assert_eq!(together[4..], alone);
    }

    #[test]
    fn gradients_do_not_depend_on_threads() {
        let cuts = [0, 30, 31, 70, 150];
        let shape = shape(4, &cuts, &cuts);
        gradients_in_pools(&[normal(vec![150, 192], 1)], &[], |tape, x, _| {
            tape.attention(AttentionInput::Joint(&x[0]), &shape, Dropout::new(0.1, 4))
        });
    }

    #[test]
    fn wrong_shapes_are_refused() {
        let x = Array::zeros(4, 24);
        let error = |shape: AttentionShape| answer(&x, &shape).unwrap_err().to_string();
        assert!(error(shape(3, &[0, 4], &[0, 4])).contains("3 heads"));
        assert!(error(shape(2, &[0, 3], &[0, 3])).contains("4 queries and 4 keys"));
        assert!(error(shape(2, &[0, 1, 4], &[0, 2, 4])).contains("different sequences"));
        let mut tape = Tape::inference(Backend::default());
        let parts = [tape.leaf(Array::zeros(4, 8)).0, tape.leaf(Array::zeros(4, 16)).0];
        let uneven = shape(2, &[0, 2, 4], &[0, 4, 4]);
        let error = tape.attention(split(&parts), &uneven, Dropout::OFF).unwrap_err().to_string();
        assert!(error.contains("sequence 1 has queries but nothing"), "{error}");
    }
}
