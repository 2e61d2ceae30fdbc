//! What distances add to the scores of one sequence, on one thread.

use std::ops::Range;

use candle_core::Result;

use crate::ops::array::Array;
use crate::ops::gradients::add_to;
use crate::ops::kernels::matmul::{Matrix, Onto, Threads, matmul};
use crate::ops::kernels::simd_kernel;
use crate::ops::relative::{Distances, Relative, RelativeTerms};
use crate::ops::tape::{HostValue, Node, Value};

/// What distances add, as kept for the backward pass.
#[derive(Debug)]
pub(super) struct Terms {
    is_bias: bool,
    /// Numbers for each head, or what queries and what keys are multiplied with.
    tables: [Option<HostValue>; 2],
    distances: Distances,
    /// How many products a score is the sum of.
    pub products: usize,
}

impl Terms {
    pub fn of(relative: &Relative<'_>) -> Result<Self> {
        let [first, second] = relative.terms.values().map(|table| table.map(Value::host).transpose());
        Ok(Self {
            is_bias: matches!(relative.terms, RelativeTerms::Bias(_)),
            tables: [first?, second?],
            distances: relative.distances.clone(),
            products: relative.terms.products(),
        })
    }

    pub fn nodes(&self) -> [Option<Node>; 2] {
        [0, 1].map(|table| self.tables[table].as_ref().and_then(|table| table.node))
    }

    /// Rows and columns of each table; none where it is missing.
    pub fn shapes(&self) -> [(usize, usize); 2] {
        [0, 1]
            .map(|table| self.tables[table].as_ref().map_or((0, 0), |table| (table.array.rows(), table.array.width())))
    }

    /// Those of a sequence whose queries are these of all.
    pub fn of_sequence(&self, queries: Range<usize>, keys: usize) -> SequenceTerms<'_> {
        let (places, middle) = (&self.distances.places()[queries], self.distances.longest() - 1);
        let (kinds, run) = self.distances.kinds();
        let last = places.iter().max().map_or(0, |&place| place as usize);
        let first = places.iter().min().map_or(0, |&place| place as usize);
        // From the last query to the first key, and from the first query to the last key.
        let used = middle - last..(middle + keys).saturating_sub(first).max(middle - last);
        let kinds = &kinds[used.clone()];
        let low = kinds.iter().min().copied().unwrap_or(0);
        let count = kinds.iter().max().map_or(0, |&high| (high - low) as usize + 1);
        let within = |at: usize| at.clamp(used.start, used.end) - used.start;
        SequenceTerms {
            terms: self,
            spread: Spread { kinds, low, run: within(run.start)..within(run.end), places, last, columns: keys },
            count,
        }
    }

    fn table(&self, table: usize) -> Option<&Array> {
        self.tables[table].as_ref().map(|table| &table.array)
    }
}

/// Which number each score gets: where the kinds of a sequence's distances are.
#[derive(Clone)]
struct Spread<'a> {
    /// Kind of each distance that the sequence has, from that of the last query to the first key on.
    kinds: &'a [u32],
    /// The lowest kind of these.
    low: u32,
    /// Where kinds rise by one.
    run: Range<usize>,
    places: &'a [u32],
    /// Place of the last query.
    last: usize,
    /// Keys.
    columns: usize,
}

/// What distances add in one sequence.
pub(super) struct SequenceTerms<'a> {
    terms: &'a Terms,
    spread: Spread<'a>,
    /// Kinds from the lowest to the highest.
    count: usize,
}

/// One head of a sequence: its queries and keys, and the factor of its scores.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub head: usize,
    pub queries: Matrix<'a>,
    pub keys: Matrix<'a>,
    pub scale: f32,
}

