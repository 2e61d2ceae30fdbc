//! What the distance from a query to a key adds to their score: a number for each head (Raffel et al., 1910.10683), or the
//! products of the query and of the key with what a network has for that distance (He et al., 2006.03654).

use std::ops::Range;
use std::sync::Arc;

use candle_core::{Result, bail};

use crate::ops::tape::Value;

/// The kind of each distance: distances of one kind add the same.
#[derive(Clone, Debug)]
pub struct Distances {
    /// Kind of each place of a key minus that of a query, from the smallest to the largest, `[2 longest - 1]`.
    kinds: Arc<[u32]>,
    /// Neighbours among these of which each has the kind after the last one's: most of them, as near distances have kinds of
    /// their own.
    run: Range<usize>,
    /// Place of each query in its sequence, `[query rows]`.
    places: Arc<[u32]>,
}

impl Distances {
    /// Of queries at these places of sequences of at most `longest` keys. `kind` gives the kind of a key's place minus a
    /// query's.
    #[must_use]
    pub fn new(longest: u32, places: Arc<[u32]>, kind: impl Fn(i64) -> u32) -> Self {
        let most = i64::from(longest.max(1)) - 1;
        let kinds: Arc<[u32]> = (-most..=most).map(kind).collect();
        let rises = |&at: &usize| kinds[at].checked_add(1) == kinds.get(at + 1).copied();
        let middle = longest.max(1) as usize - 1;
        let end = (middle..kinds.len()).find(|at| !rises(at)).map_or(kinds.len(), |at| at + 1);
        let start = (0..middle).rev().find(|at| !rises(at)).map_or(0, |at| at + 1);
        Self { run: start..end, kinds, places }
    }

    /// The same distances from other queries, at these places.
    #[must_use]
    pub fn from_places(&self, places: Arc<[u32]>) -> Self {
        Self { places, ..self.clone() }
    }

    /// Most keys of a sequence.
    pub(super) fn longest(&self) -> usize {
        self.kinds.len().div_ceil(2)
    }

    /// The kind of each key of a sequence for a query at `place`.
    pub(super) fn of_query(&self, place: u32, keys: usize) -> &[u32] {
        &self.kinds[self.longest() - 1 - place as usize..][..keys]
    }

    pub(super) fn places(&self) -> &[u32] {
        &self.places
    }

    /// The kinds from the smallest distance to the largest, and where they rise by one.
    pub(super) fn kinds(&self) -> (&[u32], Range<usize>) {
        (&self.kinds, self.run.clone())
    }
}

/// What distances add.
#[derive(Clone, Copy, Debug)]
pub enum RelativeTerms<'a> {
    /// A number for each head, `[kinds, heads]`.
    Bias(&'a Value),
    /// Products before the scores are scaled, and the scale is that of so many products.
    Products {
        /// What queries are multiplied with, `[kinds, heads x size]`.
        keys: Option<&'a Value>,
        /// What keys are multiplied with, `[kinds, heads x size]`.
        queries: Option<&'a Value>,
    },
}

/// What distances add, and the kind of each.
#[derive(Clone, Copy, Debug)]
pub struct Relative<'a> {
    /// What they add.
    pub terms: RelativeTerms<'a>,
    /// The kind of each.
    pub distances: &'a Distances,
}

impl<'a> RelativeTerms<'a> {
    /// Each table: the numbers of heads, or what queries and what keys are multiplied with.
    pub(super) fn values(self) -> [Option<&'a Value>; 2] {
        match self {
            Self::Bias(table) => [Some(table), None],
            Self::Products { keys, queries } => [keys, queries],
        }
    }

    /// How many products a score is the sum of.
    pub(super) fn products(self) -> usize {
        match self {
            Self::Bias(_) => 1,
            Self::Products { .. } => 1 + self.values().iter().flatten().count(),
        }
    }
}

