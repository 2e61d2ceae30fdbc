//! Multi-head scaled dot-product attention over packed sequences (Vaswani et al., 1706.03762).
//!
//! Each sequence attends within itself; nothing is padded, and at most one head of one sequence has its scores in memory
//! on each thread. Backward computes them again instead of keeping them.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp3, D, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::dropout::Dropout;
use super::host::{gradient, is_fast, operand, output, values};
use super::kernels::math::exp;
use super::kernels::matmul::{Matrix, Threads, matmul};
use super::kernels::{lanes, simd_kernel};

/// How the rows of queries, keys and values are cut into sequences and heads.
#[derive(Clone, Debug)]
pub struct AttentionShape {
    /// Number of heads; each takes `hidden / heads` columns.
    pub heads: usize,
    /// Cumulative lengths of the queries, `[sequences + 1]`, from 0 to the number of query rows.
    pub queries: Arc<[u32]>,
    /// Cumulative lengths of the keys and values, `[sequences + 1]`; the same as `queries` for plain self-attention.
    pub keys: Arc<[u32]>,
}

/// `softmax(q kᵀ / √d) v` for each head of each sequence, with dropout of the probabilities.
///
/// `q` is `[query rows, hidden]`, `k` and `v` are `[key rows, hidden]`; the result is `[query rows, hidden]`.
///
/// # Errors
/// When the shapes do not fit together, a sequence with queries has no keys, or a tensor operation fails.
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor, shape: &AttentionShape, dropout: Dropout) -> Result<Tensor> {
    check(q, k, v, shape)?;
    if is_fast(&[q, k, v]) {
        let op = Fast { shape: shape.clone(), dropout };
        q.contiguous()?.apply_op3(&k.contiguous()?, &v.contiguous()?, op)
    } else {
        reference(q, k, v, shape, dropout)
    }
}

