//! Multi-head scaled dot-product attention over packed sequences (Vaswani et al., 1706.03762).
//!
//! Each sequence attends within itself; nothing is padded, and at most one head of one sequence has its scores in memory
//! on each thread. Backward computes them again instead of keeping them.

use std::sync::Arc;

use candle_core::{Result, bail};
use rayon::prelude::*;

use crate::ops::array::Array;
use crate::ops::attention_reference::reference;
use crate::ops::dropout::Dropout;
use crate::ops::relative::Relative;
use crate::ops::sequence::{Projection, ProjectionGradients, Scratch, SequenceQkv};
use crate::ops::sequence_terms::{self, Terms};
use crate::ops::tape::{Flow, HostValue, Node, Op, Tape, Value};

/// How the rows of queries, keys and values are divided into sequences and heads.
#[derive(Clone, Debug)]
pub struct AttentionShape {
    /// Number of heads of the queries.
    pub heads: usize,
    /// Number of heads of the keys and values, a divisor of `heads`: several heads of queries ask the same keys
    /// (grouped-query attention, Ainslie et al., 2305.13245).
    pub key_heads: usize,
    /// Cumulative lengths of the queries, `[sequences + 1]`, from 0 to the number of query rows.
    pub queries: Arc<[u32]>,
    /// Cumulative lengths of the keys and values, `[sequences + 1]`; the same as `queries` for plain self-attention.
    pub keys: Arc<[u32]>,
    /// The keys that each query sees, from the first to the one after the last, counted in its sequence, `[query rows]`;
    /// `None`: all keys of its sequence.
    pub seen: Option<Arc<[(u32, u32)]>>,
}

impl AttentionShape {
    /// Every head has its own keys, and every query sees all keys of its sequence.
    #[must_use]
    pub fn all(heads: usize, queries: Arc<[u32]>, keys: Arc<[u32]>) -> Self {
        Self { heads, key_heads: heads, queries, keys, seen: None }
    }

    /// Heads of queries, keys and values together.
    fn all_heads(&self) -> usize {
        self.heads + 2 * self.key_heads
    }
}

/// Queries, keys and values, side by side as linear layers produce them.
#[derive(Clone, Copy, Debug)]
pub enum AttentionInput<'a> {
    /// `[rows, all heads x size]`: queries, keys, values of the same rows.
    Joint(&'a Value),
    /// Queries of some rows, keys and values of all rows.
    Split {
        /// `[query rows, heads x size]`.
        queries: &'a Value,
        /// `[key rows, 2 x key heads x size]`: keys, then values.
        keys_values: &'a Value,
    },
}

/// Most sequences of a task; they share the score matrices of its thread, and the sums of what distances add.
const SEQUENCES: usize = 4;

/// Tasks that there are at least, if there are as many sequences.
const TASKS: usize = 16;

/// Values saved for the backward pass.
#[derive(Debug)]
pub(super) struct Record {
    input: Input,
    shape: AttentionShape,
    relative: Option<Terms>,
    dropout: Dropout,
}

#[derive(Debug)]
enum Input {
    Joint(HostValue),
    Split { queries: HostValue, keys_values: HostValue },
}

