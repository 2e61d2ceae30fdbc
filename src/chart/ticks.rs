//! Round numbers along an axis.

/// A place on an axis that has a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tick {
    /// The number.
    pub value: f64,
    /// The distance to the next one.
    pub step: f64,
}

/// Ticks at 1, 2 or 5 times a power of ten, about `wanted` of them between the bounds, at least `smallest` apart. None if the bounds
/// are equal or not finite.
#[must_use]
pub fn ticks([low, high]: [f64; 2], wanted: f64, smallest: f64) -> Vec<Tick> {
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
    (first..=last).map(|index| Tick { value: index as f64 * step, step }).collect()
}

/// Numbers below this have a power of ten where they need many decimals.
const SCIENTIFIC: f64 = 1e-2;

impl Tick {
    /// The number, with as many decimals as the distance to the next one needs.
    #[must_use]
    pub fn label(self) -> String {
        let step = self.step.abs();
        if self.value.abs() < step / 2.0 {
            return "0".to_owned();
        }
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        if decimals > 3 && self.value.abs() < SCIENTIFIC {
            let digits = (self.value.abs().log10().floor() - step.log10().floor()).max(0.0) as usize;
            let text = format!("{:.*e}", digits, self.value);
            // 1e-4 beside 5e-5, and not 1.0e-4.
            return match text.split_once('e') {
                Some((number, power)) if number.contains('.') => {
                    format!("{}e{power}", number.trim_end_matches('0').trim_end_matches('.'))
                }
                _ => text,
            };
        }
        format!("{:.*}", decimals, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64, smallest: f64) -> Vec<String> {
        ticks([low, high], 4.0, smallest).into_iter().map(Tick::label).collect()
    }

    #[test]
    fn ticks_are_round_numbers_with_enough_decimals() {
        assert_eq!(labels(0.0, 2.1, 0.0), ["0", "1", "2"].map(str::to_owned));
        assert_eq!(labels(0.51, 0.6, 0.0), ["0.55", "0.60"].map(str::to_owned));
        assert_eq!(labels(0.0, 5e-5, 0.0), ["0", "2e-5", "4e-5"].map(str::to_owned));
        assert_eq!(labels(0.0, 1.6e-4, 0.0), ["0", "5e-5", "1e-4", "1.5e-4"].map(str::to_owned));
        assert_eq!(labels(1.0911, 1.0914, 0.0), ["1.0911", "1.0912", "1.0913", "1.0914"].map(str::to_owned));
        assert_eq!(labels(1.09115, 1.09125, 0.0)[0], "1.09115");
        assert_eq!(labels(0.0, 3.0, 1.0), ["0", "1", "2", "3"].map(str::to_owned));
        assert!(labels(1.0, 1.0, 0.0).is_empty() && labels(f64::NAN, 1.0, 0.0).is_empty());
    }
}
