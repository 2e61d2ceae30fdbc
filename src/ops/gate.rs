//! A gated linear unit: the activation of one half of the columns times the other half (Shazeer, 2002.05202).

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use crate::ops::activation::{self, Activation};
use crate::ops::array::Array;
use crate::ops::kernels::{ROWS, simd_kernel};
use crate::ops::tape::{Flow, Node, Op, Tape, Value};

/// What the backward pass needs.
#[derive(Debug)]
pub(super) struct Record {
    activation: Activation,
    input: Array,
    from: Option<Node>,
}

impl Tape<'_> {
    /// `activation(first half) * second half` of each row: `[rows, width]` of `x` `[rows, 2 width]`.
    ///
    /// # Errors
    /// If `x` has an odd width, or a tensor operation fails.
    pub fn gate(&mut self, x: &Value, activation: Activation) -> Result<Value> {
        let (rows, both) = x.dims()?;
        if !both.is_multiple_of(2) {
            bail!("gate: {both} columns have no halves");
        }
        if !self.uses_kernels() {
            return Ok(Value::Composed(reference(x.composed()?, activation)?));
        }
        let x = x.host()?;
        let (width, kernel) = (both / 2, activation.kernel());
        let out = Array::written(rows, width, |out| {
            each_chunk(out, width, x.array.values(), both).for_each(|(out, x)| {
                for (out, x) in out.chunks_exact_mut(width).zip(x.chunks_exact(both)) {
                    let (gate, other) = x.split_at(width);
                    kernel(gate, out);
                    multiply(out, other);
                }
            });
        });
        let record = self.records(&[x.node], &[]).then(|| Record { activation, input: x.array.clone(), from: x.node });
        Ok(self.made(out, record.map(Op::Gate)))
    }
}

/// As many rows of two matrices at a time; the first has `width` columns, the second `both`.
fn each_chunk<'a>(
    out: &'a mut [f32],
    width: usize,
    x: &'a [f32],
    both: usize,
) -> impl IndexedParallelIterator<Item = (&'a mut [f32], &'a [f32])> {
    out.par_chunks_mut(ROWS * width.max(1)).zip(x.par_chunks(ROWS * both.max(1)))
}

fn reference(x: &Tensor, activation: Activation) -> Result<Tensor> {
    let halves = x.chunk(2, 1)?;
    activation::reference(&halves[0].contiguous()?, activation)? * &halves[1]
}

impl Record {
    // With y = f(a) b:  da = dy b f'(a),  db = dy f(a).
    pub(super) fn backward(self, gradient: &Array, flow: &mut Flow<'_>) {
        let (rows, width) = (gradient.rows(), gradient.width());
        let both = 2 * width;
        let (kernel, derivative) = (self.activation.kernel(), self.activation.derivative_kernel());
        let out = Array::written(rows, both, |out| {
            let chunks = each_chunk(out, both, self.input.values(), both);
            chunks.zip(gradient.values().par_chunks(ROWS * width.max(1))).for_each(|((out, x), gradient)| {
                let rows = out.chunks_exact_mut(both).zip(x.chunks_exact(both)).zip(gradient.chunks_exact(width));
                for ((out, x), gradient) in rows {
                    let ((of_gate, of_other), (gate, other)) = (out.split_at_mut(width), x.split_at(width));
                    of_gate.copy_from_slice(gradient);
                    multiply(of_gate, other);
                    derivative(gate, of_gate);
                    kernel(gate, of_other);
                    multiply(of_other, gradient);
                }
            });
        });
        flow.add(self.from, out);
    }
}

simd_kernel! {
    fn multiply(values: &mut [f32], factors: &[f32]) {
        for (value, factor) in values.iter_mut().zip(factors) {
            *value *= factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{agree, normal};

    #[test]
    fn agrees_with_the_reference() {
        for activation in [Activation::Silu, Activation::Gelu, Activation::GeluTanh] {
            for (rows, width) in [(1, 1), (7, 19), (130, 300)] {
                agree(
                    &[normal(vec![rows, 2 * width], 1)],
                    &[],
                    |tape, x, _| tape.gate(&x[0], activation),
                    |x| reference(&x[0], activation),
                );
            }
        }
    }

    #[test]
    fn an_odd_width_is_refused() {
        let mut tape = Tape::inference(crate::ops::Backend::default());
        let (x, _) = tape.leaf(Array::zeros(2, 3));
        assert!(tape.gate(&x, Activation::Silu).unwrap_err().to_string().contains("3 columns have no halves"));
    }
}