impl SequenceTerms<'_> {
    /// Adds to the scores of a head `[queries, keys]`, which are yet to be scaled. `scratch` is written over.
    pub fn add(&self, scores: &mut [f32], asked: Asked<'_>, scratch: &mut Vec<f32>) {
        let Asked { head, queries, keys, scale } = asked;
        if self.terms.is_bias {
            self.read_bias(head, 1.0 / scale, scratch);
            add_line(scores, &self.spread, scratch);
            return;
        }
        if let Some(table) = self.terms.table(0) {
            self.products(queries, self.of_head(table, head, queries.columns()), scratch);
            add_by_query(scores, &self.spread, scratch, self.count);
        }
        if let Some(table) = self.terms.table(1) {
            self.products(keys, self.of_head(table, head, keys.columns()), scratch);
            add_by_key(scores, &self.spread, scratch, self.count);
        }
    }

    /// Adds to the gradients of the tables (`sums`), and of a head's queries and keys, from those of its scores before they were
    /// scaled. `out` calls what it is given with the gradients of the queries (0) or keys (1), and the numbers from one row to
    /// the next.
    // With S = Q Kᵀ + C[kind] + D[kind]ᵀ, C = Q Aᵀ and D = K Bᵀ:
    //   dC and dD gather dS by kind,  dQ += dC A,  dA += dCᵀ Q,  dK += dD B,  dB += dDᵀ K
    pub fn backward(
        &self,
        grads: &[f32],
        asked: Asked<'_>,
        sums: &mut [Vec<f32>; 2],
        scratch: &mut Vec<f32>,
        mut out: impl FnMut(usize, &mut dyn FnMut(&mut [f32], usize)),
    ) {
        let Asked { head, queries, keys, scale } = asked;
        if self.terms.is_bias {
            scratch.clear();
            scratch.resize(self.spread.kinds.len(), 0.0);
            gather_line(grads, &self.spread, scratch);
            let width = self.terms.shapes()[0].1;
            for (&kind, sum) in self.spread.kinds.iter().zip(scratch) {
                sums[0][kind as usize * width + head] += *sum / scale;
            }
            return;
        }
        for (number, asked) in [queries, keys].into_iter().enumerate() {
            let Some(table) = self.terms.table(number) else { continue };
            scratch.clear();
            scratch.resize(asked.rows() * self.count, 0.0);
            if number == 0 {
                gather_by_query(grads, &self.spread, scratch, self.count);
            } else {
                gather_by_key(grads, &self.spread, scratch, self.count);
            }
            let (size, by_kind) = (asked.columns(), Matrix::new(scratch, asked.rows(), self.count));
            let of_head = self.of_head(table, head, size);
            out(number, &mut |out, stride| {
                matmul(out, stride, &by_kind.into(), &of_head.into(), Onto::Out, Threads::One);
            });
            let first = self.spread.low as usize * table.width() + head * size;
            let (left, right) = (by_kind.transposed().into(), asked.into());
            matmul(&mut sums[number][first..], table.width(), &left, &right, Onto::Out, Threads::One);
        }
    }

    /// The rows that a table has for the sequence's kinds, and of these a head's columns.
    fn of_head<'t>(&self, table: &'t Array, head: usize, size: usize) -> Matrix<'t> {
        let first = self.spread.low as usize * table.width() + head * size;
        Matrix::strided(table.values().get(first..).unwrap_or_default(), self.count, size, table.width())
    }

    fn products(&self, rows: Matrix<'_>, of_kinds: Matrix<'_>, out: &mut Vec<f32>) {
        out.resize(rows.rows() * self.count, 0.0);
        matmul(out, self.count, &rows.into(), &of_kinds.transposed().into(), Onto::Zeros, Threads::One);
    }

    /// A head's number for each distance, times `factor`.
    fn read_bias(&self, head: usize, factor: f32, out: &mut Vec<f32>) {
        out.clear();
        if let Some(table) = self.terms.table(0) {
            let number = |&kind: &u32| table.values()[kind as usize * table.width() + head] * factor;
            out.extend(self.spread.kinds.iter().map(number));
        }
    }
}

impl Spread<'_> {
    /// For each query: the kinds of its distances to all keys, and which of these rise by one.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "must be compiled inside each variant of a kernel")]
    fn of_query(&self, place: u32) -> (usize, Range<usize>) {
        let first = self.last - place as usize;
        let within = |at: usize| at.clamp(first, first + self.columns) - first;
        (first, within(self.run.start)..within(self.run.end))
    }
}

simd_kernel! {
    /// Adds the number of each distance to the scores.
    fn add_line(scores: &mut [f32], spread: &Spread<'_>, line: &[f32]) {
        for (scores, &place) in scores.chunks_exact_mut(spread.columns).zip(spread.places) {
            let first = spread.last - place as usize;
            for (score, number) in scores.iter_mut().zip(&line[first..]) {
                *score += number;
            }
        }
    }
}

