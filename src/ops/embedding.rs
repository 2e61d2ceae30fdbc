//! The sum of embeddings of each token: its word, and where the network has them its position and its segment.

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use crate::ops::array::Array;
use crate::ops::gradients::add_to;
use crate::ops::host::values;
use crate::ops::kernels::{ROWS, simd_kernel};
use crate::ops::regroup::Regroup;
use crate::ops::tape::{Flow, Op, Tape, Value, Weight};

/// A table of embeddings, and the row that each token looks up in it.
#[derive(Clone, Debug)]
pub struct Lookup<'a> {
    /// `[_, width]`.
    pub table: &'a Weight,
    /// Row of each token, `[tokens]`.
    pub rows: Arc<[u32]>,
    /// What a row stands for, for messages: `token id`, for example.
    pub what: &'static str,
}

/// Values saved for the backward pass: each trained table and the rows looked up in it.
#[derive(Debug)]
pub(super) struct Record(Vec<(Weight, Arc<[u32]>)>);

impl Tape<'_> {
    /// The sum of what each token looks up, `[tokens, width]`.
    ///
    /// # Errors
    /// If there is no table, a row is outside its table, the lengths or widths differ, or a tensor operation fails.
    pub fn embedding(&mut self, lookups: &[Lookup<'_>]) -> Result<Value> {
        check(lookups)?;
        if !self.uses_kernels() {
            let tables: Vec<Tensor> = lookups.iter().map(|lookup| self.composed(lookup.table)).collect();
            let of_a_table = if self.is_training() { pick } else { select };
            return Ok(Value::Composed(sum(&tables, lookups, of_a_table)?));
        }
        let out = forward(lookups)?;
        let tables: Vec<&Weight> = lookups.iter().map(|lookup| lookup.table).collect();
        let record = self
            .records(&[], &tables)
            .then(|| Record(lookups.iter().map(|lookup| (lookup.table.clone(), Arc::clone(&lookup.rows))).collect()));
        Ok(self.made(out, record.map(Op::Embedding)))
    }
}