fn check(q: &Tensor, k: &Tensor, v: &Tensor, shape: &AttentionShape) -> Result<()> {
    let ((query_rows, hidden), (key_rows, key_hidden)) = (q.dims2()?, k.dims2()?);
    if key_hidden != hidden || v.shape() != k.shape() || shape.heads == 0 || hidden % shape.heads != 0 {
        bail!("attention: q {:?}, k {:?}, v {:?}, {} heads", q.shape(), k.shape(), v.shape(), shape.heads);
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
    Ok(())
}

fn reference(q: &Tensor, k: &Tensor, v: &Tensor, shape: &AttentionShape, dropout: Dropout) -> Result<Tensor> {
    let (query_rows, hidden) = q.dims2()?;
    let size = hidden / shape.heads;
    let mut out = Vec::new();
    for (queries, keys) in shape.queries.windows(2).zip(shape.keys.windows(2)) {
        let (first, rows) = (queries[0] as usize, (queries[1] - queries[0]) as usize);
        let columns = (keys[1] - keys[0]) as usize;
        if rows == 0 {
            continue;
        }
        let split = |tensor: &Tensor, first: usize, rows: usize| {
            tensor.narrow(0, first, rows)?.reshape((rows, shape.heads, size))?.transpose(0, 1)?.contiguous()
        };
        let (q, k) = (split(q, first, rows)?, split(k, keys[0] as usize, columns)?);
        let scores = (q.matmul(&k.t()?)? / (size as f64).sqrt())?;
        let weights = scores.broadcast_sub(&scores.max_keepdim(D::Minus1)?.detach())?.exp()?;
        let mut weights = weights.broadcast_div(&weights.sum_keepdim(D::Minus1)?)?;
        if !dropout.is_off() {
            let factors = (0..shape.heads * rows).flat_map(|row| {
                let mask = dropout.row(mask_row(row / rows, first + row % rows, query_rows));
                (0..columns).map(move |column| mask.factor(column))
            });
            let factors = Tensor::from_iter(factors, q.device())?.to_dtype(q.dtype())?;
            weights = (weights * factors.reshape((shape.heads, rows, columns))?)?;
        }
        let mixed = weights.matmul(&split(v, keys[0] as usize, columns)?)?;
        out.push(mixed.transpose(0, 1)?.reshape((rows, hidden))?);
    }
    if out.is_empty() { q.zeros_like() } else { Tensor::cat(&out, 0) }
}

/// The row of the dropout mask of one head of one query.
fn mask_row(head: usize, query: usize, query_rows: usize) -> usize {
    head * query_rows + query
}

struct Fast {
    shape: AttentionShape,
    dropout: Dropout,
}

impl CustomOp3 for Fast {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(
        &self,
        q: &CpuStorage,
        q_layout: &Layout,
        k: &CpuStorage,
        k_layout: &Layout,
        v: &CpuStorage,
        v_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (rows, hidden) = q_layout.shape().dims2()?;
        let (q, k, v) = (operand(q, q_layout)?, operand(k, k_layout)?, operand(v, v_layout)?);
        let mut out = vec![0.0; rows * hidden];
        let parts = cut(&mut out, &self.shape.queries, hidden);
        self.sequences(q, k, v, hidden)
            .into_par_iter()
            .zip(parts)
            .with_max_len(1)
            .for_each_init(Vec::new, |scores, (sequence, out)| sequence.forward(scores, out));
        Ok(output(out, q_layout.shape()))
    }

    fn bwd(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        _result: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (_, hidden) = q.dims2()?;
        let grad = grad.contiguous()?;
        let grad = values(&grad)?;
        let (q_values, k_values, v_values) = (values(q)?, values(k)?, values(v)?);
        let mut out = [q, k, v].map(|tensor| vec![0.0; tensor.elem_count()]);
        let [q_out, k_out, v_out] = &mut out;
        let parts: Vec<_> = cut(q_out, &self.shape.queries, hidden)
            .into_iter()
            .zip(cut(k_out, &self.shape.keys, hidden))
            .zip(cut(v_out, &self.shape.keys, hidden))
            .map(|((q, k), v)| Gradients { q, k, v })
            .collect();
        self.sequences(&q_values, &k_values, &v_values, hidden)
            .into_par_iter()
            .zip(parts)
            .with_max_len(1)
            .for_each_init(Default::default, |scratch, (sequence, mut out)| {
                sequence.backward(scratch, &grad, &mut out);
            });
        let [q_out, k_out, v_out] = out;
        Ok((Some(gradient(q_out, q)?), Some(gradient(k_out, k)?), Some(gradient(v_out, v)?)))
    }
}

impl Fast {
    fn sequences<'a>(&self, q: &'a [f32], k: &'a [f32], v: &'a [f32], hidden: usize) -> Vec<Sequence<'a>> {
        let rows = |cut: &[u32]| cut[0] as usize * hidden..cut[1] as usize * hidden;
        let query_rows = q.len().checked_div(hidden).unwrap_or(0);
        let cuts = self.shape.queries.windows(2).zip(self.shape.keys.windows(2));
        cuts.map(|(queries, keys)| Sequence {
            q: &q[rows(queries)],
            k: &k[rows(keys)],
            v: &v[rows(keys)],
            hidden,
            heads: self.shape.heads,
            first_query: queries[0] as usize,
            query_rows,
            dropout: self.dropout,
        })
        .collect()
    }
}

/// One sequence's rows.
struct Sequence<'a> {
    q: &'a [f32],
    k: &'a [f32],
    v: &'a [f32],
    hidden: usize,
    heads: usize,
    /// Index of the first query among all of the batch.
    first_query: usize,
    /// Queries of the whole batch.
    query_rows: usize,
    dropout: Dropout,
}

/// Where one sequence's gradients go.
struct Gradients<'a> {
    q: &'a mut [f32],
    k: &'a mut [f32],
    v: &'a mut [f32],
}

/// Two score matrices, kept from one sequence to the next.
#[derive(Default)]
struct Scratch {
    scores: Vec<f32>,
    grads: Vec<f32>,
}

