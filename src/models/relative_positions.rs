//! What distances between tokens add to the scores of attention: a number for each kind of distance and head, the same in all
//! layers (`MPNet`, Song et al., 2004.09297), or products of queries and keys with embeddings of the distance (`DeBERTa`, He et
//! al., 2006.03654 and 2111.09543).

use std::sync::Arc;

use candle_core::Result;

use crate::data::Batch;
use crate::models::ModelError;
use crate::models::architecture::RelativeNames;
use crate::models::config::ModelConfig;
use crate::models::distances::Span;
use crate::models::layers::{Linear, load_norm};
use crate::models::mode::Pass;
use crate::models::weights::{Fill, Weights};
use crate::ops::{Distances, Dropout, LayerNormWeights, Lookup, Relative, RelativeTerms, Value, Weight};

/// Kinds of distances that have a number for each head.
pub(super) const BUCKETS: usize = 32;

/// What a network has for distances, shared by all of its layers.
#[derive(Clone, Debug)]
pub(super) struct RelativePositions {
    /// `[kinds, heads]` or `[kinds, hidden]`.
    table: Weight,
    norm: Option<LayerNormWeights>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Bias,
    Products(Span),
}

/// What a batch needs of it.
pub(super) struct Prepared {
    rows: Value,
    /// From all tokens.
    all: Distances,
    /// From the tokens that the batch reads.
    read: Distances,
    is_bias: bool,
}

impl RelativePositions {
    pub fn load(
        weights: &mut Weights,
        config: &ModelConfig,
        names: &RelativeNames,
    ) -> std::result::Result<Self, ModelError> {
        match names {
            RelativeNames::Bias(name) => {
                let shape = [BUCKETS, config.num_attention_heads];
                let table = weights.parameter(&format!("{name}.weight"), &shape, Fill::Required)?;
                Ok(Self { table, norm: None, kind: Kind::Bias })
            }
            RelativeNames::Products { table, norm, .. } => {
                let (hidden, span) = (config.hidden_size, config.span());
                let shape = [usize::try_from(2 * span.rows).unwrap_or_default(), hidden];
                let table = weights.parameter(&format!("{table}.weight"), &shape, Fill::Required)?;
                let norm =
                    config.normalises_distances().then(|| load_norm(weights, norm, hidden, config, Fill::Required));
                Ok(Self { table, norm: norm.transpose()?, kind: Kind::Products(span) })
            }
        }
    }

    /// What all layers need for a batch.
    pub fn prepare(&self, batch: &Batch, pass: &mut Pass<'_>) -> Result<Prepared> {
        let longest = batch.cu_seqlens.windows(2).map(|ends| ends[1] - ends[0]).max().unwrap_or(0);
        let places: Arc<[u32]> = batch.cu_seqlens.windows(2).flat_map(|ends| 0..ends[1] - ends[0]).collect();
        let read = batch.reads.iter().map(|&read| places[read as usize]).collect();
        let (rows, all): (Arc<[u32]>, _) = match self.kind {
            Kind::Bias => ((0..BUCKETS as u32).collect(), Distances::new(longest, places, bucket)),
            Kind::Products(span) => {
                // Only the rows of distances that the texts have, from the one after the query to the one before it.
                let most = i64::from(longest.max(1)) - 1;
                let mut rows: Vec<u32> = (-most..=most).map(|distance| span.row(-distance)).collect();
                rows.dedup();
                let place = |distance: i64| rows.partition_point(|&row| row > span.row(-distance)) as u32;
                let all = Distances::new(longest, places, place);
                (rows.into(), all)
            }
        };
        let lookup = Lookup { table: &self.table, rows, what: "distance" };
        let mut rows = pass.tape.embedding(&[lookup])?;
        if let Some(norm) = &self.norm {
            rows = pass.tape.layer_norm(&rows, None, norm, Dropout::OFF)?;
        }
        let read = all.from_places(read);
        Ok(Prepared { rows, all, read, is_bias: matches!(self.kind, Kind::Bias) })
    }
}

/// The kind of a key's place minus a query's. Source: `MPNetEncoder.relative_position_bucket` of `transformers`.
fn bucket(distance: i64) -> u32 {
    const SIDE: u32 = BUCKETS as u32 / 2;
    const EXACT: u32 = SIDE / 2;
    const FARTHEST: f32 = 128.0;
    let side = if distance > 0 { SIDE } else { 0 };
    let distance = u32::try_from(distance.unsigned_abs()).unwrap_or(u32::MAX);
    if distance < EXACT {
        return side + distance;
    }
    let share = (distance as f32 / EXACT as f32).ln() / (FARTHEST / EXACT as f32).ln();
    side + (EXACT + (share * (SIDE - EXACT) as f32) as u32).min(SIDE - 1)
}

