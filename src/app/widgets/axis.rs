//! The numbers on the axes of plots.

use egui_plot::{GridInput, GridMark};

use crate::app::widgets::curve_series::Scale;

/// Grid marks at 1, 2 or 5 times a power of ten, about `wanted` of them, at least `smallest` apart.
pub fn ticks(input: &GridInput, wanted: f64, smallest: f64) -> Vec<GridMark> {
    let (low, high) = input.bounds;
    let raw = ((high - low) / wanted).max(smallest);
    if !raw.is_finite() || raw <= 0.0 {
        return Vec::new();
    }
    let power = 10_f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|&step| step >= raw * 0.999);
    let step = step.unwrap_or(10.0 * power);
    // A little slack: 0.6 / 0.05 is 11.999….
    let first = (low / step - 1e-6).ceil() as i64;
    let last = ((high / step + 1e-6).floor() as i64).min(first + 50);
    (first..=last).map(|index| GridMark { value: index as f64 * step, step_size: step }).collect()
}

/// Numbers below this have a power of ten where they need many decimals.
const SCIENTIFIC: f64 = 1e-2;

/// The number at a tick, with as many decimals as the tick distance needs.
pub fn tick(mark: GridMark) -> String {
    let step = mark.step_size.abs();
    if mark.value.abs() < step / 2.0 {
        return "0".to_owned();
    }
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    if decimals > 3 && mark.value.abs() < SCIENTIFIC {
        let digits = (mark.value.abs().log10().floor() - step.log10().floor()).max(0.0) as usize;
        let text = format!("{:.*e}", digits, mark.value);
        // 1e-4 beside 5e-5, and not 1.0e-4.
        return match text.split_once('e') {
            Some((number, power)) if number.contains('.') => {
                format!("{}e{power}", number.trim_end_matches('0').trim_end_matches('.'))
            }
            _ => text,
        };
    }
    format!("{:.*}", decimals, mark.value)
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

    fn marks(low: f64, high: f64, smallest: f64) -> Vec<String> {
        let input = GridInput { bounds: (low, high), base_step_size: 1.0 };
        ticks(&input, 4.0, smallest).into_iter().map(tick).collect()
    }

    #[test]
    fn ticks_are_round_numbers_with_enough_decimals() {
        assert_eq!(marks(0.0, 2.1, 0.0), ["0", "1", "2"].map(str::to_owned));
        assert_eq!(marks(0.51, 0.6, 0.0), ["0.55", "0.60"].map(str::to_owned));
        assert_eq!(marks(0.0, 5e-5, 0.0), ["0", "2e-5", "4e-5"].map(str::to_owned));
        assert_eq!(marks(0.0, 1.6e-4, 0.0), ["0", "5e-5", "1e-4", "1.5e-4"].map(str::to_owned));
        assert_eq!(marks(1.0911, 1.0914, 0.0), ["1.0911", "1.0912", "1.0913", "1.0914"].map(str::to_owned));
        assert_eq!(marks(1.09115, 1.09125, 0.0)[0], "1.09115");
        assert_eq!(marks(0.0, 3.0, 1.0), ["0", "1", "2", "3"].map(str::to_owned));
        assert!(marks(1.0, 1.0, 0.0).is_empty());
    }

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