impl Sequence<'_> {
    fn forward(&self, scores: &mut Vec<f32>, out: &mut [f32]) {
        let (rows, columns) = self.lengths();
        if rows == 0 {
            return;
        }
        scores.resize(rows * columns, 0.0);
        for head in 0..self.heads {
            let (q, k, v) = (self.head(self.q, head), self.head(self.k, head), self.head(self.v, head));
            matmul(scores, columns, q, k.transposed(), false, Threads::One);
            softmax_rows(scores, columns, self.scale(), self.dropout, self.first_mask_row(head));
            let weights = Matrix::new(scores, rows, columns);
            matmul(&mut out[head * self.size()..], self.hidden, weights, v, false, Threads::One);
        }
    }

    // With P = softmax(S), S = Q Kᵀ / √d, M the dropout's factors and O = (P . M) V:
    //   dV = (P . M)ᵀ dO,   dP = (dO Vᵀ) . M,   dS = P . (dP - rowsum(P . dP)) / √d,   dQ = dS K,   dK = dSᵀ Q
    fn backward(&self, scratch: &mut Scratch, grad: &[f32], out: &mut Gradients<'_>) {
        let (rows, columns) = self.lengths();
        if rows == 0 {
            return;
        }
        let grad = &grad[self.first_query * self.hidden..][..rows * self.hidden];
        let Scratch { scores, grads } = scratch;
        scores.resize(rows * columns, 0.0);
        grads.resize(rows * columns, 0.0);
        for head in 0..self.heads {
            let (q, k, v) = (self.head(self.q, head), self.head(self.k, head), self.head(self.v, head));
            let (grad, first) = (self.head(grad, head), head * self.size());
            matmul(scores, columns, q, k.transposed(), false, Threads::One);
            matmul(grads, columns, grad, v.transposed(), false, Threads::One);
            softmax_backward_rows(scores, grads, columns, self.scale(), self.dropout, self.first_mask_row(head));
            let (weights, grads) = (Matrix::new(scores, rows, columns), Matrix::new(grads, rows, columns));
            matmul(&mut out.v[first..], self.hidden, weights.transposed(), grad, false, Threads::One);
            matmul(&mut out.q[first..], self.hidden, grads, k, false, Threads::One);
            matmul(&mut out.k[first..], self.hidden, grads.transposed(), q, false, Threads::One);
        }
    }

    /// Queries and keys.
    fn lengths(&self) -> (usize, usize) {
        let rows = |values: &[f32]| values.len().checked_div(self.hidden).unwrap_or(0);
        (rows(self.q), rows(self.k))
    }

    fn size(&self) -> usize {
        self.hidden / self.heads
    }

    fn scale(&self) -> f32 {
        1.0 / (self.size() as f32).sqrt()
    }

    fn head<'v>(&self, values: &'v [f32], head: usize) -> Matrix<'v> {
        let rows = values.len() / self.hidden;
        Matrix::strided(&values[head * self.size()..], rows, self.size(), self.hidden)
    }

    fn first_mask_row(&self, head: usize) -> usize {
        mask_row(head, self.first_query, self.query_rows)
    }
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

/// The softmax of a row times `scale`, in place.
#[inline(always)]
#[allow(clippy::inline_always, reason = "must be compiled inside each variant of a kernel")]
fn softmax(row: &mut [f32], scale: f32) {
    let largest = lanes::max(row);
    for value in &mut *row {
        *value = exp((*value - largest) * scale);
    }
    let inverse = 1.0 / lanes::sum(row);
    for value in row {
        *value *= inverse;
    }
}

simd_kernel! {
    /// Scores to probabilities with dropout.
    fn softmax_rows(scores: &mut [f32], columns: usize, scale: f32, dropout: Dropout, first_mask_row: usize) {
        for (index, row) in scores.chunks_exact_mut(columns).enumerate() {
            softmax(row, scale);
            if !dropout.is_off() {
                let mask = dropout.row(first_mask_row + index);
                for (column, value) in row.iter_mut().enumerate() {
                    *value *= mask.factor(column);
                }
            }
        }
    }
}

