//! The low-rank update of linear layers: `y + scale * (x Aᵀ) Bᵀ` (Hu et al., 2106.09685).

use candle_core::{Result, Tensor, bail};

use crate::ops::array::Array;
use crate::ops::host::values;
use crate::ops::kernels::MatrixPrecision;
use crate::ops::kernels::matmul::{Matrix, Onto, Operand, Threads, matmul};
use crate::ops::tape::{Flow, Node, Op, Tape, Value, Weight};

/// The update of one layer among several side by side.
#[derive(Clone, Debug)]
pub struct LowRank {
    /// `B`, `[out, rank]`.
    pub up: Weight,
    /// The layer's first column in the outputs.
    pub column: usize,
    /// How much the update counts.
    pub scale: f32,
}

/// What the backward pass needs.
#[derive(Debug)]
pub(super) struct Record {
    low: Array,
    from: (Option<Node>, Option<Node>),
    updates: Vec<LowRank>,
}

impl Tape<'_> {
    /// `y` `[rows, sum of outs]` with the update of some of the layers whose outputs are in it. `low` `[rows, sum of ranks]`
    /// has `x Aᵀ` of each update side by side.
    ///
    /// # Errors
    /// When the shapes do not fit together, or a tensor operation fails.
    pub fn low_rank(&mut self, y: Value, low: &Value, updates: Vec<LowRank>) -> Result<Value> {
        check(&y, low, &updates)?;
        if !self.uses_kernels() {
            let parts: Vec<Tensor> = updates.iter().map(|update| self.composed(&update.up)).collect();
            return Ok(Value::Composed(reference(y.composed()?, low.composed()?, &parts, &updates)?));
        }
        let (y, low) = (y.into_host()?, low.host()?);
        let (mut out, rows) = (y.array, low.array.rows());
        let total = out.width();
        let mut first = 0;
        for LowRank { up, column, scale } in &updates {
            let (outputs, rank) = up.tensor().dims2()?;
            let scaled = scaled(up, *scale)?;
            let right = Operand::right(Matrix::new(&scaled, outputs, rank).transposed(), MatrixPrecision::F32);
            let left = Operand::left(low.array.columns(first, rank), MatrixPrecision::F32);
            let columns = out.values_mut().get_mut(*column..).unwrap_or_default();
            if rows > 0 {
                matmul(columns, total, &left, &right, Onto::Out, Threads::Pool);
            }
            first += rank;
        }
        let ups: Vec<&Weight> = updates.iter().map(|update| &update.up).collect();
        let recorded = self.records(&[y.node, low.node], &ups);
        let record = recorded.then(|| Record { low: low.array, from: (y.node, low.node), updates });
        Ok(self.made(out, record.map(Op::LowRank)))
    }
}

fn check(y: &Value, low: &Value, updates: &[LowRank]) -> Result<()> {
    let ((rows, total), (rows_of_low, ranks)) = (y.dims()?, low.dims()?);
    let mut sum = 0;
    for LowRank { up, column, .. } in updates {
        let (outputs, rank) = up.tensor().dims2()?;
        sum += rank;
        if column + outputs > total {
            bail!("low rank: an update of columns {column}..{} for an output of width {total}", column + outputs);
        }
    }
    if rows != rows_of_low || sum != ranks {
        bail!("low rank: {rows_of_low} rows of {ranks} ranks, for {rows} rows and updates of {sum} ranks");
    }
    Ok(())
}

fn reference(y: &Tensor, low: &Tensor, ups: &[Tensor], updates: &[LowRank]) -> Result<Tensor> {
    let (rows, total) = y.dims2()?;
    let (mut sum, mut first) = (y.clone(), 0);
    for (up, LowRank { column, scale, .. }) in ups.iter().zip(updates) {
        let (outputs, rank) = up.dims2()?;
        let update = (low.narrow(1, first, rank)?.contiguous()?.matmul(&up.t()?)? * f64::from(*scale))?;
        let zeros = |width: usize| Tensor::zeros((rows, width), y.dtype(), y.device());
        let update = Tensor::cat(&[zeros(*column)?, update, zeros(total - column - outputs)?], 1)?;
        sum = (sum + update)?;
        first += rank;
    }
    Ok(sum)
}