impl Tape<'_> {
    /// `softmax(q kᵀ / √d) v` for each head of each sequence, with dropout of the probabilities: `[query rows, heads x size]`.
    ///
    /// # Errors
    /// If the shapes do not match, a query sees no keys, or a tensor operation fails.
    pub fn attention(&mut self, input: AttentionInput<'_>, shape: &AttentionShape, dropout: Dropout) -> Result<Value> {
        self.relative_attention(input, shape, None, dropout)
    }

    /// [`Self::attention`] with what the distance from a query to a key adds to their score.
    ///
    /// # Errors
    /// As [`Self::attention`], and if the distances do not fit.
    pub fn relative_attention(
        &mut self,
        input: AttentionInput<'_>,
        shape: &AttentionShape,
        relative: Option<Relative<'_>>,
        dropout: Dropout,
    ) -> Result<Value> {
        let size = check(input, shape)?;
        if let Some(relative) = &relative {
            relative.check(shape.heads, size, &shape.queries, &shape.keys)?;
        }
        let (hidden, of_keys) = (shape.heads * size, shape.key_heads * size);
        if !self.uses_kernels() {
            let (q, kv, first) = match input {
                AttentionInput::Joint(all) => (all.composed()?, all.composed()?, hidden),
                AttentionInput::Split { queries, keys_values } => (queries.composed()?, keys_values.composed()?, 0),
            };
            let keys = kv.narrow(1, first, of_keys)?;
            let parts = [q.narrow(1, 0, hidden)?, keys, kv.narrow(1, first + of_keys, of_keys)?];
            return Ok(Value::Composed(reference(&parts, shape, relative.as_ref(), dropout)?));
        }
        let input = match input {
            AttentionInput::Joint(all) => Input::Joint(all.host()?),
            AttentionInput::Split { queries, keys_values } => {
                Input::Split { queries: queries.host()?, keys_values: keys_values.host()? }
            }
        };
        let relative = relative.as_ref().map(Terms::of).transpose()?;
        let rows = shape.queries.last().map_or(0, |&rows| rows as usize);
        let out = Array::written(rows, hidden, |out| {
            let parts = cut(out, &shape.queries, hidden);
            sequences(&input, shape, relative.as_ref(), dropout)
                .into_par_iter()
                .zip(parts)
                .with_max_len(SEQUENCES)
                .for_each_init(Scratch::default, |scratch, (sequence, out)| sequence.forward(scratch, out));
        });
        let nodes = [input.nodes(), relative.as_ref().map_or([None; 2], Terms::nodes)].concat();
        let record = self.records(&nodes, &[]).then(|| Record { input, shape: shape.clone(), relative, dropout });
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

    /// The array of the queries, the keys or the values (0, 1, 2), and their first column.
    fn part(&self, part: usize, shape: &AttentionShape, size: usize) -> (&Array, usize) {
        match self {
            Self::Joint(all) => {
                let heads_before = [0, shape.heads, shape.heads + shape.key_heads];
                (&all.array, heads_before[part] * size)
            }
            Self::Split { queries, .. } if part == 0 => (&queries.array, 0),
            Self::Split { keys_values, .. } => (&keys_values.array, (part - 1) * shape.key_heads * size),
        }
    }

    /// Columns of a head.
    fn size(&self, shape: &AttentionShape) -> usize {
        match self {
            Self::Joint(all) => all.array.width() / shape.all_heads(),
            Self::Split { queries, .. } => queries.array.width() / shape.heads,
        }
    }
}

/// The columns of a head.
fn check(input: AttentionInput<'_>, shape: &AttentionShape) -> Result<usize> {
    let (heads, key_heads) = (shape.heads, shape.key_heads);
    if heads == 0 || key_heads == 0 || !heads.is_multiple_of(key_heads) {
        bail!("attention: {heads} heads of queries, {key_heads} of keys");
    }
    let (query_rows, key_rows, size) = match input {
        AttentionInput::Joint(all) => {
            let (rows, width) = all.dims()?;
            if !width.is_multiple_of(shape.all_heads()) {
                bail!("attention: width {width} for {heads} heads of queries, {key_heads} of keys and of values");
            }
            (rows, rows, width / shape.all_heads())
        }
        AttentionInput::Split { queries, keys_values } => {
            let ((query_rows, width), (key_rows, rest)) = (queries.dims()?, keys_values.dims()?);
            let size = width / heads;
            if width != heads * size || rest != 2 * key_heads * size {
                bail!("attention: queries of width {width}, keys and values of width {rest}, {heads} heads");
            }
            (query_rows, key_rows, size)
        }
    };
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
        if let Some(seen) = &shape.seen {
            let of_sequence = seen.get(queries[0] as usize..queries[1] as usize).unwrap_or_default();
            let is_wrong = |&(from, to): &(u32, u32)| from >= to || to > keys[1] - keys[0];
            if of_sequence.len() != (queries[1] - queries[0]) as usize || of_sequence.iter().any(is_wrong) {
                bail!("attention: a query of sequence {sequence} sees no keys, or more than there are");
            }
        }
    }
    Ok(size)
}

