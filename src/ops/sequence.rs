//! Attention within one sequence, on one thread.

use crate::ops::dropout::Dropout;
use crate::ops::kernels::math::exp;
use crate::ops::kernels::matmul::{Matrix, Onto, Threads, matmul};
use crate::ops::kernels::{lanes, simd_kernel};

/// Some columns of the rows of one sequence.
#[derive(Clone, Copy)]
pub(super) struct Projection<'a> {
    pub values: &'a [f32],
    /// The first column.
    pub first: usize,
    /// Numbers from one row to the next.
    pub stride: usize,
}

impl<'a> Projection<'a> {
    fn count(self) -> usize {
        self.values.len().checked_div(self.stride).unwrap_or(0)
    }

    /// `size` columns of these, the `head`-th time.
    fn head(self, head: usize, size: usize) -> Matrix<'a> {
        let values = self.values.get(self.first + head * size..).unwrap_or_default();
        Matrix::strided(values, self.count(), size, self.stride)
    }
}

/// One sequence's rows.
pub(super) struct SequenceQkv<'a> {
    pub q: Projection<'a>,
    pub k: Projection<'a>,
    pub v: Projection<'a>,
    pub hidden: usize,
    pub heads: usize,
    /// Index of the first query among all of the batch.
    pub first_query: usize,
    /// Queries of the whole batch.
    pub query_rows: usize,
    pub dropout: Dropout,
}

/// Where one sequence's gradients go, laid out as the inputs.
pub(super) enum ProjectionGradients<'a> {
    Joint(&'a mut [f32]),
    Split { q: &'a mut [f32], kv: &'a mut [f32] },
}

impl ProjectionGradients<'_> {
    /// The numbers from the queries', the keys' or the values' (0, 1, 2) first column on, and how many a row has.
    fn part(&mut self, part: usize, hidden: usize) -> (&mut [f32], usize) {
        match self {
            Self::Joint(all) => (&mut all[part * hidden..], 3 * hidden),
            Self::Split { q, .. } if part == 0 => (q, hidden),
            Self::Split { kv, .. } => (&mut kv[(part - 1) * hidden..], 2 * hidden),
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Joint(all) => all.fill(0.0),
            Self::Split { q, kv } => {
                q.fill(0.0);
                kv.fill(0.0);
            }
        }
    }
}

/// Two score matrices, kept from one sequence of a thread to its next.
#[derive(Default)]
pub(super) struct Scratch {
    scores: Vec<f32>,
    grads: Vec<f32>,
}

impl SequenceQkv<'_> {
    pub(super) fn forward(&self, scores: &mut Vec<f32>, out: &mut [f32]) {
        let (rows, columns, size) = (self.q.count(), self.k.count(), self.size());
        if rows == 0 {
            return;
        }
        scores.resize(rows * columns, 0.0);
        for head in 0..self.heads {
            let (q, k, v) = (self.q.head(head, size), self.k.head(head, size), self.v.head(head, size));
            matmul(scores, columns, &q.into(), &k.transposed().into(), Onto::Zeros, Threads::One);
            softmax_rows(scores, columns, self.scale(), self.dropout, self.first_mask_row(head));
            let weights = Matrix::new(scores, rows, columns);
            matmul(&mut out[head * size..], self.hidden, &weights.into(), &v.into(), Onto::Zeros, Threads::One);
        }
    }

    // With P = softmax(S), S = Q Kᵀ / √d, M the dropout's factors and O = (P . M) V:
    //   dV = (P . M)ᵀ dO,   dP = (dO Vᵀ) . M,   dS = P . (dP - rowsum(P . dP)) / √d,   dQ = dS K,   dK = dSᵀ Q
    pub(super) fn backward(&self, scratch: &mut Scratch, gradient: &[f32], out: &mut ProjectionGradients<'_>) {
        let (rows, columns, size) = (self.q.count(), self.k.count(), self.size());
        if rows == 0 {
            // Keys that nothing asks for: the products below do not write there.
            out.clear();
            return;
        }
        let gradient = &gradient[self.first_query * self.hidden..][..rows * self.hidden];
        let gradient = Projection { values: gradient, first: 0, stride: self.hidden };
        let Scratch { scores, grads } = scratch;
        scores.resize(rows * columns, 0.0);
        grads.resize(rows * columns, 0.0);
        for head in 0..self.heads {
            let (q, k, v) = (self.q.head(head, size), self.k.head(head, size), self.v.head(head, size));
            let gradient = gradient.head(head, size);
            matmul(scores, columns, &q.into(), &k.transposed().into(), Onto::Zeros, Threads::One);
            matmul(grads, columns, &gradient.into(), &v.transposed().into(), Onto::Zeros, Threads::One);
            softmax_backward_rows(scores, grads, columns, self.scale(), self.dropout, self.first_mask_row(head));
            let (weights, grads) = (Matrix::new(scores, rows, columns), Matrix::new(grads, rows, columns));
            for (part, left, right) in [(0, grads, k), (1, grads.transposed(), q), (2, weights.transposed(), gradient)]
            {
                let (out, stride) = out.part(part, self.hidden);
                matmul(&mut out[head * size..], stride, &left.into(), &right.into(), Onto::Zeros, Threads::One);
            }
        }
    }

    fn size(&self) -> usize {
        self.hidden / self.heads
    }

    fn scale(&self) -> f32 {
        1.0 / (self.size() as f32).sqrt()
    }

    fn first_mask_row(&self, head: usize) -> usize {
        mask_row(head, self.first_query, self.query_rows)
    }
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

/// The row of the dropout mask of one head of one query.
pub(super) fn mask_row(head: usize, query: usize, query_rows: usize) -> usize {
    head * query_rows + query
}
