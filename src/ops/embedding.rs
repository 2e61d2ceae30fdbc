//! The sum of three embeddings of each token: what it is, where it stands, and which part of the input it is in.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::host::{gradient, is_fast, operand, output, values};
use super::kernels::{ROWS, simd_kernel};

/// The rows each token takes from the three tables.
#[derive(Clone, Debug)]
pub struct TokenRows {
    /// Row of the word table, `[tokens]`.
    pub words: Arc<[u32]>,
    /// Row of the position table, `[tokens]`.
    pub positions: Arc<[u32]>,
    /// Row of the type table, `[tokens]`.
    pub types: Arc<[u32]>,
}

/// `words[w] + positions[p] + types[t]` for each token: `[tokens, hidden]`; the tables are `[_, hidden]`.
///
/// # Errors
/// When a row is not in its table, the lengths differ, or a tensor operation fails.
pub fn embedding(words: &Tensor, positions: &Tensor, types: &Tensor, rows: &TokenRows) -> Result<Tensor> {
    check(words, &rows.words, "token id")?;
    check(positions, &rows.positions, "position")?;
    check(types, &rows.types, "token type")?;
    if rows.words.len() != rows.positions.len() || rows.words.len() != rows.types.len() {
        bail!("embedding: {} tokens, {} positions, {} types", rows.words.len(), rows.positions.len(), rows.types.len());
    }
    if is_fast(&[words, positions, types]) {
        words.contiguous()?.apply_op3(&positions.contiguous()?, &types.contiguous()?, Fast(rows.clone()))
    } else {
        reference(words, positions, types, rows)
    }
}

fn check(table: &Tensor, rows: &[u32], what: &str) -> Result<()> {
    let (count, _) = table.dims2()?;
    match rows.iter().find(|&&row| row as usize >= count) {
        Some(row) => bail!("{what} {row} is outside the model's table of {count}"),
        None => Ok(()),
    }
}

fn reference(words: &Tensor, positions: &Tensor, types: &Tensor, rows: &TokenRows) -> Result<Tensor> {
    let pick = |table: &Tensor, rows: &[u32]| table.index_select(&Tensor::new(rows, table.device())?, 0);
    (pick(words, &rows.words)? + pick(positions, &rows.positions)?)? + pick(types, &rows.types)?
}

struct Fast(TokenRows);

impl CustomOp3 for Fast {
    fn name(&self) -> &'static str {
        "embedding"
    }

    fn cpu_fwd(
        &self,
        words: &CpuStorage,
        words_layout: &Layout,
        positions: &CpuStorage,
        positions_layout: &Layout,
        types: &CpuStorage,
        types_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (words, positions) = (operand(words, words_layout)?, operand(positions, positions_layout)?);
        let types = operand(types, types_layout)?;
        let (_, width) = words_layout.shape().dims2()?;
        let mut out = vec![0.0; self.0.words.len() * width];
        let rows = &self.0;
        out.par_chunks_mut(ROWS * width.max(1)).enumerate().for_each(|(chunk, out)| {
            for (place, out) in out.chunks_exact_mut(width).enumerate() {
                let token = chunk * ROWS + place;
                let word = table_row(words, rows.words[token], width);
                let position = table_row(positions, rows.positions[token], width);
                add_three(word, position, table_row(types, rows.types[token], width), out);
            }
        });
        Ok(output(out, (self.0.words.len(), width)))
    }

    // Each row's gradient is the sum over the tokens that took it, added in token order.
    fn bwd(
        &self,
        words: &Tensor,
        positions: &Tensor,
        types: &Tensor,
        _result: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let grad = grad.contiguous()?;
        let grad = values(&grad)?;
        let scatter = |table: &Tensor, rows: &[u32]| -> Result<Option<Tensor>> {
            if !table.track_op() {
                return Ok(None);
            }
            let mut sums = vec![0.0; table.elem_count()];
            scatter_add(&grad, rows, table.dim(1)?, &mut sums);
            gradient(sums, table).map(Some)
        };
        let rows = &self.0;
        Ok((scatter(words, &rows.words)?, scatter(positions, &rows.positions)?, scatter(types, &rows.types)?))
    }
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

simd_kernel! {
    fn scatter_add(grad: &[f32], rows: &[u32], width: usize, sums: &mut [f32]) {
        for (grad, &row) in grad.chunks_exact(width.max(1)).zip(rows) {
            let sums = &mut sums[row as usize * width..][..width];
            for (sum, grad) in sums.iter_mut().zip(grad) {
                *sum += grad;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
            agree(&tables, |x| embedding(&x[0], &x[1], &x[2], &rows), |x| reference(&x[0], &x[1], &x[2], &rows));
        }
    }

    #[test]
    fn rows_outside_a_table_are_refused() {
        let tables = [normal(vec![11, 4], 1), normal(vec![4, 4], 2), normal(vec![2, 4], 3)];
        let error = embedding(&tables[0], &tables[1], &tables[2], &rows(6)).unwrap_err().to_string();
        assert!(error.contains("position 4 is outside the model's table of 4"), "{error}");
        let uneven = TokenRows { types: Arc::new([]), ..rows(1) };
        let error = embedding(&tables[0], &tables[1], &tables[2], &uneven).unwrap_err().to_string();
        assert!(error.contains("1 tokens, 1 positions, 0 types"), "{error}");
    }
}
