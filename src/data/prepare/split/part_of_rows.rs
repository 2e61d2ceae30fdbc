//! A part of the training rows, from which a learning curve is trained.

use crate::data::prepare::split::row_keys::RowKeys;
use crate::data::prepare::split::{SplitInputs, kept_together};
use crate::data::{Prepared, Side};

/// Which rows stay if only so many percent of the training rows are used: `[rows]` of `part`. Each label keeps its share, and at least
/// one row. Rows that belong together are drawn together as far as that allows, as if fewer customers or documents had been labelled.
pub(super) fn drawn(inputs: SplitInputs<'_>, part: &mut Prepared, (percent, draw): (u32, u32)) -> Vec<bool> {
    let keys = RowKeys::of(inputs.project, inputs.imported, &part.examples);
    let pool: Vec<usize> = (0..keys.len()).filter(|&row| part.examples[row].side == Side::Train).collect();
    // The rows of the split were drawn with its seed.
    let seed = inputs.project.split.seed.wrapping_add(u64::from(draw) + 1);
    let before = part.warnings.len();
    let groups = kept_together(inputs, &pool, &keys, part).unwrap_or_else(|| (0..pool.len() as u32).collect());
    part.warnings.truncate(before); // the split said it
    let mut first = vec![None; pool.len()];
    let mut order: Vec<(u64, u32, usize)> = Vec::with_capacity(pool.len());
    for (&row, &group) in pool.iter().zip(&groups) {
        let place = *first[group as usize].get_or_insert_with(|| keys[row].drawn(seed));
        order.push((place, group, row));
    }
    order.sort_unstable();
    let mut left = vec![0_usize; part.strata()];
    for &row in &pool {
        left[part.examples[row].target.stratum() as usize] += 1;
    }
    for rows in &mut left {
        *rows = (*rows * percent as usize).div_ceil(100);
    }
    let mut kept: Vec<bool> = part.examples.iter().map(|example| example.side != Side::Train).collect();
    for (_, _, row) in order {
        let left = &mut left[part.examples[row].target.stratum() as usize];
        kept[row] = *left > 0;
        *left = left.saturating_sub(1);
    }
    kept
}
