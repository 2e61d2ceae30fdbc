//! The Gaussian error linear unit in its exact form, `x Φ(x)` (Hendrycks and Gimpel, 1606.08415).

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::host::{gradient, is_fast, operand, output, values};
use super::kernels::math::{erf, exp};
use super::kernels::{CHUNK, simd_kernel};

/// `x Φ(x)` of each element, with Φ the normal distribution function; any shape.
///
/// # Errors
/// When a tensor operation fails.
pub fn gelu(x: &Tensor) -> Result<Tensor> {
    if is_fast(&[x]) { x.contiguous()?.apply_op1(Fast) } else { x.gelu_erf() }
}

struct Fast;

impl CustomOp1 for Fast {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = operand(x, layout)?;
        let mut out = vec![0.0; x.len()];
        out.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(out, x)| forward(x, out));
        Ok(output(out, layout.shape()))
    }

    fn bwd(&self, x: &Tensor, _result: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let grad = grad.contiguous()?;
        let (inputs, grad) = (values(x)?, values(&grad)?);
        let mut out = vec![0.0; grad.len()];
        out.par_chunks_mut(CHUNK)
            .zip(inputs.par_chunks(CHUNK).zip(grad.par_chunks(CHUNK)))
            .for_each(|(out, (x, grad))| backward(x, grad, out));
        gradient(out, x).map(Some)
    }
}

simd_kernel! {
    fn forward(x: &[f32], out: &mut [f32]) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = 0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2));
        }
    }
}

simd_kernel! {
    // d/dx x Φ(x) = Φ(x) + x φ(x), with φ the normal density
    fn backward(x: &[f32], grad: &[f32], out: &mut [f32]) {
        const DENSITY: f32 = 0.398_942_3;
        for ((out, &x), &grad) in out.iter_mut().zip(x).zip(grad) {
            let below = 0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2));
            *out = grad * (below + x * DENSITY * exp(-0.5 * x * x));
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::ops::testing::{agree, normal};

    #[test]
    fn agrees_with_the_reference() {
        for shape in [vec![1], vec![37], vec![5, 19], vec![3, 7, 16], vec![40_000]] {
            agree(&[(normal(shape, 1) * 2.0).unwrap()], |x| gelu(&x[0]), |x| x[0].gelu_erf());
        }
    }

    #[test]
    fn far_ends_stay_finite() {
        let x = Tensor::new(&[-1e30_f32, -100.0, 100.0, 1e18], &Device::Cpu).unwrap();
        let out = gelu(&x).unwrap().to_vec1::<f32>().unwrap();
        assert!(out[0].abs() < 1e-3 && out[1].abs() < 1e-3, "{out:?}");
        assert!((out[2] - 100.0).abs() < 1e-3 && out[3] > 9e17, "{out:?}");
    }
}