simd_kernel! {
    /// Adds up the gradients of the scores by distance.
    fn gather_line(grads: &[f32], spread: &Spread<'_>, line: &mut [f32]) {
        for (grads, &place) in grads.chunks_exact(spread.columns).zip(spread.places) {
            let first = spread.last - place as usize;
            for (sum, grad) in line[first..].iter_mut().zip(grads) {
                *sum += grad;
            }
        }
    }
}

simd_kernel! {
    /// Adds to each score what its query has for the kind of its distance; `by_kind` is `[queries, count]`.
    fn add_by_query(scores: &mut [f32], spread: &Spread<'_>, by_kind: &[f32], count: usize) {
        let rows = scores.chunks_exact_mut(spread.columns).zip(by_kind.chunks_exact(count));
        for ((scores, by_kind), &place) in rows.zip(spread.places) {
            let (first, run) = spread.of_query(place);
            let kinds = &spread.kinds[first..first + spread.columns];
            for at in (0..run.start).chain(run.end..spread.columns) {
                scores[at] += by_kind[(kinds[at] - spread.low) as usize];
            }
            if !run.is_empty() {
                let from = (kinds[run.start] - spread.low) as usize;
                let of_run = &by_kind[from..from + run.len()];
                for (score, number) in scores[run].iter_mut().zip(of_run) {
                    *score += number;
                }
            }
        }
    }
}

simd_kernel! {
    /// The reverse of [`add_by_query`]: adds up the gradients of each query's scores by kind.
    fn gather_by_query(grads: &[f32], spread: &Spread<'_>, by_kind: &mut [f32], count: usize) {
        let rows = grads.chunks_exact(spread.columns).zip(by_kind.chunks_exact_mut(count));
        for ((grads, by_kind), &place) in rows.zip(spread.places) {
            let (first, run) = spread.of_query(place);
            let kinds = &spread.kinds[first..first + spread.columns];
            for at in (0..run.start).chain(run.end..spread.columns) {
                by_kind[(kinds[at] - spread.low) as usize] += grads[at];
            }
            if !run.is_empty() {
                let from = (kinds[run.start] - spread.low) as usize;
                add_numbers(&mut by_kind[from..from + run.len()], &grads[run]);
            }
        }
    }
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "must be compiled inside each variant of a kernel")]
fn add_numbers(sums: &mut [f32], numbers: &[f32]) {
    for (sum, number) in sums.iter_mut().zip(numbers) {
        *sum += number;
    }
}

// For keys, the numbers of one row of scores are in as many rows: of each key, neighbouring queries need neighbouring numbers,
// so that all stay in the first cache from one query to the next.
simd_kernel! {
    /// Adds to each score what its key has for the kind of its distance; `by_kind` is `[keys, count]`.
    fn add_by_key(scores: &mut [f32], spread: &Spread<'_>, by_kind: &[f32], count: usize) {
        for (scores, &place) in scores.chunks_exact_mut(spread.columns).zip(spread.places) {
            let kinds = &spread.kinds[spread.last - place as usize..];
            for ((score, by_kind), &kind) in scores.iter_mut().zip(by_kind.chunks_exact(count)).zip(kinds) {
                *score += by_kind[(kind - spread.low) as usize];
            }
        }
    }
}

simd_kernel! {
    /// The reverse of [`add_by_key`]: adds up the gradients of each key's scores by kind.
    fn gather_by_key(grads: &[f32], spread: &Spread<'_>, by_kind: &mut [f32], count: usize) {
        for (grads, &place) in grads.chunks_exact(spread.columns).zip(spread.places) {
            let kinds = &spread.kinds[spread.last - place as usize..];
            for ((grad, by_kind), &kind) in grads.iter().zip(by_kind.chunks_exact_mut(count)).zip(kinds) {
                by_kind[(kind - spread.low) as usize] += grad;
            }
        }
    }
}

/// The sums of the tables' gradients of several tasks, in their order.
pub(super) fn sum_of(shapes: [(usize, usize); 2], partial: Vec<[Vec<f32>; 2]>) -> [Vec<f32>; 2] {
    let mut partial = partial.into_iter();
    let mut sums = partial.next().unwrap_or_else(|| zeros(shapes));
    for more in partial {
        for (sum, more) in sums.iter_mut().zip(&more) {
            add_to(sum, more);
        }
    }
    sums
}

/// Zeros in the shapes of the tables.
pub(super) fn zeros(shapes: [(usize, usize); 2]) -> [Vec<f32>; 2] {
    shapes.map(|(rows, width)| vec![0.0; rows * width])
}
