//! Axes: their ends, and how their numbers are written.

use crate::chart::Tick;
use crate::words::count;

/// How the numbers of an axis are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numbers {
    /// With as many decimals as needed.
    #[default]
    Plain,
    /// Whole numbers.
    Counts,
    /// Shares as percentages.
    Percent,
}

impl Numbers {
    /// The least distance between two of them.
    pub(super) fn smallest(self) -> f64 {
        if self == Self::Counts { 1.0 } else { 0.0 }
    }

    /// The number at a tick.
    pub(super) fn label(self, tick: Tick) -> String {
        match self {
            Self::Plain => tick.label(),
            Self::Counts => count(tick.value.max(0.0).round() as u64),
            Self::Percent => format!("{}%", Tick { value: 100.0 * tick.value, step: 100.0 * tick.step }.label()),
        }
    }
}

/// An axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// What it shows; empty if the title of the chart says so.
    pub title: String,
    /// Its ends; `None` if these follow from the points.
    pub ends: Option<[f64; 2]>,
    /// How its numbers are written.
    pub numbers: Numbers,
}

impl Axis {
    /// An axis from 0 to 1, in percent.
    #[must_use]
    pub fn share(title: &str) -> Self {
        Self { title: title.to_owned(), ends: Some([0.0, 1.0]), numbers: Numbers::Percent }
    }

    /// The values at its ends: never equal, with `margin` as part of the range on each side, but not below 0 without need.
    pub(super) fn range(&self, values: impl Iterator<Item = f64>, margin: f64) -> [f64; 2] {
        if let Some(ends) = self.ends {
            return ends;
        }
        let finite = values.filter(|value| value.is_finite());
        let (low, high) =
            finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            return [0.0, 1.0];
        }
        if low.total_cmp(&high).is_eq() {
            let around = if low == 0.0 { 0.5 } else { 0.1 * low.abs() };
            return [low - around, high + around];
        }
        let room = margin * (high - low);
        let lower = if low >= 0.0 { (low - room).max(0.0) } else { low - room };
        [lower, high + room]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ends of an axis with a margin, with one decimal.
    fn axis(values: &[f64]) -> String {
        format!("{:.1?}", Axis::default().range(values.iter().copied(), 0.1))
    }

    #[test]
    fn an_axis_holds_all_values_and_is_never_empty() {
        assert_eq!([axis(&[1.0, 3.0]), axis(&[-1.0, 3.0])], ["[0.8, 3.2]", "[-1.4, 3.4]"]);
        assert_eq!(axis(&[0.1, 3.0]), "[0.0, 3.3]", "a loss is not below 0");
        assert_eq!([axis(&[]), axis(&[f64::NAN]), axis(&[0.0])], ["[0.0, 1.0]", "[0.0, 1.0]", "[-0.5, 0.5]"]);
        assert_eq!(axis(&[2.0, 2.0]), "[1.8, 2.2]");
        assert_eq!(format!("{:?}", Axis::share("").range([7.0].into_iter(), 0.1)), "[0.0, 1.0]");
    }

    #[test]
    fn numbers_along_an_axis_suit_what_it_shows() {
        let tick = |value, step| Tick { value, step };
        assert_eq!(Numbers::Percent.label(tick(0.2, 0.2)), "20%");
        assert_eq!(Numbers::Percent.label(tick(0.985, 0.005)), "98.5%");
        assert_eq!(Numbers::Counts.label(tick(12_000.0, 2_000.0)), "12,000");
        assert_eq!(Numbers::Plain.label(tick(0.25, 0.05)), "0.25");
    }
}
