//! Attention composed of candle's operations: the reference of the kernel, and what runs on other devices.

use candle_core::{D, Result, Tensor, bail};

use crate::ops::attention::AttentionShape;
use crate::ops::dropout::Dropout;
use crate::ops::regroup::Regroup;
use crate::ops::relative::{Relative, RelativeTerms};
use crate::ops::sequence::mask_row;
use crate::ops::tape::Value;

/// All sequences at once, padded to the longest, because one sequence at a time leaves a GPU idle.
pub(super) fn reference(
    qkv: &[Tensor],
    shape: &AttentionShape,
    relative: Option<&Relative<'_>>,
    dropout: Dropout,
) -> Result<Tensor> {
    let [q, k, v] = qkv else { bail!("attention takes queries, keys and values") };
    let (query_rows, hidden) = q.dims2()?;
    if query_rows == 0 {
        return q.zeros_like();
    }
    let (size, count) = (hidden / shape.heads, shape.queries.len() - 1);
    let group = shape.heads / shape.key_heads;
    let (rows, columns) = (longest(&shape.queries), longest(&shape.keys));
    let (of_queries, of_keys) = (padded(&shape.queries, q)?, padded(&shape.keys, k)?);
    let split = |tensor: &Tensor, grid: &Regroup, (heads, length): (usize, usize)| {
        grid.apply(tensor)?.reshape((count, length, heads, size))?.transpose(1, 2)?.contiguous()
    };
    // Each head of queries gets its own copy of the keys and values that it asks.
    let shared = |tensor: &Tensor| {
        let shape_of_keys = (shape.key_heads, columns);
        let heads = split(tensor, &of_keys, shape_of_keys)?.unsqueeze(2)?;
        let copies = heads.broadcast_as((count, shape.key_heads, group, columns, size))?;
        copies.reshape((count, shape.heads, columns, size))?.contiguous()
    };
    let (q, k, v) = (split(q, &of_queries, (shape.heads, rows))?, shared(k)?, shared(v)?);
    let mut scores = q.matmul(&k.t()?)?;
    let products = relative.map_or(1, |relative| relative.terms.products());
    let scale = 1.0 / ((size * products) as f64).sqrt();
    scores = match relative {
        Some(relative) => with_terms(&scores, (&q, &k), shape, relative, scale)?,
        None => (scores * scale)?,
    };
    if let Some(hidden_keys) = hide_unseen(shape, (rows, columns), &q)? {
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

/// What makes the softmax 0 for keys that are padding or that a query does not see, added to the scores: `[sequences, 1,
/// rows, columns]`, with one row if every query sees the same. `None` where every query sees everything.
fn hide_unseen(shape: &AttentionShape, (rows, columns): (usize, usize), like: &Tensor) -> Result<Option<Tensor>> {
    /// Far below any score, and finite: a sequence without queries may have no keys either.
    const HIDDEN: f32 = -1e9;
    let count = shape.keys.len() - 1;
    let is_padded = shape.keys.last().is_none_or(|&rows| rows as usize != count * columns);
    if !is_padded && shape.seen.is_none() {
        return Ok(None);
    }
    let rows = if shape.seen.is_some() { rows } else { 1 };
    let mut values = Vec::with_capacity(count * rows * columns);
    for (queries, keys) in shape.queries.windows(2).zip(shape.keys.windows(2)) {
        for row in 0..rows as u32 {
            let of_query = shape.seen.as_ref().filter(|_| row < queries[1] - queries[0]);
            let (from, to) = of_query.map_or((0, keys[1] - keys[0]), |seen| seen[(queries[0] + row) as usize]);
            values.extend((0..columns as u32).map(|key| if (from..to).contains(&key) { 0.0 } else { HIDDEN }));
        }
    }
    Tensor::from_vec(values, (count, 1, rows, columns), like.device())?.to_dtype(like.dtype()).map(Some)
}

/// Scaled scores with what distances add to them.
fn with_terms(
    scores: &Tensor,
    (q, k): (&Tensor, &Tensor),
    shape: &AttentionShape,
    relative: &Relative<'_>,
    scale: f64,
) -> Result<Tensor> {
    let (count, heads, rows, columns) = scores.dims4()?;
    let mut kinds = vec![0; count * rows * columns];
    for (sequence, (queries, keys)) in shape.queries.windows(2).zip(shape.keys.windows(2)).enumerate() {
        let of_sequence = &mut kinds[sequence * rows * columns..][..rows * columns];
        let (places, keys) = (&relative.distances.places()[queries[0] as usize..], (keys[1] - keys[0]) as usize);
        let queries = of_sequence.chunks_exact_mut(columns.max(1)).zip(places).take((queries[1] - queries[0]) as usize);
        queries.for_each(|(kinds, &place)| kinds[..keys].copy_from_slice(relative.distances.of_query(place, keys)));
    }
    let kinds = Tensor::from_vec(kinds, (count, 1, rows, columns), scores.device())?;
    let of_heads = |kinds: &Tensor| {
        let (_, _, rows, columns) = kinds.dims4()?;
        kinds.broadcast_as((count, heads, rows, columns))?.contiguous()
    };
    match relative.terms {
        RelativeTerms::Bias(table) => {
            let table = table.composed()?.t()?;
            let table = table.reshape((1, heads, 1, table.dim(1)?))?;
            let by_query = table.broadcast_as((count, heads, rows, table.dim(3)?))?.contiguous()?;
            (scores * scale)? + by_query.gather(&of_heads(&kinds)?, 3)?
        }
        RelativeTerms::Products { keys, queries } => {
            let by_kind = |asked: &Tensor, table: &Value| {
                let table = table.composed()?;
                let (kinds, size) = (table.dim(0)?, asked.dim(3)?);
                let table = table.reshape((1, kinds, heads, size))?.permute((0, 2, 3, 1))?;
                asked.matmul(&table.broadcast_as((count, heads, size, kinds))?.contiguous()?)
            };
            let mut scores = scores.clone();
            if let Some(table) = keys {
                scores = (scores + by_kind(q, table)?.gather(&of_heads(&kinds)?, 3)?)?;
            }
            if let Some(table) = queries {
                let kinds = of_heads(&kinds.transpose(2, 3)?)?;
                scores = (scores + by_kind(k, table)?.gather(&kinds, 3)?.transpose(2, 3)?)?;
            }
            scores * scale
        }
    }
}
