//! The numbers on the axes of plots.

use egui_plot::{GridInput, GridMark};

use crate::app::widgets::curve_series::Scale;
use crate::chart::{self, Tick};

/// Grid marks at 1, 2 or 5 times a power of ten, about `wanted` of them, at least `smallest` apart.
pub fn ticks(input: &GridInput, wanted: f64, smallest: f64) -> Vec<GridMark> {
    let (low, high) = input.bounds;
    let ticks = chart::ticks([low, high], wanted, smallest).into_iter();
    ticks.map(|Tick { value, step }| GridMark { value, step_size: step }).collect()
}

/// The number at a tick, with as many decimals as the tick distance needs.
pub fn tick(mark: GridMark) -> String {
    Tick { value: mark.value, step: mark.step_size }.label()
}

/// The ticks of a scale: those of a logarithmic one are at 1, 2 and 5 times the powers of ten, or at the powers alone.
pub fn scaled_ticks(input: &GridInput, scale: Scale) -> Vec<GridMark> {
    let (low, high) = input.bounds;
    if scale == Scale::Linear || !(low.is_finite() && high.is_finite()) {
        return ticks(input, 4.0, 0.0);
    }
    let factors: &[f64] = if high - low > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let powers = (low.floor() as i32)..=(high.ceil() as i32).min(low.floor() as i32 + 50);
    let places = powers.flat_map(|power| factors.iter().map(move |factor| factor.log10() + f64::from(power)));
    places.filter(|place| (low..=high).contains(place)).map(|value| GridMark { value, step_size: 1.0 }).collect()
}

/// The number at a tick of a scale.
pub fn scaled_tick(mark: GridMark, scale: Scale) -> String {
    if scale == Scale::Linear {
        return tick(mark);
    }
    let value = scale.value(mark.value);
    if (0.9e-3..1e4).contains(&value) { format!("{}", (value * 1e4).round() / 1e4) } else { format!("{value:.0e}") }
}

/// A number with four decimals, or in scientific notation if it is small.
pub fn axis_value(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-3 { format!("{value:.2e}") } else { format!("{value:.4}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logarithmic_axis_has_round_numbers() {
        let marks = |low, high| -> Vec<String> {
            let input = GridInput { bounds: (low, high), base_step_size: 1.0 };
            scaled_ticks(&input, Scale::Log).into_iter().map(|mark| scaled_tick(mark, Scale::Log)).collect()
        };
        assert_eq!(marks(-1.1, 0.4), ["0.1", "0.2", "0.5", "1", "2"].map(str::to_owned));
        assert_eq!(marks(-4.0, 1.0), ["1e-4", "0.001", "0.01", "0.1", "1", "10"].map(str::to_owned));
    }
}