simd_kernel! {
    /// Scores to probabilities with dropout, and the gradients of those to the gradients of the scores.
    fn softmax_backward_rows(
        scores: &mut [f32],
        grads: &mut [f32],
        columns: usize,
        scale: f32,
        dropout: Dropout,
        first_mask_row: usize,
    ) {
        let rows = scores.chunks_exact_mut(columns).zip(grads.chunks_exact_mut(columns));
        for (index, (weights, grads)) in rows.enumerate() {
            softmax(weights, scale);
            let mask = dropout.row(first_mask_row + index);
            if !dropout.is_off() {
                for (column, grad) in grads.iter_mut().enumerate() {
                    *grad *= mask.factor(column);
                }
            }
            let along = lanes::dot(weights, grads);
            for (grad, &weight) in grads.iter_mut().zip(&*weights) {
                *grad = weight * (*grad - along) * scale;
            }
            if !dropout.is_off() {
                for (column, weight) in weights.iter_mut().enumerate() {
                    *weight *= mask.factor(column);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{agree, normal};

    fn shape(heads: usize, queries: &[u32], keys: &[u32]) -> AttentionShape {
        AttentionShape { heads, queries: queries.into(), keys: keys.into() }
    }

    fn operands(shape: &AttentionShape, hidden: usize) -> [Tensor; 3] {
        let rows = |cumulative: &[u32]| cumulative.last().copied().unwrap() as usize;
        let (queries, keys) = (rows(&shape.queries), rows(&shape.keys));
        [normal(vec![queries, hidden], 1), normal(vec![keys, hidden], 2), normal(vec![keys, hidden], 3)]
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
            for mask in [Dropout::OFF, Dropout::new(0.3, 8)] {
                agree(
                    &operands(shape, *hidden),
                    |x| attention(&x[0], &x[1], &x[2], shape, mask),
                    |x| reference(&x[0], &x[1], &x[2], shape, mask),
                );
            }
        }
    }

    #[test]
    fn a_sequence_does_not_see_its_neighbours() {
        let both = shape(2, &[0, 4, 9], &[0, 4, 9]);
        let [q, k, v] = operands(&both, 8);
        let together = attention(&q, &k, &v, &both, Dropout::OFF).unwrap().narrow(0, 4, 5).unwrap();
        let part = |tensor: &Tensor| tensor.narrow(0, 4, 5).unwrap();
        let alone = shape(2, &[0, 5], &[0, 5]);
        let alone = attention(&part(&q), &part(&k), &part(&v), &alone, Dropout::OFF).unwrap();
        assert_eq!(together.to_vec2::<f32>().unwrap(), alone.to_vec2::<f32>().unwrap());
    }

    #[test]
    fn results_do_not_depend_on_threads() {
        let shape = shape(4, &[0, 30, 31, 70, 150], &[0, 30, 31, 70, 150]);
        let operands = operands(&shape, 64);
        let run = || {
            let vars = operands.each_ref().map(|operand| candle_core::Var::from_tensor(operand).unwrap());
            let out = attention(&vars[0], &vars[1], &vars[2], &shape, Dropout::new(0.1, 4)).unwrap();
            let grads = out.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            vars.map(|var| grads.get(&var).unwrap().to_vec2::<f32>().unwrap())
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        assert_eq!(run(), pool.install(run));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let [q, k, v] = operands(&shape(2, &[0, 4], &[0, 4]), 8);
        let error = |shape: AttentionShape| attention(&q, &k, &v, &shape, Dropout::OFF).unwrap_err().to_string();
        assert!(error(shape(3, &[0, 4], &[0, 4])).contains("3 heads"));
        assert!(error(shape(2, &[0, 3], &[0, 4])).contains("4 queries and 4 keys"));
        assert!(error(shape(2, &[0, 2, 4], &[0, 4, 4])).contains("sequence 1 has queries but nothing"));
    }
}