impl Record {
    pub(super) fn backward(self, gradient: &Array, flow: &mut Flow<'_>) {
        let gradient = gradient.values();
        let relative = self.relative.as_ref();
        let sequences = sequences(&self.input, &self.shape, relative, self.dropout);
        let mut sums = Default::default();
        match &self.input {
            Input::Joint(all) => {
                let width = all.array.width();
                flow.add(
                    all.node,
                    Array::written(all.array.rows(), width, |out| {
                        let parts = cut(out, &self.shape.queries, width).into_iter();
                        let parts = parts.map(ProjectionGradients::Joint).collect();
                        sums = run_backward(&sequences, parts, relative, gradient);
                    }),
                );
            }
            Input::Split { queries, keys_values } => {
                let (q_width, kv_width) = (queries.array.width(), keys_values.array.width());
                let mut q_out = Array::unwritten(queries.array.rows(), q_width);
                let mut kv_out = Array::unwritten(keys_values.array.rows(), kv_width);
                let q_parts = cut(q_out.values_mut(), &self.shape.queries, q_width);
                let kv_parts = cut(kv_out.values_mut(), &self.shape.keys, kv_width);
                let parts = q_parts.into_iter().zip(kv_parts);
                let parts = parts.map(|(q, kv)| ProjectionGradients::Split { q, kv }).collect();
                sums = run_backward(&sequences, parts, relative, gradient);
                flow.add(queries.node, q_out);
                flow.add(keys_values.node, kv_out);
            }
        }
        let Some(relative) = relative else { return };
        for ((node, (rows, width)), sums) in relative.nodes().into_iter().zip(relative.shapes()).zip(&sums) {
            flow.add(node, Array::from_values(rows, width, sums));
        }
    }
}