impl Relative<'_> {
    /// Refuses tables of another width, and queries whose places are not known or lie behind their sequence's keys.
    pub(super) fn check(&self, heads: usize, size: usize, queries: &[u32], keys: &[u32]) -> Result<()> {
        let width = if matches!(self.terms, RelativeTerms::Bias(_)) { heads } else { heads * size };
        let most = self.distances.kinds.iter().max().map_or(0, |&kind| kind as usize);
        for table in self.terms.values().into_iter().flatten() {
            let (kinds, found) = table.dims()?;
            if found != width || most >= kinds {
                bail!(
                    "attention: distances of {} kinds and a table [{kinds}, {found}] for {heads} heads of {size}",
                    most + 1
                );
            }
        }
        let (rows, places) = (queries.last().map_or(0, |&rows| rows as usize), &self.distances.places);
        if places.len() != rows {
            bail!("attention: places of {} queries, and there are {rows}", places.len());
        }
        for (queries, keys) in queries.windows(2).zip(keys.windows(2)) {
            let (places, keys) = (&places[queries[0] as usize..queries[1] as usize], keys[1] - keys[0]);
            if keys as usize > self.distances.longest() || places.iter().any(|&place| place >= keys) {
                bail!("attention: a query's place among {keys} keys has no distance to each of them");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Tensor;

    use super::*;
    use crate::ops::attention_reference::reference;
    use crate::ops::testing::{agree, gradients_in_pools, normal};
    use crate::ops::{Array, AttentionInput, AttentionShape, Backend, Dropout, Tape};

    const HEADS: usize = 2;
    const SIZE: usize = 3;
    const HIDDEN: usize = HEADS * SIZE;

    /// Kinds of a sequence of `longest` keys: near distances have their own, far ones share some.
    fn distances(longest: u32, places: &[u32]) -> Distances {
        let kind = |distance: i64| match distance {
            ..-4 => 0,
            -4..5 => distance.unsigned_abs() as u32 * u32::from(distance < 0) + 9 * u32::from(distance >= 0),
            5.. => 14,
        };
        let rising = |distance: i64| (distance.clamp(-6, 6) + 6) as u32;
        // Half of the tests with kinds that rise, as networks have them, and half without.
        if longest.is_multiple_of(2) {
            Distances::new(longest, places.into(), kind)
        } else {
            Distances::new(longest, places.into(), rising)
        }
    }

    fn places(cuts: &[u32]) -> Vec<u32> {
        cuts.windows(2).flat_map(|ends| 0..ends[1] - ends[0]).collect()
    }

    fn of<'a>(kind: usize, tables: &'a [Value], distances: &'a Distances) -> Relative<'a> {
        let terms = match kind {
            0 => RelativeTerms::Bias(&tables[0]),
            1 => RelativeTerms::Products { keys: Some(&tables[0]), queries: None },
            2 => RelativeTerms::Products { keys: None, queries: Some(&tables[0]) },
            _ => RelativeTerms::Products { keys: Some(&tables[0]), queries: Some(&tables[1]) },
        };
        Relative { terms, distances }
    }

    fn tables(kind: usize) -> Vec<Tensor> {
        let width = if kind == 0 { HEADS } else { HIDDEN };
        (0..if kind == 3 { 2 } else { 1 }).map(|table| normal(vec![15, width], 7 + table)).collect()
    }

    #[test]
    fn terms_of_all_kinds_agree_with_the_reference() {
        for kind in 0..4 {
            for (cuts, longest) in [(&[0, 1][..], 1), (&[0, 3, 4, 9], 5), (&[0, 17, 17, 33], 18), (&[0, 21, 33], 21)] {
                let shape = AttentionShape::all(HEADS, cuts.into(), cuts.into());
                let (distances, mask) = (distances(longest, &places(cuts)), Dropout::new(0.2, 3));
                let rows = cuts.last().copied().unwrap() as usize;
                let inputs = [vec![normal(vec![rows, 3 * HIDDEN], 1)], tables(kind)].concat();
                agree(
                    &inputs,
                    &[],
                    |tape, x, _| {
                        let relative = Some(of(kind, &x[1..], &distances));
                        tape.relative_attention(AttentionInput::Joint(&x[0]), &shape, relative, mask)
                    },
                    |x| {
                        let parts = [0, 1, 2].map(|part| x[0].narrow(1, part * HIDDEN, HIDDEN).unwrap());
                        let tables: Vec<Value> = x[1..].iter().cloned().map(Value::Composed).collect();
                        reference(&parts, &shape, Some(&of(kind, &tables, &distances)), mask)
                    },
                );
            }
        }
    }

    #[test]
    fn some_queries_get_what_they_get_among_all() {
        for kind in 0..4 {
            let all = normal(vec![9, 3 * HIDDEN], 1).to_vec2::<f32>().unwrap();
            let distances = distances(9, &places(&[0, 9]));
            let mut tape = Tape::inference(Backend::default());
            let mut leaf =
                |rows: &[Vec<f32>]| tape.leaf(Array::from_values(rows.len(), rows[0].len(), &rows.concat())).0;
            let tables: Vec<Value> = tables(kind).iter().map(|table| leaf(&table.to_vec2().unwrap())).collect();
            let joint = leaf(&all);
            let cut = |row: usize, from: usize, to: usize| all[row][from..to].to_vec();
            let queries = leaf(&[2, 7].map(|row| cut(row, 0, HIDDEN)));
            let keys_values = leaf(&(0..9).map(|row| cut(row, HIDDEN, 3 * HIDDEN)).collect::<Vec<_>>());
            let shape = AttentionShape::all(HEADS, [0, 9].into(), [0, 9].into());
            let relative = Some(of(kind, &tables, &distances));
            let whole = tape.relative_attention(AttentionInput::Joint(&joint), &shape, relative, Dropout::OFF).unwrap();
            let shape = AttentionShape::all(HEADS, [0, 2].into(), [0, 9].into());
            let some = distances.from_places([2, 7].into());
            let relative = Some(of(kind, &tables, &some));
            let input = AttentionInput::Split { queries: &queries, keys_values: &keys_values };
            let part = tape.relative_attention(input, &shape, relative, Dropout::OFF).unwrap();
            let (whole, part) = (whole.to_rows().unwrap(), part.to_rows().unwrap());
            for (got, expected) in part.concat().iter().zip([whole[2].clone(), whole[7].clone()].concat()) {
                assert!((got - expected).abs() < 1e-5, "{kind}: {got} and {expected}");
            }
        }
    }

    #[test]
    fn gradients_do_not_depend_on_threads() {
        let cuts: Vec<u32> = (0..=40).map(|sequence| sequence * 5).collect();
        let shape = AttentionShape::all(HEADS, cuts.as_slice().into(), cuts.as_slice().into());
        let distances = distances(5, &places(&cuts));
        for kind in [0, 3] {
            let inputs = [vec![normal(vec![200, 3 * HIDDEN], 1)], tables(kind)].concat();
            gradients_in_pools(&inputs, &[], |tape, x, _| {
                let relative = Some(of(kind, &x[1..], &distances));
                tape.relative_attention(AttentionInput::Joint(&x[0]), &shape, relative, Dropout::new(0.1, 4))
            });
        }
    }

    #[test]
    fn distances_that_do_not_fit_are_refused() {
        let refused = |rows: usize, width: usize, longest: u32, places: &[u32]| {
            let mut tape = Tape::inference(Backend::default());
            let (joint, table) = (tape.leaf(Array::zeros(4, 3 * HIDDEN)).0, tape.leaf(Array::zeros(rows, width)).0);
            let shape = AttentionShape::all(HEADS, [0, 4].into(), [0, 4].into());
            let distances = Distances::new(longest, places.into(), |distance| (distance + 3) as u32);
            let relative = Relative { terms: RelativeTerms::Bias(&table), distances: &distances };
            let input = AttentionInput::Joint(&joint);
            tape.relative_attention(input, &shape, Some(relative), Dropout::OFF).unwrap_err().to_string()
        };
        assert!(refused(7, 3, 4, &[0, 1, 2, 3]).contains("7 kinds and a table [7, 3] for 2 heads"));
        assert!(refused(6, HEADS, 4, &[0, 1, 2, 3]).contains("a table [6, 2]"));
        assert!(refused(7, HEADS, 4, &[0, 1]).contains("places of 2 queries, and there are 4"));
        assert!(refused(7, HEADS, 4, &[0, 1, 2, 4]).contains("place among 4 keys"));
        assert!(refused(7, HEADS, 3, &[0, 1, 2, 3]).contains("place among 4 keys"));
    }
}
