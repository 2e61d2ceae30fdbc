//! Attention within one sequence, on one thread.
//!
//! Where queries see only some keys, as in local and in causal attention, a sequence is computed in blocks of queries, each with
//! the keys that one of them sees.

use std::ops::Range;

use crate::ops::dropout::Dropout;
use crate::ops::kernels::math::exp;
use crate::ops::kernels::matmul::{Matrix, Onto, Threads, matmul};
use crate::ops::kernels::{lanes, simd_kernel};
use crate::ops::sequence_terms::{Asked, SequenceTerms};

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

    /// Some of these rows.
    fn rows(self, rows: Range<usize>) -> Self {
        Self { values: &self.values[rows.start * self.stride..rows.end * self.stride], ..self }
    }

    /// `size` columns of these, the `head`-th time.
    fn head(self, head: usize, size: usize) -> Matrix<'a> {
        let values = self.values.get(self.first + head * size..).unwrap_or_default();
        Matrix::strided(values, self.count(), size, self.stride)
    }
}

/// Queries of a block.
const BLOCK: usize = 128;

/// One sequence's rows, or a block of them.
pub(super) struct SequenceQkv<'a> {
    pub q: Projection<'a>,
    pub k: Projection<'a>,
    pub v: Projection<'a>,
    /// Columns of a head.
    pub size: usize,
    pub heads: usize,
    /// Heads of the keys and values.
    pub key_heads: usize,
    /// The keys that each query sees; empty: all.
    pub seen: &'a [(u32, u32)],
    /// Place of the first key in its sequence; `seen` counts from the sequence's first.
    pub first_key: usize,
    /// Index of the first query among all of the batch.
    pub first_query: usize,
    /// Queries of the whole batch.
    pub query_rows: usize,
    /// What distances add to the scores.
    pub relative: Option<SequenceTerms<'a>>,
    /// How many products a score is the sum of.
    pub products: usize,
    pub dropout: Dropout,
}

/// Where one sequence's gradients go, laid out as the inputs.
pub(super) enum ProjectionGradients<'a> {
    Joint(&'a mut [f32]),
    Split { q: &'a mut [f32], kv: &'a mut [f32] },
}

