//! Element-wise activations of the networks.

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use crate::ops::array::Array;
use crate::ops::kernels::math::{erf, exp};
use crate::ops::kernels::{CHUNK, simd_kernel};
use crate::ops::tape::{Flow, Node, Op, Tape, Value};

/// An activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// The Gaussian error linear unit with the error function: `0.5 x (1 + erf(x / √2))` (Hendrycks and Gimpel, 1606.08415).
    Gelu,
    /// Its approximation by the hyperbolic tangent, as GPT-2 has it (`gelu_new` in `transformers`).
    GeluTanh,
    /// `max(x, 0)`.
    Relu,
    /// The sigmoid-weighted linear unit, or swish: `x / (1 + e⁻ˣ)` (Elfwing et al., 1702.03118).
    Silu,
    /// The hyperbolic tangent.
    Tanh,
}

/// Values saved for the backward pass.
#[derive(Debug)]
pub(super) struct Record {
    activation: Activation,
    /// What it was applied to.
    input: Array,
    from: Option<Node>,
}

impl Tape<'_> {
    /// `activation` of every element of `x`.
    ///
    /// # Errors
    /// If a tensor operation fails.
    pub fn activation(&mut self, x: &Value, activation: Activation) -> Result<Value> {
        if !self.uses_kernels() {
            return Ok(Value::Composed(reference(x.composed()?, activation)?));
        }
        let x = x.host()?;
        let out = apply(&x.array, activation);
        let record = self.records(&[x.node], &[]).then(|| Record { activation, input: x.array.clone(), from: x.node });
        Ok(self.made(out, record.map(Op::Activation)))
    }
}

impl Record {
    pub(super) fn backward(self, gradient: Array, flow: &mut Flow<'_>) {
        let gradient = backward(gradient, &self.input, self.activation);
        flow.add(self.from, gradient);
    }
}

pub(super) fn reference(x: &Tensor, activation: Activation) -> Result<Tensor> {
    match activation {
        Activation::Gelu => x.gelu_erf(),
        Activation::GeluTanh => x.gelu(),
        Activation::Relu => x.relu(),
        Activation::Silu => x.silu(),
        Activation::Tanh => x.tanh(),
    }
}

impl Activation {
    /// Writes the activation of each number of the first slice into the second.
    pub(super) fn kernel(self) -> fn(&[f32], &mut [f32]) {
        match self {
            Self::Gelu => gelu,
            Self::GeluTanh => gelu_tanh,
            Self::Relu => relu,
            Self::Silu => silu,
            Self::Tanh => tanh_of,
        }
    }

    /// Multiplies the second slice, gradients behind the activation, with its derivative at the numbers of the first.
    pub(super) fn derivative_kernel(self) -> fn(&[f32], &mut [f32]) {
        match self {
            Self::Gelu => gelu_backward,
            Self::GeluTanh => gelu_tanh_backward,
            Self::Relu => relu_backward,
            Self::Silu => silu_backward,
            Self::Tanh => tanh_backward,
        }
    }
}

/// The activation of every element.
pub(super) fn apply(x: &Array, activation: Activation) -> Array {
    let kernel = activation.kernel();
    Array::written(x.rows(), x.width(), |out| {
        out.par_chunks_mut(CHUNK).zip(x.values().par_chunks(CHUNK)).for_each(|(out, x)| kernel(x, out));
    })
}

/// The gradient before the activation from the gradient behind it and the activation's input.
pub(super) fn backward(mut gradient: Array, input: &Array, activation: Activation) -> Array {
    let kernel = activation.derivative_kernel();
    let chunks = gradient.values_mut().par_chunks_mut(CHUNK).zip(input.values().par_chunks(CHUNK));
    chunks.for_each(|(gradient, x)| kernel(x, gradient));
    gradient
}

simd_kernel! {
    fn gelu(x: &[f32], out: &mut [f32]) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = 0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2));
        }
    }
}

simd_kernel! {
    // d/dx x Φ(x) = Φ(x) + x φ(x)
    fn gelu_backward(x: &[f32], gradient: &mut [f32]) {
        /// 1 / √(2π).
        const DENSITY: f32 = 0.398_942_3;
        for (gradient, &x) in gradient.iter_mut().zip(x) {
            let below = 0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2));
            *gradient *= below + x * DENSITY * exp(-0.5 * x * x);
        }
    }
}

