//! Exponential and error function without branches or calls, so that loops over them vectorise.

#![allow(clippy::inline_always, reason = "must be compiled inside each variant of a kernel")]
#![allow(clippy::excessive_precision, clippy::unreadable_literal, reason = "coefficients as published")]

/// `e^x` within 2 units in the last place; below -87.3 it stays at 1.2e-38, above 88.3 at 2.2e38.
///
/// Source: the polynomial of the Cephes library's `expf` (S. Moshier).
#[inline(always)]
#[must_use]
pub fn exp(x: f32) -> f32 {
    /// 1.5 x 2^23: adding it rounds to a whole number, which then stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.3, 88.3);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let rest = x - whole * 0.693359375 + whole * 2.12194440e-4;
    let mut sum = 1.9875691500e-4;
    sum = sum * rest + 1.3981999507e-3;
    sum = sum * rest + 8.3334519073e-3;
    sum = sum * rest + 4.1665795894e-2;
    sum = sum * rest + 1.6666665459e-1;
    sum = sum * rest + 5.0000001201e-1;
    sum = sum * rest * rest + rest + 1.0;
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    sum * f32::from_bits(exponent)
}

/// The error function, absolute error below 5e-7.
///
/// Source: the rational approximation of Eigen's `erf` for floats; beyond 4 the function is 1 within a float's precision.
#[inline(always)]
#[must_use]
pub fn erf(x: f32) -> f32 {
    let x = x.clamp(-4.0, 4.0);
    let square = x * x;
    let mut top = -2.72614225801306e-10;
    top = top * square + 2.77068142495902e-08;
    top = top * square - 2.10102402082508e-06;
    top = top * square - 5.69250639462346e-05;
    top = top * square - 7.34990630326855e-04;
    top = top * square - 2.95459980854025e-03;
    top = top * square - 1.60960333262415e-02;
    let mut bottom = -1.45660718464996e-05;
    bottom = bottom * square - 2.13374055278905e-04;
    bottom = bottom * square - 1.68282697438203e-03;
    bottom = bottom * square - 7.37332916720468e-03;
    bottom = bottom * square - 1.42647390514189e-02;
    x * top / bottom
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_exact_to_two_units() {
        for step in -87_000..88_000 {
            let x = step as f32 * 1e-3;
            let exact = f64::from(x).exp();
            let relative = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(relative < 2.5e-7, "{x}: {relative}");
        }
        assert!(exp(f32::NAN).is_nan());
        assert!(exp(f32::NEG_INFINITY) < 2e-38);
        assert_eq!(exp(0.0).to_bits(), 1.0_f32.to_bits());
    }

    #[test]
    fn erf_is_exact_to_float_precision() {
        for step in -6_000..6_000 {
            let x = step as f32 * 1e-3;
            let exact = candle_core::cpu::erf::erf_f64(f64::from(x));
            assert!((f64::from(erf(x)) - exact).abs() < 5e-7, "{x}: {} {exact}", erf(x));
        }
        assert!(erf(f32::NAN).is_nan());
    }
}