impl ProjectionGradients<'_> {
    /// The numbers from the queries', the keys' or the values' (0, 1, 2) first column on, and how many a row has.
    fn part(&mut self, part: usize, (heads, key_heads, size): (usize, usize, usize)) -> (&mut [f32], usize) {
        match self {
            Self::Joint(all) => {
                let heads_before = [0, heads, heads + key_heads];
                (&mut all[heads_before[part] * size..], (heads + 2 * key_heads) * size)
            }
            Self::Split { q, .. } if part == 0 => (q, heads * size),
            Self::Split { kv, .. } => (&mut kv[(part - 1) * key_heads * size..], 2 * key_heads * size),
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

/// Two score matrices, and what queries or keys have for each distance; kept from one sequence of a thread to its next.
#[derive(Default)]
pub(super) struct Scratch {
    scores: Vec<f32>,
    grads: Vec<f32>,
    distances: Vec<f32>,
}

impl SequenceQkv<'_> {
    pub(super) fn forward(&self, scratch: &mut Scratch, out: &mut [f32]) {
        let blocks = self.blocks();
        for (index, block) in blocks.iter().enumerate() {
            block.forward_at_once(scratch, &mut out[index * BLOCK * self.heads * self.size..]);
        }
        if blocks.is_empty() {
            self.forward_at_once(scratch, out);
        }
    }

    fn forward_at_once(&self, scratch: &mut Scratch, out: &mut [f32]) {
        let (rows, columns, size) = (self.q.count(), self.k.count(), self.size);
        if rows == 0 {
            return;
        }
        let Scratch { scores, distances, .. } = scratch;
        scores.resize(rows * columns, 0.0);
        for head in 0..self.heads {
            let (q, k, v) = self.head(head);
            matmul(scores, columns, &q.into(), &k.transposed().into(), Onto::Zeros, Threads::One);
            if let Some(relative) = &self.relative {
                relative.add(scores, self.asked(head), distances);
            }
            let mask = (self.dropout, self.first_mask_row(head));
            softmax_rows(scores, columns, self.seen, self.first_key, self.scale(), mask);
            let weights = Matrix::new(scores, rows, columns);
            matmul(&mut out[head * size..], self.heads * size, &weights.into(), &v.into(), Onto::Zeros, Threads::One);
        }
    }

    /// Writes the gradients of its rows to `out`. `sums` are those of the gradients of what distances add.
    pub(super) fn backward(
        &self,
        scratch: &mut Scratch,
        gradient: &[f32],
        out: &mut ProjectionGradients<'_>,
        sums: &mut [Vec<f32>; 2],
    ) {
        let blocks = self.blocks();
        if blocks.is_empty() {
            return self.backward_at_once(scratch, gradient, (out, None), sums);
        }
        // Several blocks may have the same keys.
        out.clear();
        for (index, block) in blocks.iter().enumerate() {
            block.backward_at_once(scratch, gradient, (out, Some(index * BLOCK)), sums);
        }
    }

    /// Blocks of [`BLOCK`] queries with the keys that one of them sees; none if it is better computed at once.
    fn blocks(&self) -> Vec<SequenceQkv<'_>> {
        let rows = self.q.count();
        if self.seen.is_empty() || rows <= BLOCK || self.relative.is_some() {
            return Vec::new();
        }
        let block = |first: usize| {
            let rows = first..(first + BLOCK).min(rows);
            let seen = &self.seen[rows.clone()];
            let from = seen.iter().map(|&(from, _)| from as usize).min().unwrap_or(0);
            let to = seen.iter().map(|&(_, to)| to as usize).max().unwrap_or(0);
            SequenceQkv {
                q: self.q.rows(rows),
                k: self.k.rows(from..to),
                v: self.v.rows(from..to),
                seen,
                first_key: from,
                first_query: self.first_query + first,
                relative: None,
                ..*self
            }
        };
        (0..rows).step_by(BLOCK).map(block).collect()
    }

    /// With the place of a block's first query in its sequence, adds the gradients of keys and values.
    // With P = softmax(S), S = Q Kᵀ / √d, M the dropout's factors and O = (P . M) V:
    //   dV = (P . M)ᵀ dO,   dP = (dO Vᵀ) . M,   dS = P . (dP - rowsum(P . dP)) / √d,   dQ = dS K,   dK = dSᵀ Q
    fn backward_at_once(
        &self,
        scratch: &mut Scratch,
        gradient: &[f32],
        (out, block): (&mut ProjectionGradients<'_>, Option<usize>),
        sums: &mut [Vec<f32>; 2],
    ) {
        let (rows, columns, size) = (self.q.count(), self.k.count(), self.size);
        let hidden = self.heads * size;
        if rows == 0 {
            // Keys that nothing asks for: the products below do not write there.
            out.clear();
            return;
        }
        let gradient = &gradient[self.first_query * hidden..][..rows * hidden];
        let gradient = Projection { values: gradient, first: 0, stride: hidden };
        let Scratch { scores, grads, distances } = scratch;
        scores.resize(rows * columns, 0.0);
        grads.resize(rows * columns, 0.0);
        for head in 0..self.heads {
            let (q, k, v) = self.head(head);
            let gradient = gradient.head(head, size);
            matmul(scores, columns, &q.into(), &k.transposed().into(), Onto::Zeros, Threads::One);
            if let Some(relative) = &self.relative {
                relative.add(scores, self.asked(head), distances);
            }
            matmul(grads, columns, &gradient.into(), &v.transposed().into(), Onto::Zeros, Threads::One);
            let mask = (self.dropout, self.first_mask_row(head));
            softmax_backward_rows(scores, grads, columns, self.seen, self.first_key, self.scale(), mask);
            let (weights, of_scores) = (Matrix::new(scores, rows, columns), Matrix::new(grads, rows, columns));
            let products = [(0, of_scores, k), (1, of_scores.transposed(), q), (2, weights.transposed(), gradient)];
            for (part, left, right) in products {
                let (out, stride) = out.part(part, (self.heads, self.key_heads, size));
                // The first head that asks some keys writes their gradient, the others of its group add theirs.
                let is_first = part == 0 || (block.is_none() && head.is_multiple_of(self.group()));
                let (place, row) =
                    if part == 0 { (head, block.unwrap_or(0)) } else { (self.key_head(head), self.first_key) };
                let onto = if is_first { Onto::Zeros } else { Onto::Out };
                let out = &mut out[row * stride + place * size..];
                matmul(out, stride, &left.into(), &right.into(), onto, Threads::One);
            }
            if let Some(relative) = &self.relative {
                relative.backward(grads, self.asked(head), sums, distances, |part, add| {
                    let (out, stride) = out.part(part, (self.heads, self.key_heads, size));
                    let place = if part == 0 { head } else { self.key_head(head) };
                    add(&mut out[place * size..], stride);
                });
            }
        }
    }

    /// Queries, keys and values of a head.
    fn head(&self, head: usize) -> (Matrix<'_>, Matrix<'_>, Matrix<'_>) {
        let (size, of_keys) = (self.size, self.key_head(head));
        (self.q.head(head, size), self.k.head(of_keys, size), self.v.head(of_keys, size))
    }

    fn asked(&self, head: usize) -> Asked<'_> {
        let (queries, keys, _) = self.head(head);
        Asked { head, queries, keys, scale: self.scale() }
    }

    /// Heads of queries that ask the same keys.
    fn group(&self) -> usize {
        self.heads / self.key_heads
    }

    fn key_head(&self, head: usize) -> usize {
        head / self.group()
    }

    fn scale(&self) -> f32 {
        1.0 / ((self.size * self.products) as f32).sqrt()
    }

    fn first_mask_row(&self, head: usize) -> usize {
        mask_row(head, self.first_query, self.query_rows)
    }
}