/// The gradients of the tables of what distances add.
fn run_backward(
    sequences: &[SequenceQkv<'_>],
    mut parts: Vec<ProjectionGradients<'_>>,
    relative: Option<&Terms>,
    gradient: &[f32],
) -> [Vec<f32>; 2] {
    // Of the number of sequences alone, not of threads: sums are added in the order of tasks.
    let of_a_task = sequences.len().div_ceil(TASKS).clamp(1, SEQUENCES);
    let shapes = relative.map_or([(0, 0); 2], Terms::shapes);
    let tasks = sequences.par_chunks(of_a_task).zip(parts.par_chunks_mut(of_a_task));
    let sums = tasks.map_init(Scratch::default, |scratch, (sequences, parts)| {
        let mut sums = sequence_terms::zeros(shapes);
        for (sequence, out) in sequences.iter().zip(parts) {
            sequence.backward(scratch, gradient, out, &mut sums);
        }
        sums
    });
    sequence_terms::sum_of(shapes, sums.collect())
}

fn sequences<'a>(
    input: &'a Input,
    shape: &'a AttentionShape,
    relative: Option<&'a Terms>,
    dropout: Dropout,
) -> Vec<SequenceQkv<'a>> {
    let size = input.size(shape);
    let query_rows = shape.queries.last().map_or(0, |&rows| rows as usize);
    let cuts = shape.queries.windows(2).zip(shape.keys.windows(2));
    cuts.map(|(queries, keys)| {
        let rows = |part: usize, ends: &[u32]| {
            let (array, first) = input.part(part, shape, size);
            let (begin, end) = (ends[0] as usize, ends[1] as usize);
            Projection {
                values: &array.values()[begin * array.width()..end * array.width()],
                first,
                stride: array.width(),
            }
        };
        let of_queries = queries[0] as usize..queries[1] as usize;
        let seen = shape.seen.as_ref().map(|seen| &seen[of_queries.clone()]);
        let keys_count = (keys[1] - keys[0]) as usize;
        SequenceQkv {
            q: rows(0, queries),
            k: rows(1, keys),
            v: rows(2, keys),
            size,
            heads: shape.heads,
            key_heads: shape.key_heads,
            seen: seen.unwrap_or_default(),
            first_key: 0,
            first_query: queries[0] as usize,
            query_rows,
            relative: relative.map(|terms| terms.of_sequence(of_queries, keys_count)),
            products: relative.map_or(1, |terms| terms.products),
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
    use candle_core::Tensor;

    use super::*;
    use crate::ops::Backend;
    use crate::ops::testing::{agree, gradients_in_pools, normal};

    fn shape(heads: usize, queries: &[u32], keys: &[u32]) -> AttentionShape {
        AttentionShape::all(heads, queries.into(), keys.into())
    }

    /// Every query sees the keys up to its own, and of those the last `most`.
    fn causal(heads: usize, key_heads: usize, cuts: &[u32], most: u32) -> AttentionShape {
        let places = cuts.windows(2).flat_map(|ends| 0..ends[1] - ends[0]);
        let seen = places.map(|place| ((place + 1).saturating_sub(most), place + 1)).collect();
        AttentionShape { key_heads, seen: Some(seen), ..shape(heads, cuts, cuts) }
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
                    reference(&parts, shape, None, mask)
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
                    reference(&parts, &shape, None, mask)
                },
            );
        }
    }

    #[test]
    fn queries_that_see_some_keys_and_share_their_heads_agree_with_the_reference() {
        let size = 4;
        for (heads, key_heads, cuts, most) in [
            (2, 2, &[0, 3, 4, 9][..], 99),
            (4, 2, &[0, 17, 17, 33], 99),
            (6, 2, &[0, 21], 5),
            (3, 1, &[0, 1, 9], 2),
            // So long that they are computed in blocks.
            (2, 1, &[0, 9, 309], 999),
            (1, 1, &[0, 270, 275], 7),
        ] {
            let (shape, mask) = (causal(heads, key_heads, cuts, most), Dropout::new(0.2, 3));
            let (hidden, of_keys) = (heads * size, key_heads * size);
            let joint = normal(vec![rows(cuts), hidden + 2 * of_keys], 1);
            let cut = |x: &Tensor, first: usize| {
                [x.narrow(1, first, of_keys).unwrap(), x.narrow(1, first + of_keys, of_keys).unwrap()]
            };
            agree(
                &[joint],
                &[],
                |tape, x, _| tape.attention(AttentionInput::Joint(&x[0]), &shape, mask),
                |x| {
                    let [keys, values] = cut(&x[0], hidden);
                    reference(&[x[0].narrow(1, 0, hidden)?, keys, values], &shape, None, mask)
                },
            );
            let operands = [normal(vec![rows(cuts), hidden], 1), normal(vec![rows(cuts), 2 * of_keys], 2)];
            agree(
                &operands,
                &[],
                |tape, x, _| tape.attention(split(x), &shape, mask),
                |x| {
                    let [keys, values] = cut(&x[1], 0);
                    reference(&[x[0].clone(), keys, values], &shape, None, mask)
                },
            );
        }
    }

    #[test]
    fn a_causal_query_does_not_see_what_follows() {
        let all = normal(vec![9, 24], 1).to_vec2::<f32>().unwrap();
        let whole = answer(&Array::from_values(9, 24, &all.concat()), &causal(2, 2, &[0, 9], 99)).unwrap();
        let begin = answer(&Array::from_values(4, 24, &all[..4].concat()), &causal(2, 2, &[0, 4], 99)).unwrap();
        assert_eq!(whole[..4], begin);
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
        assert!(error(shape(5, &[0, 4], &[0, 4])).contains("width 24 for 5 heads"));
        let uneven = AttentionShape { key_heads: 2, ..shape(3, &[0, 4], &[0, 4]) };
        assert!(error(uneven).contains("3 heads of queries, 2 of keys"));
        let blind =
            AttentionShape { seen: Some([(0, 1), (1, 1), (0, 3), (0, 4)].into()), ..shape(2, &[0, 4], &[0, 4]) };
        assert!(error(blind).contains("a query of sequence 0 sees no keys"));
        let far = AttentionShape { seen: Some([(0, 5); 4].into()), ..shape(2, &[0, 4], &[0, 4]) };
        assert!(error(far).contains("or more than there are"));
        assert!(error(shape(2, &[0, 3], &[0, 3])).contains("4 queries and 4 keys"));
        assert!(error(shape(2, &[0, 1, 4], &[0, 2, 4])).contains("different sequences"));
        let mut tape = Tape::inference(Backend::default());
        let parts = [tape.leaf(Array::zeros(4, 8)).0, tape.leaf(Array::zeros(4, 16)).0];
        let uneven = shape(2, &[0, 2, 4], &[0, 4, 4]);
        let error = tape.attention(split(&parts), &uneven, Dropout::OFF).unwrap_err().to_string();
        assert!(error.contains("sequence 1 has queries but nothing"), "{error}");
    }
}