/// The values of a weight times a number.
fn scaled(weight: &Weight, scale: f32) -> Result<Vec<f32>> {
    Ok(values(weight.tensor())?.iter().map(|value| value * scale).collect())
}

impl Record {
    // With y' = y + s l Bᵀ:  dy = dy',  dl = s dy' B,  dB = s dy'ᵀ l.
    pub(super) fn backward(self, gradient: Array, flow: &mut Flow<'_>) -> Result<()> {
        let Self { low, from: (of_y, of_low), updates } = self;
        let (rows, ranks) = (low.rows(), low.width());
        let mut gradient_of_low = of_low.map(|_| Array::zeros(rows, ranks));
        let mut first = 0;
        for LowRank { up, column, scale } in &updates {
            let (outputs, rank) = up.tensor().dims2()?;
            let columns = gradient.columns(*column, outputs);
            if let Some(number) = up.number() {
                let left = Operand::left(columns.transposed(), MatrixPrecision::F32);
                let scaled: Vec<f32> = low.values().iter().map(|value| value * scale).collect();
                let scaled = Matrix::strided(scaled.get(first..).unwrap_or_default(), rows, rank, ranks);
                let right = Operand::right(scaled, MatrixPrecision::F32);
                flow.gradients.add_dense(number, (outputs, rank), |out, accumulate| {
                    matmul(out, rank, &left, &right, Onto::out_when(accumulate), Threads::Pool);
                });
            }
            if let Some(out) = &mut gradient_of_low {
                let up = self::scaled(up, *scale)?;
                let right = Operand::right(Matrix::new(&up, outputs, rank), MatrixPrecision::F32);
                let out = out.values_mut().get_mut(first..).unwrap_or_default();
                let left = Operand::left(columns, MatrixPrecision::F32);
                matmul(out, ranks, &left, &right, Onto::Zeros, Threads::Pool);
            }
            first += rank;
        }
        if let Some(gradient) = gradient_of_low {
            flow.add(of_low, gradient);
        }
        flow.add(of_y, gradient);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{agree, normal};

    /// Updates of columns 2..5 and 6..10, of ranks 2 and 1.
    fn updates(ups: &[Weight]) -> Vec<LowRank> {
        vec![
            LowRank { up: ups[0].clone(), column: 2, scale: 0.5 },
            LowRank { up: ups[1].clone(), column: 6, scale: 2.0 },
        ]
    }

    #[test]
    fn agrees_with_the_reference() {
        for rows in [1, 7, 70] {
            agree(
                &[normal(vec![rows, 11], 1), normal(vec![rows, 3], 2)],
                &[normal(vec![3, 2], 3), normal(vec![4, 1], 4)],
                |tape, x, w| tape.low_rank(x[0].clone(), &x[1], updates(w)),
                |x| {
                    let weights = [&x[2], &x[3]].map(|tensor| Weight::new(tensor.clone(), None));
                    reference(&x[0], &x[1], &x[2..], &updates(&weights))
                },
            );
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let weight = |rows, width| {
            let values = vec![0.0_f32; rows * width];
            Weight::new(Tensor::from_vec(values, (rows, width), &candle_core::Device::Cpu).unwrap(), None)
        };
        let mut tape = Tape::inference(crate::ops::Backend::default());
        let like = weight(1, 1);
        let mut refuses = |(rows, total), (rows_of_low, ranks), column| {
            let y = tape.constant(Array::zeros(rows, total), &like).unwrap();
            let low = tape.constant(Array::zeros(rows_of_low, ranks), &like).unwrap();
            tape.low_rank(y, &low, vec![LowRank { up: weight(3, 2), column, scale: 1.0 }]).is_err()
        };
        assert!(!refuses((4, 5), (4, 2), 2));
        assert!(refuses((4, 5), (4, 2), 3), "columns beyond the output");
        assert!(refuses((4, 5), (3, 2), 2), "other rows");
        assert!(refuses((4, 5), (4, 3), 2), "other ranks");
    }
}