/// The softmax of a row times `scale`, in place; 0 for the keys that a query does not see. The row begins at `first_key`.
#[inline(always)]
#[allow(clippy::inline_always, reason = "must be compiled inside each variant of a kernel")]
fn softmax(row: &mut [f32], seen: Option<&(u32, u32)>, first_key: usize, scale: f32) {
    let of_row = |&(from, to): &(u32, u32)| (from as usize - first_key, to as usize - first_key);
    let (from, to) = seen.map_or((0, row.len()), of_row);
    row[..from].fill(0.0);
    row[to..].fill(0.0);
    let row = &mut row[from..to];
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
    fn softmax_rows(
        scores: &mut [f32],
        columns: usize,
        seen: &[(u32, u32)],
        first_key: usize,
        scale: f32,
        mask: (Dropout, usize),
    ) {
        let (dropout, first_mask_row) = mask;
        for (index, row) in scores.chunks_exact_mut(columns).enumerate() {
            softmax(row, seen.get(index), first_key, scale);
            if !dropout.is_off() {
                let mask = dropout.row(first_mask_row + index);
                for (column, value) in row.iter_mut().enumerate() {
                    *value *= mask.factor(first_key + column);
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
        seen: &[(u32, u32)],
        first_key: usize,
        scale: f32,
        mask: (Dropout, usize),
    ) {
        let (dropout, first_mask_row) = mask;
        let rows = scores.chunks_exact_mut(columns).zip(grads.chunks_exact_mut(columns));
        for (index, (weights, grads)) in rows.enumerate() {
            softmax(weights, seen.get(index), first_key, scale);
            let mask = dropout.row(first_mask_row + index);
            if !dropout.is_off() {
                for (column, grad) in grads.iter_mut().enumerate() {
                    *grad *= mask.factor(first_key + column);
                }
            }
            let along = lanes::dot(weights, grads);
            for (grad, &weight) in grads.iter_mut().zip(&*weights) {
                *grad = weight * (*grad - along) * scale;
            }
            if !dropout.is_off() {
                for (column, weight) in weights.iter_mut().enumerate() {
                    *weight *= mask.factor(first_key + column);
                }
            }
        }
    }
}

/// The row of the dropout mask of one head of one query.
pub(super) fn mask_row(head: usize, query: usize, query_rows: usize) -> usize {
    head * query_rows + query
}
