//! Sums over slices in a fixed order: sixteen running sums side by side, as wide as the widest register, folded in pairs.
//!
//! The compiler may not reorder additions of floats, so a plain sum would run one number at a time.

#![allow(clippy::inline_always, reason = "must be compiled inside each variant of a kernel")]

const LANES: usize = 16;

/// Sum of `values`.
#[inline(always)]
#[must_use]
pub fn sum(values: &[f32]) -> f32 {
    map_sum(values, |value| value)
}

/// Sum of `f` of each value.
#[inline(always)]
#[must_use]
pub fn map_sum(values: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += f(value);
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane += f(value);
    }
    fold(lanes)
}

/// Sum of the products of two slices of the same length.
#[inline(always)]
#[must_use]
pub fn dot(left: &[f32], right: &[f32]) -> f32 {
    let ((left, left_rest), (right, right_rest)) = (left.as_chunks::<LANES>(), right.as_chunks::<LANES>());
    let mut lanes = [0.0; LANES];
    for (left, right) in left.iter().zip(right) {
        for ((lane, &left), &right) in lanes.iter_mut().zip(left).zip(right) {
            *lane += left * right;
        }
    }
    for ((lane, &left), &right) in lanes.iter_mut().zip(left_rest).zip(right_rest) {
        *lane += left * right;
    }
    fold(lanes)
}

/// Largest of `values`; negative infinity for none.
#[inline(always)]
#[must_use]
pub fn max(values: &[f32]) -> f32 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = if value > *lane { value } else { *lane };
        }
    }
    lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |largest, &value| largest.max(value))
}

/// Sum of the squares, in double precision.
#[inline(always)]
#[must_use]
pub fn sum_of_squares(values: &[f32]) -> f64 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0_f64; LANES];
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from(value) * f64::from(value);
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane += f64::from(value) * f64::from(value);
    }
    lanes.iter().sum()
}

#[inline(always)]
fn fold(mut lanes: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_agree_with_plain_loops_at_every_length() {
        for length in 0..70 {
            let values: Vec<f32> = (0..length).map(|at| (at as f32 * 0.37).sin()).collect();
            let other: Vec<f32> = (0..length).map(|at| (at as f32 * 0.91).cos()).collect();
            assert!((sum(&values) - values.iter().sum::<f32>()).abs() < 1e-5);
            let plain: f32 = values.iter().zip(&other).map(|(a, b)| a * b).sum();
            assert!((dot(&values, &other) - plain).abs() < 1e-5);
            let plain: f64 = values.iter().map(|&a| f64::from(a).powi(2)).sum();
            assert!((sum_of_squares(&values) - plain).abs() < 1e-12);
            let plain = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert_eq!(max(&values).to_bits(), plain.to_bits());
        }
    }
}