impl Span {
    /// The row of a query's place minus a key's. Source: `make_log_bucket_position` of `transformers`' `DeBERTa`.
    fn row(self, distance: i64) -> u32 {
        let bucket = match self.farthest {
            Some(farthest) if distance.abs() > self.rows / 2 => {
                let middle = self.rows / 2;
                let share = (distance.abs() as f32 / middle as f32).ln() / ((farthest - 1) as f32 / middle as f32).ln();
                distance.signum() * ((share * (middle - 1) as f32).ceil() as i64 + middle)
            }
            _ => distance,
        };
        (bucket + self.rows).clamp(0, 2 * self.rows - 1) as u32
    }
}

/// What a layer has for distances.
#[derive(Clone, Debug)]
pub(super) struct LayerPositions {
    /// Whether there are products of queries, and of keys, with distances.
    products: [bool; 2],
    /// The layers that make keys and queries of distances, where these are not those of tokens.
    own: [Option<Linear>; 2],
}

impl LayerPositions {
    /// `name` gives the whole name of a part of the layer.
    pub fn load(
        weights: &mut Weights,
        config: &ModelConfig,
        names: &RelativeNames,
        name: impl Fn(&str) -> String,
    ) -> std::result::Result<Self, ModelError> {
        let products = config.products_with_distances();
        let mut own = [None, None];
        if let (RelativeNames::Products { key, query, .. }, false) = (names, config.relative.share_att_key) {
            let sizes = (config.hidden_size, config.hidden_size);
            for (place, part) in [key, query].into_iter().enumerate().filter(|(place, _)| products[*place]) {
                own[place] = Some(Linear::load(weights, &name(part), sizes, Fill::Required)?);
            }
        }
        Ok(Self { products, own })
    }

    /// What the layer of that number adds; `key` and `query` are its own linear layers.
    pub fn terms(
        &self,
        prepared: &Prepared,
        index: usize,
        [key, query]: [&Linear; 2],
        pass: &mut Pass<'_>,
    ) -> Result<Terms> {
        if prepared.is_bias {
            return Ok(Terms::Bias(prepared.rows.clone()));
        }
        let dropout = pass.distance_dropout(index as u64);
        let rows = pass.tape.dropout(&prepared.rows, dropout)?;
        let mut made = [None, None];
        for (place, of_tokens) in [key, query].into_iter().enumerate().filter(|(place, _)| self.products[*place]) {
            let layer = self.own[place].as_ref().unwrap_or(of_tokens);
            made[place] = Some(layer.forward(pass, &rows, None)?);
        }
        let [keys, queries] = made;
        Ok(Terms::Products { keys, queries })
    }
}

/// What a layer adds to its scores.
pub(super) enum Terms {
    Bias(Value),
    Products { keys: Option<Value>, queries: Option<Value> },
}

impl Terms {
    /// For attention from all tokens, or from those that the batch reads.
    pub fn relative<'a>(&'a self, prepared: &'a Prepared, from_read: bool) -> Relative<'a> {
        let terms = match self {
            Self::Bias(table) => RelativeTerms::Bias(table),
            Self::Products { keys, queries } => {
                RelativeTerms::Products { keys: keys.as_ref(), queries: queries.as_ref() }
            }
        };
        Relative { terms, distances: if from_read { &prepared.read } else { &prepared.all } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first distance of each kind, computed with `transformers`.
    const STARTS: [i64; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91];

    #[test]
    fn kinds_of_distances_are_those_of_transformers() {
        for distance in 0..600 {
            let kind = STARTS.iter().rposition(|&start| start <= distance).unwrap() as u32;
            assert_eq!(bucket(-distance), kind, "{distance} before");
            let after = if distance == 0 { 0 } else { 16 + kind };
            assert_eq!(bucket(distance), after, "{distance} after");
        }
    }

    #[test]
    fn rows_of_distances_are_those_of_transformers() {
        let span = Span { rows: 256, farthest: Some(512) };
        let side = |distance: i64| i64::from(span.row(distance)) - 256;
        assert_eq!(
            [127, 128, 130, 131, 132, 133, 201, 505, 506, 511].map(side),
            [127, 128, 130, 131, 131, 132, 170, 254, 255, 255]
        );
        // Computed with `transformers`.
        assert_eq!((0..512).map(|distance| distance * side(distance)).sum::<i64>(), 27_457_213);
        assert!((0..512).all(|distance| side(-distance) == -side(distance)));
        assert_eq!([side(5_000), side(-5_000)], [255, -256]);

        let small = Span { rows: 8, farthest: Some(24) };
        let rows = [0, 1, 2, 3, 4, 5, 5, 5, 6, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7].map(|bucket| bucket + 8);
        assert_eq!((0..24).map(|distance| small.row(distance)).collect::<Vec<_>>(), rows);
        let plain = Span { rows: 5, farthest: None };
        assert_eq!([-9, -5, -4, 0, 4, 5, 9].map(|distance| plain.row(distance)), [0, 0, 1, 5, 9, 9, 9]);
    }
}