/// √(2/π), and the weight of the cube: the constants of the approximation.
const ROOT: f32 = 0.797_884_6;
const CUBE: f32 = 0.044_715;

#[inline(always)]
#[allow(clippy::inline_always, reason = "must be compiled inside each variant of a kernel")]
fn tanh(x: f32) -> f32 {
    // Beyond 9 it is 1 within a float's precision.
    let power = exp(2.0 * x.clamp(-9.1, 9.1));
    (power - 1.0) / (power + 1.0)
}

simd_kernel! {
    fn gelu_tanh(x: &[f32], out: &mut [f32]) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = 0.5 * x * (1.0 + tanh(ROOT * (x + CUBE * x * x * x)));
        }
    }
}

simd_kernel! {
    // With u = √(2/π) (x + c x³):  d/dx 0.5 x (1 + tanh u) = 0.5 (1 + tanh u) + 0.5 x (1 - tanh² u) √(2/π) (1 + 3 c x²)
    fn gelu_tanh_backward(x: &[f32], gradient: &mut [f32]) {
        for (gradient, &x) in gradient.iter_mut().zip(x) {
            // Beyond, the slope is 0 or 1, and the powers would overflow.
            let x = x.clamp(-30.0, 30.0);
            let bent = tanh(ROOT * (x + CUBE * x * x * x));
            *gradient *= 0.5 * (1.0 + bent) + 0.5 * x * (1.0 - bent * bent) * ROOT * (1.0 + 3.0 * CUBE * x * x);
        }
    }
}

simd_kernel! {
    fn relu(x: &[f32], out: &mut [f32]) {
        for (out, &x) in out.iter_mut().zip(x) {
            // A value that is not a number stays one, to be found.
            *out = if x <= 0.0 { 0.0 } else { x };
        }
    }
}

simd_kernel! {
    fn relu_backward(x: &[f32], gradient: &mut [f32]) {
        for (gradient, &x) in gradient.iter_mut().zip(x) {
            *gradient = if x <= 0.0 { 0.0 } else { *gradient };
        }
    }
}

simd_kernel! {
    fn silu(x: &[f32], out: &mut [f32]) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = x / (1.0 + exp(-x));
        }
    }
}

simd_kernel! {
    // With s the sigmoid:  d/dx x s(x) = s(x) (1 + x (1 - s(x)))
    fn silu_backward(x: &[f32], gradient: &mut [f32]) {
        for (gradient, &x) in gradient.iter_mut().zip(x) {
            let sigmoid = 1.0 / (1.0 + exp(-x));
            *gradient *= sigmoid * (1.0 + x * (1.0 - sigmoid));
        }
    }
}

simd_kernel! {
    fn tanh_of(x: &[f32], out: &mut [f32]) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = tanh(x);
        }
    }
}

simd_kernel! {
    fn tanh_backward(x: &[f32], gradient: &mut [f32]) {
        for (gradient, &x) in gradient.iter_mut().zip(x) {
            let bent = tanh(x);
            *gradient *= 1.0 - bent * bent;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{agree, normal};

    const ALL: [Activation; 5] =
        [Activation::Gelu, Activation::GeluTanh, Activation::Relu, Activation::Silu, Activation::Tanh];

    #[test]
    fn agrees_with_the_reference() {
        for activation in ALL {
            for shape in [vec![1, 1], vec![37, 1], vec![5, 19], vec![40, 1000]] {
                agree(
                    &[(normal(shape, 1) * 2.0).unwrap()],
                    &[],
                    |tape, x, _| tape.activation(&x[0], activation),
                    |x| reference(&x[0], activation),
                );
            }
        }
    }

    #[test]
    fn extreme_values_stay_finite() {
        for activation in ALL {
            let x = Array::from_values(1, 4, &[-1e30, -100.0, 100.0, 1e12]);
            let out = apply(&x, activation);
            let slope = backward(Array::from_values(1, 4, &[1.0; 4]), &x, activation);
            assert!(out.values().iter().all(|value| value.is_finite()), "{activation:?} {:?}", out.values());
            assert!(slope.values().iter().all(|value| value.is_finite()), "{activation:?} {:?}", slope.values());
            assert!(out.values()[1].abs() < 1e-3 || activation == Activation::Tanh);
        }
    }
}
