//! Minimises a smooth convex function with L-BFGS (Nocedal and Wright, Numerical Optimization, algorithm 7.5).

use std::collections::VecDeque;

/// Pairs of steps and gradient changes kept.
const MEMORY: usize = 10;
/// A step must achieve this share of the decrease that the slope predicts (Armijo).
const SUFFICIENT: f64 = 1e-4;
/// Halvings of a step before the search gives up, because the precision is exhausted.
const MOST_HALVINGS: usize = 40;

/// When the search ends.
pub(super) struct Limits {
    /// Largest absolute entry of the gradient that counts as flat.
    pub tolerance: f64,
    /// Most iterations.
    pub iterations: usize,
}

/// The point that minimises `objective`, starting from `start`. `objective` returns the value and writes the gradient.
/// `go_on` is called with the iteration; if it returns false, the result is `None`.
pub(super) fn minimise(
    start: Vec<f64>,
    limits: &Limits,
    mut objective: impl FnMut(&[f64], &mut [f64]) -> f64,
    mut go_on: impl FnMut(usize) -> bool,
) -> Option<Vec<f64>> {
    let mut point = start;
    let mut gradient = vec![0.0; point.len()];
    let mut value = objective(&point, &mut gradient);
    let mut history: VecDeque<Pair> = VecDeque::with_capacity(MEMORY);
    let (mut next, mut next_gradient) = (point.clone(), gradient.clone());
    for iteration in 0..limits.iterations {
        if !go_on(iteration) {
            return None;
        }
        if gradient.iter().all(|entry| entry.abs() <= limits.tolerance) {
            break;
        }
        let mut direction = descent(&gradient, &history);
        let mut slope = dot(&direction, &gradient);
        if slope >= 0.0 {
            history.clear();
            direction = gradient.iter().map(|entry| -entry).collect();
            slope = -dot(&gradient, &gradient);
        }
        let mut step = if history.is_empty() { 1.0 / dot(&gradient, &gradient).sqrt().max(1e-300) } else { 1.0 };
        let mut accepted = false;
        for _ in 0..MOST_HALVINGS {
            for ((next, at), towards) in next.iter_mut().zip(&point).zip(&direction) {
                *next = at + step * towards;
            }
            let next_value = objective(&next, &mut next_gradient);
            if next_value <= value + SUFFICIENT * step * slope {
                value = next_value;
                accepted = true;
                break;
            }
            step *= 0.5;
        }
        if !accepted {
            break;
        }
        remember(&mut history, Pair::between(&point, &next, &gradient, &next_gradient));
        std::mem::swap(&mut point, &mut next);
        std::mem::swap(&mut gradient, &mut next_gradient);
    }
    Some(point)
}

/// A step and the change of the gradient.
struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    /// Their product: the curvature along the step, above 0 for a convex function.
    curvature: f64,
}

impl Pair {
    fn between(from: &[f64], to: &[f64], gradient: &[f64], next_gradient: &[f64]) -> Self {
        let difference = |a: &[f64], b: &[f64]| -> Vec<f64> { b.iter().zip(a).map(|(b, a)| b - a).collect() };
        let (step, change) = (difference(from, to), difference(gradient, next_gradient));
        let curvature = dot(&step, &change);
        Self { step, change, curvature }
    }
}

fn remember(history: &mut VecDeque<Pair>, pair: Pair) {
    if pair.curvature <= 1e-12 * dot(&pair.change, &pair.change) {
        return;
    }
    if history.len() == MEMORY {
        history.pop_front();
    }
    history.push_back(pair);
}

/// The two-loop recursion: minus the approximate inverse Hessian times the gradient.
fn descent(gradient: &[f64], history: &VecDeque<Pair>) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|entry| -entry).collect();
    let mut shares = Vec::with_capacity(history.len());
    for pair in history.iter().rev() {
        let share = dot(&pair.step, &direction) / pair.curvature;
        add_scaled(&mut direction, -share, &pair.change);
        shares.push(share);
    }
    if let Some(last) = history.back() {
        let scale = last.curvature / dot(&last.change, &last.change);
        for entry in &mut direction {
            *entry *= scale;
        }
    }
    for (pair, share) in history.iter().zip(shares.into_iter().rev()) {
        let correction = dot(&pair.change, &direction) / pair.curvature;
        add_scaled(&mut direction, share - correction, &pair.step);
    }
    direction
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add_scaled(to: &mut [f64], scale: f64, from: &[f64]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += scale * from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_of_a_stretched_paraboloid_is_found() {
        let bowl = |point: &[f64], gradient: &mut [f64]| {
            let mut value = 0.0;
            for (index, (&at, slope)) in point.iter().zip(gradient).enumerate() {
                let weight = 10f64.powf(index as f64);
                value += 0.5 * weight * (at - index as f64).powi(2);
                *slope = weight * (at - index as f64);
            }
            value
        };
        let limits = Limits { tolerance: 1e-9, iterations: 500 };
        let found = minimise(vec![5.0; 5], &limits, bowl, |_| true).unwrap();
        for (index, at) in found.iter().enumerate() {
            assert!((at - index as f64).abs() < 1e-6, "{found:?}");
        }
        assert!(minimise(vec![5.0; 5], &limits, bowl, |iteration| iteration < 2).is_none());
    }
}
