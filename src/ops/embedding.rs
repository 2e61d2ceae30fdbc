//! The sum of three embeddings of each token: its word, its position, and its segment of the input.

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use crate::ops::array::Array;
use crate::ops::host::values;
use crate::ops::kernels::{ROWS, simd_kernel};
use crate::ops::regroup::Regroup;
use crate::ops::tape::{Flow, Op, Tape, Value, Weight};

/// The rows of the three tables for each token.
#[derive(Clone, Debug)]
pub struct TokenRows {
    /// Row of the word table, `[tokens]`.
    pub words: Arc<[u32]>,
    /// Row of the position table, `[tokens]`.
    pub positions: Arc<[u32]>,
    /// Row of the type table, `[tokens]`.
    pub types: Arc<[u32]>,
}

/// Values saved for the backward pass: each trained table and the rows looked up in it.
#[derive(Debug)]
pub(super) struct Record([(Weight, Arc<[u32]>); 3]);

impl Tape<'_> {
    /// `words[w] + positions[p] + types[t]` for each token: `[tokens, hidden]`; the tables are `[_, hidden]`.
    ///
    /// # Errors
    /// If a row is outside its table, the lengths differ, or a tensor operation fails.
    pub fn embedding(&mut self, words: &Weight, positions: &Weight, types: &Weight, rows: &TokenRows) -> Result<Value> {
        check(words, &rows.words, "token id")?;
        check(positions, &rows.positions, "position")?;
        check(types, &rows.types, "token type")?;
        if rows.words.len() != rows.positions.len() || rows.words.len() != rows.types.len() {
            let (positions, types) = (rows.positions.len(), rows.types.len());
            bail!("embedding: {} tokens, {positions} positions, {types} types", rows.words.len());
        }
        if !self.uses_kernels() {
            let tables = [words, positions, types].map(|table| self.composed(table));
            let sum = if self.is_training() { reference(&tables, rows)? } else { select(&tables, rows)? };
            return Ok(Value::Composed(sum));
        }
        let out = forward([words, positions, types], rows)?;
        let record = self.records(&[], &[words, positions, types]).then(|| {
            let of = |table: &Weight, rows: &Arc<[u32]>| (table.clone(), Arc::clone(rows));
            Record([of(words, &rows.words), of(positions, &rows.positions), of(types, &rows.types)])
        });
        Ok(self.made(out, record.map(Op::Embedding)))
    }
}

fn check(table: &Weight, rows: &[u32], what: &str) -> Result<()> {
    let (count, _) = table.tensor().dims2()?;
    match rows.iter().find(|&&row| row as usize >= count) {
        Some(row) => bail!("{what} {row} is outside the model's table of {count}"),
        None => Ok(()),
    }
}

fn reference(tables: &[Tensor], rows: &TokenRows) -> Result<Tensor> {
    (pick(&tables[0], &rows.words)? + pick(&tables[1], &rows.positions)?)? + pick(&tables[2], &rows.types)?
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

/// [`reference()`] without gradients.
fn select(tables: &[Tensor], rows: &TokenRows) -> Result<Tensor> {
    let select = |table: &Tensor, rows: &[u32]| table.index_select(&Tensor::new(rows, table.device())?, 0);
    (select(&tables[0], &rows.words)? + select(&tables[1], &rows.positions)?)? + select(&tables[2], &rows.types)?
}

fn forward(tables: [&Weight; 3], rows: &TokenRows) -> Result<Array> {
    let (_, width) = tables[0].tensor().dims2()?;
    let (words, positions) = (values(tables[0].tensor())?, values(tables[1].tensor())?);
    let types = values(tables[2].tensor())?;
    let (words, positions, types): (&[f32], &[f32], &[f32]) = (&words, &positions, &types);
    Ok(Array::written(rows.words.len(), width, |out| {
        out.par_chunks_mut(ROWS * width.max(1)).enumerate().for_each(|(chunk, out)| {
            for (place, out) in out.chunks_exact_mut(width.max(1)).enumerate() {
                let token = chunk * ROWS + place;
                let word = table_row(words, rows.words[token], width);
                let position = table_row(positions, rows.positions[token], width);
                add_three(word, position, table_row(types, rows.types[token], width), out);
            }
        });
    }))
}

fn table_row(table: &[f32], row: u32, width: usize) -> &[f32] {
    &table[row as usize * width..][..width]
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

    fn rows(tokens: usize) -> TokenRows {
        let pick = |modulus: usize| (0..tokens).map(|token| (token * 7 % modulus) as u32).collect();
        TokenRows { words: pick(11), positions: pick(5), types: pick(2) }
    }

    #[test]
    fn agrees_with_the_reference() {
        for (tokens, width) in [(1, 1), (9, 3), (150, 33)] {
            let tables = [normal(vec![11, width], 1), normal(vec![5, width], 2), normal(vec![2, width], 3)];
            let rows = rows(tokens);
            agree(&[], &tables, |tape, _, w| tape.embedding(&w[0], &w[1], &w[2], &rows), |x| reference(x, &rows));
        }
    }

    #[test]
    fn without_gradients_the_rows_are_the_same() {
        let rows = rows(9);
        let tables = [normal(vec![11, 4], 1), normal(vec![5, 4], 2), normal(vec![2, 4], 3)];
        let same = (select(&tables, &rows).unwrap() - reference(&tables, &rows).unwrap()).unwrap();
        assert!(same.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap() < 1e-6);
    }

    #[test]
    fn rows_outside_a_table_are_refused() {
        let table = |rows: usize| Weight::new(normal(vec![rows, 4], 1), None);
        let tables = [table(11), table(4), table(2)];
        let refused = |rows: &TokenRows| {
            let mut tape = Tape::inference(Backend::default());
            tape.embedding(&tables[0], &tables[1], &tables[2], rows).unwrap_err().to_string()
        };
        let error = refused(&rows(6));
        assert!(error.contains("position 4 is outside the model's table of 4"), "{error}");
        let error = refused(&TokenRows { types: Arc::new([]), ..rows(1) });
        assert!(error.contains("1 tokens, 1 positions, 0 types"), "{error}");
    }
}
