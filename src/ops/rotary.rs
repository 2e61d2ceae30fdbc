//! Rotary position embeddings: pairs of columns of queries and keys are turned by an angle that grows with the position (Su et
//! al., 2104.09864). The pairs are a column of the first half of a head and the same of its second half, as `transformers` has
//! them.

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use crate::ops::array::Array;
use crate::ops::kernels::{ROWS, simd_kernel};
use crate::ops::tape::{Flow, Node, Op, Tape, Value};

/// Cosines and sines of the angles at each position.
#[derive(Clone, Debug)]
pub struct Rotary {
    /// `[positions, size / 2]`.
    cosines: Arc<[f32]>,
    /// `[positions, size / 2]`.
    sines: Arc<[f32]>,
    /// Columns of a head.
    size: usize,
}

impl Rotary {
    /// The angles of the first `positions` positions. `frequencies`, `[size / 2]`, are the angles from one position to the next.
    #[must_use]
    pub fn new(frequencies: &[f32], positions: usize) -> Self {
        let angles = |of: fn(f32) -> f32| {
            let of_position =
                |position: usize| frequencies.iter().map(move |frequency| of(position as f32 * frequency));
            (0..positions).flat_map(of_position).collect()
        };
        Self { cosines: angles(f32::cos), sines: angles(f32::sin), size: 2 * frequencies.len() }
    }

    fn angles(&self, position: u32) -> (&[f32], &[f32]) {
        let (half, first) = (self.size / 2, position as usize * self.size / 2);
        (&self.cosines[first..first + half], &self.sines[first..first + half])
    }

    fn positions(&self) -> usize {
        self.cosines.len() / (self.size / 2).max(1)
    }
}

/// What the backward pass needs.
#[derive(Debug)]
pub(super) struct Record {
    rotary: Rotary,
    heads: usize,
    positions: Arc<[u32]>,
    from: Option<Node>,
}

impl Tape<'_> {
    /// Turns the first `heads` heads of each row of `x` by the angles of its position; the other columns stay: `[rows, width]`.
    ///
    /// # Errors
    /// If a row has no position, or one without angles; if `x` has fewer columns; or if a tensor operation fails.
    pub fn rotary(&mut self, x: &Value, heads: usize, positions: &Arc<[u32]>, rotary: &Rotary) -> Result<Value> {
        let (rows, width) = x.dims()?;
        let last = positions.iter().max().map_or(0, |&last| last as usize);
        if positions.len() != rows || last >= rotary.positions() || heads * rotary.size > width {
            let (count, known) = (positions.len(), rotary.positions());
            bail!("rotary: {rows} rows of {width} columns, {count} positions up to {last} of {known}, {heads} heads");
        }
        if !self.uses_kernels() {
            return Ok(Value::Composed(reference(x.composed()?, heads, positions, rotary)?));
        }
        let x = x.host()?;
        let mut out = x.array.clone();
        turn(&mut out, heads, positions, rotary, 1.0);
        let record = self.records(&[x.node], &[]).then(|| Record {
            rotary: rotary.clone(),
            heads,
            positions: Arc::clone(positions),
            from: x.node,
        });
        Ok(self.made(out, record.map(Op::Rotary)))
    }
}

/// Turns rows in place; back, if `direction` is -1.
fn turn(x: &mut Array, heads: usize, positions: &[u32], rotary: &Rotary, direction: f32) {
    let width = x.width().max(1);
    let chunks = x.values_mut().par_chunks_mut(ROWS * width).zip(positions.par_chunks(ROWS));
    chunks.for_each(|(x, positions)| {
        for (x, &position) in x.chunks_exact_mut(width).zip(positions) {
            let (cosines, sines) = rotary.angles(position);
            turn_row(&mut x[..heads * rotary.size], cosines, sines, direction);
        }
    });
}

simd_kernel! {
    fn turn_row(x: &mut [f32], cosines: &[f32], sines: &[f32], direction: f32) {
        let half = cosines.len();
        for head in x.chunks_exact_mut(2 * half) {
            let (first, second) = head.split_at_mut(half);
            for (((first, second), cosine), sine) in first.iter_mut().zip(second).zip(cosines).zip(sines) {
                let (a, b, sine) = (*first, *second, sine * direction);
                *first = a * cosine - b * sine;
                *second = b * cosine + a * sine;
            }
        }
    }
}

fn reference(x: &Tensor, heads: usize, positions: &[u32], rotary: &Rotary) -> Result<Tensor> {
    let ((rows, width), (size, half)) = (x.dims2()?, (rotary.size, rotary.size / 2));
    let table = |values: &Arc<[f32]>| {
        let all = Tensor::from_slice(values, (rotary.positions(), half), x.device())?;
        let of_rows = all.index_select(&Tensor::new(positions, x.device())?, 0)?;
        of_rows.to_dtype(x.dtype())?.reshape((rows, 1, half))
    };
    let (cosines, sines) = (table(&rotary.cosines)?, table(&rotary.sines)?);
    let turned = x.narrow(1, 0, heads * size)?.reshape((rows, heads, size))?;
    let (first, second) = (turned.narrow(2, 0, half)?, turned.narrow(2, half, half)?);
    let first_turned = (first.broadcast_mul(&cosines)? - second.broadcast_mul(&sines)?)?;
    let second_turned = (second.broadcast_mul(&cosines)? + first.broadcast_mul(&sines)?)?;
    let turned = Tensor::cat(&[first_turned, second_turned], 2)?.reshape((rows, heads * size))?;
    if heads * size == width {
        return Ok(turned);
    }
    Tensor::cat(&[turned, x.narrow(1, heads * size, width - heads * size)?], 1)
}

impl Record {
    // A rotation's derivative is the rotation back.
    pub(super) fn backward(self, mut gradient: Array, flow: &mut Flow<'_>) {
        turn(&mut gradient, self.heads, &self.positions, &self.rotary, -1.0);
        flow.add(self.from, gradient);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{agree, normal};

    #[test]
    fn agrees_with_the_reference() {
        for (heads, half, rest, rows) in [(1, 1, 0, 1), (3, 4, 8, 9), (2, 16, 32, 150)] {
            let frequencies: Vec<f32> = (0..half).map(|pair| 10_000_f32.powf(-(pair as f32) / half as f32)).collect();
            let rotary = Rotary::new(&frequencies, 60);
            let positions: Arc<[u32]> = (0..rows).map(|row| (row as u32 * 7) % 60).collect();
            agree(
                &[normal(vec![rows, heads * 2 * half + rest], 1)],
                &[],
                |tape, x, _| tape.rotary(&x[0], heads, &positions, &rotary),
                |x| reference(&x[0], heads, &positions, &rotary),
            );
        }
    }

    #[test]
    fn rows_without_angles_are_refused() {
        let rotary = Rotary::new(&[1.0, 0.1], 3);
        let refused = |width: usize, positions: &[u32]| {
            let mut tape = Tape::inference(crate::ops::Backend::default());
            let (x, _) = tape.leaf(Array::zeros(2, width));
            tape.rotary(&x, 2, &positions.into(), &rotary).unwrap_err().to_string()
        };
        assert!(refused(8, &[0, 3]).contains("2 positions up to 3 of 3"));
        assert!(refused(8, &[0]).contains("2 rows of 8 columns, 1 positions"));
        assert!(refused(7, &[0, 1]).contains("2 rows of 7 columns"));
    }
}