fn check(lookups: &[Lookup<'_>]) -> Result<()> {
    let Some(first) = lookups.first() else { bail!("embedding: there is no table") };
    let (_, width) = first.table.tensor().dims2()?;
    for Lookup { table, rows, what } in lookups {
        let (count, own_width) = table.tensor().dims2()?;
        if let Some(row) = rows.iter().find(|&&row| row as usize >= count) {
            bail!("{what} {row} is outside the model's table of {count}");
        }
        if rows.len() != first.rows.len() || own_width != width {
            let (tokens, others) = (first.rows.len(), rows.len());
            bail!("embedding: {tokens} tokens of width {width}, and {others} of width {own_width} ({what})");
        }
    }
    Ok(())
}

fn sum(tables: &[Tensor], lookups: &[Lookup<'_>], of_a_table: fn(&Tensor, &[u32]) -> Result<Tensor>) -> Result<Tensor> {
    let mut parts = tables.iter().zip(lookups).map(|(table, lookup)| of_a_table(table, &lookup.rows));
    let Some(first) = parts.next() else { bail!("embedding: there is no table") };
    parts.try_fold(first?, |sum, part| sum + part?)
}

/// Rows of a table; a row may be repeated.
///
/// A row's gradient is the sum of those of its copies. candle's selection of rows adds them one after another, which takes
/// a GPU a thousandth of a second for each table. So each row is taken once and copied by a product with zeros and ones,
/// whose derivative is a product too.
fn pick(table: &Tensor, rows: &[u32]) -> Result<Tensor> {
    let mut taken = rows.to_vec();
    taken.sort_unstable();
    taken.dedup();
    let once = taken.iter().map(|&row| Some(row)).collect::<Vec<_>>();
    let once = Regroup::new(&once, table.dim(0)?, table.device())?.apply(table)?;
    let (wanted, taken) = (Tensor::new(rows, table.device())?, Tensor::new(taken, table.device())?);
    let copies = wanted.unsqueeze(1)?.broadcast_eq(&taken.unsqueeze(0)?)?;
    copies.to_dtype(table.dtype())?.matmul(&once)
}

/// [`pick`] without gradients.
fn select(table: &Tensor, rows: &[u32]) -> Result<Tensor> {
    table.index_select(&Tensor::new(rows, table.device())?, 0)
}

fn forward(lookups: &[Lookup<'_>]) -> Result<Array> {
    let (_, width) = lookups[0].table.tensor().dims2()?;
    let width = width.max(1);
    let tables = lookups.iter().map(|lookup| values(lookup.table.tensor())).collect::<Result<Vec<_>>>()?;
    let tables: Vec<&[f32]> = tables.iter().map(|table| &**table).collect();
    Ok(Array::written(lookups[0].rows.len(), width, |out| {
        out.par_chunks_mut(ROWS * width).enumerate().for_each(|(chunk, out)| {
            for (place, out) in out.chunks_exact_mut(width).enumerate() {
                let token = chunk * ROWS + place;
                let row = |table: usize| &tables[table][lookups[table].rows[token] as usize * width..][..width];
                if tables.len() == 3 {
                    add_three(row(0), row(1), row(2), out);
                } else {
                    out.copy_from_slice(row(0));
                    (1..tables.len()).for_each(|table| add_to(out, row(table)));
                }
            }
        });
    }))
}

simd_kernel! {
    fn add_three(first: &[f32], second: &[f32], third: &[f32], out: &mut [f32]) {
        for (((out, first), second), third) in out.iter_mut().zip(first).zip(second).zip(third) {
            *out = first + second + third;
        }
    }
}

impl Record {
    // Each row's gradient is the sum over the tokens that looked it up, in token order.
    pub(super) fn backward(self, gradient: &Array, flow: &mut Flow<'_>) -> Result<()> {
        for (table, rows) in &self.0 {
            if let Some(number) = table.number() {
                flow.gradients.add_rows(number, table.tensor().dims2()?, rows, gradient.values());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Backend;
    use crate::ops::testing::{agree, normal};

    const ROWS_OF_TABLES: [usize; 3] = [11, 5, 2];

    fn lookups(tables: &[Weight], tokens: usize) -> Vec<Lookup<'_>> {
        let all = tables.iter().zip(ROWS_OF_TABLES).zip(["token id", "position", "token type"]);
        let rows = |count: usize| (0..tokens).map(|token| (token * 7 % count) as u32).collect();
        all.map(|((table, count), what)| Lookup { table, rows: rows(count), what }).collect()
    }

    fn tables(count: usize, width: usize) -> Vec<Tensor> {
        (0..count).map(|table| normal(vec![ROWS_OF_TABLES[table], width], table as u64 + 1)).collect()
    }

    fn weights(tables: &[Tensor]) -> Vec<Weight> {
        tables.iter().map(|table| Weight::new(table.clone(), None)).collect()
    }

    #[test]
    fn agrees_with_the_reference() {
        for (count, tokens, width) in [(3, 1, 1), (3, 9, 3), (3, 150, 33), (2, 150, 33), (1, 9, 5)] {
            let tables = tables(count, width);
            let weights = weights(&tables);
            let reference = |x: &[Tensor]| sum(x, &lookups(&weights, tokens), pick);
            agree(&[], &tables, |tape, _, w| tape.embedding(&lookups(w, tokens)), reference);
        }
    }

    #[test]
    fn without_gradients_the_rows_are_the_same() {
        let tables = tables(3, 4);
        let weights = weights(&tables);
        let of = |how| sum(&tables, &lookups(&weights, 9), how).unwrap();
        let same = (of(select) - of(pick)).unwrap();
        assert!(same.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap() < 1e-6);
    }

    #[test]
    fn lookups_that_do_not_fit_are_refused() {
        let weights = weights(&tables(3, 4));
        let refused = |lookups: &[Lookup<'_>]| {
            let mut tape = Tape::inference(Backend::default());
            tape.embedding(lookups).unwrap_err().to_string()
        };
        let mut outside = lookups(&weights, 6);
        outside[1].rows = [0, 1, 2, 3, 4, 5].into();
        let error = refused(&outside);
        assert!(error.contains("position 5 is outside the model's table of 5"), "{error}");
        let mut fewer = lookups(&weights, 1);
        fewer[2].rows = [].into();
        let error = refused(&fewer);
        assert!(error.contains("1 tokens of width 4, and 0 of width 4 (token type)"), "{error}");
        let narrow = Weight::new(normal(vec![5, 3], 1), None);
        let mut uneven = lookups(&weights, 2);
        uneven[1].table = &narrow;
        assert!(refused(&uneven).contains("and 2 of width 3 (position)"));
        assert!(refused(&[]).contains("no table"));
    }
}
